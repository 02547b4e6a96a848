#include "conformance/minimize/minimize.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>

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
