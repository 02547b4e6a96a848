// One body of tests for every maker of streams: what the code above may rely on.

#include "fabric/stream.h"

#include <sys/resource.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "fabric/loop.h"
#include "fabric/makers.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

using Kind = IoResult::Kind;

IoResult Read(Stream& stream, char* to, size_t size) {
  const iovec buffer = {to, size};
  return stream.TryRead({&buffer, 1});
}

IoResult Write(Stream& stream, const std::string& text) {
  const iovec buffer = {const_cast<char*>(text.data()), text.size()};
  return stream.TryWrite({&buffer, 1});
}

std::string RandomText(uint64_t seed, size_t size) {
  base::Random random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random.Next());
  return text;
}

// One end, with handlers that do what every user of a stream does.
class Peer {
 public:
  explicit Peer(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}

  void Start() {
    stream_->SetHandlers([this] { OnReadable(); }, [this] { OnWritable(); });
  }
  void Send(const std::string& text) {
    out_ += text;
    Pump();
  }
  // After all that was sent.
  void Finish() {
    finish_ = true;
    Pump();
  }
  // Reads no more than `size` bytes in all until it's called again.
  void LimitReads(size_t size) { read_limit_ = size; }
  void ReadOn() { OnReadable(); }

  Stream& stream() { return *stream_; }
  void Destroy() { stream_.reset(); }
  std::unique_ptr<Stream> Release() && { return std::move(stream_); }
  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }
  int read_error() const { return read_error_; }
  int write_error() const { return write_error_; }
  bool all_sent() const { return sent_ == out_.size(); }
  size_t sent() const { return sent_; }
  int readable_calls() const { return readable_calls_; }
  int writable_calls() const { return writable_calls_; }

  bool echo = false;

 private:
  void OnReadable() {
    ++readable_calls_;
    while (received_.size() < read_limit_) {
      char first[7];
      char second[5000];
      const size_t left = read_limit_ - received_.size();
      const iovec buffers[] = {
          {first, std::min(left, sizeof first)},
          {nullptr, 0},
          {second, std::min(left - std::min(left, sizeof first), sizeof second)}};
      const IoResult result = stream_->TryRead(buffers);
      if (result.kind == Kind::kBytes) {
        const size_t head = std::min(result.bytes, buffers[0].iov_len);
        std::string got(first, head);
        got.append(second, result.bytes - head);
        received_ += got;
        if (echo) Send(got);
        continue;
      }
      if (result.kind == Kind::kEnd) {
        ended_ = true;
        if (echo) Finish();
      }
      if (result.kind == Kind::kError) read_error_ = result.error;
      return;
    }
  }
  void OnWritable() {
    ++writable_calls_;
    blocked_ = false;
    Pump();
  }
  void Pump() {
    while (!blocked_ && write_error_ == 0 && sent_ < out_.size()) {
      const size_t left = out_.size() - sent_;
      const size_t head = std::min<size_t>(left, 3);
      const iovec buffers[] = {{out_.data() + sent_, head},
                               {out_.data() + sent_ + head, left - head}};
      const IoResult result = stream_->TryWrite(buffers);
      if (result.kind == Kind::kBytes) sent_ += result.bytes;
      if (result.kind == Kind::kWouldBlock) blocked_ = true;
      if (result.kind == Kind::kError) write_error_ = result.error;
      ASSERT_NE(result.kind, Kind::kEnd);
    }
    if (finish_ && all_sent() && !std::exchange(finished_, true)) stream_->ShutdownWrite();
  }

  std::unique_ptr<Stream> stream_;
  std::string out_;
  size_t sent_ = 0;
  bool blocked_ = false;
  bool finish_ = false;
  bool finished_ = false;
  std::string received_;
  size_t read_limit_ = SIZE_MAX;
  bool ended_ = false;
  int read_error_ = 0;
  int write_error_ = 0;
  int readable_calls_ = 0;
  int writable_calls_ = 0;
};

class StreamTest : public testing::TestWithParam<MakerKind> {
 protected:
  StreamTest() : maker_(GetParam().make()) {}

  Network& network() { return *maker_->network(); }
  void RunUntil(const std::function<bool()>& done) { maker_->RunUntil(done); }

