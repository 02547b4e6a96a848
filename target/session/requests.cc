// The session's small requests: NOP-Out, Text, Logout, SNACK; and Reject.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/serial.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"
#include "target/session/session.h"

namespace pushpull::target {
namespace {

// The data segment of a PDU that keeps it in its slot, in one piece.
base::Bytes InOnePiece(const PduSlot& pdu, std::string& storage) {
  if (pdu.data().empty()) return {};
  if (pdu.data().size() == 1) return pdu.data().front();
  storage.resize(pdu.data_bytes());
  pdu.CopyData({reinterpret_cast<uint8_t*>(storage.data()), storage.size()});
  return base::AsBytes(storage);
}

}  // namespace

// It is this request's turn, or it is immediate.
void Session::Deliver(IscsiTask* task) {
  switch (task->opcode) {
    case Opcode::kScsiCommand:
      return scsi_.Deliver(task);
    case Opcode::kTaskManagementRequest:
      return task_manager_.Deliver(task);
    case Opcode::kTextRequest:
      task->state = TaskState::kWaiting;
      return AnswerSoon(task, [this, task] { OnText(task); });
    case Opcode::kLogoutRequest:
      task->state = TaskState::kWaiting;
      return AnswerSoon(task, [this, task] { OnLogout(task); });
    case Opcode::kNopOut:
      task->state = TaskState::kWaiting;
      return AnswerSoon(task, [this, task] { AnswerPing(task); });
    default:
      CHECK(false) << "opcode " << static_cast<int>(task->opcode) << " has no number";
  }
}

// ---- NOP-Out (RFC 7143 §11.18, §11.19)
// -----------------------------------------------------------

void Session::AnswerPing(IscsiTask* task) {
  if (HasUsedUp(Bug::kPingSlotsLost)) return Finish(task);
  NopIn ping;
  ping.initiator_task_tag = task->initiator_task_tag;
  if (Has(Bug::kNopInItt)) ++ping.initiator_task_tag;
  OutPdu pdu;
  pdu.bhs = ping.Encode();
  SlotRef slot = task->slot;
  size_t room = task->connection->parameters().initiator_max_recv_data_segment_length;
  if (Has(Bug::kNopInDataDropped)) room = 0;
  if (Has(Bug::kNopInBeyondMaxRecv)) room = kMaxDataSegmentBytes;
  if (Has(Bug::kIserSegmentCut)) {
    room =
        std::min<size_t>(room, task->connection->parameters().target_max_recv_data_segment_length);
  }
  for (const base::MutableBytes piece : slot->data()) {
    const size_t size = std::min(piece.size(), room);
    if (size > 0) pdu.data.push_back(piece.first(size));
    room -= size;
  }
  if (!Has(Bug::kPingDataFreed)) pdu.done = [slot = slot] {};  // the slot holds the data
  Connection* const connection = task->connection;
  Finish(task);
  slot = SlotRef();
  connection->Send(std::move(pdu));
}

// One that asks for no answer: an acknowledgment of statuses, or the answer to our ping.
void Session::OnNopOut(Connection& connection, const SlotRef& pdu) {
  const NopOut nop = NopOut::Decode(pdu->bhs());
  if (!nop.immediate) {
    return Reject(connection, pdu, RejectReasonFor(Reason::kInvalidFlags));  // §11.18.1
  }
  if (nop.target_transfer_tag != kNoTag) {
    if (nop.target_transfer_tag != connection.ping_tag) {
      return Reject(connection, pdu, RejectReasonFor(Reason::kUnknownTransferTag));  // §11.18.2
    }
    connection.OnPingAnswer(nop.target_transfer_tag);
  } else {
    task_termination_.OnNopOut(connection, nop);
  }
  if (!Has(Bug::kNopInUnasked)) return;
  OutPdu answer;
  answer.bhs = NopIn{}.Encode();
  answer.stat_sn = StatSnUse::kCurrent;
  connection.Send(std::move(answer));
}

// ---- Text (RFC 7143 §6.4, §11.10, §11.11)
// ---------------------------------------------------------

void Session::OnText(IscsiTask* task) {
  async_events_.OnText();
  Connection* const connection = task->connection;
  const SlotRef slot = task->slot;
  TextRequest request = TextRequest::Decode(slot->bhs());
  if (Has(Bug::kTextPartsNotJoined)) request.text_continue = false;
  if (Has(Bug::kUnfinishedTextsKept) && connection->text().left_unfinished() > 4) {
    return Finish(task);
  }
  if (connection->text_stat_sn.has_value() && !Has(Bug::kTwoTextResponses) &&
      !base::SerialGreater(request.exp_stat_sn, *connection->text_stat_sn)) {
    // §6.2: there would be two Text Responses that nobody has acknowledged.
    Finish(task);
    return Reject(*connection, slot, RejectReason::kProtocolError);
  }
  std::string storage;
  const base::Bytes text_in = InOnePiece(*slot, storage);
  if (Has(Bug::kMalformedTextUnanswered) && !ParseText(base::AsText(text_in)).ok()) {
    return Finish(task);
  }
  ConnectionParameters parameters = connection->parameters();
  if (Has(Bug::kTextBeyondMaxRecv)) {
    parameters.initiator_max_recv_data_segment_length = kMaxDataSegmentBytes;
  }
  TextReply reply = connection->text().OnRequest(request, text_in, parameters_, parameters);
  Finish(task);
  if (reply.kind == TextReply::Kind::kReject) return Reject(*connection, slot, reply.reject_reason);
  auto text = std::make_unique<std::string>(std::move(reply.text));
  OutPdu pdu;
  pdu.bhs = reply.response.Encode();
  if (!text->empty()) pdu.data.push_back(base::AsBytes(*text));
  pdu.done = [text = std::move(text)] {};
  connection->Send(std::move(pdu));
  connection->text_stat_sn = connection->stat_sn().next() - 1;
  if (reply.new_parameters.has_value()) connection->SetParameters(*reply.new_parameters);
}

// ---- Logout (RFC 7143 §11.14, §11.15)
// -------------------------------------------------------------

void Session::OnLogout(IscsiTask* task) {
  const LogoutRequest logout = LogoutRequest::Decode(task->slot->bhs());
  Connection* const connection = task->connection;
  switch (logout.reason) {
    case LogoutReason::kCloseSession:
      break;
    case LogoutReason::kCloseConnection:
      if (is_discovery()) {  // §4.3
        const SlotRef slot = task->slot;
        Finish(task);
        return Reject(*connection, slot, RejectReason::kProtocolError);
      }
      if (logout.cid != connection->cid()) {
        return RespondToLogout(task, Has(Bug::kLogoutUnknownCidClosed)
                                         ? LogoutResponseCode::kClosed
                                         : LogoutResponseCode::kCidNotFound);
      }
      break;
    case LogoutReason::kRemoveConnectionForRecovery:
      if (!Has(Bug::kLogoutRecoveryAccepted)) {
        return RespondToLogout(task, LogoutResponseCode::kConnectionRecoveryNotSupported);
      }
      break;
    default: {
      const SlotRef slot = task->slot;
      Finish(task);
      return Reject(*connection, slot, RejectReasonFor(Reason::kReservedValue));
    }
  }
  // The last connection of its session: both end (§6.3.5). The answer follows the tasks' end.
  task->state = TaskState::kWaiting;
  LogoutResponse response;
  response.initiator_task_tag = task->initiator_task_tag;
  response.time2wait = parameters_.default_time2wait;
  if (variation_ != nullptr) {
    response.time2wait = variation_->session.LogoutTime(response.time2wait);
    response.time2retain = variation_->session.LogoutTime(response.time2retain);
  }
  EndForLogout([this, response] {
    OutPdu pdu;
    pdu.bhs = response.Encode();
    connection_->Send(std::move(pdu));
    if (!Has(Bug::kLogoutKeepsConnection)) connection_->Finish();
  });
}

void Session::RespondToLogout(IscsiTask* task, LogoutResponseCode code) {
  LogoutResponse response;
  response.response = code;
  response.initiator_task_tag = task->initiator_task_tag;
  OutPdu pdu;
  pdu.bhs = response.Encode();
  Connection* const connection = task->connection;
  Finish(task);
  connection->Send(std::move(pdu));
}

// ---- SNACK, Reject ------------------------------------------------------------------------------

// RFC 7143 §11.16: within this target's ErrorRecoveryLevel 0 there is nothing to ask for again.
void Session::OnSnack(Connection& connection, const SlotRef& pdu) {
  if (Has(Bug::kSnackDropped)) return;
  const SnackRequest snack = SnackRequest::Decode(pdu->bhs());
  const bool reserved = static_cast<uint8_t>(snack.type) > static_cast<uint8_t>(SnackType::kRData);
  if (!connection.traits().snack) {  // RFC 7145 §7.3.11
    if (Has(Bug::kIserSnackDropped)) return;
    return Reject(connection, pdu, RejectReason::kProtocolError);
  }
  Reject(connection, pdu, reserved ? RejectReason::kProtocolError : RejectReason::kSnackReject);
}

// RFC 7143 §11.17: with the complete header of the bad PDU.
void Session::Reject(Connection& connection, const SlotRef& pdu, RejectReason reason) {
  if (HasUsedUp(Bug::kRejectSlotsLost)) return;
  counters().AddReject(reason);
  connection.Log(base::LogLevel::kInfo, "reject", [&](base::LogFields& fields) {
    fields.Add("reason", static_cast<int64_t>(reason)).Add("of", OpcodeName(pdu->bhs().opcode()));
  });
  target::Reject reject;
  reject.reason = Has(Bug::kRejectReasonWrong) ? static_cast<RejectReason>(0x0b) : reason;
  OutPdu out;
  out.bhs = reject.Encode();
  out.stat_sn = Has(Bug::kStatSnNotAdvanced) ? StatSnUse::kCurrent : StatSnUse::kNext;
  if (!Has(Bug::kRejectHeaderMissing)) {
    out.data.push_back(pdu->bhs().bytes());
    const size_t room = connection.parameters().initiator_max_recv_data_segment_length - kBhsBytes;
    const base::Bytes ahs = pdu->ahs();
    if (!ahs.empty()) out.data.push_back(ahs.first(std::min(ahs.size(), room)));
  }
  out.done = [pdu = pdu] {};  // the slot holds the header
  connection.Send(std::move(out));
}

}  // namespace pushpull::target
