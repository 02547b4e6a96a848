// Writes are cut where the script says, on the connection that it says, and nothing is lost.

#include "fuzz/replay/cut_network.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

using fabric::IoResult;
using fabric::Stream;

// Writes a text, and reads all that comes.
class End {
 public:
  End(std::unique_ptr<Stream> stream, std::string text)
      : stream_(std::move(stream)), out_(std::move(text)) {
    stream_->SetHandlers([this] { Read(); }, [this] { Write(); });
  }
  std::string in;
  std::vector<size_t> reads;

 private:
  void Read() {
    for (;;) {
      char buffer[256];
      const iovec to = {buffer, sizeof buffer};
      const IoResult result = stream_->TryRead({&to, 1});
      if (result.kind != IoResult::Kind::kBytes) return;
      in.append(buffer, result.bytes);
      reads.push_back(result.bytes);
    }
  }
  void Write() {
    while (!out_.empty()) {
      // In two buffers, as senders do.
      const size_t half = out_.size() / 2;
      const iovec from[] = {{out_.data(), half}, {out_.data() + half, out_.size() - half}};
      const IoResult result = stream_->TryWrite(from);
      if (result.kind != IoResult::Kind::kBytes) return;
      out_.erase(0, result.bytes);
    }
    stream_->ShutdownWrite();
  }

  std::unique_ptr<Stream> stream_;
  std::string out_;
};

// The reads of the first two connections' other ends.
std::vector<std::vector<size_t>> Reads(WriteCuts cuts) {
  fabric::SimWorld world(1);
  fabric::SimNetwork sim(&world);
  CutNetwork network(&sim, std::move(cuts));
  std::vector<std::unique_ptr<End>> accepted, connected;
  auto listener = network.Listen(world.NewLoop(), {"target", 3260}, [&](std::unique_ptr<Stream> s) {
    accepted.push_back(std::make_unique<End>(std::move(s), ""));
  });
  EXPECT_TRUE(listener.ok());
  for (int i = 0; i < 2; ++i) {
    network.Connect(
        world.NewLoop(), {"target", 3260}, [&](absl::StatusOr<std::unique_ptr<Stream>> s) {
          ASSERT_TRUE(s.ok());
          connected.push_back(std::make_unique<End>(*std::move(s), std::string(100, 'x') + "end"));
        });
    world.RunUntilIdle();
  }
  std::vector<std::vector<size_t>> reads;
  for (const auto& end : accepted) {
    EXPECT_EQ(end->in, std::string(100, 'x') + "end");
    reads.push_back(end->reads);
  }
  return reads;
}

TEST(CutNetworkTest, WritesAreCutByScript) {
  using Sizes = std::vector<size_t>;
  EXPECT_EQ(Reads({}), (std::vector<Sizes>{{103}, {103}}));
  EXPECT_EQ(Reads({.connection = 0, .at = {1, 48, 50}}),
            (std::vector<Sizes>{{1, 47, 2, 53}, {103}}));
  EXPECT_EQ(Reads({.connection = 1, .at = {0, 7, 7, 103, 200}}),
            (std::vector<Sizes>{{103}, {7, 96}}));
}

TEST(CutNetworkTest, ManyCutsHaveFewPauses) {
  const auto end_of = [](size_t max_pauses) {
    fabric::SimWorld world(1);
    fabric::SimNetwork sim(&world);
    WriteCuts cuts;
    cuts.pause = absl::Milliseconds(1);
    cuts.max_pauses = max_pauses;
    for (uint64_t at = 1; at <= 100; ++at) cuts.at.push_back(at);
    CutNetwork network(&sim, std::move(cuts));
    std::unique_ptr<End> accepted, connected;
    fabric::Loop* const loop = world.NewLoop();
    const auto listener = network.Listen(loop, {"target", 3260}, [&](std::unique_ptr<Stream> s) {
      accepted = std::make_unique<End>(std::move(s), "");
    });
    EXPECT_TRUE(listener.ok());
    const absl::Time begin = loop->Now();
    network.Connect(world.NewLoop(), {"target", 3260},
                    [&](absl::StatusOr<std::unique_ptr<Stream>> s) {
                      connected = std::make_unique<End>(*std::move(s), std::string(101, 'x'));
                    });
    world.RunUntilIdle();
    EXPECT_EQ(accepted->in.size(), 101u);
    return absl::ToInt64Milliseconds(loop->Now() - begin);
  };
  EXPECT_GE(end_of(100), 100);
  EXPECT_LT(end_of(10), 15);
  EXPECT_GE(end_of(10), 9);
}

}  // namespace
}  // namespace pushpull::replay
