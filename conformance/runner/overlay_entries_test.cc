// Entries of a profile one by one: what they take, how long they hold, what --fix-profile makes of
// them.

#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "conformance/runner/overlay.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kToday[] = "2026-11-22";

class OverlayEntriesTest : public ::testing::Test {
 protected:
  void Use(const std::string& text, const std::vector<uint32_t>& lines = {}) {
    v1::Profile profile;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &profile)) << text;
    overlay_ = ProfileOverlay(profile, kToday, lines);
    overlay_.SetCases({"a/b", "a/c"});
  }
  v1::CaseResult Apply(const std::string& id, v1::Verdict verdict,
                       const std::string& message = "") {
    v1::CaseResult result;
    result.set_id(id);
    result.set_verdict(verdict);
    result.mutable_failure()->set_message(message);
    overlay_.Apply(&result);
    return result;
  }
  // What --fix-profile makes of one result.
  ProfileRepair RepairAfter(const v1::CaseResult& result, bool strict = false) {
    v1::RunResult run;
    *run.add_result() = result;
    return overlay_.Repair(run, strict);
  }

  ProfileOverlay overlay_{v1::Profile(), kToday};
};

TEST_F(OverlayEntriesTest, OneHoldsUpToItsDate) {
  Use(R"(expect { id: "a/b" reason: "r" expires: "2026-11-22" }
         expect_violation { rule: "no_ahs" reason: "r" expires: "2026-11-22" unsteady: true })");
  EXPECT_EQ(Apply("a/b", v1::FAIL).overlay(), v1::XFAIL);
  EXPECT_THAT(overlay_.Complaints(), IsEmpty());
}

TEST_F(OverlayEntriesTest, AComplaintSaysItsLine) {
  Use(R"(expect { id: "x" reason: "r" } expect { id: "y" reason: "r" })", {3, 8});
  const auto complaints = overlay_.Complaints();
  ASSERT_THAT(complaints, SizeIs(2));
  EXPECT_EQ(complaints[0].line(), 3u);
  EXPECT_EQ(complaints[1].line(), 8u);
}

TEST_F(OverlayEntriesTest, AQuestionMarkIsAGlob) {
  Use(R"(expect { id: "a/?" reason: "r" })");
  EXPECT_EQ(Apply("a/b", v1::FAIL).overlay(), v1::XFAIL);
  EXPECT_EQ(Apply("a/c", v1::PASS).overlay(), v1::OVERLAY_NONE);
}

TEST_F(OverlayEntriesTest, OneThatNamesItsVerdictsTakesNoOther) {
  Use(R"(expect { id: "a/b" reason: "r" verdict: "TIMEOUT" verdict: "WARN" })");
  EXPECT_EQ(Apply("a/b", v1::WARN).overlay(), v1::XFAIL);
  const v1::CaseResult other = Apply("a/b", v1::FAIL);
  EXPECT_EQ(other.overlay(), v1::OVERLAY_NONE);
  EXPECT_THAT(other.overlay_reason(), HasSubstr("expects TIMEOUT or WARN"));
}

TEST_F(OverlayEntriesTest, TheFirstFailureThatWasTakenIsTold) {
  Use(R"(expect { id: "a/*" reason: "r" unsteady: true })");
  Apply("a/b", v1::FAIL, "one");
  Apply("a/c", v1::FAIL, "two");
  EXPECT_THAT(overlay_.Warnings(), ElementsAre(HasSubstr("message_prefix: \"one\"")));
}

TEST_F(OverlayEntriesTest, OneOfTheFuzzerIsNoneOfACase) {
  Use(R"(expect { id: "fuzz/crash_1" reason: "r" })");
  EXPECT_THAT(overlay_.Complaints(), IsEmpty());
}

TEST_F(OverlayEntriesTest, AnUnsteadyGlobIsNeverStale) {
  Use(R"(expect { id: "a/*" reason: "r" unsteady: true })");
  Apply("a/b", v1::PASS);
  Apply("a/c", v1::PASS);
  EXPECT_THAT(overlay_.Complaints(), IsEmpty());
}

TEST_F(OverlayEntriesTest, EachVerdictOverTheTargetCountsForAGlob) {
  for (const v1::Verdict verdict : {v1::PASS, v1::WARN, v1::TIMEOUT, v1::AMBIGUOUS}) {
    Use(R"(expect { id: "a/*" reason: "r" })");
    Apply("a/b", v1::PASS);
    Apply("a/c", verdict);
    EXPECT_THAT(overlay_.Complaints(), SizeIs(1)) << verdict;
  }
}

TEST_F(OverlayEntriesTest, RepairKeepsTheEntryOfACaseThatCouldNotBeJudged) {
  Use(R"(expect { id: "a/b" reason: "r" })");
  const ProfileRepair repair = RepairAfter(Apply("a/b", v1::ERROR));
  EXPECT_THAT(repair.drop, IsEmpty());
  EXPECT_THAT(repair.add, IsEmpty());
}

TEST_F(OverlayEntriesTest, RepairSaysAVerdictWhereItIsNoFail) {
  Use(R"(expect { id: "a/b" reason: "r" verdict: "TIMEOUT" })");
  const ProfileRepair repair = RepairAfter(Apply("a/b", v1::FAIL, "x"));
  ASSERT_THAT(repair.add, SizeIs(1));
  EXPECT_THAT(repair.add[0].verdict(), IsEmpty());
  EXPECT_THAT(RepairAfter(Apply("a/b", v1::WARN), /*strict=*/true).add[0].verdict(),
              ElementsAre("WARN"));
}

TEST_F(OverlayEntriesTest, RepairAddsNothingForAPass) {
  Use(R"(expect { id: "a/b" reason: "r" })");
  const ProfileRepair repair = RepairAfter(Apply("a/b", v1::PASS));
  EXPECT_THAT(repair.drop, ElementsAre(0));
  EXPECT_THAT(repair.add, IsEmpty());
}

// Up to the first number, where enough is before it to tell one failure from another.
TEST_F(OverlayEntriesTest, RepairTakesOfAMessageWhatStays) {
  Use("");
  EXPECT_EQ(RepairAfter(Apply("a/b", v1::FAIL, "abcdefghijk7 x")).add[0].message_prefix(),
            "abcdefghijk7 x");
  EXPECT_EQ(RepairAfter(Apply("a/b", v1::FAIL, "abcdefghijkl7 x")).add[0].message_prefix(),
            "abcdefghijkl");
}

}  // namespace
}  // namespace pushpull::conformance
