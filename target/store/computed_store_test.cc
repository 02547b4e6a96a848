#include "target/store/computed_store.h"

#include <vector>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

constexpr uint64_t kTebibyte = uint64_t{1} << 40;

absl::Status Transfer(Store& store, Io::Op op, uint64_t offset, std::vector<uint8_t>& bytes) {
  const iovec buffer{bytes.data(), bytes.size()};
  Io io;
  io.op = op;
  io.offset = offset;
  io.buffers = {&buffer, 1};
  const auto status = store.Submit(&io);
  EXPECT_TRUE(status.has_value());
  return status.value_or(absl::UnknownError("pending"));
}

TEST(NullStoreTest, ReadsZerosAndForgetsWrites) {
  NullStore store(kTebibyte);
  std::vector<uint8_t> bytes(1000, 5);
  EXPECT_TRUE(Transfer(store, Io::Op::kWrite, kTebibyte - 1000, bytes).ok());
  EXPECT_TRUE(Transfer(store, Io::Op::kRead, kTebibyte - 1000, bytes).ok());
  EXPECT_EQ(bytes, std::vector<uint8_t>(1000, 0));
  EXPECT_EQ(Transfer(store, Io::Op::kRead, kTebibyte - 999, bytes).code(),
            absl::StatusCode::kOutOfRange);
}

TEST(PatternStoreTest, EveryWordIsItsAddress) {
  PatternStore store(kTebibyte);
  std::vector<uint8_t> bytes(16);
  ASSERT_TRUE(Transfer(store, Io::Op::kRead, 0x1234567890, bytes).ok());
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0x90,  //
                                         0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0x98}));
}

TEST(PatternStoreTest, ReadsTheSameHoweverItIsCut) {
  PatternStore store(kTebibyte);
  std::vector<uint8_t> whole(64);
  ASSERT_TRUE(Transfer(store, Io::Op::kRead, 4096, whole).ok());
  for (size_t begin = 0; begin < 20; ++begin) {
    for (size_t size = 0; begin + size < whole.size(); ++size) {
      std::vector<uint8_t> part(size);
      ASSERT_TRUE(Transfer(store, Io::Op::kRead, 4096 + begin, part).ok());
      EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<int>(begin)))
          << begin << " " << size;
    }
  }
}

TEST(PatternStoreTest, CannotBeWritten) {
  PatternStore store(kTebibyte);
  EXPECT_TRUE(store.read_only());
  std::vector<uint8_t> bytes(512);
  EXPECT_EQ(Transfer(store, Io::Op::kWrite, 0, bytes).code(), absl::StatusCode::kPermissionDenied);
  Io unmap;
  unmap.op = Io::Op::kUnmap;
  unmap.bytes = 4096;
  EXPECT_EQ(store.Submit(&unmap)->code(), absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace pushpull::target
