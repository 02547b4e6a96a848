// What only the real network has: the kernel's errors, names, descriptors that run out.

#include "fabric/tcp_network.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fabric/epoll_loop.h"
#include "fabric/net_error.h"
#include "fabric/socket_address.h"
#include "fabric/stream.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

class TcpNetworkTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Stream>> Connect(TcpNetwork& network, const Address& address) {
    std::optional<absl::StatusOr<std::unique_ptr<Stream>>> result;
    network.Connect(&loop_, address,
                    [&](absl::StatusOr<std::unique_ptr<Stream>> r) { result = std::move(r); });
    loop_.RunUntil([&] { return result.has_value(); });
    return *std::move(result);
  }

  std::unique_ptr<Listener> Listen(const Address& address) {
    auto listener = network_.Listen(
        &loop_, address, [this](std::unique_ptr<Stream> s) { accepted_.push_back(std::move(s)); });
    EXPECT_TRUE(listener.ok()) << listener.status();
    return *std::move(listener);
  }

  EpollLoop loop_;
  TcpNetwork network_;
  std::vector<std::unique_ptr<Stream>> accepted_;
};

TEST_F(TcpNetworkTest, LocalhostIsEitherFamily) {
  const auto listener4 = Listen({"localhost", 0});
  EXPECT_EQ(listener4->address().host, "127.0.0.1");
  EXPECT_TRUE(Connect(network_, {"localhost", listener4->address().port}).ok());
  const auto listener6 = network_.Listen(&loop_, {"::1", 0}, [](std::unique_ptr<Stream>) {});
  if (!listener6.ok()) GTEST_SKIP() << listener6.status();
  // Refused by 127.0.0.1, then tried on ::1.
  const auto stream = Connect(network_, {"localhost", (*listener6)->address().port});
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ((*stream)->peer().host, "::1");
}

TEST_F(TcpNetworkTest, ConnectsFromTheSourceThatIsAskedFor) {
  const auto listener = Listen({"127.0.0.1", 0});
  TcpNetwork from({.source = Address{"127.0.0.77", 0}});
  const auto stream = Connect(from, listener->address());
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ((*stream)->local().host, "127.0.0.77");
  loop_.RunUntil([&] { return !accepted_.empty(); });
  EXPECT_EQ(accepted_[0]->peer(), (*stream)->local());
}

TEST_F(TcpNetworkTest, SourceThatCannotBeUsedIsAStatusThatSaysSo) {
  const auto listener = Listen({"127.0.0.1", 0});
  const struct {
    const char* source;
    absl::StatusCode code;
    const char* message;
  } kCases[] = {
      {"192.0.2.1", absl::StatusCode::kInvalidArgument, "192.0.2.1 is an address of this machine"},
      {"::1", absl::StatusCode::kInvalidArgument, "one is IPv4, the other is IPv6"},
      {"nonsense", absl::StatusCode::kInvalidArgument, "nonsense: it is not an IP address"},
  };
  for (const auto& c : kCases) {
    TcpNetwork from({.source = Address{c.source, 0}});
    const auto stream = Connect(from, listener->address());
    ASSERT_FALSE(stream.ok());
    EXPECT_EQ(stream.status().code(), c.code) << stream.status();
    EXPECT_NE(stream.status().message().find(c.message), std::string::npos) << stream.status();
  }
}

