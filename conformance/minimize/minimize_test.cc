#include "conformance/minimize/minimize.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pushpull::conformance {
namespace {

using google::protobuf::TextFormat;
using google::protobuf::util::MessageDifferencer;

v1::Scenario Parse(const std::string& text) {
  v1::Scenario scenario;
  EXPECT_TRUE(TextFormat::ParseFromString(text, &scenario)) << text;
  return scenario;
}

const char* const kLong = R"pb(
  id: "a/b"
  title: "T"
  why: "W"
  cite: "R"
  level: MUST
  since: 1
  let { name: "n" number: 5 }
  step {
    login {
      key { name: "A" value: "1" }
      key { name: "B" value: "2" }
    }
  }
  step {
    send {
      task: "x"
      pdu {
        nop_out { lun: 3 }
        data { raw: "zeros and more" }
      }
    }
  }
  step { probe {} }
  step {
    cite: "R"
    delivery { cut: 3 cut: 9 cut: 27 }
    send {
      task: "y"
      pdu { scsi_command { read: true expected_data_transfer_length: 4096 } }
    }
  }
  step { logout {} })pb";

struct Row {
  const char* what;
  std::function<bool(const v1::Scenario&)> fails;
  const char* least;
};

// What each row needs besides the head, which stays.
TEST(Minimize, KeepsWhatTheFailureNeedsAndNothingElse) {
  const Row rows[] = {
      {"nothing at all", [](const v1::Scenario&) { return true; }, ""},
      {"a step",
       [](const v1::Scenario& s) {
         return std::any_of(s.step().begin(), s.step().end(),
                            [](const v1::Step& step) { return step.has_probe(); });
       },
       "step { probe {} }"},
      {"a key of the login",
       [](const v1::Scenario& s) {
         for (const v1::Step& step : s.step()) {
           for (const auto& key : step.login().key()) {
             if (key.name() == "B") return true;
           }
         }
         return false;
       },
       "step { login { key { name: 'B' } } }"},
      {"a cut",
       [](const v1::Scenario& s) {
         for (const v1::Step& step : s.step()) {
           for (const uint32_t cut : step.delivery().cut()) {
             if (cut == 9) return true;
           }
         }
         return false;
       },
       "step { delivery { cut: 9 } }"},
      {"a length of 1000 at the least",
       [](const v1::Scenario& s) {
         for (const v1::Step& step : s.step()) {
           if (step.send().pdu().scsi_command().expected_data_transfer_length() >= 1000)
             return true;
         }
         return false;
       },
       "step { send { pdu { scsi_command { expected_data_transfer_length: 1024 } } } }"},
      {"three bytes of data, one of them",
       [](const v1::Scenario& s) {
         for (const v1::Step& step : s.step()) {
           const std::string& raw = step.send().pdu().data().raw();
           if (raw.size() >= 3 && raw.find('m') != std::string::npos) return true;
         }
         return false;
       },
       R"(step { send { pdu { data { raw: "\000m\000" } } } })"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const auto found = Minimize(
        Parse(kLong), [&](const v1::Scenario& s) { return absl::StatusOr<bool>(row.fails(s)); });
    ASSERT_TRUE(found.ok());
    EXPECT_TRUE(found->complete);
    v1::Scenario rest = found->scenario;
    EXPECT_EQ(rest.id(), "a/b");
    EXPECT_EQ(rest.cite_size(), 1);
    EXPECT_EQ(rest.epilogue(), v1::NOTHING);
    v1::Scenario steps;
    *steps.mutable_step() = rest.step();
    if (std::string(row.what).starts_with("three")) {
      const std::string& raw = steps.step(0).send().pdu().data().raw();
      EXPECT_EQ(raw.size(), 3u);
      EXPECT_EQ(std::count(raw.begin(), raw.end(), '\0'), 2);
      continue;
    }
    EXPECT_TRUE(MessageDifferencer::Equals(steps, Parse(row.least))) << steps.DebugString();
    EXPECT_EQ(rest.let_size(), 0);
  }
}

TEST(Minimize, IsTheSameEachTime) {
  const auto fails = [](const v1::Scenario& s) {
    return absl::StatusOr<bool>(s.ByteSizeLong() % 7 == 3 || s.step_size() > 3);
  };
  const auto first = Minimize(Parse(kLong), fails);
  const auto again = Minimize(Parse(kLong), fails);
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->plays, again->plays);
  EXPECT_TRUE(MessageDifferencer::Equals(first->scenario, again->scenario));
}

