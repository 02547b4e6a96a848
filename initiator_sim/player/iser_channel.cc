#include "initiator_sim/player/iser_channel.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "initiator_sim/iser/buffer.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::initiator_sim {
namespace {

constexpr size_t kFullFeatureReceives = 128;
// Of very large ones there are fewer: all of their memory is locked.
constexpr size_t kReceiveBytes = size_t{16} << 20;
constexpr size_t kFewestReceives = 16;
constexpr size_t kLoginDataBytes = 8192;  // RFC 7143 §13.12: of the Login Phase
constexpr uint32_t kMaxDataBytes = 1 << 20;
constexpr size_t kPad = 3;
constexpr size_t kMaxSends = 512;
// Ids of receives are below those of Sends.
constexpr uint64_t kFullFeatureIds = 1000;
constexpr uint64_t kSendIds = 1 << 20;

}  // namespace

fabric::RdmaQueueOptions IserChannel::QueueOptions() {
  fabric::RdmaQueueOptions options;
  options.max_sends = kMaxSends;
  options.max_receives = kFullFeatureReceives + 8;
  options.max_send_segments = 1;
  return options;
}

IserChannel::IserChannel(std::unique_ptr<fabric::RdmaConnection> rdma, fabric::Loop* loop,
                         TapConnection info, Tap* tap, size_t login_receives, IserHandlers handlers)
    : rdma_(std::move(rdma)),
      domain_(rdma_->domain()),
      loop_(loop),
      info_(std::move(info)),
      tap_(tap),
      handlers_(std::move(handlers)),
      login_slots_(login_receives),
      next_id_(kSendIds),
      refuse_on_(loop) {}

IserChannel::~IserChannel() {
  if (open_ && established_ && tap_ != nullptr) {
    tap_->OnClosed(info_, loop_->Now(), /*by_peer=*/false, "");
  }
  // Before the memory that it may still work on.
  rdma_.reset();
}

void IserChannel::Establish(const fabric::RdmaConnectOptions& options) {
  const absl::Status status =
      MakeReceives(login_slots_, kIserHeaderSize + kBhsSize + kLoginDataBytes, &login_);
  if (!status.ok()) return Fail(status);
  PostIdle(&login_);
  rdma_->Establish(options, this);
}

// ---- receives --------------------------------------------------------------------------------

absl::Status IserChannel::MakeReceives(size_t slots, size_t slot_bytes, Receives* receives) {
  receives->slots = slots;
  receives->slot_bytes = slot_bytes;
  receives->first_id = receives == &login_ ? 0 : kFullFeatureIds;
  receives->bytes.resize(slots * slot_bytes);
  auto memory = domain_->Register(receives->bytes, fabric::RdmaRights::kLocal);
  if (!memory.ok()) return memory.status();
  receives->memory = *std::move(memory);
  for (size_t slot = 0; slot < slots; ++slot) receives->idle.push_back(slot);
  return absl::OkStatus();
}

void IserChannel::PostIdle(Receives* receives) {
  while (open_ && !receives->idle.empty()) {
    if (keep_ && posted_receives_ >= *keep_) return;
    const size_t slot = receives->idle.front();
    const fabric::RdmaSegment segment =
        receives->memory->Segment(slot * receives->slot_bytes, receives->slot_bytes);
    const absl::Status status =
        rdma_->PostReceive({.id = receives->first_id + slot, .segments = {&segment, 1}});
    if (!status.ok()) return Fail(status);
    receives->idle.pop_front();
    ++posted_receives_;
  }
}

void IserChannel::PostFullFeatureReceives(uint32_t data_bytes) {
  if (full_feature_.memory != nullptr || !open_) return;
  const size_t data = std::min(data_bytes, kMaxDataBytes) + kPad;
  const size_t size = kIserHeaderSize + kBhsSize + data;
  const size_t slots = std::clamp(kReceiveBytes / size, kFewestReceives, kFullFeatureReceives);
  if (const absl::Status status = MakeReceives(slots, size, &full_feature_); !status.ok()) {
    return Fail(status);
  }
  PostIdle(&full_feature_);
}

void IserChannel::WithholdReceives(std::optional<uint32_t> keep) {
  keep_ = keep;
  if (!full_feature_began_) PostIdle(&login_);
  PostIdle(&full_feature_);
}

void IserChannel::EnterFullFeature(Digests) { full_feature_began_ = true; }

void IserChannel::OnReceived(const fabric::RdmaCompletion& completion) {
  --posted_receives_;
  Receives& receives = completion.id < kFullFeatureIds ? login_ : full_feature_;
  const size_t slot = completion.id - receives.first_id;
  const size_t size = std::min<size_t>(completion.byte_len, receives.slot_bytes);
  OnMessage(base::Bytes(receives.bytes).subspan(slot * receives.slot_bytes, size), completion);
  receives.idle.push_back(slot);
  // Those of the login are too large, or too few, for what comes later.
  if (&receives == &full_feature_ || !full_feature_began_) PostIdle(&receives);
}