  std::unique_ptr<Listener> Listen(Network::AcceptHandler accept) {
    auto listener = network().Listen(maker_->loop(), maker_->any_port(), std::move(accept));
    EXPECT_TRUE(listener.ok()) << listener.status();
    return *std::move(listener);
  }

  absl::StatusOr<std::unique_ptr<Stream>> Connect(const Address& address) {
    std::optional<absl::StatusOr<std::unique_ptr<Stream>>> result;
    network().Connect(maker_->loop(), address,
                      [&](absl::StatusOr<std::unique_ptr<Stream>> r) { result = std::move(r); });
    EXPECT_FALSE(result.has_value()) << "called within Connect";
    RunUntil([&] { return result.has_value(); });
    if (!result.has_value()) return absl::InternalError("never connected");
    return *std::move(result);
  }

  // Connects client_ to server_, neither of them started.
  void MakePair() {
    std::unique_ptr<Stream> accepted;
    const auto listener = Listen([&](std::unique_ptr<Stream> s) { accepted = std::move(s); });
    auto connected = Connect(listener->address());
    ASSERT_TRUE(connected.ok()) << connected.status();
    RunUntil([&] { return accepted != nullptr; });
    ASSERT_NE(accepted, nullptr);
    client_ = std::make_unique<Peer>(*std::move(connected));
    server_ = std::make_unique<Peer>(std::move(accepted));
  }
  void MoveToAnotherLoop(bool with_handlers);
  void StartPair() {
    MakePair();
    if (HasFatalFailure()) return;
    client_->Start();
    server_->Start();
  }

  const std::unique_ptr<Maker> maker_;
  std::unique_ptr<Peer> client_;
  std::unique_ptr<Peer> server_;
};

INSTANTIATE_TEST_SUITE_P(Makers, StreamTest, testing::ValuesIn(AllMakers()),
                         [](const auto& info) { return info.param.name; });

TEST_P(StreamTest, EndsKnowTheirAddresses) {
  std::unique_ptr<Stream> accepted;
  const auto listener = Listen([&](std::unique_ptr<Stream> s) { accepted = std::move(s); });
  EXPECT_NE(listener->address().port, 0);
  EXPECT_EQ(listener->address().host, maker_->any_port().host);
  auto connected = Connect(listener->address());
  ASSERT_TRUE(connected.ok()) << connected.status();
  RunUntil([&] { return accepted != nullptr; });
  EXPECT_EQ((*connected)->peer(), listener->address());
  EXPECT_EQ(accepted->local(), listener->address());
  EXPECT_EQ(accepted->peer(), (*connected)->local());
  EXPECT_NE(accepted->peer().port, 0);
}

TEST_P(StreamTest, EchoesToTheEnd) {
  StartPair();
  server_->echo = true;
  client_->Send("hello ");
  client_->Send("world");
  client_->Finish();
  RunUntil([&] { return client_->ended() && server_->ended(); });
  EXPECT_EQ(client_->received(), "hello world");
  EXPECT_EQ(server_->received(), "hello world");
}

TEST_P(StreamTest, ManyBytesBothWaysArriveIntact) {
  StartPair();
  const std::string there = RandomText(1, maker_->many_bytes());
  const std::string back = RandomText(2, maker_->many_bytes() / 2);
  client_->Send(there);
  server_->Send(back);
  client_->Finish();
  server_->Finish();
  RunUntil([&] { return client_->ended() && server_->ended(); });
  EXPECT_TRUE(server_->received() == there);
  EXPECT_TRUE(client_->received() == back);
}

TEST_P(StreamTest, WriterIsHeldByAReaderThatDoesNotRead) {
  StartPair();
  server_->LimitReads(0);
  std::string text;
  while (client_->all_sent()) {
    const std::string more = RandomText(text.size(), maker_->many_bytes());
    text += more;
    client_->Send(more);
    maker_->Settle();
  }
  client_->Finish();
  server_->LimitReads(SIZE_MAX);
  server_->ReadOn();
  RunUntil([&] { return server_->ended(); });
  EXPECT_TRUE(server_->received() == text);
}

