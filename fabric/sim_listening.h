// Who listens where on a simulated network: what streams and RDMA have in common.
//
// Hosts are just names: each may be listened on. "localhost" is 127.0.0.1; "", "0.0.0.0" and "::"
// listen on every host.

#ifndef FABRIC_SIM_LISTENING_H_
#define FABRIC_SIM_LISTENING_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "fabric/handler.h"
#include "fabric/loop.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// A loop of `world`.
inline SimLoop* AsSimLoop(Loop* loop, const SimWorld* world) {
  auto* sim_loop = dynamic_cast<SimLoop*>(loop);
  CHECK(sim_loop != nullptr && sim_loop->world() == world) << "not a loop of this network's world";
  return sim_loop;
}

inline bool IsSimWildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

inline Address NormalSimAddress(const Address& address) {
  if (address.host == "localhost") return {"127.0.0.1", address.port};
  if (address.host.empty()) return {"0.0.0.0", address.port};
  return address;
}

// `OnArrival`: the handler of who comes.
template <typename OnArrival>
class SimListening {
 public:
  struct Entry {
    SimLoop* loop;
    Address address;
    Handler<OnArrival> handler;
    SimWorld::Lane lane;
    bool open = true;
  };

  explicit SimListening(SimWorld* world) : world_(world), life_(world->life()) {}

  // Null if the address is in use. Port 0: one that isn't.
  std::shared_ptr<Entry> Listen(SimLoop* loop, const Address& asked, OnArrival handler) {
    Address address = NormalSimAddress(asked);
    const bool any_port = address.port == 0;
    if (any_port) address.port = NextPort();
    while (Find(address) != nullptr) {
      if (!any_port) return nullptr;
      address.port = NextPort();
    }
    auto entry = std::make_shared<Entry>();
    entry->loop = loop;
    entry->address = std::move(address);
    entry->handler.Set(std::move(handler));
    entry->lane = world_->NewLane();
    entries_.push_back(entry);
    return entry;
  }
  void Stop(const std::shared_ptr<Entry>& entry) {
    CHECK(life_.expired() || entry->loop->OnThread());
    entry->open = false;
    entry->handler.Clear();
    std::erase(entries_, entry);
  }
  // Null if nobody listens there.
  std::shared_ptr<Entry> Find(const Address& address) const {
    const Address normal = NormalSimAddress(address);
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
      return entry->address.port == normal.port &&
             (entry->address.host == normal.host || IsSimWildcard(entry->address.host) ||
              IsSimWildcard(normal.host));
    });
    return found == entries_.end() ? nullptr : *found;
  }
  // Of those that nobody asks for.
  uint16_t NextPort() {
    const uint16_t port = next_port_;
    next_port_ = port == UINT16_MAX ? kFirstEphemeralPort : static_cast<uint16_t>(port + 1);
    return port;
  }

 private:
  static constexpr uint16_t kFirstEphemeralPort = 49152;

  SimWorld* const world_;
  const std::weak_ptr<const void> life_;
  uint16_t next_port_ = kFirstEphemeralPort;
  std::vector<std::shared_ptr<Entry>> entries_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_SIM_LISTENING_H_
