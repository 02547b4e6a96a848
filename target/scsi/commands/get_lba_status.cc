#include "target/scsi/commands/get_lba_status.h"

#include <algorithm>

#include "base/bytes.h"
#include "target/scsi/commands/parameter_data.h"

namespace pushpull::target::commands {
namespace {

constexpr uint64_t kHeaderBytes = 8;
constexpr uint64_t kDescriptorBytes = 16;
// One command asks the store no more often; who wants the rest asks from there.
constexpr int kMaxExtents = 128;
constexpr uint64_t kMaxBytes = kHeaderBytes + kMaxExtents * kDescriptorBytes;

enum class Provisioning : uint8_t { kMapped = 0, kDeallocated = 1 };

uint64_t LbaOf(const Task& task) { return base::LoadBe64(&task.cdb[2]); }
uint32_t AllocationLength(const Task& task) { return base::LoadBe32(&task.cdb[10]); }

struct Run {
  uint64_t lba = 0;
  uint64_t blocks = 0;
  Provisioning provisioning = Provisioning::kMapped;
};

// What the blocks from `lba` on are. A block of which a part is mapped is.
Run RunAt(const LogicalUnit& unit, uint64_t lba) {
  const uint64_t block = unit.block_size();
  const Store::Extent extent = unit.store()->ExtentAt(lba * block);
  if (!extent.mapped && extent.bytes >= block) {
    return {lba, extent.bytes / block, Provisioning::kDeallocated};
  }
  return {lba, (extent.bytes + block - 1) / block, Provisioning::kMapped};
}

void AddDescriptor(const Run& run, ParameterData* data) {
  data->Add64(run.lba);
  data->Add32(static_cast<uint32_t>(run.blocks));
  data->Add8(static_cast<uint8_t>(run.provisioning));
  data->AddZeros(3);
}

}  // namespace

Prepared PrepareGetLbaStatus(const LogicalUnit& unit, const Task& task) {
  if (LbaOf(task) >= unit.blocks() && !unit.device().bugs.Has(Bug::kScsiLbaStatusBeyond)) {
    return sense::kLbaOutOfRange;
  }
  return DataIn(AllocationLength(task), kMaxBytes);
}

Step ExecuteGetLbaStatus(LogicalUnit& unit, Task& task) {
  ParameterData data;
  data.AddZeros(kHeaderBytes);
  const uint64_t room = std::max(uint64_t{AllocationLength(task)}, kHeaderBytes + kDescriptorBytes);
  Run run{LbaOf(task), 0, {}};
  if (run.lba >= unit.blocks()) run.lba = 0;  // Bug::kScsiLbaStatusBeyond
  for (int i = 0; i < kMaxExtents && run.lba + run.blocks < unit.blocks(); ++i) {
    const Run next = RunAt(unit, run.lba + run.blocks);
    const bool goes_on = run.blocks != 0 && next.provisioning == run.provisioning &&
                         run.blocks + next.blocks <= UINT32_MAX;
    if (goes_on) {
      run.blocks += next.blocks;
      continue;
    }
    if (run.blocks != 0) AddDescriptor(run, &data);
    if (data.size() + kDescriptorBytes > room) break;
    run = {next.lba, std::min<uint64_t>(next.blocks, UINT32_MAX), next.provisioning};
  }
  if (data.size() + kDescriptorBytes <= room) AddDescriptor(run, &data);
  data.Set32(0, static_cast<uint32_t>(data.size() - 4));
  if (unit.device().bugs.Has(Bug::kScsiLbaStatusFromZero)) {
    data.Set32(kHeaderBytes, 0);
    data.Set32(kHeaderBytes + 4, 0);
  }
  return Reply(task, data.bytes(), AllocationLength(task));
}

}  // namespace pushpull::target::commands
