#include "fuzz/replay/replay.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/text_proto.h"
#include "fuzz/replay/difference.h"
#include "fuzz/replay/replay_testing.h"
#include "fuzz/replay/reproducers.h"
#include "fuzz/replay/rx_receiver.h"
#include "fuzz/replay/scenario_trace.h"
#include "fuzz/replay/table.h"
#include "fuzz/replay/toy_receiver.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"

namespace pushpull::replay {
namespace {

using target::kBugsEnabled;
using testing::HasSubstr;

ReplayOptions Options(const std::string& schedule) {
  ReplayOptions options;
  options.schedule = *Schedule::Parse(schedule);
  return options;
}

TEST(PlaceOfTest, NamesEachPart) {
  const Trace trace = MixedTrace(true, true);
  const PduBorders& pdu = trace.pdus[0];
  EXPECT_EQ(PlaceOf(trace, 0), "before the first byte");
  EXPECT_EQ(PlaceOf(trace, 1), "1 byte into the BHS of PDU 1 (SCSI Command)");
  EXPECT_EQ(PlaceOf(trace, 48), "where the AHS 1 of PDU 1 (SCSI Command) begins");
  EXPECT_EQ(PlaceOf(trace, pdu.ahs_ends[0] + 3), "3 bytes into the AHS 2 of PDU 1 (SCSI Command)");
  EXPECT_EQ(PlaceOf(trace, pdu.ahs_end() + 2),
            "2 bytes into the header digest of PDU 1 (SCSI Command)");
  EXPECT_EQ(PlaceOf(trace, pdu.data_end - 1), "32 bytes into the data of PDU 1 (SCSI Command)");
  EXPECT_EQ(PlaceOf(trace, pdu.data_end + 1), "1 byte into the pad of PDU 1 (SCSI Command)");
  EXPECT_EQ(PlaceOf(trace, pdu.end - 4), "where the data digest of PDU 1 (SCSI Command) begins");
  EXPECT_EQ(PlaceOf(trace, pdu.end), "between PDU 1 and PDU 2 (Data-Out)");
  EXPECT_EQ(PlaceOf(trace, trace.bytes.size()), "behind the last byte");
  const Trace tail = TraceOf("trace { tail: \"abc\" } step { send { pdu { nop_out {} } } }");
  EXPECT_EQ(PlaceOf(tail, 48), "behind the last whole PDU");
  EXPECT_THAT(PlaceOf(tail, 49), HasSubstr("1 byte into PDU 2"));
}

TEST(FirstDifferenceTest, IsTheFirst) {
  v1::EventLog a, b;
  EXPECT_EQ(FirstDifference(a, b), -1);
  a.add_event()->mutable_end();
  EXPECT_EQ(FirstDifference(a, b), 0);
  b.add_event()->mutable_end();
  EXPECT_EQ(FirstDifference(a, b), -1);
  b.mutable_event(0)->mutable_end()->set_inside_pdu(true);
  EXPECT_EQ(FirstDifference(a, b), 0);
}

// A receiver that is wrong where bytes 50 to 55 are cut: the AHS of the first PDU.
TEST(ReplayTest, FindsAndShowsTheLeastCut) {
  const Trace trace = MixedTrace(false, false);
  ToyReceiver receiver(
      [](const Delivery& delivery) {
        for (const size_t cut : CutsOf(delivery)) {
          if (cut >= 50 && cut <= 55) return true;
        }
        return false;
      },
      0);
  const auto replayed = ReplayTrace(trace, {}, &receiver, Options("random:3:2000"));
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  ASSERT_TRUE(replayed->finding.has_value());
  const Finding& finding = *replayed->finding;
  EXPECT_THAT(ToString(finding.least), HasSubstr("cut at 50"));
  EXPECT_EQ(CutsOf(finding.least).size(), 1u);
  EXPECT_THAT(finding.text, HasSubstr("cut at 50: 2 bytes into the AHS 1 of PDU 1"));
  EXPECT_THAT(finding.text, HasSubstr("event 1 (of 6 and 6) is the first that differs"));
  EXPECT_THAT(finding.text, HasSubstr("SCSI Command"));
  EXPECT_THAT(finding.text, HasSubstr("data, 7 bytes; by the header 33"));
  EXPECT_THAT(finding.text, HasSubstr("73 70 6f 69 6c 65 64"));
  EXPECT_THAT(finding.text, HasSubstr("|"));
}

TEST(ReplayTest, TheReproducerPlaysItAgain) {
  const Trace trace = MixedTrace(true, false);
  const auto is_wrong = [](const Delivery& delivery) {
    const auto cuts = CutsOf(delivery);
    return std::find(cuts.begin(), cuts.end(), 200) != cuts.end();
  };
  ToyReceiver receiver(is_wrong, 1);
  const auto replayed = ReplayTrace(trace, {}, &receiver, Options("all1"));
  ASSERT_TRUE(replayed.ok() && replayed->finding.has_value());

  const std::string folder = testing::TempDir() + "/findings";
  auto reproducers = Reproducers::Create(folder);
  ASSERT_TRUE(reproducers.ok());
  const auto path = reproducers->Write("corpus/traces/to_target/a b.textproto", *replayed->finding);
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(*path, folder + "/to_target_a_b.textproto");
  EXPECT_EQ(*reproducers->Write("x/to_target/a b.textproto", *replayed->finding),
            folder + "/to_target_a_b-2.textproto");
  const auto scenario = base::LoadTextProto<v1::Scenario>(*path);
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  const auto again = TraceFromScenario(*scenario, "again");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->trace.bytes, trace.bytes);
  ASSERT_TRUE(again->delivery.has_value());
  EXPECT_EQ(*again->delivery, replayed->finding->least);
  const auto replayed_again =
      ReplayTrace(again->trace, again->delivery, &receiver, Options("none"));
  ASSERT_TRUE(replayed_again.ok());
  EXPECT_TRUE(replayed_again->finding.has_value());
  std::filesystem::remove_all(folder);
}

TEST(ReplayTest, DefectsOfTheMachineAreFoundSmall) {
  if (!kBugsEnabled) GTEST_SKIP() << "a build without defects";
  target::BugSet bugs;
  bugs.Add(target::Bug::kRxAhsLostWhenCut);
  const auto receiver = MakeRxReceiver(bugs);
  const auto replayed =
      ReplayTrace(MixedTrace(false, false), {}, receiver.get(), Options("random:1:500"));
  ASSERT_TRUE(replayed.ok() && replayed->finding.has_value());
  EXPECT_EQ(CutsOf(replayed->finding->least), std::vector<size_t>{48}) << replayed->finding->text;
  EXPECT_THAT(replayed->finding->text, HasSubstr("where the AHS 1 of PDU 1"));
}

TEST(ReplayTest, WhatTheReceiverRefusesIsSaid) {
  class Refuser final : public Receiver {
   public:
    std::string name() const override { return "refuser"; }
    absl::Status Open(const Trace&) override { return absl::UnimplementedError("no digests"); }
    std::vector<Source> sources() const override { return {}; }
    absl::StatusOr<Outcome> Play(const Delivery&) override { return Outcome(); }
    absl::StatusOr<v1::EventLog> PlayForLog(const Delivery&) override { return v1::EventLog(); }
  } refuser;
  const auto replayed = ReplayTrace(MixedTrace(true, true), {}, &refuser, Options("none"));
  ASSERT_TRUE(replayed.ok());
  EXPECT_EQ(replayed->refused, "no digests");
  Table table(5);
  EXPECT_THAT(table.Row(*replayed), HasSubstr("refused: no digests"));
  EXPECT_EQ(table.traces(), 0u);
}

TEST(TableTest, CountsAndSums) {
  Table table(8);
  EXPECT_EQ(table.Header(), "trace         deliveries     distinct   events  result\n");
  Replayed replayed;
  replayed.result = {.trace = "a",
                     .deliveries = 1234567,
                     .distinct = 89,
                     .events = 7,
                     .stopped = false,
                     .unsteady = 0,
                     .left_out = {"all3 (99 deliveries)"},
                     .finding = {}};
  EXPECT_EQ(table.Row(replayed),
            "a              1,234,567           89        7  same; not played: all3 (99 "
            "deliveries)\n");
  EXPECT_EQ(table.left_out().size(), 1u);
  replayed.finding = Finding{Delivery(), "", {}};
  replayed.finding->least.operations = {
      {Operation::Kind::kFeed, 3}, {Operation::Kind::kFeed, 1}, {Operation::Kind::kEnd, 0}};
  replayed.result.deliveries = 3;
  EXPECT_THAT(table.Row(replayed), HasSubstr("DIFFERS: tcp, cut at 3"));
  EXPECT_EQ(table.findings(), 1u);
  EXPECT_EQ(table.Footer(2),
            "not played: all3 of 2 traces (more than --max-deliveries)\n"
            "2 traces, 1,234,570 deliveries (178 distinct) in 2.0 s, 617,285 a second: "
            "1 trace differs\n");
}

TEST(TableTest, WhatIsUnsteadyOrStoppedIsSaid) {
  Table table(8);
  Replayed replayed;
  replayed.result.trace = "a";
  replayed.result.unsteady = 2;
  EXPECT_THAT(table.Row(replayed), HasSubstr("  same, 2 unsteady\n"));
  replayed.result.unsteady = 0;
  replayed.result.stopped = true;
  EXPECT_THAT(table.Row(replayed), HasSubstr("  same so far\n"));
  EXPECT_EQ(table.unsteady(), 2u);
  EXPECT_THAT(table.Footer(1), HasSubstr("unsteady: 2 deliveries differed, and not when"));
}

}  // namespace
}  // namespace pushpull::replay
