// One thousand connections at once, each fed one byte at a time, need little memory.

#include <algorithm>
#include <memory>
#include <vector>

#include "base/allocation_counter.h"
#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

constexpr size_t kConnections = 1000;
// Of each connection, and of the session and the commands behind it; the simulated network and the
// initiator at its other end are counted too, as all of it is one process.
constexpr int64_t kBytesEach = 64 << 10;
constexpr size_t kByteByByte = 200;

TEST(ManyConnectionsTest, StayWithin64KiBEachHoweverSlowlyTheyAreFed) {
  RigOptions options;
  options.node.max_logins = kConnections;
  Rig rig(options);
  const int64_t before = base::LiveBytes();
  int64_t peak = 0;

  std::vector<std::unique_ptr<Initiator>> initiators;
  for (size_t i = 0; i < kConnections; ++i) {
    initiators.push_back(std::make_unique<Initiator>(&rig));
    initiators.back()->isid = {
        0x80, 0, 0, 1, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)};
  }
  // The next byte of each connection's bytes, in turn; the last ones, of what is long, at once.
  const auto feed = [&](const std::vector<ByteVector>& bytes) {
    for (size_t at = 0; at < bytes.front().size(); ++at) {
      const size_t count = at < kByteByByte ? 1 : bytes.front().size() - at;
      for (size_t i = 0; i < kConnections; ++i) {
        initiators[i]->SendBytes(base::Bytes(bytes[i]).subspan(at, count));
      }
      at += count - 1;
      rig.Elapse(absl::Milliseconds(1));
      peak = std::max(peak, base::LiveBytes() - before);
    }
  };
  std::vector<ByteVector> bytes(kConnections);
  for (size_t i = 0; i < kConnections; ++i) {
    const std::string keys = initiators[i]->LoginKeys().Encode();
    bytes[i] = initiators[i]->Encode({.bhs = initiators[i]->MakeLogin().Encode(),
                                      .ahs = {},
                                      .data = {keys.begin(), keys.end()}});
  }
  feed(bytes);
  for (const auto& initiator : initiators) {
    const LoginResponse response = initiator->Expect<LoginResponse>(Opcode::kLoginResponse);
    ASSERT_EQ(response.status_class, 0);
    ASSERT_TRUE(response.transit);
  }
  EXPECT_EQ(rig.Get(Count::kSessions), static_cast<int64_t>(kConnections));

  // A write with immediate data: every connection stands within its data segment at once.
  for (size_t i = 0; i < kConnections; ++i) {
    const ScsiCommand write = Write10(*initiators[i], static_cast<uint32_t>(i), 1);
    bytes[i] = initiators[i]->Encode(
        {.bhs = initiators[i]->Number(write).Encode(), .ahs = {}, .data = Pattern(512)});
  }
  feed(bytes);
  for (const auto& initiator : initiators) {
    ASSERT_TRUE(initiator->Next().has_value()) << "no answer";
  }
  EXPECT_LE(peak / static_cast<int64_t>(kConnections), kBytesEach);
  RecordProperty("bytes_each", static_cast<int>(peak / static_cast<int64_t>(kConnections)));
}

}  // namespace
}  // namespace pushpull::target::testing
