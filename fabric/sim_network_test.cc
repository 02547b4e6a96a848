// What only the simulated network has: cuts, faults, counters, seeds.

#include "fabric/sim_network.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "fabric/loop.h"
#include "fabric/sim_options.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

using Kind = IoResult::Kind;
using Outcome = SimWorld::Outcome;

// Writes what it is given and reads all there is, and notes how.
class End {
 public:
  End(std::unique_ptr<Stream> stream, std::string to_send)
      : stream_(std::move(stream)), out_(std::move(to_send)) {
    stream_->SetHandlers([this] { Read(); }, [this] { Write(); });
  }

  Stream& stream() { return *stream_; }
  std::unique_ptr<Stream> Release() { return std::move(stream_); }
  std::string in;
  std::vector<size_t> reads;
  std::optional<IoResult> end;    // the last read's
  std::optional<IoResult> broke;  // a write's
  bool finished = false;

 private:
  void Read() {
    for (;;) {
      char buffer[4096];
      const iovec to = {buffer, sizeof buffer};
      const IoResult result = stream_->TryRead({&to, 1});
      if (result.kind == Kind::kWouldBlock) return;
      if (result.kind != Kind::kBytes) {
        end = result;
        return;
      }
      in.append(buffer, result.bytes);
      reads.push_back(result.bytes);
    }
  }
  void Write() {
    while (sent_ < out_.size()) {
      const iovec from = {out_.data() + sent_, out_.size() - sent_};
      const IoResult result = stream_->TryWrite({&from, 1});
      if (result.kind == Kind::kWouldBlock) return;
      if (result.kind == Kind::kError) {
        broke = result;
        return;
      }
      sent_ += result.bytes;
    }
    stream_->ShutdownWrite();
    finished = true;
  }

  std::unique_ptr<Stream> stream_;
  std::string out_;
  size_t sent_ = 0;
};

std::string RandomText(uint64_t seed, size_t size) {
  base::Random random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random.Next());
  return text;
}

// A world with one connection, whose ends run on loops of their own.
class Pair {
 public:
  Pair(uint64_t seed, const SimOptions& options, std::string there, std::string back)
      : world(std::make_unique<SimWorld>(seed)),
        network(std::make_unique<SimNetwork>(world.get(), options)) {
    Loop* const server_loop = world->NewLoop();
    auto listening =
        network->Listen(server_loop, {"target", 3260}, [this, back](std::unique_ptr<Stream> s) {
          server = std::make_unique<End>(std::move(s), back);
        });
    EXPECT_TRUE(listening.ok()) << listening.status();
    listener = *std::move(listening);
    network->Connect(world->NewLoop(), {"target", 3260},
                     [this, there](absl::StatusOr<std::unique_ptr<Stream>> s) {
                       if (s.ok()) client = std::make_unique<End>(*std::move(s), there);
                     });
  }

  const SimConnectionRecord& record() const { return network->connection(0); }

  std::unique_ptr<SimWorld> world;
  std::unique_ptr<SimNetwork> network;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<End> client;
  std::unique_ptr<End> server;
};

SimDirection RandomDirection(base::Random& random) {
  SimDirection direction;
  if (random.Chance(50)) direction.max_read_bytes = random.Between(1, 100);
  direction.random_reads = random.Chance(50);
  direction.reads_stop_at_writes = random.Chance(50);
  direction.read_block_percent = static_cast<uint32_t>(random.Between(0, 100));
  if (random.Chance(50)) direction.max_write_bytes = random.Between(1, 100);
  direction.random_writes = random.Chance(50);
  direction.write_block_percent = static_cast<uint32_t>(random.Between(0, 100));
  direction.buffer_bytes = random.Between(1, 3000);
  for (uint64_t cut = random.Below(100); random.Chance(95); cut += random.Below(200)) {
    direction.read_cuts.push_back(cut);
  }
  direction.read_delay = absl::Microseconds(random.Below(3));
  direction.min_latency = absl::Microseconds(random.Below(50));
  direction.max_latency = direction.min_latency + absl::Microseconds(random.Below(500));
  return direction;
}