TEST_P(StreamTest, OneDirectionEndsAndTheOtherGoesOn) {
  StartPair();
  client_->Send("question");
  client_->Finish();
  RunUntil([&] { return server_->ended(); });
  EXPECT_EQ(server_->received(), "question");
  EXPECT_FALSE(client_->ended());
  server_->Send("answer");
  server_->Finish();
  RunUntil([&] { return client_->ended(); });
  EXPECT_EQ(client_->received(), "answer");
}

TEST_P(StreamTest, EndIsSaidAgainAndAgain) {
  StartPair();
  client_->Finish();
  RunUntil([&] { return server_->ended(); });
  char c;
  for (int i = 0; i < 3; ++i) {
    // A simulated network may put a block between any two reads, but not for ever.
    IoResult result = Read(server_->stream(), &c, 1);
    if (result.kind == Kind::kWouldBlock) result = Read(server_->stream(), &c, 1);
    EXPECT_EQ(result.kind, Kind::kEnd);
  }
}

TEST_P(StreamTest, WritingAfterTheOwnEndFails) {
  StartPair();
  client_->Finish();
  const IoResult result = Write(client_->stream(), "x");
  EXPECT_EQ(result.kind, Kind::kError);
  EXPECT_EQ(result.error, EPIPE);
  RunUntil([&] { return server_->ended(); });
  server_->Send("still there");
  server_->Finish();
  RunUntil([&] { return client_->ended(); });
  EXPECT_EQ(client_->received(), "still there");
}

TEST_P(StreamTest, CloseEndsInOrderAndCallsNobody) {
  StartPair();
  client_->Send("last words");
  RunUntil([&] { return client_->all_sent(); });
  client_->stream().Close();
  const int calls = client_->readable_calls() + client_->writable_calls();
  RunUntil([&] { return server_->ended(); });
  EXPECT_EQ(server_->received(), "last words");
  maker_->Settle();
  EXPECT_EQ(client_->readable_calls() + client_->writable_calls(), calls);
  char c;
  EXPECT_EQ(Read(client_->stream(), &c, 1).error, EBADF);
  EXPECT_EQ(Write(client_->stream(), "x").error, EBADF);
  client_->stream().Close();
  client_->stream().Abort();
  client_->stream().ShutdownWrite();
}

TEST_P(StreamTest, CloseWithUnreadBytesStillDeliversWhatWasSent) {
  StartPair();
  server_->LimitReads(0);
  client_->Send("ignored");
  RunUntil([&] { return server_->readable_calls() > 0 && client_->all_sent(); });
  maker_->Settle();
  server_->Send("goodbye");
  RunUntil([&] { return server_->all_sent(); });
  server_->stream().Close();
  RunUntil([&] { return client_->ended(); });
  EXPECT_EQ(client_->received(), "goodbye");
  EXPECT_EQ(client_->read_error(), 0);
  // No reset came after the end: the kernel still takes a byte (and only then learns better).
  IoResult wrote = Write(client_->stream(), "x");
  if (wrote.kind == Kind::kWouldBlock) wrote = Write(client_->stream(), "x");
  EXPECT_EQ(wrote.kind, Kind::kBytes) << wrote.error;
}

TEST_P(StreamTest, WritingToAClosedPeerFailsInTheEnd) {
  StartPair();
  server_->stream().Close();
  RunUntil([&] { return client_->ended(); });
  RunUntil([&] {
    client_->Send("x");
    return client_->write_error() != 0;
  });
  EXPECT_TRUE(client_->write_error() == EPIPE || client_->write_error() == ECONNRESET)
      << client_->write_error();
  EXPECT_EQ(client_->read_error(), 0) << "the end came in order";
}

TEST_P(StreamTest, AbortIsAnErrorForThePeerAndForGood) {
  StartPair();
  client_->stream().Abort();
  RunUntil([&] { return server_->read_error() != 0; });
  EXPECT_EQ(server_->read_error(), ECONNRESET);
  EXPECT_FALSE(server_->ended());
  for (int i = 0; i < 3; ++i) {
    char c;
    const IoResult read = Read(server_->stream(), &c, 1);
    EXPECT_EQ(read.kind, Kind::kError);
    EXPECT_EQ(read.error, ECONNRESET);
    EXPECT_EQ(Write(server_->stream(), "x").kind, Kind::kError);
  }
}

