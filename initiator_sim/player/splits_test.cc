#include "initiator_sim/player/splits.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::initiator_sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A PDU with 8 bytes of AHS, both digests, 6 bytes of data and 2 of pad.
constexpr PduLayout kFull = {
    .ahs = 48, .header_digest = 56, .data = 60, .pad = 66, .data_digest = 68, .end = 72};

std::vector<size_t> Cuts(const char* schedule, const PduLayout& layout) {
  auto parsed = SplitSchedule::Parse(schedule);
  EXPECT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->ToString(), schedule);
  return parsed->CutsOf(layout);
}

TEST(SplitsTest, EachSchedule) {
  EXPECT_THAT(Cuts("none", kFull), IsEmpty());
  EXPECT_THAT(Cuts("bytes", kFull), SizeIs(71));
  EXPECT_THAT(Cuts("mss:30", kFull), ElementsAre(30, 60));
  EXPECT_THAT(Cuts("mss:36", kFull), ElementsAre(36));
  EXPECT_THAT(Cuts("mss:1000", kFull), IsEmpty());
  EXPECT_THAT(Cuts("fields", kFull),
              ElementsAre(1, 47, 48, 49, 55, 56, 57, 59, 60, 61, 65, 66, 67, 68, 69, 71));
  EXPECT_THAT(Cuts("fields", PduLayout()), ElementsAre(1, 47));
}

TEST(SplitsTest, RandomCutsAreTheSeeds) {
  auto a = *SplitSchedule::Parse("random:7:3");
  auto b = *SplitSchedule::Parse("random:7:3");
  auto c = *SplitSchedule::Parse("random:8:3");
  bool differ = false;
  for (int i = 0; i < 20; ++i) {
    const std::vector<size_t> cuts = a.CutsOf(kFull);
    EXPECT_EQ(cuts, b.CutsOf(kFull));
    EXPECT_LE(cuts.size(), 3u);
    EXPECT_THAT(cuts, testing::Each(testing::AllOf(testing::Gt(0u), testing::Lt(72u))));
    differ = differ || cuts != c.CutsOf(kFull);
  }
  EXPECT_TRUE(differ);
}

TEST(SplitsTest, ErrorsSayWhatThereIs) {
  for (const char* bad : {"", "all", "mss", "mss:", "mss:0", "mss:x", "mss:1x", "bytes:2", "random",
                          "random:1", "random:1:0", "random:1:99999", "random:-1:2", "none:"}) {
    const auto schedule = SplitSchedule::Parse(bad);
    ASSERT_FALSE(schedule.ok()) << bad;
    EXPECT_THAT(std::string(schedule.status().message()),
                HasSubstr("there are none, bytes, mss:N, fields and random:SEED:N"));
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
