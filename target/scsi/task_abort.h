// Somebody who waits until a number of tasks, on any loops, has ended.

#ifndef TARGET_SCSI_TASK_ABORT_H_
#define TARGET_SCSI_TASK_ABORT_H_

#include <atomic>
#include <utility>

#include "fabric/loop.h"

namespace pushpull::target {

class TaskAbort {
 public:
  // Waits from the start for one Release(): by him who counts the tasks.
  TaskAbort(fabric::Loop* loop, fabric::Task done) : loop_(loop), done_(std::move(done)) {}

  void Add() { waiting_.fetch_add(1, std::memory_order_relaxed); }

  // The last one posts `done`.
  void Release() {
    if (waiting_.fetch_sub(1, std::memory_order_acq_rel) == 1) loop_->Post(std::move(done_));
  }

 private:
  fabric::Loop* const loop_;
  fabric::Task done_;
  std::atomic<int> waiting_{1};
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_TASK_ABORT_H_