TEST_P(StreamTest, ResetThatTheWriterSeesFirstIsNoEndForTheReader) {
  StartPair();
  server_->LimitReads(0);
  client_->stream().Abort();
  RunUntil([&] {
    server_->Send("x");
    return server_->write_error() != 0;
  });
  server_->LimitReads(SIZE_MAX);
  server_->ReadOn();
  RunUntil([&] { return server_->read_error() != 0 || server_->ended(); });
  EXPECT_EQ(server_->read_error(), ECONNRESET);
  EXPECT_FALSE(server_->ended());
}

TEST_P(StreamTest, WhatArrivedBeforeAResetCanBeRead) {
  StartPair();
  server_->LimitReads(0);
  client_->Send("x");
  RunUntil([&] { return server_->readable_calls() > 0 && client_->all_sent(); });
  maker_->Settle();
  client_->stream().Abort();
  maker_->Settle();
  server_->LimitReads(SIZE_MAX);
  server_->ReadOn();
  RunUntil([&] { return server_->read_error() != 0; });
  EXPECT_EQ(server_->received(), "x");
}

TEST_P(StreamTest, HandlersAreCalledFirstWhenSet) {
  MakePair();
  client_->Start();
  EXPECT_EQ(client_->writable_calls(), 0) << "called within SetHandlers";
  RunUntil([&] { return client_->writable_calls() > 0; });
  maker_->Settle();
  if (!maker_->calls_without_need()) {
    EXPECT_EQ(client_->writable_calls(), 1);
    EXPECT_EQ(client_->readable_calls(), 0);
  }
  // What came before they were set counts too.
  client_->Send("x");
  RunUntil([&] { return client_->all_sent(); });
  maker_->Settle();
  server_->Start();
  RunUntil([&] { return server_->received() == "x"; });
}

TEST_P(StreamTest, ReaderThatStoppedIsNotCalled) {
  if (maker_->calls_without_need()) GTEST_SKIP() << "this maker calls without need";
  StartPair();
  server_->LimitReads(1);
  client_->Send("abc");
  RunUntil([&] { return server_->received() == "a" && client_->all_sent(); });
  const int calls = server_->readable_calls();
  client_->Send("def");
  RunUntil([&] { return client_->all_sent(); });
  maker_->Settle();
  EXPECT_EQ(server_->readable_calls(), calls);
  server_->LimitReads(SIZE_MAX);
  server_->ReadOn();  // to kWouldBlock: from here on it is called again
  RunUntil([&] { return server_->received() == "abcdef"; });
  client_->Send("g");
  RunUntil([&] { return server_->received() == "abcdefg"; });
}

TEST_P(StreamTest, ReadsAndWritesWorkWithoutHandlers) {
  MakePair();
  IoResult wrote = {.kind = Kind::kWouldBlock};
  RunUntil([&] {
    wrote = Write(client_->stream(), "x");
    return wrote.kind != Kind::kWouldBlock;
  });
  EXPECT_EQ(wrote.bytes, 1u);
  char c = 0;
  bool posted = false;
  const std::function<void()> poll = [&] {
    if (Read(server_->stream(), &c, 1).kind == Kind::kBytes) {
      posted = true;
    } else {
      maker_->loop()->StartTimer(absl::Milliseconds(1), poll);
    }
  };
  poll();
  RunUntil([&] { return posted; });
  EXPECT_EQ(c, 'x');
}

TEST_P(StreamTest, HandlersMayDestroyTheStream) {
  MakePair();
  // Captured state proves that what runs stays alive: a sanitizer sees it if it doesn't.
  auto canary = std::make_shared<std::string>("still here");
  std::string seen;
  server_->stream().SetHandlers(
      [this, canary, &seen] {
        server_->Destroy();
        seen = *canary;
      },
      [] {});
  client_->Start();
  client_->Send("x");
  RunUntil([&] { return !seen.empty(); });
  EXPECT_EQ(seen, "still here");
  EXPECT_EQ(canary.use_count(), 1);
  RunUntil([&] { return client_->ended() || client_->read_error() != 0; });
  std::string also_seen;
  MakePair();
  server_->stream().SetHandlers([] {},
                                [this, canary, &also_seen] {
                                  server_->Destroy();
                                  also_seen = *canary;
                                });
  RunUntil([&] { return !also_seen.empty(); });
  EXPECT_EQ(canary.use_count(), 1);
}

