#include "base/result.h"

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

struct Fault {
  std::string reason;
};

Result<int, Fault> Parse(const std::string& text) {
  if (text.empty()) return Fault{"empty"};
  return static_cast<int>(text.size());
}

Result<void, Fault> Check(int length) {
  if (length > 3) return Fault{"long"};
  return {};
}

Result<std::string, Fault> Chain(const std::string& text) {
  PUSHPULL_TRY_ASSIGN(const int length, Parse(text));
  PUSHPULL_TRY(Check(length));
  return "ok";  // converts as a plain return would
}

TEST(ResultTest, HoldsAValueOrAnError) {
  const auto value = Parse("ab");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, 2);
  const auto error = Parse("");
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().reason, "empty");
}

TEST(ResultTest, MacrosPassErrorsOn) {
  EXPECT_EQ(*Chain("abc"), "ok");
  EXPECT_EQ(Chain("").error().reason, "empty");
  EXPECT_EQ(Chain("abcd").error().reason, "long");
}

TEST(ResultTest, MovesMoveOnlyValues) {
  Result<std::unique_ptr<int>, Fault> result = std::make_unique<int>(5);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 5);
}

TEST(ResultDeathTest, AskingForWhatIsNotThereEndsTheProcess) {
  EXPECT_DEATH((void)Parse("").value(), "CHECK failed.*holds an error");
  EXPECT_DEATH((void)Parse("a").error(), "CHECK failed.*holds a value");
  EXPECT_DEATH((void)Check(1).error(), "CHECK failed.*succeeded");
}

}  // namespace
}  // namespace pushpull::base
