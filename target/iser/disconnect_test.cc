// The connection ends at any step of a session, each way that it can end: nothing is left of it, no
// key, slot, task or buffer. (The fixture looks.)

#include <cstdint>

#include "gtest/gtest.h"
#include "target/iser/scene.h"

namespace pushpull::target {
namespace {

constexpr const char* kEndings[] = {"ByInitiator", "BothEnds", "Silence", "Destroyed"};

class IserDisconnectTest : public ::testing::TestWithParam<Ending> {};

TEST_P(IserDisconnectTest, AtEachStepNothingIsLeft) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    uint64_t step = 1;
    bool stopped = true;
    for (; stopped && step < 2000; step += seed) {
      Scene scene(seed, step);
      stopped = scene.PlayAndEnd(GetParam());
      ASSERT_FALSE(HasFailure()) << "step " << step << ", seed " << seed;
    }
    EXPECT_GT(step, 100u) << "the session is too short to be of use";
    EXPECT_LT(step, 2000u) << "the session never ends";
  }
}
INSTANTIATE_TEST_SUITE_P(Endings, IserDisconnectTest,
                         ::testing::Values(Ending::kByInitiator, Ending::kBothEnds,
                                           Ending::kSilence, Ending::kDestroyed),
                         [](const auto& info) {
                           return kEndings[static_cast<size_t>(info.param)];
                         });

}  // namespace
}  // namespace pushpull::target
