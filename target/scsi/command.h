// What a command is to the device server: a row of the command table.

#ifndef TARGET_SCSI_COMMAND_H_
#define TARGET_SCSI_COMMAND_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "base/result.h"
#include "target/scsi/sense.h"
#include "target/scsi/task.h"

namespace pushpull::target {

class LogicalUnit;

struct Transfer {
  DataDirection direction = DataDirection::kNone;
  uint64_t bytes = 0;
};

// What a command wants next.
class Step {
 public:
  // The end.
  static Step Good() { return {}; }
  static Step Fail(const Sense& sense) {
    Step step;
    step.sense_ = sense;
    return step;
  }
  // With a status that has no sense data.
  static Step End(ScsiStatus status) {
    Step step;
    step.status_ = status;
    return step;
  }
  // Something goes on elsewhere; LogicalUnit::Continue() is called when it has ended, then
  // `resume`.
  static Step Wait() {
    Step step;
    step.wait_ = true;
    return step;
  }
  // task.work.io, set but for `loop` and `done`, is to be done; then `resume` is called.
  static Step Transfer() {
    Step step;
    step.transfer_ = true;
    return step;
  }

  bool is_transfer() const { return transfer_; }
  bool is_wait() const { return wait_; }
  ScsiStatus status() const { return sense_.has_value() ? ScsiStatus::kCheckCondition : status_; }
  const std::optional<Sense>& sense() const { return sense_; }

 private:
  bool transfer_ = false;
  bool wait_ = false;
  ScsiStatus status_ = ScsiStatus::kGood;
  std::optional<Sense> sense_;
};

enum CommandFlags : uint8_t {
  // SAM-5 §5.14: carried out although a unit attention condition is pending.
  kDespiteUnitAttention = 1 << 0,
  // NOT READY while the unit is stopped.
  kNeedsMedium = 1 << 1,
  // Bits 7 to 5 of byte 1 are RDPROTECT, WRPROTECT or VRPROTECT, which units without protection
  // information refuse (SBC-3 §5.8).
  kHasProtectField = 1 << 2,
  // Changes the medium: WRITE PROTECTED where that isn't allowed.
  kWritesMedium = 1 << 3,
  // Its data are blocks of the medium as they are, from its LBA on.
  kMovesBlocks = 1 << 4,
  // Only where the store can give space back.
  kNeedsUnmap = 1 << 5,
  // Reads and writes its blocks as one: no other command comes between on them.
  kExcludesOthers = 1 << 6,
  // Only where a write is whole or not at all, whatever happens.
  kNeedsAtomicWrites = 1 << 7,
};

enum UnitKinds : uint8_t {
  kBlockDevice = 1 << 0,
  kWellKnownUnit = 1 << 1,  // REPORT LUNS
  kAbsentUnit = 1 << 2,     // LUNs that name nothing
  kAnyUnit = kBlockDevice | kWellKnownUnit | kAbsentUnit,
};

struct CommandEntry {
  std::string_view name;
  uint8_t opcode = 0;
  std::optional<uint16_t> service_action;
  uint8_t cdb_bytes = 0;
  uint8_t flags = 0;  // CommandFlags
  uint8_t units = 0;  // UnitKinds
  // CDB usage data (SPC-4 §6.35.3): the bits that are looked at. A bit of the CDB that isn't here
  // must be 0. Byte 0 is the operation code.
  std::array<uint8_t, Task::kMaxCdbBytes> usage{};

  // Looks at the fields. `task.cdb` has no bits beyond `usage`.
  base::Result<Transfer, Sense> (*prepare)(const LogicalUnit& unit, const Task& task) = nullptr;
  // Begins.
  Step (*execute)(LogicalUnit& unit, Task& task) = nullptr;
  // Goes on after Step::Transfer and Step::Wait. Null where that isn't used.
  Step (*resume)(LogicalUnit& unit, Task& task, const absl::Status& status) = nullptr;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_COMMAND_H_
