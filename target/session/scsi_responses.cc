// What a SCSI command is answered with: Data-In, status, residuals, sense
// (RFC 7143 §11.4, §11.7).

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "target/pdu/response.h"
#include "target/session/scsi_commands.h"
#include "target/session/session.h"

namespace pushpull::target {
namespace {

// RFC 7143 §11.7.3: others come in a SCSI Response.
bool MayRideInDataIn(ScsiStatus status) {
  return status == ScsiStatus::kGood || status == ScsiStatus::kConditionMet;
}

// O, U and their count (RFC 7143 §11.4.5).
struct Residual {
  bool overflow = false;
  bool underflow = false;
  uint32_t count = 0;
};

Residual ResidualOf(const BugSet& bugs, uint64_t presented, uint32_t expected) {
  Residual residual;
  uint64_t count = 0;
  if (presented > expected && !bugs.Has(Bug::kResidualOverflowMissing)) {
    residual.overflow = true;
    count = presented - expected;
  } else if (presented < expected && !bugs.Has(Bug::kResidualUnderflowMissing)) {
    residual.underflow = true;
    count = expected - presented;
  }
  if (count != 0 && bugs.Has(Bug::kResidualCountWrong)) {
    count = std::min<uint64_t>(presented, expected);
  }
  residual.count =
      static_cast<uint32_t>(std::min<uint64_t>(count, std::numeric_limits<uint32_t>::max()));
  return residual;
}

// What the command moved in a direction, as far as the SCSI layer is concerned.
uint64_t Presented(const IscsiTask& task, DataDirection direction) {
  return task.scsi.direction == direction ? task.scsi.transfer_bytes : 0;
}

// Of the only direction, or of the write part (RFC 7143 §11.4.1).
Residual MainResidual(const BugSet& bugs, const IscsiTask& task) {
  if (task.write)
    return ResidualOf(bugs, Presented(task, DataDirection::kOut), task.expected_bytes);
  if (task.read) return ResidualOf(bugs, Presented(task, DataDirection::kIn), task.expected_bytes);
  return ResidualOf(bugs, task.scsi.transfer_bytes, 0);
}

}  // namespace

bool ScsiCommands::NextDataIn(IscsiTask* task, OutPdu& pdu) {
  const TaskRef keep(task);
  const BugSet& bugs = session_->node().bugs();
  Connection& connection = *task->connection;
  LegalVariation* const variation = session_->variation();
  if (variation != nullptr) connection.VaryBeforeAnswer();
  DataIn data_in;
  data_in.initiator_task_tag = task->initiator_task_tag;
  if (bugs.Has(Bug::kDataInTagGarbage)) data_in.target_transfer_tag = 0x5eed;
  bool last = true;
  const bool at_end = task->read_flow.done();
  if (!at_end) {
    const ReadFlow::Piece piece = task->read_flow.Next(connection.max_data_in_bytes());
    data_in.final = piece.final;
    data_in.data_sn = piece.data_sn;
    data_in.buffer_offset = piece.offset;
    last = piece.last;
    task->buffer.Visit(piece.from, piece.length,
                       [&](base::MutableBytes bytes) { pdu.data.push_back(bytes); });
    pdu.producer = task;
    pdu.data_offset = piece.from;
    session_->counters().Add(Count::kDataBytesSent, piece.length);
  } else if (task->read_flow.pieces() > 0) {
    const ReadFlow::Piece piece = task->read_flow.Empty();
    data_in.data_sn = piece.data_sn;
    data_in.buffer_offset = piece.offset;
  }
  pdu.stat_sn = StatSnUse::kAsIs;
  const ScsiStatus status = task->scsi.result.status;
  // RFC 7143 §11.7.3: never for bidirectional commands.
  // RFC 7145 §7.3.5: nor where no PDU is seen.
  const bool with_status = last && !task->bidirectional() && connection.traits().data_in_pdus &&
                           (MayRideInDataIn(status) || bugs.Has(Bug::kDataInStatusWithSense)) &&
                           (variation == nullptr || !variation->data.StatusApart());
  const bool status_follows = with_status && task->read_flow.pieces() > 0 && !at_end &&
                              variation != nullptr && variation->data.StatusInEmptyPdu();
  if (with_status && !status_follows) {
    const Residual residual = MainResidual(bugs, *task);
    data_in.status_present = true;
    data_in.status = static_cast<uint8_t>(status);
    data_in.residual_overflow = residual.overflow;
    data_in.residual_underflow = residual.underflow;
    data_in.residual_count = residual.count;
    pdu.stat_sn = StatSnUse::kNext;
  }
  pdu.bhs = data_in.Encode();
  pdu.done = [keep = keep] {};  // the task holds the data
  if (status_follows) return true;
  if (with_status) {
    // Before the PDU gets its numbers: they tell of the place in the window that it leaves. What
    // waits for its end may only answer behind it.
    session_->Finish(task);
    pdu.done = [keep = keep] {
      if (keep->session != nullptr) keep->session->task_manager().OnTaskEnded(keep.get(), false);
    };
  } else if (last) {
    SendResponse(task);
  }
  return !last;
}

void ScsiCommands::TellAttention(const Task& scsi) {
  LegalVariation* const variation = session_->variation();
  if (variation == nullptr) return;
  const auto attention = variation->attention.InsteadOf(scsi.cdb[0]);
  if (!attention.has_value()) return;
  session_->node().device().EstablishUnitAttention(
      scsi.nexus, scsi.lun, {SenseKey::kUnitAttention, attention->asc, attention->ascq, {}, {}});
}

// Fixed-format sense data may be longer than what is defined of it, and sense data in descriptor
// format may have descriptors of the vendor's.
void ScsiCommands::VarySense(IscsiTask* task, OutPdu& pdu) {
  constexpr size_t kAdditionalLength = 2 + 7;  // counts what is behind it
  constexpr uint8_t kVendorDescriptor = 0x80;
  const uint16_t bytes = task->scsi.result.sense_bytes;
  const bool fixed = (task->sense[2] & 0x7e) == 0x70;
  const uint16_t varied = session_->variation()->data.SenseLength(bytes, kMaxSenseBytes);
  if (varied == bytes || (!fixed && varied < bytes + 2)) return;
  std::fill(task->sense.begin() + 2 + bytes, task->sense.end(), 0);
  if (!fixed) {
    task->sense[2 + bytes] = kVendorDescriptor;
    task->sense[3 + bytes] = static_cast<uint8_t>(varied - bytes - 2);
  }
  base::StoreBe16(task->sense.data(), varied);
  task->sense[kAdditionalLength] = static_cast<uint8_t>(varied - 8);
  pdu.data.back() = {task->sense.data(), size_t{2} + varied};
}

// RFC 7143 §11.4.7: behind the sense data, of which there may be none.
void ScsiCommands::AddResponseData(IscsiTask* task, std::string_view data, OutPdu& pdu) {
  if (data.empty()) return;
  if (pdu.data.empty()) {
    base::StoreBe16(task->sense.data(), 0);
    pdu.data.push_back(base::Bytes(task->sense).first(2));
  }
  pdu.data.push_back(base::AsBytes(data));
}

// MEDIUM ERROR and HARDWARE ERROR: the store failed.
void ScsiCommands::LogSense(const IscsiTask& task) {
  const Task::Result& result = task.scsi.result;
  const bool fixed = (result.sense_buffer[0] & 0x7e) == 0x70;
  const uint8_t key = result.sense_buffer[fixed ? 2 : 1] & 0x0f;
  const bool of_store = key == static_cast<uint8_t>(SenseKey::kMediumError) ||
                        key == static_cast<uint8_t>(SenseKey::kHardwareError);
  const base::LogLevel level = of_store ? base::LogLevel::kError : base::LogLevel::kDebug;
  const std::string_view event = of_store ? "store_error" : "check_condition";
  task.connection->Log(level, event, [&](base::LogFields& fields) {
    fields.Add("lun", static_cast<int64_t>(task.lun >> 48))
        .Add("operation_code", task.scsi.cdb[0])
        .Add("sense_key", key)
        .Add("asc", result.sense_buffer[fixed ? 12 : 2])
        .Add("ascq", result.sense_buffer[fixed ? 13 : 3]);
  });
}

void ScsiCommands::SendResponse(IscsiTask* task) {
  const BugSet& bugs = session_->node().bugs();
  const Task::Result& result = task->scsi.result;
  if (result.sense_bytes > 0 && session_->HasUsedUp(Bug::kFailedCommandSlotsLost)) {
    session_->Finish(task);
    return session_->task_manager().OnTaskEnded(task, /*aborted=*/false);
  }
  ScsiResponse response;
  response.initiator_task_tag = task->initiator_task_tag;
  response.status = static_cast<uint8_t>(result.status);
  response.exp_data_sn = task->read_flow.pieces();
  if (bugs.Has(Bug::kExpDataSnWrong) && response.exp_data_sn > 0) --response.exp_data_sn;
  const Residual residual = MainResidual(bugs, *task);
  response.residual_overflow = residual.overflow;
  response.residual_underflow = residual.underflow;
  response.residual_count = residual.count;
  if (task->bidirectional()) {
    const Residual in =
        ResidualOf(bugs, Presented(*task, DataDirection::kIn), task->bidirectional_read_bytes);
    response.bidirectional_read_overflow = in.overflow;
    response.bidirectional_read_underflow = in.underflow;
    response.bidirectional_read_residual_count = in.count;
  }
  OutPdu pdu;
  pdu.bhs = response.Encode();
  if (result.sense_bytes > 0) LogSense(*task);
  if (result.sense_bytes > 0 && !bugs.Has(Bug::kSenseMissing)) {
    // RFC 7143 §11.4.7: its length, then the sense data.
    base::StoreBe16(task->sense.data(), result.sense_bytes);
    std::ranges::copy(result.sense(), task->sense.begin() + 2);
    pdu.data.push_back({task->sense.data(), size_t{2} + result.sense_bytes});
    if (session_->variation() != nullptr) VarySense(task, pdu);
  }
  if (session_->variation() != nullptr) {
    AddResponseData(task, session_->variation()->data.ResponseData(), pdu);
  }
  const TaskRef keep(task);
  pdu.invalidate_key = task->invalidate_key;
  pdu.done = [keep = keep] {};  // the task holds the sense data
  session_->Finish(task);
  task->connection->Send(std::move(pdu));
  session_->SendLate(task->connection);
  session_->task_manager().OnTaskEnded(task, /*aborted=*/false);
}

}  // namespace pushpull::target
