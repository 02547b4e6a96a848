// Lengths that a scenario counts in blocks, for it is played on LUNs of any block size.

#ifndef INITIATOR_SIM_PLAYER_BLOCK_LENGTHS_H_
#define INITIATOR_SIM_PLAYER_BLOCK_LENGTHS_H_

#include <cstdint>

#include "google/protobuf/message.h"

namespace pushpull::initiator_sim {

// Each field X_in_blocks becomes its field X, in bytes, or as many as X can say; in what `message`
// holds, too.
void ResolveBlockLengths(uint32_t block_size, google::protobuf::Message* message);

// Whether there is such a field.
bool HasBlockLengths(const google::protobuf::Message& message);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_BLOCK_LENGTHS_H_
