#include "initiator_sim/pdu/digest.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace pushpull::initiator_sim {
namespace {

// RFC 7143 §A.4.
TEST(DigestOf, FitsTheExamplesOfTheRfc) {
  EXPECT_EQ(DigestOf(std::vector<uint8_t>(32, 0x00)), 0xaa36918au);
  EXPECT_EQ(DigestOf(std::vector<uint8_t>(32, 0xff)), 0x43aba862u);

  std::vector<uint8_t> rising(32);
  std::iota(rising.begin(), rising.end(), uint8_t{0});
  EXPECT_EQ(DigestOf(rising), 0x4e79dd46u);
  EXPECT_EQ(DigestOf(std::vector<uint8_t>(rising.rbegin(), rising.rend())), 0x5cdb3f11u);
}

TEST(DigestOf, TakesAnyLengthAndAlignment) {
  // Bit by bit, as §13.1 describes it.
  const auto slow = [](base::Bytes bytes) {
    uint32_t crc = 0xffffffff;
    for (const uint8_t byte : bytes) {
      crc ^= byte;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
    }
    return __builtin_bswap32(~crc);
  };
  std::vector<uint8_t> bytes(600);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 256);
  for (size_t from = 0; from < 9; ++from) {
    for (size_t size = 0; size < 300; size += 7) {
      const base::Bytes part = base::Bytes(bytes).subspan(from, size);
      EXPECT_EQ(DigestOf(part), slow(part)) << from << " " << size;
    }
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
