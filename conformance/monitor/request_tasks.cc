// Tags, Task Management, Logout, NOP-Out, SNACK. (RFC 7143 §11.5, §11.14, §11.16, §11.18)

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/serial.h"
#include "conformance/monitor/request.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::kReservedTag;
using initiator_sim::NameOf;

constexpr size_t kMaxPings = 4096;

bool BeginsTask(const v1::Pdu& pdu) {
  return pdu.has_scsi_command() || pdu.has_task_management_request() || pdu.has_logout_request() ||
         pdu.has_text_request() || pdu.has_nop_out();
}

void CheckTag(const Context& c) {
  if (!BeginsTask(c.pdu)) return;
  const uint32_t tag = initiator_sim::InitiatorTaskTagOf(c.pdu);
  if (tag == kReservedTag) {
    if (!c.pdu.has_nop_out()) {
      c.Report(RuleId::kITaskTagValid,
               absl::StrCat(NameOf(c.pdu.kind_case()), " with Initiator Task Tag 0xffffffff"));
    }
    return;
  }
  const auto live = c.session.tasks.find(tag);
  if (live == c.session.tasks.end() || live->second.rejected) return;
  const Task& task = live->second;
  // A retry, or what goes on with a text exchange.
  const bool again = task.request == c.pdu.kind_case() &&
                     (c.pdu.has_text_request() || task.cmd_sn == CmdSnOf(c.pdu));
  // After an abort, or on another connection, the tag may be free without a response.
  if (again || c.session.sender.aborted || c.session.cids.size() > 1) return;
  c.Report(RuleId::kITaskTagUnique,
           absl::StrFormat("Initiator Task Tag 0x%x is that of the %s in frame %d", tag,
                           NameOf(task.request), task.frame));
}

void CheckTmf(const Context& c) {
  const v1::TaskManagementRequest& r = c.pdu.task_management_request();
  const bool of_task = r.function() == v1::ABORT_TASK || r.function() == v1::TASK_REASSIGN ||
                       r.function() == v1::QUERY_TASK;
  if (!of_task && r.referenced_task_tag() != kReservedTag) {
    c.Report(RuleId::kITmfFields, absl::StrFormat("Referenced Task Tag is 0x%x in function %d",
                                                  r.referenced_task_tag(), r.function()));
  }
  const bool of_target =
      r.function() == v1::TARGET_WARM_RESET || r.function() == v1::TARGET_COLD_RESET;
  if (of_target && r.lun_bytes() != 0) {
    c.Report(RuleId::kITmfFields,
             absl::StrFormat("LUN is 0x%x in function %d", r.lun_bytes(), r.function()));
  }
  if (r.function() == v1::TASK_REASSIGN && !c.pdu.immediate()) {
    c.Report(RuleId::kITmfReassignImmediate, "TASK REASSIGN with I=0");
  }
  c.session.sender.aborted = true;
  if (r.function() != v1::ABORT_TASK) return;
  const auto task = c.session.tasks.find(r.referenced_task_tag());
  if (task == c.session.tasks.end() || task->second.rejected) return;
  const uint32_t due = task->second.immediate ? r.cmd_sn() : task->second.cmd_sn;
  if (r.ref_cmd_sn() != due) {
    c.Report(RuleId::kITmfRefCmdSn, absl::StrCat("RefCmdSN is ", r.ref_cmd_sn(), ", not ", due));
  }
}

void CheckLogout(const Context& c) {
  const v1::LogoutRequest& r = c.pdu.logout_request();
  if (r.reason() > v1::REMOVE_CONNECTION_FOR_RECOVERY) {
    c.Report(RuleId::kILogoutFields, absl::StrCat("reason ", r.reason()));
  }
  const bool names = r.reason() == v1::CLOSE_CONNECTION;
  if (names && !c.session.cids.empty() &&
      !c.session.cids.contains(static_cast<uint16_t>(r.cid()))) {
    c.Report(RuleId::kILogoutFields, absl::StrCat("the session has no connection ", r.cid()));
  }
  if (r.reason() == v1::CLOSE_SESSION || (names && r.cid() == c.connection.cid)) {
    c.connection.sender.logout_tag = r.initiator_task_tag();
  }
}

