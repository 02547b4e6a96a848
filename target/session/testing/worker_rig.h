// The workers of a target of one unit, for tests that bring connections of their own.

#ifndef TARGET_SESSION_TESTING_WORKER_RIG_H_
#define TARGET_SESSION_TESTING_WORKER_RIG_H_

#include <cstddef>
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
  WorkerRig(fabric::SimWorld* world, std::shared_ptr<Store> store, NodeOptions options,
            size_t workers = 1)
      : world_(world), network_(world, {}) {
    LogicalUnitOptions unit;
    unit.store = std::move(store);
    std::vector<LogicalUnitOptions> units;
    units.push_back(std::move(unit));
    device_ = *DeviceServer::Create({.target_name = kRigTarget, .bugs = {}}, std::move(units));
    options.name = kRigTarget;
    node_ = std::make_unique<Node>(std::move(options), device_.get());
    for (size_t i = 0; i < workers; ++i) {
      workers_.push_back(std::make_unique<Worker>(node_.get(), world->NewLoop(), &network_, i + 1));
    }
  }
  ~WorkerRig() {
    size_t running = workers_.size();
    for (const auto& worker : workers_) worker->Shutdown([&running] { --running; });
    world_->RunUntil([&running] { return running == 0; }, {.time = absl::Seconds(60)});
    EXPECT_EQ(running, 0u);
    for (const auto& worker : workers_) {
      EXPECT_EQ(worker->buffers().bytes_in_use(), 0u);
      EXPECT_EQ(worker->tasks().in_use(), 0u);
      for (const Count gauge : {Count::kConnections, Count::kLogins, Count::kSessions,
                                Count::kTasks, Count::kBufferBytes}) {
        EXPECT_EQ(worker->counters().Get(gauge), 0) << CountName(gauge);
      }
    }
    EXPECT_EQ(device_->tasks_in_flight(), 0u);
  }

  Worker& worker(size_t number = 0) { return *workers_[number]; }
  std::vector<Worker*> workers() const {
    std::vector<Worker*> all;
    for (const auto& worker : workers_) all.push_back(worker.get());
    return all;
  }

 private:
  fabric::SimWorld* const world_;
  fabric::SimNetwork network_;
  std::unique_ptr<DeviceServer> device_;
  std::unique_ptr<Node> node_;
  std::vector<std::unique_ptr<Worker>> workers_;
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
  for (size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<uint8_t>(i * 7 + i / 256 + i / 65536 + seed);
  return bytes;
}

}  // namespace pushpull::target::testing

#endif  // TARGET_SESSION_TESTING_WORKER_RIG_H_
