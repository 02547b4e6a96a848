#include "initiator_sim/pdu/pattern.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace pushpull::initiator_sim {
namespace {

// The pattern is a row of 64-bit words, stored least significant byte first. Word k is a bijection
// of k (SplitMix64's, keyed by the seed): a word that is found somewhere says which one it is.
constexpr uint64_t kStep = 0x9e3779b97f4a7c15;
constexpr uint64_t kStepInverse = 0xf1de83e19937733d;
constexpr uint64_t kMultiply1 = 0xbf58476d1ce4e5b9;
constexpr uint64_t kMultiply1Inverse = 0x96de1b173f119089;
constexpr uint64_t kMultiply2 = 0x94d049bb133111eb;
constexpr uint64_t kMultiply2Inverse = 0x319642b2d24d8ec3;
static_assert(kStep * kStepInverse == 1);
static_assert(kMultiply1 * kMultiply1Inverse == 1);
static_assert(kMultiply2 * kMultiply2Inverse == 1);

// No transfer is as long as this: a word whose number is above isn't a word of the pattern.
constexpr uint64_t kEndOfPattern = uint64_t{1} << 48;

uint64_t WordAt(uint64_t seed, uint64_t k) {
  uint64_t z = seed + (k + 1) * kStep;
  z = (z ^ (z >> 30)) * kMultiply1;
  z = (z ^ (z >> 27)) * kMultiply2;
  return z ^ (z >> 31);
}

uint64_t UndoShift(uint64_t z, int shift) {
  uint64_t x = z;
  for (int known = shift; known < 64; known += shift) x = z ^ (x >> shift);
  return x;
}

uint64_t NumberOfWord(uint64_t seed, uint64_t word) {
  uint64_t z = UndoShift(word, 31) * kMultiply2Inverse;
  z = UndoShift(z, 27) * kMultiply1Inverse;
  z = UndoShift(z, 30);
  return (z - seed) * kStepInverse - 1;
}

uint8_t ByteAt(uint64_t seed, uint64_t offset) {
  return static_cast<uint8_t>(WordAt(seed, offset / 8) >> (offset % 8 * 8));
}

// Where in the pattern the first byte of `bytes` stands, found by the first whole word among its
// first 15 bytes.
std::optional<uint64_t> Locate(uint64_t seed, base::Bytes bytes) {
  for (size_t skip = 0; skip < 8 && skip + 8 <= bytes.size(); ++skip) {
    uint64_t word = 0;
    for (size_t i = 0; i < 8; ++i) word |= uint64_t{bytes[skip + i]} << (8 * i);
    const uint64_t k = NumberOfWord(seed, word);
    if (k >= kEndOfPattern || k * 8 < skip) continue;
    const uint64_t start = k * 8 - skip;
    bool fits = true;
    for (size_t i = 0; i < skip + 8 && fits; ++i) fits = bytes[i] == ByteAt(seed, start + i);
    if (fits) return start;
  }
  return std::nullopt;
}

}  // namespace

void FillPattern(uint64_t seed, uint64_t offset, base::MutableBytes out) {
  for (size_t i = 0; i < out.size();) {
    const uint64_t at = offset + i;
    uint64_t word = WordAt(seed, at / 8) >> (at % 8 * 8);
    for (size_t left = 8 - at % 8; left > 0 && i < out.size(); --left, ++i, word >>= 8) {
      out[i] = static_cast<uint8_t>(word);
    }
  }
}

std::optional<PatternMismatch> CheckPattern(uint64_t seed, uint64_t offset, base::Bytes bytes) {
  PatternMismatch mismatch;
  for (size_t i = 0; i < bytes.size();) {
    const uint64_t at = offset + i;
    uint64_t word = WordAt(seed, at / 8) >> (at % 8 * 8);
    for (size_t left = 8 - at % 8; left > 0 && i < bytes.size(); --left, ++i, word >>= 8) {
      const auto expected = static_cast<uint8_t>(word);
      if (bytes[i] == expected) continue;
      if (mismatch.wrong++ == 0) {
        mismatch.at = i;
        mismatch.expected = expected;
        mismatch.actual = bytes[i];
      }
    }
  }
  if (mismatch.wrong == 0) return std::nullopt;
  mismatch.belongs_at = Locate(seed, bytes.subspan(mismatch.at));
  return mismatch;
}

std::string PatternMismatch::ToString() const {
  std::string text = absl::StrFormat("%d wrong bytes, the first at %d: 0x%02x instead of 0x%02x",
                                     wrong, at, actual, expected);
  if (belongs_at.has_value()) {
    absl::StrAppendFormat(&text, " (these bytes belong at offset %d)", *belongs_at);
  }
  return text;
}

}  // namespace pushpull::initiator_sim
