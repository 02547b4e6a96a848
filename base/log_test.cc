#include "base/log.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

constexpr absl::Time kStart = absl::FromUnixMillis(1'790'000'000'123);

class LogTest : public ::testing::Test {
 protected:
  Logger Make(LogLevel level) {
    return Logger(level, [this](const LogLine& line) { lines_.push_back(ToString(line)); });
  }
  std::vector<std::string> lines_;
};

TEST_F(LogTest, OnlyWhatItsLevelAsksFor) {
  const Logger log = Make(LogLevel::kWarning);
  EXPECT_TRUE(log.Logs(LogLevel::kError));
  EXPECT_FALSE(log.Logs(LogLevel::kInfo));
  log.Write(LogLevel::kWarning, kStart, "refused", LogFields().Add("tsih", 7).Add("why", "so"));
  log.Write(LogLevel::kInfo, kStart, "login", {});
  EXPECT_EQ(lines_,
            std::vector<std::string>{"2026-09-21T14:13:20.123Z warning refused tsih=7 why=\"so\""});
}

TEST_F(LogTest, OfADefaultItLogsNothing) {
  const Logger log;
  EXPECT_FALSE(log.Logs(LogLevel::kError));
  log.Write(LogLevel::kError, kStart, "lost", {});
}

TEST_F(LogTest, TextsOfPeersAreOneLineOfPrintableAscii) {
  const std::string hostile("a\n\"b\\\x1b[31m\0\xff", 12);
  EXPECT_EQ(LogFields().Add("name", hostile).text(), "name=\"a\\x0a\\\"b\\\\\\x1b[31m\\x00\\xff\"");
  EXPECT_EQ(LogFields().Add("section", "RFC 7143 §7.3\xc2").text(),
            "section=\"RFC 7143 §7.3\\xc2\"");
  const std::string cut = LogFields().Add("name", std::string(1000, 'x')).text();
  EXPECT_EQ(cut, "name=\"" + std::string(256, 'x') + "...\"");
}

TEST_F(LogTest, AFloodOfOneKindIsCounted) {
  const Logger log = Make(LogLevel::kDebug);
  for (int i = 0; i < 1000; ++i) log.Write(LogLevel::kInfo, kStart, "reject", {});
  EXPECT_EQ(lines_.size(), 20u);
  const Logger copy = log;  // has the same limits
  copy.Write(LogLevel::kInfo, kStart, "login", {});
  EXPECT_EQ(lines_.size(), 21u) << "another kind has its own";
  copy.Write(LogLevel::kInfo, kStart + absl::Milliseconds(200), "reject", {});
  ASSERT_EQ(lines_.size(), 22u);
  EXPECT_TRUE(lines_.back().ends_with("reject left_out_before=980")) << lines_.back();
  // A clock that goes back fills nothing.
  log.Write(LogLevel::kInfo, kStart - absl::Hours(1), "reject", {});
  EXPECT_EQ(lines_.size(), 22u);
}

// Five a second come back, and never more than 20 at once.
TEST_F(LogTest, AFloodMayGoOnSlowly) {
  const Logger log = Make(LogLevel::kDebug);
  const auto burst = [&](absl::Duration at) {
    const size_t before = lines_.size();
    for (int i = 0; i < 100; ++i) {
      log.Write(LogLevel::kInfo, kStart + at, "reject", LogFields().Add("i", i));
    }
    return lines_.size() - before;
  };
  EXPECT_EQ(burst(absl::ZeroDuration()), 20u);
  EXPECT_EQ(burst(absl::Milliseconds(199)), 0u);
  EXPECT_EQ(burst(absl::Seconds(1)), 5u);
  EXPECT_TRUE(lines_[20].ends_with(" info reject i=0 left_out_before=180")) << lines_[20];
  EXPECT_TRUE(lines_[21].ends_with(" info reject i=1")) << "counted once: " << lines_[21];
  EXPECT_EQ(burst(absl::Seconds(3)), 10u);
  EXPECT_EQ(burst(absl::Hours(1)), 20u);
}

TEST_F(LogTest, LongTextsAreCutAtAByte) {
  const std::string most(256, 'x');
  EXPECT_EQ(LogFields().Add("a", most).text(), "a=\"" + most + "\"");
  EXPECT_EQ(LogFields().Add("a", most + "y").text(), "a=\"" + most + "...\"");
  EXPECT_EQ(LogFields().Add("a", " ~").Add("b", -5).Add("c", "").text(), "a=\" ~\" b=-5 c=\"\"");
}

TEST_F(LogTest, LevelsHaveNames) {
  EXPECT_EQ(LogLevelName(LogLevel::kError), "error");
  EXPECT_EQ(LogLevelName(LogLevel::kWarning), "warning");
  EXPECT_EQ(LogLevelName(LogLevel::kInfo), "info");
  EXPECT_EQ(LogLevelName(LogLevel::kDebug), "debug");
  for (const LogLevel level :
       {LogLevel::kError, LogLevel::kWarning, LogLevel::kInfo, LogLevel::kDebug}) {
    EXPECT_EQ(ParseLogLevel(LogLevelName(level)), level);
  }
  EXPECT_FALSE(ParseLogLevel("loud").has_value());
}

}  // namespace
}  // namespace pushpull::base
