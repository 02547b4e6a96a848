#include "conformance/runner/profile.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

ProfileVocabulary Vocabulary() {
  return {.readings = {{"A18", {"close", "reject"}}, {"A2", {}}},
          .capabilities = {"vpd"},
          .hooks = {"async_logout", "x"}};
}

std::string ErrorOf(const std::string& text) {
  return std::string(ParseProfile(text, "p.textproto", Vocabulary()).status().message());
}

TEST(ProfileTest, FaultsAreToldWithTheirLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"\nexpect { id: \"a\" }", "p.textproto:2: entry \"a\": an id and a reason"},
      {"expect { reason: \"r\" }", "p.textproto:1: entry \"\": an id and a reason"},
      {"expect { id: \"a\" reason: \"r\" }\nexpect { id: \"a\" reason: \"s\" }",
       "p.textproto:2: entry \"a\" is there twice"},
      {"expect { id: \"a\" reason: \"r\" verdict: \"FAILED\" }", "verdict \"FAILED\" is not one"},
      {"expect { id: \"a\" reason: \"r\" verdict: \"ERROR\" }", "verdict \"ERROR\" is not one"},
      {"expect { id: \"a\" reason: \"r\" expires: \"soon\" }", "must be a date"},
      {"expect { id: \"a\" reason: \"r\" expires: \"2027-13-45\" }", "not \"2027-13-45\""},
      {"expect { id: \"a\" reason: \"r\" expires: \"2027-02-29\" }", "not \"2027-02-29\""},
      {"expect { id: \"a\" reason: \"r\" expires: \"2027-1-01\" }", "must be a date"},
      {"expect { id: \"a\" reason: \"r\" expires: \"-027-01-01\" }", "must be a date"},
      {"expect { id: \"a\" reason: \"r\" expires: \"2027+01-01\" }", "must be a date"},
      {"expect { id: \"a\" reason: \"r\" expires: \"2027-01-0:\" }", "must be a date"},
      {"expect { id: \"a\" reason: \"r\" expires: \"2027-01-011\" }", "must be a date"},
      {"\n\nlacks: \"vdp\"", "p.textproto:3: no scenario needs a capability \"vdp\"; nearest: vpd"},
      {"reading { ambiguity: \"A81\" choice: \"x\" }", "an ambiguity \"A81\"; nearest: A18"},
      {"reading { ambiguity: \"A18\" choice: \"x\" }", "\"x\" but as: close, reject"},
      {"reading { ambiguity: \"A18\" choice: \"close\" }\n"
       "reading { ambiguity: \"A18\" choice: \"reject\" }",
       "p.textproto:2: a second reading of A18"},
      {"reading { ambiguity: \"A2\" choice: \"x\" }", "leaves a choice of readings of A2"},
      {"hook { command: \"true\" }", "its name is made of"},
      {"hook { hook: \"../x\" command: \"true\" }", "its name is made of"},
      {"hook { hook: \"x\" }", "it has no command"},
      {"lacks: \"vpd\"\nhook { hook: \"async_logot\" command: \"a\" }",
       "p.textproto:2: no scenario triggers a hook \"async_logot\"; nearest: async_logout"},
      {"hook { hook: \"x\" command: \"a\" }\nhook { hook: \"x\" command: \"b\" }",
       "p.textproto:2: hook \"x\" is there twice"},
      {"expect_violation { rule: \"stat_sn_increments\" }", "\": a reason is needed"},
      {"expect_violation { rule: \"stat_sn_increment\" reason: \"r\" }",
       "no rule \"stat_sn_increment\"; nearest: stat_sn_increments"},
      {"expect_violation { rule: \"no_ahs\" reason: \"r\" }\n"
       "expect_violation { rule: \"no_ahs\" reason: \"r\" }",
       "p.textproto:2: entry \"no_ahs\" is there twice"},
      {"expect_violation { rule: \"no_ahs\" reason: \"r\" expires: \"x\" }", "must be a date"},
      {"expects {}", "p.textproto:1:"},
  };
  for (const auto& [text, message] : cases) EXPECT_THAT(ErrorOf(text), HasSubstr(message)) << text;
  EXPECT_EQ(ErrorOf("expect { id: \"a\" }\nlacks: \"x\"").find('\n') != std::string::npos, true);
  EXPECT_EQ(ErrorOf("expect { id: \"a\" reason: \"r\" expires: \"2028-02-29\" } lacks: \"vpd\" "
                    "reading { ambiguity: \"A18\" choice: \"close\" } "
                    "hook { hook: \"x\" command: \"true\" } "
                    "expect_violation { rule: \"stat_sn_increments\" reason: \"r\" } "
                    "expect_violation { rule: \"cmd_sn_increments\" reason: \"an initiator\" }"),
            "");
}

constexpr char kText[] = R"(# proto-file: profile.proto

# Ours.
target: "acme"

# It forgets the residual.
# (Ticket 5)
expect {
  id: "a/one"
  reason: "r { }"  # not the end
}

	expect { id: "a/two" reason: "r" }  # the second
expect < id: "a/three" reason: "r" >

