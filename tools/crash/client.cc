#include "tools/crash/client.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::tools {

using initiator_sim::LoginExchange;

Client::Client(fabric::Network* network, fabric::Loop* loop, const fabric::Address& portal,
               std::string target_name, uint8_t number, std::vector<initiator_sim::LoginKey> keys)
    : loop_(loop) {
  session_.isid = {0x80, 0, 0, 0, 0, number};
  initiator_sim::LoginConfig config;
  config.initiator_name = "iqn.2026-11.org.pushpull:crash";
  config.target_name = std::move(target_name);
  config.isid = session_.isid;
  config.keys = std::move(keys);
  exchange_ = std::make_unique<LoginExchange>(std::move(config), &state_);
  network->Connect(loop_, portal, [life = std::weak_ptr(life_)](auto stream) {
    const auto client = life.lock();
    if (client == nullptr) return;
    if (!stream.ok()) return (*client)->Fail(stream.status().ToString());
    (*client)->OnConnected(*std::move(stream));
  });
}

void Client::OnConnected(std::unique_ptr<fabric::Stream> stream) {
  stream_ = std::move(stream);
  stream_->SetHandlers([this] { OnReadable(); }, [this] { Pump(); });
  state_.login_tag = session_.AllocateTag();
  SendLogin();
}

void Client::Fail(std::string error) {
  if (error_.empty()) error_ = std::move(error);
}

// ---- what is sent ------------------------------------------------------------------------------

void Client::SendLogin() {
  v1::Pdu pdu = exchange_->Next();
  v1::LoginRequest* request = pdu.mutable_login_request();
  request->set_initiator_task_tag(state_.login_tag);
  request->set_cmd_sn(session_.cmd_sn);
  request->set_exp_stat_sn(state_.ExpStatSnToSend());
  initiator_sim::NoteLoginRequest(pdu, &state_);
  Write(pdu);
}

void Client::Send(ClientCommand command) {
  waiting_.push_back(std::move(command));
  SendWaiting();
}

void Client::SendWaiting() {
  while (!waiting_.empty() && error_.empty() && session_.MaySend(session_.cmd_sn)) {
    ClientCommand command = std::move(waiting_.front());
    waiting_.pop_front();
    SendCommand(std::move(command));
  }
}

void Client::SendCommand(ClientCommand command) {
  const uint32_t tag = session_.AllocateTag();
  const auto bytes = static_cast<uint32_t>(command.data_out.size());
  const auto due = initiator_sim::UnsolicitedOf(session_.parameters,
                                                state_.peer_max_recv_data_segment_length, bytes);
  v1::Pdu pdu;
  v1::ScsiCommand* request = pdu.mutable_scsi_command();
  request->set_final(due.unsolicited == 0);
  request->set_read(command.read_bytes != 0);
  request->set_write(bytes != 0);
  request->set_attr(v1::SIMPLE);
  request->set_initiator_task_tag(tag);
  request->set_expected_data_transfer_length(std::max(bytes, command.read_bytes));
  request->set_cmd_sn(session_.cmd_sn++);
  request->set_exp_stat_sn(state_.ExpStatSnToSend());
  request->mutable_cdb()->set_raw(command.cdb);
  if (due.immediate != 0) pdu.mutable_data()->set_raw(command.data_out.substr(0, due.immediate));
  Write(pdu);
  uint32_t sn = 0;
  const uint32_t end = due.immediate + due.unsolicited;
  for (uint32_t at = due.immediate; at < end;) {
    const uint32_t part = std::min(end - at, state_.peer_max_recv_data_segment_length);
    v1::Pdu data;
    v1::DataOut* out = data.mutable_data_out();
    out->set_final(at + part == end);
    out->set_initiator_task_tag(tag);
    out->set_exp_stat_sn(state_.ExpStatSnToSend());
    out->set_data_sn(sn++);
    out->set_buffer_offset(at);
    data.mutable_data()->set_raw(command.data_out.substr(at, part));
    Write(data);
    at += part;
  }
  Task& task = tasks_[tag];
  task.data_in.assign(command.read_bytes, '\0');
  task.command = std::move(command);
}

void Client::Write(const v1::Pdu& pdu) {
  const auto encoded = initiator_sim::Encode(pdu, framer_.digests());
  if (!encoded.ok()) return Fail(encoded.status().ToString());
  out_.insert(out_.end(), encoded->bytes.begin(), encoded->bytes.end());
  Pump();
}

void Client::Pump() {
  size_t written = 0;
  while (stream_ != nullptr && written < out_.size()) {
    const iovec buffer = {out_.data() + written, out_.size() - written};
    const fabric::IoResult result = stream_->TryWrite({&buffer, 1});
    if (result.kind == fabric::IoResult::Kind::kError) {
      Fail(absl::StrCat("writing: ", std::strerror(result.error)));
    }
    if (result.kind != fabric::IoResult::Kind::kBytes) break;
    written += result.bytes;
  }
  out_.erase(out_.begin(), out_.begin() + static_cast<ptrdiff_t>(written));
}

