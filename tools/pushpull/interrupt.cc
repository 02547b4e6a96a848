#include "tools/pushpull/interrupt.h"

#include <signal.h>

namespace pushpull::tools {
namespace {

// What a handler may touch has to be static.
std::atomic<int> interrupted = 0;
std::atomic<bool> flag = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void Note(int signal) {
  interrupted = signal;
  flag = true;
  for (const int next : {SIGINT, SIGTERM}) ::signal(next, SIG_DFL);
}

}  // namespace

void WatchInterrupts() {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action = {};
    if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = Note;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

int Interrupted() { return interrupted; }

const std::atomic<bool>& InterruptFlag() { return flag; }

int InterruptedExitCode() { return 128 + interrupted; }

}  // namespace pushpull::tools
