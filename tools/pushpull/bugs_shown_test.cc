#include "tools/pushpull/bugs_shown.h"

#include <string>
#include <vector>

#include "conformance/runner/suite.h"
#include "gtest/gtest.h"

namespace pushpull::tools {
namespace {

using Lines = std::vector<std::string>;

class BugsNotShownTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto files = conformance::BuiltInSuites();
    ASSERT_TRUE(files.ok()) << files.status();
    auto all = conformance::Expand(*files);
    ASSERT_TRUE(all.ok()) << all.status();
    all_ = *std::move(all);
  }
  void Add(const std::string& id, v1::Verdict verdict) {
    v1::CaseResult* const result = run_.add_result();
    result->set_id(id);
    result->set_verdict(verdict);
  }
  // A row of a case.
  std::string RowOf(const std::string& name) const {
    for (const conformance::Case& c : all_) {
      if (c.id().rfind(name, 0) == 0) return c.id();
    }
    return "none";
  }
  Lines Told(bool rdma) { return BugsNotShown({"r2t_sn_repeats"}, all_, run_, rdma); }

  std::vector<conformance::Case> all_;
  v1::RunResult run_;
};

TEST_F(BugsNotShownTest, WhatCanNotShowOverRdmaIsTold) {
  Add(RowOf("write/read_back"), v1::PASS);
  Add("write/r2t_sequence", v1::SKIP);
  const Lines told = Told(/*rdma=*/true);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].rfind("--bug r2t_sn_repeats didn't show: write/read_back", 0), 0u) << told[0];
  EXPECT_NE(told[0].find(" passed, which finds it over TCP"), std::string::npos) << told[0];
  EXPECT_EQ(Told(/*rdma=*/false), Lines()) << "over TCP that were a fault of the suites";
}

TEST_F(BugsNotShownTest, WhatFindsItMustBePlayed) {
  Add("login/isid_kept#oui", v1::PASS);
  for (const bool rdma : {false, true}) {
    const Lines told = Told(rdma);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_NE(told[0].find("no case that finds it was played"), std::string::npos) << told[0];
  }
}

TEST_F(BugsNotShownTest, WhereSomethingFailedNothingIsTold) {
  Add("write/read_back", v1::FAIL);
  Add("login/isid_kept#oui", v1::PASS);
  EXPECT_EQ(Told(/*rdma=*/true), Lines());
}

}  // namespace
}  // namespace pushpull::tools
