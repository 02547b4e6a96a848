// Whole sessions over the simulated network: a scenario, mutated by type, is played against the
// reference target. What the monitor sees the target do wrong, an answer that never comes and
// whatever stays behind are findings, not crashes alone.

#include "fuzz/session/scenario_entry.h"

const bool pushpull::fuzz::kFuzzIser = false;
