#include "initiator_sim/player/target_address.h"

#include "gtest/gtest.h"

namespace pushpull::initiator_sim {
namespace {

TEST(TargetAddressTest, FormsOfTheRfc) {
  const struct {
    const char* text;
    fabric::Address address;
  } kCases[] = {
      {"10.0.0.1:5003,1", {"10.0.0.1", 5003}},
      {"10.0.0.1", {"10.0.0.1", 3260}},
      {"[1080::8:800:200C:417A]:5003,1", {"1080::8:800:200C:417A", 5003}},
      {"[1080:0:0:0:8:800:200C:417A],65", {"1080:0:0:0:8:800:200C:417A", 3260}},
      {"computingcenter.example.com,23", {"computingcenter.example.com", 3260}},
  };
  for (const auto& one : kCases) {
    const auto address = ParseTargetAddress(one.text);
    ASSERT_TRUE(address.ok()) << one.text;
    EXPECT_EQ(*address, one.address) << one.text;
  }
  for (const char* bad :
       {"", ":3260", "host:", "host:0", "host:65536", "host:3260x", "[::1", "[::1]3260", ",1"}) {
    EXPECT_FALSE(ParseTargetAddress(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
