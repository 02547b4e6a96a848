// What libFuzzer calls, for session_fuzz and iser_session_fuzz, which say what they are.

#ifndef FUZZ_SESSION_SCENARIO_ENTRY_H_
#define FUZZ_SESSION_SCENARIO_ENTRY_H_

namespace pushpull::fuzz {

// Defined by the fuzz target.
extern const bool kFuzzIser;

}  // namespace pushpull::fuzz

#endif  // FUZZ_SESSION_SCENARIO_ENTRY_H_
