// SIGINT and SIGTERM of commands that have something to tell before they end.

#ifndef TOOLS_PUSHPULL_INTERRUPT_H_
#define TOOLS_PUSHPULL_INTERRUPT_H_

#include <atomic>

namespace pushpull::tools {

// From now on the first of them is only noted; the next one ends the process at once. One that is
// ignored (nohup, a shell's background job) stays so.
void WatchInterrupts();

// The signal that came; 0: none. From any thread.
int Interrupted();
// Set once one came.
const std::atomic<bool>& InterruptFlag();

// Of a command that was interrupted: 130, 143, as a shell says it.
int InterruptedExitCode();

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_INTERRUPT_H_
