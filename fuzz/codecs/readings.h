// What both codecs make of one header.

#ifndef FUZZ_CODECS_READINGS_H_
#define FUZZ_CODECS_READINGS_H_

#include <string>

#include "pushpull/v1/pdu.pb.h"
#include "target/pdu/bhs.h"

namespace pushpull::codecs {

// The differences between two readings of one PDU: "cmd_sn: the target reads 5, the initiator 6";
// and whether the target's codec reads something else when it has written what it read. Empty:
// none. `bhs` is read by the target's codec here; `pdu` is what the initiator's made of it.
std::string CompareReadings(const target::Bhs& bhs, const v1::Pdu& pdu);

}  // namespace pushpull::codecs

#endif  // FUZZ_CODECS_READINGS_H_
