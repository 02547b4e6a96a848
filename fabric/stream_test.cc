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
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fabric/loop.h"
#include "fabric/makers.h"
#include "fabric/stream_fixture.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

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
  StartPair();
  server_->LimitReads(1);
  client_->Send("abc");
  RunUntil([&] { return server_->received() == "a" && client_->all_sent(); });
  const int calls = server_->readable_calls();
  client_->Send("def");
  RunUntil([&] { return client_->all_sent(); });
  maker_->Settle();
  if (!maker_->calls_without_need()) {
    EXPECT_EQ(server_->readable_calls(), calls);
  }
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
