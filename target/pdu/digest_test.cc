#include "target/pdu/digest.h"

#include <numeric>
#include <string>
#include <vector>

#include "base/hex.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

std::string DigestOf(base::Bytes bytes) {
  Crc32c crc;
  crc.Add(bytes);
  uint8_t digest[kDigestBytes];
  crc.Store(digest);
  EXPECT_EQ(Crc32c::Load(digest), crc.value());
  return base::Hex(digest);
}

// RFC 7143 Appendix A.4.
TEST(DigestTest, VectorsOfTheRfc) {
  std::vector<uint8_t> bytes(32, 0x00);
  EXPECT_EQ(DigestOf(bytes), "aa36918a");
  bytes.assign(32, 0xff);
  EXPECT_EQ(DigestOf(bytes), "43aba862");
  std::iota(bytes.begin(), bytes.end(), 0);
  EXPECT_EQ(DigestOf(bytes), "4e79dd46");
  std::reverse(bytes.begin(), bytes.end());
  EXPECT_EQ(DigestOf(bytes), "5cdb3f11");
  EXPECT_EQ(DigestOf(*base::ParseHex("01c00000 00000000 00000000 00000000"
                                     "14000000 00000400 00000014 00000018"
                                     "28000000 00000000 02000000 00000000")),
            "563a96d9");
}

TEST(DigestTest, NothingAddedIsZero) { EXPECT_EQ(Crc32c().value(), 0u); }

TEST(DigestTest, FoldingInPiecesIsFoldingAtOnce) {
  std::vector<uint8_t> bytes(1027);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * i * 7 + i);
  const uint32_t whole = Crc32cOf(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    Crc32c crc;
    crc.Add(base::Bytes(bytes).first(cut));
    crc.Add(base::Bytes(bytes).subspan(cut));
    ASSERT_EQ(crc.value(), whole) << cut;
  }
  Crc32c single;
  single.Add(base::Bytes(bytes).first(9));
  single.Reset();
  for (const uint8_t& byte : bytes) single.Add({&byte, 1});
  EXPECT_EQ(single.value(), whole);
}

}  // namespace
}  // namespace pushpull::target
