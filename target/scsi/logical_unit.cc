#include "target/scsi/logical_unit.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "fabric/loop.h"
#include "target/scsi/command_table.h"
#include "target/scsi/commands/blocks.h"
#include "target/scsi/defects.h"
#include "target/scsi/nexus.h"

namespace pushpull::target {
namespace {

// More than one nexus can have pending by what this target does; a bound all the same.
constexpr size_t kMaxPendingAttentions = 16;

// SPC-4 ASC 29h: the unit was reset, by whatever.
bool IsReset(const Sense& sense) { return sense.asc == 0x29; }

void ReleaseAll(const std::vector<std::shared_ptr<TaskAbort>>& aborts) {
  for (const auto& abort : aborts) abort->Release();
}

}  // namespace

LogicalUnit::LogicalUnit(UnitKinds kind, LogicalUnitOptions options,
                         std::shared_ptr<const DeviceInfo> device)
    : kind_(kind),
      options_(std::move(options)),
      device_(std::move(device)),
      blocks_(options_.store == nullptr ? 0 : options_.store->size_bytes() / options_.block_size),
      physical_exponent_(static_cast<uint8_t>(
          std::countr_zero(std::max(options_.physical_block_size, options_.block_size)) -
          std::countr_zero(options_.block_size))),
      reservations_(options_.reservations,
                    options_.restored == nullptr ? ReservationState{} : *options_.restored,
                    device_->bugs) {
  ResetParameters();
}

void LogicalUnit::ResetParameters() {
  parameters_.descriptor_sense = device_->choices.descriptor_sense;
  parameters_.software_write_protect = false;
  parameters_.write_cache = has_volatile_cache();
  parameters_.stopped = false;
  reservations_.OnReset();
  copy_results_.Clear();
  stuck_ = false;
}

// ---- foreign accesses ------------------------------------------------------------------------

LogicalUnit::Foreign LogicalUnit::BeginForeignAccess(const Extent& extent,
                                                     absl::AnyInvocable<void()> then,
                                                     std::unique_ptr<ForeignAccess>* access) {
  std::lock_guard lock(mutex_);
  // SANITIZE runs alone until its operation has begun: there is no access when that does.
  if (sanitizer_.PendingSense().has_value()) return Foreign::kRefused;
  if (!exclusion_.BeginForeign(extent, task_set_)) {
    waiting_foreign_.push_back(std::move(then));
    return Foreign::kWaits;
  }
  *access = std::make_unique<ForeignAccess>(this, extent);
  return Foreign::kBegun;
}

void LogicalUnit::EndForeignAccess(const Extent& extent) {
  Starts starts;
  {
    std::lock_guard lock(mutex_);
    exclusion_.EndForeign(extent);
    if (exclusion_.any()) StartWhatMayRunLocked(&starts);
  }
  Post(starts);
}

// ---- unit attentions -------------------------------------------------------------------------

std::vector<Sense>& LogicalUnit::PendingLocked(const Nexus* nexus) {
  const auto [found, added] = attentions_.try_emplace(nexus);
  if (added) {
    nexus->AddKnownTo(this);
    if (!device_->bugs.Has(Bug::kNexusLossUntold)) {
      AddAttention(&found->second, nexus->first_attention());
    }
  }
  return found->second;
}

void LogicalUnit::Detach(const Nexus* nexus) {
  copy_results_.Forget(nexus);
  // A RESERVE that was on its way when the session ended.
  reservations_.OnNexusLost(*nexus);
  std::lock_guard lock(mutex_);
  attentions_.erase(nexus);
}

void LogicalUnit::Establish(const Nexus* nexus, const Sense& sense) {
  if (kind_ != kBlockDevice) return;
  std::lock_guard lock(mutex_);
  EstablishLocked(nexus, sense);
}

void LogicalUnit::EstablishFor(const NexusId& nexus, const Sense& sense) {
  device_->nexuses->ForEach([&](const Nexus* open) {
    if (open->id() == nexus) Establish(open, sense);
  });
}

void LogicalUnit::EstablishForOthers(const Nexus* nexus, const Sense& sense) {
  device_->nexuses->ForEach([&](const Nexus* open) {
    if (open != nexus) Establish(open, sense);
  });
}

void LogicalUnit::EstablishLocked(const Nexus* nexus, const Sense& sense) {
  // Power on says it all, so that the unit needs not know the nexus for it.
  const bool is_told = IsReset(sense) && nexus->first_attention() == sense::kPowerOnOrReset;
  if (is_told && !attentions_.contains(nexus)) return;
  AddAttention(&PendingLocked(nexus), sense);
}

void LogicalUnit::AddAttention(std::vector<Sense>* pending, const Sense& sense) const {
  // A reset has precedence over what was before it, the general code over the others
  // (SAM-5 §5.14.4).
  if (!pending->empty() && pending->front() == sense::kPowerOnOrReset && IsReset(sense)) return;
  if (std::find(pending->begin(), pending->end(), sense) != pending->end()) return;
  if (IsReset(sense) && !device_->bugs.Has(Bug::kScsiResetToldLast)) pending->clear();
  if (pending->size() == kMaxPendingAttentions) pending->pop_back();
  pending->push_back(sense);
  if (!IsReset(sense)) return;
  for (const DeviceChoices::Attention& more : device_->choices.behind_reset) {
    pending->push_back({SenseKey::kUnitAttention, more.asc, more.ascq, {}, {}});
  }
}

std::optional<Sense> LogicalUnit::TakeOldest(std::vector<Sense>* pending, bool only_resets) {
  if (pending->empty()) return std::nullopt;
  const Sense sense = pending->front();
  if (only_resets && !IsReset(sense)) return std::nullopt;
  pending->erase(pending->begin());
  return sense;
}

std::optional<Sense> LogicalUnit::TakeUnitAttention(const Nexus* nexus) {
  if (kind_ != kBlockDevice) return std::nullopt;
  std::lock_guard lock(mutex_);
  return TakeOldest(&PendingLocked(nexus));
}

void LogicalUnit::ClearUnitAttention(const Nexus* nexus, const Sense& sense) {
  std::lock_guard lock(mutex_);
  const auto found = attentions_.find(nexus);
  if (found != attentions_.end()) std::erase(found->second, sense);
}

// ---- from CDB to task set --------------------------------------------------------------------

base::Result<Transfer, Sense> LogicalUnit::Look(const Task& task, const CommandEntry* entry) const {
  const bool refused = task.attribute == TaskAttribute::kHeadOfQueue &&
                       device_->bugs.Has(Bug::kScsiHeadOfQueueRefused);
  if (task.attribute > TaskAttribute::kHeadOfQueue || refused) return sense::kInvalidMessageError;
  if (entry == nullptr) {
    return kind_ == kAbsentUnit ? sense::kLogicalUnitNotSupported
                                : MissingCommandSense(task, kind_);
  }
  if (const std::optional<Sense> sense = sanitizer_.Refuses(*entry)) return *sense;
  PUSHPULL_TRY(CheckUsage(*entry, task));
  if ((entry->flags & kNeedsMedium) != 0 && parameters_.stopped) {
    return sense::kInitializingCommandRequired;
  }
  PUSHPULL_TRY_ASSIGN(const Transfer transfer, entry->prepare(*this, task));
  const bool keeps = write_protected() && !device_->bugs.Has(Bug::kScsiWriteProtectIgnored);
  if ((entry->flags & kWritesMedium) != 0 && keeps) return sense::kWriteProtected;
  return transfer;
}

bool LogicalUnit::Prepare(Task* task) {
  SpoilByDefects(device_->bugs, kind_, task);
  const CommandEntry* entry = FindCommand(*task, kind_);
  if (entry != nullptr && !Has(*entry)) entry = nullptr;
  const base::Result<Transfer, Sense> looked = Look(*task, entry);
  constexpr uint8_t kInquiry = 0x12, kReportLuns = 0xa0;
  const bool inquiry = task->cdb[0] == kInquiry;
  const bool told_first =
      (inquiry && device_->bugs.Has(Bug::kScsiAttentionAtInquiry)) ||
      (task->cdb[0] == kReportLuns && device_->bugs.Has(Bug::kScsiAttentionAtReportLuns));
  const bool despite_attention =
      entry != nullptr && (entry->flags & kDespiteUnitAttention) != 0 && !told_first;
  bool conflict = false;
  std::optional<Sense> sense;
  {
    std::lock_guard lock(mutex_);
    // Within the lock: either the task sees that its nexus was preempted, or who preempts it finds
    // the task in the set.
    conflict = entry != nullptr && reservations_.restricts() &&
               reservations_.Conflicts(*task->nexus, ReservationRuleOf(*task));
    // Of unit attentions only resets come before RESERVATION CONFLICT, which comes before all other
    // reasons to fail (SAM-5 §5.3.3).
    // Who has a task here is known here.
    std::vector<Sense>* const pending =
        kind_ == kBlockDevice ? &PendingLocked(task->nexus) : nullptr;
    if (pending != nullptr && !despite_attention) sense = TakeOldest(pending, conflict);
    if (pending != nullptr && inquiry && device_->bugs.Has(Bug::kScsiAttentionLostAtInquiry)) {
      TakeOldest(pending);
    }
    if (!sense.has_value() && !conflict && looked.ok()) {
      task->state_ = Task::State::kPrepared;
      task->aborting_ = false;
      task_set_.Enter(task);
    }
  }
  if (!sense.has_value() && !conflict && !looked.ok()) sense = looked.error();
  const bool ended = sense.has_value() || conflict;
  task->result.data_in_bytes = 0;
  task->direction = ended ? DataDirection::kNone : looked->direction;
  task->transfer_bytes = ended ? 0 : looked->bytes;
  if (ended) {
    stuck_ = stuck_ || (task->attribute == TaskAttribute::kOrdered &&
                        device_->bugs.Has(Bug::kScsiFailedOrderedBlocks));
    SetResult(task, false,
              sense.has_value() ? Step::Fail(*sense) : Step::End(ScsiStatus::kReservationConflict));
    return false;
  }
  task->unit_ = this;
  task->command_ = entry;
  task->cancelled_ = false;
  task->moving_ = task->moved_ = false;
  FindMedium(task, *entry);
  return true;
}

void LogicalUnit::FindMedium(Task* task, const CommandEntry& entry) const {
  task->medium = {};
  if ((entry.flags & kMovesBlocks) == 0 || task->transfer_bytes == 0) return;
  const base::MutableBytes all = options_.store->Memory();
  if (all.empty()) return;
  task->medium = {.all = all,
                  .offset = commands::BlockRangeOf(*task).lba * block_size(),
                  .store = options_.store.get()};
}

// ---- running ---------------------------------------------------------------------------------

Execution LogicalUnit::Execute(Task* task) {
  bool aborted = false;
  {
    std::lock_guard lock(mutex_);
    CHECK(task->state_ == Task::State::kPrepared) << "a task is executed once";
    aborted = task->aborting_;
    if (!aborted) {
      task_set_.SetReady(task);
      if (!device_->bugs.Has(Bug::kScsiCompareNotAtomic)) exclusion_.Enter(task);
    }
    if (!aborted && (stuck_ || !task_set_.MayRun(*task) || exclusion_.Holds(task, task_set_))) {
      task->state_ = Task::State::kDormant;
      ++dormant_;
      return Execution::kPending;
    }
    if (!aborted) task->state_ = Task::State::kRunning;
  }
  std::optional<Step> last = Step::Good();
  if (!aborted) last = Begin(task);
  if (!last.has_value()) return Execution::kPending;
  ReleaseAll(End(task, *last));
  return Execution::kEnded;
}

// A write's data is fetched before its I/O, a read's is sent behind it. True: that is under way.
bool LogicalUnit::BeginMove(Task* task) {
  if (task->mover == nullptr || task->moved_) return false;
  task->moving_ = task->moved_ = true;
  task->mover->Move(task);
  return true;
}

std::optional<Step> LogicalUnit::Drive(Task* task, Step step) {
  while (step.is_transfer()) {
    Io& io = task->work.io;
    if (io.op == Io::Op::kWrite && BeginMove(task)) return std::nullopt;
    io.loop = task->nexus->loop();
    io.done = [this, task](absl::Status status) { OnIo(task, status); };
    task->io_in_flight_ = true;
    Store& store = task->work.store != nullptr ? *task->work.store : *options_.store;
    const std::optional<absl::Status> status = store.Submit(&io);
    if (!status.has_value()) return std::nullopt;
    task->io_in_flight_ = false;
    if (status->ok() && io.op == Io::Op::kRead && BeginMove(task)) return std::nullopt;
    step = task->command_->resume(*this, *task, *status);
  }
  if (step.is_wait()) return std::nullopt;
  return step;
}

std::optional<Step> LogicalUnit::Begin(Task* task) {
  // A sanitize operation may have begun since it was prepared.
  if (const std::optional<Sense> sense = sanitizer_.Refuses(*task->command_)) {
    return Step::Fail(*sense);
  }
  return Drive(task, task->command_->execute(*this, *task));
}

void LogicalUnit::RunUnlessAborted(const Task& task, absl::FunctionRef<void()> run) {
  std::lock_guard lock(mutex_);
  if (!task.aborting_) run();
}

void LogicalUnit::Continue(Task* task, const absl::Status& status) {
  // End() sees that it was aborted.
  if (task->cancelled_) return EndAndDeliver(task, Step::Good());
  const std::optional<Step> last = Drive(task, task->command_->resume(*this, *task, status));
  if (last.has_value()) EndAndDeliver(task, *last);
}

void LogicalUnit::OnMoved(Task* task, const absl::Status& status) {
  CHECK(task->moving_) << "nothing was to be moved";
  task->moving_ = false;
  if (task->work.io.op == Io::Op::kWrite && (task->cancelled_ || !status.ok())) {
    // A part of it may lie in the store's own memory, though there will be no I/O.
    Store& store = task->work.store != nullptr ? *task->work.store : *options_.store;
    store.NoteWritten(task->work.io.offset, IoBytes(task->work.io.buffers));
  }
  if (task->cancelled_) return EndAndDeliver(task, Step::Good());
  Step step = Step::Transfer();  // a write's I/O, which is still set
  if (!status.ok() || task->work.io.op == Io::Op::kRead) {
    step = task->command_->resume(*this, *task, status);
  }
  const std::optional<Step> last = Drive(task, step);
  if (last.has_value()) EndAndDeliver(task, *last);
}

void LogicalUnit::OnIo(Task* task, const absl::Status& status) {
  task->io_in_flight_ = false;
  const bool read = status.ok() && task->work.io.op == Io::Op::kRead;
  if (!task->cancelled_ && read && BeginMove(task)) return;
  Continue(task, status);
}

void LogicalUnit::Start(uint64_t serial) {
  Task* task;
  bool aborted;
  {
    std::lock_guard lock(mutex_);
    task = task_set_.Find(serial);
    if (task == nullptr || task->state_ != Task::State::kStarting) return;
    aborted = task->aborting_;
    task->state_ = Task::State::kRunning;
  }
  std::optional<Step> last = Step::Good();
  if (!aborted) last = Begin(task);
  if (last.has_value()) EndAndDeliver(task, *last);
}

void LogicalUnit::Post(const Starts& starts) {
  for (const auto& [loop, serial] : starts) {
    loop->Post([self = shared_from_this(), serial = serial] { self->Start(serial); });
  }
}

// ---- the end ---------------------------------------------------------------------------------

LogicalUnit::Starts LogicalUnit::LeaveLocked(Task* task) {
  Starts starts;
  if (task->state_ == Task::State::kDormant) --dormant_;
  const bool excluded = exclusion_.any();
  exclusion_.Leave(task);
  task_set_.Leave(task);
  if (excluded || task_set_.MakesWay(*task)) StartWhatMayRunLocked(&starts);
  return starts;
}

void LogicalUnit::StartWhatMayRunLocked(Starts* starts) {
  if (dormant_ == 0 || stuck_) return;
  exclusion_.HoldAnew(task_set_);
  task_set_.ForEachThatMayRun([&](Task* next) {
    if (next->state_ != Task::State::kDormant || exclusion_.Holds(next, task_set_)) return;
    next->state_ = Task::State::kStarting;
    --dormant_;
    starts->emplace_back(next->nexus->loop(), next->serial_);
  });
}

LogicalUnit::Aborts LogicalUnit::End(Task* task, const Step& step) {
  bool aborted;
  Aborts aborts;
  Starts starts;
  Calls foreign;
  {
    std::lock_guard lock(mutex_);
    aborted = task->aborting_;
    aborts.swap(task->aborts_);
    if (task->excludes_) foreign.swap(waiting_foreign_);
    starts = LeaveLocked(task);
  }
  Post(starts);
  for (auto& call : foreign) call();
  SetResult(task, aborted, step);
  task->unit_ = nullptr;
  task->work.state.reset();
  task->work.store = nullptr;
  return aborts;
}

void LogicalUnit::EndAndDeliver(Task* task, const Step& step) {
  const Aborts aborts = End(task, step);
  task->done();
  ReleaseAll(aborts);
}

void LogicalUnit::SetResult(Task* task, bool aborted, const Step& step) const {
  Task::Result& result = task->result;
  result.aborted = aborted;
  result.sense_bytes = 0;
  result.status = aborted ? ScsiStatus::kGood : step.status();
  if (result.status == ScsiStatus::kConditionMet) return;
  if (!aborted && result.status == ScsiStatus::kGood) return;
  result.data_in_bytes = 0;
  task->transfer_bytes = 0;
  if (!step.sense().has_value() || aborted) return;
  result.sense_bytes = static_cast<uint8_t>(
      EncodeSense(*step.sense(),
                  parameters_.descriptor_sense.load(std::memory_order_relaxed) &&
                      !device_->bugs.Has(Bug::kScsiDSenseIgnored),
                  result.sense_buffer.data()));
}

void LogicalUnit::Fail(Task* task, const Sense& sense) {
  {
    std::lock_guard lock(mutex_);
    CHECK(task->state_ == Task::State::kPrepared) << "only tasks that weren't executed can fail";
  }
  ReleaseAll(End(task, Step::Fail(sense)));
}

void LogicalUnit::Abort(Task* task) {
  uint64_t serial;
  {
    std::lock_guard lock(mutex_);
    task->aborting_ = true;
    serial = task->serial_;
  }
  task->nexus->loop()->Post([self = shared_from_this(), serial] { self->BeginAbort(serial); });
}

void LogicalUnit::AbortTasks(const Nexus* issuer, absl::FunctionRef<bool(const Task&)> covers,
                             const std::shared_ptr<TaskAbort>& abort,
                             const std::optional<Sense>& others_attention) {
  Starts affected;
  {
    std::lock_guard lock(mutex_);
    task_set_.ForEach([&](Task* task) {
      if (!covers(*task)) return;
      task->aborting_ = true;
      task->aborts_.push_back(abort);
      abort->Add();
      affected.emplace_back(task->nexus->loop(), task->serial_);
      if (task->nexus == issuer || !others_attention.has_value()) return;
      if (kind_ == kBlockDevice) EstablishLocked(task->nexus, *others_attention);
    });
  }
  for (const auto& [loop, serial] : affected) {
    loop->Post([self = shared_from_this(), serial = serial] { self->BeginAbort(serial); });
  }
}

void LogicalUnit::BeginAbort(uint64_t serial) {
  Task* task;
  bool running;
  {
    std::lock_guard lock(mutex_);
    task = task_set_.Find(serial);
    if (task == nullptr) return;  // it ended by itself, and was then reported as aborted
    running = task->state_ == Task::State::kRunning;
  }
  if (!running) return EndAndDeliver(task, Step::Good());
  // OnIo or OnMoved delivers it: nothing else could be in flight here.
  task->cancelled_ = true;
  if (task->moving_) return task->mover->CancelMove(task);
  if (sanitizer_.Forget(task)) return EndAndDeliver(task, Step::Good());
  if (!task->io_in_flight_) return;
  Store& store = task->work.store != nullptr ? *task->work.store : *options_.store;
  store.Cancel(&task->work.io);
}

size_t LogicalUnit::tasks() const {
  std::lock_guard lock(mutex_);
  return task_set_.size();
}

}  // namespace pushpull::target
