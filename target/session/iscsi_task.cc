#include "target/session/iscsi_task.h"

#include <utility>

#include "base/check.h"
#include "base/poison.h"
#include "target/session/session.h"

namespace pushpull::target {

IscsiTask::IscsiTask(TaskPool* pool, uint32_t index) : pool_(pool), index_(index) {
  scsi.done = [this] { ScsiCommands::OnDeviceDone(this); };
}

bool IscsiTask::NextDataIn(OutPdu& pdu) { return session->scsi().NextDataIn(this, pdu); }

TaskPool::~TaskPool() {
  CHECK_EQ(in_use(), 0u) << "a task outlived its pool";
  for (const auto& task : tasks_) base::Unpoison(task.get(), sizeof(IscsiTask));
}

TaskRef TaskPool::Take() {
  if (idle_.empty()) {
    idle_.push_back(static_cast<uint32_t>(tasks_.size()));
    tasks_.push_back(std::make_unique<IscsiTask>(this, idle_.back()));
  }
  IscsiTask* const task = tasks_[idle_.back()].get();
  idle_.pop_back();
  base::Unpoison(task, sizeof(IscsiTask));
  counters_->Add(Count::kTasks);
  return TaskRef(task);
}

void TaskPool::Give(IscsiTask* task) {
  counters_->Add(Count::kTasks, -1);
  if (task->session != nullptr) task->session->Forget(task);
  task->connection = nullptr;
  task->state = TaskState::kArriving;
  task->holds_number = false;
  task->slot = SlotRef();
  task->held.clear();
  uint64_t buffer_bytes = 0, lent_bytes = 0;
  if (task->opcode == Opcode::kScsiCommand) {
    buffer_bytes = task->buffer.capacity();
    lent_bytes = std::exchange(task->lent_bytes, 0);
    counters_->Add(Count::kBufferBytes, -static_cast<int64_t>(buffer_bytes));
    task->data_out_due = task->waits_for_memory = task->abort_asked = false;
    task->bidirectional_read_bytes = task->spilled_end = 0;
    task->mover = nullptr;
    task->scsi.Reset();
    task->write_flow = WriteFlow();
    task->read_flow = ReadFlow();
    task->buffer.Release();
    task->pieces.clear();
  }
  idle_.push_back(task->index_);
  base::Poison(task, sizeof(IscsiTask));
  if (buffer_bytes > 0) budget_->Give(buffer_bytes, lent_bytes);
}

}  // namespace pushpull::target
