#include "conformance/monitor/request.h"

#include "absl/strings/str_cat.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance::monitor {
namespace {

// A response with C wants an empty request (§6.2).
void CheckEmptyAnswer(const Context& c) {
  if (!c.pdu.has_login_request() && !c.pdu.has_text_request()) return;
  if (!c.connection.sender.continues) return;
  c.connection.sender.continues = false;
  // A new text exchange is none with what was said before it.
  if (c.pdu.has_text_request() &&
      c.pdu.text_request().target_transfer_tag() == initiator_sim::kReservedTag) {
    return;
  }
  if (c.pdu.data_segment_length() != 0) {
    c.Report(RuleId::kIEmptyAnswer,
             absl::StrCat("answers a response with C by ", c.pdu.data_segment_length(), " bytes"));
  }
}

}  // namespace

void CheckRequest(const Context& c) {
  if (c.tap.misbehaving) return;
  CheckRequestFormat(c);
  if (!c.tap.decoded->header_digest_ok || !initiator_sim::IsRequest(c.pdu.kind_case())) return;
  const Phase phase = c.connection.phase;
  CheckEmptyAnswer(c);
  if (c.pdu.has_login_request()) {
    CheckRequestNumbers(c);
    return CheckLoginRequest(c);
  }
  if (phase == Phase::kBeforeLogin || phase == Phase::kLogin) {
    c.Report(RuleId::kILoginFirst,
             absl::StrCat(initiator_sim::NameOf(c.pdu.kind_case()), " before the login is over"));
    return;
  }
  // After a Login reject the connection is at its end.
  if (phase == Phase::kFailed) return;
  CheckRequestNumbers(c);
  CheckRequestTask(c);
  if (c.pdu.has_scsi_command()) CheckCommand(c);
  if (c.pdu.has_data_out()) CheckDataOut(c);
  if (c.pdu.has_text_request()) CheckTextRequest(c);
}

}  // namespace pushpull::conformance::monitor
