#include "conformance/report/printable.h"

#include <string>

#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

TEST(PrintableTest, KeepsWhatAFileOfTextCanCarry) {
  EXPECT_EQ(Printable(""), "");
  EXPECT_EQ(Printable("a line\n\tof § and €, 𝄞\n"), "a line\n\tof § and €, 𝄞\n");
}

TEST(PrintableTest, ShowsOtherBytesAsNumbers) {
  EXPECT_EQ(Printable("isid is \"\x80pul\x01\""), R"(isid is "\x80pul\x01")");
  EXPECT_EQ(Printable(std::string("\0\x7f\r", 3)), R"(\x00\x7f\x0d)");
  // Cut, overlong, a surrogate, beyond what there is.
  EXPECT_EQ(Printable("\xe2\x82"), R"(\xe2\x82)");
  EXPECT_EQ(Printable("\xc0\x80"), R"(\xc0\x80)");
  EXPECT_EQ(Printable("\xed\xa0\x80"), R"(\xed\xa0\x80)");
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), R"(\xf4\x90\x80\x80)");
}

}  // namespace
}  // namespace pushpull::conformance
