// Answers that are ready and kept back for a while, so that others overtake them (Delays). That of
// an ORDERED command overtakes none and isn't overtaken: it would seem executed out of its order.

#ifndef TARGET_SESSION_DELAYED_ANSWERS_H_
#define TARGET_SESSION_DELAYED_ANSWERS_H_

#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "fabric/loop.h"
#include "target/session/iscsi_task.h"

namespace pushpull::target {

class DelayedAnswers {
 public:
  explicit DelayedAnswers(fabric::Loop* loop) : loop_(loop), timer_(loop) {}

  // Calls `answer` after `delay` or later, unless `task` has ended for the initiator by then.
  // False: it may be called at once, and wasn't taken.
  bool Add(IscsiTask* task, absl::Duration delay, absl::AnyInvocable<void()>& answer);
  // None of them is called any more. From within an answer, too.
  void Clear();

 private:
  struct Answer {
    absl::Time due;
    TaskRef task;
    absl::AnyInvocable<void()> call;
  };

  void Wait();
  void CallDue();

  fabric::Loop* const loop_;
  absl::Time not_before_ = absl::InfinitePast();  // an ordered one's is due
  std::vector<Answer> answers_;  // the next one last; of equal times, the one added first
  fabric::Timer timer_;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_DELAYED_ANSWERS_H_
