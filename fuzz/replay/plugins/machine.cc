// The reference target's receive machine as a plug-in: the example in C++, and the same code as
// `--via rx` behind the ABI. Pulls as over TCP, or is pushed as over iSER.

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "fabric/stream.h"
#include "fuzz/replay/receiver_plugin.h"
#include "target/rx/block_pool.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/pdu_queue.h"
#include "target/rx/push_source.h"
#include "target/rx/read_ahead.h"
#include "target/rx/tcp_source.h"

namespace pushpull::replay {
namespace {

constexpr size_t kQueueCapacity = 4;

// The host's recv() as a stream.
class HostStream final : public fabric::Stream {
 public:
  explicit HostStream(const pushpull_host* host) : host_(host) {}

  fabric::IoResult TryRead(std::span<const iovec> buffers) override {
    using Kind = fabric::IoResult::Kind;
    size_t moved = 0;
    for (const iovec& buffer : buffers) {
      if (buffer.iov_len == 0) continue;
      const int64_t n = host_->recv(host_->context, buffer.iov_base, buffer.iov_len);
      if (n <= 0 && moved > 0) break;  // told at the next read
      if (n == PUSHPULL_END) return {Kind::kEnd};
      if (n < 0) return {Kind::kWouldBlock};
      moved += static_cast<size_t>(n);
      if (static_cast<size_t>(n) < buffer.iov_len) break;
    }
    return {Kind::kBytes, moved};
  }
  fabric::IoResult TryWrite(std::span<const iovec> /*buffers*/) override {
    return {fabric::IoResult::Kind::kError, 0, EPIPE};
  }
  void SetHandlers(fabric::Task /*readable*/, fabric::Task /*writable*/) override {}
  void ShutdownWrite() override {}
  void Close() override {}
  void Abort() override {}
  fabric::Address local() const override { return {}; }
  fabric::Address peer() const override { return {}; }

 private:
  const pushpull_host* const host_;
};

// Keeps all data with its PDU.
struct Placer {
  void Place(const target::PduSlot& /*pdu*/, target::Placement& /*placement*/) {}
};

// What both transports share, once there is a source.
template <typename Source>
class Core {
 public:
  Core(const pushpull_open& open, Source* source)
      : host_(open.host),
        parameters_(*open.parameters),
        queue_(kQueueCapacity),
        machine_(source, &placer_, &queue_) {
    machine_.SetFraming(FramingOf(parameters_.login_pdus == 0));
  }

  int Poll() {
    while (true) {
      switch (machine_.Poll()) {
        case target::RxStop::kNotYet:
          Drain();
          return PUSHPULL_OK;
        case target::RxStop::kQueueFull:
        case target::RxStop::kNoSlot:
          Drain();
          break;
        case target::RxStop::kHeld:
          Drain();
          if (++login_pdus_ == parameters_.login_pdus) machine_.SetFraming(FramingOf(true));
          machine_.Proceed();
          break;
        case target::RxStop::kBudget:
          break;
        case target::RxStop::kEnded:
          Drain();
          Tell(PUSHPULL_EVENT_END, machine_.ended_inside_pdu() ? PUSHPULL_FLAG_INSIDE_PDU : 0);
          return PUSHPULL_DONE;
        case target::RxStop::kFailed:
          Drain();
          TellError(*machine_.error());
          return PUSHPULL_DONE;
      }
    }
  }

 private:
  target::Framing FramingOf(bool full_feature) const {
    return {.header_digest = full_feature && parameters_.header_digest != 0,
            .data_digest = full_feature && parameters_.data_digest != 0,
            .max_recv_data_segment_length = parameters_.max_recv_data_segment_length,
            .max_ahs_bytes = parameters_.max_ahs_length,
            .one_at_a_time = !full_feature};
  }

  void Drain() {
    while (!queue_.empty()) TellPdu(*queue_.Pop());
  }

  void TellPdu(const target::PduSlot& pdu) {
    for (const base::MutableBytes run : pdu.data()) {
      pushpull_event piece = Event(PUSHPULL_EVENT_DATA);
      piece.data = run.data();
      piece.data_bytes = run.size();
      host_->event(host_->context, &piece);
    }
    pushpull_event event = Event(PUSHPULL_EVENT_PDU);
    if (pdu.data_discarded()) event.flags |= PUSHPULL_FLAG_DATA_DISCARDED;
    if (pdu.data_digest_failed()) event.flags |= PUSHPULL_FLAG_DATA_DIGEST_FAILED;
    event.bhs = pdu.bhs().bytes().data();
    event.bhs_bytes = pdu.bhs().bytes().size();
    event.ahs = pdu.ahs().data();
    event.ahs_bytes = pdu.ahs().size();
    host_->event(host_->context, &event);
  }

  void TellError(const target::ProtocolError& error) {
    pushpull_event event = Event(PUSHPULL_EVENT_ERROR);
    event.flags = PUSHPULL_FLAG_FATAL;
    event.code = static_cast<uint32_t>(error.reason);
    const std::string text = target::ToString(error);
    event.text = text.c_str();
    host_->event(host_->context, &event);
  }

  void Tell(uint32_t kind, uint32_t flags) {
    pushpull_event event = Event(kind);
    event.flags = flags;
    host_->event(host_->context, &event);
  }

  static pushpull_event Event(uint32_t kind) {
    pushpull_event event = {};
    event.struct_size = sizeof(event);
    event.kind = kind;
    return event;
  }