TEST_P(StreamTest, OneHandlerMayDestroyAnotherStreamThatIsReadyToo) {
  // Whichever is called first destroys the other, in the middle of the same turn.
  MakePair();
  std::unique_ptr<Peer> client2 = std::move(client_);
  std::unique_ptr<Peer> server2 = std::move(server_);
  MakePair();
  int calls = 0;
  server_->stream().SetHandlers(
      [&] {
        ++calls;
        server2->Destroy();
      },
      nullptr);
  server2->stream().SetHandlers(
      [&] {
        ++calls;
        server_->Destroy();
      },
      nullptr);
  client_->Start();
  client2->Start();
  client_->Send("x");
  client2->Send("x");
  RunUntil([&] { return calls > 0; });
  maker_->Settle();
  if (!maker_->calls_without_need()) {
    EXPECT_EQ(calls, 1);
  }
}

TEST_P(StreamTest, AcceptHandlerMayDestroyListenerAndStream) {
  std::unique_ptr<Listener> listener;
  auto canary = std::make_shared<int>(5);
  int seen = 0;
  listener = Listen([canary, &listener, &seen](std::unique_ptr<Stream> stream) {
    listener.reset();
    stream.reset();
    seen = *canary;
  });
  auto connected = Connect(listener->address());
  RunUntil([&] { return seen != 0; });
  EXPECT_EQ(canary.use_count(), 1);
  EXPECT_EQ(listener, nullptr);
}

TEST_P(StreamTest, NobodyListensIsAStatusThatSaysSo) {
  const Address address = Listen([](std::unique_ptr<Stream>) {})->address();
  const auto result = Connect(address);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
  const std::string message(result.status().message());
  EXPECT_NE(message.find(address.ToString()), std::string::npos) << message;
  EXPECT_NE(message.find("refused"), std::string::npos) << message;
}

