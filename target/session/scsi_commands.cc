#include "target/session/scsi_commands.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "target/pdu/ahs.h"
#include "target/pdu/response.h"
#include "target/session/session.h"
#include "target/variation/data_in_plan.h"

namespace pushpull::target {
namespace {

// What a SCSI Command may not say (RFC 7143 §11.3.1).
std::optional<ProtocolError> CheckFlags(const ScsiCommand& command) {
  constexpr std::string_view kSection = "RFC 7143 §11.3.1";
  if (!command.write && !command.final) {
    return ProtocolError{Reason::kInvalidFlags, kSection, Action::kCloseSession};
  }
  if (!command.write && !command.read && command.expected_data_transfer_length != 0) {
    return ProtocolError{Reason::kInvalidFlags, kSection, Action::kCloseSession};
  }
  // RFC 7143 §11: a reserved value is reported as a protocol error.
  if (static_cast<uint8_t>(command.attr) > static_cast<uint8_t>(TaskAttribute::kAca)) {
    return ProtocolError{Reason::kReservedValue, kSection, Action::kReject};
  }
  return std::nullopt;
}

// Bug::kAhsLengthTrusted.
void TrustAhsLength(base::Bytes ahs, Task& scsi) {
  constexpr size_t kCdbAt = 4;  // behind AHSLength, AHSType and a reserved byte
  if (ahs.size() < kCdbAt || base::LoadBe16(ahs.data()) == 0) return;
  const std::vector<uint8_t> kept(ahs.begin(), ahs.end());
  std::vector<uint8_t> cdb(base::LoadBe16(ahs.data()) - size_t{1});
  std::memcpy(cdb.data(), kept.data() + kCdbAt, cdb.size());
  std::copy_n(cdb.begin(), std::min<size_t>(cdb.size(), 16), scsi.cdb.begin() + 16);
}

const Sense& SenseOf(WriteFault fault) {
  switch (fault) {
    case WriteFault::kUnexpectedUnsolicitedData:
      return sense::kUnexpectedUnsolicitedData;
    case WriteFault::kIncorrectAmountOfData:
      return sense::kIncorrectAmountOfData;
    case WriteFault::kCrcError:
    case WriteFault::kNoRoom:
    case WriteFault::kNone:
      break;
  }
  return sense::kProtocolServiceCrcError;
}

}  // namespace

ScsiCommands::ScsiCommands(Session* session)
    : session_(session), loan_timer_(session->worker().loop()) {}

// ---- arrival ----------------------------------------------------------------------------------

std::optional<ProtocolError> ScsiCommands::Begin(IscsiTask* task, const PduSlot& pdu,
                                                 Placement& placement) {
  ScsiCommand command = ScsiCommand::Decode(pdu.bhs());
  WriteFlow::SpoilLength(session_->node().bugs(), &command);
  const bool unchecked = session_->Has(Bug::kCommandFlagsUnchecked);
  if (const auto error = CheckFlags(command); error && !unchecked) return error;
  if (session_->node().Has(Bug::kBitWithoutLengthRefused) && (command.read || command.write) &&
      command.expected_data_transfer_length == 0) {
    return ProtocolError{Reason::kInvalidFlags, "RFC 7143 §11.3.1", Action::kReject};
  }
  if (session_->Has(Bug::kAhsLengthTrusted)) TrustAhsLength(pdu.ahs(), task->scsi);
  auto ahs = ReadCommandAhs(pdu.ahs());
  if (const auto* error = std::get_if<ProtocolError>(&ahs)) return *error;
  const CommandAhs& extra = std::get<CommandAhs>(ahs);

  task->read = command.read;
  task->write = command.write;
  task->expected_bytes = command.expected_data_transfer_length;
  task->bidirectional_read_bytes =
      extra.bidirectional_read_expected_data_transfer_length.value_or(0);
  Task& scsi = task->scsi;
  scsi.nexus = session_->nexus();
  scsi.lun = command.lun;
  scsi.attribute = static_cast<TaskAttribute>(command.attr);
  std::ranges::copy(command.cdb, scsi.cdb.begin());
  const size_t more = std::min(extra.extended_cdb.size(), Task::kMaxCdbBytes - command.cdb.size());
  std::copy_n(extra.extended_cdb.begin(), more, scsi.cdb.begin() + command.cdb.size());
  scsi.cdb_bytes = static_cast<uint16_t>(command.cdb.size() + extra.extended_cdb.size());
  scsi.order = reinterpret_cast<uintptr_t>(task);

  // Later users of this tag don't inherit what its former one still gets.
  task->connection->stale_transfers.Reuse(task->initiator_task_tag);
  task->data_out_due = command.write || command.data_segment_length > 0;
  if (!task->data_out_due) return std::nullopt;
  const uint32_t kept =
      task->write_flow.Begin(session_->parameters(), session_->node().bugs(), command);
  if (LegalVariation* const variation = session_->variation()) {
    task->write_flow.Vary(&variation->data);
  }
  // Where memory is short, what was promised takes no more than comes.
  const bool is_short = session_->node().buffer_budget().used_up();
  task->buffer.Begin(&session_->worker().buffers(), is_short ? 0 : task->expected_out());
  const bool in_slot = task->connection->traits().data_stays_in_slot;
  // What is announced gets memory when it comes.
  if (kept == 0 || (!in_slot && !GrowForPromised(task, kept))) {
    placement.Discard();
  } else if (!in_slot) {
    task->buffer.Visit(0, kept, [&](base::MutableBytes piece) { placement.Into(piece); });
  }
  return std::nullopt;
}

void ScsiCommands::Deliver(IscsiTask* task) {
  task->state = TaskState::kGathering;
  TellAttention(task->scsi);
  if (!session_->node().device().Prepare(&task->scsi)) return Respond(task);
  task->device_ref = TaskRef(task);
  if (task->data_out_due) {
    const bool out = task->scsi.direction == DataDirection::kOut;
    const auto bytes =
        static_cast<uint32_t>(std::min<uint64_t>(task->scsi.transfer_bytes, task->expected_out()));
    if (out) task->mover = MoverFor(task, bytes);
    // What is moved in place comes when it is the command's turn with the device server.
    task->write_flow.Solicit(out && task->mover == nullptr ? task->scsi.transfer_bytes : 0);
  }
  Advance(task);
}

DataMover* ScsiCommands::MoverFor(IscsiTask* task, uint32_t bytes) const {
  if (task->scsi.medium.all.empty() || bytes == 0 || task->bidirectional()) return nullptr;
  return task->connection->MoverFor(task, bytes);
}

// ---- data from the initiator --------------------------------------------------------------------

void ScsiCommands::PlaceDataOut(IscsiTask* task, const DataOut& header, Placement& placement) {
  const WriteFlow::Acceptance accepted = task->write_flow.Accept(header, task->lun);
  if (accepted.error.has_value()) return placement.Refuse(*accepted.error);
  if (accepted.discard) return placement.Discard();
  task->placed_offset = accepted.offset;
  if (task->connection->traits().data_stays_in_slot) return;
  if (session_->Has(Bug::kDataOutBeyondBuffer) && accepted.length > 0) {
    uint8_t* const begin = task->buffer.PlaceOf(0).chunk.data();
    return placement.Into({begin + header.buffer_offset, accepted.length});
  }
  if (!GrowForPromised(task, accepted.offset + accepted.length)) return placement.Discard();
  task->buffer.Visit(accepted.offset, accepted.length,
                     [&](base::MutableBytes piece) { placement.Into(piece); });
}

void ScsiCommands::KeepData(IscsiTask* task, const SlotRef& pdu, bool in_slot) {
  if (pdu->data_bytes() == 0) return;
  uint32_t offset = task->placed_offset;
  if (in_slot) {
    const auto behind =
        std::ranges::upper_bound(task->held, offset, {}, &IscsiTask::HeldData::offset);
    task->held.insert(behind, {offset, pdu});
    return;
  }
  const auto bytes = static_cast<uint32_t>(pdu->data_bytes());
  session_->counters().Add(Count::kBytesSpilled, bytes);
  if (!GrowForPromised(task, offset + bytes)) return;
  task->spilled_end = std::max(task->spilled_end, offset + bytes);
  for (const base::MutableBytes run : pdu->data()) {
    const uint8_t* from = run.data();
    task->buffer.Visit(offset, static_cast<uint32_t>(run.size()), [&](base::MutableBytes piece) {
      std::copy_n(from, piece.size(), piece.data());
      from += piece.size();
    });
    offset += static_cast<uint32_t>(run.size());
  }
}

void ScsiCommands::OnDataOut(IscsiTask* task, const DataOut& header, bool intact) {
  task->write_flow.Complete(header, intact);
  if (!intact && task->state == TaskState::kGathering && session_->Has(Bug::kErrorBeforeDataEnds)) {
    return FailTask(task);
  }
  if (task->state == TaskState::kGathering) return Advance(task);
  if (task->state == TaskState::kDraining && task->write_flow.quiet()) Respond(task);
}

// As if one Data-Out had brought all of it.
void ScsiCommands::OnDataRead(IscsiTask* task, const WriteFlow::Request& request) {
  if (task->session == nullptr || task->state == TaskState::kDone) return;
  Session& session = *task->session;
  DataOut answer;
  answer.lun = task->lun;
  answer.initiator_task_tag = task->initiator_task_tag;
  answer.target_transfer_tag = request.target_transfer_tag;
  answer.buffer_offset = request.offset;
  answer.data_segment_length = request.length;
  task->write_flow.Accept(answer, task->lun);
  session.counters().Add(Count::kDataBytesReceived, request.length);
  session.scsi().OnDataOut(task, answer, /*intact=*/true);
  session.task_manager().Progress();
}

// ---- on the way to the device server ------------------------------------------------------------

void ScsiCommands::Advance(IscsiTask* task) {
  if (task->state != TaskState::kGathering || task->abort_asked) return;
  if (task->data_out_due) {
    Request(task);
    if (!task->write_flow.gathered()) return;
    if (task->write_flow.fault() != WriteFault::kNone) return FailTask(task);
  }
  Execute(task);
}

void ScsiCommands::Request(IscsiTask* task) {
  WriteFlow& flow = task->write_flow;
  while (flow.next_request_bytes() > 0) {
    if (!TakeMemory(task, flow.next_request_end())) return;
    const auto request = flow.NextRequest(session_->NextTransferTag());
    GrowForPromised(task, request->offset + request->length);  // a defect may ask for more
    SendR2t(task, *request);
  }
}

void ScsiCommands::SendR2t(IscsiTask* task, const WriteFlow::Request& request) {
  if (!task->connection->traits().solicited_data_out) {
    return task->connection->GetData(task, request);
  }
  R2t r2t;
  r2t.lun = session_->Has(Bug::kR2tLunMissing) ? 0 : task->lun;
  r2t.initiator_task_tag = task->initiator_task_tag;
  r2t.target_transfer_tag =
      session_->Has(Bug::kR2tReservedTag) ? kNoTag : request.target_transfer_tag;
  r2t.r2t_sn = request.r2t_sn;
  r2t.buffer_offset = request.offset;
  r2t.desired_data_transfer_length = request.length;
  OutPdu pdu;
  pdu.bhs = r2t.Encode();
  pdu.stat_sn = session_->Has(Bug::kStatSnByR2t) ? StatSnUse::kNext : StatSnUse::kCurrent;
  task->connection->Send(std::move(pdu));
}

void ScsiCommands::Execute(IscsiTask* task) {
  Task& scsi = task->scsi;
  if (scsi.direction == DataDirection::kOut) {
    const uint64_t bytes = std::min<uint64_t>(scsi.transfer_bytes, task->expected_out());
    GatherOut(task, static_cast<uint32_t>(bytes));
  } else if (scsi.direction == DataDirection::kIn) {
    const uint64_t bytes = std::min<uint64_t>(scsi.transfer_bytes, task->expected_in());
    if (!GatherIn(task, static_cast<uint32_t>(bytes))) return;
  }
  scsi.data = {task->pieces.data(), task->pieces.size()};
  task->state = TaskState::kExecuting;
  RetryWaiting();
  if (session_->node().device().Execute(&scsi) == Execution::kPending) return;
  OnDeviceDone(task);
}

// Room for what is read. False: it must be waited for.
bool ScsiCommands::GatherIn(IscsiTask* task, uint32_t bytes) {
  task->mover = MoverFor(task, bytes);
  if (task->mover != nullptr) {
    task->scsi.mover = task->mover;
    const base::MutableBytes place = task->scsi.medium.Place(0, bytes);
    task->pieces.push_back({place.data(), place.size()});
    return true;
  }
  if (task->buffer.capacity() == 0) task->buffer.Begin(&session_->worker().buffers(), bytes);
  if (!TakeMemory(task, bytes)) return false;
  AddPiecesInBuffer(task, 0, bytes);
  return true;
}

void ScsiCommands::GatherOut(IscsiTask* task, uint32_t bytes) {
  uint32_t at = 0;
  if (task->connection->traits().data_stays_in_slot) at = AddPiecesOfUnsolicited(task, bytes);
  if (task->mover == nullptr) return AddPiecesInBuffer(task, at, bytes - at);
  if (at == bytes) return;
  task->scsi.mover = task->mover;
  const base::MutableBytes place = task->scsi.medium.Place(at, bytes - at);
  task->pieces.push_back({place.data(), place.size()});
}

void ScsiCommands::AddPiecesInBuffer(IscsiTask* task, uint32_t offset, uint32_t bytes) {
  if (bytes == 0) return;
  task->buffer.Visit(offset, bytes, [&](base::MutableBytes piece) {
    task->pieces.push_back({piece.data(), piece.size()});
  });
}

// What came with the command and in unsolicited Data-Out, where it is: in the slots, or spilled.
// Returns how much that is. The task holds the slots.
uint32_t ScsiCommands::AddPiecesOfUnsolicited(IscsiTask* task, uint32_t bytes) {
  uint32_t at = AddPiecesInSlot(task, *task->slot, bytes);
  for (const IscsiTask::HeldData& data : task->held) {
    if (data.offset >= bytes) break;
    if (data.offset > at) AddPiecesInBuffer(task, at, data.offset - at);
    at = data.offset;
    at += AddPiecesInSlot(task, *data.pdu, bytes - at);
  }
  const uint32_t spilled = std::min(task->spilled_end, bytes);
  if (spilled <= at) return at;
  AddPiecesInBuffer(task, at, spilled - at);
  return spilled;
}

uint32_t ScsiCommands::AddPiecesInSlot(IscsiTask* task, const PduSlot& pdu, uint32_t bytes) {
  uint32_t added = 0;
  for (const base::MutableBytes run : pdu.data()) {
    const uint32_t n = std::min<uint32_t>(bytes - added, static_cast<uint32_t>(run.size()));
    if (n == 0) break;
    task->pieces.push_back({run.data(), n});
    added += n;
  }
  session_->counters().Add(Count::kBytesFromSlots, added);
  return added;
}

// RFC 7143 §11.4.7.2; SAM-5 §5.3.1 where there was no room.
void ScsiCommands::FailTask(IscsiTask* task) {
  session_->node().device().Fail(&task->scsi, SenseOf(task->write_flow.fault()));
  if (task->write_flow.fault() == WriteFault::kNoRoom) {
    session_->counters().Add(Count::kTasksBusy);
    task->scsi.result.status = ScsiStatus::kBusy;
    task->scsi.result.sense_bytes = 0;
  }
  OnDeviceDone(task);
}

// ---- the end
// --------------------------------------------------------------------------------------

void ScsiCommands::OnDeviceDone(IscsiTask* task) {
  const TaskRef keep = std::exchange(task->device_ref, TaskRef());
  if (task->session == nullptr || task->state == TaskState::kDone) return;
  Session& session = *task->session;
  if (task->scsi.result.aborted) {
    session.counters().Add(Count::kTasksAborted);
    if (!task->abort_asked) session.task_termination().OnEndedByOther(*task);
    session.FinishSilently(task);
    session.task_manager().OnTaskEnded(task, /*aborted=*/true);
  } else {
    session.scsi().Respond(task);
  }
  session.AfterAsyncWork();
}

void ScsiCommands::Abort(IscsiTask* task) {
  task->abort_asked = true;
  session_->node().device().Abort(&task->scsi);
}

void ScsiCommands::Abandon(IscsiTask* task) {
  if (task->data_out_due) RememberOpenTransfers(task);
  if (task->state == TaskState::kResponding && !session_->Has(Bug::kReadSentAfterLogout)) {
    task->connection->tx().Remove(task);
  }
  if (task->device_ref) session_->node().device().Abort(&task->scsi);
}

void ScsiCommands::RememberOpenTransfers(IscsiTask* task) {
  task->write_flow.VisitOpen([&](uint32_t tag) {
    task->connection->stale_transfers.Add(task->initiator_task_tag, tag, task->lun);
  });
}

// The device server's answer is there. RFC 7143 §11.4.2: what is under way comes first.
void ScsiCommands::Respond(IscsiTask* task) {
  if (task->data_out_due && !task->write_flow.quiet()) {
    if (!session_->Has(Bug::kErrorBeforeDataEnds)) {
      task->state = TaskState::kDraining;
      task->write_flow.StopSoliciting();
      return;
    }
    RememberOpenTransfers(task);
  }
  task->state = TaskState::kResponding;
  session_->AnswerSoon(task, [this, task] { Answer(task); });
}

void ScsiCommands::Answer(IscsiTask* task) {
  const auto bytes = static_cast<uint32_t>(task->scsi.result.data_in_bytes);
  const bool hides_status = session_->Has(Bug::kDataInStatusWithSense) && task->read &&
                            task->scsi.result.status == ScsiStatus::kCheckCondition;
  if (bytes == 0 && !hides_status) return SendResponse(task);
  const SessionParameters& parameters = session_->parameters();
  task->read_flow.Begin(bytes, parameters.max_burst_length, session_->node().bugs());
  LegalVariation* const variation = session_->variation();
  if (variation != nullptr && bytes > 0 && !session_->node().bugs().any()) {
    task->read_flow.Follow(std::make_unique<DataInPlan>(
        bytes,
        DataInOrder{parameters.max_burst_length, parameters.data_pdu_in_order,
                    parameters.data_sequence_in_order},
        variation->data.ForDataIn(), variation->data.empty_data_in()));
  }
  if (task->mover != nullptr) {  // it is with the initiator already
    session_->counters().Add(Count::kDataBytesSent, bytes);
    while (!task->read_flow.done()) task->read_flow.Next(task->connection->max_data_in_bytes());
    return SendResponse(task);
  }
  task->connection->tx().Add(task);
}

}  // namespace pushpull::target
