#include "target/scsi/device_server.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/text.h"
#include "target/scsi/defects.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/lun.h"
#include "target/scsi/nexus.h"

namespace pushpull::target {
namespace {

// How many nexuses that were there before are remembered: initiators choose their names, so that
// there is no end of them.
constexpr size_t kMaxKnownNexuses = 4096;

// FNV-1a.
uint64_t Hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

uint64_t HashOf(const NexusId& id) {
  std::string text(id.isid.begin(), id.isid.end());
  absl::StrAppend(&text, id.target_portal_group_tag, ",", id.initiator_name);
  return Hash(text);
}

absl::Status Check(const LogicalUnitOptions& unit) {
  const std::string which = absl::StrCat("logical unit ", unit.number, ": ");
  if (unit.number > kMaxLogicalUnitNumber) {
    return absl::InvalidArgumentError(
        absl::StrCat(which, "numbers go from 0 to ", kMaxLogicalUnitNumber));
  }
  if (unit.block_size != 512 && unit.block_size != 4096) {
    return absl::InvalidArgumentError(
        absl::StrCat(which, "block size ", unit.block_size, ": use 512 or 4096"));
  }
  const uint32_t physical = unit.physical_block_size;
  if (physical != 0 && physical != unit.block_size && physical != 4096) {
    return absl::InvalidArgumentError(absl::StrCat(which, "physical block size ", physical,
                                                   ": use ", unit.block_size, " or 4096"));
  }
  if (unit.lowest_aligned_lba >= std::max(physical / unit.block_size, 1u)) {
    return absl::InvalidArgumentError(absl::StrCat(
        which, "lowest aligned LBA ", unit.lowest_aligned_lba,
        ": it must be within the first physical block (physical_block_size / block_size)"));
  }
  if (unit.store == nullptr) return absl::InvalidArgumentError(absl::StrCat(which, "no store"));
  const uint64_t size = unit.store->size_bytes();
  if (size == 0 || size % unit.block_size != 0) {
    return absl::InvalidArgumentError(absl::StrCat(which, "its store has ", size,
                                                   " bytes: that must be a multiple of the block "
                                                   "size, ",
                                                   unit.block_size, ", and not 0"));
  }
  const bool printable = std::all_of(unit.serial.begin(), unit.serial.end(),
                                     [](char c) { return c > 0x20 && c < 0x7f; });
  if (!printable || unit.serial.size() > 64) {
    return absl::InvalidArgumentError(absl::StrCat(
        which, "a serial number is 1 to 64 printable ASCII characters without spaces"));
  }
  return absl::OkStatus();
}

}  // namespace

struct DeviceServer::Impl {
  std::shared_ptr<const DeviceInfo> info;
  std::vector<std::shared_ptr<LogicalUnit>> by_number;  // null where there is none
  std::vector<LogicalUnit*> units;                      // all block devices, ascending
  std::shared_ptr<LogicalUnit> well_known;
  std::shared_ptr<LogicalUnit> absent;

  std::mutex mutex;
  absl::flat_hash_map<const Nexus*, std::unique_ptr<Nexus>> nexuses;
  absl::flat_hash_set<uint64_t> known;
  std::deque<uint64_t> known_by_age;

  // Null where nothing is addressed.
  LogicalUnit* Find(uint64_t lun) const {
    if (lun == kReportLunsWellKnownLun) return well_known.get();
    if (info->bugs.Has(Bug::kScsiLunLowBytesIgnored)) lun &= 0xffff'0000'0000'0000;
    const std::optional<uint16_t> number = DecodeLun(lun);
    if (!number.has_value()) return nullptr;
    if (*number >= by_number.size() && !info->bugs.Has(Bug::kLunIndexUnchecked)) return nullptr;
    return by_number.data()[*number].get();
  }

  template <typename Visit>
  void ForEachUnit(Visit visit) const {
    for (LogicalUnit* unit : units) visit(*unit);
    visit(*well_known);
    visit(*absent);
  }

