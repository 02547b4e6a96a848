// CHAP of targets that live in this process alone, for a case or an input each: what the simulated
// initiator knows, and what the reference target is made with.

#ifndef FUZZ_SESSION_CHAP_OF_TARGET_H_
#define FUZZ_SESSION_CHAP_OF_TARGET_H_

#include <string>
#include <vector>

#include "initiator_sim/session/chap.h"
#include "target/login/chap_policy.h"

namespace pushpull::fuzz {

// Both directions.
const initiator_sim::ChapCredentials& OwnChapCredentials();

// The target's side of `known`. `initiator_names`: who alone may use them; none: anybody.
target::ChapOptions ChapOptionsOf(const initiator_sim::ChapCredentials& known,
                                  std::vector<std::string> initiator_names = {});

}  // namespace pushpull::fuzz

#endif  // FUZZ_SESSION_CHAP_OF_TARGET_H_
