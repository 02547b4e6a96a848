#include "target/session/data_buffer.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

TEST(DataBufferTest, GrowsByChunksAndGivesThemBack) {
  BufferPool pool;
  {
    DataBuffer buffer;
    buffer.Begin(&pool, 8192);
    EXPECT_EQ(buffer.GrowthFor(1), BufferPool::kSmallBytes);
    buffer.Grow(100);
    EXPECT_EQ(buffer.capacity(), BufferPool::kSmallBytes);
    EXPECT_EQ(buffer.GrowthFor(100), 0u);
    EXPECT_EQ(buffer.GrowthFor(8193), BufferPool::kSmallBytes);
    buffer.Grow(20000);
    EXPECT_EQ(buffer.capacity(), 3 * BufferPool::kSmallBytes);
    EXPECT_EQ(pool.bytes_in_use(), buffer.capacity());
    DataBuffer large;
    large.Begin(&pool, uint64_t{1} << 40);
    EXPECT_EQ(large.capacity(), 0u) << "a claim takes nothing";
    large.Grow(300000);
    EXPECT_EQ(large.capacity(), 3 * BufferPool::kLargeBytes);
    large.Release();
    EXPECT_EQ(large.capacity(), 0u);
    large.Begin(&pool, 1);
    large.Grow(1);
    EXPECT_EQ(large.capacity(), BufferPool::kSmallBytes);
  }
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(DataBufferTest, VisitsPiecesInOrder) {
  BufferPool pool;
  DataBuffer buffer;
  buffer.Begin(&pool, 300000);
  buffer.Grow(300000);
  std::vector<size_t> sizes;
  buffer.Visit(100000, 200000, [&](base::MutableBytes piece) { sizes.push_back(piece.size()); });
  EXPECT_EQ(sizes, (std::vector<size_t>{31072, 131072, 37856}));
  buffer.Visit(300000, 0, [](base::MutableBytes) { FAIL(); });
}

// What a chunk that the pool keeps goes on having.
void Attach(DataBuffer& buffer) {
  buffer.PlaceOf(0).attachment = std::make_unique<BufferPool::Attachment>();
}

TEST(DataBufferTest, KeepsNoMoreThanItsLimitIdle) {
  BufferPool pool(BufferPool::kSmallBytes);
  DataBuffer a, b;
  for (DataBuffer* const buffer : {&a, &b}) {
    buffer->Begin(&pool, 1);
    buffer->Grow(1);
    Attach(*buffer);
  }
  a.Release();
  EXPECT_EQ(pool.idle_attachments(), 1u) << "just as much as it may keep";
  b.Release();
  EXPECT_EQ(pool.idle_attachments(), 1u) << "freed";
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(DataBufferTest, WhatIsIdleIsUsedAgain) {
  for (const uint64_t bytes : {uint64_t{1}, uint64_t{BufferPool::kLargeBytes}}) {
    BufferPool pool(BufferPool::kLargeBytes);
    for (int i = 0; i < 3; ++i) {
      DataBuffer buffer;
      buffer.Begin(&pool, bytes);
      buffer.Grow(1);
      EXPECT_EQ(buffer.PlaceOf(0).attachment != nullptr, i > 0) << bytes;
      if (i == 0) Attach(buffer);
      EXPECT_EQ(pool.idle_attachments(), 0u);
      buffer.Release();
      EXPECT_EQ(pool.idle_attachments(), 1u);
    }
  }
}

}  // namespace
}  // namespace pushpull::target