bool HasStep(const v1::Scenario& s, v1::Step::ActionCase action) {
  return std::any_of(s.step().begin(), s.step().end(),
                     [action](const v1::Step& step) { return step.action_case() == action; });
}

// Whichever of both is tried first.
TEST(Minimize, WhatIsGoneLetsSomethingElseGo) {
  const auto login = [](const v1::Scenario& s) { return HasStep(s, v1::Step::kLogin); };
  const auto bound = [](const v1::Scenario& s) { return s.let_size() > 0; };
  const std::function<bool(const v1::Scenario&)> kFails[] = {
      [&](const v1::Scenario& s) { return login(s) || !bound(s); },
      [&](const v1::Scenario& s) { return bound(s) || !login(s); },
  };
  for (const auto& fails : kFails) {
    const auto found = Minimize(Parse(kLong), [&](const v1::Scenario& s) {
      return absl::StatusOr<bool>(HasStep(s, v1::Step::kProbe) && fails(s));
    });
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->scenario.let_size(), 0);
    ASSERT_EQ(found->scenario.step_size(), 1) << found->scenario.DebugString();
    EXPECT_TRUE(found->scenario.step(0).has_probe());
  }
}

// A number that must stand there is 0, 1, or can't be halved.
TEST(Minimize, NumbersBecomeSmall) {
  const auto least = [](const char* start, const std::function<bool(const v1::NopOut&)>& fails) {
    const auto found = Minimize(
        Parse(std::string("id: 'a' step { send { pdu { nop_out { ") + start + " } } } }"),
        [&](const v1::Scenario& s) {
          return absl::StatusOr<bool>(s.step_size() == 1 && s.step(0).send().pdu().has_nop_out() &&
                                      fails(s.step(0).send().pdu().nop_out()));
        });
    EXPECT_TRUE(found.ok());
    return found->scenario.step(0).send().pdu().nop_out().ShortDebugString();
  };
  const auto has_lun = [](const v1::NopOut& nop) { return nop.has_lun(); };
  EXPECT_EQ(least("lun: 300", has_lun), "lun: 0");
  EXPECT_EQ(least("lun: 0", has_lun), "lun: 0");
  const auto at_least = [](uint64_t n) {
    return [n](const v1::NopOut& nop) { return nop.lun() >= n; };
  };
  EXPECT_EQ(least("lun: 300", at_least(0)), "");
  EXPECT_EQ(least("lun: 300", at_least(1)), "lun: 1");
  EXPECT_EQ(least("lun: 2", at_least(2)), "lun: 2");
  EXPECT_EQ(least("lun: 4", at_least(2)), "lun: 2");
  EXPECT_EQ(least("lun: 320", at_least(10)), "lun: 10");
  EXPECT_EQ(least("lun: 0x4000000000", at_least(0x1000000000)), "lun: 68719476736");
}

// Half a name says nothing.
TEST(Minimize, NamesStayWhole) {
  const auto found = Minimize(Parse(kLong), [](const v1::Scenario& s) {
    for (const v1::Step& step : s.step()) {
      for (const auto& key : step.login().key()) {
        if (!key.name().empty()) return absl::StatusOr<bool>(true);
      }
    }
    return absl::StatusOr<bool>(false);
  });
  ASSERT_TRUE(found.ok());
  const std::string& name = found->scenario.step(0).login().key(0).name();
  EXPECT_TRUE(name == "A" || name == "B") << name;
  const auto task =
      Minimize(Parse("id: 'a' step { send { task: 'whole' } }"), [](const v1::Scenario& s) {
        return absl::StatusOr<bool>(s.step_size() == 1 && !s.step(0).send().task().empty());
      });
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->scenario.step(0).send().task(), "whole");
}