// ---- what comes --------------------------------------------------------------------------------

void Client::OnReadable() {
  std::array<uint8_t, 16384> bytes;
  while (error_.empty()) {
    const iovec buffer = {bytes.data(), bytes.size()};
    const fabric::IoResult result = stream_->TryRead({&buffer, 1});
    if (result.kind == fabric::IoResult::Kind::kWouldBlock) return;
    if (result.kind != fabric::IoResult::Kind::kBytes) return Fail("the target closed");
    framer_.Append(base::Bytes(bytes).first(result.bytes));
    while (auto frame = framer_.Next()) OnPdu(frame->decoded.pdu);
    if (framer_.error()) return Fail(framer_.error()->reason);
  }
}

void Client::OnPdu(const v1::Pdu& pdu) {
  initiator_sim::Absorb(pdu, &session_, &state_);
  if (pdu.has_login_response()) {
    OnLoginResponse(pdu);
  } else if (pdu.has_data_in()) {
    OnDataIn(pdu);
  } else if (pdu.has_r2t()) {
    OnR2t(pdu);
  } else if (pdu.has_scsi_response()) {
    // Behind the two bytes of SenseLength: fixed format, whose third byte has the sense key.
    const std::string& data = pdu.data().raw();
    const bool attention = data.size() > 4 && (data[4] & 0xf) == v1::UNIT_ATTENTION;
    End(pdu.scsi_response().initiator_task_tag(), pdu.scsi_response().status(),
        attention || pdu.data().sense().sense_key() == v1::UNIT_ATTENTION);
  } else if (!initiator_sim::MayComeAtAnyTime(pdu)) {
    Fail(absl::StrCat("unexpected: ", pdu.ShortDebugString()));
  }
  if (logged_in()) SendWaiting();
}

void Client::OnLoginResponse(const v1::Pdu& pdu) {
  if (initiator_sim::AbsorbLoginResponse(pdu, &session_, &state_)) {
    framer_.set_digests(state_.digests);
  }
  switch (exchange_->OnResponse(pdu)) {
    case LoginExchange::Progress::kSend:
      return SendLogin();
    case LoginExchange::Progress::kReached:
      return;
    default:
      return Fail(absl::StrCat("login: ", pdu.ShortDebugString(), exchange_->breach()));
  }
}

void Client::OnDataIn(const v1::Pdu& pdu) {
  const v1::DataIn& in = pdu.data_in();
  const auto found = tasks_.find(in.initiator_task_tag());
  const std::string& data = pdu.data().raw();
  if (found == tasks_.end() || in.buffer_offset() > found->second.data_in.size() ||
      data.size() > found->second.data_in.size() - in.buffer_offset()) {
    return Fail("Data-In that nobody asked for");
  }
  std::copy(data.begin(), data.end(), found->second.data_in.begin() + in.buffer_offset());
  if (in.status_present()) End(in.initiator_task_tag(), in.status(), false);
}

void Client::OnR2t(const v1::Pdu& pdu) {
  const v1::R2t& r2t = pdu.r2t();
  const auto found = tasks_.find(r2t.initiator_task_tag());
  if (found == tasks_.end()) return Fail("an R2T for no task");
  const std::string& data = found->second.command.data_out;
  uint32_t sn = 0;
  const uint64_t end = uint64_t{r2t.buffer_offset()} + r2t.desired_data_transfer_length();
  if (end > data.size()) return Fail("an R2T beyond the data");
  for (uint64_t at = r2t.buffer_offset(); at < end;) {
    const uint64_t part = std::min<uint64_t>(end - at, state_.peer_max_recv_data_segment_length);
    v1::Pdu reply;
    v1::DataOut* out = reply.mutable_data_out();
    out->set_final(at + part == end);
    out->set_initiator_task_tag(r2t.initiator_task_tag());
    out->set_target_transfer_tag(r2t.target_transfer_tag());
    out->set_lun_bytes(r2t.lun_bytes());
    out->set_exp_stat_sn(state_.ExpStatSnToSend());
    out->set_data_sn(sn++);
    out->set_buffer_offset(static_cast<uint32_t>(at));
    reply.mutable_data()->set_raw(data.substr(at, part));
    Write(reply);
    at += part;
  }
}

void Client::End(uint32_t tag, v1::ScsiStatus status, bool unit_attention) {
  const auto found = tasks_.find(tag);
  if (found == tasks_.end()) return Fail("a response for no task");
  Task task = std::move(found->second);
  tasks_.erase(found);
  task.command.done(status, task.data_in, unit_attention);
}

}  // namespace pushpull::tools