TEST(SimNetworkTest, AnyBytesArriveIntactHoweverTheyAreCut) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Random random(seed);
    SimOptions options;
    options.to_acceptor = RandomDirection(random);
    options.to_connector = RandomDirection(random);
    options.spurious_wake_percent = static_cast<uint32_t>(random.Below(90));
    const std::string there = RandomText(random.Next(), random.Below(5000));
    const std::string back = RandomText(random.Next(), random.Below(5000));
    Pair pair(seed, options, there, back);
    ASSERT_EQ(pair.world->RunUntilIdle(), Outcome::kIdle);
    ASSERT_TRUE(pair.server->in == there);
    ASSERT_TRUE(pair.client->in == back);
    ASSERT_TRUE(pair.server->end && pair.server->end->kind == Kind::kEnd);
    ASSERT_TRUE(pair.client->end && pair.client->end->kind == Kind::kEnd);
    const SimCounters& counters = pair.record().to_acceptor;
    ASSERT_EQ(counters.bytes_written, there.size());
    ASSERT_EQ(counters.bytes_read, there.size());
    ASSERT_EQ(counters.reads, pair.server->reads.size());
  }
}

TEST(SimNetworkTest, ARunIsItsSeed) {
  const auto run = [](uint64_t seed) {
    SimOptions options = SimOptions::Both({.random_reads = true,
                                           .read_block_percent = 30,
                                           .random_writes = true,
                                           .buffer_bytes = 500,
                                           .max_latency = absl::Milliseconds(1)});
    Pair pair(seed, options, RandomText(1, 3000), RandomText(2, 3000));
    pair.world->RunUntilIdle();
    std::vector<size_t> trace = pair.server->reads;
    trace.insert(trace.end(), pair.client->reads.begin(), pair.client->reads.end());
    trace.push_back(pair.world->events_run());
    trace.push_back(static_cast<size_t>(absl::ToUnixNanos(pair.world->now())));
    return trace;
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

TEST(SimNetworkTest, OneByteAtATime) {
  Pair pair(1, SimOptions::Both({.max_read_bytes = 1}), RandomText(1, 777), "");
  pair.world->RunUntilIdle();
  EXPECT_EQ(pair.record().to_acceptor.bytes_read, 777u);
  EXPECT_EQ(pair.record().to_acceptor.reads, 777u);
  EXPECT_EQ(pair.record().to_acceptor.writes, 1u);
}

TEST(SimNetworkTest, ABlockBetweenAnyTwoReads) {
  Pair pair(1, SimOptions::Both({.max_read_bytes = 10, .read_block_percent = 100}),
            RandomText(1, 100), "");
  pair.world->RunUntilIdle();
  EXPECT_EQ(pair.record().to_acceptor.reads, 10u);
  EXPECT_GE(pair.record().to_acceptor.blocked_reads, 10u);
}

TEST(SimNetworkTest, ReadsStopAtWrites) {
  Pair pair(1,
            SimOptions::Both({.reads_stop_at_writes = true,
                              .max_write_bytes = 48,
                              .max_latency = absl::Milliseconds(1)}),
            RandomText(1, 200), "");
  pair.world->RunUntilIdle();
  EXPECT_EQ(pair.server->reads, (std::vector<size_t>{48, 48, 48, 48, 8}));
}

TEST(SimNetworkTest, ReadsAreCutByScript) {
  const auto reads = [](std::vector<uint64_t> cuts, uint64_t* blocked) {
    SimOptions options;
    options.to_acceptor.read_cuts = std::move(cuts);
    Pair pair(1, options, RandomText(1, 100), RandomText(2, 100));
    pair.world->RunUntilIdle();
    EXPECT_EQ(pair.server->in, RandomText(1, 100));
    EXPECT_TRUE(pair.server->end && pair.server->end->kind == Kind::kEnd);
    EXPECT_EQ(pair.client->reads, std::vector<size_t>{100}) << "the other direction";
    *blocked = pair.record().to_acceptor.blocked_reads;
    return pair.server->reads;
  };
  uint64_t blocked = 0;
  EXPECT_EQ(reads({}, &blocked), std::vector<size_t>{100});
  EXPECT_EQ(reads({1, 47, 48}, &blocked), (std::vector<size_t>{1, 46, 1, 52}));
  EXPECT_EQ(blocked, 3u) << "the end has come by then";
  // Before the first byte, twice at one place, before the end, and beyond it.
  EXPECT_EQ(reads({0, 50, 50, 100, 200}, &blocked), (std::vector<size_t>{50, 50}));
  EXPECT_EQ(blocked, 4u);
}

TEST(SimNetworkTest, WhatArrivesWithinTheDelayIsReadAtOnce) {
  SimOptions options;
  options.to_acceptor.max_write_bytes = 10;
  options.to_acceptor.read_delay = absl::Microseconds(1);
  Pair pair(1, options, RandomText(1, 200), "");
  pair.world->RunUntilIdle();
  EXPECT_EQ(pair.server->reads, std::vector<size_t>{200});
  EXPECT_EQ(pair.record().to_acceptor.writes, 20u);
}

TEST(SimNetworkTest, EachConnectionMayHaveOptionsOfItsOwn) {
  SimWorld world(1);
  SimNetwork network(&world);
  network.set_options_of([](size_t number) {
    SimOptions options;
    options.to_acceptor.max_read_bytes = number + 1;
    return options;
  });
  std::vector<std::unique_ptr<End>> ends;
  auto listener = network.Listen(world.NewLoop(), {"target", 3260}, [&](std::unique_ptr<Stream> s) {
    ends.push_back(std::make_unique<End>(std::move(s), ""));
  });
  ASSERT_TRUE(listener.ok());
  for (int i = 0; i < 2; ++i) {
    network.Connect(world.NewLoop(), {"target", 3260},
                    [&](absl::StatusOr<std::unique_ptr<Stream>> s) {
                      ASSERT_TRUE(s.ok());
                      ends.push_back(std::make_unique<End>(*std::move(s), "abcd"));
                    });
    world.RunUntilIdle();
  }
  EXPECT_EQ(network.connection(0).to_acceptor.reads, 4u);
  EXPECT_EQ(network.connection(1).to_acceptor.reads, 2u);
}

TEST(SimNetworkTest, BufferHoldsTheWriter) {
  SimOptions options;
  options.to_acceptor.buffer_bytes = 100;
  options.to_acceptor.fault = {SimFault::Kind::kStall, 30};
  Pair pair(1, options, RandomText(1, 1000), "");
  EXPECT_EQ(pair.world->RunUntilIdle(), Outcome::kIdle);
  EXPECT_EQ(pair.server->in, RandomText(1, 1000).substr(0, 30));
  EXPECT_EQ(pair.record().to_acceptor.bytes_written, 130u) << "30 were read, 100 are in flight";
  EXPECT_FALSE(pair.client->finished);
  EXPECT_FALSE(pair.client->broke);
}

TEST(SimNetworkTest, LatencyIsWithinItsRange) {
  SimOptions options;
  options.to_acceptor.min_latency = absl::Milliseconds(10);
  options.to_acceptor.max_latency = absl::Milliseconds(20);
  options.to_connector.min_latency = options.to_connector.max_latency = absl::Milliseconds(300);
  Pair pair(1, options, "x", "y");
  ASSERT_EQ(pair.world->RunUntil([&] { return pair.server != nullptr; }), Outcome::kDone);
  const absl::Duration syn = pair.world->now() - SimWorld::kStart;
  EXPECT_GE(syn, absl::Milliseconds(10));
  EXPECT_LE(syn, absl::Milliseconds(20));
  ASSERT_EQ(pair.world->RunUntil([&] { return pair.client != nullptr; }), Outcome::kDone);
  EXPECT_EQ(pair.world->now() - SimWorld::kStart, syn + absl::Milliseconds(300));
}

TEST(SimNetworkTest, ResetAtEveryByte) {
  const std::string text = RandomText(1, 60);
  for (uint64_t at = 0; at <= text.size(); ++at) {
    SCOPED_TRACE(testing::Message() << "at byte " << at);
    SimOptions options = SimOptions::Both({.max_read_bytes = 7, .max_write_bytes = 11});
    options.to_acceptor.fault = {SimFault::Kind::kReset, at};
    Pair pair(at, options, text, RandomText(2, 5000));
    ASSERT_EQ(pair.world->RunUntilIdle(), Outcome::kIdle);
    EXPECT_EQ(pair.server->in, text.substr(0, at));
    ASSERT_TRUE(pair.server->end.has_value());
    EXPECT_EQ(pair.server->end->kind, Kind::kError);
    EXPECT_EQ(pair.server->end->error, ECONNRESET);
    ASSERT_TRUE(pair.client->end.has_value());
    if (at < text.size()) {
      EXPECT_EQ(pair.client->end->kind, Kind::kError);
    }
  }
}

TEST(SimNetworkTest, EndAtEveryByte) {
  const std::string text = RandomText(1, 60);
  for (uint64_t at = 0; at <= text.size(); ++at) {
    SCOPED_TRACE(testing::Message() << "at byte " << at);
    SimOptions options = SimOptions::Both({.max_write_bytes = 11, .buffer_bytes = 20});
    options.to_acceptor.fault = {SimFault::Kind::kEnd, at};
    Pair pair(at, options, text, "answer");
    ASSERT_EQ(pair.world->RunUntilIdle(), Outcome::kIdle);
    EXPECT_EQ(pair.server->in, text.substr(0, at));
    ASSERT_TRUE(pair.server->end.has_value());
    EXPECT_EQ(pair.server->end->kind, Kind::kEnd);
    EXPECT_EQ(pair.client->in, "answer") << "the other direction goes on";
    EXPECT_TRUE(pair.client->finished) << "the writer isn't held";
  }
}

TEST(SimNetworkTest, ResetMayTakeAwayWhatWasNotRead) {
  for (const bool discards : {false, true}) {
    SimOptions options;
    options.reset_discards_unread = discards;
    SimWorld world(1);
    SimLoop* const loop = world.NewLoop();
    SimNetwork network(&world, options);
    std::unique_ptr<Stream> server;
    const auto listener =
        network.Listen(loop, {"t", 1}, [&](std::unique_ptr<Stream> s) { server = std::move(s); });
    std::unique_ptr<Stream> client;
    network.Connect(loop, {"t", 1},
                    [&](absl::StatusOr<std::unique_ptr<Stream>> s) { client = *std::move(s); });
    world.RunUntilIdle();
    char text[] = "abc";
    const iovec buffer = {text, 3};
    ASSERT_EQ(client->TryWrite({&buffer, 1}).bytes, 3u);
    world.RunUntilIdle();
    network.Reset(0);
    EXPECT_EQ(server->TryRead({&buffer, 1}).kind, discards ? Kind::kError : Kind::kBytes);
    EXPECT_EQ(server->TryRead({&buffer, 1}).error, ECONNRESET);
  }
}

TEST(SimNetworkTest, FaultsAtAnyTime) {
  Pair pair(1,
            SimOptions::Both(
                {.max_read_bytes = 10, .buffer_bytes = 2000, .max_latency = absl::Milliseconds(1)}),
            RandomText(1, 100000), RandomText(2, 100000));
  ASSERT_EQ(pair.world->RunUntil([&] { return pair.server && pair.server->in.size() > 1000; }),
            Outcome::kDone);
  pair.network->Stall(0);
  pair.world->RunUntilIdle();
  EXPECT_FALSE(pair.server->end || pair.client->end) << "nobody is told";
  const size_t read = pair.server->in.size();
  EXPECT_LT(read, 100000u);
  pair.network->Reset(0);
  pair.world->RunUntilIdle();
  EXPECT_EQ(pair.server->in.size(), read);
  EXPECT_EQ(pair.server->end->error, ECONNRESET);
  EXPECT_EQ(pair.client->end->error, ECONNRESET);
  pair.client.reset();
  pair.server.reset();
  pair.network->Reset(0);  // of a connection that is gone: nothing
  EXPECT_EQ(pair.network->connections(), 1u);
  EXPECT_GT(pair.record().to_acceptor.bytes_read, 0u);
}

TEST(SimNetworkTest, ListenerThatIsGoneResetsWhatItDidNotAccept) {
  SimWorld world(1);
  SimLoop* const loop = world.NewLoop();
  SimNetwork network(&world);
  auto listener = network.Listen(loop, {"t", 1}, [](std::unique_ptr<Stream>) { FAIL(); });
  bool refused_or_reset = false;
  std::unique_ptr<End> client;
  network.Connect(loop, {"t", 1}, [&](absl::StatusOr<std::unique_ptr<Stream>> s) {
    if (!s.ok()) {
      refused_or_reset = true;
    } else {
      client = std::make_unique<End>(*std::move(s), "x");
    }
  });
  while (network.connections() == 0) {
    ASSERT_EQ(world.RunUntil([] { return false; }, {.events = 1}), Outcome::kMaxEvents);
  }
  listener->reset();
  world.RunUntilIdle();
  EXPECT_TRUE(refused_or_reset || client->end->error == ECONNRESET);
}

TEST(SimNetworkTest, AddressesInUse) {
  SimWorld world(1);
  SimLoop* const loop = world.NewLoop();
  SimNetwork network(&world);
  const auto listen = [&](const Address& address) {
    return network.Listen(loop, address, [](std::unique_ptr<Stream>) {});
  };
  const auto a = listen({"a", 1});
  EXPECT_TRUE(a.ok());
  EXPECT_FALSE(listen({"a", 1}).ok());
  EXPECT_FALSE(listen({"", 1}).ok());
  EXPECT_TRUE(listen({"b", 1}).ok());
  EXPECT_TRUE(listen({"a", 2}).ok());
  const auto local = listen({"localhost", 5});
  EXPECT_FALSE(listen({"127.0.0.1", 5}).ok());
  const auto taken = listen({"a", 49152});
  const auto any = listen({"a", 0});
  ASSERT_TRUE(any.ok());
  EXPECT_NE((*any)->address().port, 49152);
}

TEST(SimNetworkTest, EverythingMayDieInAnyOrder) {
  for (int order = 0; order < 4; ++order) {
    for (uint64_t events = 0; events < 40; ++events) {
      Pair pair(1, SimOptions::Both({.max_read_bytes = 10}), RandomText(1, 100), RandomText(2, 99));
      pair.world->RunUntil([] { return false; }, {.events = events});
      switch (order) {
        case 0:
          pair.world.reset();
          pair.network.reset();
          if (pair.client) pair.client->stream().ShutdownWrite();
          break;
        case 1:
          pair.network.reset();
          pair.listener.reset();
          pair.world->RunUntilIdle();
          pair.world.reset();
          break;
        case 2:
          pair.client.reset();
          pair.world->RunUntilIdle();
          pair.world.reset();
          break;
        case 3: {
          const std::unique_ptr<Stream> stream = pair.server ? pair.server->Release() : nullptr;
          pair.world.reset();
          if (stream != nullptr) stream->Abort();
          break;
        }
      }
      pair.listener.reset();
    }
  }
}

TEST(SimNetworkDeathTest, HandlersMustNotMoveTheirStream) {
  SimWorld world(1);
  SimLoop* const loop = world.NewLoop();
  SimNetwork network(&world);
  std::unique_ptr<Stream> server;
  const auto listener = network.Listen(loop, {"t", 1}, [&](std::unique_ptr<Stream> s) {
    server = std::move(s);
    server->SetHandlers(
        nullptr, [&] { network.Move(std::move(server), loop, [](std::unique_ptr<Stream>) {}); });
  });
  network.Connect(loop, {"t", 1}, [](absl::StatusOr<std::unique_ptr<Stream>>) {});
  EXPECT_DEATH(world.RunUntilIdle(), "moved by its own handler");
}

}  // namespace
}  // namespace pushpull::fabric
