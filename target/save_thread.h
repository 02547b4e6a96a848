// A thread for what waits for a disk, so that no loop does.

#ifndef TARGET_SAVE_THREAD_H_
#define TARGET_SAVE_THREAD_H_

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "absl/functional/any_invocable.h"

namespace pushpull::target {

class SaveThread {
 public:
  SaveThread() = default;
  // Not from a job. Waits for all jobs.
  ~SaveThread();
  SaveThread(const SaveThread&) = delete;
  SaveThread& operator=(const SaveThread&) = delete;

  // Runs it later, after those that came before. From any thread. The thread begins with the first
  // one.
  void Run(absl::AnyInvocable<void()> job);

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<absl::AnyInvocable<void()>> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pushpull::target

#endif  // TARGET_SAVE_THREAD_H_
