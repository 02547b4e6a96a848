#include "conformance/model/model.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "conformance/model/command_table.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

constexpr uint64_t kReportLunsUnit = 0xc101'0000'0000'0000;
constexpr size_t kLongestCdb = 32;

bool ConflictsWithPersistent(Unit& unit, const Port& port, Against against) {
  Persistent& persistent = unit.persistent;
  if (persistent.type == 0 || against == Against::kNothing || persistent.Holds(port)) return false;
  if (persistent.IsForRegistrants() && persistent.Find(port) != nullptr) return false;
  return against == Against::kAny || persistent.IsExclusiveAccess();
}

// SPC-2 §5.5.1: the same of RESERVE (6). PERSISTENT RESERVE is kept from all.
bool ConflictsWithReserve(const Unit& unit, const Row& row, size_t nexus) {
  if (!unit.reserved_by.has_value()) return false;
  if (row.opcode == 0x5e || row.opcode == 0x5f) return true;
  return *unit.reserved_by != nexus && (row.flags & kDespiteReserve) == 0;
}

bool Conflicts(Unit& unit, const Row& row, const Turn& turn) {
  Row rule = row;
  // To start a unit is always allowed (SBC-3 §4.15), and so is to allow what can't be prevented.
  if (row.opcode == 0x1b && (turn.cdb[4] & 0xf1) == 0x01) rule.against = Against::kNothing;
  if (row.opcode == 0x1e && (turn.cdb[4] & 0x03) == 0x00) {
    rule.against = Against::kNothing;
    rule.flags |= kDespiteReserve;
  }
  return ConflictsWithReserve(unit, rule, turn.nexus) ||
         ConflictsWithPersistent(unit, turn.port(), rule.against);
}

