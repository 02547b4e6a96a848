#include "fuzz/replay/scenario_trace.h"

#include <string>
#include <vector>

#include "base/random.h"
#include "base/text_proto.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/random_pdu.h"

namespace pushpull::replay {
namespace {

v1::Scenario Parse(const std::string& text) {
  v1::Scenario scenario;
  EXPECT_EQ(base::ParseTextProto(text, "test", &scenario), absl::OkStatus());
  return scenario;
}

std::vector<v1::Pdu> Decoded(const Trace& trace) {
  std::vector<v1::Pdu> pdus;
  for (size_t i = 0; i < trace.pdus.size(); ++i) {
    auto decoded = initiator_sim::Decode(trace.BytesOf(trace.pdus[i]), trace.DigestsOf(i));
    EXPECT_TRUE(decoded.header_digest_ok && decoded.data_digest_ok) << i;
    EXPECT_EQ(decoded.flaw, "") << i;
    pdus.push_back(decoded.pdu);
  }
  return pdus;
}

Trace TraceOf(const std::string& text) {
  auto made = TraceFromScenario(Parse(text), "test");
  EXPECT_EQ(made.status(), absl::OkStatus());
  return made.ok() ? made->trace : Trace();
}

TEST(ScenarioTraceTest, AnInitiatorsNumbersFollow) {
  const auto pdus = Decoded(TraceOf(R"(
    trace { header_digest: true cmd_sn: 7 exp_stat_sn: 3 initiator_task_tag: 40
            first_burst_length: 1024 max_recv_data_segment_length: 512 }
    step { send { pdu { nop_out {} } } }
    step { send { task: "w" pdu { scsi_command { cdb { write { blocks: 4 } } }
                                  data { pattern { length: 512 } } }
                  write_data { pattern { length: 2048 } } } }
    step { send { task: "w" pdu { data_out {} } } }
    step { send { task: "w" pdu { data_out { target_transfer_tag: 9 } } } }
    step { send { task: "w" pdu { data_out { target_transfer_tag: 9 } } } }
    step { send { refers_to: "w"
                  pdu { task_management_request { function: ABORT_TASK } immediate: true } } }
    step { send { pdu { nop_out {} immediate: true } } }
    step { send { task: "t" count: 2 pdu { nop_out {} } } })"));
  ASSERT_EQ(pdus.size(), 9u);
  EXPECT_EQ(pdus[0].nop_out().cmd_sn(), 7u);
  EXPECT_EQ(pdus[0].nop_out().exp_stat_sn(), 3u);
  EXPECT_EQ(pdus[0].nop_out().initiator_task_tag(), 40u);
  const v1::ScsiCommand& command = pdus[1].scsi_command();
  EXPECT_EQ(command.cmd_sn(), 8u);
  EXPECT_TRUE(command.write());
  EXPECT_EQ(command.expected_data_transfer_length(), 2048u);
  EXPECT_EQ(pdus[2].data_out().initiator_task_tag(), command.initiator_task_tag());
  EXPECT_EQ(pdus[2].data_out().target_transfer_tag(), 0xffffffffu);
  EXPECT_EQ(pdus[2].data_out().buffer_offset(), 512u);
  EXPECT_EQ(pdus[2].data_segment_length(), 512u);
  EXPECT_TRUE(pdus[2].data_out().final());  // FirstBurstLength ends here
  EXPECT_EQ(pdus[3].data_out().buffer_offset(), 1024u);
  EXPECT_EQ(pdus[3].data_out().data_sn(), 0u);
  EXPECT_FALSE(pdus[3].data_out().final());
  EXPECT_EQ(pdus[4].data_out().data_sn(), 1u);
  EXPECT_TRUE(pdus[4].data_out().final());
  EXPECT_EQ(pdus[5].task_management_request().ref_cmd_sn(), 8u);
  EXPECT_EQ(pdus[5].task_management_request().cmd_sn(), 9u);
  EXPECT_EQ(pdus[6].nop_out().cmd_sn(), 9u);
  EXPECT_EQ(pdus[7].nop_out().cmd_sn(), 9u);
  EXPECT_EQ(pdus[8].nop_out().cmd_sn(), 10u);
  EXPECT_NE(pdus[8].nop_out().initiator_task_tag(), pdus[7].nop_out().initiator_task_tag());
}

TEST(ScenarioTraceTest, ATargetsNumbersFollow) {
  const Trace trace = TraceOf(R"(
    role: TARGET trace { data_digest: true cmd_sn: 5 exp_stat_sn: 100 }
    step { send { task: "r" pdu { data_in { final: false } data { pattern { length: 10 } } } } }
    step { send { task: "r" pdu { data_in { status_present: true } data { raw: "x" } } } }
    step { send { pdu { nop_in {} } } }
    step { send { task: "w" pdu { r2t { desired_data_transfer_length: 512 } } } }
    step { send { task: "w" pdu { r2t { desired_data_transfer_length: 512 } } } }
    step { send { task: "w" pdu { scsi_response {} } } })");
  EXPECT_EQ(trace.direction, Direction::kToInitiator);
  const auto pdus = Decoded(trace);
  ASSERT_EQ(pdus.size(), 6u);
  EXPECT_EQ(pdus[0].data_in().exp_cmd_sn(), 5u);
  EXPECT_EQ(pdus[1].data_in().stat_sn(), 100u);
  EXPECT_EQ(pdus[1].data_in().buffer_offset(), 10u);
  EXPECT_EQ(pdus[1].data_in().data_sn(), 1u);
  EXPECT_EQ(pdus[2].nop_in().stat_sn(), 101u);
  EXPECT_EQ(pdus[2].nop_in().initiator_task_tag(), 0xffffffffu);
  EXPECT_EQ(pdus[4].r2t().r2t_sn(), 1u);
  EXPECT_EQ(pdus[4].r2t().buffer_offset(), 512u);
  EXPECT_EQ(pdus[4].r2t().initiator_task_tag(), pdus[3].r2t().initiator_task_tag());
  EXPECT_EQ(pdus[5].scsi_response().stat_sn(), 101u);
}

TEST(ScenarioTraceTest, LoginHasNoDigestsAndATailIsKept) {
  const Trace trace = TraceOf(R"(
    trace { header_digest: true login_pdus: 1 tail: "abc" }
    step { send { pdu { login_request { next_stage: FULL_FEATURE_PHASE }
                        data { keys { key { name: "HeaderDigest" value: "CRC32C" } } } } } }
    step { send { pdu { nop_out {} } } })");
  ASSERT_EQ(trace.pdus.size(), 2u);
  EXPECT_EQ(trace.pdus[0].header_digest_end, 48u);
  EXPECT_EQ(trace.tail().size(), 3u);
  EXPECT_TRUE(Decoded(trace)[0].login_request().transit());
}

TEST(ScenarioTraceTest, MisbehavioursAndAdjustments) {
  const Trace trace = TraceOf(R"(
    trace { header_digest: true }
    step { send { pdu { nop_out {} data { raw: "ping!" } }
                  adjust { field: "data_segment_length" add: 4 } } }
    step { send { pdu { nop_out {} } misbehaviour: TRUNCATED } })");
  ASSERT_EQ(trace.pdus.size(), 1u);  // the first swallows four bytes of the next
  EXPECT_TRUE(trace.has_tail());
  EXPECT_FALSE(TraceFromScenario(Parse(R"(
    trace {} step { send { pdu { nop_out {} } misbehaviour: HEADER_DIGEST_WRONG } })"),
                                 "t")
                   .ok());
}

TEST(ScenarioTraceTest, StepsSayHowTheyAreDelivered) {
  auto made = TraceFromScenario(Parse(R"(
    trace { delivery { queue_capacity: 1 source: TRACE_SOURCE_BYTES } }
    step { send { pdu { nop_out {} } } delivery { cut: 3 not_yet: 3 join_next: true } }
    step { send { pdu { nop_out {} } } delivery { every: 20 } }
    step { send { pdu { nop_out {} } } })"),
                                "t");
  ASSERT_TRUE(made.ok());
  ASSERT_TRUE(made->delivery.has_value());
  EXPECT_EQ(Check(*made->delivery, made->trace), absl::OkStatus());
  EXPECT_EQ(ToString(*made->delivery), "bytes, cut at 3 (not yet), 68, 88 and 96, queue 1");
  made = TraceFromScenario(Parse("trace {} step { send { pdu { nop_out {} } } }"), "t");
  EXPECT_FALSE(made->delivery.has_value());
}

TEST(ScenarioTraceTest, PushedSteps) {
  const auto made = TraceFromScenario(Parse(R"(
    trace { delivery { source: TRACE_SOURCE_PUSH } tail: "x" }
    step { send { pdu { nop_out {} } } delivery { push_with_next: true } }
    step { send { pdu { nop_out {} } } }
    step { send { pdu { nop_out {} } } })"),
                                      "t");
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(ToString(*made->delivery), "push, 2+1+1 PDUs");
}

TEST(ScenarioTraceTest, ErrorsNameTheStepAndWhatToDo) {
  const auto message = [](const std::string& text) {
    return std::string(TraceFromScenario(Parse(text), "t").status().message());
  };
  EXPECT_NE(message("step { send {} }").find("trace {}"), std::string::npos);
  EXPECT_NE(message("trace {} step { probe {} }").find("step 1: a trace has only"),
            std::string::npos);
  EXPECT_NE(message("trace {} step { send { pdu { nop_out {} } bind { field: \"cmd_sn\" } } }")
                .find("step 1: bind"),
            std::string::npos);
  EXPECT_NE(message("trace {} step { send { task: \"w\" pdu { data_out {} } } }").find("began"),
            std::string::npos);
}

// Any bytes and any delivery come back.
TEST(ScenarioTraceTest, ThereAndBack) {
  base::Random random(8);
  for (int run = 0; run < 300; ++run) {
    Parameters parameters;
    parameters.header_digest = random.Chance(50);
    parameters.data_digest = random.Chance(50);
    parameters.login_pdus = random.Below(3);
    std::vector<uint8_t> bytes;
    for (uint64_t i = random.Below(4); i > 0; --i) {
      const auto encoded =
          initiator_sim::Encode(initiator_sim::RandomPdu(&random), parameters.digests());
      bytes.insert(bytes.end(), encoded->bytes.begin(), encoded->bytes.end());
    }
    for (uint64_t i = random.Below(60); i > 0; --i) bytes.push_back(0);
    for (uint64_t i = random.Below(3); i > 0 && !bytes.empty(); --i) {
      bytes[random.Below(bytes.size())] ^= static_cast<uint8_t>(1 << random.Below(8));
    }
    const Trace trace = MakeTrace("t", Direction::kToTarget, parameters, bytes);
    Delivery delivery;
    delivery.Clear(random.Chance(30) ? Source::kPush : Source::kTcp);
    const bool push = delivery.source == Source::kPush;
    for (size_t left = push ? trace.messages() : bytes.size(); left > 0;) {
      if (random.Chance(20)) delivery.NotYet();
      const size_t n = random.Between(1, push ? std::min<size_t>(left, 2) : left);
      push ? delivery.Push(n) : delivery.Feed(n);
      left -= n;
    }
    if (!bytes.empty() && random.Chance(20)) delivery.NotYet();
    delivery.End();
    delivery.queue_capacity = static_cast<uint16_t>(random.Between(1, 5));
    delivery.end_with_last = random.Chance(50);
    const auto made = TraceFromScenario(ScenarioFromTrace(trace, delivery), "t");
    ASSERT_TRUE(made.ok()) << made.status();
    ASSERT_EQ(made->trace.bytes, trace.bytes) << run;
    ASSERT_EQ(made->trace.parameters, trace.parameters);
    ASSERT_EQ(made->trace.pdus, trace.pdus);
    ASSERT_TRUE(made->delivery.has_value());
    ASSERT_EQ(*made->delivery, delivery)
        << run << " " << ToString(delivery) << " " << ToString(*made->delivery);
  }
}

}  // namespace
}  // namespace pushpull::replay
