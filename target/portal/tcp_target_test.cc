// The target on real sockets and threads.

#include "target/portal/tcp_target.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "target/portal/testing/blocking_client.h"
#include "target/store/ram_store.h"
#include "target/store/slow_store.h"

namespace pushpull::target {
namespace {

using testing::BlockingClient;

TargetOptions Options() {
  TargetOptions options;
  for (uint16_t number : {0, 1}) {
    auto ram = RamStore::Create(4 << 20);
    LogicalUnitOptions unit;
    unit.number = number;
    unit.store = *std::move(ram);
    if (number == 1) {
      auto slow = RamStore::Create(4 << 20);
      unit.store = std::make_shared<SlowStore>(absl::Milliseconds(1), *std::move(slow));
    }
    options.logical_units.push_back(std::move(unit));
  }
  return options;
}

std::unique_ptr<TcpTarget> Serve(uint32_t threads, uint16_t* port) {
  auto target = TcpTarget::Create(Options(), threads);
  EXPECT_TRUE(target.ok()) << target.status();
  const auto address = (*target)->Listen({"127.0.0.1", 0});
  EXPECT_TRUE(address.ok()) << address.status();
  *port = address->port;
  return *std::move(target);
}

TEST(TcpTargetTest, ServesSeveralSessionsOnSeveralThreads) {
  uint16_t port = 0;
  const auto target = Serve(3, &port);
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      BlockingClient client(port, static_cast<uint8_t>(t + 1));
      if (!client.Login()) return;
      for (const uint64_t lun : {0, 1}) {
        std::vector<uint8_t> nothing;
        while (client.Run(0, 0, 0, lun, &nothing) == 2) {
        }
        for (int i = 0; i < 20; ++i) {
          const auto blocks = static_cast<uint16_t>(1 + i * 7);
          std::vector<uint8_t> data(size_t{blocks} * 512);
          for (size_t k = 0; k < data.size(); ++k) data[k] = static_cast<uint8_t>(k * 7 + t + i);
          std::vector<uint8_t> read;
          const uint32_t lba = static_cast<uint32_t>(t) * 1000;
          if (client.Run(0x2a, lba, blocks, lun, &data) != 0) return;
          if (client.Run(0x28, lba, blocks, lun, &read) != 0 || read != data) return;
        }
      }
      if (client.Logout()) ++good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 6);
  EXPECT_EQ(target->Get(Count::kLoginsDone), 6);
  target->Stop();
  for (size_t i = 0; i < kCounts; ++i) {
    const auto count = static_cast<Count>(i);
    if (IsGauge(count)) {
      EXPECT_EQ(target->Get(count), 0) << CountName(count);
    }
  }
}

// Sessions of one name on different loops replace one another.
TEST(TcpTargetTest, ReinstatesAcrossThreads) {
  uint16_t port = 0;
  const auto target = Serve(3, &port);
  std::vector<std::thread> threads;
  std::atomic<int> logins{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        BlockingClient client(port, 1);
        if (!client.Login()) continue;
        ++logins;
        std::vector<uint8_t> data(64 * 512, 1);
        client.Run(0x2a, 0, 64, 1, &data);
        client.Run(0x28, 0, 64, 1, &data);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(logins, 0);
  BlockingClient last(port, 1);
  EXPECT_TRUE(last.Login());
  EXPECT_EQ(target->Get(Count::kSessions), 1);
}

TEST(TcpTargetTest, StopsInTheMidstOfWork) {
  uint16_t port = 0;
  const auto target = Serve(2, &port);
  std::atomic<bool> stop{false};
  std::atomic<int> ran{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      while (!stop) {
        BlockingClient client(port, static_cast<uint8_t>(t));
        if (!client.Login()) continue;
        std::vector<uint8_t> data(200 * 512, 1);
        while (client.Run(0x2a, 0, 200, t % 2, &data).has_value()) ++ran;
      }
    });
  }
  while (ran < 50) std::this_thread::yield();
  target->Stop();
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(TcpTargetTest, AnAddressInUseIsAnError) {
  uint16_t port = 0;
  const auto target = Serve(1, &port);
  const auto again = target->Listen({"127.0.0.1", port});
  EXPECT_FALSE(again.ok());
  EXPECT_EQ(target->addresses().size(), 1u);
}

}  // namespace
}  // namespace pushpull::target
