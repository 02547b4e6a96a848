#include "conformance/capture/record.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "conformance/capture/recorder.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/data.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::Direction;
using initiator_sim::kReservedTag;

bool EndsTask(const v1::Pdu& pdu) {
  if (pdu.has_data_in()) return pdu.data_in().status_present();
  if (pdu.has_text_response()) return pdu.text_response().final();
  return !pdu.has_r2t() && !pdu.has_reject() && !pdu.has_login_response();
}

}  // namespace

absl::StatusOr<v1::Scenario> Recorder::Run() {
  PUSHPULL_RETURN_IF_ERROR(Check());
  PutHead();
  CountLuns();
  AddStep()->mutable_connect();
  for (const CapturedPdu& pdu : trace_.pdus) {
    const v1::Pdu full = initiator_sim::Decode(pdu.bytes, pdu.digests).pdu;
    if (pdu.direction == Direction::kToTarget) {
      Request(pdu, full);
    } else {
      Response(full);
    }
  }
  PutEnd();
  return std::move(scenario_);
}

absl::Status Recorder::Check() const {
  const std::string name = trace_.connection->Name();
  if (!trace_.from_start) {
    return absl::FailedPreconditionError(absl::StrCat(
        name,
        ": its beginning isn't in the capture, and without a login there is no session to "
        "play; `pushpull replay` takes the capture itself"));
  }
  if (!trace_.whole()) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": not all of it is in the capture (",
                     trace_.remarks.empty() ? "a gap" : trace_.remarks.back(),
                     "); `pushpull replay` takes the capture itself, up to the gap"));
  }
  const v1::Pdu first = initiator_sim::Decode(trace_.pdus[0].bytes, {}).pdu;
  if (first.login_request().tsih() != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": it joins session ", first.login_request().tsih(),
                     " of another connection, which a scenario of this one alone can't"));
  }
  return absl::OkStatus();
}

void Recorder::PutHead() {
  const CapturedConnection& connection = *trace_.connection;
  scenario_.set_id(options_.id);
  scenario_.set_title(absl::StrCat("Plays the session of ", connection.Name(), " again"));
  scenario_.set_why(absl::StrCat("What the initiator did in ", options_.source, ", from frame ",
                                 connection.first_frame,
                                 " on: a target must answer as the one did that was recorded."));
  scenario_.set_level(v1::ROBUSTNESS);
  scenario_.set_since(1);
  scenario_.set_version(1);
  scenario_.add_tag("recorded");
  scenario_.set_epilogue(v1::NOTHING);
}

RecordedTask* Recorder::TaskOf(uint32_t tag) {
  const auto found = tags_.find(tag);
  return found == tags_.end() ? nullptr : found->second;
}

void Recorder::CountLuns() {
  std::map<uint64_t, size_t> counts;
  for (const CapturedPdu& pdu : trace_.pdus) {
    if (pdu.direction != Direction::kToTarget || (pdu.bytes[0] & 0x3f) != 0x01) continue;
    ++counts[base::LoadBe64(&pdu.bytes[8])];
  }
  size_t most = 0;
  for (const auto& [lun, count] : counts) {
    if (count <= most) continue;
    most = count;
    lun_bytes_ = lun;
  }
}

void Recorder::Response(const v1::Pdu& full) {
  Absorb(full, &session_, &state_);
  if (full.has_login_response()) AbsorbLoginResponse(full, &session_, &state_);
  const uint32_t tag = initiator_sim::InitiatorTaskTagOf(full);
  if (initiator_sim::MayComeAtAnyTime(full)) return;
  if (full.has_reject()) return ExpectReject(full);
  RecordedTask* task = TaskOf(tag);
  if (task == nullptr || task->ended) {
    *AddExpect(nullptr)->mutable_pdu() = ExpectedResponse(full, false, options_.with_data);
    return;
  }
  if (full.has_data_in()) {
    task->data_in.push_back(full);
    if (full.data_in().status_present()) ExpectData(task, full);
  } else {
    if (full.has_scsi_response() && !task->data_in.empty()) ExpectData(task, full);
    const bool taken = full.has_scsi_response() && !task->data_in.empty() && IsGood(full);
    if (!taken) {
      *AddExpect(task)->mutable_pdu() =
          ExpectedResponse(full, task->of_blocks(), options_.with_data);
    }
  }
  Enter(full, task);
}

