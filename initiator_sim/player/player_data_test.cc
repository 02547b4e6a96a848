// Parts of data that came: judged, and written.

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::HasSubstr;

TEST(PlayerDataTest, PartsOfData) {
  PlayerTestBed bed;
  bed.target.disk.replace(0, 8, std::string("\x01\x02\x03\x04\x05\x06\x07\x08", 8));
  constexpr char kRead[] = "step { command { cdb { read { blocks: 1 } } save_data_as: 'first' } } ";
  const std::string login = absl::StrCat("step { login {} } ", kRead);
  const auto read = [&](const char* where) {
    return VerdictOf(bed.Play(absl::StrCat(
        login, "step { command { cdb { read { blocks: 1 } } where { ", where, " } } }")));
  };
  EXPECT_EQ(read("field: '@be32.4' eq: 0x05060708"), "PASS");
  EXPECT_EQ(read("field: '@be8.7' ref { from: 'first.be8.6' add: 1 }"), "PASS");
  EXPECT_EQ(read("field: '@data_length' eq: 512"), "PASS");
  EXPECT_EQ(read("field: '@be16.511' present: false"), "PASS");
  EXPECT_EQ(read("field: '@be16.0' eq: 0x0201"),
            "FAIL: a command didn't end as it must: @be16.0 is 258 (0x102), expected 513 (0x201)");
  EXPECT_THAT(read("field: '@be8.0' eq: 1 } where { field: '@be8.0' ref { from: 'first.be8.512' }"),
              HasSubstr("ends before it"));
}

TEST(PlayerDataTest, PartsOfDataAreWritten) {
  PlayerTestBed bed;
  bed.target.disk.replace(0, 2, "ab");
  const auto write = [&](const char* bind) {
    return VerdictOf(bed.Play(absl::StrCat(
        "step { login {} } step { command { cdb { read { blocks: 1 } } save_data_as: 'read' } } ",
        "step { command { cdb { write { lba: 2 blocks: 1 } } write_data { raw: '",
        std::string(512, 'z'), "' } bind { ", bind, " } } }")));
  };
  EXPECT_EQ(write("field: '@write_data.510' from: 'read.bytes.0.2'"), "PASS");
  EXPECT_EQ(bed.target.disk.substr(3 * 512 - 4, 4), "zzab");
  EXPECT_EQ(write("field: '@write_data.0' from: 'block_size' add: 1"), "PASS");
  EXPECT_EQ(bed.target.disk.substr(1024, 9), std::string("\0\0\0\0\0\0\x02\x01z", 9));
  EXPECT_THAT(write("field: '@write_data.511' from: 'read.bytes.0.2'"), HasSubstr("room there"));
}

}  // namespace
}  // namespace pushpull::initiator_sim
