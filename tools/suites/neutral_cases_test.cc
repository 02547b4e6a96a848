// TCP and iSER are equal: each case of the suites that isn't about what only one of them has gives
// the same verdict and the same outcome of each command, and leaves the same on the disks, over
// both.

#include <vector>

#include "conformance/runner/suite.h"
#include "gtest/gtest.h"
#include "tools/suites/compared_play.h"
#include "tools/suites/iser_maker.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

using conformance::Case;

// Not to be played over iSER, as the target there begins with a key of its own, of RFC 7145 §6.7.
constexpr char kOneSided[] = "login/security_to_full_feature";

// What needs nothing but a target and its disks.
std::vector<Case> NeutralCases() {
  std::vector<Case> cases = AllCases();
  std::erase_if(cases, [](const Case& c) {
    const v1::Needs& needs = c.scenario().needs();
    return c.scenario().role() == v1::TARGET || needs.transport() != v1::ANY_TRANSPORT ||
           c.id() == kOneSided || needs.hook_size() > 0 || needs.chap() || needs.mutual_chap() ||
           needs.portals() > 1;
  });
  return cases;
}

class NeutralCasesTest : public testing::TestWithParam<Case> {};

TEST_P(NeutralCasesTest, EndAlikeOverTcpAndIser) {
  const Played tcp = PlayToCompare(GetParam(), &MakeTcpFactory);
  const Played iser = PlayToCompare(GetParam(), &MakeIserFactory);
  EXPECT_EQ(tcp.verdict, iser.verdict);
  EXPECT_EQ(tcp.outcomes, iser.outcomes);
  EXPECT_EQ(tcp.blocks, iser.blocks);
}

INSTANTIATE_TEST_SUITE_P(Suites, NeutralCasesTest, testing::ValuesIn(NeutralCases()),
                         [](const auto& info) { return TestName(info.param.id()); });

TEST(NeutralCases, AreMany) { EXPECT_GT(NeutralCases().size(), 200u); }

}  // namespace
}  // namespace pushpull::tools