TEST_F(TcpNetworkTest, NamesAreResolvedAside) {
  // The test has no name server; what matters is that the loop goes on and an answer comes.
  const auto stream = Connect(network_, {"no-such-host.invalid", 3260});
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(stream.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(stream.status().message().find("no-such-host.invalid"), std::string::npos);
}

TEST_F(TcpNetworkTest, NetworkThatDiesAnswersWhatItDidNotAsk) {
  int answers = 0;
  {
    TcpNetwork network;
    for (int i = 0; i < 3; ++i) {
      network.Connect(&loop_, {"no-such-host.invalid", 1},
                      [&](absl::StatusOr<std::unique_ptr<Stream>> s) {
                        EXPECT_FALSE(s.ok());
                        ++answers;
                      });
    }
  }
  loop_.RunUntil([&] { return answers == 3; });
}

TEST_F(TcpNetworkTest, ListenErrorsAreStatuses) {
  const auto fails = [&](const Address& address) {
    const auto listener = network_.Listen(&loop_, address, [](std::unique_ptr<Stream>) {});
    EXPECT_FALSE(listener.ok());
    return listener.status();
  };
  EXPECT_EQ(fails({"some.name", 0}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fails({"192.0.2.1", 0}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TcpNetworkTest, PortIsFreeAgainAtOnce) {
  // Connections of the old listener that linger in the kernel don't hold the port.
  auto listener = Listen({"127.0.0.1", 0});
  const Address address = listener->address();
  const auto stream = Connect(network_, address);
  ASSERT_TRUE(stream.ok());
  loop_.RunUntil([&] { return !accepted_.empty(); });
  accepted_.clear();  // this end closes first: TIME_WAIT is its
  listener.reset();
  EXPECT_NE(Listen(address), nullptr);
}

// Numbers of the descriptors that are open.
std::vector<int> OpenDescriptors() {
  std::vector<int> open;
  for (int fd = 0; fd < 200; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) open.push_back(fd);
  }
  return open;
}

TEST_F(TcpNetworkTest, NoDescriptorIsLeftBehind) {
  const std::vector<int> before = OpenDescriptors();
  auto listener = Listen({"127.0.0.1", 0});
  const Address address = listener->address();
  auto stream = Connect(network_, address);
  ASSERT_TRUE(stream.ok());
  loop_.RunUntil([&] { return !accepted_.empty(); });
  (*stream)->Abort();
  accepted_.clear();
  listener.reset();
  EXPECT_FALSE(Connect(network_, {"localhost", address.port}).ok());
  EXPECT_FALSE(network_.Listen(&loop_, {"192.0.2.1", 0}, [](std::unique_ptr<Stream>) {}).ok());
  TcpNetwork from({.source = Address{"192.0.2.1", 0}});
  EXPECT_FALSE(Connect(from, address).ok());
  // The last attempt is destroyed at the end of its turn.
  bool turned = false;
  loop_.Post([&] { turned = true; });
  loop_.RunUntil([&] { return turned; });
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(TcpNetworkTest, SocketsAreSetUpRight) {
  const std::vector<int> before = OpenDescriptors();
  const auto listener = Listen({"127.0.0.1", 0});
  const auto stream = Connect(network_, listener->address());
  ASSERT_TRUE(stream.ok());
  loop_.RunUntil([&] { return !accepted_.empty(); });
  int connected = 0;
  for (const int fd : OpenDescriptors()) {
    if (std::count(before.begin(), before.end(), fd) > 0) continue;
    EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
    sockaddr_storage peer;
    socklen_t size = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    ++connected;
    int no_delay = 0;
    size = sizeof no_delay;
    EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
    EXPECT_NE(no_delay, 0);
  }
  EXPECT_EQ(connected, 2);
}

TEST_F(TcpNetworkTest, WithoutDescriptorsConnectionsAreClosedAtOnce) {
  std::vector<bool> told;  // of one that was turned away; or that there are some again
  TcpOptions options;
  options.on_descriptors = [&told](bool turned_away) { told.push_back(turned_away); };
  TcpNetwork network(options);
  auto listener = network.Listen(&loop_, {"127.0.0.1", 0}, [this](std::unique_ptr<Stream> stream) {
    accepted_.push_back(std::move(stream));
  });
  ASSERT_TRUE(listener.ok()) << listener.status();
  SocketAddress address = ParseAddress((*listener)->address()).front();
  // Clients that need no descriptor when there are none left.
  std::vector<int> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit old_limit = {};
  getrlimit(RLIMIT_NOFILE, &old_limit);
  const rlimit few = {.rlim_cur = static_cast<rlim_t>(OpenDescriptors().back()) + 1,
                      .rlim_max = old_limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> holes;  // below the limit
  for (int fd; (fd = dup(clients[0])) >= 0;) holes.push_back(fd);
  ASSERT_EQ(errno, EMFILE);
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(connect(clients[i], address.get(), address.size), 0);
    loop_.RunUntil([&] { return told.size() == i + 1; });
    char byte = 0;
    EXPECT_EQ(recv(clients[i], &byte, 1, 0), 0) << i;
  }
  EXPECT_TRUE(accepted_.empty());
  for (const int fd : holes) close(fd);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old_limit), 0);
  ASSERT_EQ(connect(clients[2], address.get(), address.size), 0);
  loop_.RunUntil([&] { return !accepted_.empty(); });
  EXPECT_EQ(told, std::vector<bool>({true, true, false}));
  for (const int fd : clients) close(fd);
}

TEST_F(TcpNetworkTest, BrokenPipeIsNoSignal) {
  signal(SIGPIPE, SIG_DFL);
  const auto listener = Listen({"127.0.0.1", 0});
  auto stream = Connect(network_, listener->address());
  ASSERT_TRUE(stream.ok());
  char byte = 'x';
  const iovec buffer = {&byte, 1};
  (*stream)->ShutdownWrite();
  EXPECT_EQ((*stream)->TryWrite({&buffer, 1}).error, EPIPE);
}

// A stream on one end of a connection, and the bare socket at the other.
class DrainedStreamTest : public TcpNetworkTest {
 protected:
  DrainedStreamTest() {
    const auto listener = Listen({"127.0.0.1", 0});
    peer_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(listener->address().port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(peer_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    loop_.RunUntil([&] { return !accepted_.empty(); });
    accepted_[0]->SetHandlers([this] { ++calls_; }, {});
  }
  ~DrainedStreamTest() override { ClosePeer(); }

  void Send(const std::string& text, int flags = 0) {
    EXPECT_EQ(send(peer_, text.data(), text.size(), flags), static_cast<ssize_t>(text.size()));
  }
  void ClosePeer() {
    if (peer_ >= 0) close(std::exchange(peer_, -1));
  }
  // What a read of more than there is answers: its bytes, or the kind of answer.
  std::string Read() {
    char bytes[64];
    const iovec buffer{bytes, sizeof bytes};
    const IoResult result = accepted_[0]->TryRead({&buffer, 1});
    if (result.kind == IoResult::Kind::kBytes) return {bytes, result.bytes};
    return result.kind == IoResult::Kind::kEnd ? "(end)" : "(blocked)";
  }
  void AwaitCall() {
    loop_.RunUntil([this, before = calls_] { return calls_ > before; });
  }

  int peer_ = -1;
  int calls_ = 0;
};

TEST_F(DrainedStreamTest, IsNotReadAgainBeforeTheKernelTellsOfMore) {
  Send("first");
  AwaitCall();
  EXPECT_EQ(Read(), "first");
  Send("second");
  EXPECT_EQ(Read(), "(blocked)") << "there was less than was asked for";
  AwaitCall();
  EXPECT_EQ(Read(), "second");
  EXPECT_EQ(Read(), "(blocked)");
}

TEST_F(DrainedStreamTest, AnEndThatCameWithTheBytesIsFound) {
  Send("all");
  ClosePeer();
  AwaitCall();
  EXPECT_EQ(Read(), "all");
  EXPECT_EQ(Read(), "(end)");
}

TEST_F(DrainedStreamTest, AnEndThatComesBetweenTheCallAndTheReadIsToldOf) {
  Send("all");
  AwaitCall();
  ClosePeer();
  EXPECT_EQ(Read(), "all");
  EXPECT_EQ(Read(), "(blocked)");
  AwaitCall();
  EXPECT_EQ(Read(), "(end)");
}

TEST_F(DrainedStreamTest, UrgentDataHidesNothingBehindIt) {
  Send("before");
  Send("!", MSG_OOB);
  Send("behind");
  AwaitCall();
  std::string all;
  for (std::string got = Read(); got != "(blocked)"; got = Read()) all += got;
  EXPECT_EQ(all, "beforebehind");
}

TEST(NetErrorTest, MessagesSayWhereAndWhatToDo) {
  const Address peer = {"::1", 3260};
  const Address source = {"10.0.0.1", 0};
  const struct {
    absl::Status status;
    absl::StatusCode code;
    const char* message;
  } kCases[] = {
      {ConnectError(ECONNREFUSED, peer), absl::StatusCode::kUnavailable,
       "cannot connect to [::1]:3260: connection refused; check that the peer is started"},
      {ConnectError(EHOSTUNREACH, peer), absl::StatusCode::kUnavailable, "check the address"},
      {ConnectError(ETIMEDOUT, peer), absl::StatusCode::kUnavailable, "firewall"},
      {ConnectError(EADDRNOTAVAIL, peer), absl::StatusCode::kResourceExhausted, "port"},
      {ConnectError(EADDRNOTAVAIL, peer, &source), absl::StatusCode::kInvalidArgument,
       "from 10.0.0.1: "},
      {ConnectError(EACCES, peer), absl::StatusCode::kPermissionDenied, "firewall"},
      {ConnectError(EMFILE, peer), absl::StatusCode::kResourceExhausted, "ulimit -n"},
      {ConnectError(EAFNOSUPPORT, peer), absl::StatusCode::kUnavailable, "IPv4"},
      {ConnectError(EIO, peer), absl::StatusCode::kUnavailable, "error"},
      {ListenError(EADDRINUSE, peer), absl::StatusCode::kAlreadyExists,
       "cannot listen on [::1]:3260: address already in use: another process listens on "
       "[::1]:3260"},
      {ListenError(EACCES, peer), absl::StatusCode::kPermissionDenied, "1024"},
      {ListenError(EMFILE, peer), absl::StatusCode::kResourceExhausted, "ulimit -n"},
      {ListenError(EAFNOSUPPORT, peer), absl::StatusCode::kInvalidArgument, "IPv4"},
      {ListenError(EIO, peer), absl::StatusCode::kUnavailable, "error"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(c.status.code(), c.code) << c.status;
    EXPECT_NE(c.status.message().find(c.message), std::string::npos) << c.status;
  }
}

TEST(SocketAddressTest, ParsesLiteralsAndAsksNobodyForNames) {
  const struct {
    Address address;
    std::vector<std::string> expected;
  } kCases[] = {
      {{"127.0.0.1", 80}, {"127.0.0.1:80"}},
      {{"::1", 3260}, {"[::1]:3260"}},
      {{"localhost", 1}, {"127.0.0.1:1", "[::1]:1"}},
      {{"", 2}, {"[::]:2", "0.0.0.0:2"}},
      {{"::ffff:10.1.2.3", 3}, {"10.1.2.3:3"}},
      {{"example.com", 80}, {}},
      {{"[::1]", 80}, {}},
      {{"1.2.3.4.5", 80}, {}},
  };
  for (const auto& c : kCases) {
    std::vector<std::string> parsed;
    for (const SocketAddress& a : ParseAddress(c.address)) {
      parsed.push_back(a.ToAddress().ToString());
    }
    EXPECT_EQ(parsed, c.expected) << c.address.host;
  }
}

}  // namespace
}  // namespace pushpull::fabric
