#include "fabric/rdma/verbs_address.h"

#include <netinet/in.h>
#include <rdma/rdma_cma.h>
#include <sys/socket.h>

#include <cstring>

#include "fabric/socket_address.h"
#include "fabric/stream.h"

namespace pushpull::fabric {
namespace {

Address ToAddress(const sockaddr* from) {
  SocketAddress address;
  address.size = from->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  std::memcpy(&address.storage, from, address.size);
  return address.ToAddress();
}

}  // namespace

Address LocalAddress(rdma_cm_id* id) { return ToAddress(rdma_get_local_addr(id)); }
Address PeerAddress(rdma_cm_id* id) { return ToAddress(rdma_get_peer_addr(id)); }

}  // namespace pushpull::fabric
