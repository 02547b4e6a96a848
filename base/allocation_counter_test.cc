#include "base/allocation_counter.h"

#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

TEST(AllocationCounterTest, CountsEachAllocation) {
  const int64_t before = ThreadAllocations();
  auto one = std::make_unique<int>(1);
  auto many = std::make_unique<int[]>(1000);
  std::vector<char> bytes(10'000);
  struct alignas(64) Wide {
    char bytes[64];
  };
  auto wide = std::make_unique<Wide>();
  EXPECT_EQ(ThreadAllocations() - before, 4);
}

TEST(AllocationCounterTest, KnowsWhatIsLeft) {
  const int64_t before = LiveBytes();
  {
    std::vector<char> bytes(100'000);
    EXPECT_GE(LiveBytes() - before, 100'000);
    EXPECT_LT(LiveBytes() - before, 110'000);
  }
  EXPECT_EQ(LiveBytes(), before);
}

TEST(AllocationCounterTest, OtherThreadsCountWhereTheyAskedToBe) {
  const auto allocate = [] { std::make_unique<int[]>(10); };
  const int64_t mine = CountedAllocations();
  std::thread(allocate).join();
  EXPECT_EQ(CountedAllocations(), mine);
  std::thread([&] {
    CountThisThread();
    allocate();
  }).join();
  EXPECT_EQ(CountedAllocations(), mine + 1);
}

}  // namespace
}  // namespace pushpull::base
