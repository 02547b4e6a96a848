// What cases are played against. tools/ knows how to make one: the embedded reference target over
// loopback or over a simulated network, or somebody's target over TCP or RDMA.

#ifndef CONFORMANCE_RUNNER_ENDPOINT_H_
#define CONFORMANCE_RUNNER_ENDPOINT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/stream.h"
#include "initiator_sim/player/player.h"
#include "initiator_sim/player/tap.h"
#include "initiator_sim/session/chap.h"

namespace pushpull::conformance {

// A target as one case sees it. Made and used on one thread.
class Endpoint {
 public:
  virtual ~Endpoint() = default;

  // How the target is reached: iSCSI over streams, or iSER over RDMA. One of both is null.
  virtual fabric::Network* network() { return nullptr; }
  virtual fabric::RdmaNetwork* rdma() { return nullptr; }
  // Takes who is to be told of every RDMA operation, or null. Empty: the network can't tell.
  virtual std::function<void(fabric::SimRdmaLog*)> watch_rdma() { return {}; }
  virtual fabric::Loop* loop() = 0;

  // Runs the loop until `done`. False: `limit` of the loop's time went by first.
  virtual bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) = 0;

  // Where the target listens, or where a scripted one is to listen, by number of the portal.
  virtual std::vector<fabric::Address> portals() = 0;

  // The target's administrative hooks; empty: it has none.
  virtual initiator_sim::Hook hook() { return {}; }

  // A further listener on the initiator's tap; may be null.
  virtual initiator_sim::Tap* tap() { return nullptr; }

  // Called when a case is over: what both ends together show to be wrong in our own code. Empty:
  // nothing.
  virtual std::vector<std::string> Complaints() { return {}; }
};

class EndpointFactory {
 public:
  virtual ~EndpointFactory() = default;

  // `seed` decides all that is left to chance. From any thread. UNAVAILABLE: the target can't be
  // reached.
  virtual absl::StatusOr<std::unique_ptr<Endpoint>> Make(uint64_t seed) = 0;

  // What the initiator of MakeWithChap() has to know; null: there is none.
  virtual const initiator_sim::ChapCredentials* chap() const { return nullptr; }
  // As Make(), of a target of its own that asks for CHAP, for cases about it where the user gave no
  // credentials.
  virtual absl::StatusOr<std::unique_ptr<Endpoint>> MakeWithChap(uint64_t seed) {
    return Make(seed);
  }

  // What was asked for, as the user wrote it.
  virtual std::string uri() const = 0;
  // Empty: discovery finds it.
  virtual std::string target_name() const = 0;

  // Whether each endpoint has a target of its own: cases can't disturb each other, and nobody's
  // data is on its LUNs.
  virtual bool own_target() const = 0;
  // Whether time is virtual: waiting costs nothing.
  virtual bool virtual_time() const = 0;
  // The names of its endpoints' hooks.
  virtual std::vector<std::string> hooks() const { return {}; }
  // Whether its endpoints are reached over RDMA.
  virtual bool rdma() const { return false; }
  // Whether they have watch_rdma().
  virtual bool rdma_log() const { return false; }
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_ENDPOINT_H_
