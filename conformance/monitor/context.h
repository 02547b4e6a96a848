// What each group of rules is given. Internal to the monitor.

#ifndef CONFORMANCE_MONITOR_CONTEXT_H_
#define CONFORMANCE_MONITOR_CONTEXT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/monitor/rules.h"
#include "conformance/monitor/state.h"
#include "initiator_sim/player/tap.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance::monitor {

class Violations {
 public:
  explicit Violations(size_t max_per_rule) : max_per_rule_(max_per_rule) {}

  void Add(RuleId rule, uint32_t frame, std::string message);
  const std::vector<v1::Violation>& all() const { return all_; }
  // How often a MUST about what a PDU says was broken, those that aren't kept included.
  size_t format_errors() const { return format_errors_; }

 private:
  const size_t max_per_rule_;
  std::array<size_t, static_cast<size_t>(RuleId::kCount)> counts_{};
  size_t format_errors_ = 0;
  std::vector<v1::Violation> all_;
};

struct Context {
  const initiator_sim::TapPdu& tap;
  const v1::Pdu& pdu;
  uint32_t frame;
  Connection& connection;
  Session& session;
  Violations& violations;

  void Report(RuleId rule, std::string message) const {
    violations.Add(rule, frame, std::move(message));
  }
  const std::string& data() const { return pdu.data().raw(); }
};

// ---- format.cc: what one PDU alone shows ----
void CheckFormat(const Context& c);

// ---- numbering.cc ----
// Of a request; nullopt: it carries none.
std::optional<uint32_t> CmdSnOf(const v1::Pdu& pdu);
void TakeCmdSn(const Context& c);  // of a request
void CheckNumbers(const Context& c);
void CheckAcknowledged(const Context& c, const Task& task);

// ---- tasks.cc ----
// What the AHS of a bidirectional command says; nullopt: it has none.
std::optional<uint64_t> BidirectionalReadLength(const v1::Pdu& pdu);
void TakeRequest(const Context& c);
// The task that a response belongs to; nullptr: none, or none that can be judged.
Task* TaskOf(const Context& c);
void EndTask(const Context& c, DoneTask::How how, uint32_t tag);
void EndAbortedTasks(const Context& c, const Task& tmf);

// ---- data_in.cc, r2t.cc, response.cc ----
void CheckDataIn(const Context& c, Task* task);
void CheckR2t(const Context& c, Task* task);
void CheckScsiResponse(const Context& c, Task* task);  // task may be nullptr
// What O, U and Residual Count say of a command that ended with `status`.
struct Residual {
  bool overflow = false;
  bool underflow = false;
  uint64_t count = 0;
  uint32_t status = 0;
};
void CheckResidual(const Context& c, const Residual& residual, const Task* task);

// ---- scsi_names.cc ----
// Of a SCSI Command, of a Data-In, and at the end of a command that succeeded.
void TakeNamingCdb(const Context& c, Task* task);
void TakeNamingData(const Context& c, Task* task);
void CheckNames(const Context& c, const Task& task);
// Whether a request may end registrations that other sessions made.
bool MayUnregisterOthers(const Context& c);

// ---- scsi_lists.cc ----
// Whether the data that a CDB of 16 bytes asks for say how long they are.
bool IsListCdb(std::string_view cdb);
// At the end of such a command that succeeded.
void CheckLists(const Context& c, const Task& task);

// ---- login.cc ----
void TakeLoginRequest(const Context& c);
// Returns whether this response ends the Login Phase with success.
bool CheckLoginResponse(const Context& c);

// ---- keys.cc ----
// A standard-label (§6.1); the "#" of X#NodeArchitecture is none of its characters.
bool IsKeyName(std::string_view name);
enum class KeysOf : uint8_t { kLogin, kRedirect, kText };
// `text`: a logical text data segment of the target. `security_stage`: its stage.
void CheckTargetKeys(const Context& c, const std::string& text, KeyExchange* keys, KeysOf of,
                     bool security_stage);
// The negotiation (or a login stage) is over: each offer has its answer.
void CheckKeysAnswered(const Context& c, const KeyExchange& keys);
// Whether the target offered something that wants an answer and has none.
std::string UnansweredOfferOfTarget(const KeyExchange& keys);
void CheckAgreement(const Context& c, const KeyExchange& keys);

// ---- text.cc ----
void TakeTextRequest(const Context& c, Task* task);
void CheckTextResponse(const Context& c, Task* task);

// ---- send_targets.cc ----
// `text`: a logical text data segment that answers.
void CheckSendTargets(const Context& c, const std::string& text, KeyExchange* keys);

// ---- services.cc ----
void CheckNopIn(const Context& c, const Task* task);
void CheckTmfResponse(const Context& c);
void CheckLogoutResponse(const Context& c, const Task* task);
void CheckReject(const Context& c);
void CheckAsyncMessage(const Context& c);

}  // namespace pushpull::conformance::monitor

#endif  // CONFORMANCE_MONITOR_CONTEXT_H_
