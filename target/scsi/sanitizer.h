// The sanitize operation of one logical unit: it goes on whatever becomes of who asked for it.
// (SBC-3 §4.11)
//
// Its I/Os run on the loop of a nexus: that of who asked, and of another one when that is closed.
// While no nexus is there it stands still. It ends with the target: nothing of it is kept.

#ifndef TARGET_SCSI_SANITIZER_H_
#define TARGET_SCSI_SANITIZER_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/sense.h"
#include "target/scsi/task.h"
#include "target/store/store.h"

namespace pushpull::target {

class Sanitizer {
 public:
  struct Job {
    // What each logical block is overwritten with. Empty: erase, so that all reads as zeros.
    std::vector<uint8_t> block;
    uint8_t passes = 1;
    bool invert = false;             // the pattern, between passes
    bool unrestricted_exit = false;  // AUSE: a failure can be left without another sanitize
  };

  explicit Sanitizer(LogicalUnit* unit) : unit_(unit) {}

  // While it runs, or after it failed, why a command can't be carried out. (§4.11.2, §4.11.4)
  std::optional<Sense> Refuses(const CommandEntry& entry) const {
    return state() == State::kNone ? std::nullopt : RefusesInState(entry);
  }
  // What REQUEST SENSE has to say.
  std::optional<Sense> PendingSense() const;

  // On the task's loop. With `waits`, LogicalUnit::Continue(task) is called when it has ended.
  // False: one is running.
  bool Begin(Job job, Task* task, bool waits);
  // Whether a failure of restricted exit is there.
  bool failed_restricted() const { return state() == State::kFailedRestricted; }
  bool failed() const { return state() == State::kFailed; }
  void ExitFailureMode();
  // A task that waits was aborted: true if it waited here. On its loop.
  bool Forget(Task* task);

 private:
  enum class State : uint8_t { kNone, kRunning, kFailed, kFailedRestricted };

  State state() const { return state_.load(std::memory_order_acquire); }
  std::optional<Sense> RefusesInState(const CommandEntry& entry) const;
  void RunOnAnother();
  void PostRun(Nexus* nexus);
  // All on the loop of the nexus on which it runs.
  void Run(Nexus* nexus);
  void SubmitNext(Nexus* nexus);
  void OnIo(Nexus* nexus, const absl::Status& status);
  void HandOver(Nexus* nexus);
  void End(Nexus* nexus, const absl::Status& status);
  void FillChunk();
  uint64_t size_bytes() const;

  LogicalUnit* const unit_;
  std::atomic<State> state_{State::kNone};
  std::atomic<uint16_t> progress_{0};
  std::atomic<Task*> waiter_{nullptr};  // it is of the nexus on which this runs

  // Of the loop on which it runs.
  Job job_;
  uint8_t pass_ = 0;
  uint64_t position_ = 0;
  std::vector<uint8_t> chunk_;
  iovec buffer_{};
  Io io_;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_SANITIZER_H_