  // Whether this nexus was there before; it is from now on. With the mutex held.
  bool RememberLocked(uint64_t hash) {
    if (!known.insert(hash).second) return true;
    known_by_age.push_back(hash);
    if (known_by_age.size() > kMaxKnownNexuses) {
      known.erase(known_by_age.front());
      known_by_age.pop_front();
    }
    return false;
  }
};

DeviceServer::DeviceServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DeviceServer::~DeviceServer() = default;

absl::StatusOr<std::unique_ptr<DeviceServer>> DeviceServer::Create(
    DeviceServerOptions options, std::vector<LogicalUnitOptions> logical_units) {
  std::sort(logical_units.begin(), logical_units.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  auto info = std::make_shared<DeviceInfo>();
  info->target_name = options.target_name;
  info->bugs = options.bugs;
  info->choices = std::move(options.choices);
  for (const LogicalUnitOptions& unit : logical_units) {
    if (absl::Status status = Check(unit); !status.ok()) return status;
    if (!info->units.empty() && info->units.back() == unit.number) {
      return absl::InvalidArgumentError(
          absl::StrCat("two logical units have the number ", unit.number));
    }
    info->units.push_back(unit.number);
  }
  auto impl = std::make_unique<Impl>();
  impl->info = info;
  for (LogicalUnitOptions& unit : logical_units) {
    const uint16_t number = unit.number;
    unit.read_only = unit.read_only || unit.store->read_only();
    if (unit.serial.empty()) {
      unit.serial = absl::StrFormat("%016x", Hash(absl::StrCat(options.target_name, "#", number)));
    }
    impl->by_number.resize(number + 1);
    impl->by_number[number] = std::make_shared<LogicalUnit>(kBlockDevice, std::move(unit), info);
    impl->units.push_back(impl->by_number[number].get());
    info->logical_units.push_back(impl->units.back());
  }
  impl->well_known = std::make_shared<LogicalUnit>(kWellKnownUnit, LogicalUnitOptions{}, info);
  impl->absent = std::make_shared<LogicalUnit>(kAbsentUnit, LogicalUnitOptions{}, info);
  return std::unique_ptr<DeviceServer>(new DeviceServer(std::move(impl)));
}

Nexus* DeviceServer::OpenNexus(NexusId id, fabric::Loop* loop, uint8_t iscsi_protocol_level) {
  // As names are compared (RFC 7143 §4.2.7.2): who has reserved a unit may write its name otherwise
  // next time.
  absl::AsciiStrToLower(&id.initiator_name);
  const uint64_t hash = HashOf(id);
  Nexus* nexus;
  {
    std::lock_guard lock(impl_->mutex);
    const Sense first = impl_->RememberLocked(hash) ? sense::kNexusLoss : sense::kPowerOnOrReset;
    auto owned = std::make_unique<Nexus>(std::move(id), loop, iscsi_protocol_level, first);
    nexus = owned.get();
    impl_->nexuses.emplace(nexus, std::move(owned));
  }
  impl_->info->nexuses->Add(nexus);
  return nexus;
}

void DeviceServer::CloseNexus(Nexus* nexus, absl::AnyInvocable<void()> done) {
  CHECK(nexus->closing_ == nullptr) << "a nexus is closed once";
  auto all =
      std::make_shared<TaskAbort>(nexus->loop(), [this, nexus, done = std::move(done)]() mutable {
        impl_->info->nexuses->Remove(nexus);
        for (LogicalUnit* unit : nexus->known_to()) unit->Detach(nexus);
        std::unique_ptr<Nexus> gone;
        {
          std::lock_guard lock(impl_->mutex);
          const auto found = impl_->nexuses.find(nexus);
          CHECK(found != impl_->nexuses.end());
          gone = std::move(found->second);
          impl_->nexuses.erase(found);
        }
        gone.reset();
        done();  // may destroy the device server
      });
  nexus->closing_ = all;
  nexus->is_closing_.store(true, std::memory_order_release);
  if (nexus->background_ > 0) all->Add();
  // It has tasks nowhere else.
  std::vector<LogicalUnit*> units = nexus->known_to();
  units.insert(units.end(), {impl_->well_known.get(), impl_->absent.get()});
  for (LogicalUnit* unit : units) {
    unit->reservations().OnNexusLost(*nexus);
    unit->AbortTasks(
        nexus, [nexus](const Task& task) { return task.nexus == nexus; }, all, std::nullopt);
  }
  all->Release();
}

bool DeviceServer::Prepare(Task* task) {
  CHECK(!task->in_task_set());
  DCHECK(task->nexus->closing_ == nullptr) << "its nexus was closed";
  LogicalUnit* unit = impl_->Find(task->lun);
  if (impl_->info->bugs.Has(Bug::kScsiLunsShareBlocks) && IsReadOrWrite(*task)) {
    unit = impl_->Find(0);
  }
  if (unit == nullptr) unit = impl_->absent.get();
  return unit->Prepare(task);
}

Execution DeviceServer::Execute(Task* task) {
  CHECK(task->in_task_set()) << "prepare it first";
  return task->unit_->Execute(task);
}

void DeviceServer::Fail(Task* task, const Sense& sense) {
  CHECK(task->in_task_set()) << "it has ended already";
  task->unit_->Fail(task, sense);
}

void DeviceServer::Abort(Task* task) {
  if (task->in_task_set()) task->unit_->Abort(task);
}

void DeviceServer::OnMoved(Task* task, const absl::Status& status) {
  CHECK(task->in_task_set());
  task->unit_->OnMoved(task, status);
}

void DeviceServer::ManageTasks(Nexus* nexus, TaskManagement function, uint64_t lun,
                               TaskFilter filter,
                               absl::AnyInvocable<void(TaskManagementResult)> done) {
  const bool whole_target = function == TaskManagement::kTargetReset;
  LogicalUnit* addressed = impl_->Find(lun);
  const TaskManagementResult result = whole_target || addressed != nullptr
                                          ? TaskManagementResult::kComplete
                                          : TaskManagementResult::kLogicalUnitDoesNotExist;
  auto abort = std::make_shared<TaskAbort>(
      nexus->loop(), [done = std::move(done), result]() mutable { done(result); });
  const bool only_own = function == TaskManagement::kAbortTaskSet;
  const auto covers = [&](const Task& task) {
    if (task.nexus != nexus) return !only_own;
    return !filter || filter(task);
  };
  const auto act = [&](LogicalUnit& unit) {
    const bool clears = function == TaskManagement::kClearTaskSet;
    unit.AbortTasks(
        nexus, covers, abort,
        clears ? std::optional(sense::kCommandsClearedByAnotherInitiator) : std::nullopt);
    if (only_own || clears) return;
    unit.ResetParameters();
    // SAM-5 §6.3.3: all nexuses are told, the issuing one too.
    if (impl_->info->bugs.Has(Bug::kLunResetNoUnitAttention)) {
      unit.Establish(nexus, sense::kBusDeviceReset);
    } else {
      unit.EstablishForOthers(nullptr, sense::kBusDeviceReset);
    }
  };
  if (whole_target) {
    impl_->ForEachUnit(act);
  } else if (addressed != nullptr) {
    act(*addressed);
  }
  abort->Release();
}

void DeviceServer::EstablishUnitAttention(Nexus* nexus, uint64_t lun, const Sense& sense) {
  if (LogicalUnit* unit = impl_->Find(lun)) unit->Establish(nexus, sense);
}

bool DeviceServer::HasLogicalUnit(uint64_t lun) const { return impl_->Find(lun) != nullptr; }

size_t DeviceServer::tasks_in_flight() const {
  size_t tasks = 0;
  impl_->ForEachUnit([&](const LogicalUnit& unit) { tasks += unit.tasks(); });
  return tasks;
}

}  // namespace pushpull::target
