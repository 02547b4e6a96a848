#include "fabric/timer_heap.h"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/random.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

absl::Time At(int64_t us) { return absl::UnixEpoch() + absl::Microseconds(us); }

TEST(TimerHeapTest, EmptyHeapHasNothingDue) {
  TimerHeap heap;
  EXPECT_TRUE(heap.empty());
  EXPECT_EQ(heap.next_due(), absl::InfiniteFuture());
  EXPECT_FALSE(heap.PopDue(absl::InfiniteFuture(), UINT64_MAX));
  EXPECT_FALSE(heap.Remove(0));
  EXPECT_FALSE(heap.Remove(1));
}

TEST(TimerHeapTest, EqualTimesKeepTheirOrder) {
  TimerHeap heap;
  std::vector<int> fired;
  for (int i = 0; i < 50; ++i) heap.Add(At(7), [&fired, i] { fired.push_back(i); });
  while (Task task = heap.PopDue(At(7), heap.fence())) task();
  ASSERT_EQ(fired.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(fired[i], i);
}

TEST(TimerHeapTest, FenceHoldsBackWhatCameLater) {
  TimerHeap heap;
  const uint64_t fence = heap.fence();
  heap.Add(At(1), [] {});
  EXPECT_FALSE(heap.PopDue(At(1), fence));
  EXPECT_TRUE(heap.PopDue(At(1), heap.fence()));
}

TEST(TimerHeapTest, OldIdDoesNotMeanTheSlotsNewTimer) {
  TimerHeap heap;
  const TimerHeap::Id old = heap.Add(At(1), [] {});
  EXPECT_TRUE(heap.Remove(old));
  const TimerHeap::Id fresh = heap.Add(At(1), [] {});
  EXPECT_NE(old, fresh);
  EXPECT_FALSE(heap.Remove(old));
  EXPECT_TRUE(heap.Remove(fresh));
}

// Against a sorted map, which is the plain way to say the same.
TEST(TimerHeapTest, AgreesWithASortedMap) {
  base::Random random(1);
  TimerHeap heap;
  std::map<std::pair<absl::Time, uint64_t>, TimerHeap::Id> model;
  uint64_t sequence = 0;
  uint64_t fired = 0;
  for (int step = 0; step < 20000; ++step) {
    const uint64_t what = random.Below(10);
    if (what < 5) {
      const absl::Time due = At(static_cast<int64_t>(random.Below(100)));
      const uint64_t number = sequence++;
      model[{due, number}] = heap.Add(due, [&fired, number] { fired = number; });
    } else if (what < 8 && !model.empty()) {
      auto it = model.begin();
      std::advance(it, random.Below(model.size()));
      ASSERT_TRUE(heap.Remove(it->second));
      ASSERT_FALSE(heap.Remove(it->second));
      model.erase(it);
    } else if (!model.empty()) {
      ASSERT_EQ(heap.next_due(), model.begin()->first.first);
      Task task = heap.PopDue(heap.next_due(), heap.fence());
      ASSERT_TRUE(task);
      task();
      ASSERT_EQ(fired, model.begin()->first.second);
      model.erase(model.begin());
    }
    ASSERT_EQ(heap.size(), model.size());
  }
}

}  // namespace
}  // namespace pushpull::fabric
