// The steps of one scenario (one row of a sweep) in order: what they use and what must be there by
// then. Internal to the linter.

#ifndef CONFORMANCE_SCENARIO_LINT_STEPS_H_
#define CONFORMANCE_SCENARIO_LINT_STEPS_H_

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "google/protobuf/repeated_field.h"
#include "pushpull/v1/pdu.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::conformance {

// Whether a command changes blocks, as far as its bytes tell.
bool IsWrite(const v1::Cdb& cdb);

class StepLinter {
 public:
  using Report = std::function<void(size_t step, std::string_view rule, std::string message)>;

  StepLinter(const v1::Scenario& scenario, const std::set<std::string>* requirements,
             Report report);

  // `judged`: it is a case by the RFCs, which any target may meet; not what was recorded of one.
  void Run(bool judged);
  // Whether any step can make the case fail.
  bool judges() const { return judges_; }
  bool writes() const { return writes_; }

 private:
  using Predicates = google::protobuf::RepeatedPtrField<v1::Predicate>;
  using Saves = google::protobuf::RepeatedPtrField<v1::Save>;
  using Bindings = google::protobuf::RepeatedPtrField<v1::Binding>;
  using OfferedKeys = google::protobuf::RepeatedPtrField<v1::OfferedKey>;
  using KeyRules = google::protobuf::RepeatedPtrField<v1::KeyRule>;

  void Say(std::string_view rule, std::string message);

  void LintNames();
  void LintStep(const v1::Step& step);
  void LintAction(const v1::Step& step);
  void LintRole(const v1::Step& step);
  void LintTrace(const v1::Step& step);
  void LintDelivery(const v1::Step& step, const v1::Step* next);
  void LintConnection(const v1::Step& step);
  void LintCites(const v1::Step& step);

  void LintConnect(const v1::Connect& connect);
  void LintLogin(const v1::LoginDriver& login);
  void LintSend(const v1::Step& step);
  void LintMisbehaviour(v1::Misbehaviour misbehaviour, const v1::Pdu& pdu);
  void LintExpect(const v1::Expect& expect);
  void LintAlternative(const v1::Expect& expect, const v1::Alternative& alternative);
  void LintReachability(const v1::Step& step);
  void LintCommand(const v1::Command& command);
  void LintElapse(const v1::Elapse& elapse);
  // What a step takes for granted of the target's limits (lint_limits.cc).
  void LintLimits(const v1::Step& step);
  void LintWindow(const v1::Send& send);
  void LintSegment(const v1::Send& send);
  void LintBlocks(const v1::Cdb& cdb, const Bindings& bindings);
  void LintScratch(const v1::Cdb& cdb, const Bindings& bindings, bool absolute_lba);
  void LintConnections(const v1::Connections& connections);
  void LintText(const v1::TextUntilFinal& text);

  // Values, tasks and fields.
  void UseValue(std::string_view name, std::string_view where);
  void UseTask(const std::string& name, std::string_view where);
  void BeginTask(const std::string& name, uint32_t count);
  void UseBindings(const Bindings& bindings, const v1::Pdu& pdu);
  void UsePredicates(const Predicates& predicates, const v1::Pdu& pdu);
  void UseSaves(const Saves& saves, const v1::Pdu& pdu);
  void UseKeys(const OfferedKeys& keys);
  void UseRules(const KeyRules& rules);
  void UsePortal(uint32_t portal);
  void CheckField(std::string_view field, const v1::Pdu& pdu, bool received);
  bool IsBuiltIn(std::string_view name);

  const v1::Scenario& scenario_;
  const std::set<std::string>* const requirements_;
  const Report report_;
  size_t index_ = 0;
  bool judged_ = false;

  enum class Open { kOpen, kClosed };
  std::map<std::string, Open, std::less<>> connections_;
  std::set<std::string, std::less<>> values_;
  std::set<std::string, std::less<>> tasks_;
  std::map<std::string, size_t, std::less<>> step_names_;
  bool ended_ = false;     // no path leads on from here
  size_t resumes_at_ = 0;  // where a go_to comes in again
  bool judges_ = false;
  bool writes_ = false;
  uint64_t window_ = 1;     // commands that steps before required room for
  uint64_t segment_ = 512;  // bytes of data that they required room for; each target takes 512
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_SCENARIO_LINT_STEPS_H_
