#include "target/session/iscsi_task.h"

#include "gtest/gtest.h"
#include "target/bugs/bugs.h"
#include "target/rx/block_pool.h"
#include "target/session/buffer_budget.h"
#include "target/session/counters.h"

namespace pushpull::target {
namespace {

class TaskPoolTest : public ::testing::Test {
 protected:
  BufferPool buffers_;
  Counters counters_;
  BufferBudget budget_{{.bytes = 1 << 20, .promised = 0, .lent = 0}};
  const BugSet bugs_;
  TaskPool pool_{&counters_, &budget_};
};

TEST_F(TaskPoolTest, CountsWhatIsInUse) {
  TaskRef a = pool_.Take();
  const TaskRef b = pool_.Take();
  EXPECT_EQ(pool_.in_use(), 2u);
  EXPECT_EQ(counters_.Get(Count::kTasks), 2);
  TaskRef again = a;
  a = TaskRef();
  EXPECT_EQ(pool_.in_use(), 2u) << "it is held";
  again = TaskRef();
  EXPECT_EQ(pool_.in_use(), 1u);
  EXPECT_EQ(counters_.Get(Count::kTasks), 1);
}

TEST_F(TaskPoolTest, GivesMemoryBack) {
  TaskRef task = pool_.Take();
  task->opcode = Opcode::kScsiCommand;
  task->buffer.Begin(&buffers_, 100);
  task->buffer.Grow(100);
  counters_.Add(Count::kBufferBytes, BufferPool::kSmallBytes);
  ASSERT_TRUE(budget_.Take(BufferPool::kSmallBytes));
  task = TaskRef();
  EXPECT_EQ(buffers_.bytes_in_use(), 0u);
  EXPECT_EQ(counters_.Get(Count::kBufferBytes), 0);
  EXPECT_EQ(budget_.in_use(), 0u);
}

// Whoever has the same memory next finds nothing of this one in it.
TEST_F(TaskPoolTest, ATaskComesBackAsNew) {
  TaskRef task = pool_.Take();
  const IscsiTask* const memory = task.get();
  task->opcode = Opcode::kScsiCommand;
  task->connection = reinterpret_cast<Connection*>(this);
  task->state = TaskState::kDone;
  task->holds_number = true;
  task->data_out_due = task->waits_for_memory = task->abort_asked = true;
  task->bidirectional_read_bytes = task->spilled_end = 7;
  task->mover = reinterpret_cast<DataMover*>(this);
  task->scsi.transfer_bytes = 7;
  task->read_flow.Begin(7, 512, bugs_);
  task->write_flow.SetFault(WriteFault::kCrcError);
  task->pieces.push_back({});
  const BlockPool::Handle slots = BlockPool::Create({});
  const Bhs bhs = {};
  task->slot = SlotRef(slots->AllocTask(bhs));
  task->held.push_back({0, SlotRef(slots->AllocTask(bhs))});
  EXPECT_EQ(slots->slots_in_use(), 2u);
  task = TaskRef();
  EXPECT_EQ(slots->slots_in_use(), 0u);
  task = pool_.Take();
  ASSERT_EQ(task.get(), memory);
  EXPECT_EQ(task->connection, nullptr);
  EXPECT_EQ(task->state, TaskState::kArriving);
  EXPECT_FALSE(task->holds_number);
  EXPECT_FALSE(task->data_out_due);
  EXPECT_FALSE(task->waits_for_memory);
  EXPECT_FALSE(task->abort_asked);
  EXPECT_EQ(task->bidirectional_read_bytes, 0u);
  EXPECT_EQ(task->spilled_end, 0u);
  EXPECT_EQ(task->mover, nullptr);
  EXPECT_EQ(task->scsi.transfer_bytes, 0u);
  EXPECT_TRUE(task->read_flow.done());
  EXPECT_EQ(task->write_flow.fault(), WriteFault::kNone);
  EXPECT_TRUE(task->pieces.empty());
  EXPECT_TRUE(task->held.empty());
}

}  // namespace
}  // namespace pushpull::target
