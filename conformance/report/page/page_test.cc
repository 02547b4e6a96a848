#include "conformance/report/page/page.h"

#include <google/protobuf/io/gzip_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "conformance/report/result_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pushpull/v1/wire.pb.h"

namespace pushpull::conformance {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string WriteFolder(const std::string& name) {
  const std::string path = ::testing::TempDir() + "/" + name;
  absl::StatusOr<ResultFolder> folder = ResultFolder::Create(path);
  EXPECT_TRUE(folder.ok()) << folder.status();
  v1::RunResult run;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    schema_version: 1 target: "embedded-sim:" argument: "run" argument: "--strict"
    result { id: "nop/a" verdict: WARN wire_log: "cases/nop/a/wire.pcapng"
             scenario: "cases/nop/a/scenario.textproto"
             failure { message: "</script><b>PAGE_DATA" } }
    result { id: "nop/b" verdict: FAIL overlay: XFAIL wire_log: "../b/wire.pcapng" }
    result { id: "nop/c" verdict: SKIP })",
                                                            &run));
  EXPECT_TRUE(folder->WriteRun(run, true).ok());
  EXPECT_TRUE(folder->Write("cases/nop/a/scenario.textproto", "why: \"It matters.\"").ok());
  v1::WireRecord wire;
  wire.add_event()->set_summary("NOP-Out");
  EXPECT_TRUE(folder->Write("cases/nop/a/wire.json", *ToJson(wire)).ok());
  return path;
}

TEST(ReadRun, TakesWhatTheFolderHas) {
  const absl::StatusOr<v1::PageRun> page = ReadRun(WriteFolder("read"), "");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->label(), "embedded-sim:");
  EXPECT_TRUE(page->run().result().empty());
  ASSERT_EQ(page->played_size(), 3);
  EXPECT_EQ(page->played(0).verdict(), "WARN");
  EXPECT_TRUE(page->played(0).unexpected()) << "the run was strict";
  EXPECT_EQ(page->played(0).why(), "It matters.");
  ASSERT_EQ(page->played(0).wire().event_size(), 1);
  EXPECT_EQ(page->played(1).verdict(), "XFAIL");
  EXPECT_FALSE(page->played(1).unexpected());
  EXPECT_FALSE(page->played(2).has_wire());
}

TEST(ReadRun, NeverLeavesTheFolder) {
  const std::string path = WriteFolder("inner");
  v1::WireRecord wire;
  wire.add_event()->set_summary("somebody else's");
  const std::string others = path + "/../b";
  std::filesystem::create_directories(others);
  std::ofstream(others + "/wire.json") << *ToJson(wire);
  const absl::StatusOr<v1::PageRun> page = ReadRun(path, "mine");
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->label(), "mine");
  EXPECT_FALSE(page->played(1).has_wire());
}

TEST(ReadRun, SaysWhatIsNoResultFolder) {
  EXPECT_THAT(ReadRun("/no/such", "").status().ToString(),
              HasSubstr("/no/such: is no result folder of `pushpull run --out`"));
  const std::string path = WriteFolder("broken");
  std::ofstream(path + "/result.json") << "{";
  EXPECT_THAT(ReadRun(path, "").status().ToString(), HasSubstr("is not what a run writes"));
  std::ofstream(path + "/result.json") << "{}";
  EXPECT_THAT(ReadRun(path, "").status().ToString(), HasSubstr("has no schema_version"));
  std::ofstream(path + "/result.json") << "{\"schema_version\": 2}";
  EXPECT_THAT(ReadRun(path, "").status().ToString(), HasSubstr("a later Pushpull wrote"));
}

v1::Page Unpack(const std::string& html) {
  const std::string begin = "id=\"data\">";
  const size_t at = html.find(begin) + begin.size();
  std::string zipped;
  EXPECT_TRUE(absl::Base64Unescape(html.substr(at, html.find('<', at) - at), &zipped));
  google::protobuf::io::ArrayInputStream source(zipped.data(), static_cast<int>(zipped.size()));
  google::protobuf::io::GzipInputStream gzip(&source);
  std::string json;
  const void* data = nullptr;
  for (int size = 0; gzip.Next(&data, &size);) {
    json.append(static_cast<const char*>(data), static_cast<size_t>(size));
  }
  v1::Page page;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &page).ok());
  return page;
}

TEST(ToHtml, IsOneFileWithAllInIt) {
  std::vector<v1::PageRun> runs;
  runs.push_back(*ReadRun(WriteFolder("left"), "left"));
  runs.push_back(*ReadRun(WriteFolder("right"), "right"));
  const absl::StatusOr<std::string> html = ToHtml(std::move(runs), Catalogue::BuiltIn());
  ASSERT_TRUE(html.ok()) << html.status();
  EXPECT_THAT(*html, HasSubstr("async function unpack()"));
  EXPECT_THAT(*html, HasSubstr("color-scheme: light dark"));
  for (const char* outside : {"http://", "https://", " src=", "@import", "PAGE_DATA"}) {
    EXPECT_THAT(*html, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(*html, Not(HasSubstr("</script><b>"))) << "what a target said is packed";
  const v1::Page page = Unpack(*html);
  ASSERT_EQ(page.run_size(), 2);
  EXPECT_EQ(page.run(1).label(), "right");
  EXPECT_EQ(page.run(0).played(0).result().failure().message(), "</script><b>PAGE_DATA");
  EXPECT_GT(page.requirement_size(), 300);
  for (const v1::Requirement& row : page.requirement()) {
    EXPECT_EQ(row.side(), v1::TARGET_SIDE) << row.id();
  }
}

}  // namespace
}  // namespace pushpull::conformance
