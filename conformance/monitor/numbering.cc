// StatSN, and the window of CmdSNs. (RFC 7143 §4.2.2)

#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/serial.h"
#include "conformance/monitor/context.h"

namespace pushpull::conformance::monitor {
namespace {

using base::SerialDistance;
using base::SerialGreater;
using base::SerialGreaterOrEqual;
using base::SerialLess;
using initiator_sim::kReservedTag;

// A CmdSN that is farther ahead was never meant to be taken.
constexpr int32_t kMaxAhead = 1 << 16;

void MarkSent(Session* session, uint32_t cmd_sn) {
  if (!session->unsent.has_value()) return;
  const int32_t ahead = SerialDistance(*session->unsent, cmd_sn);
  if (ahead < 0 || ahead > kMaxAhead) return;
  session->sent_ahead.insert(cmd_sn);
  while (session->sent_ahead.erase(*session->unsent) != 0) ++*session->unsent;
}

// Every number below `cmd_sn` may be counted as received.
void Plug(Session* session, uint32_t cmd_sn) {
  if (!session->unsent.has_value()) return;
  const int32_t ahead = SerialDistance(*session->unsent, cmd_sn);
  if (ahead <= 0 || ahead > kMaxAhead) return;
  for (; *session->unsent != cmd_sn; ++*session->unsent) {
    session->sent_ahead.erase(*session->unsent);
  }
  while (session->sent_ahead.erase(*session->unsent) != 0) ++*session->unsent;
}

// The three numbers of a response; `status`: StatSN counts this PDU.
struct Numbers {
  bool there = false;
  uint32_t stat_sn = 0;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
};

template <typename Response>
Numbers From(const Response& r) {
  return {true, r.stat_sn(), r.exp_cmd_sn(), r.max_cmd_sn()};
}

Numbers NumbersOf(const v1::Pdu& pdu) {
  switch (pdu.kind_case()) {
    case v1::Pdu::kNopIn:
      return From(pdu.nop_in());
    case v1::Pdu::kScsiResponse:
      return From(pdu.scsi_response());
    case v1::Pdu::kTaskManagementResponse:
      return From(pdu.task_management_response());
    case v1::Pdu::kLoginResponse:
      // §11.13.5: the numbering fields are only valid with Status-Class 0.
      if (pdu.login_response().status_class() != 0) return {};
      return From(pdu.login_response());
    case v1::Pdu::kTextResponse:
      return From(pdu.text_response());
    case v1::Pdu::kDataIn:
      return From(pdu.data_in());
    case v1::Pdu::kLogoutResponse:
      return From(pdu.logout_response());
    case v1::Pdu::kR2T:
      return From(pdu.r2t());
    case v1::Pdu::kAsyncMessage:
      return From(pdu.async_message());
    case v1::Pdu::kReject:
      return From(pdu.reject());
    default:
      return {};
  }
}

void CheckStatSn(const Context& c, uint32_t stat_sn) {
  // §11.7.3, A30: without S the field has no meaning.
  if (c.pdu.has_data_in() && !c.pdu.data_in().status_present()) return;
  std::optional<uint32_t>& next = c.connection.next_stat_sn;
  const bool counts = !c.pdu.has_r2t() &&
                      !(c.pdu.has_nop_in() && c.pdu.nop_in().initiator_task_tag() == kReservedTag);
  if (!next.has_value()) {
    next = counts ? stat_sn + 1 : stat_sn;
    return;
  }
  if (stat_sn != *next) {
    // A status that a SNACK asked for keeps its number (§11.16).
    if (counts && c.connection.status_resent && SerialLess(stat_sn, *next)) return;
    c.Report(counts ? RuleId::kStatSnIncrements : RuleId::kStatSnNext,
             absl::StrCat("StatSN is ", stat_sn, ", not ", *next));
  }
  next = counts ? stat_sn + 1 : stat_sn;
}

void CheckWindow(const Context& c, const Numbers& numbers) {
  const uint32_t exp = numbers.exp_cmd_sn;
  const uint32_t max = numbers.max_cmd_sn;
  if (SerialLess(max, exp - 1)) {
    // Such a pair is ignored (§4.2.2.1).
    c.Report(RuleId::kWindowNotNegative,
             absl::StrCat("MaxCmdSN ", max, " is below ExpCmdSN ", exp, " - 1"));
    return;
  }
  std::optional<uint32_t>& last_exp = c.connection.exp_cmd_sn;
  if (last_exp.has_value() && SerialLess(exp, *last_exp)) {
    c.Report(RuleId::kExpCmdSnNeverFalls, absl::StrCat("ExpCmdSN is ", exp, " after ", *last_exp));
  }
  std::optional<uint32_t>& last_max = c.connection.max_cmd_sn;
  if (last_max.has_value() && SerialLess(max, *last_max)) {
    c.Report(RuleId::kMaxCmdSnNeverFalls, absl::StrCat("MaxCmdSN is ", max, " after ", *last_max));
  }
  last_exp = exp;
  last_max = max;
  const std::optional<uint32_t> unsent = c.session.unsent;
  if (unsent.has_value() && SerialGreater(exp, *unsent)) {
    c.Report(RuleId::kExpCmdSnWithoutHoles,
             absl::StrCat("ExpCmdSN is ", exp, ", but CmdSN ", *unsent, " was not sent"));
  }
  std::optional<uint32_t>& highest = c.session.exp_cmd_sn;
  highest = highest.has_value() ? base::SerialMax(*highest, exp) : exp;
}

}  // namespace

std::optional<uint32_t> CmdSnOf(const v1::Pdu& pdu) {
  switch (pdu.kind_case()) {
    case v1::Pdu::kNopOut:
      return pdu.nop_out().cmd_sn();
    case v1::Pdu::kScsiCommand:
      return pdu.scsi_command().cmd_sn();
    case v1::Pdu::kTaskManagementRequest:
      return pdu.task_management_request().cmd_sn();
    case v1::Pdu::kTextRequest:
      return pdu.text_request().cmd_sn();
    case v1::Pdu::kLogoutRequest:
      return pdu.logout_request().cmd_sn();
    default:
      return std::nullopt;
  }
}

void TakeCmdSn(const Context& c) {
  const std::optional<uint32_t> cmd_sn = CmdSnOf(c.pdu);
  if (cmd_sn.has_value() && !c.pdu.immediate()) MarkSent(&c.session, *cmd_sn);
  // A target may count what an ABORT TASK names as received (§11.6.1).
  if (c.pdu.task_management_request().function() == v1::ABORT_TASK) {
    MarkSent(&c.session, c.pdu.task_management_request().ref_cmd_sn());
  }
  // With a target reset it needn't wait for what it would end at once (§4.2.3.6).
  const auto function = c.pdu.task_management_request().function();
  if (function == v1::TARGET_WARM_RESET || function == v1::TARGET_COLD_RESET) {
    Plug(&c.session, c.pdu.task_management_request().cmd_sn());
  }
}

void CheckNumbers(const Context& c) {
  const Numbers numbers = NumbersOf(c.pdu);
  if (!numbers.there) return;
  CheckStatSn(c, numbers.stat_sn);
  CheckWindow(c, numbers);
}

void CheckAcknowledged(const Context& c, const Task& task) {
  if (task.immediate || !c.session.unsent.has_value() || !c.session.exp_cmd_sn.has_value()) return;
  if (SerialGreater(*c.session.exp_cmd_sn, task.cmd_sn)) return;
  c.Report(RuleId::kAcknowledgedBeforeStatus,
           absl::StrCat("the status of CmdSN ", task.cmd_sn, " comes with ExpCmdSN ",
                        *c.session.exp_cmd_sn));
}

}  // namespace pushpull::conformance::monitor
