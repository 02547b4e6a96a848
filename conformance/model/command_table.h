// The commands that the model knows, with the bits of their CDBs that mean something.

#ifndef CONFORMANCE_MODEL_COMMAND_TABLE_H_
#define CONFORMANCE_MODEL_COMMAND_TABLE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "conformance/model/turn.h"

namespace pushpull::conformance::model {

// What a reservation of another nexus does to a command (SPC-4 §5.12.1, SBC-3 §4.15).
enum class Against : uint8_t {
  kNothing,    // always allowed
  kExclusive,  // conflicts with exclusive access
  kAny,        // and with write exclusive
};

enum RowFlags : uint8_t {
  kMedium = 1 << 0,          // NOT READY while the unit is stopped
  kWrites = 1 << 1,          // DATA PROTECT where that isn't allowed
  kThin = 1 << 2,            // only where blocks can be unmapped
  kAtomic = 1 << 3,          // only where writes are whole or not at all
  kSaysSo = 1 << 4,          // carried out although a unit attention is pending (SAM-5 §5.14)
  kDespiteReserve = 1 << 5,  // RESERVE (6) of others doesn't matter (SPC-2 §5.5.1)
  kEverywhere = 1 << 6,      // also where there is no unit
  kWellKnown = 1 << 7,       // also at the REPORT LUNS well-known unit
};

struct Row {
  uint8_t opcode = 0;
  int action = -1;  // service action; -1: the command has none
  // The CDB behind the operation code: the bits that aren't reserved, or must be 0 for this unit.
  const char* usage = "";
  uint8_t flags = 0;
  Against against = Against::kNothing;
  void (*run)(Turn& turn) = nullptr;

  std::vector<uint8_t> Usage() const;  // with the operation code
};

inline constexpr uint8_t kVariableLength = 0x7f;

std::span<const Row> AllRows();

// Null: the unit has no such command. `has_others`: but it has others of this operation code.
const Row* FindRow(const std::vector<uint8_t>& cdb, bool* has_others);

bool Has(const UnitTraits& unit, const Row& row);

// Whether a reservation of others keeps the turn's nexus from what such commands do with a unit,
// which need not be the one that is addressed. (SPC-4 §5.12.1, SPC-2 §5.5.1)
bool IsKeptOff(Unit& unit, const Turn& turn, Against against);

}  // namespace pushpull::conformance::model

#endif  // CONFORMANCE_MODEL_COMMAND_TABLE_H_
