#include "target/scsi/logical_unit.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "fabric/loop.h"
#include "target/scsi/command_table.h"
#include "target/scsi/commands/blocks.h"
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
      blocks_(options_.store == nullptr ? 0 : options_.store->size_bytes() / options_.block_size) {
  ResetParameters();
}

void LogicalUnit::ResetParameters() {
  parameters_.descriptor_sense = false;
  parameters_.software_write_protect = false;
  parameters_.write_cache = has_volatile_cache();
  parameters_.stopped = false;
}

// ---- unit attentions -------------------------------------------------------------------------

void LogicalUnit::Attach(const Nexus* nexus, const Sense& first) {
  std::lock_guard lock(mutex_);
  EstablishLocked(&attentions_[nexus], first);
}

void LogicalUnit::Detach(const Nexus* nexus) {
  std::lock_guard lock(mutex_);
  const auto found = attentions_.find(nexus);
  if (found == attentions_.end()) return;
  attentions_pending_ -= found->second.size();
  attentions_.erase(found);
}

void LogicalUnit::Establish(const Nexus* nexus, const Sense& sense) {
  std::lock_guard lock(mutex_);
  const auto found = attentions_.find(nexus);
  if (found != attentions_.end()) EstablishLocked(&found->second, sense);
}

void LogicalUnit::EstablishForOthers(const Nexus* nexus, const Sense& sense) {
  std::lock_guard lock(mutex_);
  for (auto& [other, pending] : attentions_) {
    if (other != nexus) EstablishLocked(&pending, sense);
  }
}

void LogicalUnit::EstablishLocked(std::vector<Sense>* pending, const Sense& sense) {
  // A reset has precedence over what was before it, the general code over the others
  // (SAM-5 §5.14.4).
  if (!pending->empty() && pending->front() == sense::kPowerOnOrReset && IsReset(sense)) return;
  if (std::find(pending->begin(), pending->end(), sense) != pending->end()) return;
  attentions_pending_ -= pending->size();
  if (IsReset(sense)) pending->clear();
  if (pending->size() == kMaxPendingAttentions) pending->pop_back();
  pending->push_back(sense);
  attentions_pending_ += pending->size();
}

std::optional<Sense> LogicalUnit::TakeUnitAttentionLocked(const Nexus* nexus) {
  if (attentions_pending_ == 0) return std::nullopt;
  const auto found = attentions_.find(nexus);
  if (found == attentions_.end() || found->second.empty()) return std::nullopt;
  const Sense sense = found->second.front();
  found->second.erase(found->second.begin());
  --attentions_pending_;
  return sense;
}

std::optional<Sense> LogicalUnit::TakeUnitAttention(const Nexus* nexus) {
  std::lock_guard lock(mutex_);
  return TakeUnitAttentionLocked(nexus);
}

void LogicalUnit::ClearUnitAttention(const Nexus* nexus, const Sense& sense) {
  std::lock_guard lock(mutex_);
  const auto found = attentions_.find(nexus);
  if (found != attentions_.end()) attentions_pending_ -= std::erase(found->second, sense);
}

// ---- from CDB to task set --------------------------------------------------------------------

base::Result<Transfer, Sense> LogicalUnit::Look(const Task& task, const CommandEntry* entry) const {
  if (task.attribute > TaskAttribute::kHeadOfQueue) return sense::kInvalidMessageError;
  if (entry == nullptr) {
    return kind_ == kAbsentUnit ? sense::kLogicalUnitNotSupported
                                : MissingCommandSense(task, kind_);
  }
  PUSHPULL_TRY(CheckUsage(*entry, task));
  if ((entry->flags & kNeedsMedium) != 0 && parameters_.stopped) {
    return sense::kInitializingCommandRequired;
  }
  PUSHPULL_TRY_ASSIGN(const Transfer transfer, entry->prepare(*this, task));
  if ((entry->flags & kWritesMedium) != 0 && write_protected()) return sense::kWriteProtected;
  return transfer;
}