void CheckAfterLogout(const Context& c) {
  const std::optional<uint32_t> tag = c.connection.sender.logout_tag;
  if (!tag.has_value() || !BeginsTask(c.pdu)) return;
  // The answer to a ping of the target is no request of its own.
  if (c.pdu.has_nop_out() && c.pdu.nop_out().initiator_task_tag() == kReservedTag) return;
  const auto task = c.session.tasks.find(*tag);
  const bool waits = task != c.session.tasks.end() && !task->second.rejected;
  if (waits || c.connection.phase == Phase::kLoggedOut) {
    c.Report(RuleId::kINothingAfterLogout,
             absl::StrCat(NameOf(c.pdu.kind_case()), " behind the Logout Request"));
  }
}

void CheckNopOut(const Context& c) {
  const v1::NopOut& r = c.pdu.nop_out();
  if (r.initiator_task_tag() == kReservedTag && !c.pdu.immediate()) {
    c.Report(RuleId::kINopOutImmediate, "Initiator Task Tag 0xffffffff with I=0");
  }
  if (r.target_transfer_tag() == kReservedTag || c.connection.phase == Phase::kUnknown) return;
  auto& pings = c.connection.sender.pings;
  const auto ping = pings.find(r.target_transfer_tag());
  if (ping == pings.end()) {
    c.Report(RuleId::kINopOutTag,
             absl::StrFormat("no NOP-In has Target Transfer Tag 0x%x", r.target_transfer_tag()));
    return;
  }
  if (r.lun_bytes() != ping->second || r.initiator_task_tag() != kReservedTag) {
    c.Report(RuleId::kINopOutTag,
             absl::StrFormat("LUN 0x%x and Initiator Task Tag 0x%x answer a NOP-In with LUN 0x%x",
                             r.lun_bytes(), r.initiator_task_tag(), ping->second));
  }
  pings.erase(ping);
}

}  // namespace

void CheckRequestTask(const Context& c) {
  CheckTag(c);
  CheckAfterLogout(c);
  const bool text = c.pdu.has_text_request() || c.pdu.has_logout_request() || c.pdu.has_nop_out();
  if (c.session.discovery && !text) {
    c.Report(RuleId::kIDiscoveryRequests,
             absl::StrCat(NameOf(c.pdu.kind_case()), " in a discovery session"));
  }
  if (c.pdu.has_task_management_request()) CheckTmf(c);
  if (c.pdu.has_logout_request()) CheckLogout(c);
  if (c.pdu.has_nop_out()) CheckNopOut(c);
  if (c.pdu.has_snack_request() && c.session.agreed.error_recovery_level == 0u) {
    c.Report(RuleId::kISnackAtLevel0, "a SNACK Request");
  }
}

void NoteResponse(const Context& c) {
  if (!c.tap.decoded->header_digest_ok) return;
  Connection::Sender& sender = c.connection.sender;
  const std::optional<uint32_t> max = c.connection.max_cmd_sn;
  if (max.has_value()) {
    std::optional<uint32_t>& highest = c.session.sender.max_cmd_sn;
    highest = highest.has_value() ? base::SerialMax(*highest, *max) : *max;
  }
  if (c.pdu.has_nop_in() && c.pdu.nop_in().target_transfer_tag() != kReservedTag) {
    // A target that asks without end is another rule's affair.
    if (sender.pings.size() >= kMaxPings) sender.pings.clear();
    sender.pings[c.pdu.nop_in().target_transfer_tag()] = c.pdu.nop_in().lun_bytes();
  }
  if (c.pdu.has_reject()) c.session.sender.rejected = true;
  if (c.pdu.has_login_response()) sender.continues = c.pdu.login_response().text_continue();
  if (!c.pdu.has_text_response()) return;
  const v1::TextResponse& r = c.pdu.text_response();
  sender.continues = r.text_continue();
  sender.text_tag = r.target_transfer_tag();
  sender.text_lun_bytes = r.lun_bytes();
  const auto& declared = c.connection.text_keys.declared_by_target;
  const auto length = declared.find("MaxRecvDataSegmentLength");
  if (length == declared.end() || sender.segment_limit == 0) return;
  const std::optional<uint64_t> value = initiator_sim::ParseNumericalValue(length->second);
  // What was under way may still be as large as before.
  sender.segment_limit = value.has_value() ? std::max(sender.segment_limit, *value) : 0;
}

}  // namespace pushpull::conformance::monitor
