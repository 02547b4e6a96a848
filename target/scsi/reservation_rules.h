// Which commands a reservation keeps from those who don't hold it. (SPC-4 §5.12.1, SBC-3 §4.15,
// SPC-2 §5.5.1)

#ifndef TARGET_SCSI_RESERVATION_RULES_H_
#define TARGET_SCSI_RESERVATION_RULES_H_

#include <cstdint>
#include <optional>
#include <span>

#include "target/scsi/task.h"

namespace pushpull::target {

// Against persistent reservations of others.
enum class ReservationAccess : uint8_t {
  kAlways,  // never conflicts
  kReads,   // conflicts with Exclusive Access
  kWrites,  // conflicts with Write Exclusive, too
};

// Against RESERVE (6) of others.
enum class UnitReservationAccess : uint8_t {
  kAllowed,
  kConflicts,
  kConflictsForAll,  // even from who reserved
};

struct ReservationRule {
  uint8_t opcode = 0;
  std::optional<uint16_t> service_action = {};  // unset: all
  ReservationAccess persistent = ReservationAccess::kWrites;
  UnitReservationAccess unit = UnitReservationAccess::kConflicts;
  // The rule is for CDBs in which these bits of this byte have this value.
  uint8_t byte = 0;
  uint8_t mask = 0;
  uint8_t value = 0;
};

// By ascending operation code; the first that fits counts. What isn't here changes the unit, as far
// as reservations go: new commands are safe until somebody thought about them.
std::span<const ReservationRule> AllReservationRules();

ReservationRule ReservationRuleOf(const Task& task);

}  // namespace pushpull::target

#endif  // TARGET_SCSI_RESERVATION_RULES_H_
