#include "target/iser/store_memory.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/session/data_buffer.h"
#include "target/store/store.h"

namespace pushpull::target {
namespace {

constexpr uint64_t kExtent = StoreMemory::kExtentBytes;
constexpr uint64_t kSize = 2 * kExtent + 4096;  // the last one is short

// Tells what was pinned.
class PinnedStore final : public Store {
 public:
  std::optional<absl::Status> Submit(Io* /*io*/) override { return absl::OkStatus(); }
  uint64_t size_bytes() const override { return bytes.size(); }
  base::MutableBytes Memory() override { return bytes; }
  void PinMemory(uint64_t offset, uint64_t size) override { pins.emplace_back(offset, size); }

  std::vector<uint8_t> bytes = std::vector<uint8_t>(kSize);
  std::vector<std::pair<uint64_t, uint64_t>> pins;
};

class StoreMemoryTest : public ::testing::Test {
 protected:
  std::shared_ptr<fabric::RdmaDomain> Domain(const std::string& host = "192.0.2.2") {
    return rdma_.domain(host);
  }
  // The lengths of the segments, which must lie one behind the other from `offset` on.
  std::vector<uint64_t> Lengths(const RdmaSegments& segments, const uint8_t* from) {
    std::vector<uint64_t> lengths;
    for (const fabric::RdmaSegment& segment : segments) {
      EXPECT_EQ(segment.address, from);
      from += segment.length;
      lengths.push_back(segment.length);
    }
    return lengths;
  }

  fabric::SimWorld world_{1};
  fabric::SimRdmaNetwork rdma_{&world_};
  PinnedStore store_;
  StoreMemory memory_;
};

using Numbers = std::vector<uint64_t>;

TEST_F(StoreMemoryTest, RegistersTheExtentsThatAreTouched) {
  ASSERT_TRUE(memory_.Prepare(Domain(), store_, 0, kExtent));
  EXPECT_EQ(memory_.regions(), 1u) << "not the one behind it";
  ASSERT_TRUE(memory_.Prepare(Domain(), store_, kExtent - 1, 1));
  EXPECT_EQ(memory_.regions(), 1u) << "it is there";
  ASSERT_TRUE(memory_.Prepare(Domain(), store_, kExtent - 1, 2));
  EXPECT_EQ(memory_.regions(), 2u);
  ASSERT_TRUE(memory_.Prepare(Domain(), store_, kSize - 1, 1));
  EXPECT_EQ(memory_.regions(), 3u);
  const std::vector<std::pair<uint64_t, uint64_t>> pins = {
      {0, kExtent}, {kExtent, kExtent}, {2 * kExtent, 4096}};
  EXPECT_EQ(store_.pins, pins);
  ASSERT_TRUE(memory_.Prepare(Domain("192.0.2.9"), store_, 0, kSize));
  EXPECT_EQ(memory_.regions(), 6u) << "on another device they are others";
}

TEST_F(StoreMemoryTest, AStoreOfWholeExtentsHasNoneBehindThem) {
  store_.bytes.resize(kExtent);
  ASSERT_TRUE(memory_.Prepare(Domain(), store_, 0, kExtent));
  EXPECT_EQ(memory_.regions(), 1u);
}

TEST_F(StoreMemoryTest, SegmentsEndWithTheirExtents) {
  ASSERT_TRUE(memory_.Prepare(Domain(), store_, 0, kSize));
  const auto add = [this](uint64_t offset, uint64_t bytes, size_t most, Numbers lengths) {
    RdmaSegments segments;
    uint64_t sum = 0;
    for (const uint64_t length : lengths) sum += length;
    EXPECT_EQ(memory_.AddSegments(*Domain(), store_.Memory(), offset, bytes, most, segments), sum);
    EXPECT_EQ(Lengths(segments, store_.bytes.data() + offset), lengths);
  };
  add(100, 500, 4, {500});
  add(kExtent - 512, 512, 4, {512});
  add(kExtent - 512, 1024, 4, {512, 512});
  add(kExtent - 512, kExtent + 1024, 4, {512, kExtent, 512});
  add(kExtent - 512, kExtent + 1024, 2, {512, kExtent});
}

TEST_F(StoreMemoryTest, SegmentsOfABufferEndWithItsChunks) {
  constexpr uint32_t kChunk = BufferPool::kSmallBytes;
  BufferPool pool;
  DataBuffer buffer;
  buffer.Begin(&pool, 1);
  buffer.Grow(3 * kChunk);
  const auto add = [&](uint32_t offset, uint32_t bytes, size_t most) {
    RdmaSegments segments;
    EXPECT_TRUE(AddBufferSegments(Domain().get(), buffer, offset, bytes, most, segments).ok());
    Numbers lengths;
    for (const fabric::RdmaSegment& segment : segments) lengths.push_back(segment.length);
    return lengths;
  };
  EXPECT_EQ(add(0, 100, 4), (Numbers{100}));
  EXPECT_EQ(rdma_.keys("192.0.2.2"), 1u) << "those that are touched";
  EXPECT_EQ(add(100, kChunk, 4), (Numbers{kChunk - 100, 100}));
  EXPECT_EQ(add(kChunk - 1, kChunk + 2, 4), (Numbers{1, kChunk, 1}));
  EXPECT_EQ(add(kChunk - 1, kChunk + 2, 2), (Numbers{1, kChunk}));
  EXPECT_EQ(rdma_.keys("192.0.2.2"), 3u) << "each once";
  buffer.Release();
  EXPECT_EQ(pool.idle_attachments(), 3u) << "they stay with the chunks";
}

// A chunk that was used on another device is registered anew.
TEST_F(StoreMemoryTest, AChunkIsRegisteredOnItsDevice) {
  BufferPool pool;
  for (const char* const host : {"192.0.2.2", "192.0.2.9"}) {
    DataBuffer buffer;
    buffer.Begin(&pool, 1);
    buffer.Grow(1);
    RdmaSegments segments;
    ASSERT_TRUE(AddBufferSegments(Domain(host).get(), buffer, 0, 1, 1, segments).ok());
    EXPECT_EQ(rdma_.keys(host), 1u);
  }
  EXPECT_EQ(rdma_.keys("192.0.2.2"), 0u) << "the former one is gone";
}

}  // namespace
}  // namespace pushpull::target