// Names are compared in lower case (RFC 7143 §4.2.7.2).
std::vector<Port> Normal(std::vector<Port> ports) {
  for (Port& port : ports) {
    for (char& c : port.name) {
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return ports;
}

// The oldest of the nexus; of resets only, if nothing else counts.
bool TakeAttention(Unit& unit, size_t nexus, bool only_resets, Turn* turn) {
  const auto found = unit.attentions.find(nexus);
  if (found == unit.attentions.end() || found->second.empty()) return false;
  const Sense first = found->second.front();
  if (only_resets && first.code != 0x29) return false;
  found->second.erase(found->second.begin());
  turn->Fault(first);
  return true;
}

// What is wrong without looking at what the command means.
void FindGeneralFaults(const Row& row, Turn* turn) {
  const std::vector<uint8_t> usage = row.Usage();
  const bool variable = turn->IsVariable();
  // ADDITIONAL CDB LENGTH (SPC-4 §4.2.3).
  if (variable && (turn->cdb[7] != 0x18 || turn->cdb_bytes < kLongestCdb)) turn->Fault(kBadCdb);
  for (size_t i = 1; i < usage.size(); ++i) {
    const bool of_protection = variable && i >= 20 && i < 28;
    if (!of_protection && (turn->cdb[i] & ~usage[i]) != 0) turn->Fault(kBadCdb);
  }
  if (turn->unit == nullptr) return;
  const Unit& unit = *turn->unit;
  if ((row.flags & kMedium) != 0 && unit.stopped) turn->Fault(kNotStarted);
  if ((row.flags & kWrites) != 0 && unit.IsProtected()) turn->Fault(kWriteProtected);
}

}  // namespace

bool IsKeptOff(Unit& unit, const Turn& turn, Against against) {
  const bool reserved = unit.reserved_by.value_or(turn.nexus) != turn.nexus;
  return reserved || ConflictsWithPersistent(unit, turn.port(), against);
}

Model::Model(std::vector<UnitTraits> units, std::vector<Port> ports)
    : ports_(Normal(std::move(ports))), was_there_(ports_.size()) {
  std::sort(units.begin(), units.end(),
            [](const UnitTraits& a, const UnitTraits& b) { return a.number < b.number; });
  for (UnitTraits& traits : units) units_.emplace_back(std::move(traits));
}

void Model::Open(size_t nexus) {
  for (Unit& unit : units_) {
    unit.attentions[nexus] = {was_there_[nexus] ? kNexusLost : kPowerOn};
  }
  was_there_[nexus] = true;
}

void Model::Close(size_t nexus) {
  for (Unit& unit : units_) {
    unit.attentions.erase(nexus);
    if (unit.reserved_by == nexus) unit.reserved_by.reset();
    std::erase_if(unit.copies, [&](const CopyResult& copy) { return copy.nexus == nexus; });
  }
}

bool Model::ResetUnit(uint64_t lun) {
  if (lun == kReportLunsUnit) return true;
  Unit* unit = Find(lun);
  if (unit == nullptr) return false;
  unit->Reset();
  for (const auto& [nexus, pending] : unit->attentions) unit->Tell(nexus, kUnitReset);
  return true;
}

void Model::ResetTarget() {
  for (const Unit& unit : units_) {
    const uint64_t number = unit.traits.number;
    ResetUnit((number < 256 ? number : 0x4000 | number) << 48);
  }
}

void Model::Settle() {
  for (Unit& unit : units_) unit.sanitizing = false;
}

// SAM-5 §4.7: peripheral device addressing on bus 0, and flat space addressing.
Unit* Model::Find(uint64_t lun) {
  if ((lun & 0x0000'ffff'ffff'ffff) != 0) return nullptr;
  uint64_t number = lun >> 48;
  if (number >> 14 == 1) {
    number &= 0x3fff;
  } else if (number > 255) {
    return nullptr;
  }
  for (Unit& unit : units_) {
    if (unit.traits.number == number) return &unit;
  }
  return nullptr;
}

const Unit* Model::unit(uint64_t lun) const { return const_cast<Model*>(this)->Find(lun); }

Expected Model::Do(const Command& command) {
  Turn turn;
  turn.unit = Find(command.lun);
  turn.units = &units_;
  turn.well_known = command.lun == kReportLunsUnit;
  turn.ports = &ports_;
  turn.nexus = command.nexus;
  turn.cdb = command.cdb;
  turn.cdb_bytes = command.cdb.size();
  turn.cdb.resize(kLongestCdb);
  turn.data = command.data_out;

  bool has_others = false;
  const Row* row = FindRow(turn.cdb, &has_others);
  const uint8_t needed = turn.well_known ? kWellKnown : turn.unit == nullptr ? kEverywhere : 0;
  const bool refused = row != nullptr && needed != 0 && (row->flags & needed) == 0;
  // Nothing here begins an auto contingent allegiance, and 5 to 7 are reserved (SAM-5 §8.7).
  const bool bad_attribute = command.attribute > 3;
  if (refused || (turn.unit == nullptr && !turn.well_known && row == nullptr)) {
    if (bad_attribute) turn.Fault(kInvalidMessage);
    turn.Fault(turn.well_known ? kNoSuchCommand : kNoSuchUnit);
    return turn.expected;
  }
  if (row != nullptr && turn.unit != nullptr && !Has(turn.unit->traits, *row)) {
    has_others = row->action >= 0;
    row = nullptr;
  }
  // Of unit attentions only resets come before RESERVATION CONFLICT, and that before all else
  // (SAM-5 §5.3.3).
  bool conflict = false;
  if (turn.unit != nullptr) {
    conflict = row != nullptr && Conflicts(*turn.unit, *row, turn);
    const bool looks = row == nullptr || (row->flags & kSaysSo) == 0;
    if (looks && TakeAttention(*turn.unit, turn.nexus, conflict, &turn)) return turn.expected;
  }
  if (conflict) {
    turn.Conflict();
    return turn.expected;
  }
  if (bad_attribute) turn.Fault(kInvalidMessage);
  // SBC-3 §4.11.2.
  const bool sanitizing = turn.unit != nullptr && turn.unit->sanitizing;
  if (sanitizing && (row == nullptr || (row->flags & kSaysSo) == 0)) turn.Fault(kSanitizing);
  if (row == nullptr) {
    turn.Fault(has_others && !turn.well_known ? kBadCdb : kNoSuchCommand);
    return turn.expected;
  }
  FindGeneralFaults(*row, &turn);
  row->run(turn);
  return turn.expected;
}

}  // namespace pushpull::conformance::model
