// The target on real sockets and threads.

#include "target/portal/tcp_target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "gtest/gtest.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"
#include "target/store/ram_store.h"
#include "target/store/slow_store.h"

namespace pushpull::target {
namespace {

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

// A blocking initiator, as plain as can be.
class Client {
 public:
  Client(uint16_t port, uint8_t isid) : isid_{0x80, 0, 0, 0, 0, isid} {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Close();
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { Close(); }

  bool Login() {
    LoginRequest request;
    request.transit = true;
    request.current_stage = Stage::kLoginOperationalNegotiation;
    request.next_stage = Stage::kFullFeaturePhase;
    request.isid = isid_;
    request.initiator_task_tag = 1;
    request.cmd_sn = cmd_sn_;
    const std::string keys = std::string("InitiatorName=iqn.2026-11.org.pushpull:c\0", 41) +
                             std::string("TargetName=") + NodeOptions().name + '\0';
    if (!Send(request.Encode(), {keys.begin(), keys.end()})) return false;
    const auto answer = Receive();
    return answer.has_value() && LoginResponse::Decode(BhsView(answer->first)).status_class == 0;
  }

  // Its status; nothing where the connection ended.
  std::optional<int> Run(uint8_t code, uint32_t lba, uint16_t blocks, uint64_t lun,
                         std::vector<uint8_t>* data) {
    ScsiCommand command;
    command.lun = lun << 48;
    command.read = code == 0x28;
    command.write = code == 0x2a;
    command.initiator_task_tag = ++tag_;
    command.expected_data_transfer_length = uint32_t{blocks} * 512;
    command.cmd_sn = cmd_sn_++;
    command.exp_stat_sn = exp_stat_sn_;
    command.cdb[0] = code;
    base::StoreBe32(command.cdb.data() + 2, lba);
    base::StoreBe16(command.cdb.data() + 7, blocks);
    if (!Send(command.Encode(), {})) return std::nullopt;
    if (command.read) data->clear();
    while (auto pdu = Receive()) {
      const BhsView bhs(pdu->first);
      if (bhs.opcode() == Opcode::kR2t) {
        if (!Answer(R2t::Decode(bhs), *data)) return std::nullopt;
      } else if (bhs.opcode() == Opcode::kDataIn) {
        data->insert(data->end(), pdu->second.begin(), pdu->second.end());
        const DataIn in = DataIn::Decode(bhs);
        if (in.status_present) return in.status;
      } else if (bhs.opcode() == Opcode::kScsiResponse) {
        return ScsiResponse::Decode(bhs).status;
      }
    }
    return std::nullopt;
  }

  bool Logout() {
    LogoutRequest logout;
    logout.immediate = true;
    logout.initiator_task_tag = ++tag_;
    logout.cmd_sn = cmd_sn_;
    return Send(logout.Encode(), {}) && Receive().has_value() && !Receive().has_value();
  }

  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  using Pdu = std::pair<Bhs, std::vector<uint8_t>>;

  bool Send(Bhs bhs, std::vector<uint8_t> data) {
    SetDataSegmentLength(bhs, static_cast<uint32_t>(data.size()));
    data.resize((data.size() + 3) / 4 * 4);
    std::vector<uint8_t> bytes(bhs.begin(), bhs.end());
    bytes.insert(bytes.end(), data.begin(), data.end());
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent += static_cast<size_t>(n);
    }
    return true;
  }
  bool Take(uint8_t* to, size_t size) {
    return size == 0 || recv(fd_, to, size, MSG_WAITALL) == static_cast<ssize_t>(size);
  }
  std::optional<Pdu> Receive() {
    Pdu pdu;
    if (!Take(pdu.first.data(), kBhsBytes)) return std::nullopt;
    const BhsView bhs(pdu.first);
    pdu.second.resize(bhs.data_segment_length() + bhs.pad_bytes());
    if (!Take(pdu.second.data(), pdu.second.size())) return std::nullopt;
    pdu.second.resize(bhs.data_segment_length());
    exp_stat_sn_ = base::LoadBe32(pdu.first.data() + 24);
    return pdu;
  }
  bool Answer(const R2t& r2t, const std::vector<uint8_t>& data) {
    DataOut out;
    out.lun = r2t.lun;
    out.initiator_task_tag = r2t.initiator_task_tag;
    out.target_transfer_tag = r2t.target_transfer_tag;
    out.buffer_offset = r2t.buffer_offset;
    const auto begin = data.begin() + r2t.buffer_offset;
    return Send(out.Encode(), {begin, begin + r2t.desired_data_transfer_length});
  }

  int fd_ = -1;
  const Isid isid_;
  uint32_t cmd_sn_ = 1;
  uint32_t exp_stat_sn_ = 0;
  uint32_t tag_ = 0;
};

TEST(TcpTargetTest, ServesSeveralSessionsOnSeveralThreads) {
  uint16_t port = 0;
  const auto target = Serve(3, &port);
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      Client client(port, static_cast<uint8_t>(t + 1));
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
        Client client(port, 1);
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
  Client last(port, 1);
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
        Client client(port, static_cast<uint8_t>(t));
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
