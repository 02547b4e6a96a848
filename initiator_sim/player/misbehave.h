// The ways of being wrong that have a name: what each does to a PDU that is right.

#ifndef INITIATOR_SIM_PLAYER_MISBEHAVE_H_
#define INITIATOR_SIM_PLAYER_MISBEHAVE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/session/session.h"
#include "pushpull/v1/pdu.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {

// How many bytes MORE_DATA_THAN_R2T and LESS_DATA_THAN_R2T are off.
inline constexpr size_t kDataOff = 512;

struct MisbehaviourContext {
  const Session* session = nullptr;
  Digests digests;                   // that the PDU will carry
  uint32_t tag_in_use = 0xffffffff;  // of a task that hasn't ended; reserved: there is none
  // A Data-Out: the end of what its R2T wants, and more of the task's data.
  uint32_t r2t_end = 0;
  std::function<std::string(uint64_t offset, size_t length)> data_at = {};
};

// Changes a PDU whose fields are all computed, but which isn't encoded yet. INVALID_ARGUMENT where
// it can't be wrong in this way (no digest, no pad), with what to do.
absl::Status Misbehave(v1::Misbehaviour misbehaviour, const MisbehaviourContext& context,
                       v1::Pdu* pdu);

// Whether the last byte is withheld, and whether the connection's direction ends after it.
bool WithholdsLastByte(v1::Misbehaviour misbehaviour);
bool EndsWriting(v1::Misbehaviour misbehaviour);

// Whether the misbehaviour is one of iSER, or of the sender of several PDUs.
bool IsIserMisbehaviour(v1::Misbehaviour misbehaviour);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_MISBEHAVE_H_