  const pushpull_host* const host_;
  const pushpull_parameters parameters_;
  Placer placer_;
  target::PduQueue queue_;
  target::PduMachine<Source, Placer> machine_;
  size_t login_pdus_ = 0;
};

class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual int Poll() = 0;
  virtual int Push(uint8_t* buffer, size_t bytes, uint64_t id) = 0;
};

class Puller final : public Receiver {
 public:
  explicit Puller(const pushpull_open& open)
      : stream_(open.host),
        slots_(target::BlockPool::Create({.max_slots = kQueueCapacity + 1})),
        source_(&stream_, &buffers_, slots_.get()),
        core_(open, &source_) {}

  int Poll() override { return core_.Poll(); }
  int Push(uint8_t*, size_t, uint64_t) override { return PUSHPULL_BROKEN; }

 private:
  HostStream stream_;
  target::ReadAheadPool buffers_;
  target::BlockPool::Handle slots_;
  target::TcpSource source_;
  Core<target::TcpSource> core_;
};

// The machine's slots lie in one registered memory, so a pushed PDU is copied from the host's
// buffer into its slot, with the 28 bytes of an iSER header before it.
class Pushed final : public Receiver {
 public:
  explicit Pushed(const pushpull_open& open)
      : host_(open.host),
        slot_bytes_(kHeaderBytes + target::kBhsBytes + open.parameters->max_ahs_length +
                    open.parameters->max_recv_data_segment_length + 3),
        memory_(open.posted_buffers * slot_bytes_),
        ids_(open.posted_buffers),
        source_(Options(open.posted_buffers)),
        core_(open, &source_) {
    for (uint32_t slot = 0; slot < open.posted_buffers; ++slot) posted_.push_back(slot);
  }

  int Push(uint8_t* buffer, size_t bytes, uint64_t id) override {
    const bool fits = bytes <= slot_bytes_ - kHeaderBytes;
    // A queue pair says of a message that is too long for its buffer that it is that, and no more.
    if (!fits) {
      host_->note(host_->context, "a message is longer than a posted receive");
      host_->repost(host_->context, id);
      return PUSHPULL_UNSUPPORTED;
    }
    // As many as the host has buffers, of which each comes back with its slot: there is one.
    const uint32_t slot = posted_.back();
    posted_.pop_back();
    ids_[slot] = id;
    const base::MutableBytes to = source_.Buffer(slot);
    std::fill_n(to.begin(), kHeaderBytes, kControl);
    std::memcpy(to.data() + kHeaderBytes, buffer, bytes);
    source_.Deliver(slot, kHeaderBytes + bytes);
    return PUSHPULL_OK;
  }

  int Poll() override {
    uint8_t none;
    if (host_->recv(host_->context, &none, 1) == PUSHPULL_END) source_.End();
    return core_.Poll();
  }

 private:
  static constexpr size_t kHeaderBytes = target::kIserTraits.header_bytes;
  static constexpr uint8_t kControl = 0x10;  // an iSER header of a control PDU (RFC 7145 §9.2)

  target::PushSourceOptions Options(uint32_t slots) {
    target::PushSourceOptions options;
    options.slots = slots;
    options.slot_bytes = slot_bytes_;
    options.memory = memory_;
    options.repost = [this](uint32_t slot) {
      posted_.push_back(slot);
      host_->repost(host_->context, ids_[slot]);
    };
    return options;
  }

  const pushpull_host* const host_;
  const size_t slot_bytes_;
  std::vector<uint8_t> memory_;
  std::vector<uint32_t> posted_;
  std::vector<uint64_t> ids_;  // of the host's buffer, by slot
  target::PushSource source_;
  Core<target::PushSource> core_;
};

int Open(const pushpull_open* open, void** receiver) {
  std::unique_ptr<Receiver> made;
  if (open->transport == PUSHPULL_PUSH) {
    made = std::make_unique<Pushed>(*open);
  } else {
    made = std::make_unique<Puller>(*open);
  }
  *receiver = made.release();
  return PUSHPULL_OK;
}

constexpr pushpull_receiver kReceiver = {
    .abi_version = PUSHPULL_RECEIVER_ABI_VERSION,
    .struct_size = sizeof(pushpull_receiver),
    .name = "machine",
    .capabilities = PUSHPULL_CAP_PULL | PUSHPULL_CAP_PUSH | PUSHPULL_CAP_TO_TARGET |
                    PUSHPULL_CAP_TO_INITIATOR | PUSHPULL_CAP_HEADER_DIGEST |
                    PUSHPULL_CAP_DATA_DIGEST | PUSHPULL_CAP_LOGIN | PUSHPULL_CAP_AHS,
    .open = Open,
    .poll = [](void* receiver) { return static_cast<Receiver*>(receiver)->Poll(); },
    .push = [](void* receiver, uint8_t* buffer, size_t bytes,
               uint64_t id) { return static_cast<Receiver*>(receiver)->Push(buffer, bytes, id); },
    .stimulus = nullptr,
    .close = [](void* receiver) { delete static_cast<Receiver*>(receiver); },
};

}  // namespace
}  // namespace pushpull::replay

const pushpull_receiver* PUSHPULL_RECEIVER_ENTRY(uint32_t host_abi_version) {
  return host_abi_version == PUSHPULL_RECEIVER_ABI_VERSION ? &pushpull::replay::kReceiver : nullptr;
}
