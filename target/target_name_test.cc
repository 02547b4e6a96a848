#include "target/target_name.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

using ::testing::HasSubstr;

// RFC3722-4-a
TEST(TargetNameTest, TakesEachTypeAndNormalises) {
  const std::pair<const char*, const char*> cases[] = {
      {"iqn.2001-04.com.example", "iqn.2001-04.com.example"},
      {"iqn.2001-04.com.example:a:b.c-d", "iqn.2001-04.com.example:a:b.c-d"},
      {"iqn.2001-12.com.x-y.z1:", "iqn.2001-12.com.x-y.z1:"},
      {"IQN.2001-04.Com.Example:Disk", "iqn.2001-04.com.example:disk"},
      {"eui.02004567A425678D", "eui.02004567a425678d"},
      {"naa.52004567BA64678D", "naa.52004567ba64678d"},
      {"naa.62004567BA64678D0123456789ABCDEF", "naa.62004567ba64678d0123456789abcdef"},
  };
  for (const auto& [written, normal] : cases) {
    const auto name = NormalizeTargetName(written);
    ASSERT_TRUE(name.ok()) << name.status();
    EXPECT_EQ(*name, normal);
  }
}

TEST(TargetNameTest, SaysWhatIsWrong) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "none of iqn."},
      {"iqn", "none of iqn."},
      {"disk", "none of iqn."},
      {"iqn.", "a year and a month"},
      {"iqn.2001-4.com.x", "a year and a month"},
      {"iqn.2001-00.com.x", "a year and a month"},
      {"iqn.2001-13.com.x", "a year and a month"},
      {"iqn.2001_04.com.x", "other characters"},
      {"iqn.2001-04.", "reversed domain"},
      {"iqn.2001-04.:disk", "reversed domain"},
      {"iqn.2001-04.com..x", "reversed domain"},
      {"iqn.2001-04.-com.x", "reversed domain"},
      {"iqn.2001-04.com-:x", "reversed domain"},
      {"iqn.2001-04.com.x:a b", "other characters"},
      {"iqn.2001-04.com.x:a/b", "other characters"},
      {"iqn.2001-04.com.x:\xc3\xa9", "other characters"},
      {"eui.02004567A425678", "16 hexadecimal"},
      {"eui.02004567A425678G", "16 hexadecimal"},
      {"naa.52004567BA64678D0", "16 or 32"},
      {"iqn.2001-04.com.x:" + std::string(206, 'a'), "223"},
  };
  for (const auto& [written, what] : cases) {
    const auto name = NormalizeTargetName(written);
    ASSERT_FALSE(name.ok()) << written;
    EXPECT_THAT(std::string(name.status().message()), HasSubstr(what)) << written;
  }
  EXPECT_TRUE(NormalizeTargetName("iqn.2001-04.com.x:" + std::string(205, 'a')).ok());
}

}  // namespace
}  // namespace pushpull::target
