// SANITIZE. (SBC-3 §4.11, §5.30)

#include <algorithm>
#include <cstdint>
#include <vector>

#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

enum ServiceAction : uint8_t { kOverwrite = 0x01, kBlockErase = 0x02, kExitFailureMode = 0x1f };

constexpr size_t kHeader = 4;

// §5.30.2.2: the pattern goes through each block again and again, inverted in every second pass.
void Overwrite(Turn& turn, uint64_t length) {
  Unit& unit = *turn.unit;
  turn.Take(length);
  if (turn.data.size() < length) {
    turn.Fault(kListLength);
    return turn.Fault(kBadList);
  }
  const std::vector<uint8_t>& list = turn.data;
  const uint8_t passes = list[0] & 0x1f;
  if ((list[0] & 0x60) != 0) turn.Fault(kBadList);  // TEST is a vendor's own
  if (passes == 0) turn.Fault(kBadList);
  if (Number(list, 2, 2) != length - kHeader) turn.Fault(kBadList);
  if (turn.failed()) return;
  const bool inverted = (list[0] & 0x80) != 0 && passes % 2 == 0;
  for (size_t at = 0; at < unit.bytes.size(); ++at) {
    const uint8_t byte = list[kHeader + at % unit.traits.block_size % (length - kHeader)];
    unit.bytes[at] = inverted ? static_cast<uint8_t>(~byte) : byte;
  }
  std::fill(unit.mapped.begin(), unit.mapped.end(), true);
}

}  // namespace

// No medium of a model fails, so that there is no failure mode to be left.
void Sanitize(Turn& turn) {
  Unit& unit = *turn.unit;
  const uint8_t action = turn.cdb[1] & 0x1f;
  const uint64_t length = turn.Field(7, 2);
  const bool has_list = length > kHeader && length <= kHeader + unit.traits.block_size;
  if (action == kOverwrite && !has_list) turn.Fault(kBadCdb);
  if (turn.failed()) return;
  if (action == kExitFailureMode) return turn.Good();
  if (action == kBlockErase) {
    std::fill(unit.bytes.begin(), unit.bytes.end(), uint8_t{0});
    std::fill(unit.mapped.begin(), unit.mapped.end(), !unit.traits.thin);
  } else {
    Overwrite(turn, length);
  }
  if (turn.failed()) return;
  unit.sanitizing = turn.Bit(1, 7);  // IMMED
  turn.Good();
}

}  // namespace pushpull::conformance::model
