// Seeded randomness, passed in wherever a choice is made, so that a run is its seed.

#ifndef BASE_RANDOM_H_
#define BASE_RANDOM_H_

#include <cstdint>

namespace pushpull::base {

// SplitMix64: the same sequence on every platform and standard library, unlike <random>'s
// distributions. Not for secrets.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // A value in [0, bound); 0 where bound is 0.
  uint64_t Below(uint64_t bound) {
    return bound == 0 ? 0 : static_cast<uint64_t>((static_cast<__uint128_t>(Next()) * bound) >> 64);
  }

  // A value in [low, high]; low <= high.
  uint64_t Between(uint64_t low, uint64_t high) {
    const uint64_t span = high - low + 1;
    return span == 0 ? Next() : low + Below(span);  // 0: every value there is
  }

  // True in `percent` of 100 calls.
  bool Chance(uint32_t percent) { return Below(100) < percent; }

  // An independent sequence, for a part that must not shift when another part draws more.
  Random Fork() { return Random(Next()); }

 private:
  uint64_t state_;
};

}  // namespace pushpull::base

#endif  // BASE_RANDOM_H_
