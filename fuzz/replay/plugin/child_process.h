// A forked child that runs somebody else's code and may die of it.

#ifndef FUZZ_REPLAY_PLUGIN_CHILD_PROCESS_H_
#define FUZZ_REPLAY_PLUGIN_CHILD_PROCESS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"

namespace pushpull::replay {

class ChildProcess {
 public:
  struct Options {
    // RLIMIT_AS; 0 for none. Not with AddressSanitizer, which maps terabytes.
    uint64_t address_space_bytes = 0;
  };

  // Forks. The child has a process group of its own, no core files, nothing to read, one pipe
  // for all that it prints, and no other open file; it is killed when the calling thread ends. It
  // runs `body`, and ends with its result as exit status, without any handler of this process.
  //
  // Call it where no other thread of this process may hold a lock that the child needs.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const Options& options,
                                                             absl::AnyInvocable<int()> body);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Kill().
  ~ChildProcess();

  // Whether it has ended; doesn't wait. Reads what it printed, which else makes it wait when the
  // pipe is full.
  bool Ended();
  // Ends it with its whole group, and waits for that.
  void Kill();

  // Of an ended child: "SIGSEGV (Segmentation fault)", "exit status 3".
  std::string End() const;
  // The last lines that it printed, printable, at most some kilobytes.
  std::string Output() const;
  pid_t pid() const { return pid_; }

 private:
  ChildProcess(pid_t pid, int output) : pid_(pid), output_(output) {}
  void Drain();

  const pid_t pid_;
  const int output_;
  bool ended_ = false;
  int status_ = 0;
  std::string tail_;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_PLUGIN_CHILD_PROCESS_H_
