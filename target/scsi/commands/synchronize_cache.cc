#include "target/scsi/commands/synchronize_cache.h"

#include <memory>

#include "target/scsi/commands/blocks.h"
#include "target/scsi/nexus.h"

namespace pushpull::target::commands {
namespace {

bool Immediate(const Task& task) { return (task.cdb[1] & 0x02) != 0; }

// A flush that goes on after the status was sent. The nexus stays until it is done.
void FlushInBackground(LogicalUnit& unit, Nexus* nexus) {
  struct Background {
    Io io;
    Nexus* nexus;
  };
  auto owned = std::make_unique<Background>();
  Background* background = owned.get();
  background->nexus = nexus;
  background->io.loop = nexus->loop();
  background->io.op = Io::Op::kFlush;
  background->io.done = [owned =
                             std::move(owned)](absl::Status /*nobody is left to tell*/) mutable {
    const std::unique_ptr<Background> gone = std::move(owned);
    gone->nexus->EndBackground();
  };
  nexus->BeginBackground();
  if (unit.store()->Submit(&background->io).has_value()) {
    auto done = std::move(background->io.done);
    done(absl::OkStatus());
  }
}

}  // namespace

Prepared PrepareSynchronizeCache(const LogicalUnit& unit, const Task& task) {
  if (unit.device().bugs.Has(Bug::kScsiSyncBeyondTheEnd)) return NoData();
  PUSHPULL_TRY(CheckRange(unit, task));
  return NoData();
}

Step ExecuteSynchronizeCache(LogicalUnit& unit, Task& task) {
  if (Immediate(task) || unit.device().bugs.Has(Bug::kFlushAnsweredEarly)) {
    FlushInBackground(unit, task.nexus);
    return Step::Good();
  }
  return Flush(&task.work.io);
}

Step ResumeSynchronizeCache(LogicalUnit& /*unit*/, Task& /*task*/, const absl::Status& status) {
  return status.ok() ? Step::Good() : Step::Fail(WriteFailure(status));
}

}  // namespace pushpull::target::commands
