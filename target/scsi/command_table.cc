#include "target/scsi/command_table.h"

#include <array>
#include <cstddef>

#include "target/scsi/commands/fields.h"
#include "target/scsi/commands/inquiry.h"
#include "target/scsi/commands/mode_select.h"
#include "target/scsi/commands/mode_sense.h"
#include "target/scsi/commands/prevent_allow.h"
#include "target/scsi/commands/read.h"
#include "target/scsi/commands/read_capacity.h"
#include "target/scsi/commands/report_luns.h"
#include "target/scsi/commands/report_supported.h"
#include "target/scsi/commands/request_sense.h"
#include "target/scsi/commands/start_stop_unit.h"
#include "target/scsi/commands/synchronize_cache.h"
#include "target/scsi/commands/test_unit_ready.h"
#include "target/scsi/commands/verify.h"
#include "target/scsi/commands/write.h"

namespace pushpull::target {
namespace {

using namespace commands;  // NOLINT(google-build-using-namespace)

constexpr std::nullopt_t kNoAction = std::nullopt;
constexpr uint8_t kReadFlags = kNeedsMedium | kHasProtectField;
constexpr uint8_t kWriteFlags = kReadFlags | kWritesMedium;

// In the usage data: DPO and FUA, GROUP NUMBER. The last byte of each CDB is CONTROL: no bit of it
// is supported.
constexpr uint8_t kDF = 0x18;
constexpr uint8_t kGr = 0x1f;

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
     PrepareModeSelect, ExecuteModeSelect},
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
    {"VERIFY (10)", 0x2f, kNoAction, 10, kReadFlags, kBlockDevice,
     {0, 0x16, 0xff, 0xff, 0xff, 0xff, kGr, 0xff, 0xff},
     PrepareVerify, ExecuteVerify, ResumeVerify},
    {"SYNCHRONIZE CACHE (10)", 0x35, kNoAction, 10, 0, kBlockDevice,
     {0, 0x02, 0xff, 0xff, 0xff, 0xff, kGr, 0xff, 0xff},
     PrepareSynchronizeCache, ExecuteSynchronizeCache, ResumeSynchronizeCache},
    {"MODE SELECT (10)", 0x55, kNoAction, 10, 0, kBlockDevice,
     {0, 0x11, 0, 0, 0, 0, 0, 0xff, 0xff},
     PrepareModeSelect, ExecuteModeSelect},
    {"MODE SENSE (10)", 0x5a, kNoAction, 10, 0, kBlockDevice,
     {0, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff},
     PrepareModeSense, ExecuteModeSense},
    {"READ (16)", 0x88, kNoAction, 16, kMovesBlocks | kReadFlags, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareRead, ExecuteRead, ResumeRead},
    {"WRITE (16)", 0x8a, kNoAction, 16, kMovesBlocks | kWriteFlags, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareWrite, ExecuteWrite, ResumeWrite},
    {"VERIFY (16)", 0x8f, kNoAction, 16, kReadFlags, kBlockDevice,
     {0, 0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareVerify, ExecuteVerify, ResumeVerify},
    {"SYNCHRONIZE CACHE (16)", 0x91, kNoAction, 16, 0, kBlockDevice,
     {0, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareSynchronizeCache, ExecuteSynchronizeCache, ResumeSynchronizeCache},
    {"READ CAPACITY (16)", 0x9e, 0x10, 16, 0, kBlockDevice,
     {0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
     PrepareReadCapacity16, ExecuteReadCapacity16},
    {"REPORT LUNS", 0xa0, kNoAction, 12, kDespiteUnitAttention, kAnyUnit,
     {0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
     PrepareReportLuns, ExecuteReportLuns},
    {"REPORT SUPPORTED OPERATION CODES", 0xa3, 0x0c, 12, 0, kBlockDevice,
     {0, 0x1f, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
     PrepareReportOperationCodes, ExecuteReportOperationCodes},
    {"REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", 0xa3, 0x0d, 12, 0, kBlockDevice,
     {0, 0x1f, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
     PrepareReportTaskManagement, ExecuteReportTaskManagement},
    {"READ (12)", 0xa8, kNoAction, 12, kMovesBlocks | kReadFlags, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareRead, ExecuteRead, ResumeRead},
    {"WRITE (12)", 0xaa, kNoAction, 12, kMovesBlocks | kWriteFlags, kBlockDevice,
     {0, kDF, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kGr},
     PrepareWrite, ExecuteWrite, ResumeWrite},
};
// clang-format on

constexpr size_t kCount = std::size(kCommands);

// Where each operation code's rows begin; kCount: nowhere.
constexpr std::array<uint8_t, 256> MakeIndex() {
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

uint16_t ServiceActionOf(const Task& task) { return task.cdb[1] & 0x1f; }

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
    if ((entry.units & kind) != 0) return InvalidField(1, 4);  // SERVICE ACTION
  }
  return sense::kInvalidOperationCode;
}

base::Result<void, Sense> CheckUsage(const CommandEntry& entry, const Task& task) {
  if ((entry.flags & kHasProtectField) != 0 && (task.cdb[1] & 0xe0) != 0) {
    return InvalidField(1, 7);
  }
  for (uint16_t i = 1; i < entry.cdb_bytes; ++i) {
    const unsigned wrong = task.cdb[i] & ~unsigned{entry.usage[i]};
    if (wrong != 0) return InvalidField(i, static_cast<uint8_t>(31 - __builtin_clz(wrong)));
  }
  return {};
}

}  // namespace pushpull::target
