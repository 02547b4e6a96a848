#include "target/scsi/commands/request_sense.h"

#include <array>

#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/sanitizer.h"

namespace pushpull::target::commands {
namespace {

// SPC-4 §6.39: what a command would be told now.
Sense PendingSense(LogicalUnit& unit, const Task& task) {
  if (unit.kind() == kAbsentUnit) return sense::kLogicalUnitNotSupported;
  if (const auto attention = unit.TakeUnitAttention(task.nexus)) return *attention;
  if (const auto sanitizing = unit.sanitizer().PendingSense()) return *sanitizing;
  if (unit.parameters().stopped) return sense::kInitializingCommandRequired;
  return sense::kNone;
}

}  // namespace

Prepared PrepareRequestSense(const LogicalUnit& unit, const Task& task) {
  if (unit.device().bugs.Has(Bug::kSenseLengthTrusted)) return DataIn(task.cdb[4], task.cdb[4]);
  return DataIn(task.cdb[4], kMaxSenseBytes);
}

Step ExecuteRequestSense(LogicalUnit& unit, Task& task) {
  const bool descriptor_format =
      (task.cdb[1] & 0x01) != 0 && !unit.device().bugs.Has(Bug::kScsiDescIgnored);
  std::array<uint8_t, kMaxSenseBytes> bytes{};
  const size_t size = EncodeSense(PendingSense(unit, task), descriptor_format, bytes.data());
  if (unit.device().bugs.Has(Bug::kSenseLengthTrusted)) {
    return Reply(task, {bytes.data(), task.cdb[4]}, task.cdb[4]);
  }
  return Reply(task, base::Bytes(bytes).first(size), task.cdb[4]);
}

}  // namespace pushpull::target::commands
