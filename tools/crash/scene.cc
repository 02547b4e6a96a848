#include "tools/crash/scene.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "target/store/file_store.h"
#include "target/target.h"
#include "tools/crash/client.h"
#include "tools/crash/workload.h"

namespace pushpull::tools {
namespace {

constexpr uint64_t kBlocks = 192;
constexpr uint64_t kDiskBytes = kBlocks * Ledger::kBlockBytes;
constexpr int kClients = 3;
constexpr size_t kDepth = 6;
constexpr size_t kCommands = 500;
constexpr uint64_t kEventsBetweenCrashes = 120;
const fabric::Address kPortal = {"192.0.2.2", 3260};

// The store wants a file, for its size; nothing is ever read from it or written to it.
std::unique_ptr<target::FileStore> OpenOn(SimDisk& disk) {
  const char* folder = std::getenv("TEST_TMPDIR");
  std::string path = absl::StrCat(folder == nullptr ? "/tmp" : folder, "/crash.XXXXXX");
  const int fd = mkstemp(path.data());
  CHECK(fd >= 0) << path;
  CHECK_EQ(ftruncate(fd, kDiskBytes), 0);
  target::FileStoreOptions options;
  options.path = path;
  auto store = target::FileStore::Open(options, disk.MakeEngine());
  CHECK(store.ok()) << store.status();
  close(fd);
  unlink(path.c_str());
  CHECK((*store)->can_unmap()) << "the file system of " << path << " has no holes";
  return *std::move(store);
}

fabric::SimOptions NetworkOptions() {
  return fabric::SimOptions::Both({
      .random_reads = true,
      .read_block_percent = 10,
      .min_latency = absl::Microseconds(5),
      .max_latency = absl::Microseconds(300),
  });
}

std::vector<initiator_sim::LoginKey> Keys(base::Random& random) {
  return {{.name = "InitialR2T", .value = random.Chance(50) ? "Yes" : "No"},
          {.name = "ImmediateData", .value = random.Chance(50) ? "Yes" : "No"},
          {.name = "FirstBurstLength", .value = "2048"},
          {.name = "MaxBurstLength", .value = "4096"},
          {.name = "MaxOutstandingR2T", .value = "4"}};
}

class Scene {
 public:
  explicit Scene(const SceneOptions& options)
      : world_(options.seed),
        random_(world_.ForkRandom()),
        network_(&world_, NetworkOptions()),
        disk_(&world_, kDiskBytes, options.faults),
        workload_(kBlocks, world_.ForkRandom(), options.seed % 4 == 0) {
    std::shared_ptr<target::Store> store = OpenOn(disk_);
    if (options.wrap_store) store = options.wrap_store(std::move(store));
    target::TargetOptions target;
    target.node.bugs = options.bugs;
    target.node.seed = options.seed;
    target::LogicalUnitOptions unit;
    unit.store = std::move(store);
    target.logical_units.push_back(std::move(unit));
    auto made =
        target::Target::Create(std::move(target), &network_, {world_.NewLoop(), world_.NewLoop()});
    CHECK(made.ok()) << made.status();
    target_ = *std::move(made);
    CHECK(target_->Listen(kPortal).ok());
    for (uint8_t i = 0; i < kClients; ++i) {
      clients_.push_back(std::make_unique<Client>(&network_, world_.NewLoop(), kPortal,
                                                  target_->options().name, i, Keys(random_)));
    }
  }

  ~Scene() {
    // What is under way comes to its end, and then the target.
    world_.RunUntilIdle();
    clients_.clear();
    bool stopped = false;
    target_->Shutdown([&] { stopped = true; });
    world_.RunUntil([&] { return stopped; });
    CHECK(stopped);
    world_.RunUntilIdle();
  }

  SceneResult Play(int crash_points) {
    SceneResult result;
    while (result.crash_points < crash_points && result.finding.empty()) {
      const uint64_t events = random_.Between(1, kEventsBetweenCrashes);
      const auto outcome = Run(events);
      result.finding = Wrong();
      // The last failures come when all is quiet.
      if (sent_ < kClients * kDepth) continue;
      ++result.crash_points;
      if (result.finding.empty()) result.finding = Crash();
      if (outcome == fabric::SimWorld::Outcome::kIdle && sent_ >= kCommands) break;
    }
    result.commands = workload_.answered();
    result.syncs = disk_.syncs();
    return result;
  }

 private:
  // Keeps all clients busy for so many events.
  fabric::SimWorld::Outcome Run(uint64_t events) {
    auto outcome = fabric::SimWorld::Outcome::kDone;
    for (uint64_t i = 0; i < events; ++i) {
      for (const auto& client : clients_) {
        if (!client->logged_in() || sent_ >= kCommands) continue;
        while (client->under_way() < kDepth && sent_ < kCommands) {
          ++sent_;
          client->Send(workload_.Next());
        }
      }
      const uint64_t before = world_.events_run();
      outcome = world_.RunUntil([&] { return world_.events_run() > before; });
      if (outcome == fabric::SimWorld::Outcome::kIdle) break;
    }
    return outcome;
  }

  std::string Wrong() const {
    for (const auto& client : clients_) {
      if (!client->error().empty()) return client->error();
    }
    return workload_.error();
  }

  std::string Crash() {
    static const SimDisk::Sector kZeros{};
    const std::vector<SimDisk::SectorRef> left = disk_.AfterPowerFailure(random_);
    for (uint64_t block = 0; block < kBlocks; ++block) {
      const SimDisk::Sector& sector = left[block] == nullptr ? kZeros : *left[block];
      std::string wrong = workload_.ledger().Judge(block, sector);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }

  fabric::SimWorld world_;
  base::Random random_;
  fabric::SimNetwork network_;
  SimDisk disk_;
  Workload workload_;
  std::unique_ptr<target::Target> target_;
  std::vector<std::unique_ptr<Client>> clients_;
  size_t sent_ = 0;
};

}  // namespace

SceneResult PlayScene(const SceneOptions& options) {
  Scene scene(options);
  return scene.Play(options.crash_points);
}

}  // namespace pushpull::tools
