#include "fuzz/replay/rx_receiver.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "fuzz/replay/fed_stream.h"
#include "fuzz/replay/rx_drive.h"
#include "fuzz/replay/rx_events.h"
#include "fuzz/replay/rx_placer.h"
#include "fuzz/replay/watched_source.h"
#include "target/rx/block_pool.h"
#include "target/rx/byte_source.h"
#include "target/rx/push_source.h"
#include "target/rx/read_ahead.h"
#include "target/rx/tcp_source.h"

namespace pushpull::replay {
namespace {

using target::BlockPool;
using target::kIserTraits;

// The smallest that there may be: what is read ahead goes round in it often.
constexpr size_t kReadAheadBytes = 1024;
constexpr size_t kDataInSlotBytes = 512;
constexpr size_t kMaxPosted = 64;                     // receives, unless a delivery says otherwise
constexpr size_t kMaxPostedBytes = size_t{64} << 20;  // of all of them
constexpr uint8_t kIserControl = 0x10;                // an iSER header of a control PDU

// Of both kinds of byte stream.
template <typename Stream>
struct StreamFeeder {
  Stream* stream;
  BlockPool* pool;

  void Do(const Operation& operation) {
    if (operation.kind == Operation::Kind::kEnd) {
      stream->End();
    } else {
      stream->Feed(operation.count);
    }
  }
  bool Refused() const { return stream->refused(); }
  bool MoreNow() { return false; }
  bool Waiting() const { return false; }
  bool SlotsInUse() const { return pool->slots_in_use() > 0; }
};

// Puts messages into posted slots as long as there are some.
class PushFeeder {
 public:
  PushFeeder(const Trace& trace, target::PushSource* source, std::vector<uint32_t>* posted)
      : trace_(trace), source_(source), posted_(*posted) {}

  void Do(const Operation& operation) {
    if (operation.kind == Operation::Kind::kEnd) {
      end_ = true;
      if (!Waiting()) source_->End();
    } else {
      due_ += operation.count;
      (void)MoreNow();
    }
  }
  bool Refused() const { return false; }
  bool MoreNow() {
    bool more = false;
    while (Waiting() && first_posted_ < posted_.size()) {
      Deliver(delivered_++, posted_[first_posted_++]);
      more = true;
    }
    if (more && end_ && !Waiting()) source_->End();
    return more;
  }
  bool Waiting() const { return delivered_ < due_; }
  bool SlotsInUse() const { return source_->slots_posted() != source_->slots(); }

 private:
  void Deliver(size_t message, uint32_t slot) {
    const base::Bytes pdu =
        message < trace_.pdus.size() ? trace_.BytesOf(trace_.pdus[message]) : trace_.tail();
    const base::MutableBytes buffer = source_->Buffer(slot);
    std::fill_n(buffer.begin(), kIserTraits.header_bytes, kIserControl);
    std::copy(pdu.begin(), pdu.end(), buffer.begin() + kIserTraits.header_bytes);
    source_->Deliver(slot, kIserTraits.header_bytes + pdu.size());
  }

  const Trace& trace_;
  target::PushSource* const source_;
  std::vector<uint32_t>& posted_;  // grows at its end as slots come back
  size_t first_posted_ = 0;
  size_t due_ = 0;
  size_t delivered_ = 0;
  bool end_ = false;
};

class RxReceiver final : public Receiver {
 public:
  explicit RxReceiver(const target::BugSet& bugs)
      : bugs_(bugs), buffers_(kReadAheadBytes, /*kept=*/1) {}

  std::string name() const override { return "rx"; }

  absl::Status Open(const Trace& trace) override {
    if (trace.parameters.max_recv_data_segment_length > target::kMaxDataSegmentBytes ||
        trace.parameters.max_ahs_bytes > target::kMaxAhsBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(trace.name, ": its parameters are beyond what a PDU can have"));
    }
    trace_ = &trace;
    bytes_ = trace.bytes;
    largest_message_ = trace.tail().size();
    largest_ahs_ = 0;
    for (const PduBorders& pdu : trace.pdus) {
      largest_message_ = std::max(largest_message_, pdu.end - pdu.begin);
      largest_ahs_ = std::max(largest_ahs_, pdu.ahs_end() - pdu.bhs_end);
    }
    placer_.Reserve(trace.bytes.size(), trace.parameters.max_recv_data_segment_length);
    pools_.clear();
    return absl::OkStatus();
  }

  std::vector<Source> sources() const override {
    const Parameters& parameters = trace_->parameters;
    const bool digests = parameters.header_digest || parameters.data_digest;
    if ((digests && !kIserTraits.digests) || PostedBytes() > kMaxPostedBytes) {
      return {Source::kTcp, Source::kBytes};
    }
    return {Source::kTcp, Source::kBytes, Source::kPush};
  }
  bool push_equals_pull() const override { return !trace_->has_tail(); }

  absl::StatusOr<Outcome> Play(const Delivery& delivery) override {
    return PlayInto(delivery, nullptr);
  }
  absl::StatusOr<v1::EventLog> PlayForLog(const Delivery& delivery) override {
    v1::EventLog log;
    (void)PlayInto(delivery, &log);
    return log;
  }

 private:
  Outcome PlayInto(const Delivery& delivery, v1::EventLog* log) {
    scrub_ = static_cast<uint8_t>(scrub_ * 5 + 0x3d);  // runs through all values
    placer_.Restart(scrub_);
    RxEvents events(log);
    const RxRun run{
        &delivery, &trace_->parameters,
        &placer_,  &events,
        bugs_,     1000 + 16 * (uint64_t{trace_->bytes.size()} + delivery.operations.size())};
    uint64_t spans = 0;
    switch (delivery.source) {
      case Source::kTcp:
        spans = PlayTcp(run);
        break;
      case Source::kBytes:
        spans = PlayBytes(run);
        break;
      case Source::kPush:
        spans = PlayPush(run);
        break;
    }
    return {events.digest(), spans, events.count(), events.fault()};
  }

