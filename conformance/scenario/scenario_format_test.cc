#include "conformance/scenario/scenario_format.h"

#include <gtest/gtest.h>

#include "conformance/scenario/scenario_file.h"
#include "google/protobuf/util/message_differencer.h"

namespace pushpull::conformance {
namespace {

TEST(ScenarioFormatTest, EachFormGivesTheScenarioBack) {
  const auto files = LoadScenarios("conformance/scenario/testdata");
  ASSERT_TRUE(files.ok()) << files.status();
  ASSERT_GE(files->size(), 10u);
  for (const ScenarioFile& file : *files) {
    for (const char* path : {"a.textproto", "a.json", "a.binpb"}) {
      const ScenarioFormat format = *FormatOfPath(path);
      const auto written = WriteScenarioAs(format, file.scenario);
      ASSERT_TRUE(written.ok()) << written.status();
      const auto back = ParseScenarioAs(format, *written, path);
      ASSERT_TRUE(back.ok()) << back.status();
      EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*back, file.scenario))
          << file.path << " as " << path;
    }
  }
}

TEST(ScenarioFormatTest, ErrorsSayWhere) {
  EXPECT_FALSE(FormatOfPath("a.txt").has_value());
  const auto message = [](const char* path, const char* bytes) {
    return std::string(ParseScenarioAs(*FormatOfPath(path), bytes, path).status().message());
  };
  EXPECT_EQ(message("a.textproto", "id: 3").find("a.textproto:1:5: "), 0u);
  EXPECT_EQ(message("a.json", "{\"idd\": \"x\"}").find("a.json: is no scenario in JSON: "), 0u);
  EXPECT_EQ(message("a.json", "nothing").find("a.json: is no scenario in JSON: "), 0u);
  for (const char* bytes : {"\x0a\x7f", "\xf8\x3f\x01"}) {  // cut short; another message's
    EXPECT_EQ(message("a.binpb", bytes),
              "a.binpb: is no scenario in protobuf's wire format (or not all of one)");
  }
}

}  // namespace
}  // namespace pushpull::conformance
