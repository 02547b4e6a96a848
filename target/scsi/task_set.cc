#include "target/scsi/task_set.h"

#include "base/check.h"

namespace pushpull::target {

size_t* TaskSet::CounterOf(const Task& task) {
  switch (task.attribute) {
    case TaskAttribute::kOrdered:
      return &ordered_;
    case TaskAttribute::kHeadOfQueue:
      return &head_of_queue_;
    default:
      return nullptr;
  }
}

void TaskSet::Enter(Task* task) {
  task->serial_ = ++last_serial_;
  task->older_ = newest_;
  task->newer_ = nullptr;
  (newest_ == nullptr ? oldest_ : newest_->newer_) = task;
  newest_ = task;
  ++size_;
  if (size_t* counter = CounterOf(*task)) ++*counter;
}

void TaskSet::Leave(Task* task) {
  CHECK(size_ > 0);
  (task->older_ == nullptr ? oldest_ : task->older_->newer_) = task->newer_;
  (task->newer_ == nullptr ? newest_ : task->newer_->older_) = task->older_;
  task->older_ = task->newer_ = nullptr;
  --size_;
  if (size_t* counter = CounterOf(*task)) --*counter;
}

bool TaskSet::MayRun(const Task& task) const {
  if (task.attribute == TaskAttribute::kHeadOfQueue) return true;
  if (head_of_queue_ != 0) return false;
  if (task.attribute == TaskAttribute::kOrdered) return task.older_ == nullptr;
  if (ordered_ == 0) return true;
  for (const Task* older = task.older_; older != nullptr; older = older->older_) {
    if (older->attribute == TaskAttribute::kOrdered) return false;
  }
  return true;
}

Task* TaskSet::Find(uint64_t serial) const {
  for (Task* task = oldest_; task != nullptr; task = task->newer_) {
    if (task->serial_ == serial) return task;
  }
  return nullptr;
}

}  // namespace pushpull::target
