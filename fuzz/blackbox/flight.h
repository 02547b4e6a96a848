// One sequence on its way: a player of its own on a loop that others share.

#ifndef FUZZ_BLACKBOX_FLIGHT_H_
#define FUZZ_BLACKBOX_FLIGHT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/monitor/monitor.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/play.h"
#include "fuzz/blackbox/watch.h"
#include "initiator_sim/player/player.h"
#include "pushpull/v1/report.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

class Flight final {
 public:
  // Starts at once. The endpoint outlives it. What it is judged by is the monitor and the watch;
  // what the player makes of the steps says nothing of a target.
  Flight(conformance::Endpoint* endpoint, const conformance::PlaySettings& settings,
         const conformance::TargetFacts& facts, const v1::Scenario& scenario, uint64_t seed);
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  ~Flight();

  bool over() const { return result_.has_value(); }
  // Once it is over.
  const initiator_sim::PlayResult& result() const { return *result_; }
  const Watch& watch() const { return watch_; }
  // What the target did against the RFC, by rules that must be kept.
  std::vector<v1::Violation> violations() const;

 private:
  class Taps;

  conformance::Monitor monitor_;
  Watch watch_;
  std::unique_ptr<Taps> taps_;
  std::optional<initiator_sim::PlayResult> result_;
  std::unique_ptr<initiator_sim::Player> player_;
};

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_FLIGHT_H_