TEST_P(StreamTest, AddressInUseIsAStatusThatSaysSo) {
  const auto listener = Listen([](std::unique_ptr<Stream>) {});
  const auto second =
      network().Listen(maker_->loop(), listener->address(), [](std::unique_ptr<Stream>) {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_NE(second.status().message().find("address already in use: another process listens on " +
                                           listener->address().ToString()),
            std::string::npos)
      << second.status();
}

TEST_P(StreamTest, NoHostListensOnAll) {
  std::unique_ptr<Stream> accepted;
  const auto listener = network().Listen(
      maker_->loop(), {"", 0}, [&](std::unique_ptr<Stream> s) { accepted = std::move(s); });
  ASSERT_TRUE(listener.ok()) << listener.status();
  const auto connected = Connect({maker_->any_port().host, (*listener)->address().port});
  ASSERT_TRUE(connected.ok()) << connected.status();
  RunUntil([&] { return accepted != nullptr; });
  EXPECT_EQ(accepted->local().host, maker_->any_port().host);
}

void StreamTest::MoveToAnotherLoop(bool with_handlers) {
  MakePair();
  client_->Start();
  if (with_handlers) {
    server_->echo = true;
    server_->Start();
    client_->Send("early ");
    RunUntil([&] { return client_->received() == "early "; });
  }
  client_->Send("before ");  // may have arrived before the move
  bool moved = false;
  std::unique_ptr<Stream> stream = std::move(*server_).Release();
  network().Move(std::move(stream), maker_->other_loop(), [&](std::unique_ptr<Stream> s) {
    EXPECT_TRUE(maker_->other_loop()->OnThread());
    server_ = std::make_unique<Peer>(std::move(s));
    server_->echo = true;
    server_->Start();
    maker_->loop()->Post([&] { moved = true; });
  });
  RunUntil([&] { return moved; });
  client_->Send("after");
  client_->Finish();
  RunUntil([&] { return client_->ended(); });
  EXPECT_EQ(client_->received(), with_handlers ? "early before after" : "before after");
  bool destroyed = false;
  maker_->other_loop()->Post([&] {
    server_.reset();
    maker_->loop()->Post([&] { destroyed = true; });
  });
  RunUntil([&] { return destroyed; });
}

TEST_P(StreamTest, StreamsMoveToAnotherLoop) { MoveToAnotherLoop(/*with_handlers=*/false); }

TEST_P(StreamTest, StreamsMoveWithoutTheirHandlers) { MoveToAnotherLoop(/*with_handlers=*/true); }

TEST_P(StreamTest, NetworkMayDieFirst) {
  StartPair();
  server_->echo = true;
  const auto listener = Listen([](std::unique_ptr<Stream>) {});
  bool connected = false;
  network().Connect(maker_->loop(), listener->address(),
                    [&](absl::StatusOr<std::unique_ptr<Stream>>) { connected = true; });
  maker_->DestroyNetwork();
  client_->Send("x");
  client_->Finish();
  RunUntil([&] { return client_->ended() && connected; });
  EXPECT_EQ(client_->received(), "x");
}

TEST_P(StreamTest, StreamsAndConnectsThatAreUnderWayDieWithTheLoop) {
  // Leaks and use after free are the sanitizers' to find; a loop checks that nothing outlives it.
  StartPair();
  client_->Send(RandomText(1, maker_->many_bytes()));
  std::vector<std::unique_ptr<Stream>> accepted;
  auto listener = Listen([&](std::unique_ptr<Stream> s) { accepted.push_back(std::move(s)); });
  for (int i = 0; i < 10; ++i) {
    network().Connect(maker_->loop(), listener->address(),
                      [](absl::StatusOr<std::unique_ptr<Stream>>) {});
  }
  RunUntil([&] { return accepted.size() >= 5; });
  network().Move(std::move(accepted.back()), maker_->loop(), [](std::unique_ptr<Stream>) {});
}

TEST_P(StreamTest, ManyBuffersAtOnce) {
  StartPair();
  std::string text = RandomText(5, 3000);
  std::vector<iovec> buffers;
  for (char& c : text) {
    buffers.push_back({nullptr, 0});
    buffers.push_back({&c, 1});
  }
  size_t sent = 0;
  RunUntil([&] {
    while (sent < text.size()) {
      const IoResult result =
          client_->stream().TryWrite(std::span<const iovec>(buffers).subspan(2 * sent));
      if (result.kind != Kind::kBytes) return false;
      sent += result.bytes;
    }
    return server_->received().size() == text.size();
  });
  EXPECT_TRUE(server_->received() == text);
}

TEST_P(StreamTest, ManyEmptyBuffersComeFirst) {
  StartPair();
  server_->LimitReads(0);
  char byte = 'x';
  std::vector<iovec> buffers(3000, iovec{nullptr, 0});
  buffers.push_back({&byte, 1});
  RunUntil([&] { return client_->stream().TryWrite(buffers).kind == Kind::kBytes; });
  RunUntil([&] { return server_->readable_calls() > 0; });
  maker_->Settle();
  byte = 0;
  EXPECT_EQ(server_->stream().TryRead(buffers).kind, Kind::kBytes);
  EXPECT_EQ(byte, 'x');
}

TEST_P(StreamTest, FiveHundredStreamsAtOnce) {
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  constexpr size_t kStreams = 500;
  std::vector<std::unique_ptr<Peer>> servers;
  std::vector<std::unique_ptr<Peer>> clients;
  const auto listener = Listen([&](std::unique_ptr<Stream> s) {
    servers.push_back(std::make_unique<Peer>(std::move(s)));
    servers.back()->echo = true;
    servers.back()->Start();
  });
  for (size_t i = 0; i < kStreams; ++i) {
    network().Connect(maker_->loop(), listener->address(),
                      [&](absl::StatusOr<std::unique_ptr<Stream>> s) {
                        ASSERT_TRUE(s.ok()) << s.status();
                        clients.push_back(std::make_unique<Peer>(*std::move(s)));
                        clients.back()->Start();
                        clients.back()->Send(RandomText(clients.size(), 20 + clients.size() % 100));
                        clients.back()->Finish();
                      });
  }
  RunUntil([&] {
    return clients.size() == kStreams &&
           std::all_of(clients.begin(), clients.end(), [](const auto& c) { return c->ended(); });
  });
  ASSERT_EQ(servers.size(), kStreams);
  for (size_t i = 0; i < kStreams; ++i) {
    EXPECT_TRUE(clients[i]->received() == RandomText(i + 1, 20 + (i + 1) % 100));
  }
}

}  // namespace
}  // namespace pushpull::fabric
