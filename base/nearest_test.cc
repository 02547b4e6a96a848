#include "base/nearest.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NearestTest, TheOneThatWasMeantComesFirst) {
  const std::vector<std::string> commands = {"run",    "list",   "lint",    "convert",
                                             "replay", "target", "softroce"};
  const std::vector<std::string> cases = {"login/one_request", "login/isid_kept", "logout/plain",
                                          "read/underflow",    "nop/ping",        "tmf/abort"};
  const std::vector<std::string> readings = {"A1", "A11", "A18", "A2", "A21"};
  const struct {
    std::string typed;
    const std::vector<std::string>& names;
    std::string meant;
  } kCases[] = {
      {"rum", commands, "run"},
      {"rn", commands, "run"},
      {"ls", commands, "list"},
      {"lst", commands, "list"},
      {"lits", commands, "list"},
      {"LINT", commands, "lint"},
      {"play", commands, "replay"},
      {"rpelay", commands, "replay"},
      {"tgt", commands, "target"},
      {"conv", commands, "convert"},
      {"cnv", commands, "convert"},
      {"targets", commands, "target"},
      {"roce", commands, "softroce"},
      {"login/on_request", cases, "login/one_request"},
      {"isid", cases, "login/isid_kept"},
      {"read", cases, "read/underflow"},
      {"tmf/abrot", cases, "tmf/abort"},
      {"nop/pong", cases, "nop/ping"},
      {"a18", readings, "A18"},
      {"A81", readings, "A18"},
      {"A3", readings, "A1"},
  };
  for (const auto& one : kCases) {
    EXPECT_THAT(Nearest(one.typed, one.names, 1), ElementsAre(one.meant)) << one.typed;
  }
}

TEST(NearestTest, AsManyAsAreAskedFor) {
  const std::vector<std::string> names = {"run", "list", "target", "replay"};
  EXPECT_THAT(Nearest("x", {}), IsEmpty());
  EXPECT_EQ(Nearest("x", names).size(), 3u);
  EXPECT_EQ(Nearest("", names, 9).size(), names.size());
  EXPECT_EQ(Nearest(std::string(100000, 'x'), names, 9).size(), names.size());
}

}  // namespace
}  // namespace pushpull::base
