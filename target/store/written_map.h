// Which sectors of a store in memory were written: a bit each, in memory that the system provides
// as bits are set.

#ifndef TARGET_STORE_WRITTEN_MAP_H_
#define TARGET_STORE_WRITTEN_MAP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace pushpull::target {

// From any thread; who marks and clears the same sectors at once must himself see to their order.
class WrittenMap {
 public:
  static constexpr uint64_t kSectorBytes = 512;

  // Null where the system has no addresses left.
  static std::unique_ptr<WrittenMap> Create(uint64_t size_bytes);
  ~WrittenMap();
  WrittenMap(const WrittenMap&) = delete;
  WrittenMap& operator=(const WrittenMap&) = delete;

  // The sectors that a range of bytes touches.
  void Mark(uint64_t offset, uint64_t bytes);
  // The sectors that lie wholly in it; the last sector of all may be shorter.
  void Clear(uint64_t offset, uint64_t bytes);
  // Whether any sector that the range touches is marked.
  bool AnyMarked(uint64_t offset, uint64_t bytes) const;

  // Where, from `offset` on, the first sector begins that is marked, or isn't; at most `end`.
  uint64_t Find(bool marked, uint64_t offset, uint64_t end) const;

 private:
  using Word = std::atomic<uint64_t>;
  static constexpr uint64_t kWordBits = 64;

  WrittenMap(void* words, uint64_t size_bytes)
      : words_(static_cast<Word*>(words)), size_bytes_(size_bytes) {}

  static size_t MapBytes(uint64_t size_bytes);

  // The bits of `word` that stand for sectors from `first` to before `end`.
  static uint64_t Mask(uint64_t word, uint64_t first, uint64_t end);

  Word* const words_;  // all zero at first
  const uint64_t size_bytes_;
};

}  // namespace pushpull::target

#endif  // TARGET_STORE_WRITTEN_MAP_H_
