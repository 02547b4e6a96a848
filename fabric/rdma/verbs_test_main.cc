// Runs the tests of RDMA on a real device: of this machine, if it has one, or the one at
// --rdma_address=ADDRESS, which must then be there.

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "fabric/epoll_loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/verbs_makers.h"
#include "fabric/rdma/verbs_network.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

const char* given_address = nullptr;

bool HasDevice(const std::string& host) {
  EpollLoop loop;
  VerbsNetwork network;
  // A queue pair of its own tells: the connection manager listens without a device, too.
  bool opened = false;
  bool answered = false;
  network.Open(&loop, {host, 1}, {}, [&](auto connection) {
    opened = connection.ok();
    answered = true;
  });
  loop.RunUntil([&] { return answered; });
  return opened;
}

}  // namespace

std::string RdmaAddressOfTests() {
  if (given_address != nullptr) return given_address;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return "";
  std::string found;
  for (const ifaddrs* one = all; one != nullptr && found.empty(); one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN];
    const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
    if (HasDevice(text)) found = text;
  }
  freeifaddrs(all);
  return found;
}

}  // namespace pushpull::fabric

int main(int argc, char** argv) {
  constexpr char kFlag[] = "--rdma_address=";
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], kFlag, sizeof kFlag - 1) == 0) {
      pushpull::fabric::given_address = argv[i] + sizeof kFlag - 1;
    }
  }
  // Memory is locked while it is registered.
  rlimit limit = {};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &limit);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
