// libiscsi as a plug-in: what it makes of what a target sends, and that it makes the same of it
// under every cut.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conformance/scenario/scenario_file.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/plugin/plugin_host.h"
#include "fuzz/replay/scenario_trace.h"
#include "fuzz/replay/schedule.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::unique_ptr<PluginHost> Host(std::string_view option) {
  PluginOptions options;
  options.path = "fuzz/replay/plugins/libiscsi.so";
  options.options = std::string(option);
  auto host = PluginHost::Create(options);
  EXPECT_TRUE(host.ok()) << host.status();
  return host.ok() ? *std::move(host) : nullptr;
}

// What libiscsi can ask for: no data digests, text in discovery sessions and SCSI commands in
// others, nothing behind a logout.
v1::Scenario Askable(v1::Scenario scenario, bool discovery) {
  scenario.mutable_trace()->set_data_digest(false);
  v1::Scenario askable = scenario;
  askable.clear_step();
  for (const v1::Step& step : scenario.step()) {
    const v1::Pdu& pdu = step.send().pdu();
    const bool scsi = pdu.has_scsi_response() || pdu.has_data_in() || pdu.has_r2t();
    if (discovery ? scsi : pdu.has_text_response()) continue;
    *askable.add_step() = step;
    if (pdu.has_logout_response()) break;
  }
  return askable;
}

std::vector<Trace> Traces(bool discovery) {
  std::vector<Trace> traces;
  auto files = conformance::LoadScenarios("corpus/traces/to_initiator");
  EXPECT_TRUE(files.ok()) << files.status();
  for (const conformance::ScenarioFile& file : *files) {
    if (!file.scenario.has_trace()) continue;
    // Wrong by its data digest alone.
    if (file.scenario.id() == "to_initiator/data_digest_wrong") continue;
    auto made = TraceFromScenario(Askable(file.scenario, discovery), file.scenario.id());
    EXPECT_TRUE(made.ok()) << file.path << ": " << made.status();
    if (made.ok() && !made->trace.bytes.empty()) traces.push_back(std::move(made->trace));
  }
  return traces;
}

Trace TraceNamed(std::string_view name, bool discovery) {
  for (Trace& trace : Traces(discovery)) {
    if (trace.name == name) return std::move(trace);
  }
  ADD_FAILURE() << name;
  return {};
}

// Texts of what it told, in order; data where `data` is set.
std::vector<std::string> Told(PluginHost& host, const Trace& trace, bool data = false) {
  std::vector<std::string> told;
  EXPECT_TRUE(host.Open(trace).ok());
  const auto log = host.PlayForLog(Whole(trace, Source::kTcp));
  EXPECT_TRUE(log.ok()) << log.status();
  for (const v1::Event& event : log->event()) {
    if (event.has_end()) told.push_back("end");
    if (event.has_error()) told.push_back(event.error().reason());
    if (event.has_other()) told.push_back(data ? event.other().data() : event.other().text());
  }
  return told;
}

TEST(LibiscsiTest, TellsHowCommandsEnd) {
  auto host = Host("");
  EXPECT_THAT(
      Told(*host, TraceNamed("to_initiator/scsi_response", false)),
      ElementsAre("scsi 1: status 0x00, residual 0 of 0, sense 00/00/0000",
                  "scsi 2: status 0x02, residual 0 of 0, sense 70/05/2000",
                  "scsi 3: status 0x02, residual 0 of 0, sense 72/06/2900",
                  "scsi 4: status 0x00, residual 1 of 448, sense 00/00/0000",
                  "scsi 5: status 0x00, residual 2 of 1, sense 00/00/0000",
                  "scsi 6: status 0x00, residual 2 of 3, sense 00/00/0000", HasSubstr("scsi 7: "),
                  HasSubstr("scsi 8: "), HasSubstr("scsi 9: "), "end"));
}

TEST(LibiscsiTest, TellsOfTheDataThatWasRead) {
  const Trace trace = TraceNamed("to_initiator/data_in", false);
  std::string due;
  for (size_t i = 0; i < 4; ++i) {
    const PduBorders& pdu = trace.pdus[i];
    due += base::AsText(base::Bytes(trace.bytes)
                            .subspan(pdu.header_digest_end, pdu.data_end - pdu.header_digest_end));
  }
  for (const std::string option : {"", "iov"}) {
    auto host = Host(option);
    EXPECT_EQ(Told(*host, trace, true)[0], due) << option;
  }
}

TEST(LibiscsiTest, TellsOfTextInADiscoverySession) {
  const Trace trace = TraceNamed("to_initiator/text_response", true);
  auto host = Host("discovery");
  EXPECT_THAT(Told(*host, trace), ::testing::Contains(HasSubstr("text ")));
  auto normal = Host("");
  EXPECT_THAT(std::string(normal->Open(trace).message()), HasSubstr("try the option discovery"));
}

class LibiscsiCutsTest : public ::testing::TestWithParam<std::string> {};

TEST_P(LibiscsiCutsTest, SeesTheSameUnderEveryCut) {
  auto host = Host(GetParam());
  uint64_t deliveries = 0;
  std::vector<std::string> refused;
  for (const Trace& trace : Traces(GetParam() == "discovery")) {
    if (const absl::Status opened = host->Open(trace); !opened.ok()) {
      EXPECT_EQ(opened.code(), absl::StatusCode::kUnimplemented) << trace.name << opened;
      refused.push_back(trace.name);
      continue;
    }
    auto oracle = Oracle::Make(trace, host.get());
    ASSERT_TRUE(oracle.ok()) << oracle.status();
    const auto schedule = Schedule::Parse(trace.bytes.size() < 300 ? "all1,fields,bytes,notyet"
                                                                   : "fields,notyet,mss:536");
    Deliveries cuts(*schedule, trace, host->sources());
    const auto result = Compare(trace, host.get(), &*oracle, std::nullopt, &cuts);
    ASSERT_TRUE(result.ok()) << result.status();
    deliveries += result->deliveries;
    EXPECT_GT(result->events, 0u) << trace.name;
    if (!result->finding) continue;
    const auto got = host->PlayForLog(*result->finding);
    ADD_FAILURE() << trace.name << ": " << ToString(*result->finding) << "\n" << got->DebugString();
  }
  EXPECT_GT(deliveries, 2000u);
  EXPECT_THAT(host->deaths(), ::testing::IsEmpty());
  EXPECT_THAT(refused,
              UnorderedElementsAre("to_initiator/login_chap", "to_initiator/login_response",
                                   "to_initiator/login_response_continued",
                                   "to_initiator/login_response_refused"));
}

INSTANTIATE_TEST_SUITE_P(All, LibiscsiCutsTest, ::testing::Values("", "iov", "discovery"),
                         [](const auto& info) {
                           return info.param.empty() ? std::string("plain") : info.param;
                         });

}  // namespace
}  // namespace pushpull::replay
