#include "tools/pushpull/interrupt.h"

#include <signal.h>

namespace pushpull::tools {
namespace {

// SIGHUP: the terminal is gone, where nobody (nohup) asked to go on without it.
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

// What a handler may touch has to be static.
std::atomic<int> interrupted = 0;
std::atomic<bool> flag = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void Note(int signal) {
  interrupted = signal;
  flag = true;
  for (const int next : kSignals) ::signal(next, SIG_DFL);
}

}  // namespace

void WatchInterrupts() {
  for (const int signal : kSignals) {
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
