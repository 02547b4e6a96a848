// Addresses of RDMA identifiers.

#ifndef FABRIC_RDMA_VERBS_ADDRESS_H_
#define FABRIC_RDMA_VERBS_ADDRESS_H_

#include <rdma/rdma_cma.h>

#include "fabric/stream.h"

namespace pushpull::fabric {

Address LocalAddress(rdma_cm_id* id);
Address PeerAddress(rdma_cm_id* id);

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_VERBS_ADDRESS_H_
