// One logical unit: its task set, its unit attentions, and what its commands need to know.

#ifndef TARGET_SCSI_LOGICAL_UNIT_H_
#define TARGET_SCSI_LOGICAL_UNIT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "target/bugs/bugs.h"
#include "target/scsi/command.h"
#include "target/scsi/copy_results.h"
#include "target/scsi/device_server.h"
#include "target/scsi/exclusion.h"
#include "target/scsi/open_nexuses.h"
#include "target/scsi/reservations.h"
#include "target/scsi/sanitizer.h"
#include "target/scsi/sense.h"
#include "target/scsi/task.h"
#include "target/scsi/task_abort.h"
#include "target/scsi/task_set.h"
#include "target/store/store.h"
#include "target/variation/device_choices.h"

namespace pushpull::target {

class LogicalUnit;

// What all units of one target know.
struct DeviceInfo {
  std::string target_name;
  std::vector<uint16_t> units;              // their numbers, ascending
  std::vector<LogicalUnit*> logical_units;  // the same
  std::unique_ptr<OpenNexuses> nexuses = std::make_unique<OpenNexuses>();
  BugSet bugs;
  DeviceChoices choices;
};

// What MODE SELECT and START STOP UNIT change, for all nexuses; a reset takes it back.
struct UnitParameters {
  std::atomic<bool> descriptor_sense{false};        // D_SENSE
  std::atomic<bool> software_write_protect{false};  // SWP
  std::atomic<bool> write_cache{false};             // WCE
  std::atomic<bool> stopped{false};
};

class LogicalUnit : public std::enable_shared_from_this<LogicalUnit> {
 public:
  // `options.store` is null for all kinds but kBlockDevice.
  LogicalUnit(UnitKinds kind, LogicalUnitOptions options, std::shared_ptr<const DeviceInfo> device);

  UnitKinds kind() const { return kind_; }
  uint16_t number() const { return options_.number; }
  const std::string& serial() const { return options_.serial; }
  const DeviceInfo& device() const { return *device_; }
  uint32_t block_size() const { return options_.block_size; }
  uint64_t blocks() const { return blocks_; }
  // LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT, and LOWEST ALIGNED LOGICAL BLOCK ADDRESS.
  uint8_t physical_exponent() const { return physical_exponent_; }
  uint16_t lowest_aligned_lba() const { return options_.lowest_aligned_lba; }
  // MAXIMUM TRANSFER LENGTH of VPD page B0h, in blocks.
  uint32_t max_transfer_blocks() const { return kMaxTransferBytes / options_.block_size; }
  // MAXIMUM WRITE SAME LENGTH, MAXIMUM UNMAP LBA COUNT, and MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT.
  uint32_t max_write_same_blocks() const { return kMaxWriteSameBytes / options_.block_size; }
  uint32_t max_unmap_blocks() const { return kMaxUnmapBytes / options_.block_size; }
  static constexpr uint32_t kMaxUnmapRanges = 256;
  // MAXIMUM ATOMIC TRANSFER LENGTH. Memory is lost as a whole: no part of a write outlives it. A
  // file may have any part of one.
  uint32_t max_atomic_blocks() const {
    return store() == nullptr || store()->Memory().empty() ? 0 : max_transfer_blocks();
  }
  const std::shared_ptr<Store>& store() const { return options_.store; }
  bool has_volatile_cache() const { return store() != nullptr && store()->has_volatile_cache(); }
  // Thin provisioning: UNMAP is there, and what isn't mapped reads as zeros.
  bool can_unmap() const { return store() != nullptr && store()->can_unmap(); }
  // Whether the unit has a command of the table.
  bool Has(const CommandEntry& entry) const {
    if ((entry.units & kind_) == 0) return false;
    if ((entry.flags & kNeedsAtomicWrites) != 0 && max_atomic_blocks() == 0) return false;
    return (entry.flags & kNeedsUnmap) == 0 || can_unmap();
  }
  bool write_protected() const {
    return options_.read_only || parameters_.software_write_protect.load(std::memory_order_relaxed);
  }
  bool read_only() const { return options_.read_only; }
  UnitParameters& parameters() { return parameters_; }
  const UnitParameters& parameters() const { return parameters_; }

  Reservations& reservations() { return reservations_; }
  const Reservations& reservations() const { return reservations_; }

  CopyResults& copy_results() { return copy_results_; }

  Sanitizer& sanitizer() { return sanitizer_; }
  const Sanitizer& sanitizer() const { return sanitizer_; }

  // ---- what other units' commands read and write here -----------------------------------------
  // While it lives, an I/O of another unit's command may be on its way; no command that runs alone
  // begins on these blocks meanwhile.
  class ForeignAccess {
   public:
    ForeignAccess(LogicalUnit* unit, const Extent& extent) : unit_(unit), extent_(extent) {}
    ForeignAccess(const ForeignAccess&) = delete;
    ForeignAccess& operator=(const ForeignAccess&) = delete;
    ~ForeignAccess() { unit_->EndForeignAccess(extent_); }

