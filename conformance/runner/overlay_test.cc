#include "conformance/runner/overlay.h"

#include <google/protobuf/text_format.h>

#include "conformance/report/verdict.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Profile ParseProfile(const std::string& text) {
  v1::Profile profile;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &profile)) << text;
  return profile;
}

v1::CaseResult Result(const std::string& id, v1::Verdict verdict, const std::string& message = "") {
  v1::CaseResult result;
  result.set_id(id);
  result.set_verdict(verdict);
  result.mutable_failure()->set_message(message);
  return result;
}

class OverlayTest : public ::testing::Test {
 protected:
  void Use(const std::string& text) {
    overlay_ = ProfileOverlay(ParseProfile(text), "2026-11-22");
    overlay_.SetCases({"a/b", "a/c", "old"});
  }
  v1::CaseResult Apply(v1::CaseResult result) {
    overlay_.Apply(&result);
    return result;
  }

  std::vector<std::string> Complaints() const {
    std::vector<std::string> texts;
    for (const v1::ProfileComplaint& one : overlay_.Complaints()) {
      texts.push_back(one.id() + " " + one.message());
    }
    return texts;
  }

  ProfileOverlay overlay_{v1::Profile(), "2026-11-22"};
};

TEST_F(OverlayTest, AnUnsteadyEntryThatTakesAnyFailureIsWarnedOf) {
  Use(R"(expect { id: "a/b" reason: "r" unsteady: true }
         expect { id: "a/c" reason: "r" unsteady: true message_prefix: "no " }
         expect { id: "old" reason: "r" })");
  Apply(Result("a/b", v1::PASS));
  Apply(Result("a/c", v1::FAIL, "no answer"));
  Apply(Result("old", v1::FAIL, "no answer"));
  EXPECT_THAT(overlay_.Warnings(), IsEmpty());
  Apply(Result("a/b", v1::FAIL, "the second \"answer\" took 17 s"));
  EXPECT_THAT(overlay_.Warnings(),
              ElementsAre("the profile's entry a/b is unsteady and has no message_prefix: whatever "
                          "fails there is taken for what is known. Of this run: message_prefix: "
                          "\"the second \\\"answer\\\" took\""));
}

TEST_F(OverlayTest, ExpectedFailureIsXfail) {
  Use(R"(expect { id: "a/b" reason: "r" message_prefix: "no " })");
  const v1::CaseResult result = Apply(Result("a/b", v1::FAIL, "no answer"));
  EXPECT_EQ(result.overlay(), v1::XFAIL);
  EXPECT_EQ(result.overlay_reason(), "r");
  EXPECT_TRUE(IsExpected(result, true));
  EXPECT_THAT(Complaints(), IsEmpty());
}

TEST_F(OverlayTest, RuleThatNoCaseShowsBrokenIsStale) {
  Use(R"(expect_violation { rule: "no_ahs" reason: "r" }
         expect_violation { rule: "pad_zero" reason: "r" }
         expect_violation { rule: "target_opcode" reason: "r" unsteady: true }
         expect_violation { rule: "final_bit" reason: "r" expires: "2026-11-21" })");
  v1::CaseResult broken = Result("a/b", v1::PASS);
  broken.add_violation()->set_rule("no_ahs");
  Apply(broken);
  Apply(Result("a/c", v1::PASS));
  EXPECT_THAT(Complaints(), ElementsAre(HasSubstr("final_bit expired")));
  Apply(Result("old", v1::SKIP));
  EXPECT_THAT(Complaints(), ElementsAre(HasSubstr("pad_zero is a rule that no case shows"),
                                        HasSubstr("final_bit expired")));
}

TEST_F(OverlayTest, PassOfAnExpectedFailureFailsTheRun) {
  Use(R"(expect { id: "a/b" reason: "r" })");
  const v1::CaseResult result = Apply(Result("a/b", v1::PASS));
  EXPECT_EQ(result.overlay(), v1::XPASS);
  EXPECT_FALSE(IsExpected(result, false));
}

