// What the suites see of faults that a proxy plants, and what they must not mind. A sample of the
// table; `bazel run //tools/faults` tries all of it.

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tools/endpoints/embedded_sim.h"
#include "tools/faults/fault.h"
#include "tools/faults/trial.h"

namespace pushpull::faults {
namespace {

constexpr size_t kGroups = 8;
// Every so manieth fault; no divisor of the table's patterns.
constexpr size_t kStride = 17;

std::vector<conformance::Case> AllCases() {
  const auto files = conformance::BuiltInSuites();
  EXPECT_TRUE(files.ok()) << files.status();
  return conformance::Expand(*files).value();
}

// In groups, for the shards to share.
class FaultsTest : public ::testing::TestWithParam<size_t> {
 protected:
  static void SetUpTestSuite() {
    factory_ = tools::MakeEmbeddedSimFactory({}).release();
    trial_ = new Trial(factory_, AllCases());
  }
  static void TearDownTestSuite() {
    delete trial_;
    delete factory_;
  }

  // What is in this group of `all`, of which every `stride`th is tried.
  static std::vector<Fault> Group(std::vector<Fault> all, size_t stride) {
    std::vector<Fault> group;
    for (size_t i = GetParam() * stride; i < all.size(); i += kGroups * stride) {
      group.push_back(std::move(all[i]));
    }
    return group;
  }

  static conformance::EndpointFactory* factory_;
  static Trial* trial_;
};

conformance::EndpointFactory* FaultsTest::factory_ = nullptr;
Trial* FaultsTest::trial_ = nullptr;

TEST_P(FaultsTest, WhatIsForbiddenIsCaughtByName) {
  std::vector<Fault> forbidden;
  for (Fault& fault : AllFaults()) {
    if (fault.legal.empty()) forbidden.push_back(std::move(fault));
  }
  size_t caught = 0;
  for (const Fault& fault : Group(std::move(forbidden), kStride)) {
    const Finding finding = trial_->Try(fault, {.only = 0, .enough = 1, .most = 8});
    if (finding.planted == 0) continue;
    if (finding.caught > 0) {
      ++caught;
      EXPECT_TRUE(!finding.rules.empty() || !finding.judged.empty()) << fault.name;
      continue;
    }
    EXPECT_NE(Excuse(fault.name), "")
        << fault.name << " is missed: " << ToString(finding) << " in " << finding.missed[0];
  }
  EXPECT_GT(caught, 5u);
}

TEST_P(FaultsTest, WhatIsLegalChangesNoVerdict) {
  for (const Fault& fault : Group(LegalVariations(), 1)) {
    const Finding finding = trial_->Try(fault, {.only = 0, .enough = 0, .most = 60});
    EXPECT_GT(finding.planted, 0u) << fault.name;
    EXPECT_EQ(finding.caught + finding.timed_out, 0u)
        << fault.name << " (" << fault.legal << "): " << ToString(finding);
  }
}

INSTANTIATE_TEST_SUITE_P(Groups, FaultsTest, ::testing::Range(size_t{0}, kGroups));

// The proxy itself is not to be seen.
TEST(FaultsProxyTest, WithoutAFaultNothingChanges) {
  const auto factory = tools::MakeEmbeddedSimFactory({});
  const Trial trial(factory.get(), AllCases());
  for (const bool renumbers : {false, true}) {
    Fault fault;
    fault.name = "nothing";
    fault.renumbers = renumbers;
    fault.plant = [](Passing*, const Image& pdu) {
      Outcome outcome;
      outcome.now.push_back(pdu);
      return outcome;
    };
    const Finding finding = trial.Try(fault, {.only = 0, .enough = 0, .most = 100});
    EXPECT_EQ(finding.planted, 100u);
    EXPECT_EQ(finding.caught + finding.timed_out, 0u) << ToString(finding);
  }
}

}  // namespace
}  // namespace pushpull::faults
