// What the commands that name logical blocks share: LBA and length, and the data they move.

#ifndef TARGET_SCSI_COMMANDS_BLOCKS_H_
#define TARGET_SCSI_COMMANDS_BLOCKS_H_

#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "base/result.h"
#include "target/scsi/command.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/sense.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

struct BlockRange {
  uint64_t lba = 0;
  uint32_t blocks = 0;
};

// By the size of the CDB, which the operation code's group tells (SPC-4 §4.2.5.1): 6, 10, 12, 16
// or, of variable length, 32 bytes. In a CDB of 6 bytes 0 means 256 blocks (SBC-3 §5.7). COMPARE
// AND WRITE and WRITE ATOMIC have shorter lengths of their own.
BlockRange BlockRangeOf(const Task& task);

// 7Fh: the CDB's length stands in it, and its fields begin eight bytes later (SPC-4 §4.2.3).
inline bool IsVariableLength(const Task& task) { return task.cdb[0] == 0x7f; }

// The byte with protection, DPO, FUA, BYTCHK, UNMAP... of CDBs of ten bytes and more, and where it
// is.
inline uint16_t BlockFlagsByte(const Task& task) { return IsVariableLength(task) ? 10 : 1; }
inline uint8_t BlockFlagsOf(const Task& task) { return task.cdb[BlockFlagsByte(task)]; }

// WRITE SAME (10), (16) and (32): there 0 blocks are all to the end of the medium.
bool IsWriteSame(const Task& task);

// Where TRANSFER LENGTH, or what stands in its place, is.
uint16_t LengthByte(const Task& task);

base::Result<void, Sense> CheckWithin(const LogicalUnit& unit, const BlockRange& range);

// Within the medium, and not longer than the unit takes in one command.
base::Result<BlockRange, Sense> CheckTransferRange(const LogicalUnit& unit, const Task& task);

// Within the medium.
base::Result<BlockRange, Sense> CheckRange(const LogicalUnit& unit, const Task& task);

// The first `bytes` of task.data, which has at least as many.
std::span<const iovec> FirstBytes(Task& task, uint64_t bytes);

// `bytes` of task.data from `offset` on, which are there.
std::span<const iovec> BytesFrom(Task& task, uint64_t offset, uint64_t bytes);

// Where `bytes` first differ from `data` from `offset` on; nothing where they are the same, or
// `data` ends before.
std::optional<uint64_t> FirstDifference(std::span<const iovec> data, uint64_t offset,
                                        base::Bytes bytes);

// What of task.data the command may use: at most task.transfer_bytes.
uint64_t UsableBytes(const Task& task);

// A command that changes more than its data does so in slices, between which the loop does what
// else is due: so long is nobody held up. Memory has to be set, or given back to the system.
inline constexpr uint64_t kWriteSliceBytes = 1 << 20;
inline constexpr uint64_t kUnmapSliceBytes = 4 << 20;

// The command's `resume` is called after what else is due on its loop.
Step Rest(LogicalUnit& unit, Task& task);

// Makes `io` one that unmaps these bytes.
void SetUnmap(uint64_t offset, uint64_t bytes, Io* io);

// Makes `io` a flush of the whole cache: more than a range that is asked for does no harm.
Step Flush(Io* io);

// Whether what is written may stay in the cache alone.
bool MayCache(const LogicalUnit& unit);

// The end of a command that changed the medium by I/Os that weren't durable: with WCE = 0 (SBC-3
// §6.5.5), GOOD promises that they are.
Step FlushUnlessCached(const LogicalUnit& unit, Task& task);

// What to report for a store's failure.
Sense ReadFailure(const absl::Status& status);
Sense WriteFailure(const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_BLOCKS_H_
