// Listening for requests on real RDMA devices.

#ifndef FABRIC_RDMA_VERBS_LISTENER_H_
#define FABRIC_RDMA_VERBS_LISTENER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "fabric/epoll_loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/verbs_domain.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

absl::StatusOr<std::unique_ptr<RdmaListener>> VerbsListen(EpollLoop* loop, const Address& address,
                                                          int backlog,
                                                          std::shared_ptr<VerbsDomains> domains,
                                                          RdmaNetwork::RequestHandler handler);

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_VERBS_LISTENER_H_
