// Sessions under cuts: against the reference target over the simulated network, and over TCP as
// somebody else's.

#include "tools/endpoints/session_hosts.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "conformance/runner/suite.h"
#include "conformance/scenario/scenario_file.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/minimise.h"
#include "fuzz/replay/schedule.h"
#include "fuzz/replay/session_receiver.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "target/portal/tcp_target.h"
#include "target/store/lun_spec.h"
#include "tools/endpoints/remote_endpoint.h"

namespace pushpull::tools {
namespace {

using replay::Direction;
using replay::SessionReceiver;
using replay::Trace;
using testing::HasSubstr;

// A write of two blocks, read back; with pads and digests.
constexpr char kSession[] = R"(
  id: "write"
  needs { writes: true }
  step { login {
    key { name: "HeaderDigest" value: "CRC32C" }
    key { name: "DataDigest" value: "CRC32C" }
  } }
  step { command { cdb { write { blocks: 2 } } write_data { pattern { seed: 5 } } } }
  step { command { cdb { read { blocks: 2 } } expect_data { pattern { seed: 5 } } } }
  step { probe { data: "abcde" } }
)";

conformance::Case CaseOf(const std::string& text) {
  const auto file = conformance::ParseScenario(text, "write.textproto");
  EXPECT_TRUE(file.ok()) << file.status();
  const auto cases = conformance::Expand({*file});
  EXPECT_TRUE(cases.ok() && cases->size() == 1);
  return (*cases)[0];
}

std::vector<std::string> Texts(const v1::EventLog& log, const std::string& kind) {
  std::vector<std::string> texts;
  for (const v1::Event& event : log.event()) {
    if (event.other().kind() == kind) texts.push_back(event.other().text());
  }
  return texts;
}

replay::TraceResult Play(const Trace& trace, SessionReceiver* receiver, const char* splits,
                         uint64_t most) {
  EXPECT_TRUE(receiver->Open(trace).ok());
  auto oracle = replay::Oracle::Make(trace, receiver);
  EXPECT_TRUE(oracle.ok()) << oracle.status();
  replay::Deliveries deliveries(*replay::Schedule::Parse(splits), trace, receiver->sources(),
                                {.max_deliveries = most});
  auto result = Compare(trace, receiver, &*oracle, std::nullopt, &deliveries);
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

TEST(SimSessionHostTest, BothDirectionsAreCutAndBlocksAreSeen) {
  const auto host = MakeSimSessionHost({});
  const auto receiver = SessionReceiver::Create(host.get(), {});
  ASSERT_TRUE(receiver.ok()) << receiver.status();
  const auto traces = (*receiver)->Record(CaseOf(kSession));
  ASSERT_TRUE(traces.ok()) << traces.status();
  ASSERT_EQ(traces->size(), 2u);
  EXPECT_EQ((*traces)[0].direction, Direction::kToTarget);
  EXPECT_EQ((*traces)[1].direction, Direction::kToInitiator);
  for (const Trace& trace : *traces) {
    EXPECT_FALSE(trace.has_tail());
    EXPECT_TRUE(trace.parameters.header_digest);
    EXPECT_GT(trace.parameters.login_pdus, 0u);
    const replay::TraceResult result = Play(trace, receiver->get(), "mss:100,bytes,notyet", 300);
    EXPECT_FALSE(result.finding.has_value()) << ToString(*result.finding);
    EXPECT_GT(result.distinct, 3u) << "reads were cut";

    const auto log = (*receiver)->PlayForLog(replay::Whole(trace, replay::Source::kTcp));
    ASSERT_TRUE(log.ok());
    EXPECT_THAT(Texts(*log, "verdict"), testing::ElementsAre("PASS"));
    EXPECT_THAT(Texts(*log, "block"), testing::ElementsAre("LUN 0 block 0", "LUN 0 block 1"));
    EXPECT_GE(Texts(*log, "task").size(), 5u);
  }
}

// A target that depends on its cuts is found, and the cut is the one that matters.
TEST(SimSessionHostTest, ADefectOfTheReceiveMachineIsFound) {
  target::BugSet bugs;
  bugs.Add(target::ParseBugName("rx_data_digest_late_unchecked").value());
  const auto host = MakeSimSessionHost(bugs);
  const auto receiver = SessionReceiver::Create(host.get(), {});
  ASSERT_TRUE(receiver.ok()) << receiver.status();
  const auto traces = (*receiver)->Record(CaseOf(R"(
    id: "ping"
    epilogue: PROBE_ON_NEW_CONNECTION
    step { login { key { name: "DataDigest" value: "CRC32C" } } }
    step { send { task: "p" misbehaviour: DATA_DIGEST_WRONG
                  pdu { nop_out {} immediate: true data { raw: "abcde" } } } }
    step { expect { task: "p" one_of { pdu { reject {} } } } }
  )"));
  ASSERT_TRUE(traces.ok()) << traces.status();
  const Trace& trace = (*traces)[0];
  const replay::TraceResult result = Play(trace, receiver->get(), "fields", 300);
  ASSERT_TRUE(result.finding.has_value());

  auto oracle = replay::Oracle::Make(trace, receiver->get());
  ASSERT_TRUE(oracle.ok());
  const auto least =
      replay::Minimise(trace, *result.finding,
                       [&](const replay::Delivery& delivery) -> absl::StatusOr<bool> {
                         const auto outcome = (*receiver)->Play(delivery);
                         if (!outcome.ok()) return outcome.status();
                         return oracle->Differs(delivery.source, *outcome);
                       },
                       {.max_plays = 300});
  ASSERT_TRUE(least.ok()) << least.status();
  const std::vector<size_t> cuts = replay::CutsOf(*least);
  ASSERT_EQ(cuts.size(), 1u);
  // Within the data digest of the ping, the last PDU but those of the epilogue.
  bool within = false;
  for (const replay::PduBorders& pdu : trace.pdus) {
    within |= pdu.data_end > pdu.header_digest_end && cuts[0] >= pdu.pad_end && cuts[0] < pdu.end;
  }
  EXPECT_TRUE(within) << ToString(*least);

  // The scenario that is written for it plays it again, and nothing else.
  conformance::Case again;
  again.script.scenario = (*receiver)->ScenarioOf(*least).value();
  const auto same = (*receiver)->Record(again);
  ASSERT_TRUE(same.ok()) << same.status();
  ASSERT_EQ(same->size(), 1u);
  EXPECT_EQ((*same)[0].name, trace.name);
  const auto own = (*receiver)->OwnDelivery((*same)[0]);
  ASSERT_TRUE(own.has_value());
  EXPECT_EQ(replay::CutsOf(*own), cuts);
  ASSERT_TRUE((*receiver)->Open((*same)[0]).ok());
  const auto log = (*receiver)->PlayForLog(*least);
  ASSERT_TRUE(log.ok());
  EXPECT_THAT(Texts(*log, "task"), testing::Contains(HasSubstr("NOP-In")));
}

TEST(SimSessionHostTest, WhatCantBePlayedSaysWhy) {
  const auto host = MakeSimSessionHost({});
  const auto receiver = SessionReceiver::Create(host.get(), {});
  ASSERT_TRUE(receiver.ok()) << receiver.status();
  const auto chap =
      (*receiver)->Record(CaseOf("id: \"c\" needs { chap: true } step { login { chap {} } }"));
  EXPECT_EQ(chap.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(chap.status().message()), HasSubstr("CHAP"));
  const auto other = (*receiver)->Record(
      CaseOf("id: \"u\" step { login {} } "
             "step { require_negotiated { name: \"InitialR2T\" value: \"Never\" } }"));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kUnimplemented);
}

// Over TCP, as a target that isn't ours: its blocks are wiped before each play and read after it.
TEST(WriteCutSessionHostTest, SomebodyElsesTarget) {
  target::TargetOptions options;
  options.node.name = "iqn.2026-11.org.pushpull:other";
  auto store = target::MakeStore(target::ParseLunSpec("ram:1M").value());
  ASSERT_TRUE(store.ok());
  options.logical_units.push_back({});
  options.logical_units[0].store = *std::move(store);
  auto target = target::TcpTarget::Create(std::move(options), 1);
  ASSERT_TRUE(target.ok()) << target.status();
  const auto address = (*target)->Listen({"127.0.0.1", 0});
  ASSERT_TRUE(address.ok()) << address.status();
  const auto uri = ParseTargetUri(
      absl::StrCat("tcp://", address->ToString(), "/iqn.2026-11.org.pushpull:other"));
  ASSERT_TRUE(uri.ok()) << uri.status();

  const auto host = MakeWriteCutSessionHost(MakeRemoteFactory({*uri}, ""));
  const auto careful = SessionReceiver::Create(host.get(), {});
  ASSERT_TRUE(careful.ok()) << careful.status();
  EXPECT_EQ((*careful)->Record(CaseOf(kSession)).status().code(), absl::StatusCode::kUnimplemented)
      << "it writes, and nobody allowed that";

  replay::SessionOptions writes;
  writes.allow_writes = true;
  const auto receiver = SessionReceiver::Create(host.get(), writes);
  ASSERT_TRUE(receiver.ok()) << receiver.status();
  const auto traces = (*receiver)->Record(CaseOf(kSession));
  ASSERT_TRUE(traces.ok()) << traces.status();
  ASSERT_EQ(traces->size(), 1u) << "its own writes can't be cut";
  const replay::TraceResult result =
      Play((*traces)[0], receiver->get(), "fields,mss:100,random:1:5", 30);
  EXPECT_FALSE(result.finding.has_value()) << ToString(*result.finding);
  EXPECT_GT(result.deliveries, 5u);
  const auto log = (*receiver)->PlayForLog(replay::Whole((*traces)[0], replay::Source::kTcp));
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(Texts(*log, "block").size(), 64u);
  EXPECT_THAT(Texts(*log, "verdict"), testing::ElementsAre("PASS"));
}

}  // namespace
}  // namespace pushpull::tools
