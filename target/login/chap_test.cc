#include "target/login/chap.h"

#include <array>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

std::vector<uint8_t> Ascending(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i);
  return bytes;
}

// RFC1994-I-4.1-b: made with another implementation of the digests.
TEST(ChapTest, ResponseIsTheHashOfIdentifierSecretAndChallenge) {
  struct Case {
    ChapAlgorithm algorithm;
    const char* response;
  };
  const Case cases[] = {
      {ChapAlgorithm::kMd5, "21b6f3acc748dc39080327b0eeb0b67e"},
      {ChapAlgorithm::kSha1, "6838112b7d8a4c408026fe70cdee70c454d40c66"},
      {ChapAlgorithm::kSha256, "d4617105bd866af525958e204daacfb06b813dcd48c834d940cdf9ae29c9f139"},
      {ChapAlgorithm::kSha3_256,
       "87a225b9c6060479304b1e3a7f3a6c6a00e5c8b61371527c08870196bc5586b2"},
  };
  for (const Case& c : cases) {
    const auto response = ChapResponse(c.algorithm, 0x47, "a secret of 16 b", Ascending(32));
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(base::Hex(*response), c.response);
  }
}

TEST(ChapTest, AlgorithmsHaveTheirNumbers) {
  for (const ChapAlgorithm algorithm : kChapAlgorithms) {
    EXPECT_EQ(FindChapAlgorithm(static_cast<uint64_t>(algorithm)), algorithm);
  }
  for (const uint64_t number : {0u, 4u, 9u, 256u + 5u}) EXPECT_FALSE(FindChapAlgorithm(number));
}

TEST(ChapTest, BytesAreComparedWhole) {
  const std::vector<uint8_t> bytes = Ascending(16);
  EXPECT_TRUE(SameBytes(bytes, bytes));
  EXPECT_FALSE(SameBytes(bytes, base::Bytes(bytes).first(15)));
  std::vector<uint8_t> other = bytes;
  other.back() ^= 0x80;
  EXPECT_FALSE(SameBytes(bytes, other));
  EXPECT_TRUE(SameBytes({}, {}));
}

TEST(ChapTest, SecretsAreHeldOnce) {
  const ChapSecret secret("open sesame");
  const ChapSecret copy = secret;
  EXPECT_EQ(secret.Reveal().data(), copy.Reveal().data());
  EXPECT_TRUE(secret.Equals(ChapSecret("open sesame")));
  EXPECT_FALSE(secret.Equals(ChapSecret("open sesamE")));
  EXPECT_EQ(ChapSecret().size(), 0u);
}

TEST(ChapTest, SystemEntropyDoesNotRepeat) {
  const Entropy entropy = SystemEntropy();
  std::set<std::array<uint8_t, 32>> seen;
  for (int i = 0; i < 1000; ++i) {
    std::array<uint8_t, 32> bytes = {};
    ASSERT_TRUE(entropy(bytes));
    EXPECT_TRUE(seen.insert(bytes).second);
  }
}

TEST(ChapTest, SeededEntropyIsItsSeed) {
  const auto draw = [](uint64_t seed) {
    std::array<uint8_t, 8> bytes = {};
    EXPECT_TRUE(SeededEntropy(seed)(bytes));
    return bytes;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

}  // namespace
}  // namespace pushpull::target