# Kept.
lacks: "vpd"
)";

TEST(ProfileTest, EntriesKnowTheirLines) {
  const auto file = ParseProfile(kText, "p", Vocabulary());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->Lines(), ElementsAre(8, 13, 14));
}

TEST(ProfileTest, RepairKeepsWhatPeopleWrote) {
  const auto file = ParseProfile(kText, "p", Vocabulary());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(Repaired(*file, {}), kText);
  v1::ExpectedFailure added;
  added.set_id("b/new#row");
  added.add_verdict("TIMEOUT");
  added.set_message_prefix("\"é\n\\'t");
  added.set_reason("r");
  added.set_bug("B1");
  added.set_expires("2027-01-01");
  added.set_unsteady(true);
  EXPECT_EQ(Repaired(*file, {.drop = {0, 1}, .add = {added}}),
            R"(# proto-file: profile.proto

# Ours.
target: "acme"

expect < id: "a/three" reason: "r" >

# Kept.
lacks: "vpd"

expect {
  id: "b/new#row"
  verdict: "TIMEOUT"
  message_prefix: "\"é\n\\'t"
  reason: "r"
  bug: "B1"
  expires: "2027-01-01"
  unsteady: true
}
)");
}

TEST(ProfileTest, AnAddedEntryHasWhatIsSaidOfIt) {
  const auto file = ParseProfile("", "p", Vocabulary());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->path, "p");
  v1::ExpectedFailure added;
  added.set_id("a");
  added.set_reason("r");
  EXPECT_EQ(Repaired(*file, {.drop = {}, .add = {added}}),
            "\nexpect {\n  id: \"a\"\n  reason: \"r\"\n}\n");
}

TEST(ProfileTest, TimesAreTimes) {
  for (const char* field : {"step_timeout_ms", "command_timeout_ms"}) {
    for (const char* value : {"0", "86400001"}) {
      const auto file =
          ParseProfile(absl::StrCat("target: \"t\"\n", field, ": ", value), "p", Vocabulary());
      EXPECT_EQ(file.status().message(),
                absl::StrCat("p:2: ", field, " is ", value, ", but can be 1 to 86400000"));
    }
    EXPECT_TRUE(ParseProfile(absl::StrCat(field, ": 86400000"), "p", Vocabulary()).ok());
  }
}

TEST(ProfileTest, RepairOfWhatSharesALine) {
  const auto file = ParseProfile("target: \"t\" expect { id: \"a\" reason: \"r\" } lacks: \"vpd\"",
                                 "p", Vocabulary());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(Repaired(*file, {.drop = {0}, .add = {}}), "target: \"t\"  lacks: \"vpd\"\n");
}

// A tab goes to the next multiple of eight, from wherever it stands.
TEST(ProfileTest, RepairOfWhatStandsBehindATab) {
  const auto file =
      ParseProfile(" \tlacks: \"vpd\" expect { id: \"a\" reason: \"r\" }", "p", Vocabulary());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(Repaired(*file, {.drop = {0}, .add = {}}), " \tlacks: \"vpd\" \n");
}

TEST(ProfileTest, WhatIsNoPassMayBeExpected) {
  for (const char* verdict : {"FAIL", "TIMEOUT", "WARN", "AMBIGUOUS"}) {
    EXPECT_EQ(
        ErrorOf(absl::StrCat("expect { id: \"a\" reason: \"r\" verdict: \"", verdict, "\" }")), "");
  }
  for (const v1::Verdict verdict : {v1::PASS, v1::SKIP, v1::UNSUPPORTED, v1::NOT_PLAYED}) {
    EXPECT_FALSE(MayBeExpected(verdict)) << verdict;
  }
}

TEST(ProfileTest, ScenariosHaveTheVocabulary) {
  const auto file = ParseScenario(R"(
      id: "a/b" needs { capability: "vpd" }
      step { trigger { hook: "drain" } }
      step { expect {
        one_of { pdu { nop_in {} } ambiguity: "A1" verdict: ALTERNATIVE_AMBIGUOUS reading: "x" }
        one_of { closed: true ambiguity: "A2" verdict: ALTERNATIVE_AMBIGUOUS }
        one_of { pdu { reject {} } ambiguity: "A3" reading: "y" } } }
      sweep { row { name: "r" step {
        expect { all_of { ambiguity: "A4" verdict: ALTERNATIVE_AMBIGUOUS reading: "z" } } } } })",
                                  "a/b.textproto");
  ASSERT_TRUE(file.ok()) << file.status();
  ProfileVocabulary vocabulary;
  vocabulary.Add({*file});
  EXPECT_THAT(vocabulary.capabilities, ElementsAre("vpd"));
  EXPECT_THAT(vocabulary.hooks, ElementsAre("drain"));
  EXPECT_THAT(vocabulary.readings,
              ElementsAre(Pair("A1", ElementsAre("x")), Pair("A2", IsEmpty()),
                          Pair("A3", IsEmpty()), Pair("A4", ElementsAre("z"))));
}

}  // namespace
}  // namespace pushpull::conformance
