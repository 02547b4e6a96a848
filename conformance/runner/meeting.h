// For tests of scripted targets: both ends of a simulated network. The script listens, and an
// initiator that a script plays comes.

#ifndef CONFORMANCE_RUNNER_MEETING_H_
#define CONFORMANCE_RUNNER_MEETING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "conformance/runner/endpoint.h"
#include "fabric/loop.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"
#include "initiator_sim/player/player.h"

namespace pushpull::conformance {

class Meeting final : public Endpoint {
 public:
  // `initiator`: the steps that it plays.
  explicit Meeting(const std::string& initiator);

  fabric::Network* network() override { return &network_; }
  fabric::Loop* loop() override { return loop_; }
  std::vector<fabric::Address> portals() override { return {{"192.0.2.5", 3260}}; }
  // Time is virtual: a limit that it doesn't come to is none.
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override;

  // The initiator comes to these portals. `ended` is told what it saw.
  void Start(const std::vector<fabric::Address>& portals, absl::Duration after = {},
             std::function<void(const initiator_sim::PlayResult&)> ended = {});

 private:
  fabric::SimWorld world_;
  fabric::SimNetwork network_;
  fabric::Loop* const loop_;
  fabric::Loop* const initiators_loop_;
  initiator_sim::Script script_;
  std::optional<initiator_sim::Player> player_;
};

class MeetingFactory final : public EndpointFactory {
 public:
  explicit MeetingFactory(std::string initiator) : initiator_(std::move(initiator)) {}

  // Not OK: nobody can listen.
  absl::Status reachable;
  // Each endpoint, as it is made.
  std::function<void(Meeting*)> made;

  absl::StatusOr<std::unique_ptr<Endpoint>> Make(uint64_t seed) override;
  std::string uri() const override { return "tcp://192.0.2.5"; }
  std::string target_name() const override { return ""; }
  bool own_target() const override { return true; }
  bool virtual_time() const override { return true; }

 private:
  const std::string initiator_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_MEETING_H_
