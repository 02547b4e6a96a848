// Whole sessions over simulated iSER, with RDMA steps: otherwise as session_fuzz.

#include "fuzz/session/scenario_entry.h"

const bool pushpull::fuzz::kFuzzIser = true;
