// What the commands that name logical blocks share: LBA and length, and the data they move.

#ifndef TARGET_SCSI_COMMANDS_BLOCKS_H_
#define TARGET_SCSI_COMMANDS_BLOCKS_H_

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "base/result.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/sense.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

struct BlockRange {
  uint64_t lba = 0;
  uint32_t blocks = 0;
};

// By the size of the CDB, which the operation code's group tells (SPC-4 §4.2.5.1): 6, 10, 12 or 16
// bytes. In a CDB of 6 bytes 0 means 256 blocks (SBC-3 §5.7).
BlockRange BlockRangeOf(const Task& task);

// Within the medium, and not longer than the unit takes in one command.
base::Result<BlockRange, Sense> CheckTransferRange(const LogicalUnit& unit, const Task& task);

// Within the medium.
base::Result<BlockRange, Sense> CheckRange(const LogicalUnit& unit, const Task& task);

// The first `bytes` of task.data, which has at least as many.
std::span<const iovec> FirstBytes(Task& task, uint64_t bytes);

// What of task.data the command may use: at most task.transfer_bytes.
uint64_t UsableBytes(const Task& task);

// What to report for a store's failure.
Sense ReadFailure(const absl::Status& status);
Sense WriteFailure(const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_BLOCKS_H_
