// One worker of a target of one unit, for tests that bring connections of their own.

#ifndef TARGET_SESSION_TESTING_WORKER_RIG_H_
#define TARGET_SESSION_TESTING_WORKER_RIG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/pdu/request.h"
#include "target/scsi/device_server.h"
#include "target/session/node.h"
#include "target/session/worker.h"
#include "target/store/store.h"

namespace pushpull::target::testing {

inline constexpr char kRigTarget[] = "iqn.2026-11.org.example:t";

// Shuts down at its end and checks that nothing is left.
class WorkerRig {
 public:
  WorkerRig(fabric::SimWorld* world, std::shared_ptr<Store> store, NodeOptions options)
      : world_(world), network_(world, {}) {
    LogicalUnitOptions unit;
    unit.store = std::move(store);
    std::vector<LogicalUnitOptions> units;
    units.push_back(std::move(unit));
    device_ = *DeviceServer::Create({.target_name = kRigTarget, .bugs = {}}, std::move(units));
    options.name = kRigTarget;
    node_ = std::make_unique<Node>(std::move(options), device_.get());
    worker_ = std::make_unique<Worker>(node_.get(), world->NewLoop(), &network_, 1);
  }
  ~WorkerRig() {
    bool done = false;
    worker_->Shutdown([&done] { done = true; });
    world_->RunUntil([&done] { return done; }, {.time = absl::Seconds(60)});
    EXPECT_TRUE(done);
    EXPECT_EQ(worker_->buffers().bytes_in_use(), 0u);
    EXPECT_EQ(worker_->tasks().in_use(), 0u);
    for (const Count gauge : {Count::kConnections, Count::kLogins, Count::kSessions, Count::kTasks,
                              Count::kBufferBytes}) {
      EXPECT_EQ(worker_->counters().Get(gauge), 0) << CountName(gauge);
    }
    EXPECT_EQ(device_->tasks_in_flight(), 0u);
  }

  Worker& worker() { return *worker_; }

 private:
  fabric::SimWorld* const world_;
  fabric::SimNetwork network_;
  std::unique_ptr<DeviceServer> device_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Worker> worker_;
};

// A login that asks for a Normal session's Full Feature Phase at once, and its keys.
inline LoginRequest RigLogin(uint32_t cmd_sn) {
  LoginRequest request;
  request.transit = true;
  request.current_stage = Stage::kLoginOperationalNegotiation;
  request.next_stage = Stage::kFullFeaturePhase;
  request.initiator_task_tag = 1;
  request.cid = 1;
  request.isid = {0x80, 0, 0, 0, 0, 1};
  request.cmd_sn = cmd_sn;
  return request;
}
inline std::string RigLoginText(const std::vector<std::string>& keys) {
  std::string text = std::string("InitiatorName=iqn.2026-11.org.example:i") + '\0' +
                     "TargetName=" + kRigTarget + '\0' + "SessionType=Normal" + '\0';
  for (const std::string& key : keys) text.append(key).push_back('\0');
  return text;
}

inline std::vector<uint8_t> Pattern(size_t size, uint8_t seed = 0) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 256 + seed);
  return bytes;
}

}  // namespace pushpull::target::testing

#endif  // TARGET_SESSION_TESTING_WORKER_RIG_H_
