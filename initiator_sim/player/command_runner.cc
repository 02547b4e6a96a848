#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/drivers.h"

namespace pushpull::initiator_sim {
namespace {

constexpr uint32_t kMaxPdus = 1 << 20;                 // of one command
constexpr uint64_t kMaxReadBytes = uint64_t{1} << 28;  // that are held for comparison

// The sense bytes of a SCSI Response, after their length (RFC 7143 §11.4.7).
std::string SenseBytes(const v1::Pdu& pdu) {
  const std::string data = DataBytes(pdu.data()).value_or("");
  if (data.size() < 2) return "";
  const size_t length = base::LoadBe16(reinterpret_cast<const uint8_t*>(data.data()));
  return data.substr(2, length);
}

}  // namespace

// ---- collecting
// ----------------------------------------------------------------------------------

std::string DataCollector::Add(const v1::Pdu& data_in) {
  const std::string data = DataBytes(data_in.data()).value_or("");
  if (data.empty()) return "";
  uint64_t begin = data_in.data_in().buffer_offset();
  uint64_t end = begin + data.size();
  if (end > limit_) {
    return absl::StrCat("Data-In reaches to byte ", end, ", the Expected Data Transfer Length is ",
                        limit_);
  }
  if (end > kMaxReadBytes) return absl::StrCat("more than ", kMaxReadBytes, " bytes to be held");
  if (bytes_.size() < end) bytes_.resize(end);
  std::copy(data.begin(), data.end(), bytes_.begin() + static_cast<ptrdiff_t>(begin));
  received_ += data.size();
  // Joined with the pieces that it touches.
  auto it = pieces_.upper_bound(begin);
  if (it != pieces_.begin() && std::prev(it)->second >= begin) --it;
  while (it != pieces_.end() && it->first <= end) {
    begin = std::min(begin, it->first);
    end = std::max(end, it->second);
    it = pieces_.erase(it);
  }
  pieces_[begin] = end;
  return "";
}

std::string DataCollector::Whole() const {
  if (pieces_.empty() || pieces_.begin()->first != 0) return "";
  return bytes_.substr(0, pieces_.begin()->second);
}

// ---- the command
// ---------------------------------------------------------------------------------

CommandRunner::CommandRunner(Play* play, Link* link, Request request)
    : play_(play), link_(link), request_(std::move(request)) {}

std::string CommandRunner::Awaiting() const {
  if (!begun_) return "MaxCmdSN to let the next command through";
  return absl::StrCat("the data or the response of ", Summary(task_->request));
}

Progress CommandRunner::Advance() {
  if (!begun_) {
    if (!link_->open()) return play_->EndedWhileWaiting(*link_, "the response to a command");
    if (!request_.pdu.immediate() && !play_->WindowOpen(*link_)) return Progress::kWaiting;
    if (const Progress progress = Begin(); progress != Progress::kDone) return progress;
  }
  for (;;) {
    const Awaited awaited = AwaitFor(play_, link_, task_, Awaiting());
    if (awaited.arrival == nullptr) return awaited.progress;
    if (++pdus_ > kMaxPdus) return play_->Fail("a command took more PDUs than any could");
    const v1::Pdu pdu = play_->Take(awaited.arrival);
    Progress progress = Progress::kWaiting;
    switch (pdu.kind_case()) {
      case v1::Pdu::kR2T:
        progress = AnswerR2t(pdu);
        break;
      case v1::Pdu::kDataIn:
        progress = TakeDataIn(pdu);
        break;
      case v1::Pdu::kScsiResponse:
        progress = TakeResponse(pdu);
        break;
      default:
        return play_->Unmet("a command was answered by what is no R2T, Data-In or SCSI Response",
                            Awaiting(), FullText(pdu));
    }
    if (progress != Progress::kWaiting) return progress;
  }
}

Progress CommandRunner::Begin() {
  begun_ = true;
  task_ = play_->NewTask(
      request_.task_name.empty() ? play_->PrivateName("command") : request_.task_name, link_);
  v1::Pdu pdu = request_.pdu;
  const SendOptions options = {.lba_is_relative = request_.lba_is_relative};
  absl::Status status = play_->Complete(&pdu, link_, task_, options);
  if (!status.ok()) return play_->Error(status);
  const uint32_t length = pdu.scsi_command().expected_data_transfer_length();
  collector_.emplace(length);
  if (request_.write_data) {
    task_->write_pattern = request_.write_data->has_pattern();
    if (task_->write_pattern) {
      task_->pattern = request_.write_data->pattern();
    } else {
      absl::StatusOr<std::string> data = DataBytes(*request_.write_data);
      if (!data.ok()) return play_->Error(data.status());
      task_->write_data = *std::move(data);
    }
  }
  UnsolicitedDue due;
  if (pdu.scsi_command().write()) {
    due = UnsolicitedOf(link_->session->parameters, link_->state.peer_max_recv_data_segment_length,
                        length);
    if (request_.immediate_length) due.immediate = *request_.immediate_length;
    if (request_.unsolicited_length) due.unsolicited = *request_.unsolicited_length;
    if (due.immediate > 0) {
      pdu.mutable_data()->set_raw(task_->DataAt(0, due.immediate));
    }
    if (!pdu.scsi_command().has_final()) {
      pdu.mutable_scsi_command()->set_final(due.unsolicited == 0);
    }
  }
  status = play_->Transmit(std::move(pdu), link_, task_, options);
  if (!status.ok()) return play_->Error(status);
  task_->unsolicited_end = due.immediate + due.unsolicited;
  return SendUnsolicited();
}

Progress CommandRunner::SendUnsolicited() {
  while (task_->sent_length < task_->unsolicited_end) {
    v1::Pdu out;
    out.mutable_data_out();
    const absl::Status status = play_->Send(std::move(out), link_, task_);
    if (!status.ok()) return play_->Error(status);
  }
  return Progress::kDone;
}

Progress CommandRunner::AnswerR2t(const v1::Pdu& pdu) {
  const v1::R2t& r2t = pdu.r2t();
  const uint64_t end = uint64_t{r2t.buffer_offset()} + r2t.desired_data_transfer_length();
  if (r2t.desired_data_transfer_length() == 0 || end > task_->expected_length) {
    return play_->Unmet(
        "an R2T asks for what the command doesn't have (RFC 7143 §11.8.4)",
        absl::StrCat("bytes within the Expected Data Transfer Length of ", task_->expected_length),
        FullText(pdu));
  }
  do {
    v1::Pdu out;
    out.mutable_data_out();
    const absl::Status status = play_->Send(std::move(out), link_, task_);
    if (!status.ok()) return play_->Error(status);
  } while (task_->r2t->sent < task_->r2t->length);
  return Progress::kWaiting;
}

Progress CommandRunner::TakeDataIn(const v1::Pdu& pdu) {
  if (const std::string error = collector_->Add(pdu); !error.empty()) {
    return play_->Unmet(error, Awaiting(), FullText(pdu));
  }
  const v1::DataIn& data_in = pdu.data_in();
  if (!data_in.status_present()) return Progress::kWaiting;
  outcome_.last = pdu;
  outcome_.status = data_in.status();
  outcome_.data = collector_->Whole();
  if (data_in.residual_overflow()) outcome_.residual_overflow = data_in.residual_count();
  if (data_in.residual_underflow()) outcome_.residual_underflow = data_in.residual_count();
  return Progress::kDone;
}

Progress CommandRunner::TakeResponse(const v1::Pdu& pdu) {
  const v1::ScsiResponse& response = pdu.scsi_response();
  if (response.response() != v1::COMMAND_COMPLETED_AT_TARGET) {
    return play_->Unmet("the command was not completed at the target (RFC 7143 §11.4.3)",
                        "response 0 (command completed at target)", FullText(pdu));
  }
  outcome_.last = pdu;
  outcome_.status = response.status();
  outcome_.sense = SenseBytes(pdu);
  outcome_.data_in = collector_->received();
  outcome_.data = task_->buffers != nullptr ? play_->ReadByRdma(*task_, pdu) : collector_->Whole();
  if (response.residual_overflow()) outcome_.residual_overflow = response.residual_count();
  if (response.residual_underflow()) outcome_.residual_underflow = response.residual_count();
  return Progress::kDone;
}

}  // namespace pushpull::initiator_sim
