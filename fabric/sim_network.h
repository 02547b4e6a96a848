// The simulated network: streams that hold no socket, whose cuts, blocks, delays and faults come
// from the world's seed (sim_options.h says which there are).
//
//   SimWorld world(seed);
//   SimNetwork network(&world, SimOptions::Both({.max_read_bytes = 1}));
//   auto listener = network.Listen(world.NewLoop(), {"192.0.2.2", 3260}, OnAccept);
//   network.Connect(world.NewLoop(), {"192.0.2.2", 3260}, OnConnected);
//   world.RunUntilIdle();
//
// Hosts are just names: each may be listened on. "localhost" is 127.0.0.1; "", "0.0.0.0" and "::"
// listen on every host.

#ifndef FABRIC_SIM_NETWORK_H_
#define FABRIC_SIM_NETWORK_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "fabric/loop.h"
#include "fabric/sim_options.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// Its loops are SimLoops of its world. It, its world and its streams may die in any order. Not
// thread-safe, as its world.
class SimNetwork final : public Network {
 public:
  explicit SimNetwork(SimWorld* world, const SimOptions& options = {});
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;
  ~SimNetwork() override;

  absl::StatusOr<std::unique_ptr<Listener>> Listen(Loop* loop, const Address& address,
                                                   AcceptHandler accept) override;
  void Connect(Loop* loop, const Address& address, ConnectHandler done) override;
  void Move(std::unique_ptr<Stream> stream, Loop* to,
            absl::AnyInvocable<void(std::unique_ptr<Stream>)> done) override;

  // For the connections that begin from now on.
  void set_options(const SimOptions& options);
  // The same for each connection by its number; asked when it begins.
  void set_options_of(std::function<SimOptions(size_t number)> options_of);

  // Connections are numbered as they begin, from 0; what is known of them stays when they end.
  size_t connections() const;
  const SimConnectionRecord& connection(size_t number) const;

  // Faults at any time. Nothing happens to a connection that has ended.
  void Reset(size_t number);  // both ends, at once
  void Stall(size_t number);  // nothing arrives any more, and nobody is told

 private:
  class Core;
  class SimListener;

  const std::shared_ptr<Core> core_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_SIM_NETWORK_H_
