#include "target/store/written_map.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace pushpull::target {
namespace {

// Memory from the system is zero, which is an atomic word of value 0.
static_assert(sizeof(std::atomic<uint64_t>) == sizeof(uint64_t) &&
              std::atomic<uint64_t>::is_always_lock_free);

uint64_t RoundUp(uint64_t bytes, uint64_t unit) { return bytes / unit + (bytes % unit != 0); }

}  // namespace

size_t WrittenMap::MapBytes(uint64_t size_bytes) {
  return RoundUp(RoundUp(size_bytes, kSectorBytes), kWordBits) * sizeof(Word);
}

std::unique_ptr<WrittenMap> WrittenMap::Create(uint64_t size_bytes) {
  void* words = mmap(nullptr, MapBytes(size_bytes), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (words == MAP_FAILED) return nullptr;
  return std::unique_ptr<WrittenMap>(new WrittenMap(words, size_bytes));
}

WrittenMap::~WrittenMap() { CHECK_EQ(munmap(words_, MapBytes(size_bytes_)), 0); }

uint64_t WrittenMap::Mask(uint64_t word, uint64_t first, uint64_t end) {
  uint64_t mask = ~uint64_t{0};
  const uint64_t begin = word * kWordBits;
  if (first > begin) mask &= ~uint64_t{0} << (first - begin);
  if (end < begin + kWordBits) mask &= ~(~uint64_t{0} << (end - begin));
  return mask;
}

void WrittenMap::Mark(uint64_t offset, uint64_t bytes) {
  if (bytes == 0) return;
  const uint64_t first = offset / kSectorBytes;
  const uint64_t end = (offset + bytes - 1) / kSectorBytes + 1;
  for (uint64_t word = first / kWordBits; word * kWordBits < end; ++word) {
    const uint64_t mask = Mask(word, first, end);
    // Most are set already, and then nobody's cache needs to know.
    if ((words_[word].load(std::memory_order_relaxed) & mask) == mask) continue;
    words_[word].fetch_or(mask, std::memory_order_relaxed);
  }
}

void WrittenMap::Clear(uint64_t offset, uint64_t bytes) {
  const uint64_t first = RoundUp(offset, kSectorBytes);
  const uint64_t end = offset + bytes == size_bytes_ ? RoundUp(size_bytes_, kSectorBytes)
                                                     : (offset + bytes) / kSectorBytes;
  if (first >= end) return;
  for (uint64_t word = first / kWordBits; word * kWordBits < end; ++word) {
    const uint64_t mask = Mask(word, first, end);
    // Words that were never set stay without memory.
    if ((words_[word].load(std::memory_order_relaxed) & mask) == 0) continue;
    words_[word].fetch_and(~mask, std::memory_order_relaxed);
  }
}

bool WrittenMap::AnyMarked(uint64_t offset, uint64_t bytes) const {
  const uint64_t end = offset + bytes;
  return Find(true, offset, end) < end;
}

uint64_t WrittenMap::Find(bool marked, uint64_t offset, uint64_t end) const {
  if (offset >= end) return end;
  const uint64_t first = offset / kSectorBytes;
  const uint64_t last = RoundUp(end, kSectorBytes);
  for (uint64_t word = first / kWordBits; word * kWordBits < last; ++word) {
    uint64_t bits = words_[word].load(std::memory_order_relaxed);
    if (!marked) bits = ~bits;
    bits &= Mask(word, first, last);
    if (bits == 0) continue;
    const uint64_t sector = word * kWordBits + static_cast<uint64_t>(std::countr_zero(bits));
    return std::min(end, std::max(offset, sector * kSectorBytes));
  }
  return end;
}

}  // namespace pushpull::target
