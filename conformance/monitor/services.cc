// NOP-In, Task Management Response, Logout Response, Reject, Async Message.
// (RFC 7143 §11.19, §11.6, §11.15, §11.17, §11.9)

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "conformance/monitor/context.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::Bhs;
using initiator_sim::kBhsSize;
using initiator_sim::kReservedTag;

// §11.6.1, and 7 of RFC 7144 §6.4.
bool IsAssignedTmfResponse(uint32_t code) { return code <= 7 || code == 255; }

// §11.9.1.
bool IsAssignedEvent(uint32_t event) { return event <= 5 || (event >= 248 && event <= 255); }

void CheckAsyncData(const Context& c, uint32_t event) {
  const std::string& data = c.data();
  if (data.empty()) return;
  const size_t length = data.size() < 2 ? 0 : base::LoadBe16(base::AsBytes(data).data());
  if (data.size() < 2 || length > data.size() - 2) {
    c.Report(RuleId::kSenseLengthFits,
             absl::StrCat("SenseLength ", length, " in ", data.size(), " bytes of data"));
  } else if (length != 0 && event >= 1 && event <= 5) {
    c.Report(RuleId::kSenseLengthFits,
             absl::StrCat("SenseLength ", length, " with AsyncEvent ", event));
  }
}

// The request that has this header is answered by the Reject, so that nothing else need come. Its
// tag may be another's, too, where a PDU that is no request was rejected.
void MarkRejected(const Context& c, base::Bytes header) {
  const uint32_t tag = base::LoadBe32(&header[16]);
  const auto task = c.session.tasks.find(tag);
  if (task == c.session.tasks.end()) return;
  const initiator_sim::PduKind kind = initiator_sim::KindOf(header[0] & 0x3f);
  const bool of_task =
      kind == task->second.request || kind == v1::Pdu::kDataOut || kind == v1::Pdu::kSnackRequest;
  if (!of_task) return;
  task->second.rejected = true;
  task->second.text_awaits = false;
}

// Whether another request that was sent has the tag of this one.
bool IsTagRepeated(const Connection& connection, const Bhs& bhs) {
  const auto same = [&bhs](const Connection::SentHeader& other) {
    return std::equal(bhs.begin() + 16, bhs.begin() + 20, other.bhs.begin() + 16);
  };
  return std::count_if(connection.sent_headers.begin(), connection.sent_headers.end(), same) > 1;
}

// What speaks against a reason, by the PDU that was rejected; empty: nothing.
std::string WrongReason(const Connection& connection, const Connection::SentHeader& sent,
                        uint32_t reason) {
  const initiator_sim::PduKind kind = initiator_sim::KindOf(sent.bhs[0] & 0x3f);
  const bool immediate = (sent.bhs[0] & 0x40) != 0;
  switch (reason) {
    case v1::DATA_DIGEST_ERROR:
      if (!sent.data_digest) return "has no data digest";
      return sent.data_digest_ok ? "has the right data digest" : "";
    case v1::SNACK_REJECT:
    case v1::INVALID_DATA_ACK:
      return kind == v1::Pdu::kSnackRequest ? "" : "is no SNACK";
    case v1::IMMEDIATE_COMMAND_REJECT:
      return immediate ? "" : "isn't immediate";
    case v1::TASK_IN_PROGRESS:
      return kind == v1::Pdu::kTaskManagementRequest || IsTagRepeated(connection, sent.bhs)
                 ? ""
                 : "has a tag of its own";
    case v1::LONG_OPERATION_REJECT:
      return kind == v1::Pdu::kTextRequest || kind == v1::Pdu::kScsiCommand
                 ? ""
                 : "needs no Target Transfer Tag";
    case v1::WAITING_FOR_LOGOUT:
      return connection.logout_requested ? "" : "came without a request to log out before";
    default:
      return "";
  }
}

void CheckDiscoveryQuiet(const Context& c) {
  if (!c.session.discovery || c.connection.phase != Phase::kFullFeature) return;
  c.Report(RuleId::kDiscoveryQuiet,
           absl::StrCat(initiator_sim::NameOf(c.pdu.kind_case()), " in a Discovery session"));
}

}  // namespace

void CheckNopIn(const Context& c, const Task* task) {
  const v1::NopIn& nop = c.pdu.nop_in();
  if (nop.initiator_task_tag() == kReservedTag) {
    CheckDiscoveryQuiet(c);
    if (c.pdu.data_segment_length() != 0) {
      c.Report(RuleId::kNopInEmpty,
               absl::StrCat("DataSegmentLength is ", c.pdu.data_segment_length()));
    }
    return;
  }
  if (nop.target_transfer_tag() != kReservedTag) {
    c.Report(RuleId::kNopInAnswerTag,
             absl::StrFormat("Target Transfer Tag is 0x%x", nop.target_transfer_tag()));
  }
  if (task == nullptr) return;
  const uint64_t limit = c.connection.segment_limit.value_or(task->ping.size());
  const std::string due = task->ping.substr(0, limit);
  const std::set<uint64_t>& limits = c.connection.segment_limits;
  const bool as_due = c.data() == due || std::ranges::any_of(limits, [&](uint64_t other) {
                        return c.data() == task->ping.substr(0, other);
                      });
  if (!as_due) {
    c.Report(RuleId::kNopInEcho,
             absl::StrCat("returns ", c.data().size(), " bytes, which are not the ", due.size(),
                          " that were sent"));
  }
  CheckAcknowledged(c, *task);
  EndTask(c, DoneTask::How::kResponse, nop.initiator_task_tag());
  c.connection.misbehaved_since_ping = false;
}

