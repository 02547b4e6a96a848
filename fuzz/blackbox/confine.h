// Keeps sequences within what the user allows, whatever a mutation made of them.

#ifndef FUZZ_BLACKBOX_CONFINE_H_
#define FUZZ_BLACKBOX_CONFINE_H_

#include <cstdint>

#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

// Of the scratch area's blocks (conformance::kScratchBlocks) sequences write only to the first
// half. The other half is written once, and looked at: it must stay as it is.
inline constexpr uint32_t kWrittenBlocks = 32;

// Takes out
//   - what judges by waiting, or needs somebody else: hooks, elapsing time, preconditions, checks
//     of blocks;
//   - commands that may change what others see: any but those that only read, and, with
//     `allow_writes`, WRITE of the LUN that is tested, within its first kWrittenBlocks of scratch
//     area; so are patches, bindings and raw headers by which another could come about;
//   - without `allow_writes` resets, which end others' tasks.
// A scenario that was confined stays as it is.
void Confine(bool allow_writes, v1::Scenario* scenario);

// Whether it has a WRITE, by name.
bool Writes(const v1::Scenario& scenario);

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_CONFINE_H_