TEST_F(OverlayTest, AnUnsteadyCaseMayPassOrFail) {
  Use(R"(expect { id: "a/b" reason: "r" unsteady: true } expect { id: "a/*" reason: "s"
                  message_prefix: "never" unsteady: true })");
  EXPECT_EQ(Apply(Result("a/b", v1::FAIL)).overlay(), v1::XFAIL);
  const v1::CaseResult result = Apply(Result("a/b", v1::PASS));
  EXPECT_EQ(result.overlay(), v1::OVERLAY_NONE);
  EXPECT_TRUE(IsExpected(result, true));
  Apply(Result("a/c", v1::PASS));
  EXPECT_THAT(Complaints(), IsEmpty());
}

TEST_F(OverlayTest, OtherMessageOrVerdictStaysUnexpected) {
  Use(R"(expect { id: "a/b" reason: "r" message_prefix: "no " })");
  EXPECT_EQ(Apply(Result("a/b", v1::FAIL, "wrong")).overlay(), v1::OVERLAY_NONE);
  const v1::CaseResult timeout = Apply(Result("a/b", v1::TIMEOUT, "no answer"));
  EXPECT_EQ(timeout.overlay(), v1::OVERLAY_NONE);
  EXPECT_THAT(timeout.overlay_reason(), HasSubstr("expects FAIL"));
  EXPECT_FALSE(IsExpected(timeout, false));
}

TEST_F(OverlayTest, GlobHoldsWhileOneOfItsCasesFails) {
  Use(R"(expect { id: "a/*" reason: "r" })");
  EXPECT_EQ(Apply(Result("a/b", v1::PASS)).overlay(), v1::OVERLAY_NONE);
  EXPECT_EQ(Apply(Result("a/c", v1::FAIL)).overlay(), v1::XFAIL);
  EXPECT_THAT(Complaints(), IsEmpty());
}

TEST_F(OverlayTest, GlobIsStaleOnceAllOfItsCasesWereJudgedAndNoneFails) {
  Use(R"(expect { id: "a/*" reason: "r" message_prefix: "no " })");
  Apply(Result("a/b", v1::PASS));
  EXPECT_THAT(Complaints(), IsEmpty()) << "a/c was not chosen";
  Apply(Result("a/c", v1::FAIL, "yes"));
  EXPECT_THAT(Complaints(), ElementsAre(HasSubstr("a/* matches 2 cases, none of which fails")));
}

TEST_F(OverlayTest, GlobIsNotStaleWhileACaseCouldNotBeJudged) {
  for (const v1::Verdict verdict : {v1::SKIP, v1::UNSUPPORTED, v1::ERROR}) {
    Use(R"(expect { id: "a/*" reason: "r" })");
    Apply(Result("a/b", v1::PASS));
    Apply(Result("a/c", verdict));
    EXPECT_THAT(Complaints(), IsEmpty());
  }
}

TEST_F(OverlayTest, AnEntryBesideAnotherThatFitsIsNotStale) {
  Use(R"(expect { id: "a/b" reason: "one" } expect { id: "a/*" reason: "all" })");
  EXPECT_EQ(Apply(Result("a/b", v1::FAIL)).overlay_reason(), "one");
  Apply(Result("a/c", v1::PASS));
  EXPECT_THAT(Complaints(), IsEmpty());
}

TEST_F(OverlayTest, StaleAndExpiredEntriesAreComplainedOf) {
  Use(R"(expect { id: "a/bb" reason: "r" }
         expect { id: "old" reason: "r" expires: "2026-11-21" })");
  EXPECT_EQ(Apply(Result("old", v1::FAIL)).overlay(), v1::OVERLAY_NONE);
  EXPECT_THAT(Complaints(),
              ElementsAre(HasSubstr("matches no case: remove it, or did you mean a/b"),
                          HasSubstr("expired on 2026-11-21")));
}

TEST_F(OverlayTest, ARuleThatOneCaseShowedBrokenIsNotStale) {
  Use("expect_violation { rule: \"no_ahs\" reason: \"r\" }");
  v1::CaseResult shows = Result("a/b", v1::PASS);
  shows.add_violation()->set_rule("no_ahs");
  Apply(shows);
  v1::CaseResult shows_another = Result("a/c", v1::PASS);
  shows_another.add_violation()->set_rule("pad_zero");
  Apply(shows_another);
  Apply(Result("old", v1::PASS));
  EXPECT_THAT(Complaints(), IsEmpty());
}

TEST_F(OverlayTest, AnotherMessageIsToldApartFromAnotherVerdict) {
  Use(R"(expect { id: "a/b" reason: "r" message_prefix: "no answer" })");
  EXPECT_EQ(Apply(Result("a/b", v1::FAIL, "another")).overlay_reason(),
            "the profile expects a message that starts with \"no answer\"");
  EXPECT_EQ(Apply(Result("a/b", v1::TIMEOUT, "no answer")).overlay_reason(),
            "the profile expects FAIL");
}

TEST_F(OverlayTest, RepairNamesWhatItAddsAndWhichRulesAreForSomebodyToLookAt) {
  Use(R"(expect_violation { rule: "no_ahs" reason: "r" expires: "2026-11-21" }
         expect_violation { rule: "pad_zero" reason: "r" expires: "2026-11-22" })");
  v1::RunResult run;
  *run.add_result() = Apply(Result("a/b", v1::FAIL, "no"));
  const ProfileRepair repair = overlay_.Repair(run, /*strict=*/false);
  EXPECT_THAT(repair.expired, ElementsAre("no_ahs"));
  ASSERT_EQ(repair.add.size(), 1u);
  EXPECT_EQ(repair.add[0].id(), "a/b");
}

