// Commands that read and write blocks. (SBC-3 §5)

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

struct Range {
  uint64_t lba;
  uint64_t blocks;
};

Range RangeOf(const Turn& turn) {
  switch (turn.cdb[0]) {
    case 0x89:  // COMPARE AND WRITE
      return {turn.Field(2, 8), turn.Field(13, 1)};
    case 0x9c:  // WRITE ATOMIC (16)
      return {turn.Field(2, 8), turn.Field(12, 2)};
    case 0x08:
    case 0x0a: {
      const uint64_t blocks = turn.Field(4, 1);
      return {turn.Field(1, 3) & 0x1fffff, blocks == 0 ? 256 : blocks};
    }
    default:
      break;
  }
  // The group of the operation code (SPC-4 §4.2.5.1).
  switch (turn.cdb[0] >> 5) {
    case 3:
      return {turn.Field(12, 8), turn.Field(28, 4)};
    case 4:
      return {turn.Field(2, 8), turn.Field(10, 4)};
    case 5:
      return {turn.Field(2, 4), turn.Field(6, 4)};
    default:
      return {turn.Field(2, 4), turn.Field(7, 2)};
  }
}

// Whether 0 blocks behind the last one are out of range is nowhere said.
Range CheckedRange(Turn& turn, bool transfers) {
  const Range range = RangeOf(turn);
  const UnitTraits& traits = turn.unit->traits;
  if (range.lba > traits.blocks || range.blocks > traits.blocks - range.lba) {
    turn.Fault(kOutOfRange);
  }
  if (transfers && range.blocks * traits.block_size > traits.max_transfer_bytes) {
    turn.Fault(kBadCdb);
  }
  return range;
}

// The whole blocks of what came are on the medium.
void Store(Turn& turn, uint64_t lba, const uint8_t* bytes, uint64_t size) {
  const uint64_t block = turn.unit->traits.block_size;
  const uint64_t blocks = size / block;
  std::copy_n(bytes, blocks * block, turn.unit->bytes.begin() + static_cast<int64_t>(lba * block));
  std::fill_n(turn.unit->mapped.begin() + static_cast<int64_t>(lba), blocks, true);
}

const uint8_t* At(const Turn& turn, uint64_t lba) {
  return turn.unit->bytes.data() + lba * turn.unit->traits.block_size;
}

}  // namespace

void Read(Turn& turn) {
  const Range range = CheckedRange(turn, true);
  if (turn.failed()) return;
  const uint64_t bytes = range.blocks * turn.unit->traits.block_size;
  const uint8_t* from = At(turn, range.lba);
  turn.Answer({from, from + bytes}, bytes);
}

void Write(Turn& turn) {
  const Range range = CheckedRange(turn, true);
  if (turn.failed()) return;
  turn.Take(range.blocks * turn.unit->traits.block_size);
  Store(turn, range.lba, turn.data.data(), turn.data.size());
  turn.Good();
}

// All of it or nothing.
void WriteAtomic(Turn& turn) {
  const Range range = CheckedRange(turn, true);
  if (turn.failed()) return;
  turn.Take(range.blocks * turn.unit->traits.block_size);
  if (turn.data.size() < turn.expected.data_out_bytes) return turn.Fault(kBadCdb);
  Store(turn, range.lba, turn.data.data(), turn.data.size());
  turn.Good();
}

void OrWrite(Turn& turn) {
  const Range range = CheckedRange(turn, true);
  if (turn.failed()) return;
  turn.Take(range.blocks * turn.unit->traits.block_size);
  const uint8_t* medium = At(turn, range.lba);
  for (size_t i = 0; i < turn.data.size(); ++i) turn.data[i] |= medium[i];
  Store(turn, range.lba, turn.data.data(), turn.data.size());
  turn.Good();
}

void WriteAndVerify(Turn& turn) { Write(turn); }

void Verify(Turn& turn) {
  const uint64_t check = turn.flags() >> 1 & 3;  // BYTCHK
  if (check == 2) turn.Fault(kBadCdb);
  const Range range = CheckedRange(turn, true);
  if (turn.failed()) return;
  const uint64_t block = turn.unit->traits.block_size;
  const uint64_t blocks = check == 0 || range.blocks == 0 ? 0 : check == 3 ? 1 : range.blocks;
  turn.Take(blocks * block);
  const uint64_t came = turn.data.size() / block;
  const uint64_t compared = came == 0 ? 0 : check == 1 ? came : blocks == 0 ? 0 : range.blocks;
  for (uint64_t i = 0; i < compared; ++i) {
    const uint8_t* due = turn.data.data() + (check == 3 ? 0 : i * block);
    if (!std::equal(due, due + block, At(turn, range.lba + i))) return turn.Fault(kMiscompare);
  }
  turn.Good();
}

// The first half of the data is what must be there, the second what comes in its place. The place
// of the first byte that differs is told (SBC-3 §5.3).
void CompareAndWrite(Turn& turn) {
  const Range range = CheckedRange(turn, false);
  if (turn.failed()) return;
  const uint64_t half = range.blocks * turn.unit->traits.block_size;
  turn.Take(2 * half);
  if (turn.data.size() < 2 * half) return turn.Fault(kBadCdb);
  const uint8_t* medium = At(turn, range.lba);
  for (uint64_t i = 0; i < half; ++i) {
    if (turn.data[i] == medium[i]) continue;
    Sense sense = kMiscompare;
    sense.information = i;
    return turn.Fault(sense);
  }
  Store(turn, range.lba, turn.data.data() + half, half);
  turn.Good();
}

void NoTransfer(Turn& turn) {
  CheckedRange(turn, false);
  if (!turn.failed()) turn.Good();
}

}  // namespace pushpull::conformance::model