bool Recorder::IsGood(const v1::Pdu& full) {
  if (full.has_data_in()) return full.data_in().status() == v1::GOOD;
  return full.scsi_response().response() == v1::COMMAND_COMPLETED_AT_TARGET &&
         full.scsi_response().status() == v1::GOOD;
}

void Recorder::Enter(const v1::Pdu& full, RecordedTask* task) {
  if (full.has_r2t()) {
    const v1::R2t& r2t = full.r2t();
    task->r2ts.push_back({r2t.target_transfer_tag(), scenario_.step_size() - 1, r2t.buffer_offset(),
                          uint64_t{r2t.buffer_offset()} + r2t.desired_data_transfer_length(), 0});
    task->data_sn = 0;
  }
  if (full.has_r2t() || full.has_text_response()) {
    task->transfer_tag = static_cast<uint32_t>(NumberOf(full, "target_transfer_tag"));
    task->response_lun_bytes = NumberOf(full, "lun_bytes");
  }
  if (EndsTask(full)) task->ended = true;
}

v1::Alternative* Recorder::AddExpect(const RecordedTask* task) {
  v1::Expect* expect = AddStep()->mutable_expect();
  if (task != nullptr) expect->set_task(task->name);
  return expect->add_one_of();
}

void Recorder::ExpectData(RecordedTask* task, const v1::Pdu& last) {
  if (last.has_data_in() && !IsGood(last)) {
    for (const v1::Pdu& pdu : task->data_in) {
      *AddExpect(task)->mutable_pdu() = ExpectedResponse(pdu, false, false);
    }
    return;
  }
  v1::GatherDataIn* gather = AddStep()->mutable_gather_data_in();
  gather->set_task(task->name);
  if (!IsGood(last)) gather->set_leave_response(true);
  uint64_t end = 0;
  for (const v1::Pdu& pdu : task->data_in) {
    end = std::max(end, pdu.data_in().buffer_offset() + LengthOf(pdu));
  }
  if (ReadsBlocks(task->request)) gather->set_expect_length(static_cast<uint32_t>(end));
  if (!options_.with_data || !ReadsBlocks(task->request) ||
      end > task->request.scsi_command().expected_data_transfer_length()) {
    return;
  }
  std::string data(end, '\0');
  for (const v1::Pdu& pdu : task->data_in) {
    const std::string piece = initiator_sim::DataBytes(pdu.data()).value_or("");
    data.replace(pdu.data_in().buffer_offset(), piece.size(), piece);
  }
  gather->mutable_expect_data()->set_raw(data);
}

void Recorder::ExpectReject(const v1::Pdu& full) {
  const std::string header = initiator_sim::DataBytes(full.data()).value_or("");
  const RecordedTask* task = header.size() < initiator_sim::kBhsSize
                                 ? nullptr
                                 : TaskOf(base::LoadBe32(base::AsBytes(header).subspan(16).data()));
  v1::Alternative* expected = AddExpect(task);
  *expected->mutable_pdu() = ExpectedResponse(full, false, false);
  if (task != nullptr) expected->set_rejects(task->name);
}

void Recorder::PutEnd() {
  const CapturedConnection& connection = *trace_.connection;
  const CapturedStream& ours = connection.to_target;
  const CapturedStream& theirs = connection.to_initiator;
  if (connection.reset_frame != 0) {
    if (connection.reset_by_target) {
      AddStep()->mutable_expect_closed();
    } else {
      AddStep()->mutable_close()->set_how(v1::RST);
    }
  } else if (theirs.ended && (!ours.ended || theirs.end_frame < ours.end_frame)) {
    AddStep()->mutable_expect_closed();
  } else if (ours.ended) {
    AddStep()->mutable_close();
  }
}

absl::StatusOr<v1::Scenario> ScenarioFromSession(const SessionTrace& session,
                                                 const RecordOptions& options) {
  return Recorder(session, options).Run();
}

}  // namespace pushpull::conformance