TEST_F(OverlayTest, RepairDropsWhatIsStaleAndAddsWhatFails) {
  Use(R"(expect { id: "gone" reason: "stale" }
         expect { id: "a/b" reason: "passes now" }
         expect { id: "a/c" reason: "fails otherwise" bug: "B1" message_prefix: "no " }
         expect { id: "old" reason: "expired" expires: "2026-11-21" })");
  v1::RunResult run;
  for (v1::CaseResult result :
       {Result("a/b", v1::PASS), Result("a/c", v1::TIMEOUT, "awaiting ITT 0x17 of it"),
        Result("old", v1::FAIL, "x"), Result("sanity#at_the_end", v1::FAIL, "dead")}) {
    *run.add_result() = Apply(std::move(result));
  }
  const ProfileRepair repair = overlay_.Repair(run, false);
  EXPECT_THAT(repair.drop, ElementsAre(0, 1, 2));
  EXPECT_THAT(repair.expired, ElementsAre("old"));
  ASSERT_EQ(repair.add.size(), 1u);
  EXPECT_EQ(repair.add[0].id(), "a/c");
  EXPECT_EQ(repair.add[0].verdict(0), "TIMEOUT");
  EXPECT_EQ(repair.add[0].message_prefix(), "awaiting ITT");
  EXPECT_EQ(repair.add[0].reason(), "fails otherwise");
  EXPECT_EQ(repair.add[0].bug(), "B1");
}

TEST(VerdictTest, WarnFailsOnlyUnderStrict) {
  EXPECT_TRUE(IsExpected(Result("a", v1::WARN), false));
  EXPECT_FALSE(IsExpected(Result("a", v1::WARN), true));
  for (const v1::Verdict verdict : {v1::AMBIGUOUS, v1::SKIP, v1::UNSUPPORTED}) {
    EXPECT_TRUE(IsExpected(Result("a", verdict), true));
  }
  for (const v1::Verdict verdict : {v1::FAIL, v1::TIMEOUT, v1::ERROR, v1::VERDICT_UNSPECIFIED}) {
    EXPECT_FALSE(IsExpected(Result("a", verdict), false));
  }
}

}  // namespace
}  // namespace pushpull::conformance
