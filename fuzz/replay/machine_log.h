// The receive machine's own event log: what it says itself of the bytes of a trace.

#ifndef FUZZ_REPLAY_MACHINE_LOG_H_
#define FUZZ_REPLAY_MACHINE_LOG_H_

#include <cstddef>
#include <string>
#include <vector>

#include "fuzz/replay/trace.h"
#include "target/bugs/bugs.h"

namespace pushpull::replay {

struct MachineRun {
  std::vector<size_t> cuts = {};  // sizes of the pieces in which the bytes come
  bool not_yet_before_each_chunk = false;
  size_t queue_capacity = 4;
  size_t budget = SIZE_MAX;  // PDUs of one poll
  target::BugSet bugs = {};
};

// A line for each event, the same for every run. A trace's login is taken as full feature phase.
std::string MachineLog(const Trace& trace, const MachineRun& run);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_MACHINE_LOG_H_
