#include "target/scsi/task_set.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace pushpull::target {

void TaskSet::Enter(Task* task) {
  task->serial_ = ++last_serial_;
  task->ready_ = 0;
  task->older_ = newest_;
  task->newer_ = nullptr;
  (newest_ == nullptr ? oldest_ : newest_->newer_) = task;
  newest_ = task;
  ++size_;
  if (IsSpecial(*task)) ++special_of_[task->nexus];
}

void TaskSet::Leave(Task* task) {
  CHECK(size_ > 0);
  (task->older_ == nullptr ? oldest_ : task->older_->newer_) = task->newer_;
  (task->newer_ == nullptr ? newest_ : task->newer_->older_) = task->older_;
  task->older_ = task->newer_ = nullptr;
  --size_;
  if (!IsSpecial(*task)) return;
  const auto special = special_of_.find(task->nexus);
  if (--special->second == 0) special_of_.erase(special);
  if (task->ready_ == 0) return;
  --ready_special_;
  if (task->attribute == TaskAttribute::kOrdered) --ready_ordered_;
}

void TaskSet::SetReady(Task* task) {
  task->ready_ = ++last_ready_;
  if (!IsSpecial(*task)) return;
  ++ready_special_;
  if (task->attribute == TaskAttribute::kOrdered) ++ready_ordered_;
}

bool TaskSet::MayRun(const Task& task) {
  if (task.attribute == TaskAttribute::kHeadOfQueue) return true;
  if (ready_special_ == 0 && !special_of_.contains(task.nexus)) return true;
  return !Blocked(task, LineUp());
}

// A task's number is that under which it was ready, or a later one that it has to wait for: so no
// two wait for each other. What isn't ready, and who waits for it, has none.
TaskSet::Queue TaskSet::LineUp() {
  constexpr uint64_t kNone = UINT64_MAX;
  struct Own {  // older tasks of one nexus
    uint64_t last = 0, last_ordered = 0;
    bool any = false, ordered = false;
  };
  Queue queue;
  ForEach([&](const Task* task) {
    if (task->attribute != TaskAttribute::kHeadOfQueue) return;
    const bool ready = task->ready_ != 0;
    queue.urgent |= ready;
    queue.urgent_of.try_emplace(task->nexus, true).first->second &= ready;
  });
  absl::flat_hash_map<const Nexus*, Own> owns;
  ForEach([&](Task* task) {
    Own& own = owns[task->nexus];
    const bool ordered = task->attribute == TaskAttribute::kOrdered;
    const auto urgent = queue.urgent_of.find(task->nexus);
    const bool held = urgent != queue.urgent_of.end() && !urgent->second;
    task->number_ = std::max(task->ready_, ordered ? own.last : own.last_ordered);
    if (task->attribute == TaskAttribute::kHeadOfQueue) task->number_ = task->ready_;
    if (task->ready_ == 0 || held) task->number_ = kNone;
    task->behind_own_ = ordered ? own.any : own.ordered;
    const bool runs =
        task->state_ == Task::State::kStarting || task->state_ == Task::State::kRunning;
    const uint64_t number = runs ? 0 : task->number_;
    queue.any.Add(task->nexus, number);
    if (ordered) queue.ordered.Add(task->nexus, number);
    own.any = true;
    own.last = std::max(own.last, task->number_);
    if (!ordered) return;
    own.ordered = true;
    own.last_ordered = std::max(own.last_ordered, task->number_);
  });
  return queue;
}

bool TaskSet::Blocked(const Task& task, const Queue& queue) {
  if (task.attribute == TaskAttribute::kHeadOfQueue) return false;
  if (queue.urgent || queue.urgent_of.contains(task.nexus) || task.behind_own_) return true;
  const bool ordered = task.attribute == TaskAttribute::kOrdered;
  return (ordered ? queue.any : queue.ordered).Below(task.nexus, task.number_);
}

void TaskSet::Lowest::Add(const Nexus* nexus, uint64_t number) {
  if (nexus == nexus_) {
    first_ = std::min(first_, number);
  } else if (number < first_) {
    other_ = std::exchange(first_, number);
    nexus_ = nexus;
  } else {
    other_ = std::min(other_, number);
  }
}

Task* TaskSet::Find(uint64_t serial) const {
  for (Task* task = oldest_; task != nullptr; task = task->newer_) {
    if (task->serial_ == serial) return task;
  }
  return nullptr;
}

}  // namespace pushpull::target
