#include "tools/pushpull/numbers.h"

#include <charconv>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pushpull::tools {

CLI::Validator WholeNumber(uint64_t min, uint64_t max) {
  const std::string range = max == UINT64_MAX && min == 0
                                ? std::string("a whole number below 2^64")
                                : absl::StrCat("a whole number from ", min, " to ", max);
  const auto check = [min, max, range](std::string& text) -> std::string {
    uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || last != end || number < min || number > max) {
      return absl::StrCat("\"", text, "\" is not ", range);
    }
    text = std::to_string(number);  // leading zeros would make it octal
    return "";
  };
  return CLI::Validator(check, "", "");
}

CLI::Validator DecimalNumber(double min, double max) {
  const std::string range = absl::StrFormat("a number from %g to %.0f", min, max);
  const auto check = [min, max, range](std::string& text) -> std::string {
    double number = 0;
    const char* const end = text.data() + text.size();
    // Digits alone: no "inf", "nan", no hexadecimal, no spaces.
    const auto [last, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || last != end || !std::isfinite(number) || number < min ||
        number > max) {
      return absl::StrCat("\"", text, "\" is not ", range);
    }
    return "";
  };
  return CLI::Validator(check, "", "");
}

}  // namespace pushpull::tools