TEST(Minimize, WhatIsAsSmallAsCanBeIsNotPlayed) {
  const auto found = Minimize(Parse("id: 'a' title: 't' epilogue: NOTHING"),
                              [](const v1::Scenario&) { return absl::StatusOr<bool>(true); });
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->plays, 0u);
}

TEST(Minimize, ASweepIsSeveralScenarios) {
  const auto found = Minimize(Parse("id: 'a' sweep { row { name: 'r' } }"),
                              [](const v1::Scenario&) { return absl::StatusOr<bool>(true); });
  EXPECT_TRUE(absl::IsInvalidArgument(found.status())) << found.status();
}

TEST(Minimize, WhoWatchesMayEndIt) {
  MinimizeOptions options;
  std::vector<uint64_t> told;
  options.progress = [&told](uint64_t plays, const v1::Scenario& scenario) {
    EXPECT_EQ(scenario.id(), "a/b");
    told.push_back(plays);
    return plays < 4;
  };
  uint64_t plays = 0;
  const auto found = Minimize(
      Parse(kLong),
      [&plays](const v1::Scenario&) {
        ++plays;
        return absl::StatusOr<bool>(false);
      },
      options);
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->complete);
  EXPECT_EQ(plays, 4u);
  EXPECT_EQ(told, std::vector<uint64_t>({0, 1, 2, 3, 4}));
}

TEST(Minimize, StopsWhenPlaysRunOut) {
  MinimizeOptions options;
  options.max_plays = 3;
  uint64_t plays = 0;
  const auto found = Minimize(
      Parse(kLong),
      [&](const v1::Scenario& s) {
        ++plays;
        return absl::StatusOr<bool>(s.step_size() >= 2);
      },
      options);
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->complete);
  EXPECT_EQ(plays, 3u);
  EXPECT_GE(found->scenario.step_size(), 2);
}

TEST(Minimize, HandsOnWhatWentWrong) {
  const auto found = Minimize(Parse(kLong), [](const v1::Scenario&) -> absl::StatusOr<bool> {
    return absl::UnavailableError("gone");
  });
  EXPECT_EQ(found.status().message(), "gone");
}

TEST(CauseOf, IsAboutTheRuleNotItsNumbers) {
  const auto cause = [](v1::Verdict verdict, const std::string& message, const std::string& row) {
    v1::CaseResult result;
    result.set_verdict(verdict);
    result.mutable_failure()->set_message(message);
    result.mutable_failure()->add_cite(row);
    return CauseOf(result);
  };
  EXPECT_EQ(cause(v1::FAIL, "512 is 0x1fAF, due is 7", "R"), "FAIL R: # is #, due is #");
  EXPECT_EQ(cause(v1::FAIL, "0x9a-0xAg 0 0y", "R"), "FAIL R: #-#g # #y");
  EXPECT_EQ(cause(v1::FAIL, "page 9", "R"), "FAIL R: page #");
  EXPECT_EQ(cause(v1::FAIL, "page 10", "R"), "FAIL R: page #");
  EXPECT_NE(cause(v1::FAIL, "read: a", "R"), cause(v1::FAIL, "read: b", "R"));
  const std::string residual = cause(v1::FAIL, "residual underflow is 512, due is 1536", "R");
  EXPECT_EQ(residual, cause(v1::FAIL, "residual underflow is 0x1f, due is 7", "R"));
  EXPECT_NE(residual, cause(v1::FAIL, "residual underflow is 512, due is 1536", "S"));
  EXPECT_NE(residual, cause(v1::WARN, "residual underflow is 512, due is 1536", "R"));
  EXPECT_NE(residual, cause(v1::FAIL, "residual overflow is 512, due is 1536", "R"));
  EXPECT_EQ(cause(v1::FAIL, "monitor: stat_sn_next: StatSN 5 after 3", "R"),
            cause(v1::FAIL, "monitor: stat_sn_next: this and that", "R"));
  EXPECT_NE(cause(v1::FAIL, "monitor: stat_sn_next: StatSN 5", "R"),
            cause(v1::FAIL, "monitor: data_sn_contiguous: StatSN 5", "R"));
}

}  // namespace
}  // namespace pushpull::conformance
