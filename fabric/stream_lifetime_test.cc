// Streams that are destroyed, or move to another loop, while something happens on them.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "fabric/loop.h"
#include "fabric/makers.h"
#include "fabric/stream.h"
#include "fabric/stream_fixture.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

class StreamLifetimeTest : public StreamTest {
 protected:
  void MoveToAnotherLoop(bool with_handlers);
};

INSTANTIATE_TEST_SUITE_P(Makers, StreamLifetimeTest, testing::ValuesIn(AllMakers()),
                         [](const auto& info) { return info.param.name; });

TEST_P(StreamLifetimeTest, HandlersMayDestroyTheStream) {
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

TEST_P(StreamLifetimeTest, OneHandlerMayDestroyAnotherStreamThatIsReadyToo) {
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

TEST_P(StreamLifetimeTest, AcceptHandlerMayDestroyListenerAndStream) {
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

void StreamLifetimeTest::MoveToAnotherLoop(bool with_handlers) {
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

TEST_P(StreamLifetimeTest, StreamsMoveToAnotherLoop) { MoveToAnotherLoop(/*with_handlers=*/false); }

TEST_P(StreamLifetimeTest, StreamsMoveWithoutTheirHandlers) {
  MoveToAnotherLoop(/*with_handlers=*/true);
}

TEST_P(StreamLifetimeTest, NetworkMayDieFirst) {
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

TEST_P(StreamLifetimeTest, StreamsAndConnectsThatAreUnderWayDieWithTheLoop) {
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

}  // namespace
}  // namespace pushpull::fabric
