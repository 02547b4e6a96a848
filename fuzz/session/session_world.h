// The reference target on a simulated network, as a fuzzer's input finds it: fresh, small, and gone
// when the input was played.

#ifndef FUZZ_SESSION_SESSION_WORLD_H_
#define FUZZ_SESSION_SESSION_WORLD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/play.h"
#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "fuzz/session/settings.h"
#include "pushpull/v1/scenario.pb.h"
#include "target/bugs/bugs.h"
#include "target/target.h"

namespace pushpull::fuzz {

struct SessionOptions {
  bool iser = false;
  target::BugSet bugs;
  Settings settings;  // with CHAP it is by OwnChapCredentials()
  uint64_t seed = 1;  // of what the network leaves to chance
};

class SessionWorld final : public conformance::Endpoint {
 public:
  explicit SessionWorld(const SessionOptions& options);
  ~SessionWorld() override;

  fabric::Network* network() override { return options_.iser ? nullptr : &streams_; }
  fabric::RdmaNetwork* rdma() override { return options_.iser ? &rdma_ : nullptr; }
  fabric::Loop* loop() override { return loop_; }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override;
  std::vector<fabric::Address> portals() override { return portals_; }
  initiator_sim::Hook hook() override;

  // What scenarios have to know of the target.
  const conformance::TargetFacts& facts() const { return facts_; }

  // Whether it was told to stop, by the hook of that name: it lets nobody in any more.
  bool stopping() const { return stopping_; }
  // Runs until nobody is connected and no session is kept. False: that takes beyond all bounds.
  bool RunUntilIdle();
  // What was wrong in what the target told its administrators, a line each.
  const std::vector<std::string>& told_wrong() const { return told_wrong_; }

  // To be asked when all connections were closed: what the target keeps, though nobody is there to
  // use it, a line each. A session whose connection was lost may be kept as long as the longest
  // DefaultTime2Retain; all else has to end before that.
  std::vector<std::string> WhatIsKept();

 private:
  std::vector<std::string> WhatStays();
  void Announce(target::AsyncRequest::Kind kind, const v1::Trigger& trigger,
                initiator_sim::HookDone done);
  void Stop(const v1::Trigger& trigger, initiator_sim::HookDone done);
  void Describe(initiator_sim::HookDone done);
  void Complain(std::string what);
  void Answer(initiator_sim::HookDone done);

  const SessionOptions options_;
  fabric::SimWorld world_;
  fabric::SimLoop* const loop_;
  std::vector<fabric::Loop*> target_loops_;
  fabric::SimNetwork streams_;
  fabric::SimRdmaNetwork rdma_;
  std::unique_ptr<target::Target> target_;
  std::vector<fabric::Address> portals_;
  conformance::TargetFacts facts_;
  bool stopping_ = false;
  bool stopped_ = false;
  std::vector<std::string> told_wrong_;
};

}  // namespace pushpull::fuzz

#endif  // FUZZ_SESSION_SESSION_WORLD_H_
