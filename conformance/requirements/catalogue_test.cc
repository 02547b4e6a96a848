#include "conformance/requirements/catalogue.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kRow = R"(
  requirement {
    id: "RFC7143-1-a" section: "1" level: "MUST" requirement: "r" side: TARGET_SIDE transports: TCP
  })";

std::string ErrorOf(std::string_view text) {
  const base::EmbeddedFile file = {"rows.textproto", text};
  const absl::StatusOr<Catalogue> parsed = Catalogue::Parse({&file, 1});
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

TEST(CatalogueTest, BuiltInHasBothSidesAndAllRfcs) {
  int target = 0, initiator = 0;
  std::map<std::string, int> by_rfc;
  for (const auto& [id, row] : Catalogue::BuiltIn().rows()) {
    ++by_rfc[row.rfc()];
    // Rows of SCSI's standards come with the cases that need them.
    if (!row.rfc().starts_with("RFC")) continue;
    ++(row.side() == v1::TARGET_SIDE ? target : initiator);
  }
  EXPECT_EQ(target, 529);
  EXPECT_EQ(initiator, 241);
  EXPECT_GT(by_rfc["RFC7143"], 600);
  EXPECT_GT(by_rfc["RFC7144"], 20);
  EXPECT_GT(by_rfc["RFC7145"], 120);
}

TEST(CatalogueTest, FindsById) {
  const v1::Requirement* row = Catalogue::BuiltIn().Find("RFC7143-4.2.2.1-f");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->section(), "4.2.2.1");
  EXPECT_EQ(Catalogue::BuiltIn().Find("RFC7143-0-a"), nullptr);
}

TEST(CatalogueTest, SaysWhereTextIsWrong) {
  EXPECT_EQ(ErrorOf(kRow), "");
  EXPECT_THAT(ErrorOf("requirement {\n  idd: 1\n}"), HasSubstr("rows.textproto:2:"));
  EXPECT_THAT(ErrorOf("requirement { id: \"x\" }"), HasSubstr("row \"x\""));
  EXPECT_THAT(ErrorOf(std::string(kRow) + std::string(kRow)), HasSubstr("stands twice"));
}

}  // namespace
}  // namespace pushpull::conformance
