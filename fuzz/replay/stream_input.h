// What rx_fuzz and plugin_fuzz take: the bytes of a connection, and how they come. An input is
//   1 byte   bit 0 header digests, 1 data digests, 2 a short MaxRecvDataSegmentLength, 3 the
//            digests are made right first, 4 and 5 how many PDUs belong to the login phase, 6 few
//            bytes of AHSs are taken
//   1 byte   the seed of the deliveries
//   ...      the bytes of one connection, from the initiator

#ifndef FUZZ_REPLAY_STREAM_INPUT_H_
#define FUZZ_REPLAY_STREAM_INPUT_H_

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

struct StreamInput {
  Trace trace;
  uint64_t seed = 0;
};

// `may`: digests that the receiver knows. nullopt: too short or too long to be worth looking at.
std::optional<StreamInput> ReadStreamInput(base::Bytes input,
                                           initiator_sim::Digests may = {true, true});

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_STREAM_INPUT_H_
