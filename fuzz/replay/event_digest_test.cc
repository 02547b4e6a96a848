#include "fuzz/replay/event_digest.h"

#include <set>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

uint64_t InPieces(const std::vector<uint8_t>& bytes, base::Random* random) {
  EventDigest digest;
  for (size_t at = 0; at < bytes.size();) {
    const size_t n = std::min<size_t>(1 + random->Below(20), bytes.size() - at);
    digest.Add(base::Bytes(bytes).subspan(at, n));
    at += n;
  }
  return digest.value();
}

TEST(EventDigestTest, PiecesDoNotMatter) {
  base::Random random(1);
  for (size_t size = 0; size < 100; ++size) {
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next());
    EventDigest whole;
    whole.Add(base::Bytes(bytes));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(InPieces(bytes, &random), whole.value()) << size;
  }
}

TEST(EventDigestTest, EveryBitOrderAndLengthMatters) {
  std::set<uint64_t> seen;
  std::vector<uint8_t> bytes(40);
  const auto of = [&] {
    EventDigest digest;
    digest.Add(base::Bytes(bytes));
    return digest.value();
  };
  size_t count = 0;
  for (size_t size = 0; size <= 40; ++size) {
    bytes.assign(size, 0);
    seen.insert(of());
    ++count;
    for (size_t bit = 0; bit < size * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      seen.insert(of());
      ++count;
      bytes[bit / 8] = 0;
    }
  }
  EXPECT_EQ(seen.size(), count);
  EventDigest ab, ba;
  ab.Add(uint64_t{1});
  ab.Add(uint64_t{2});
  ba.Add(uint64_t{2});
  ba.Add(uint64_t{1});
  EXPECT_NE(ab.value(), ba.value());
}

TEST(EventDigestTest, LogsDiffer) {
  v1::EventLog log;
  log.add_event()->mutable_end()->set_inside_pdu(true);
  const uint64_t inside = DigestOf(log);
  EXPECT_EQ(DigestOf(log), inside);
  log.mutable_event(0)->mutable_end()->set_inside_pdu(false);
  EXPECT_NE(DigestOf(log), inside);
}

}  // namespace
}  // namespace pushpull::replay
