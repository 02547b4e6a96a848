// The target on real sockets and threads.

#include "target/portal/tcp_target.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "base/log.h"
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

// Who comes when they are used up doesn't wait for nothing; those that are kept are for others.
TEST(TcpTargetTest, WithoutDescriptorsConnectionsAreClosedAtOnce) {
  std::mutex mutex;
  std::string log;
  TargetOptions options = Options();
  options.node.log = base::Logger(base::LogLevel::kWarning, [&](const base::LogLine& line) {
    const std::lock_guard lock(mutex);
    log += base::ToString(line) + "\n";
  });
  const auto logged = [&](const std::string& event) {
    const std::lock_guard lock(mutex);
    size_t count = 0;
    for (size_t at = 0; (at = log.find(event, at)) != std::string::npos; ++at) ++count;
    return count;
  };
  const auto made = TcpTarget::Create(std::move(options), 1);
  ASSERT_TRUE(made.ok()) << made.status();
  TcpTarget& target = **made;
  rlimit old_limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old_limit), 0);
  const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(next);
  const rlimit few = {.rlim_cur = static_cast<rlim_t>(next) + 40, .rlim_max = old_limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const absl::Cleanup restore = [&] { setrlimit(RLIMIT_NOFILE, &old_limit); };
  const auto address = target.Listen({"127.0.0.1", 0});
  ASSERT_TRUE(address.ok()) << address.status();

  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(address->port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<int> clients;
  const auto turned_away = [&] { return target.Get(Count::kConnectionsWithoutDescriptor); };
  int64_t met = 0;
  const auto connect_one = [&] {
    clients.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(clients.back(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    ++met;
    while (target.Get(Count::kConnectionsAccepted) + turned_away() < met) std::this_thread::yield();
  };
  while (turned_away() == 0 && !HasFatalFailure()) connect_one();
  char byte = 0;
  EXPECT_EQ(recv(clients.back(), &byte, 1, 0), 0);
  connect_one();
  EXPECT_EQ(recv(clients.back(), &byte, 1, 0), 0);
  EXPECT_EQ(turned_away(), 2);
  EXPECT_EQ(logged("descriptors_used_up"), 1u);
  // Two more clients stand among those that are kept.
  std::vector<int> others;
  for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) others.push_back(fd);
  EXPECT_GE(others.size() + 2, few.rlim_cur / 4);
  for (const int fd : others) close(fd);
  for (const int fd : clients) close(fd);
  while (target.Get(Count::kConnections) > 0) std::this_thread::yield();
  EXPECT_EQ(logged("descriptors_back"), 0u);
  connect_one();
  EXPECT_EQ(logged("descriptors_back"), 1u);
  EXPECT_EQ(turned_away(), 2);
  close(clients.back());
}

}  // namespace
}  // namespace pushpull::target
