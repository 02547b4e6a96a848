#include "fuzz/replay/minimise.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/random.h"
#include "fuzz/replay/random_delivery.h"
#include "fuzz/replay/replay_testing.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

using IsWrong = std::function<bool(const Delivery&)>;

bool CutBetween(const Delivery& delivery, size_t from, size_t to) {
  const std::vector<size_t> cuts = CutsOf(delivery);
  return std::any_of(cuts.begin(), cuts.end(),
                     [&](size_t cut) { return cut >= from && cut <= to; });
}

bool WaitsAt(const Delivery& delivery, size_t place) {
  size_t at = 0;
  for (const Operation& operation : delivery.operations) {
    at += operation.count;
    if (operation.kind == Operation::Kind::kNotYet && at == place) return true;
  }
  return false;
}

// The least of a random delivery that is wrong.
std::string Least(const Trace& trace, Source source, const IsWrong& is_wrong, uint64_t seed,
                  const MinimiseOptions& options = {}) {
  base::Random random(seed);
  Delivery found;
  found.source = source;
  do {
    MakeRandomDelivery(trace, &random, &found);
  } while (!is_wrong(found));
  const auto least = Minimise(
      trace, found, [&](const Delivery& d) -> absl::StatusOr<bool> { return is_wrong(d); },
      options);
  EXPECT_EQ(least.status(), absl::OkStatus());
  EXPECT_TRUE(is_wrong(*least));
  EXPECT_EQ(Check(*least, trace), absl::OkStatus());
  return ToString(*least);
}

TEST(MinimiseTest, OneCutIsFoundAndIsTheFirst) {
  const Trace trace = MixedTrace(false, false);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(
        Least(
            trace, Source::kTcp, [](const Delivery& d) { return CutBetween(d, 60, 70); }, seed),
        "tcp, cut at 60");
  }
}

TEST(MinimiseTest, TwoCutsThatNeedEachOther) {
  const Trace trace = MixedTrace(false, false);
  const auto wrong = [](const Delivery& d) {
    return CutBetween(d, 200, 210) && CutBetween(d, 90, 95);
  };
  EXPECT_EQ(Least(trace, Source::kBytes, wrong, 1), "bytes, cut at 90 and 200");
  // Without means to try all pairs, each moves by itself.
  EXPECT_EQ(Least(trace, Source::kBytes, wrong, 1, {.max_plays = 3000}),
            "bytes, cut at 90 and 200");
}

// What is found first need not have the fewest cuts: then all with fewer are tried.
TEST(MinimiseTest, FewerCutsElsewhereWin) {
  const Trace trace = MixedTrace(false, false);
  const auto wrong = [](const Delivery& d) {
    const std::vector<size_t> cuts = CutsOf(d);
    const bool three = CutBetween(d, 20, 20) && CutBetween(d, 21, 21) && CutBetween(d, 22, 22);
    return three || (cuts.size() == 1 && cuts[0] == 77);
  };
  Delivery found;
  for (const size_t n : {size_t{20}, size_t{1}, size_t{1}, trace.bytes.size() - 22}) found.Feed(n);
  found.End();
  const auto least =
      Minimise(trace, found, [&](const Delivery& d) -> absl::StatusOr<bool> { return wrong(d); });
  EXPECT_EQ(ToString(*least), "tcp, cut at 77");
}

// One cut is never enough: two are tried next.
TEST(MinimiseTest, AsManyCutsAsNeeded) {
  const Trace trace = MixedTrace(false, false);
  const auto wrong = [](const Delivery& d) {
    const std::vector<size_t> cuts = CutsOf(d);
    const bool three = CutBetween(d, 20, 20) && CutBetween(d, 21, 21) && CutBetween(d, 22, 22);
    return three || cuts == std::vector<size_t>{5, 77};
  };
  Delivery found;
  for (const size_t n : {size_t{20}, size_t{1}, size_t{1}, trace.bytes.size() - 22}) found.Feed(n);
  found.End();
  const auto least =
      Minimise(trace, found, [&](const Delivery& d) -> absl::StatusOr<bool> { return wrong(d); });
  EXPECT_EQ(ToString(*least), "tcp, cut at 5 and 77");
}

// No more plays than were granted, and what is best by then.
TEST(MinimiseTest, PlaysAreCounted) {
  const Trace trace = MixedTrace(false, false);
  for (const uint64_t granted : {0, 1, 7}) {
    Delivery found = Whole(trace, Source::kTcp);
    found.not_yet_before_each_read = true;
    uint64_t plays = 0;
    const auto least = Minimise(trace, found,
                                [&plays](const Delivery&) -> absl::StatusOr<bool> {
                                  ++plays;
                                  return true;
                                },
                                {.max_plays = granted});
    EXPECT_LE(plays, granted);
    EXPECT_EQ(least->not_yet_before_each_read, granted == 0);
  }
}

TEST(MinimiseTest, FlagsAndQueueGoWhereTheyAreNotNeeded) {
  const Trace trace = MixedTrace(false, false);
  EXPECT_EQ(Least(
                trace, Source::kTcp, [](const Delivery& d) { return d.queue_capacity == 1; }, 3),
            "tcp, whole, queue 1");
  EXPECT_EQ(Least(
                trace, Source::kTcp, [](const Delivery& d) { return d.slots == 2; }, 3),
            "tcp, whole, slots 2");
  EXPECT_EQ(Least(
                trace, Source::kTcp,
                [](const Delivery& d) { return d.not_yet_before_each_read && d.end_with_last; }, 3),
            "tcp, whole, not yet before each read, the end with the last bytes");
}

TEST(MinimiseTest, WaitsStay) {
  const Trace trace = MixedTrace(false, false);
  const auto in_header = [](const Delivery& d) {
    for (size_t at = 30; at < 48; ++at) {
      if (WaitsAt(d, at)) return true;
    }
    return false;
  };
  EXPECT_EQ(Least(trace, Source::kTcp, in_header, 5), "tcp, cut at 30 (not yet)");
  EXPECT_EQ(Least(
                trace, Source::kTcp, [](const Delivery& d) { return WaitsAt(d, 0); }, 5),
            "tcp, cut at 0");
}

TEST(MinimiseTest, Pushes) {
  const Trace trace = MixedTrace(false, false);
  EXPECT_EQ(Least(
                trace, Source::kPush, [](const Delivery& d) { return CutBetween(d, 2, 4); }, 1),
            "push, 2+3 PDUs");
  EXPECT_EQ(Least(
                trace, Source::kPush,
                [](const Delivery& d) { return CutBetween(d, 1, 2) && CutBetween(d, 4, 4); }, 1),
            "push, 1+3+1 PDUs");
}

TEST(MinimiseTest, ErrorsComeThrough) {
  const Trace trace = MixedTrace(false, false);
  const auto least = Minimise(
      trace, Whole(trace, Source::kTcp),
      [](const Delivery&) -> absl::StatusOr<bool> { return absl::UnavailableError("gone"); });
  EXPECT_EQ(least.status(), absl::UnavailableError("gone"));
}

}  // namespace
}  // namespace pushpull::replay