   private:
    LogicalUnit* const unit_;
    const Extent extent_;
  };
  enum class Foreign : uint8_t {
    kBegun,    // `access` is there
    kWaits,    // for a command that runs alone on these blocks; `then` says when to try it again
    kRefused,  // the unit is being sanitized
  };
  // `then` is called from whatever thread, and never within this call.
  Foreign BeginForeignAccess(const Extent& extent, absl::AnyInvocable<void()> then,
                             std::unique_ptr<ForeignAccess>* access);

  // ---- nexuses and their unit attentions ------------------------------------------------------
  // That of a nexus which isn't open any more, and has no tasks here.
  void Detach(const Nexus* nexus);
  void Establish(const Nexus* nexus, const Sense& sense);
  // For the sessions of one nexus, where there are any.
  void EstablishFor(const NexusId& nexus, const Sense& sense);
  // For all nexuses but one (or for all).
  void EstablishForOthers(const Nexus* nexus, const Sense& sense);
  // The oldest pending one, which is then cleared.
  std::optional<Sense> TakeUnitAttention(const Nexus* nexus);
  void ClearUnitAttention(const Nexus* nexus, const Sense& sense);

  // ---- tasks: as DeviceServer has them ----------------------------------------------------------
  bool Prepare(Task* task);
  Execution Execute(Task* task);
  void Fail(Task* task, const Sense& sense);
  void Abort(Task* task);
  void OnMoved(Task* task, const absl::Status& status);
  // Runs it unless the task was aborted: what a reset takes back is then done before that reset, or
  // not at all. From any thread.
  void RunUnlessAborted(const Task& task, absl::FunctionRef<void()> run);
  // What a command waited for (Step::Wait) has come to `status`. On the task's loop, never within
  // the call that made it wait.
  void Continue(Task* task, const absl::Status& status);
  size_t tasks() const;

  // Aborts all tasks that `covers` names; `abort` waits for each. Nexuses other than `issuer` that
  // lose a task get `others_attention`, if there is one.
  void AbortTasks(const Nexus* issuer, absl::FunctionRef<bool(const Task&)> covers,
                  const std::shared_ptr<TaskAbort>& abort,
                  const std::optional<Sense>& others_attention);

  // The state that a logical unit reset takes back (SAM-5 §6.3.3), without tasks and attentions.
  void ResetParameters();

 private:
  using Aborts = std::vector<std::shared_ptr<TaskAbort>>;
  // Tasks that may start, with their loops.
  using Starts = std::vector<std::pair<fabric::Loop*, uint64_t>>;
  using Calls = std::vector<absl::AnyInvocable<void()>>;

  static constexpr uint32_t kMaxTransferBytes = 8 << 20;
  // So that one command doesn't keep a loop for long.
  static constexpr uint32_t kMaxWriteSameBytes = kMaxTransferBytes;
  static constexpr uint32_t kMaxUnmapBytes = 256 << 20;

  base::Result<Transfer, Sense> Look(const Task& task, const CommandEntry* entry) const;
  void EndForeignAccess(const Extent& extent);

  // What is pending for an open nexus, which the unit knows from now on.
  std::vector<Sense>& PendingLocked(const Nexus* nexus);
  static std::optional<Sense> TakeOldest(std::vector<Sense>* pending, bool only_resets = false);
  void EstablishLocked(const Nexus* nexus, const Sense& sense);
  void AddAttention(std::vector<Sense>* pending, const Sense& sense) const;

  // Its first step, and on.
  std::optional<Step> Begin(Task* task);
  // Carries out steps until the end, or until an I/O is in flight (nothing).
  std::optional<Step> Drive(Task* task, Step step);
  void FindMedium(Task* task, const CommandEntry& entry) const;
  bool BeginMove(Task* task);
  void OnIo(Task* task, const absl::Status& status);
  // Takes the task from the set with its result. Who waits for its end must be told after the
  // result was delivered.
  Aborts End(Task* task, const Step& step);
  void SetResult(Task* task, bool aborted, const Step& step) const;
  void EndAndDeliver(Task* task, const Step& step);
  Starts LeaveLocked(Task* task);
  void StartWhatMayRunLocked(Starts* starts);
  void Post(const Starts& starts);

  // Posted: on the task's loop.
  void Start(uint64_t serial);
  void BeginAbort(uint64_t serial);

  const UnitKinds kind_;
  const LogicalUnitOptions options_;
  const std::shared_ptr<const DeviceInfo> device_;
  const uint64_t blocks_;
  const uint8_t physical_exponent_;
  UnitParameters parameters_;
  Reservations reservations_;
  CopyResults copy_results_;
  Sanitizer sanitizer_{this};
  Exclusion exclusion_;  // guarded by mutex_
  // Of a defective unit: no command that is ready begins any more, until the next reset.
  std::atomic<bool> stuck_ = false;

  // Held shortly, and never while a store is called.
  mutable std::mutex mutex_;
  TaskSet task_set_;
  size_t dormant_ = 0;
  Calls waiting_foreign_;  // for a command that runs alone to end
  // Of the nexuses that the unit knows; of others Nexus::first_attention() alone is pending.
  absl::flat_hash_map<const Nexus*, std::vector<Sense>> attentions_;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_LOGICAL_UNIT_H_
