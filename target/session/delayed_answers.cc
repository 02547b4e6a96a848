#include "target/session/delayed_answers.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace pushpull::target {

bool DelayedAnswers::Add(IscsiTask* task, absl::Duration delay,
                         absl::AnyInvocable<void()>& answer) {
  const bool ordered =
      task->opcode == Opcode::kScsiCommand && task->scsi.attribute == TaskAttribute::kOrdered;
  absl::Time due = std::max(loop_->Now() + delay, not_before_);
  if (ordered) {
    if (!answers_.empty()) due = std::max(due, answers_.front().due);
    not_before_ = due;
  }
  if (due <= loop_->Now() && (answers_.empty() || answers_.back().due > due)) return false;
  const auto place = std::ranges::lower_bound(answers_, due, std::greater<>(), &Answer::due);
  answers_.insert(place, {due, TaskRef(task), std::move(answer)});
  Wait();
  return true;
}

void DelayedAnswers::Clear() {
  timer_.Cancel();
  answers_.clear();
}

void DelayedAnswers::Wait() {
  if (answers_.empty()) return;
  timer_.Start(answers_.back().due - loop_->Now(), [this] { CallDue(); });
}

// One at a time: it may end the session, and this with it.
void DelayedAnswers::CallDue() {
  Answer answer = std::move(answers_.back());
  answers_.pop_back();
  Wait();
  if (answer.task->session != nullptr && answer.task->state != TaskState::kDone) answer.call();
}

}  // namespace pushpull::target
