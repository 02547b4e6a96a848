#include "fuzz/blackbox/finding_case.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "conformance/scenario/lint.h"
#include "conformance/scenario/scenario_file.h"
#include "fuzz/blackbox/confine.h"

namespace pushpull::fuzz {
namespace {

// Of what no step waits for: what was due isn't known.
void IgnoreAnswers(v1::Scenario* scenario) {
  for (int kind = v1::Pdu::kNopIn; kind <= v1::Pdu::kReject; ++kind) {
    v1::Pdu* const pdu = scenario->add_ignore();
    pdu->GetReflection()->MutableMessage(pdu, v1::Pdu::descriptor()->FindFieldByNumber(kind));
  }
}

}  // namespace

v1::Scenario AsCase(v1::Scenario sequence, const std::string& id, uint64_t number) {
  sequence.set_id(id);
  sequence.set_title("A target stands this sequence, and answers by the rules.");
  sequence.set_why(absl::StrCat("Found by fuzzing, as sequence ", number, "."));
  sequence.set_level(v1::ROBUSTNESS);
  sequence.set_since(1);
  sequence.set_version(1);
  if (Writes(sequence)) sequence.mutable_needs()->set_writes(true);
  sequence.set_epilogue(v1::PROBE_ON_NEW_CONNECTION);
  IgnoreAnswers(&sequence);
  return sequence;
}

bool AskInstead(v1::Step* step) {
  if (!step->has_expect() && !step->has_gather_data_in() && !step->has_expect_closed())
    return false;
  step->mutable_probe();
  return true;
}

bool IsSound(const v1::Scenario& sequence) {
  conformance::ScenarioFile file;
  file.scenario = AsCase(sequence, "fuzz/sequence", 0);
  return conformance::Lint(file, {}).empty();
}

}  // namespace pushpull::fuzz
