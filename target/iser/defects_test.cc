// Whatever a defect of iSER makes the target do wrong: it lives on, and keeps nothing.

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/bugs/bugs.h"
#include "target/iser/scene.h"

namespace pushpull::target {
namespace {

std::vector<BugInfo> IserBugs() {
  std::vector<BugInfo> bugs;
  std::ranges::copy_if(AllBugs(), std::back_inserter(bugs),
                       [](const BugInfo& bug) { return bug.name.starts_with("iser_"); });
  return bugs;
}

class IserDefectsTest : public ::testing::TestWithParam<BugInfo> {};

TEST_P(IserDefectsTest, NothingIsLeft) {
  BugSet bugs;
  bugs.Add(GetParam().bug);
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    Scene scene(seed, UINT64_MAX, bugs);
    scene.PlayAndEnd(Ending::kByInitiator);
    for (uint64_t step = 80; step < 400; step += 110) {
      Scene short_scene(seed, step, bugs);
      short_scene.PlayAndEnd(Ending::kBothEnds);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Bugs, IserDefectsTest, ::testing::ValuesIn(IserBugs()),
                         [](const auto& info) { return std::string(info.param.name); });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(IserDefectsTest);  // a build without defects

}  // namespace
}  // namespace pushpull::target
