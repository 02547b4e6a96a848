// Where the tests of the verbs maker find a device.

#ifndef FABRIC_RDMA_VERBS_MAKERS_H_
#define FABRIC_RDMA_VERBS_MAKERS_H_

#include <string>

namespace pushpull::fabric {

// The address that --rdma_address=... gave, or else one of this machine that has an RDMA device; ""
// if there is none.
std::string RdmaAddressOfTests();

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_VERBS_MAKERS_H_
