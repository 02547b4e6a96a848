// TCP and iSER are equal: each session of corpus/traces that isn't about what only TCP has gives
// the same outcome of each command, and leaves the same on the disks, over both. iSER is simulated
// in transports_test, and goes over a device in transports_verbs.

#include <vector>

#include "conformance/runner/preconditions.h"
#include "conformance/runner/suite.h"
#include "gtest/gtest.h"
#include "tools/suites/compared_play.h"
#include "tools/suites/iser_maker.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

using conformance::Case;

// Those that are about both.
std::vector<Case> Sessions() {
  std::vector<Case> sessions = CorpusSessions();
  std::erase_if(sessions, [](const Case& c) {
    return !conformance::IsOfTransport(c.scenario(), /*rdma=*/true) ||
           !conformance::IsOfTransport(c.scenario(), /*rdma=*/false);
  });
  return sessions;
}

class TransportsTest : public testing::TestWithParam<Case> {};

TEST_P(TransportsTest, EndAlikeOverTcpAndIser) {
  const Played tcp = PlayToCompare(GetParam(), &MakeTcpFactory);
  const Played iser = PlayToCompare(GetParam(), &MakeIserFactory);
  EXPECT_EQ(tcp.verdict, "PASS ");
  EXPECT_EQ(iser.verdict, "PASS ");
  EXPECT_EQ(tcp.outcomes, iser.outcomes);
  EXPECT_EQ(tcp.blocks, iser.blocks);
  EXPECT_GE(tcp.outcomes.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Corpus, TransportsTest, testing::ValuesIn(Sessions()),
                         [](const auto& info) { return TestName(info.param.id()); });

TEST(TransportsTest, MostSessionsAreOfBoth) { EXPECT_GE(Sessions().size(), 9u); }

}  // namespace
}  // namespace pushpull::tools
