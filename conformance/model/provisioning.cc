// What unmaps, and what tells of it. (SBC-3 §4.7, §5.4, §5.28, §5.46)

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

// What was unmapped reads as zeros (LBPRZ = 1).
void Give(Unit& unit, uint64_t lba, uint64_t blocks) {
  const uint64_t block = unit.traits.block_size;
  std::fill_n(unit.bytes.begin() + static_cast<int64_t>(lba * block), blocks * block, uint8_t{0});
  std::fill_n(unit.mapped.begin() + static_cast<int64_t>(lba), blocks, false);
}

bool Within(const Unit& unit, uint64_t lba, uint64_t blocks) {
  return lba <= unit.traits.blocks && blocks <= unit.traits.blocks - lba;
}

}  // namespace

void WriteSame(Turn& turn) {
  Unit& unit = *turn.unit;
  const uint64_t block = unit.traits.block_size;
  const bool ten = turn.cdb[0] == 0x41;
  const bool unmap = (turn.flags() & 0x08) != 0;
  const bool no_data = !ten && (turn.flags() & 0x01) != 0;
  const size_t at = turn.IsVariable() ? 12 : 2;
  const uint64_t lba = turn.Field(at, ten ? 4 : 8);
  uint64_t blocks = turn.IsVariable() ? turn.Field(28, 4) : turn.Field(ten ? 7 : 10, ten ? 2 : 4);
  if (unmap && !unit.traits.thin) turn.Fault(kBadCdb);
  if (!Within(unit, lba, blocks)) {
    turn.Fault(kOutOfRange);
  } else if (blocks == 0) {
    blocks = unit.traits.blocks - lba;  // to the end (WSNZ = 0)
  }
  if (blocks * block > unit.traits.max_write_same_bytes) turn.Fault(kBadCdb);
  if (turn.failed()) return;
  turn.Take(no_data || blocks == 0 ? 0 : block);
  if (no_data) turn.data.assign(block, 0);
  turn.Good();
  if (blocks == 0 || turn.data.size() < block) return;
  const bool zeros = std::count(turn.data.begin(), turn.data.end(), 0) == std::ssize(turn.data);
  if (unmap && zeros) return Give(unit, lba, blocks);
  for (uint64_t i = 0; i < blocks; ++i) {
    std::copy_n(turn.data.begin(), block,
                unit.bytes.begin() + static_cast<int64_t>((lba + i) * block));
    unit.mapped[lba + i] = true;
  }
}

void Unmap(Turn& turn) {
  constexpr size_t kHeader = 8, kDescriptor = 16;
  if (turn.failed()) return;
  Unit& unit = *turn.unit;
  turn.Take(turn.Field(7, 2));
  if (turn.expected.data_out_bytes == 0) return turn.Good();
  if (turn.data.size() < kHeader) return turn.Fault(kListLength);
  const uint64_t said = Number(turn.data, 2, 2);
  const uint64_t count = std::min<uint64_t>(said, turn.data.size() - kHeader) / kDescriptor;
  if (count > unit.traits.max_unmap_ranges) turn.Fault(kBadList);
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  uint64_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = kHeader + i * kDescriptor;
    const uint64_t lba = Number(turn.data, at, 8);
    const uint64_t blocks = Number(turn.data, at + 8, 4);
    if (!Within(unit, lba, blocks)) turn.Fault(kOutOfRange);
    total += blocks;
    ranges.emplace_back(lba, blocks);
  }
  if (total > unit.traits.BlocksOf(unit.traits.max_unmap_bytes)) turn.Fault(kBadList);
  if (turn.failed()) return;
  turn.Good();
  for (const auto& [lba, blocks] : ranges) Give(unit, lba, blocks);
}

void GetLbaStatus(Turn& turn) {
  const Unit& unit = *turn.unit;
  uint64_t lba = turn.Field(2, 8);
  const uint64_t allocation = turn.Field(10, 4);
  if (lba >= unit.traits.blocks) turn.Fault(kOutOfRange);
  if (turn.failed()) return;
  std::vector<uint8_t> data(8);
  // Whole descriptors, as many as there is room for, one at least.
  const uint64_t room = std::max<uint64_t>(allocation, 24);
  for (uint32_t count = 0; lba < unit.traits.blocks && data.size() + 16 <= room; ++count) {
    if (count == unit.traits.max_lba_status_descriptors) break;
    uint64_t end = lba;
    while (end < unit.traits.blocks && unit.mapped[end] == unit.mapped[lba]) ++end;
    Append(&data, lba, 8);
    Append(&data, end - lba, 4);
    Append(&data, unit.mapped[lba] ? 0 : 1, 1);  // mapped, deallocated
    Append(&data, 0, 3);
    lba = end;
  }
  Put(&data, 0, data.size() - 4, 4);
  turn.Answer(std::move(data), allocation);
}

}  // namespace pushpull::conformance::model
