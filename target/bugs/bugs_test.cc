#include "target/bugs/bugs.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

using ::testing::HasSubstr;

#if PUSHPULL_BUGS

TEST(BugsTest, TableIsInTheOrderOfTheEnumAndItsNamesAreUnique) {
  std::set<std::string_view> names;
  size_t index = 0;
  for (const BugInfo& info : AllBugs()) {
    EXPECT_EQ(static_cast<size_t>(info.bug), index++) << info.name;
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(BugName(info.bug), info.name);
    EXPECT_EQ(info.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string_view::npos)
        << info.name;
    EXPECT_TRUE(info.sentence.ends_with('.')) << info.name;
    // What no RFC speaks of names the SCSI standard's clause.
    EXPECT_EQ(info.rows.starts_with("S"), info.by_scsi() || info.by_power_failure()) << info.name;
    const bool has_rows =
        !info.by_delivery() && !info.by_power_failure() && !info.by_scsi() && !info.memory_breaking;
    EXPECT_EQ(info.rows.starts_with("RFC"), has_rows) << info.name;
    EXPECT_EQ(info.rows.empty(), info.by_delivery() || info.memory_breaking) << info.name;
  }
  EXPECT_EQ(index, static_cast<size_t>(Bug::kCount));
}

TEST(BugsTest, SetHasWhatWasAdded) {
  BugSet bugs;
  EXPECT_FALSE(bugs.any());
  bugs.Add(Bug::kR2tSnRepeats);
  EXPECT_TRUE(bugs.any());
  for (const BugInfo& info : AllBugs()) {
    EXPECT_EQ(bugs.Has(info.bug), info.bug == Bug::kR2tSnRepeats) << info.name;
  }
}

TEST(BugsTest, ParsesEachName) {
  for (const BugInfo& info : AllBugs()) {
    if (info.memory_breaking) continue;
    const auto bug = ParseBugName(info.name);
    ASSERT_TRUE(bug.ok()) << bug.status();
    EXPECT_EQ(*bug, info.bug);
  }
}

TEST(BugsTest, UnknownNameProposesTheNearest) {
  const auto typo = ParseBugName("stat_sn_skip");
  ASSERT_EQ(typo.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(typo.status().message()), HasSubstr("nearest: stat_sn_skips,"));
  const auto part = ParseBugName("offset_unchecked");
  EXPECT_THAT(std::string(part.status().message()),
              HasSubstr("nearest: data_out_offset_unchecked,"));
  EXPECT_FALSE(ParseBugName("").ok());
  EXPECT_FALSE(ParseBugName(std::string(100000, 'x')).ok());
}

#else

TEST(BugsTest, NothingIsLeftInABuildWithoutDefects) {
  BugSet bugs;
  bugs.Add(static_cast<Bug>(0));
  EXPECT_FALSE(bugs.Has(static_cast<Bug>(0)));
  EXPECT_FALSE(bugs.any());
  EXPECT_TRUE(AllBugs().empty());
  EXPECT_THAT(std::string(ParseBugName("stat_sn_skips").status().message()),
              HasSubstr("not in this build"));
}

#endif

}  // namespace
}  // namespace pushpull::target
