#include "tools/pushpull/convert.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/text_proto.h"
#include "conformance/capture/session_trace.h"
#include "conformance/scenario/lint.h"
#include "conformance/scenario/scenario_file.h"
#include "fuzz/replay/capture_trace.h"
#include "fuzz/replay/scenario_trace.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::tools {
namespace {

constexpr char kCapture[] = "conformance/capture/testdata/loopback.pcap";

std::string Temporary(const std::string& name) {
  return absl::StrCat(testing::TempDir(), "/", name);
}

std::string Write(const std::string& name, const std::string& text) {
  const std::string path = Temporary(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string Error(const std::string& in, const std::string& out,
                  const ConvertOptions& options = {}) {
  const absl::StatusOr<Converted> converted = Convert(in, out, options);
  EXPECT_FALSE(converted.ok());
  return std::string(converted.status().message());
}

TEST(ConvertTest, ACaptureBecomesScenariosThatLint) {
  const std::string folder = Temporary("recorded/");
  const absl::StatusOr<Converted> converted = Convert(kCapture, folder, {});
  ASSERT_TRUE(converted.ok()) << converted.status();
  EXPECT_EQ(converted->written.size(), 3u);
  EXPECT_TRUE(converted->remarks.empty());
  const auto files = conformance::LoadScenarios(folder);
  ASSERT_TRUE(files.ok()) << files.status();
  ASSERT_EQ(files->size(), 3u);
  for (const conformance::ScenarioFile& file : *files) {
    const std::string id = conformance::IdOfPath(folder, file.path);
    for (const auto& error : conformance::Lint(file, {.id = id})) ADD_FAILURE() << error.ToString();
  }
}

TEST(ConvertTest, FormsOfAScenarioAreEqual) {
  ConvertOptions options;
  options.connection = 2;
  std::string last = kCapture;
  for (const char* name : {"a.textproto", "b.json", "c.binpb", "a2.textproto"}) {
    const absl::StatusOr<Converted> converted = Convert(last, Temporary(name), options);
    ASSERT_TRUE(converted.ok()) << converted.status();
    options = {};
    last = converted->written.at(0);
  }
  EXPECT_EQ(*base::ReadTextFile(Temporary("a.textproto")),
            *base::ReadTextFile(Temporary("a2.textproto")));
}

// Capture, trace, capture: the same PDUs.
TEST(ConvertTest, ATraceKeepsAllBytes) {
  for (const auto direction : {replay::Direction::kToTarget, replay::Direction::kToInitiator}) {
    ConvertOptions options;
    options.connection = 2;
    options.trace = direction;
    const std::string trace = Temporary("trace.textproto");
    ASSERT_TRUE(Convert(kCapture, trace, options).ok());
    const auto file = conformance::LoadScenario(trace);
    ASSERT_TRUE(file.ok()) << file.status();
    for (const auto& error : conformance::Lint(*file, {.id = "trace"})) {
      ADD_FAILURE() << error.ToString();
    }
    const auto back = replay::TraceFromScenario(file->scenario, "t");
    ASSERT_TRUE(back.ok()) << back.status();
    const auto all = replay::TracesFromCaptureFile(kCapture);
    const size_t index = direction == replay::Direction::kToTarget ? 2 : 3;
    EXPECT_EQ(back->trace.bytes, all->traces[index].bytes);
    EXPECT_EQ(back->trace.parameters, all->traces[index].parameters);

    const std::string capture = Temporary("again.pcapng");
    ASSERT_TRUE(Convert(trace, capture, {}).ok());
    const auto again = conformance::ReadCaptureFile(capture);
    ASSERT_TRUE(again.ok()) << again.status();
    ASSERT_EQ(again->connections.size(), 1u);
    const conformance::CapturedConnection& one = again->connections[0];
    EXPECT_EQ(index == 2 ? one.to_target.bytes : one.to_initiator.bytes, back->trace.bytes);
  }
}

TEST(ConvertTest, TheSendsOfAScenarioBecomeACapture) {
  const std::string scenario = Write("two.textproto", R"(
    step { connect {} }
    step { send { pdu { nop_out {} data { raw: "one" } } } }
    step { connection: "c2" connect {} }
    step { connection: "c2" send { pdu { nop_out {} data { raw: "two" } } } }
    step { send { pdu { nop_out {} data { raw: "three" } } } }
    step { expect { one_of { pdu { nop_in {} } } } })");
  ASSERT_TRUE(Convert(scenario, Temporary("two.pcapng"), {}).ok());
  const auto capture = conformance::ReadCaptureFile(Temporary("two.pcapng"));
  ASSERT_TRUE(capture.ok());
  std::vector<std::string> said;
  for (const auto& connection : capture->connections) {
    for (const auto& pdu : conformance::TraceSession(connection).pdus) {
      const v1::Pdu decoded = initiator_sim::Decode(pdu.bytes, pdu.digests).pdu;
      said.push_back(absl::StrCat(connection.number, " ", decoded.data().raw()));
    }
  }
  EXPECT_EQ(absl::StrJoin(said, ", "), "1 one, 1 three, 2 two");
}

TEST(ConvertTest, BadInputsAreToldWhatToDo) {
  const std::string scenario = Write("s.textproto", "step { login {} }");
  const std::string capture = kCapture;
  struct Bad {
    std::string in;
    std::string out;
    const char* message;
  };
  const Bad cases[] = {
      {"/no/such", "a.json", "/no/such: No such file"},
      {scenario, scenario, "is the file to be converted itself"},
      {scenario, "a.txt", "a.txt: its suffix must say what it shall be: .textproto"},
      {scenario, Temporary("a.pcapng"), "step 1: `login` needs a peer"},
      {Write("silent.textproto", "step { connect {} }"), Temporary("a.pcapng"),
       "it has no `send` step"},
      {Write("none.textproto", "id: 'x'"), Temporary("a.pcapng"), "none.textproto: has no step"},
      {Write("none.json", "{}"), Temporary("a.binpb"), "none.json: has no step"},
      {Write("none.binpb", ""), Temporary("a.textproto"), "none.binpb: is empty"},
      {Write("none.pcapng", ""), Temporary("a.textproto"), "none.pcapng: is empty"},
      {Write("bound.textproto",
             "step { send { pdu { nop_out {} } bind { field: 'cmd_sn' from: 'cmd_sn' } } }"),
       Temporary("a.pcapng"), "connection c1, send step 1: bind: "},
      {Write("bad.textproto", "step { loginn {} }"), Temporary("a.json"), "bad.textproto:1:15: "},
      {Write("bad.json", "{"), Temporary("a.textproto"), "is no scenario in JSON"},
      {Write("bad.binpb", "\xff"), Temporary("a.textproto"), "wire format"},
      {Write("what.txt", "x"), Temporary("a.json"), "is no capture, and no scenario by its suffix"},
      {Write("bad.pcap", "x"), Temporary("a.json"), "bad.pcap: can't be read as a capture"},
      {capture, "a.pcapng", "a.pcapng: a capture becomes a scenario"},
      {capture, Temporary("a.json"), "has 3 connections; choose one with --connection"},
      {Write("none.pcap",
             std::string("\xa1\xb2\xc3\xd4\0\2\0\4\0\0\0\0\0\0\0\0\0\4\0\0\0\0\0\1", 24)),
       Temporary("a.json"), "there is no iSCSI in 0 packets"},
  };
  for (const Bad& c : cases) {
    EXPECT_NE(Error(c.in, c.out).find(c.message), std::string::npos) << c.message << "\n"
                                                                     << Error(c.in, c.out);
  }
  ConvertOptions options;
  options.capture.target_ports = {3260};
  EXPECT_NE(Error(scenario, "a.json", options).find("--port is about captures, and /"),
            std::string::npos);
  options = {};
  options.connection = 4;
  EXPECT_NE(Error(scenario, "a.json", options).find("--connection is about captures"),
            std::string::npos);
  EXPECT_NE(Error(capture, "a.json", options).find("there is no connection 4; there are\n  1  127"),
            std::string::npos);
  options.connection = 1;
  EXPECT_NE(Error(capture, "/no/such/a.json", options).find("can't write /no/such/a.json: No such"),
            std::string::npos);
}

}  // namespace
}  // namespace pushpull::tools
