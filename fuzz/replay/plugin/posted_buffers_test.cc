#include "fuzz/replay/plugin/posted_buffers.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

TEST(PostedBuffersTest, LendsUntilNoneIsLeft) {
  PostedBuffers buffers;
  ASSERT_TRUE(buffers.Reserve(3, 100).ok());
  buffers.Reset(2);
  const PostedBuffers::Posted a = buffers.Lend(100);
  const PostedBuffers::Posted b = buffers.Lend(1);
  EXPECT_EQ(a.bytes.size(), 100u);
  EXPECT_EQ(b.bytes.size(), 1u);
  EXPECT_NE(a.id, b.id);
  EXPECT_TRUE(buffers.Lend(1).bytes.empty());
  EXPECT_EQ(buffers.lent(), 2u);
  EXPECT_TRUE(buffers.TakeBack(a.id));
  EXPECT_FALSE(buffers.TakeBack(a.id)) << "twice";
  EXPECT_FALSE(buffers.TakeBack(2)) << "beyond the limit";
  EXPECT_FALSE(buffers.TakeBack(~uint64_t{0}));
  EXPECT_FALSE(buffers.Lend(5).bytes.empty());
  buffers.Reset(2);
  EXPECT_EQ(buffers.lent(), 0u);
}

TEST(PostedBuffersTest, WhatIsTakenBackIsOverwritten) {
  PostedBuffers buffers;
  ASSERT_TRUE(buffers.Reserve(1, 8).ok());
  const PostedBuffers::Posted posted = buffers.Lend(8);
  std::fill(posted.bytes.begin(), posted.bytes.end(), uint8_t{1});
  ASSERT_TRUE(buffers.TakeBack(posted.id));
  EXPECT_TRUE(std::all_of(posted.bytes.begin(), posted.bytes.end(),
                          [](uint8_t byte) { return byte == 0xdb; }));
}

TEST(PostedBuffersTest, MayGrow) {
  PostedBuffers buffers;
  ASSERT_TRUE(buffers.Reserve(1, 8).ok());
  ASSERT_TRUE(buffers.Reserve(40, 100000).ok());
  EXPECT_EQ(buffers.buffers(), 40u);
  const PostedBuffers::Posted posted = buffers.Lend(100000);
  std::fill(posted.bytes.begin(), posted.bytes.end(), uint8_t{1});
}

using PostedBuffersDeathTest = ::testing::Test;

TEST(PostedBuffersDeathTest, NothingCanBeReadBehindThem) {
  for (const size_t bytes : {1, 47, 4096, 5000}) {
    PostedBuffers buffers;
    ASSERT_TRUE(buffers.Reserve(2, 5000).ok());
    const PostedBuffers::Posted posted = buffers.Lend(bytes);
    const volatile uint8_t* const behind = posted.bytes.data() + posted.bytes.size();
    EXPECT_EQ(behind[-1], posted.bytes.back());
    EXPECT_DEATH(static_cast<void>(*behind), "") << bytes;
  }
}

}  // namespace
}  // namespace pushpull::replay
