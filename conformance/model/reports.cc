// What a unit reports of itself: capacity, defects, commands, ports. (SBC-3 §5.15 to §5.19; SPC-4
// §6.35 to §6.37, §6.45)

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "conformance/model/command_table.h"
#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

constexpr uint16_t kPortGroup = 1;

const Row* FindSupported(const UnitTraits& traits, uint8_t opcode, uint64_t action) {
  for (const Row& row : AllRows()) {
    if (row.opcode != opcode || !Has(traits, row)) continue;
    if (row.action < 0 || static_cast<uint64_t>(row.action) == action) return &row;
  }
  return nullptr;
}

bool HasActions(const UnitTraits& traits, uint8_t opcode) {
  for (const Row& row : AllRows()) {
    if (row.opcode == opcode && Has(traits, row)) return row.action >= 0;
  }
  return false;
}

// SPC-4 §6.35.4: none is timed.
void AddTimeouts(std::vector<uint8_t>* data) {
  Append(data, 10, 2);
  data->resize(data->size() + 10);
}

// All of them, by ascending operation code and service action.
std::vector<uint8_t> AllSupported(const UnitTraits& traits, bool timeouts) {
  std::vector<uint8_t> data(4);
  for (const Row& row : AllRows()) {
    if (!Has(traits, row)) continue;
    const bool has_action = row.action >= 0;
    Append(&data, row.opcode, 1);
    Append(&data, 0, 1);
    Append(&data, has_action ? static_cast<uint64_t>(row.action) : 0, 2);
    Append(&data, 0, 1);
    Append(&data, (timeouts ? 2 : 0) | (has_action ? 1 : 0), 1);  // CTDP, SERVACTV
    Append(&data, row.Usage().size(), 2);
    if (timeouts) AddTimeouts(&data);
  }
  Put(&data, 0, data.size() - 4, 4);
  return data;
}

// SBC-2 §5.10: with PMI none below it is told, so that it must be there; without it is 0.
void CheckLba(Turn& turn, bool pmi, uint64_t lba) {
  if (!pmi && lba != 0) turn.Fault(kBadCdb);
  if (pmi && lba >= turn.unit->traits.blocks) turn.Fault(kOutOfRange);
}

}  // namespace

void ReadCapacity10(Turn& turn) {
  const UnitTraits& traits = turn.unit->traits;
  CheckLba(turn, turn.Bit(8, 0), turn.Field(2, 4));
  if (turn.failed()) return;
  std::vector<uint8_t> data;
  Append(&data, std::min<uint64_t>(traits.blocks - 1, UINT32_MAX), 4);
  Append(&data, traits.block_size, 4);
  turn.Answer(std::move(data), 8);
}

void ReadCapacity16(Turn& turn) {
  const UnitTraits& traits = turn.unit->traits;
  CheckLba(turn, turn.Bit(14, 0), turn.Field(2, 8));
  if (turn.failed()) return;
  std::vector<uint8_t> data;
  Append(&data, traits.blocks - 1, 8);
  Append(&data, traits.block_size, 4);
  Append(&data, 0, 1);  // no protection information
  Append(&data, traits.physical_exponent, 1);
  Append(&data, (traits.thin ? 0xc000 : 0) | traits.lowest_aligned_lba, 2);  // LBPME, LBPRZ
  data.resize(32);
  turn.Answer(std::move(data), turn.Field(10, 4));
}

// Both lists are empty.
void ReadDefectData(Turn& turn) {
  const bool twelve = turn.cdb[0] == 0xb7;
  const uint8_t asked = turn.cdb[twelve ? 1 : 2] & 0x1f;
  if ((asked & 0x07) == 0x07) turn.Fault(kBadCdb);
  if (turn.failed()) return;
  std::vector<uint8_t> data(twelve ? 8 : 4);
  data[1] = asked;
  turn.Answer(std::move(data), twelve ? turn.Field(6, 4) : turn.Field(7, 2));
}

void ReportOperationCodes(Turn& turn) {
  const UnitTraits& traits = turn.unit->traits;
  const uint8_t options = turn.cdb[2] & 0x07;
  const bool timeouts = turn.Bit(2, 7);
  const uint8_t opcode = turn.cdb[3];
  const uint64_t action = turn.Field(4, 2);
  const uint64_t allocation = turn.Field(6, 4);
  const bool actions = HasActions(traits, opcode);
  if (options > 3) turn.Fault(kBadCdb);
  if (options == 1 && actions) turn.Fault(kBadCdb);
  if (options == 2 && !actions && FindSupported(traits, opcode, 0) != nullptr) turn.Fault(kBadCdb);
  if (turn.failed()) return;
  if (options == 0) return turn.Answer(AllSupported(traits, timeouts), allocation);
  const Row* row = nullptr;
  if (actions || action == 0 || options != 3) row = FindSupported(traits, opcode, action);
  if (row == nullptr) return turn.Answer({0, 1, 0, 0}, allocation);
  std::vector<uint8_t> usage = row->Usage();
  if (opcode == kVariableLength) {
    usage[7] = 0x18;
    Put(&usage, 8, action, 2);
  } else if (row->action >= 0) {
    usage[1] = static_cast<uint8_t>((usage[1] & 0xe0) | row->action);
  }
  std::vector<uint8_t> data = {0, static_cast<uint8_t>(timeouts ? 0x83 : 0x03)};
  Append(&data, usage.size(), 2);
  data.insert(data.end(), usage.begin(), usage.end());
  if (timeouts) AddTimeouts(&data);
  turn.Answer(std::move(data), allocation);
}

void ReportTaskManagement(Turn& turn) {
  if (turn.failed()) return;
  // ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET, TARGET RESET.
  std::vector<uint8_t> data = {0xda, 0, 0, 0};
  if (turn.Bit(2, 7)) {
    data[3] = 12;
    data.resize(16);
  }
  turn.Answer(std::move(data), turn.Field(6, 4));
}

// One group with one port, which is always active/optimized.
void ReportPortGroups(Turn& turn) {
  const uint8_t format = turn.cdb[1] >> 5;
  if (format > 1) turn.Fault(kBadCdb);
  if (turn.failed()) return;
  std::vector<uint8_t> data(4);
  if (format == 1) data.insert(data.end(), {0x10, 0, 0, 0});
  data.insert(data.end(), {0x00, 0x01, 0, kPortGroup, 0, 0, 0, 1, 0, 0, 0, kPortGroup});
  Put(&data, 0, data.size() - 4, 4);
  turn.Answer(std::move(data), turn.Field(6, 4));
}

void SetPortGroups(Turn& turn) {
  const uint64_t length = turn.Field(6, 4);
  if (length > 1024) turn.Fault(kBadCdb);
  if (turn.failed()) return;
  turn.Take(length);
  if (length == 0) return turn.Good();
  if (turn.data.size() < length || length < 4 || length % 4 != 0) return turn.Fault(kListLength);
  for (size_t at = 4; at < turn.data.size(); at += 4) {
    if ((turn.data[at] & 0x0f) != 0) turn.Fault(kBadList);
    if (Number(turn.data, at + 2, 2) != kPortGroup) turn.Fault(kBadList);
  }
  if (!turn.failed()) turn.Good();
}

}  // namespace pushpull::conformance::model
