// Runs a real loop on the calling thread until something holds, or for so long.

#ifndef TOOLS_ENDPOINTS_REAL_LOOP_H_
#define TOOLS_ENDPOINTS_REAL_LOOP_H_

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "fabric/epoll_loop.h"

namespace pushpull::tools {

// False: `limit` went by first.
inline bool RunRealLoop(fabric::EpollLoop* loop, absl::FunctionRef<bool()> done,
                        absl::Duration limit) {
  bool expired = false;
  fabric::Loop::TimerId timer = 0;
  loop->Post([&] { timer = loop->StartTimer(limit, [&expired] { expired = true; }); });
  loop->RunUntil([&] { return expired || (timer != 0 && done()); });
  // Back on the loop's thread for a moment: timers are cancelled there only.
  bool cancelled = false;
  loop->Post([&] {
    loop->CancelTimer(timer);
    cancelled = true;
  });
  loop->RunUntil([&cancelled] { return cancelled; });
  return !expired;
}

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_REAL_LOOP_H_
