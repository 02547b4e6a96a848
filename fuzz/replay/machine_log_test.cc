#include "fuzz/replay/machine_log.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

using ::testing::HasSubstr;

// A ping with three bytes and their pad, and then half a header.
Trace Ping() {
  std::vector<uint8_t> bytes(48);
  bytes[0] = 0x40;
  bytes[1] = 0x80;
  bytes[7] = 3;
  bytes.insert(bytes.end(), {'a', 'b', 'c', 0});
  bytes.resize(bytes.size() + 20);
  return MakeTrace("ping", Direction::kToTarget, {}, bytes);
}

TEST(MachineLogTest, TellsPdusAndTheEnd) {
  const std::string log = MachineLog(Ping(), {});
  EXPECT_THAT(log, HasSubstr("pdu NOP-Out bhs=40"));
  EXPECT_THAT(log, HasSubstr("data=616263"));
  EXPECT_THAT(log, HasSubstr("end inside a pdu"));
}

TEST(MachineLogTest, IsTheSameInPieces) {
  const std::string whole = MachineLog(Ping(), {});
  for (size_t cut = 1; cut < 60; ++cut) {
    EXPECT_EQ(MachineLog(Ping(), {.cuts = {cut, 1, 0, 2}, .queue_capacity = 1, .budget = 1}),
              whole);
  }
  EXPECT_EQ(MachineLog(Ping(), {.not_yet_before_each_chunk = true}), whole);
}

}  // namespace
}  // namespace pushpull::replay