bool LogicalUnit::Prepare(Task* task) {
  const CommandEntry* entry = FindCommand(*task, kind_);
  const base::Result<Transfer, Sense> looked = Look(*task, entry);
  const bool despite_attention = entry != nullptr && (entry->flags & kDespiteUnitAttention) != 0;
  std::optional<Sense> sense;
  {
    std::lock_guard lock(mutex_);
    if (!despite_attention) sense = TakeUnitAttentionLocked(task->nexus);
    if (!sense.has_value() && looked.ok()) {
      task->state_ = Task::State::kPrepared;
      task->aborting_ = false;
      task_set_.Enter(task);
    }
  }
  if (!sense.has_value() && !looked.ok()) sense = looked.error();
  task->result.data_in_bytes = 0;
  task->direction = sense.has_value() ? DataDirection::kNone : looked->direction;
  task->transfer_bytes = sense.has_value() ? 0 : looked->bytes;
  if (sense.has_value()) {
    SetResult(task, false, Step::Fail(*sense));
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
  task->medium = {.all = all, .offset = commands::BlockRangeOf(*task).lba * block_size()};
}

// ---- running ---------------------------------------------------------------------------------

Execution LogicalUnit::Execute(Task* task) {
  bool aborted = false;
  {
    std::lock_guard lock(mutex_);
    CHECK(task->state_ == Task::State::kPrepared) << "a task is executed once";
    aborted = task->aborting_;
    if (!aborted && !task_set_.MayRun(*task)) {
      task->state_ = Task::State::kDormant;
      ++dormant_;
      return Execution::kPending;
    }
    if (!aborted) task->state_ = Task::State::kRunning;
  }
  std::optional<Step> last = Step::Good();
  if (!aborted) last = Drive(task, task->command_->execute(*this, *task));
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
    const std::optional<absl::Status> status = options_.store->Submit(&io);
    if (!status.has_value()) return std::nullopt;
    task->io_in_flight_ = false;
    if (status->ok() && io.op == Io::Op::kRead && BeginMove(task)) return std::nullopt;
    step = task->command_->resume(*this, *task, *status);
  }
  return step;
}

void LogicalUnit::OnMoved(Task* task, const absl::Status& status) {
  CHECK(task->moving_) << "nothing was to be moved";
  task->moving_ = false;
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
  // End() sees that it was aborted.
  if (task->cancelled_) return EndAndDeliver(task, Step::Good());
  if (status.ok() && task->work.io.op == Io::Op::kRead && BeginMove(task)) return;
  const std::optional<Step> last = Drive(task, task->command_->resume(*this, *task, status));
  if (last.has_value()) EndAndDeliver(task, *last);
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
  if (!aborted) last = Drive(task, task->command_->execute(*this, *task));
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
  task_set_.Leave(task);
  if (dormant_ == 0) return starts;
  task_set_.ForEachThatMayRun([&](Task* next) {
    if (next->state_ != Task::State::kDormant) return;
    next->state_ = Task::State::kStarting;
    --dormant_;
    starts.emplace_back(next->nexus->loop(), next->serial_);
  });
  return starts;
}

LogicalUnit::Aborts LogicalUnit::End(Task* task, const Step& step) {
  bool aborted;
  Aborts aborts;
  Starts starts;
  {
    std::lock_guard lock(mutex_);
    aborted = task->aborting_;
    aborts.swap(task->aborts_);
    starts = LeaveLocked(task);
  }
  Post(starts);
  SetResult(task, aborted, step);
  task->unit_ = nullptr;
  task->work.state.reset();
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
  result.status = ScsiStatus::kGood;
  if (!aborted && !step.sense().has_value()) return;
  result.data_in_bytes = 0;
  task->transfer_bytes = 0;
  if (aborted) return;
  result.status = ScsiStatus::kCheckCondition;
  result.sense_bytes = static_cast<uint8_t>(
      EncodeSense(*step.sense(), parameters_.descriptor_sense.load(std::memory_order_relaxed),
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
      const auto found = attentions_.find(task->nexus);
      if (found != attentions_.end()) EstablishLocked(&found->second, *others_attention);
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
  if (task->io_in_flight_) options_.store->Cancel(&task->work.io);
}

size_t LogicalUnit::tasks() const {
  std::lock_guard lock(mutex_);
  return task_set_.size();
}

}  // namespace pushpull::target
