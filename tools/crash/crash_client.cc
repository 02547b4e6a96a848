// Works on LUN 0 of a target over TCP until it is stopped, and writes a ledger's log of it to
// standard output: each event is out before anything follows from it. For a guest that is killed.
//
//   crash_client tcp://HOST:PORT/IQN BLOCKS SEED

#include <unistd.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "fabric/epoll_loop.h"
#include "fabric/tcp_network.h"
#include "tools/crash/client.h"
#include "tools/crash/workload.h"
#include "tools/endpoints/uri.h"

namespace pushpull::tools {
namespace {

constexpr uint8_t kClients = 3;
constexpr size_t kDepth = 6;

// In one write, past all buffers.
void Say(const std::string& words) {
  const std::string line = words + "\n";
  if (write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(1);
}

int Run(const TargetUri& uri, uint64_t blocks, uint64_t seed) {
  fabric::EpollLoop loop;
  fabric::TcpNetwork network;
  Workload workload(blocks, base::Random(seed), /*seldom=*/seed % 4 == 0);
  workload.ledger().set_log(Say);
  std::vector<std::unique_ptr<Client>> clients;
  for (uint8_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Client>(&network, &loop, uri.address, uri.target_name, i,
                                               std::vector<initiator_sim::LoginKey>{}));
  }
  std::string error;
  loop.RunUntil([&] {
    for (const auto& client : clients) {
      if (!client->error().empty()) error = client->error();
      while (client->logged_in() && client->under_way() < kDepth) client->Send(workload.Next());
    }
    if (!workload.error().empty()) error = workload.error();
    return !error.empty();
  });
  std::cerr << "crash_client: " << error << std::endl;
  return 1;
}

}  // namespace
}  // namespace pushpull::tools

int main(int argc, char** argv) {
  uint64_t blocks = 0;
  uint64_t seed = 0;
  if (argc != 4 || !absl::SimpleAtoi(argv[2], &blocks) || !absl::SimpleAtoi(argv[3], &seed)) {
    std::cerr << "usage: crash_client tcp://HOST:PORT/IQN BLOCKS SEED\n";
    return 2;
  }
  const auto uri = pushpull::tools::ParseTargetUri(argv[1]);
  if (!uri.ok()) {
    std::cerr << "crash_client: " << uri.status().message() << "\n";
    return 2;
  }
  return pushpull::tools::Run(*uri, blocks, seed);
}
