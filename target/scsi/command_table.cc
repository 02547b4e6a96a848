#include "target/scsi/command_table.h"

#include <array>
#include <cstddef>

#include "base/bytes.h"
#include "target/scsi/commands/blocks.h"
#include "target/scsi/commands/compare_and_write.h"
#include "target/scsi/commands/extended_copy.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/commands/get_lba_status.h"
#include "target/scsi/commands/inquiry.h"
#include "target/scsi/commands/mode_select.h"
#include "target/scsi/commands/mode_sense.h"
#include "target/scsi/commands/or_write.h"
#include "target/scsi/commands/persistent_reserve_in.h"
#include "target/scsi/commands/persistent_reserve_out.h"
#include "target/scsi/commands/prefetch.h"
#include "target/scsi/commands/prevent_allow.h"
#include "target/scsi/commands/read.h"
#include "target/scsi/commands/read_capacity.h"
#include "target/scsi/commands/read_defect_data.h"
#include "target/scsi/commands/report_luns.h"
#include "target/scsi/commands/report_supported.h"
#include "target/scsi/commands/request_sense.h"
#include "target/scsi/commands/reserve_release.h"
#include "target/scsi/commands/sanitize.h"
#include "target/scsi/commands/start_stop_unit.h"
#include "target/scsi/commands/synchronize_cache.h"
#include "target/scsi/commands/target_port_groups.h"
#include "target/scsi/commands/test_unit_ready.h"
#include "target/scsi/commands/unmap.h"
#include "target/scsi/commands/verify.h"
#include "target/scsi/commands/write.h"
#include "target/scsi/commands/write_same.h"

