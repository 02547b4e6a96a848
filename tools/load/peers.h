// Peers that take things from others, on purpose.

#ifndef TOOLS_LOAD_PEERS_H_
#define TOOLS_LOAD_PEERS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tools/load/client.h"

namespace pushpull::tools {

struct PeerKind {
  std::string_view name;
  std::string_view does;
};
std::span<const PeerKind> PeerKinds();
bool IsPeerKind(std::string_view name);

// One of them, on its loop, from Start() until it is destroyed. Where the target ends the
// connection, it comes again.
class Peer {
 public:
  Peer(fabric::Network* network, fabric::Loop* loop, ClientIdentity identity,
       fabric::Address address, std::string kind);

  void Start();

 private:
  void OnConnected();
  void Misbehave();
  void Trickle();
  void WriteWithoutEnd();
  void Comeback();

  fabric::Network* const network_;
  fabric::Loop* const loop_;
  const ClientIdentity identity_;
  const fabric::Address address_;
  const std::string kind_;
  std::unique_ptr<Client> client_;
  fabric::Timer timer_;
  std::string trickle_;  // bytes that go out one by one
};

}  // namespace pushpull::tools

#endif  // TOOLS_LOAD_PEERS_H_