void IserChannel::OnMessage(base::Bytes message, const fabric::RdmaCompletion& completion) {
  const bool has_header =
      full_feature_began_ || (message.size() >= kIserHeaderSize && message[0] >> 4 == 1);
  if (!has_header) return TakePdu({}, message, completion, "");
  const DecodedIserHeader header = DecodeIserHeader(message);
  if (const auto* reply = std::get_if<HelloReplyHeader>(&header.header);
      reply != nullptr && message.size() == kIserHeaderSize) {
    if (tap_ != nullptr) {
      tap_->OnIserMessage(info_, loop_->Now(), Direction::kToInitiator, message);
    }
    return handlers_.hello_reply(*reply);
  }
  std::string flaw = header.flaw;
  if (flaw.empty() && !std::holds_alternative<ControlHeader>(header.header)) {
    flaw = absl::StrCat("a message of iSER opcode ", header.opcode, " and ", message.size(),
                        " bytes (RFC 7145 §9)");
  }
  const size_t split = std::min(message.size(), kIserHeaderSize);
  TakePdu(message.first(split), message.subspan(split), completion, std::move(flaw));
}

void IserChannel::TakePdu(base::Bytes header, base::Bytes pdu,
                          const fabric::RdmaCompletion& completion, std::string flaw) {
  Frame frame;
  frame.bytes.assign(pdu.begin(), pdu.end());
  // RFC 7145 doesn't say whether the pad is sent; without it the PDU is read as with it.
  if (frame.bytes.size() >= kBhsSize) {
    const PduLayout layout = LayoutOf(frame.bytes, {});
    if (frame.bytes.size() == layout.pad) frame.bytes.resize(layout.end);
  }
  frame.decoded = Decode(frame.bytes, {});
  frame.iser_flaw = std::move(flaw);
  frame.iser_header = !header.empty();
  if (!header.empty()) {
    const DecodedIserHeader decoded = DecodeIserHeader(header);
    if (const auto* control = std::get_if<ControlHeader>(&decoded.header)) {
      frame.iser_stag = control->write_stag_valid || control->read_stag_valid;
    }
    if (frame.iser_flaw.empty() && decoded.reserved_set) {
      frame.iser_flaw = "reserved bits of the iSER header, or fields that aren't valid, are not 0";
    }
  }
  if (completion.invalidated) frame.invalidated_key = completion.invalidated_key;
  frame.receive_id = completion.id;
  if (tap_ != nullptr) {
    tap_->OnBytes(info_, loop_->Now(), Direction::kToInitiator, frame.bytes);
    tap_->OnPdu({.connection = &info_,
                 .direction = Direction::kToInitiator,
                 .time = loop_->Now(),
                 .bytes = frame.bytes,
                 .decoded = &frame.decoded,
                 .digests = {},
                 .misbehaving = false,
                 .iser_header = header,
                 .invalidated_key = frame.invalidated_key});
  }
  handlers_.channel.pdu(std::move(frame));
}

// ---- sending ---------------------------------------------------------------------------------

void IserChannel::Send(OutgoingPdu pdu) {
  if (!open_) return;
  Message message;
  message.bytes = pdu.iser_header;
  message.bytes.insert(message.bytes.end(), pdu.bytes.begin(), pdu.bytes.end());
  if (pdu.posted_bytes) message.bytes.resize(*pdu.posted_bytes);
  message.binds = pdu.binds;
  held_.push_back(std::move(message));
  hold_ = pdu.join_next;
  ReportSent(pdu);
  Pump();
}

void IserChannel::SendMessage(std::vector<uint8_t> message) {
  if (!open_) return;
  if (tap_ != nullptr) tap_->OnIserMessage(info_, loop_->Now(), Direction::kToTarget, message);
  held_.push_back({.bytes = std::move(message), .binds = {}});
  Pump();
}

void IserChannel::Flush() {
  hold_ = false;
  Pump();
}

void IserChannel::ReportSent(const OutgoingPdu& pdu) {
  if (tap_ == nullptr) return;
  // With the pad that isn't sent, as a reader of the PDU alone would have it.
  std::vector<uint8_t> bytes = pdu.bytes;
  if (bytes.size() >= kBhsSize) {
    const PduLayout layout = LayoutOf(bytes, {});
    if (bytes.size() == layout.pad) bytes.resize(layout.end);
  }
  const DecodedPdu decoded = Decode(bytes, {});
  tap_->OnBytes(info_, loop_->Now(), Direction::kToTarget, bytes);
  tap_->OnPdu({.connection = &info_,
               .direction = Direction::kToTarget,
               .time = loop_->Now(),
               .bytes = bytes,
               .decoded = &decoded,
               .digests = {},
               .misbehaving = pdu.misbehaving,
               .iser_header = pdu.iser_header,
               .invalidated_key = std::nullopt});
}

