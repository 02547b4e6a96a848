// One captured PDU with no more fields than needed. Internal to conformance/capture.

#ifndef CONFORMANCE_CAPTURE_RECORDED_PDU_H_
#define CONFORMANCE_CAPTURE_RECORDED_PDU_H_

#include <cstdint>

#include "base/bytes.h"
#include "initiator_sim/pdu/digest.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::conformance {

// A request as it was sent: each field that the encoder would write by itself is unset, but not
// those that the player computes from what happened before (numbers, tags, LUNs, stages, offsets,
// lengths of commands). The encoder makes the very same bytes of it.
v1::Pdu MinimalRequest(base::Bytes bytes, initiator_sim::Digests digests);

// What must come where `pdu` came, another target's freedom respected: kind, status and the like.
// `of_blocks`: it answers a command that reads or writes blocks, whose residuals are the same
// everywhere.
v1::Pdu ExpectedResponse(const v1::Pdu& pdu, bool of_blocks, bool with_data);

// A number of the PDU by its field's name; 0 where it is unset, or there is none.
uint64_t NumberOf(const v1::Pdu& pdu, const char* field);
// Of its data, in bytes.
uint64_t LengthOf(const v1::Pdu& pdu);

// Whether a command reads blocks, or writes them (READ and WRITE of 6 to 16 bytes).
bool ReadsBlocks(const v1::Pdu& pdu);
bool WritesBlocks(const v1::Pdu& pdu);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_RECORDED_PDU_H_
