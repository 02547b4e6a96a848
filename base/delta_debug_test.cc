#include "base/delta_debug.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using Elements = std::vector<int>;

// What is left of 0 to size - 1, where `found` says of a list whether it is still a finding.
struct LeftOut {
  LeftOut(int size, const std::function<bool(const Elements&)>& found) {
    Elements elements(static_cast<size_t>(size));
    std::iota(elements.begin(), elements.end(), 0);
    const absl::StatusOr<size_t> left =
        LeaveOut(elements.size(), [&](size_t first, size_t count) -> absl::StatusOr<bool> {
          EXPECT_GT(count, 0u);
          EXPECT_LE(first + count, elements.size());
          Elements rest = elements;
          const auto at = rest.begin() + static_cast<std::ptrdiff_t>(first);
          rest.erase(at, at + static_cast<std::ptrdiff_t>(count));
          tried.push_back(rest);
          if (!found(rest)) return false;
          elements = std::move(rest);
          return true;
        });
    EXPECT_TRUE(left.ok()) << left.status();
    EXPECT_EQ(*left, elements.size()) << "what it says is left";
    kept = std::move(elements);
  }

  Elements kept;
  std::vector<Elements> tried;
};

bool Has(const Elements& list, int element) {
  return std::find(list.begin(), list.end(), element) != list.end();
}

TEST(LeaveOutTest, KeepsWhatTheFindingNeeds) {
  for (int one = 0; one < 9; ++one) {
    const LeftOut alone(9, [one](const Elements& list) { return Has(list, one); });
    EXPECT_THAT(alone.kept, ElementsAre(one));
    for (int other = one + 1; other < 9; ++other) {
      const LeftOut both(9,
                         [&](const Elements& list) { return Has(list, one) && Has(list, other); });
      EXPECT_THAT(both.kept, ElementsAre(one, other));
    }
  }
}

TEST(LeaveOutTest, NothingIsLeftOfWhatNothingNeeds) {
  EXPECT_THAT(LeftOut(7, [](const Elements&) { return true; }).kept, IsEmpty());
  EXPECT_THAT(LeftOut(1, [](const Elements&) { return true; }).kept, IsEmpty());
  EXPECT_THAT(LeftOut(1, [](const Elements&) { return false; }).kept, ElementsAre(0));
}

TEST(LeaveOutTest, OfNothingNothingIsTried) {
  EXPECT_THAT(LeftOut(0, [](const Elements&) { return true; }).tried, IsEmpty());
}

// What stands behind may be why something can't go yet: each one goes only behind the next.
TEST(LeaveOutTest, GoesRoundUntilNoSingleOneCanBeSpared) {
  const LeftOut chain(6, [](const Elements& list) {
    for (int i = 0; i + 1 < 6; ++i) {
      if (!Has(list, i) && Has(list, i + 1)) return false;
    }
    return Has(list, 0);
  });
  EXPECT_THAT(chain.kept, ElementsAre(0));
}

TEST(LeaveOutTest, TriesHalvesBeforeSingleOnes) {
  const LeftOut first(8, [](const Elements& list) { return Has(list, 1); });
  ASSERT_THAT(first.tried, SizeIs(testing::Ge(2u)));
  EXPECT_THAT(first.tried[0], ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(first.tried[1], ElementsAre(0, 1, 2, 3));
  // 1024 elements of which one counts: 2 halves a time, and not each one by itself.
  const LeftOut many(1024, [](const Elements& list) { return Has(list, 700); });
  EXPECT_THAT(many.kept, ElementsAre(700));
  EXPECT_LT(many.tried.size(), 30u);
}

TEST(LeaveOutTest, AnErrorEndsIt) {
  int tried = 0;
  const absl::StatusOr<size_t> left = LeaveOut(8, [&](size_t, size_t) -> absl::StatusOr<bool> {
    if (++tried == 3) return absl::UnavailableError("gone");
    return false;
  });
  EXPECT_EQ(left.status().message(), "gone");
  EXPECT_EQ(tried, 3);
}

}  // namespace
}  // namespace pushpull::base
