#include "target/scsi/reservation_rules.h"

#include "target/scsi/command_table.h"

namespace pushpull::target {
namespace {

constexpr auto kAlways = ReservationAccess::kAlways;
constexpr auto kReads = ReservationAccess::kReads;
constexpr auto kWrites = ReservationAccess::kWrites;
constexpr auto kAllowed = UnitReservationAccess::kAllowed;
constexpr auto kConflicts = UnitReservationAccess::kConflicts;
constexpr auto kConflictsForAll = UnitReservationAccess::kConflictsForAll;

// clang-format off
constexpr ReservationRule kRules[] = {
    {0x00, {}, kAlways, kConflicts},             // TEST UNIT READY
    {0x03, {}, kAlways, kAllowed},               // REQUEST SENSE
    {0x04, {}, kWrites, kConflicts},             // FORMAT UNIT
    {0x08, {}, kReads, kConflicts},              // READ (6)
    {0x0a, {}, kWrites, kConflicts},             // WRITE (6)
    {0x12, {}, kAlways, kAllowed},               // INQUIRY
    {0x15, {}, kWrites, kConflicts},             // MODE SELECT (6)
    {0x16, {}, kAlways, kAllowed},               // RESERVE (6): looks for itself
    {0x17, {}, kAlways, kAllowed},               // RELEASE (6): the same
    {0x1a, {}, kReads, kConflicts},              // MODE SENSE (6)
    {0x1b, {}, kAlways, kConflicts, 4, 0xf1, 0x01},  // START STOP UNIT: start
    {0x1b, {}, kWrites, kConflicts},             // the same: stop
    {0x1e, {}, kAlways, kAllowed, 4, 0x03, 0x00},  // PREVENT ALLOW MEDIUM REMOVAL: allow
    {0x1e, {}, kWrites, kConflicts},             // the same: prevent
    {0x25, {}, kAlways, kConflicts},             // READ CAPACITY (10)
    {0x28, {}, kReads, kConflicts},              // READ (10)
    {0x2a, {}, kWrites, kConflicts},             // WRITE (10)
    {0x2e, {}, kWrites, kConflicts},             // WRITE AND VERIFY (10)
    {0x2f, {}, kReads, kConflicts},              // VERIFY (10)
    {0x34, {}, kReads, kConflicts},              // PRE-FETCH (10)
    {0x35, {}, kWrites, kConflicts},             // SYNCHRONIZE CACHE (10)
    {0x37, {}, kReads, kConflicts},              // READ DEFECT DATA (10)
    {0x41, {}, kWrites, kConflicts},             // WRITE SAME (10)
    {0x42, {}, kWrites, kConflicts},             // UNMAP
    {0x48, {}, kWrites, kConflicts},             // SANITIZE
    {0x4d, {}, kAlways, kAllowed},               // LOG SENSE
    {0x55, {}, kWrites, kConflicts},             // MODE SELECT (10)
    {0x5a, {}, kReads, kConflicts},              // MODE SENSE (10)
    {0x5e, {}, kAlways, kConflictsForAll},       // PERSISTENT RESERVE IN
    {0x5f, {}, kAlways, kConflictsForAll},       // PERSISTENT RESERVE OUT: looks for itself
    {0x7f, 0x0009, kReads, kConflicts},          // READ (32)
    {0x7f, 0x000a, kReads, kConflicts},          // VERIFY (32)
    {0x7f, 0x000b, kWrites, kConflicts},         // WRITE (32)
    {0x7f, 0x000c, kWrites, kConflicts},         // WRITE AND VERIFY (32)
    {0x7f, 0x000d, kWrites, kConflicts},         // WRITE SAME (32)
    {0x83, {}, kWrites, kConflicts},             // EXTENDED COPY
    {0x84, {}, kWrites, kConflicts},             // RECEIVE COPY RESULTS
    {0x88, {}, kReads, kConflicts},              // READ (16)
    {0x89, {}, kWrites, kConflicts},             // COMPARE AND WRITE
    {0x8a, {}, kWrites, kConflicts},             // WRITE (16)
    {0x8b, {}, kWrites, kConflicts},             // ORWRITE (16)
    {0x8e, {}, kWrites, kConflicts},             // WRITE AND VERIFY (16)
    {0x8f, {}, kReads, kConflicts},              // VERIFY (16)
    {0x90, {}, kReads, kConflicts},              // PRE-FETCH (16)
    {0x91, {}, kWrites, kConflicts},             // SYNCHRONIZE CACHE (16)
    {0x93, {}, kWrites, kConflicts},             // WRITE SAME (16)
    {0x9c, {}, kWrites, kConflicts},             // WRITE ATOMIC (16)
    {0x9e, 0x10, kAlways, kConflicts},           // READ CAPACITY (16)
    {0x9e, 0x12, kReads, kConflicts},            // GET LBA STATUS
    {0xa0, {}, kAlways, kAllowed},               // REPORT LUNS
    {0xa3, 0x0a, kAlways, kConflicts},           // REPORT TARGET PORT GROUPS
    {0xa3, 0x0c, kReads, kConflicts},            // REPORT SUPPORTED OPERATION CODES
    {0xa3, 0x0d, kReads, kConflicts},            // REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS
    {0xa4, 0x0a, kWrites, kConflicts},           // SET TARGET PORT GROUPS
    {0xa8, {}, kReads, kConflicts},              // READ (12)
    {0xaa, {}, kWrites, kConflicts},             // WRITE (12)
    {0xae, {}, kWrites, kConflicts},             // WRITE AND VERIFY (12)
    {0xaf, {}, kReads, kConflicts},              // VERIFY (12)
    {0xb7, {}, kReads, kConflicts},              // READ DEFECT DATA (12)
};
// clang-format on

bool Fits(const ReservationRule& rule, const Task& task) {
  if (rule.opcode != task.cdb[0]) return false;
  if (rule.service_action.has_value() && *rule.service_action != ServiceActionOf(task)) {
    return false;
  }
  return (task.cdb[rule.byte] & rule.mask) == rule.value;
}

}  // namespace

std::span<const ReservationRule> AllReservationRules() { return kRules; }

ReservationRule ReservationRuleOf(const Task& task) {
  for (const ReservationRule& rule : kRules) {
    if (Fits(rule, task)) return rule;
  }
  return {};
}

}  // namespace pushpull::target
