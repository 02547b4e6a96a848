#include "target/session/delayed_answers.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/session/buffer_budget.h"
#include "target/session/counters.h"

namespace pushpull::target {
namespace {

class DelayedAnswersTest : public ::testing::Test {
 protected:
  ~DelayedAnswersTest() override {
    for (const TaskRef& task : tasks_) task->session = nullptr;
    answers_.Clear();
  }

  // Of a session that nobody looks into.
  TaskRef NewTask(TaskAttribute attribute = TaskAttribute::kSimple) {
    TaskRef task = pool_.Take();
    task->session = reinterpret_cast<Session*>(this);
    task->opcode = Opcode::kScsiCommand;
    task->scsi.attribute = attribute;
    tasks_.push_back(task);
    return task;
  }
  bool Add(const TaskRef& task, char name, absl::Duration delay) {
    absl::AnyInvocable<void()> answer = [this, name] { called_ += name; };
    return answers_.Add(task.get(), delay, answer);
  }
  bool Add(char name, absl::Duration delay, TaskAttribute attribute = TaskAttribute::kSimple) {
    return Add(NewTask(attribute), name, delay);
  }
  // What was called within the next millisecond.
  std::string Next() {
    called_.clear();
    world_.RunFor(absl::Milliseconds(1));
    return called_;
  }

  fabric::SimWorld world_{1};
  Counters counters_;
  BufferBudget budget_{{.bytes = 1 << 20, .promised = 0, .lent = 0}};
  TaskPool pool_{&counters_, &budget_};
  std::vector<TaskRef> tasks_;
  DelayedAnswers answers_{world_.NewLoop()};
  std::string called_;
};

// Half a millisecond before.
absl::Duration Half(int milliseconds) { return absl::Microseconds(1000 * milliseconds - 500); }

TEST_F(DelayedAnswersTest, ComeWhenTheyAreDue) {
  EXPECT_TRUE(Add('c', Half(3)));
  EXPECT_TRUE(Add('a', Half(1)));
  EXPECT_TRUE(Add('b', Half(2)));
  EXPECT_TRUE(Add('B', Half(2)));
  EXPECT_EQ(Next(), "a");
  EXPECT_EQ(Next(), "bB") << "of equal times, the one added first";
  EXPECT_EQ(Next(), "c");
}

TEST_F(DelayedAnswersTest, OneWithoutADelayIsNotTaken) {
  EXPECT_FALSE(Add('a', absl::ZeroDuration()));
  EXPECT_TRUE(Add('b', Half(1)));
  EXPECT_FALSE(Add('c', absl::ZeroDuration())) << "it overtakes";
  EXPECT_EQ(Next(), "b");
}

// What is added within an answer, too.
TEST_F(DelayedAnswersTest, OneThatIsDueIsNotOvertaken) {
  bool taken = false;
  absl::AnyInvocable<void()> first = [&] { taken = Add('b', absl::ZeroDuration()); };
  EXPECT_TRUE(answers_.Add(NewTask().get(), Half(1), first));
  Add('a', Half(1));
  EXPECT_EQ(Next(), "ab");
  EXPECT_TRUE(taken);
}

// SAM-5 §8.9: the answer of an ORDERED command comes behind all that were there, and before all
// later ones.
TEST_F(DelayedAnswersTest, AnOrderedOneOvertakesNoneAndIsNotOvertaken) {
  EXPECT_TRUE(Add('a', Half(3)));
  EXPECT_TRUE(Add('o', Half(1), TaskAttribute::kOrdered));
  EXPECT_TRUE(Add('b', absl::ZeroDuration()));
  EXPECT_TRUE(Add('c', Half(4)));
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Next(), "aob");
  EXPECT_EQ(Next(), "c");
  EXPECT_FALSE(Add('d', absl::ZeroDuration())) << "nothing is in its way any more";
}

TEST_F(DelayedAnswersTest, OnlyCommandsAreOrdered) {
  EXPECT_TRUE(Add('a', Half(2)));
  const TaskRef ping = NewTask(TaskAttribute::kOrdered);
  ping->opcode = Opcode::kNopOut;
  EXPECT_TRUE(Add(ping, 'p', Half(1)));
  EXPECT_EQ(Next(), "p");
  ping->opcode = Opcode::kScsiCommand;
}

TEST_F(DelayedAnswersTest, TasksThatHaveEndedAreNotAnswered) {
  const TaskRef done = NewTask();
  const TaskRef alone = NewTask();
  Add(done, 'd', Half(1));
  Add(alone, 'n', Half(1));
  Add('a', Half(1));
  done->state = TaskState::kDone;
  alone->session = nullptr;
  EXPECT_EQ(Next(), "a");
}

TEST_F(DelayedAnswersTest, ClearEndsAll) {
  Add('a', Half(1));
  answers_.Clear();
  EXPECT_EQ(Next(), "");
  Add('b', Half(1));
  EXPECT_EQ(Next(), "b");
}

TEST_F(DelayedAnswersTest, AnAnswerMayClearTheOthers) {
  absl::AnyInvocable<void()> last = [this] {
    called_ += 'l';
    answers_.Clear();
  };
  EXPECT_TRUE(answers_.Add(NewTask().get(), Half(1), last));
  Add('a', Half(1));
  Add('b', Half(2));
  EXPECT_EQ(Next(), "l");
  EXPECT_EQ(Next(), "");
}

}  // namespace
}  // namespace pushpull::target
