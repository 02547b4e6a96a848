#include "fuzz/replay/plugin/requests.h"

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/digest.h"

namespace pushpull::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Response {
  uint8_t opcode;
  uint8_t flags;
  uint32_t tag;
  uint32_t stat_sn = 0;
  uint32_t offset = 0;    // bytes 40 to 43
  uint32_t residual = 0;  // bytes 44 to 47
  std::vector<uint8_t> data = {};
  uint32_t cmd_sn = 7;  // ExpCmdSN; MaxCmdSN is 2 above
};

std::vector<uint8_t> Header(const Response& r) {
  std::vector<uint8_t> bytes(48);
  bytes[0] = r.opcode;
  bytes[1] = r.flags;
  bytes[7] = static_cast<uint8_t>(r.data.size());
  bytes[15] = r.opcode == 0x25 ? 9 : 0;
  base::StoreBe32(&bytes[16], r.tag);
  base::StoreBe32(&bytes[24], r.stat_sn);
  base::StoreBe32(&bytes[28], r.cmd_sn);
  base::StoreBe32(&bytes[32], r.cmd_sn + 2);
  base::StoreBe32(&bytes[40], r.offset);
  base::StoreBe32(&bytes[44], r.residual);
  return bytes;
}

void AddDigest(std::vector<uint8_t>* bytes, size_t from, uint32_t damage) {
  const uint32_t digest = initiator_sim::DigestOf(base::Bytes(*bytes).subspan(from)) ^ damage;
  bytes->resize(bytes->size() + 4);
  base::StoreBe32(bytes->data() + bytes->size() - 4, digest);
}

Trace TraceOf(const std::vector<Response>& responses, bool digests = false, uint32_t damage = 0) {
  std::vector<uint8_t> all;
  for (const Response& r : responses) {
    std::vector<uint8_t> pdu = Header(r);
    if (digests) AddDigest(&pdu, 0, damage);
    const size_t data = pdu.size();
    pdu.insert(pdu.end(), r.data.begin(), r.data.end());
    pdu.resize((pdu.size() + 3) / 4 * 4);
    if (digests && !r.data.empty()) AddDigest(&pdu, data, damage);
    all.insert(all.end(), pdu.begin(), pdu.end());
  }
  Parameters parameters;
  parameters.header_digest = parameters.data_digest = digests;
  return MakeTrace("t", Direction::kToInitiator, parameters, std::move(all));
}

TEST(RequestsTest, WhatIsSentToATargetAnswersNothing) {
  Trace trace = TraceOf({{0x20, 0x80, 1}});
  trace.direction = Direction::kToTarget;
  EXPECT_THAT(PlanRequests(trace).requests, IsEmpty());
}

TEST(RequestsTest, EachKindOfResponseHasItsRequest) {
  const struct {
    uint8_t response;
    uint8_t request;
  } kCases[] = {{0x20, 0x00}, {0x21, 0x01}, {0x22, 0x02}, {0x23, 0x03},
                {0x24, 0x04}, {0x25, 0x01}, {0x26, 0x06}, {0x31, 0x01}};
  for (const auto& c : kCases) {
    const RequestPlan plan = PlanRequests(TraceOf({{c.response, 0x80, 7, 5}}));
    ASSERT_EQ(plan.requests.size(), 1u) << int{c.response};
    EXPECT_EQ(plan.requests[0].opcode, c.request);
    EXPECT_EQ(plan.requests[0].initiator_task_tag, 7u);
    EXPECT_THAT(plan.places, ElementsAre(RequestPlan::Place{0, 16, 0}));
  }
  // A NOP-In that was not asked for, an Async Message.
  EXPECT_THAT(PlanRequests(TraceOf({{0x20, 0x80, 0xffffffff}, {0x32, 0x80, 0xffffffff}})).requests,
              IsEmpty());
}

TEST(RequestsTest, TransferLengthsAreWhatTheTraceTransfers) {
  const RequestPlan plan = PlanRequests(TraceOf({
      {0x25, 0x00, 1, 0, 0, 0, {1, 2, 3, 4}},  // Data-In
      {0x31, 0x80, 2, 0, 512, 1024},           // R2T
      {0x25, 0x83, 1, 40, 4, 10, {5, 6}},      // with status, U
      {0x21, 0x80, 2, 41},                     // of the write
  }));
  EXPECT_EQ(plan.first_stat_sn, 0u);  // an R2T carries one
  ASSERT_EQ(plan.requests.size(), 2u);
  EXPECT_EQ(plan.requests[0], (Request{1, 1, true, false, 16, 9}));
  EXPECT_EQ(plan.requests[1], (Request{1, 2, false, true, 1536, 0}));
}

TEST(RequestsTest, ATagThatIsUsedAgainIsAnotherRequest) {
  const RequestPlan plan =
      PlanRequests(TraceOf({{0x24, 0x00, 1, 30}, {0x24, 0x80, 1, 31}, {0x24, 0x80, 1, 32}}));
  EXPECT_EQ(plan.first_stat_sn, 30u);
  EXPECT_EQ(plan.requests.size(), 2u);
  EXPECT_THAT(plan.places,
              ElementsAre(RequestPlan::Place{0, 16, 0}, RequestPlan::Place{1, 48 + 16, 0},
                          RequestPlan::Place{2, 96 + 16, 1}));
}

TEST(RequestsTest, ARejectAnswersWhatItReturns) {
  std::vector<uint8_t> rejected(48);
  rejected[0] = 0x01;
  rejected[1] = 0xc0;
  base::StoreBe32(&rejected[16], 5);
  base::StoreBe32(&rejected[20], 4096);
  const RequestPlan plan = PlanRequests(TraceOf({{0x3f, 0x80, 0xffffffff, 3, 0, 0, rejected}}));
  ASSERT_EQ(plan.requests.size(), 1u);
  EXPECT_EQ(plan.requests[0], (Request{1, 5, true, false, 4096, 0}));
  EXPECT_THAT(plan.places, ElementsAre(RequestPlan::Place{0, 48 + 16, 0}));
}

TEST(RequestsTest, FindsTheGreatestExpCmdSn) {
  std::vector<Response> responses(3, Response{0x20, 0x80, 1});
  responses[0].cmd_sn = 0xfffffffe;
  responses[1].cmd_sn = 3;
  responses[2].cmd_sn = 1;
  EXPECT_EQ(PlanRequests(TraceOf(responses)).last_exp_cmd_sn, 3u);
}

TEST(RequestsTest, NumbersKeepDigestsAsTheyWere) {
  std::vector<uint8_t> rejected(48);
  base::StoreBe32(&rejected[16], 6);
  const std::vector<Response> responses = {{0x25, 0x81, 5, 1, 0, 0, {1, 2, 3}},
                                           {0x3f, 0x80, 0xffffffff, 2, 0, 0, rejected}};
  for (const uint32_t damage : {0u, 0x10000u}) {
    const Trace trace = TraceOf(responses, true, damage);
    const RequestPlan plan = PlanRequests(trace);
    const ChosenNumbers chosen{{0x01020304, 0x05060708}, 1000};
    std::vector<uint8_t> bytes = trace.bytes;
    WriteNumbers(trace, plan, chosen, bytes);

    std::vector<Response> expected = responses;
    expected[0].tag = chosen.tags[0];
    base::StoreBe32(&expected[1].data[16], chosen.tags[1]);
    for (Response& response : expected) response.cmd_sn += 1000;
    EXPECT_EQ(bytes, TraceOf(expected, true, damage).bytes) << damage;
  }
}

}  // namespace
}  // namespace pushpull::replay
