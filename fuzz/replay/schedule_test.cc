#include "fuzz/replay/schedule.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "fuzz/replay/replay_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAreArray;

using Cuts = std::vector<size_t>;

// 52 bytes: a header and a data segment of two bytes; then one more header.
Trace Small() {
  return TraceOf(R"(trace {} step { send { pdu { nop_out {} data { raw: "ab" } } } }
                    step { send { pdu { nop_out {} } } })");
}

std::vector<Delivery> All(const std::string& schedule, const Trace& trace,
                          const std::vector<Source>& sources) {
  Deliveries deliveries(*Schedule::Parse(schedule), trace, sources);
  std::vector<Delivery> all;
  Delivery delivery;
  while (deliveries.Next(&delivery)) {
    EXPECT_EQ(Check(delivery, trace), absl::OkStatus());
    all.push_back(delivery);
  }
  EXPECT_EQ(all.size(), deliveries.count()) << schedule;
  return all;
}

std::vector<Cuts> CutsOfAll(const std::string& schedule, const Trace& trace, Source source) {
  std::vector<Cuts> cuts;
  for (const Delivery& delivery : All(schedule, trace, {source})) cuts.push_back(CutsOf(delivery));
  return cuts;
}

TEST(ScheduleTest, None) {
  const Trace trace = Small();
  const auto all = All("none", trace, {Source::kTcp, Source::kBytes, Source::kPush});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0], Whole(trace, Source::kTcp));
  EXPECT_EQ(all[1], Whole(trace, Source::kBytes));
  EXPECT_EQ(all[2], Whole(trace, Source::kPush));
}

TEST(ScheduleTest, BytesAndMessages) {
  const auto cuts = CutsOfAll("bytes", Small(), Source::kTcp);
  ASSERT_EQ(cuts.size(), 1u);
  EXPECT_EQ(cuts[0].size(), 99u);
  EXPECT_THAT(CutsOfAll("bytes", Small(), Source::kPush), ElementsAre(Cuts{1}));
}

TEST(ScheduleTest, Mss) {
  EXPECT_THAT(CutsOfAll("mss:40", Small(), Source::kTcp), ElementsAre(Cuts{40, 80}));
  EXPECT_THAT(CutsOfAll("mss:100", Small(), Source::kTcp), ElementsAre());
}

TEST(ScheduleTest, FieldsAreBordersAndTheirNeighboursAndPairs) {
  // Borders: 48 (header), 50 (data), 52 (pad).
  const auto cuts = CutsOfAll("fields", Small(), Source::kBytes);
  for (size_t at = 47; at <= 53; ++at) {
    EXPECT_EQ(std::count(cuts.begin(), cuts.end(), Cuts{at}), 1) << at;
  }
  EXPECT_EQ(std::count(cuts.begin(), cuts.end(), Cuts{46}), 0);
  for (const Cuts& pair : {Cuts{48, 50}, Cuts{47, 51}, Cuts{51, 53}, Cuts{48, 49}}) {
    EXPECT_EQ(std::count(cuts.begin(), cuts.end(), pair), 1) << pair[0] << " " << pair[1];
  }
  for (const Cuts& together : {Cuts{48, 50, 52}, Cuts{47, 49, 51}, Cuts{49, 51, 53}}) {
    EXPECT_EQ(std::count(cuts.begin(), cuts.end(), together), 1);
  }
  EXPECT_EQ(cuts.size(), 7u + 15u + 3u);  // 49+49 and 51+51 are no pairs, 49+51 is one of both
}

TEST(ScheduleTest, AhsCutsWithinAhsDigestsAndPad) {
  const Trace trace = MixedTrace(true, true);
  const auto cuts = CutsOfAll("ahs", trace, Source::kTcp);
  const std::set<Cuts> set(cuts.begin(), cuts.end());
  const PduBorders& pdu = trace.pdus[0];
  for (size_t at = pdu.bhs_end; at <= pdu.header_digest_end; ++at) {
    EXPECT_TRUE(set.contains({at})) << at;
    EXPECT_TRUE(set.contains({at, pdu.data_end + 1})) << at;  // within the pad too
  }
  EXPECT_TRUE(set.contains({pdu.ahs_end(), pdu.header_digest_end}));
  EXPECT_TRUE(set.contains({pdu.pad_end + 2}));
  EXPECT_EQ(set.size(), cuts.size());
}

TEST(ScheduleTest, AllCuts) {
  const Trace trace = MakeTrace("t", Direction::kToTarget, {}, std::vector<uint8_t>(7));
  EXPECT_THAT(CutsOfAll("all1", trace, Source::kTcp),
              ElementsAre(Cuts{1}, Cuts{2}, Cuts{3}, Cuts{4}, Cuts{5}, Cuts{6}));
  for (const size_t n : {2, 3}) {
    std::vector<Cuts> due;
    for (size_t mask = 0; mask < 64; ++mask) {
      Cuts cuts;
      for (size_t bit = 0; bit < 6; ++bit) {
        if ((mask >> bit & 1) != 0) cuts.push_back(bit + 1);
      }
      if (cuts.size() == n) due.push_back(cuts);
    }
    EXPECT_THAT(CutsOfAll("all" + std::to_string(n), trace, Source::kBytes),
                UnorderedElementsAreArray(due));
  }
  const Trace tiny = MakeTrace("t", Direction::kToTarget, {}, std::vector<uint8_t>(2));
  EXPECT_EQ(All("all1", tiny, {Source::kTcp}).size(), 1u);
  EXPECT_EQ(All("all2,all3", tiny, {Source::kTcp}).size(), 0u);
  const Trace nothing = MakeTrace("t", Direction::kToTarget, {}, {});
  EXPECT_EQ(All("all1,all2,all3,bytes,mss:1", nothing, {Source::kTcp}).size(), 1u);
  EXPECT_THAT(CutsOfAll("all1", Small(), Source::kPush), ElementsAre(Cuts{1}));
}

