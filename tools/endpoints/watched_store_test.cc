#include "tools/endpoints/watched_store.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "target/store/ram_store.h"

namespace pushpull::tools {
namespace {

absl::Status Write(WatchedStore* store, uint64_t offset, std::string data) {
  const iovec buffer = {data.data(), data.size()};
  target::Io io;
  io.op = target::Io::Op::kWrite;
  io.offset = offset;
  io.buffers = {&buffer, 1};
  return store->Submit(&io).value();
}

TEST(WatchedStoreTest, TellsWhatStandsInBlocksThatWereWritten) {
  auto ram = target::RamStore::Create(64 * 512);
  ASSERT_TRUE(ram.ok());
  WatchedStore store(*std::move(ram));
  EXPECT_TRUE(store.Written().empty());
  EXPECT_TRUE(Write(&store, 1024, std::string(1024, 'a')).ok());
  EXPECT_TRUE(Write(&store, 1536, std::string(512, '\0')).ok()) << "zeros count, and the last wins";
  EXPECT_TRUE(Write(&store, 0, "x").ok());
  EXPECT_FALSE(Write(&store, 64 * 512, "beyond the end").ok());
  const auto written = store.Written();
  ASSERT_EQ(written.size(), 3u);
  EXPECT_EQ(written[0].first, 0u);
  EXPECT_EQ(written[0].second, "x" + std::string(511, '\0'));
  EXPECT_EQ(written[1].first, 2u);
  EXPECT_EQ(written[1].second, std::string(512, 'a'));
  EXPECT_EQ(written[2].first, 3u);
  EXPECT_EQ(written[2].second, std::string(512, '\0'));
  target::Io unmap;
  unmap.op = target::Io::Op::kUnmap;
  unmap.offset = 100;
  unmap.bytes = 1436;  // the end of block 0, all of 1 and 2
  EXPECT_TRUE(store.Submit(&unmap).value().ok());
  const auto left = store.Written();
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].first, 0u);
  EXPECT_EQ(left[1].first, 3u);
}

}  // namespace
}  // namespace pushpull::tools