void IserChannel::Pump() {
  if (!open_ || !established_) return;
  while (!held_.empty() && !hold_) {
    const absl::Status status = Post(held_.front());
    if (absl::IsResourceExhausted(status) && !flights_.empty()) return;
    if (!status.ok()) return Fail(status);
    held_.pop_front();
  }
}

absl::Status IserChannel::Post(const Message& message) {
  Flight flight;
  flight.bytes = message.bytes;
  // An empty message is one, but no memory can be registered for it.
  fabric::RdmaSegment segment;
  if (!flight.bytes.empty()) {
    auto memory = domain_->Register(flight.bytes, fabric::RdmaRights::kLocal);
    if (!memory.ok()) return memory.status();
    flight.memory = *std::move(memory);
    segment = flight.memory->Segment(0, flight.bytes.size());
  }
  std::vector<fabric::RdmaWork> works;
  for (IserBuffer* buffer : message.binds) {
    fabric::RdmaWork bind;
    if (buffer->MakeBind(&bind)) works.push_back(bind);
  }
  fabric::RdmaWork send;
  send.op = fabric::RdmaOp::kSend;
  send.id = next_id_;
  if (!flight.bytes.empty()) send.segments = {&segment, 1};
  works.push_back(send);
  if (const absl::Status status = rdma_->PostSends(works); !status.ok()) return status;
  flights_[next_id_++] = std::move(flight);
  return absl::OkStatus();
}

// ---- the queue pair --------------------------------------------------------------------------

void IserChannel::OnEstablished(const fabric::RdmaPeer&) {
  established_ = true;
  if (tap_ != nullptr) tap_->OnOpened(info_, loop_->Now());
  handlers_.established();
  Pump();
}

void IserChannel::OnRefused(const fabric::RdmaRefusal& refusal) {
  open_ = false;
  const absl::Status status = absl::UnavailableError(refusal.Message());
  LetGo();
  handlers_.refused(status);
}

void IserChannel::OnCompletions(std::span<const fabric::RdmaCompletion> completions) {
  for (const fabric::RdmaCompletion& completion : completions) {
    const bool receive = completion.op == fabric::RdmaOp::kReceive;
    if (!receive) flights_.erase(completion.id);
    if (completion.status != fabric::RdmaStatus::kSuccess) {
      if (failure_.empty() && completion.status != fabric::RdmaStatus::kFlushed) {
        failure_ = absl::StrCat(base::ToAbsl(ToString(completion.op)),
                                " failed: ", base::ToAbsl(ToString(completion.status)));
      }
      continue;
    }
    if (receive && open_) OnReceived(completion);
  }
  if (open_) {
    Pump();
    if (drained()) handlers_.channel.drained();
  } else if (close_due_ && flights_.empty()) {
    close_due_ = false;
    rdma_->Disconnect();
  }
}

void IserChannel::OnDisconnected(fabric::RdmaEnd end) {
  if (end == fabric::RdmaEnd::kDeviceRemoved) failure_ = "the RDMA device was removed";
  if (open_) End(failure_);
  LetGo();
  // Somebody may wait for that.
  handlers_.channel.drained();
}

// A scenario may have had a thousand connections, and each holds memory, keys and descriptors.
void IserChannel::LetGo() {
  rdma_.reset();
  flights_.clear();
  login_ = Receives();
  full_feature_ = Receives();
}

void IserChannel::End(std::string reason) {
  if (!open_) return;
  open_ = false;
  held_.clear();
  if (tap_ != nullptr) tap_->OnClosed(info_, loop_->Now(), /*by_peer=*/true, reason);
  handlers_.channel.ended(std::move(reason));
}

// Not within the call that failed.
void IserChannel::Fail(const absl::Status& status) {
  if (failure_.empty()) failure_ = std::string(status.message());
  held_.clear();
  if (established_) {
    if (rdma_ != nullptr) rdma_->Disconnect();
    return;
  }
  refuse_on_.Start(absl::ZeroDuration(), [this, status] {
    if (!open_) return;
    open_ = false;
    handlers_.refused(status);
  });
}

void IserChannel::Close() {
  if (!open_) return;
  hold_ = false;
  Pump();
  const bool all_arrived = flights_.empty();
  open_ = false;
  if (tap_ != nullptr && established_) {
    tap_->OnClosed(info_, loop_->Now(), /*by_peer=*/false, "");
  }
  if (all_arrived) {
    rdma_->Disconnect();
  } else {
    close_due_ = true;
  }
}

void IserChannel::Abort() {
  if (!open_) return;
  open_ = false;
  rdma_->Disconnect();
  if (tap_ != nullptr && established_) {
    tap_->OnClosed(info_, loop_->Now(), /*by_peer=*/false, "disconnected");
  }
}

}  // namespace pushpull::initiator_sim
