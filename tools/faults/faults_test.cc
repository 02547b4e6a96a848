// What the suites see of faults that a proxy plants, and what they must not mind.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tools/endpoints/embedded_sim.h"
#include "tools/faults/fault.h"
#include "tools/faults/trial.h"

namespace pushpull::faults {
namespace {

std::vector<conformance::Case> AllCases() {
  const auto files = conformance::BuiltInSuites();
  EXPECT_TRUE(files.ok()) << files.status();
  return conformance::Expand(*files).value();
}

class FaultsTest : public ::testing::Test {
 protected:
  static const Trial& trial() {
    static const auto* const factory = tools::MakeEmbeddedSimFactory({}).release();
    static const auto* const trial =
        new Trial(const_cast<conformance::EndpointFactory*>(factory), AllCases());
    return *trial;
  }
};

TEST_F(FaultsTest, NoFaultIsNoFailure) {
  for (const bool renumbers : {false, true}) {
    Fault fault;
    fault.name = "nothing";
    fault.renumbers = renumbers;
    fault.plant = [](Passing*, const Image& pdu) {
      Outcome outcome;
      outcome.now.push_back(pdu);
      return outcome;
    };
    const Finding finding = trial().Try(fault, {});
    EXPECT_GT(finding.planted, 200u);
    EXPECT_EQ(finding.caught, 0u) << ToString(finding);
    EXPECT_EQ(finding.timed_out, 0u) << ToString(finding);
  }
}

}  // namespace
}  // namespace pushpull::faults
