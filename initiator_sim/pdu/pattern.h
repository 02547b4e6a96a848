// Bytes that tell where they belong (v1::Pattern).

#ifndef INITIATOR_SIM_PDU_PATTERN_H_
#define INITIATOR_SIM_PDU_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace pushpull::initiator_sim {

// Byte i of `out` becomes the pattern's byte at offset + i.
void FillPattern(uint64_t seed, uint64_t offset, base::MutableBytes out);

struct PatternMismatch {
  size_t at = 0;     // first wrong byte, counted in the bytes that were checked
  size_t wrong = 0;  // how many of them are wrong
  uint8_t expected = 0;
  uint8_t actual = 0;
  // The pattern's offset that the bytes at `at` really belong to, where they are 15 bytes or more
  // of the same pattern.
  std::optional<uint64_t> belongs_at;

  std::string ToString() const;
};

// nullopt: all of `bytes` is the pattern from `offset` on.
std::optional<PatternMismatch> CheckPattern(uint64_t seed, uint64_t offset, base::Bytes bytes);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_PATTERN_H_