void CheckTmfResponse(const Context& c) {
  const v1::TaskManagementResponse& r = c.pdu.task_management_response();
  const auto code = static_cast<uint32_t>(r.response());
  if (!IsAssignedTmfResponse(code)) {
    c.Report(RuleId::kTmfResponseAssigned, absl::StrCat("Response is ", code));
  }
  const std::optional<uint64_t> level = c.session.agreed.protocol_level;
  if (level.has_value() && *level < 2 && (code == 7 || r.additional_response_information() != 0)) {
    c.Report(RuleId::kLevel2Fields,
             absl::StrFormat("Response %d with Additional Response Information 0x%x at level %d",
                             code, r.additional_response_information(), *level));
  }
  Task* task = TaskOf(c);
  if (task == nullptr) return;
  CheckAcknowledged(c, *task);
  const Task tmf = *task;
  EndTask(c, DoneTask::How::kResponse, r.initiator_task_tag());
  if (code == 0) EndAbortedTasks(c, tmf);
}

void CheckLogoutResponse(const Context& c, const Task* task) {
  const v1::LogoutResponse& r = c.pdu.logout_response();
  const auto code = static_cast<uint32_t>(r.response());
  if (code > 3) {
    c.Report(RuleId::kLogoutResponseAssigned, absl::StrCat("Response is ", code));
  }
  if (task == nullptr) return;
  if (code == 2 && task->code != v1::REMOVE_CONNECTION_FOR_RECOVERY) {
    c.Report(RuleId::kLogoutRecovery,
             absl::StrCat("Response 2 to a Logout with reason ", task->code));
  }
  CheckAcknowledged(c, *task);
  const bool closes_this = task->code == v1::CLOSE_SESSION || task->cid == c.connection.cid;
  EndTask(c, DoneTask::How::kResponse, r.initiator_task_tag());
  if (code != 0 || !closes_this || c.connection.phase != Phase::kFullFeature) return;
  c.connection.phase = Phase::kLoggedOut;
  c.connection.ended_frame = c.frame;
}

void CheckReject(const Context& c) {
  const auto reason = static_cast<uint32_t>(c.pdu.reject().reason());
  if (reason == v1::NEGOTIATION_RESET) {
    c.Report(RuleId::kRejectReasonDeprecated, "reason is 0x0b");
  } else if (reason < v1::DATA_DIGEST_ERROR || reason > v1::WAITING_FOR_LOGOUT) {
    c.Report(RuleId::kRejectReasonAssigned, absl::StrFormat("reason is 0x%02x", reason));
  }
  const std::string& data = c.data();
  if (data.size() < kBhsSize) {
    c.Report(RuleId::kRejectHeader, absl::StrCat("only ", data.size(), " bytes of a header"));
    return;
  }
  const base::Bytes header = base::AsBytes(data).first(kBhsSize);
  MarkRejected(c, header);
  if (c.connection.phase == Phase::kUnknown) return;
  const auto& sent = c.connection.sent_headers;
  const auto found = std::find_if(sent.begin(), sent.end(), [header](const auto& s) {
    return std::equal(header.begin(), header.end(), s.bhs.begin());
  });
  if (found == sent.end()) {
    // It may be of a PDU that was sent too long ago to be remembered.
    if (c.connection.forgot_headers) return;
    c.Report(RuleId::kRejectHeader, "no PDU with this header was sent");
    return;
  }
  if (data.size() < kBhsSize + found->ahs) {
    c.Report(RuleId::kRejectHeader, absl::StrCat("the ", found->ahs, " bytes of AHS are missing"));
  }
  if (const std::string wrong = WrongReason(c.connection, *found, reason); !wrong.empty()) {
    c.Report(RuleId::kRejectReasonFits,
             absl::StrFormat("reason is 0x%02x for a PDU that %s", reason, wrong));
  }
}

void CheckAsyncMessage(const Context& c) {
  const v1::AsyncMessage& async = c.pdu.async_message();
  const auto event = static_cast<uint32_t>(async.async_event());
  CheckDiscoveryQuiet(c);
  if (!IsAssignedEvent(event)) {
    c.Report(RuleId::kAsyncEventAssigned, absl::StrCat("AsyncEvent is ", event));
  }
  CheckAsyncData(c, event);
  if (event == v1::LOGOUT_REQUEST) c.connection.logout_requested = true;
  const bool drops =
      event == v1::CONNECTION_DROP_NOTIFICATION || event == v1::SESSION_DROP_NOTIFICATION;
  // Which connection it names doesn't matter: its own may be it.
  if (drops || event == v1::LOGOUT_REQUEST) c.connection.may_end_unasked = true;
  const std::optional<std::string>& reporting = c.session.agreed.task_reporting;
  if (event == v1::TASKS_TERMINATED && reporting.has_value() && *reporting != "FastAbort") {
    c.Report(RuleId::kAsyncFastAbort, absl::StrCat("AsyncEvent 5 with TaskReporting=", *reporting));
  }
  const bool knows = c.connection.phase == Phase::kFullFeature;
  if (event == v1::CONNECTION_DROP_NOTIFICATION && knows &&
      !c.session.cids.contains(static_cast<uint16_t>(async.parameter1()))) {
    c.Report(RuleId::kAsyncConnection,
             absl::StrCat("no connection of the session has CID ", async.parameter1()));
  }
}

}  // namespace pushpull::conformance::monitor
