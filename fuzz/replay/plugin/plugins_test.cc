// The plug-ins that come with Pushpull: each way in which wrong.so is wrong is found, with the
// least cut that shows it, and who isn't wrong is found to be right.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/minimise.h"
#include "fuzz/replay/plugin/plugin_host.h"
#include "fuzz/replay/replay_testing.h"
#include "fuzz/replay/rx_receiver.h"
#include "fuzz/replay/schedule.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<PluginHost> Host(std::string_view name, std::string_view option) {
  PluginOptions options;
  options.path = absl::StrCat("fuzz/replay/plugins/", std::string(name), ".so");
  options.options = std::string(option);
  auto host = PluginHost::Create(options);
  EXPECT_TRUE(host.ok()) << host.status();
  return host.ok() ? *std::move(host) : nullptr;
}

struct Found {
  uint64_t deliveries = 0;
  std::string least;     // ToString() of the delivery; empty: no difference
  std::string expected;  // the log of the reference
  std::string got;
};

absl::StatusOr<Found> Replay(PluginHost* host, const Trace& trace, std::string_view schedule_text) {
  PUSHPULL_RETURN_IF_ERROR(host->Open(trace));
  PUSHPULL_ASSIGN_OR_RETURN(Oracle oracle, Oracle::Make(trace, host));
  PUSHPULL_ASSIGN_OR_RETURN(const Schedule schedule, Schedule::Parse(schedule_text));
  Deliveries deliveries(schedule, trace, host->sources());
  PUSHPULL_ASSIGN_OR_RETURN(const TraceResult result,
                            Compare(trace, host, &oracle, std::nullopt, &deliveries));
  Found found;
  found.deliveries = result.deliveries;
  if (!result.finding) return found;
  const auto differs = [&](const Delivery& delivery) -> absl::StatusOr<bool> {
    PUSHPULL_ASSIGN_OR_RETURN(const Outcome outcome, host->Play(delivery));
    return oracle.Differs(delivery.source, outcome);
  };
  PUSHPULL_ASSIGN_OR_RETURN(const Delivery least, Minimise(trace, *result.finding, differs));
  found.least = ToString(least);
  PUSHPULL_ASSIGN_OR_RETURN(const v1::EventLog expected,
                            host->PlayForLog(oracle.ReferenceOf(least.source)));
  PUSHPULL_ASSIGN_OR_RETURN(const v1::EventLog got, host->PlayForLog(least));
  found.expected = expected.DebugString();
  found.got = got.DebugString();
  return found;
}

constexpr char kSchedule[] = "all1,fields,bytes,coalesce:3,queue:2,notyet,random:1:200";

struct WrongCase {
  std::string option;
  bool digests;
  std::string least;
  std::string got = "";  // in the log
};

class WrongTest : public ::testing::TestWithParam<WrongCase> {};

TEST_P(WrongTest, IsFoundWithTheLeastCut) {
  const WrongCase& c = GetParam();
  auto host = Host("wrong", c.option);
  const auto found = Replay(host.get(), MixedTrace(c.digests, c.digests), kSchedule);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->least, c.least);
  EXPECT_NE(found->expected, found->got);
  EXPECT_THAT(found->got, HasSubstr(c.got));
}

INSTANTIATE_TEST_SUITE_P(All, WrongTest,
                         // The trace's first PDU: BHS to 48, AHSs to 80, header digest if there is
                         // one, data, to 116. Its third has no data, and ends at 284.
                         ::testing::Values(WrongCase{"ahs_cut", false, "tcp, cut at 49"},
                                           WrongCase{"pad_as_data", false, "tcp, cut at 81"},
                                           WrongCase{"digest_forgotten", true, "tcp, cut at 81"},
                                           WrongCase{"mixed", false, "tcp, cut at 116"},
                                           WrongCase{"overread", false, "push, 5 PDUs",
                                                     " in push()"},
                                           WrongCase{"empty_data_tail", false, "tcp, cut at 284"}),
                         [](const auto& info) { return info.param.option; });

TEST(PluginsTest, RightOnesAreFoundRight) {
  for (const std::string name : {"wrong", "machine", "example"}) {
    for (const bool digests : {false, true}) {
      if (digests && name == "example") continue;
      auto host = Host(name, "");
      const auto found = Replay(host.get(), MixedTrace(digests, digests), kSchedule);
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ(found->least, "") << found->expected << found->got;
      EXPECT_GT(found->deliveries, 500u);
      EXPECT_EQ(host->children(), 2u);
    }
  }
}

// PDUs as bytes, and what is else told by kind alone: receivers have words of their own.
std::vector<std::string> Pdus(const v1::EventLog& log) {
  std::vector<std::string> pdus;
  for (const v1::Event& event : log.event()) {
    if (event.has_pdu()) {
      pdus.push_back(absl::StrCat(event.pdu().bhs(), event.pdu().ahs(),
                                  event.pdu().data_discarded() ? "" : event.pdu().data()));
    } else if (event.has_error()) {
      pdus.push_back("error");
    } else if (event.has_end()) {
      pdus.push_back(event.end().inside_pdu() ? "end inside" : "end");
    }
  }
  return pdus;
}

TEST(PluginsTest, TheMachineTellsThroughTheAbiWhatItTellsDirectly) {
  auto rx = MakeRxReceiver();
  auto host = Host("machine", "");
  base::Random random(7);
  for (int i = 0; i < 60; ++i) {
    Trace trace = RandomTrace(&random, 8, i % 3 == 0);
    trace.direction = i % 2 == 0 ? Direction::kToTarget : Direction::kToInitiator;
    ASSERT_TRUE(rx->Open(trace).ok());
    ASSERT_TRUE(host->Open(trace).ok());
    const Delivery whole = Whole(trace, Source::kTcp);
    const auto direct = rx->PlayForLog(whole);
    const auto plugged = host->PlayForLog(whole);
    ASSERT_TRUE(direct.ok() && plugged.ok());
    std::vector<std::string> expected = Pdus(*direct);
    std::vector<std::string> got = Pdus(*plugged);
    // The placer of `rx` refuses and discards some, which the plug-in keeps.
    if (direct->DebugString().find("reject") == std::string::npos &&
        direct->DebugString().find("discarded") == std::string::npos &&
        direct->DebugString().find("close_session") == std::string::npos) {
      EXPECT_EQ(got, expected) << i << "\n" << direct->DebugString() << plugged->DebugString();
    }
  }
}

}  // namespace
}  // namespace pushpull::replay
