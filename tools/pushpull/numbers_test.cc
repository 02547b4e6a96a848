#include "tools/pushpull/numbers.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::tools {
namespace {

using ::testing::HasSubstr;

// The program's answer to `--n TEXT`: "" where it was taken.
template <typename T>
std::string Answer(const CLI::Validator& validator, const std::string& text, T* value) {
  CLI::App app("test", "test");
  app.add_option("--n", *value)->transform(validator);
  try {
    app.parse(std::vector<std::string>{text, "--n"});  // the last first
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return "";
}

TEST(NumbersTest, WholeNumbersAreDigitsWithinLimits) {
  uint64_t value = 0;
  const CLI::Validator any = WholeNumber(0, UINT64_MAX);
  EXPECT_EQ(Answer(any, "18446744073709551615", &value), "");
  EXPECT_EQ(value, UINT64_MAX);
  EXPECT_EQ(Answer(any, "010", &value), "");
  EXPECT_EQ(value, 10u);
  for (const char* bad : {"-1", "+1", "", " 1", "1 ", "1.5", "0x10", "1e3", "nan", "inf", "seven",
                          "18446744073709551616", "99999999999999999999999999"}) {
    EXPECT_THAT(Answer(any, bad, &value), HasSubstr("is not a whole number below 2^64")) << bad;
  }
  const CLI::Validator some = WholeNumber(1, 256);
  uint32_t small = 0;
  EXPECT_EQ(Answer(some, "256", &small), "");
  for (const char* bad : {"0", "257", "4294967297"}) {
    EXPECT_THAT(Answer(some, bad, &small), HasSubstr("is not a whole number from 1 to 256")) << bad;
  }
}

TEST(NumbersTest, DecimalsAreFiniteAndWithinLimits) {
  double value = 0;
  const CLI::Validator check = DecimalNumber(0.001, 86400);
  for (const char* good : {"0.001", "3", "2.5", "86400", "1e2"}) {
    EXPECT_EQ(Answer(check, good, &value), "") << good;
  }
  for (const char* bad : {"nan", "-nan", "inf", "-inf", "infinity", "-1", "0", "1e300", "1e999",
                          "1e-300", "", "3s", "0x3", " 3"}) {
    EXPECT_THAT(Answer(check, bad, &value), HasSubstr("is not a number from 0.001 to 86400"))
        << bad;
  }
}

}  // namespace
}  // namespace pushpull::tools
