// Sessions on several threads share one device: for ThreadSanitizer above all.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "fabric/epoll_loop.h"
#include "gtest/gtest.h"
#include "target/scsi/device_server.h"
#include "target/store/lun_spec.h"

namespace pushpull::target {
namespace {

constexpr uint32_t kBlock = 512;
constexpr int kDepth = 8;

// A session that sends random commands, some of which gather their data for a turn of the loop, and
// now and then a task management function; a window of kDepth commands.
class Session {
 public:
  Session(DeviceServer* server, int number, int commands)
      : server_(server), number_(number), left_(commands), random_(static_cast<uint64_t>(number)) {
    thread_.loop()->Post([this] { Open(); });
  }

  bool finished() const { return finished_; }
  int aborted() const { return aborted_; }
  int good() const { return good_; }

 private:
  struct Slot {
    Task task;
    std::vector<uint8_t> memory = std::vector<uint8_t>(4 * kBlock);
    iovec buffer{};
    int uses = 0;
  };

  void Open() {
    nexus_ = server_->OpenNexus({"iqn.session" + std::to_string(number_), {}, 1}, thread_.loop());
    slots_ = std::vector<std::unique_ptr<Slot>>();
    for (int i = 0; i < kDepth; ++i) {
      auto slot = std::make_unique<Slot>();
      Slot* raw = slot.get();
      slot->task.done = [this, raw] { End(raw); };
      slots_.push_back(std::move(slot));
    }
    for (auto& slot : slots_) Next(slot.get());
  }

  void Next(Slot* slot) {
    if (left_ == 0) return Idle();
    --left_;
    const int use = ++slot->uses;
    Task& task = slot->task;
    task.Reset();
    task.nexus = nexus_;
    task.lun = random_.Below(2) << 48;
    if (random_.Chance(10)) task.attribute = TaskAttribute::kOrdered;
    if (random_.Chance(3)) task.attribute = TaskAttribute::kHeadOfQueue;
    const uint8_t opcodes[] = {0x28, 0x28, 0x2a, 0x2a, 0x2f, 0x00, 0x12, 0x35};
    task.cdb[0] = opcodes[random_.Below(std::size(opcodes))];
    if (task.cdb[0] == 0x12) task.cdb[4] = 96;
    if ((task.cdb[0] & 0xf0) == 0x20) {
      task.cdb[5] = static_cast<uint8_t>(random_.Below(64));
      task.cdb[8] = 4;
    }
    if (!server_->Prepare(&task)) return thread_.loop()->Post([this, slot] { End(slot); });
    slot->buffer = {slot->memory.data(), slot->memory.size()};
    task.data = {&slot->buffer, 1};
    if (random_.Chance(30)) {
      // Another nexus may abort it while it waits, and call `done`: then the slot may have its next
      // task already.
      thread_.loop()->Post([this, slot, use] {
        if (slot->uses == use && slot->task.in_task_set()) Run(slot);
      });
    } else {
      Run(slot);
    }
  }

  void Run(Slot* slot) {
    if (server_->Execute(&slot->task) == Execution::kEnded) {
      thread_.loop()->Post([this, slot] { End(slot); });
      return;
    }
    if (random_.Chance(3)) server_->Abort(&slot->task);
  }

  void End(Slot* slot) {
    if (slot->task.result.aborted) ++aborted_;
    if (!slot->task.result.aborted && slot->task.result.status == ScsiStatus::kGood) ++good_;
    if (random_.Chance(2) && left_ > 0) {
      const TaskManagement functions[] = {TaskManagement::kAbortTaskSet,
                                          TaskManagement::kClearTaskSet,
                                          TaskManagement::kLogicalUnitReset};
      return server_->ManageTasks(nexus_, functions[random_.Below(3)], random_.Below(2) << 48, {},
                                  [this, slot](TaskManagementResult) { Next(slot); });
    }
    Next(slot);
  }

  void Idle() {
    if (++idle_ < kDepth) return;
    server_->CloseNexus(nexus_, [this] { finished_ = true; });
  }

  DeviceServer* const server_;
  const int number_;
  int left_;
  int idle_ = 0;
  base::Random random_;
  Nexus* nexus_ = nullptr;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::atomic<bool> finished_{false};
  std::atomic<int> aborted_{0};
  std::atomic<int> good_{0};
  fabric::LoopThread thread_;  // ends first
};

TEST(ConcurrencyTest, SessionsOnSeveralThreads) {
  std::vector<LogicalUnitOptions> units;
  for (const char* spec : {"ram:1M", "slow:1,ram:1M"}) {
    auto store = MakeStore(*ParseLunSpec(spec));
    ASSERT_TRUE(store.ok());
    units.push_back({static_cast<uint16_t>(units.size()), "", kBlock, false,
                     std::shared_ptr<Store>(*std::move(store))});
  }
  auto server = DeviceServer::Create({"iqn.2026-11.org.pushpull:threads", {}}, std::move(units));
  ASSERT_TRUE(server.ok());
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < 4; ++i) {
    sessions.push_back(std::make_unique<Session>(server->get(), i, 1500));
  }
  fabric::EpollLoop loop;
  loop.RunUntil([&] {
    bool all = true;
    for (const auto& session : sessions) all = all && session->finished();
    loop.StartTimer(absl::Milliseconds(1), [] {});  // asks again
    return all;
  });
  EXPECT_EQ((*server)->tasks_in_flight(), 0u);
  for (const auto& session : sessions) {
    EXPECT_GT(session->good(), 500);
    EXPECT_GT(session->aborted(), 0);
  }
}

}  // namespace
}  // namespace pushpull::target