namespace pushpull::target {
namespace {

using namespace commands;  // NOLINT(google-build-using-namespace)

constexpr std::nullopt_t kNoAction = std::nullopt;
constexpr uint8_t kReadFlags = kNeedsMedium | kHasProtectField;
constexpr uint8_t kWriteFlags = kReadFlags | kWritesMedium;

// In the usage data (ANCHOR is never supported): DPO and FUA, GROUP NUMBER. The last byte of each
// CDB is CONTROL: no bit of it is supported.
constexpr uint8_t kDF = 0x18;
constexpr uint8_t kGr = 0x1f;

// A CDB of 32 bytes on blocks, whose byte 10 has these bits beside the protection. What follows the
// LBA is about protection information (ignored).
consteval std::array<uint8_t, Task::kMaxCdbBytes> Usage32(uint8_t flags) {
  std::array<uint8_t, Task::kMaxCdbBytes> usage{};
  usage[6] = kGr;
  usage[7] = usage[8] = usage[9] = 0xff;
  usage[10] = flags;
  for (size_t i = 12; i < 20; ++i) usage[i] = 0xff;
  for (size_t i = 28; i < 32; ++i) usage[i] = 0xff;
  return usage;
}

// PERSISTENT RESERVE OUT.
constexpr std::array<uint8_t, Task::kMaxCdbBytes> kReserveOut = {0,    0x1f, 0xff, 0,   0,
                                                                 0xff, 0xff, 0xff, 0xff};

// Ascending by operation code and service action.
// clang-format off
constexpr CommandEntry kCommands[] = {
    {"TEST UNIT READY", 0x00, kNoAction, 6, kNeedsMedium, kBlockDevice | kWellKnownUnit,
     {0},
     PrepareTestUnitReady, ExecuteTestUnitReady},
    {"REQUEST SENSE", 0x03, kNoAction, 6, kDespiteUnitAttention, kAnyUnit,
     {0, 0x01, 0, 0, 0xff},
     PrepareRequestSense, ExecuteRequestSense},
    {"READ (6)", 0x08, kNoAction, 6, kMovesBlocks | kNeedsMedium, kBlockDevice,
     {0, 0x1f, 0xff, 0xff, 0xff},
     PrepareRead, ExecuteRead, ResumeRead},
    {"WRITE (6)", 0x0a, kNoAction, 6, kMovesBlocks | kNeedsMedium | kWritesMedium, kBlockDevice,
     {0, 0x1f, 0xff, 0xff, 0xff},
     PrepareWrite, ExecuteWrite, ResumeWrite},
    {"INQUIRY", 0x12, kNoAction, 6, kDespiteUnitAttention, kAnyUnit,
     {0, 0x01, 0xff, 0xff, 0xff},
     PrepareInquiry, ExecuteInquiry},
    {"MODE SELECT (6)", 0x15, kNoAction, 6, 0, kBlockDevice,
     {0, 0x11, 0, 0, 0xff},
     PrepareModeSelect, ExecuteModeSelect, ResumeModeSelect},
    {"RESERVE (6)", 0x16, kNoAction, 6, 0, kBlockDevice,
     {0},
     PrepareReserveRelease, ExecuteReserve, ResumeReserveRelease},
    {"RELEASE (6)", 0x17, kNoAction, 6, 0, kBlockDevice,
     {0},
     PrepareReserveRelease, ExecuteRelease, ResumeReserveRelease},
    {"MODE SENSE (6)", 0x1a, kNoAction, 6, 0, kBlockDevice,
     {0, 0x08, 0xff, 0xff, 0xff},
     PrepareModeSense, ExecuteModeSense},
    {"START STOP UNIT", 0x1b, kNoAction, 6, 0, kBlockDevice,
     {0, 0x01, 0, 0, 0x05},
     PrepareStartStopUnit, ExecuteStartStopUnit, ResumeStartStopUnit},
    {"PREVENT ALLOW MEDIUM REMOVAL", 0x1e, kNoAction, 6, 0, kBlockDevice,
     {0, 0, 0, 0, 0x03},
     PreparePreventAllow, ExecutePreventAllow},
    {"READ CAPACITY (10)", 0x25, kNoAction, 10, 0, kBlockDevice,
     {0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01},
     PrepareReadCapacity10, ExecuteReadCapacity10},
    {"READ (10)", 0x28, kNoAction, 10, kMovesBlocks | kReadFlags, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, kGr, 0xff, 0xff},
     PrepareRead, ExecuteRead, ResumeRead},
    {"WRITE (10)", 0x2a, kNoAction, 10, kMovesBlocks | kWriteFlags, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, kGr, 0xff, 0xff},
     PrepareWrite, ExecuteWrite, ResumeWrite},
    {"WRITE AND VERIFY (10)", 0x2e, kNoAction, 10, kWriteFlags, kBlockDevice,
     {0, 0x12, 0xff, 0xff, 0xff, 0xff, kGr, 0xff, 0xff},
     PrepareWriteAndVerify, ExecuteWriteAndVerify, ResumeWriteAndVerify},
    {"VERIFY (10)", 0x2f, kNoAction, 10, kReadFlags, kBlockDevice,
     {0, 0x16, 0xff, 0xff, 0xff, 0xff, kGr, 0xff, 0xff},
     PrepareVerify, ExecuteVerify, ResumeVerify},
    {"PRE-FETCH (10)", 0x34, kNoAction, 10, kNeedsMedium, kBlockDevice,
     {0, 0x02, 0xff, 0xff, 0xff, 0xff, kGr, 0xff, 0xff},
     PreparePrefetch, ExecutePrefetch},
    {"SYNCHRONIZE CACHE (10)", 0x35, kNoAction, 10, 0, kBlockDevice,
     {0, 0x02, 0xff, 0xff, 0xff, 0xff, kGr, 0xff, 0xff},
     PrepareSynchronizeCache, ExecuteSynchronizeCache, ResumeSynchronizeCache},
    {"READ DEFECT DATA (10)", 0x37, kNoAction, 10, kNeedsMedium, kBlockDevice,
     {0, 0, 0x1f, 0, 0, 0, 0, 0xff, 0xff},
     PrepareReadDefectData, ExecuteReadDefectData},
    {"WRITE SAME (10)", 0x41, kNoAction, 10, kWriteFlags, kBlockDevice,
     {0, 0x08, 0xff, 0xff, 0xff, 0xff, kGr, 0xff, 0xff},
     PrepareWriteSame, ExecuteWriteSame, ResumeWriteSame},
    {"UNMAP", 0x42, kNoAction, 10, kNeedsMedium | kWritesMedium | kNeedsUnmap, kBlockDevice,
     {0, 0, 0, 0, 0, 0, kGr, 0xff, 0xff},
     PrepareUnmap, ExecuteUnmap, ResumeUnmap},
    {"SANITIZE: OVERWRITE", 0x48, 0x01, 10,
     kNeedsMedium | kWritesMedium | kExcludesOthers, kBlockDevice,
     {0, 0xbf, 0, 0, 0, 0, 0, 0xff, 0xff},
     PrepareSanitize, ExecuteSanitize, ResumeSanitize},
    {"SANITIZE: BLOCK ERASE", 0x48, 0x02, 10,
     kNeedsMedium | kWritesMedium | kExcludesOthers, kBlockDevice,
     {0, 0xbf},
     PrepareSanitize, ExecuteSanitize, ResumeSanitize},
    {"SANITIZE: EXIT FAILURE MODE", 0x48, 0x1f, 10, 0, kBlockDevice,
     {0, 0xbf},
     PrepareSanitize, ExecuteSanitize, ResumeSanitize},
    {"MODE SELECT (10)", 0x55, kNoAction, 10, 0, kBlockDevice,
     {0, 0x11, 0, 0, 0, 0, 0, 0xff, 0xff},
     PrepareModeSelect, ExecuteModeSelect, ResumeModeSelect},
    {"MODE SENSE (10)", 0x5a, kNoAction, 10, 0, kBlockDevice,
     {0, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff},
     PrepareModeSense, ExecuteModeSense},
    {"PERSISTENT RESERVE IN: READ KEYS", 0x5e, 0x00, 10, 0, kBlockDevice,
     {0, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff},
     PreparePersistentReserveIn, ExecutePersistentReserveIn},
    {"PERSISTENT RESERVE IN: READ RESERVATION", 0x5e, 0x01, 10, 0, kBlockDevice,
     {0, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff},
     PreparePersistentReserveIn, ExecutePersistentReserveIn},
    {"PERSISTENT RESERVE IN: REPORT CAPABILITIES", 0x5e, 0x02, 10, 0, kBlockDevice,
     {0, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff},
     PreparePersistentReserveIn, ExecutePersistentReserveIn},
    {"PERSISTENT RESERVE IN: READ FULL STATUS", 0x5e, 0x03, 10, 0, kBlockDevice,
     {0, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff},
     PreparePersistentReserveIn, ExecutePersistentReserveIn},
    {"PERSISTENT RESERVE OUT: REGISTER", 0x5f, 0x00, 10, 0, kBlockDevice,
     kReserveOut, PreparePersistentReserveOut, ExecutePersistentReserveOut,
     ResumePersistentReserveOut},
    {"PERSISTENT RESERVE OUT: RESERVE", 0x5f, 0x01, 10, 0, kBlockDevice,
     kReserveOut, PreparePersistentReserveOut, ExecutePersistentReserveOut,
     ResumePersistentReserveOut},
    {"PERSISTENT RESERVE OUT: RELEASE", 0x5f, 0x02, 10, 0, kBlockDevice,
     kReserveOut, PreparePersistentReserveOut, ExecutePersistentReserveOut,
     ResumePersistentReserveOut},
    {"PERSISTENT RESERVE OUT: CLEAR", 0x5f, 0x03, 10, 0, kBlockDevice,
     kReserveOut, PreparePersistentReserveOut, ExecutePersistentReserveOut,
     ResumePersistentReserveOut},
    {"PERSISTENT RESERVE OUT: PREEMPT", 0x5f, 0x04, 10, 0, kBlockDevice,
     kReserveOut, PreparePersistentReserveOut, ExecutePersistentReserveOut,
     ResumePersistentReserveOut},
    {"PERSISTENT RESERVE OUT: PREEMPT AND ABORT", 0x5f, 0x05, 10, 0, kBlockDevice,
     kReserveOut, PreparePersistentReserveOut, ExecutePersistentReserveOut,
     ResumePersistentReserveOut},
    {"PERSISTENT RESERVE OUT: REGISTER AND IGNORE EXISTING KEY", 0x5f, 0x06, 10, 0, kBlockDevice,
     kReserveOut, PreparePersistentReserveOut, ExecutePersistentReserveOut,
     ResumePersistentReserveOut},
    {"PERSISTENT RESERVE OUT: REGISTER AND MOVE", 0x5f, 0x07, 10, 0, kBlockDevice,
     kReserveOut, PreparePersistentReserveOut, ExecutePersistentReserveOut,
     ResumePersistentReserveOut},
    {"READ (32)", 0x7f, 0x0009, 32, kMovesBlocks | kReadFlags, kBlockDevice,
     Usage32(kDF),
     PrepareRead, ExecuteRead, ResumeRead},
    {"VERIFY (32)", 0x7f, 0x000a, 32, kReadFlags, kBlockDevice,
     Usage32(0x16),
     PrepareVerify, ExecuteVerify, ResumeVerify},
    {"WRITE (32)", 0x7f, 0x000b, 32, kMovesBlocks | kWriteFlags, kBlockDevice,
     Usage32(kDF),
     PrepareWrite, ExecuteWrite, ResumeWrite},
    {"WRITE AND VERIFY (32)", 0x7f, 0x000c, 32, kWriteFlags, kBlockDevice,
     Usage32(0x12),
     PrepareWriteAndVerify, ExecuteWriteAndVerify, ResumeWriteAndVerify},
    {"WRITE SAME (32)", 0x7f, 0x000d, 32, kWriteFlags, kBlockDevice,
     Usage32(0x09),
     PrepareWriteSame, ExecuteWriteSame, ResumeWriteSame},
    {"EXTENDED COPY (LID1)", 0x83, 0x00, 16, kNeedsMedium, kBlockDevice,
     {0, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
     PrepareExtendedCopy, ExecuteExtendedCopy, ResumeExtendedCopy},
    {"RECEIVE COPY RESULTS: COPY STATUS", 0x84, 0x00, 16, 0, kBlockDevice,
     {0, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
     PrepareReceiveCopyResults, ExecuteReceiveCopyResults},
    {"RECEIVE COPY RESULTS: OPERATING PARAMETERS", 0x84, 0x03, 16, 0, kBlockDevice,
     {0, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
     PrepareReceiveCopyResults, ExecuteReceiveCopyResults},
    {"READ (16)", 0x88, kNoAction, 16, kMovesBlocks | kReadFlags, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareRead, ExecuteRead, ResumeRead},
    {"COMPARE AND WRITE", 0x89, kNoAction, 16, kWriteFlags | kExcludesOthers, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0xff, kGr},
     PrepareCompareAndWrite, ExecuteCompareAndWrite, ResumeCompareAndWrite},
    {"WRITE (16)", 0x8a, kNoAction, 16, kMovesBlocks | kWriteFlags, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareWrite, ExecuteWrite, ResumeWrite},
    {"ORWRITE (16)", 0x8b, kNoAction, 16, kWriteFlags | kExcludesOthers, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareOrWrite, ExecuteOrWrite, ResumeOrWrite},
    {"WRITE AND VERIFY (16)", 0x8e, kNoAction, 16, kWriteFlags, kBlockDevice,
     {0, 0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareWriteAndVerify, ExecuteWriteAndVerify, ResumeWriteAndVerify},
    {"VERIFY (16)", 0x8f, kNoAction, 16, kReadFlags, kBlockDevice,
     {0, 0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareVerify, ExecuteVerify, ResumeVerify},
    {"PRE-FETCH (16)", 0x90, kNoAction, 16, kNeedsMedium, kBlockDevice,
     {0, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PreparePrefetch, ExecutePrefetch},
    {"SYNCHRONIZE CACHE (16)", 0x91, kNoAction, 16, 0, kBlockDevice,
     {0, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareSynchronizeCache, ExecuteSynchronizeCache, ResumeSynchronizeCache},
    {"WRITE SAME (16)", 0x93, kNoAction, 16, kWriteFlags, kBlockDevice,
     {0, 0x09, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareWriteSame, ExecuteWriteSame, ResumeWriteSame},
    {"WRITE ATOMIC (16)", 0x9c, kNoAction, 16,
     kWriteFlags | kExcludesOthers | kNeedsAtomicWrites, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, kGr},
     PrepareWriteAtomic, ExecuteWriteAtomic, ResumeWrite},
    {"READ CAPACITY (16)", 0x9e, 0x10, 16, 0, kBlockDevice,
     {0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
     PrepareReadCapacity16, ExecuteReadCapacity16},
    {"GET LBA STATUS", 0x9e, 0x12, 16, kNeedsMedium | kNeedsUnmap, kBlockDevice,
     {0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
     PrepareGetLbaStatus, ExecuteGetLbaStatus},
    {"REPORT LUNS", 0xa0, kNoAction, 12, kDespiteUnitAttention, kAnyUnit,
     {0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
     PrepareReportLuns, ExecuteReportLuns},
    {"REPORT TARGET PORT GROUPS", 0xa3, 0x0a, 12, 0, kBlockDevice,
     {0, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
     PrepareReportTargetPortGroups, ExecuteReportTargetPortGroups},
    {"REPORT SUPPORTED OPERATION CODES", 0xa3, 0x0c, 12, 0, kBlockDevice,
     {0, 0x1f, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
     PrepareReportOperationCodes, ExecuteReportOperationCodes},
    {"REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", 0xa3, 0x0d, 12, 0, kBlockDevice,
     {0, 0x1f, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
     PrepareReportTaskManagement, ExecuteReportTaskManagement},
    {"SET TARGET PORT GROUPS", 0xa4, 0x0a, 12, 0, kBlockDevice,
     {0, 0x1f, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
     PrepareSetTargetPortGroups, ExecuteSetTargetPortGroups},
    {"READ (12)", 0xa8, kNoAction, 12, kMovesBlocks | kReadFlags, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareRead, ExecuteRead, ResumeRead},
    {"WRITE (12)", 0xaa, kNoAction, 12, kMovesBlocks | kWriteFlags, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareWrite, ExecuteWrite, ResumeWrite},
    {"WRITE AND VERIFY (12)", 0xae, kNoAction, 12, kWriteFlags, kBlockDevice,
     {0, 0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareWriteAndVerify, ExecuteWriteAndVerify, ResumeWriteAndVerify},
    {"VERIFY (12)", 0xaf, kNoAction, 12, kReadFlags, kBlockDevice,
     {0, 0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareVerify, ExecuteVerify, ResumeVerify},
    {"READ DEFECT DATA (12)", 0xb7, kNoAction, 12, kNeedsMedium, kBlockDevice,
     {0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
     PrepareReadDefectData, ExecuteReadDefectData},
};
// clang-format on

constexpr size_t kCount = std::size(kCommands);

// Where each operation code's rows begin; kCount: nowhere.
consteval std::array<uint8_t, 256> MakeIndex() {
  std::array<uint8_t, 256> index{};
  index.fill(kCount);
  for (size_t i = kCount; i-- > 0;) index[kCommands[i].opcode] = static_cast<uint8_t>(i);
  return index;
}
constexpr std::array<uint8_t, 256> kIndex = MakeIndex();

std::span<const CommandEntry> RowsOf(uint8_t opcode) {
  const size_t first = kIndex[opcode];
  size_t end = first;
  while (end < kCount && kCommands[end].opcode == opcode) ++end;
  return std::span(kCommands).subspan(first, end - first);
}

}  // namespace

std::span<const CommandEntry> AllCommands() { return kCommands; }

uint16_t ServiceActionOf(const Task& task) {
  return IsVariableLength(task) ? base::LoadBe16(&task.cdb[8]) : task.cdb[1] & 0x1f;
}

const CommandEntry* FindCommand(const Task& task, UnitKinds kind) {
  for (const CommandEntry& entry : RowsOf(task.cdb[0])) {
    if ((entry.units & kind) == 0) continue;
    if (!entry.service_action.has_value() || *entry.service_action == ServiceActionOf(task)) {
      return &entry;
    }
  }
  return nullptr;
}

Sense MissingCommandSense(const Task& task, UnitKinds kind) {
  for (const CommandEntry& entry : RowsOf(task.cdb[0])) {
    const bool has_actions = entry.service_action.has_value();
    if ((entry.units & kind) == 0 || !has_actions) continue;
    return IsVariableLength(task) ? InvalidField(8) : InvalidField(1, 4);  // SERVICE ACTION
  }
  return sense::kInvalidOperationCode;
}

base::Result<void, Sense> CheckUsage(const CommandEntry& entry, const Task& task) {
  const bool variable = IsVariableLength(task);
  // ADDITIONAL CDB LENGTH must say, and be, the length of the command's CDB (SPC-4 §4.2.3).
  const bool length_is_right = task.cdb_bytes >= entry.cdb_bytes &&  // from here on, padded
                               task.cdb[7] == entry.cdb_bytes - 8;
  if (variable && !length_is_right) return InvalidField(7);
  if ((entry.flags & kHasProtectField) != 0 && (BlockFlagsOf(task) & 0xe0) != 0) {
    return InvalidField(variable ? 10 : 1, 7);
  }
  for (uint16_t i = 1; i < entry.cdb_bytes; ++i) {
    if (variable && i >= 20 && i < 28) continue;  // about protection information
    const unsigned wrong = task.cdb[i] & ~unsigned{entry.usage[i]};
    if (wrong != 0) return InvalidField(i, static_cast<uint8_t>(31 - __builtin_clz(wrong)));
  }
  return {};
}

}  // namespace pushpull::target
