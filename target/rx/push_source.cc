#include "target/rx/push_source.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/check.h"

namespace pushpull::target {

// The slots beside the memory that they describe.
class PushSource::Pool final : public SlotPool {
 public:
  explicit Pool(PushSourceOptions options) : options_(std::move(options)) {
    CHECK_GT(options_.slots, 0u);
    CHECK_GE(options_.slot_bytes, kTraits.header_bytes + kBhsBytes);
    CHECK_EQ(options_.memory.size(), options_.slots * options_.slot_bytes);
    constexpr size_t kAlign = sizeof(std::max_align_t);
    task_bytes_ = (options_.task_bytes + kAlign - 1) / kAlign * kAlign;
    tasks_.resize(task_bytes_ / kAlign * options_.slots);
    slots_.reset(static_cast<Slot*>(::operator new(sizeof(Slot) * options_.slots)));
    for (uint32_t i = 0; i < options_.slots; ++i) {
      Slot* slot = new (&slots_[i]) Slot(this);
      if (task_bytes_ > 0) {
        slot->set_task_room(
            {reinterpret_cast<uint8_t*>(tasks_.data()) + i * task_bytes_, options_.task_bytes});
      }
    }
    posted_ = options_.slots;
  }

  const PushSourceOptions& options() const { return options_; }
  uint32_t posted() const { return posted_; }
  base::MutableBytes Buffer(uint32_t index) const {
    CHECK_LT(index, options_.slots);
    return options_.memory.subspan(index * options_.slot_bytes, options_.slot_bytes);
  }
  PduSlot* slot(uint32_t index) { return &slots_[index]; }

  // The transport has put something into it.
  void TakeFromTransport(uint32_t index) {
    CHECK_LT(index, options_.slots);
    CHECK(slots_[index].posted) << "slot " << index << " isn't posted";
    slots_[index].posted = false;
    --posted_;
    Acquire(&slots_[index]);
  }

 private:
  struct Slot : PduSlot {
    using PduSlot::PduSlot;
    bool posted = true;
  };
  struct Deleter {
    void operator()(Slot* slots) const { ::operator delete(slots); }
  };

  ~Pool() override {
    for (uint32_t i = 0; i < options_.slots; ++i) slots_[i].~Slot();
  }

  void FreeTask(PduSlot* slot) override {
    auto* own = static_cast<Slot*>(slot);
    own->posted = true;
    ++posted_;
    if (options_.repost) options_.repost(static_cast<uint32_t>(own - slots_.get()));
  }
  void OnClose() override { options_.repost = nullptr; }

  PushSourceOptions options_;
  size_t task_bytes_ = 0;
  std::vector<std::max_align_t> tasks_;
  std::unique_ptr<Slot[], Deleter> slots_;
  uint32_t posted_ = 0;
};

PushSource::PushSource(PushSourceOptions options)
    : pool_(new Pool(std::move(options))), delivered_(pool_->options().slots) {}

PushSource::~PushSource() {
  // First, so that nothing is posted any more. What still has slots in use keeps the pool.
  Pool* const pool = pool_.release();
  const uint32_t in_use = pool->slots_in_use();
  SlotPool::Closer()(pool);
  if (in_use == 0) return;
  // Messages that were delivered and never begun have slots, but no reference to them.
  for (; count_ > 0; --count_) {
    SlotRef(pool->slot(delivered_[first_].slot));
    if (++first_ == delivered_.size()) first_ = 0;
  }
}

base::MutableBytes PushSource::Buffer(uint32_t slot) const { return pool_->Buffer(slot); }
uint32_t PushSource::slots() const { return pool_->options().slots; }
uint32_t PushSource::slots_posted() const { return pool_->posted(); }

void PushSource::Deliver(uint32_t slot, size_t bytes) {
  CHECK(!ended_);
  CHECK_LE(bytes, pool_->options().slot_bytes);
  pool_->TakeFromTransport(slot);
  size_t at = first_ + count_++;
  if (at >= delivered_.size()) at -= delivered_.size();
  delivered_[at] = {slot, bytes};
}

bool PushSource::Begin() {
  if (count_ == 0) return false;
  const Message message = delivered_[first_];
  if (++first_ == delivered_.size()) first_ = 0;
  --count_;
  held_ = SlotRef(pool_->slot(message.slot));
  base_ = pool_->Buffer(message.slot).data();
  length_ = message.bytes;
  const bool skips = !pool_->options().bugs.Has(Bug::kRxMessageHeaderKept) || !more_was_there_;
  offset_ = skips ? std::min<size_t>(kTraits.header_bytes, length_) : 0;
  inside_ = true;
  return true;
}

Obtained PushSource::Obtain(Chunk kind, size_t size) {
  if (!inside_ && !Begin()) {
    DCHECK(kind == Chunk::kBhs);
    return {ended_ ? Obtained::Answer::kEnded : Obtained::Answer::kNotYet};
  }
  if (MessageRemaining() < size) {
    if (kind != Chunk::kBhs || !pool_->options().bugs.Has(Bug::kRxMessageOverread)) {
      return {Obtained::Answer::kShortMessage};
    }
    length_ = offset_ + size;
  }
  const base::MutableBytes bytes(base_ + offset_, size);
  offset_ += size;
  return {Obtained::Answer::kReady, bytes};
}

Obtained PushSource::ObtainData(std::span<const base::MutableBytes> /*into*/, size_t size) {
  return Obtain(Chunk::kData, size);
}

PduSlot* PushSource::AllocTask(base::Bytes bhs) {
  PduSlot* slot = held_.get();
  const std::optional<ProtocolError> carried = Carried(*slot, pool_->options().bugs);
  slot->Begin(bhs.data(), {base_, kTraits.header_bytes});
  if (carried) slot->set_refusal(*carried);
  return slot;
}

void PushSource::EndMessage() {
  inside_ = false;
  more_was_there_ = kBugsEnabled && count_ > 0;
  if (pool_->options().bugs.Has(Bug::kRxMessageSlotKept) && more_was_there_) {
    kept_.push_back(held_);
  }
  held_ = SlotRef();
  length_ = offset_ = 0;
}

}  // namespace pushpull::target