TEST(ScheduleTest, NotYet) {
  const auto all = All("notyet", Small(), {Source::kTcp});
  ASSERT_EQ(all.size(), 4u + 3u);
  EXPECT_TRUE(all[0].not_yet_before_each_read);
  EXPECT_FALSE(all[1].not_yet_before_each_read);
  EXPECT_EQ(CutsOf(all[1]), (Cuts{48, 48, 50, 50, 52, 52}));
  EXPECT_TRUE(all[2].not_yet_before_each_read);
  EXPECT_EQ(CutsOf(all[3]), (Cuts{0, 100}));
  EXPECT_EQ(CutsOf(all[4]), (Cuts{48, 48}));
  EXPECT_EQ(CutsOf(all[6]), (Cuts{52, 52}));
}

TEST(ScheduleTest, QueuesOfEachCapacityAndSlots) {
  const auto all = All("queue:3", Small(), {Source::kTcp, Source::kPush});
  EXPECT_EQ(all.size(), 2u * 3 * 3 * 2);
  std::set<std::pair<int, int>> seen;
  for (const Delivery& delivery : all) seen.insert({delivery.queue_capacity, delivery.slots});
  EXPECT_THAT(seen, ElementsAre(std::pair(1, 1), std::pair(1, 2), std::pair(2, 2), std::pair(2, 3),
                                std::pair(3, 3), std::pair(3, 4)));
}

TEST(ScheduleTest, RandomIsItsSeed) {
  const auto one = All("random:7:50", Small(), {Source::kTcp, Source::kPush});
  EXPECT_EQ(one.size(), 100u);
  EXPECT_EQ(All("random:7:50", Small(), {Source::kTcp, Source::kPush}), one);
  EXPECT_NE(All("random:8:50", Small(), {Source::kTcp, Source::kPush}), one);
}

TEST(ScheduleTest, CoalesceFromEachPlace) {
  const Trace trace = TraceOf("trace {} step { send { count: 5 pdu { nop_out {} } } }");
  EXPECT_THAT(CutsOfAll("coalesce:2", trace, Source::kTcp),
              ElementsAre(Cuts{96, 192}, Cuts{48, 144}));
  EXPECT_THAT(CutsOfAll("coalesce:3", trace, Source::kPush),
              ElementsAre(Cuts{3}, Cuts{1, 4}, Cuts{2}));
  EXPECT_THAT(CutsOfAll("coalesce:100", trace, Source::kPush),
              ElementsAre(Cuts{}, Cuts{1}, Cuts{2}, Cuts{3}, Cuts{4}));
}

TEST(ScheduleTest, QueueAndEndVary) {
  std::set<std::pair<int, bool>> seen;
  for (const Delivery& delivery : All("all1", Small(), {Source::kTcp})) {
    seen.insert({delivery.queue_capacity, delivery.end_with_last});
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST(ScheduleTest, AllFitsTheSize) {
  const Trace small = Small();
  const std::vector<Source> sources = {Source::kTcp, Source::kBytes, Source::kPush};
  const Deliveries of_small(*Schedule::Parse("all"), small, sources);
  EXPECT_GT(of_small.count(), 2u * (99 + 99 * 98 / 2 + 99 * 98 * 97 / 6));
  EXPECT_TRUE(of_small.left_out().empty());
  // Of 1 MiB no cut is played by itself, and it is still more than one delivery.
  const Trace large = MakeTrace("t", Direction::kToTarget, {}, std::vector<uint8_t>(1 << 20));
  const Deliveries of_large(*Schedule::Parse("all"), large, sources);
  EXPECT_GT(of_large.count(), 100u);
  EXPECT_LT(of_large.count() * large.bytes.size(), uint64_t{1} << 36);
}

TEST(ScheduleTest, TooMuchIsLeftOutAndSaid) {
  const Trace trace = Small();
  const Deliveries deliveries(*Schedule::Parse("all1,all3"), trace, {Source::kTcp},
                              {.max_deliveries = 1000});
  EXPECT_EQ(deliveries.count(), 99u);
  EXPECT_THAT(deliveries.left_out(), ElementsAre("all3 (156849 deliveries)"));
}

TEST(ScheduleTest, ParsesAndPrints) {
  const auto schedule = Schedule::Parse("none,mss:1448,random:9:3,queue:2,coalesce:4,all");
  ASSERT_TRUE(schedule.ok());
  std::string text;
  for (const Schedule::Item& item : schedule->items()) text += Schedule::ToString(item) + " ";
  EXPECT_EQ(text, "none mss:1448 random:9:3 queue:2 coalesce:4 all ");
}

TEST(ScheduleTest, ErrorsSayWhatThereIs) {
  const auto message = [](std::string_view text) {
    return std::string(Schedule::Parse(text).status().message());
  };
  EXPECT_THAT(message("al1"), HasSubstr("\"al1\": there is no such schedule; there are none, b"));
  EXPECT_THAT(message("bytes,"), HasSubstr("there is no such schedule"));
  EXPECT_THAT(message("mss"), HasSubstr("mss takes 1 number"));
  EXPECT_THAT(message("fields:3"), HasSubstr("fields takes 0 numbers"));
  EXPECT_THAT(message("random:1"), HasSubstr("random takes 2 numbers"));
  EXPECT_THAT(message("mss:x"), HasSubstr("\"x\" is no number"));
  EXPECT_THAT(message("mss:0"), HasSubstr("from 1"));
  EXPECT_THAT(message("queue:5000"), HasSubstr("1 to 1024"));
}

}  // namespace
}  // namespace pushpull::replay
