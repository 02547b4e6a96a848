#include "target/scsi/commands/sanitize.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "target/scsi/command_table.h"
#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/sanitizer.h"

namespace pushpull::target::commands {
namespace {

enum ServiceAction : uint8_t { kOverwrite = 0x01, kExitFailureMode = 0x1f };

constexpr size_t kHeaderBytes = 4;

bool Immediate(const Task& task) { return (task.cdb[1] & 0x80) != 0; }
bool AllowUnrestrictedExit(const Task& task) { return (task.cdb[1] & 0x20) != 0; }
uint16_t ListLength(const Task& task) { return base::LoadBe16(&task.cdb[7]); }

// SBC-3 §5.30.2.2: INVERT, TEST, OVERWRITE COUNT, and the pattern, which goes through the block
// again and again.
base::Result<Sanitizer::Job, Sense> ParseOverwrite(const LogicalUnit& unit, const Task& task) {
  const std::vector<uint8_t> list = ParameterList(task);
  if (list.size() < ListLength(task)) return sense::kParameterListLengthError;
  Sanitizer::Job job;
  job.invert = (list[0] & 0x80) != 0;
  if ((list[0] & 0x60) != 0) return InvalidParameter(0, 6);  // tests are a vendor's own
  job.passes = list[0] & 0x1f;
  if (job.passes == 0) return InvalidParameter(0, 4);
  const size_t pattern = base::LoadBe16(&list[2]);
  if (pattern == 0 || pattern > unit.block_size()) return InvalidParameter(2);
  if (pattern != list.size() - kHeaderBytes) return InvalidParameter(2);
  job.block.resize(unit.block_size());
  const bool once = unit.device().bugs.Has(Bug::kScsiSanitizePatternOnce);
  const size_t filled = once ? pattern : job.block.size();
  for (size_t i = 0; i < filled; ++i) job.block[i] = list[kHeaderBytes + i % pattern];
  return job;
}

}  // namespace

Prepared PrepareSanitize(const LogicalUnit& unit, const Task& task) {
  // After a failure that allows no other way out, only another of the kind is (§5.30.1).
  const bool restricted = unit.sanitizer().failed_restricted();
  if (ServiceActionOf(task) == kExitFailureMode) {
    return restricted ? Prepared(InvalidField(1, 4)) : NoData();
  }
  if (restricted && AllowUnrestrictedExit(task)) return InvalidField(1, 5);
  if (ServiceActionOf(task) != kOverwrite) return NoData();
  // A pattern of one byte to one of a whole block.
  const uint16_t length = ListLength(task);
  if (length <= kHeaderBytes || length > kHeaderBytes + unit.block_size()) return InvalidField(7);
  return DataOut(length);
}

// All that was running on the medium has ended (the command table knows).
Step ExecuteSanitize(LogicalUnit& unit, Task& task) {
  if (ServiceActionOf(task) == kExitFailureMode) {
    unit.sanitizer().ExitFailureMode();
    return Step::Good();
  }
  Sanitizer::Job job;
  if (ServiceActionOf(task) == kOverwrite) {
    auto parsed = ParseOverwrite(unit, task);
    if (!parsed.ok()) return Step::Fail(parsed.error());
    job = *std::move(parsed);
  }
  job.unrestricted_exit = AllowUnrestrictedExit(task);
  const bool waits = !Immediate(task);
  if (!unit.sanitizer().Begin(std::move(job), &task, waits)) {
    return Step::Fail(sense::kSanitizeInProgress);
  }
  return waits ? Step::Wait() : Step::Good();
}

Step ResumeSanitize(LogicalUnit& /*unit*/, Task& /*task*/, const absl::Status& status) {
  return status.ok() ? Step::Good() : Step::Fail(sense::kSanitizeFailed);
}

}  // namespace pushpull::target::commands
