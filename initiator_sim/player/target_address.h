// Addresses as targets give them. (RFC 7143 §13.8)

#ifndef INITIATOR_SIM_PLAYER_TARGET_ADDRESS_H_
#define INITIATOR_SIM_PLAYER_TARGET_ADDRESS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "fabric/stream.h"

namespace pushpull::initiator_sim {

// "HOST[:PORT][,TPGT]"; IPv6 hosts in brackets. Without a port 3260 is meant.
absl::StatusOr<fabric::Address> ParseTargetAddress(std::string_view text);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_TARGET_ADDRESS_H_
