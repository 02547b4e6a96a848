// Well-formed PDUs with every field drawn at random, for round trips.

#ifndef INITIATOR_SIM_PDU_RANDOM_PDU_H_
#define INITIATOR_SIM_PDU_RANDOM_PDU_H_

#include "base/random.h"
#include "initiator_sim/pdu/figure.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

// All fields of the kind are set, to any value that fits; with AHS (SCSI Commands), and up to 600
// bytes of data.
v1::Pdu RandomPdu(PduKind kind, base::Random* random);

// Of any kind, raw headers included.
v1::Pdu RandomPdu(base::Random* random);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_RANDOM_PDU_H_