  uint64_t PlayTcp(const RxRun& run) {
    stream_.Restart(trace_->bytes, run.delivery->not_yet_before_each_read);
    ScrubReadAhead();
    BlockPool* const pool = ScrubbedPool(*run.delivery);
    uint64_t spans;
    {
      target::TcpSource source(&stream_, &buffers_, pool, bugs_);
      StreamFeeder<FedStream> feeder{&stream_, pool};
      spans = Drive(run, &source, &feeder);
    }
    CheckSlots(pool, run.events);
    return spans;
  }

  uint64_t PlayBytes(const RxRun& run) {
    BlockPool* const pool = ScrubbedPool(*run.delivery);
    uint64_t spans;
    {
      target::ByteSource source(bytes_, run.delivery->not_yet_before_each_read, pool);
      StreamFeeder<target::ByteSource> feeder{&source, pool};
      spans = Drive(run, &source, &feeder);
    }
    CheckSlots(pool, run.events);
    return spans;
  }

  uint64_t PlayPush(const RxRun& run) {
    target::PushSourceOptions options;
    options.slots = PostedReceives(*run.delivery);
    options.slot_bytes = PostedBytes();
    slots_memory_.assign(options.slots * options.slot_bytes, scrub_);
    options.memory = slots_memory_;
    options.repost = [this](uint32_t slot) { posted_.push_back(slot); };
    options.bugs = bugs_;
    posted_.clear();
    for (uint32_t i = 0; i < options.slots; ++i) posted_.push_back(i);
    target::PushSource source(std::move(options));
    PushFeeder feeder(*trace_, &source, &posted_);
    return Drive(run, &source, &feeder);
  }

  template <typename Inner, typename Feeder>
  uint64_t Drive(const RxRun& run, Inner* inner, Feeder* feeder) {
    WatchedSource<Inner> source(inner);
    RxDriver<WatchedSource<Inner>, Feeder>(run, &source, feeder).Run();
    return source.spans_digest();
  }

  static uint32_t Slots(const Delivery& delivery) {
    // Each PDU in the queue holds one, and so does the PDU that is being received.
    return delivery.slots != 0 ? delivery.slots : uint32_t{delivery.queue_capacity} + 1;
  }

  size_t PostedBytes() const {
    return kIserTraits.header_bytes + std::max(largest_message_, target::kBhsBytes);
  }
  uint32_t PostedReceives(const Delivery& delivery) const {
    if (delivery.slots != 0) return delivery.slots;
    const size_t enough = std::min<size_t>(trace_->messages() + 1, kMaxPosted);
    return static_cast<uint32_t>(std::clamp<size_t>(kMaxPostedBytes / PostedBytes(), 1, enough));
  }

  void ScrubReadAhead() {
    target::ReadAheadPool::Buffer buffer = buffers_.Take();
    std::fill_n(buffer.get(), std::min(kReadAheadBytes, trace_->bytes.size()), scrub_);
    buffers_.Give(std::move(buffer));
  }

  // With as many slots as the delivery wants, and nothing of the delivery before in those that will
  // be used first.
  BlockPool* ScrubbedPool(const Delivery& delivery) {
    const uint32_t slots = Slots(delivery);
    if (pools_.size() <= slots) pools_.resize(slots + 1);
    if (!pools_[slots]) {
      pools_[slots] =
          BlockPool::Create({.max_slots = slots, .data_bytes = kDataInSlotBytes, .bugs = bugs_});
    }
    BlockPool* const pool = pools_[slots].get();
    scrub_bytes_.fill(scrub_);
    const size_t used = std::min<size_t>(pool->free_blocks(), trace_->pdus.size() + 1);
    std::array<target::SlotRef, kScrubbedSlots> held;
    for (size_t i = 0; i < std::min(used, held.size()); ++i) {
      held[i] =
          target::SlotRef(pool->AllocTask(base::Bytes(scrub_bytes_).first(target::kBhsBytes)));
      (void)pool->KeepAhs(*held[i], base::Bytes(scrub_bytes_).first(largest_ahs_));
      const base::MutableBytes room = pool->RoomInSlot(*held[i], kDataInSlotBytes);
      std::fill_n(room.begin(), std::min(room.size(), largest_message_), scrub_);
    }
    return pool;
  }

  // Nobody holds a slot any more.
  void CheckSlots(BlockPool* pool, RxEvents* events) {
    if (pool->slots_in_use() == 0) return;
    events->AddFault(absl::StrCat(pool->slots_in_use(), " slots are held by nobody"));
    pools_.clear();  // the next delivery begins with new ones
  }

  static constexpr size_t kScrubbedSlots = 8;

  const target::BugSet bugs_;
  const Trace* trace_ = nullptr;
  std::vector<uint8_t> bytes_;
  size_t largest_message_ = 0;
  size_t largest_ahs_ = 0;
  uint8_t scrub_ = 0;
  RxPlacer placer_;
  FedStream stream_;
  target::ReadAheadPool buffers_;
  std::vector<BlockPool::Handle> pools_;  // by their slots
  std::array<uint8_t, target::kMaxAhsBytes> scrub_bytes_;
  std::vector<uint8_t> slots_memory_;
  std::vector<uint32_t> posted_;
};

}  // namespace

std::unique_ptr<Receiver> MakeRxReceiver(const target::BugSet& bugs) {
  return std::make_unique<RxReceiver>(bugs);
}

}  // namespace pushpull::replay
