// TaskReporting=FastAbort: aborts of several tasks that wait for no data, and whom they tell
// (RFC 7143 §4.2.3.4, §4.2.3.5).

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

using Code = TaskManagementResponseCode;
using Function = TaskManagementFunction;

constexpr char kStandard[] = "RFC3720";
constexpr char kFastAbort[] = "FastAbort";

class FastAbortTest : public ::testing::Test {
 protected:
  std::unique_ptr<Initiator> LogIn(const std::string& name, const char* reporting) {
    auto initiator = std::make_unique<Initiator>(&rig_, "iqn.2026-11.org.pushpull:" + name);
    const std::string answer = initiator->Login({{{"TaskReporting", reporting}}});
    EXPECT_NE(answer.find(std::string("TaskReporting=") + reporting), answer.npos) << answer;
    for (const uint32_t lun : {0, 1}) initiator->ClearUnitAttentions(Lun(lun));
    return initiator;
  }
  // The next event, behind news of the window.
  std::optional<AsyncMessage> NextEvent(Initiator& initiator) {
    while (const auto pdu = initiator.Next(absl::Seconds(1))) {
      if (pdu->opcode() == Opcode::kNopIn) continue;
      EXPECT_EQ(pdu->opcode(), Opcode::kAsyncMessage);
      return AsyncMessage::Decode(BhsView(pdu->bhs));
    }
    return std::nullopt;
  }
  void Acknowledge(Initiator& initiator, uint64_t lun) {
    NopOut nop;
    nop.immediate = true;
    nop.lun = lun;
    initiator.Send(nop);
  }
  void Abort(Initiator& initiator, Function function, uint64_t lun = 0) {
    initiator.Send(Tmf(initiator, function, lun));
    EXPECT_EQ(initiator.ExpectTmf().response, Code::kFunctionComplete);
  }

  Rig rig_;
};

// RFC7143-4.2.3.4-a, -c
TEST_F(FastAbortTest, TheDataOfOpenTransfersIsNotWaitedFor) {
  const auto a = LogIn("a", kFastAbort);
  for (const Function function : {Function::kAbortTaskSet, Function::kClearTaskSet,
                                  Function::kLogicalUnitReset, Function::kTargetWarmReset}) {
    SCOPED_TRACE(static_cast<int>(function));
    a->Send(Write10(*a, 0, 16));
    const R2t r2t = a->ExpectR2t();
    Abort(*a, function);
    EXPECT_EQ(rig_.Get(Count::kTasks), 0);
    a->Answer(r2t, Pattern(8192), 1024);  // too late, but on its way
    EXPECT_TRUE(a->Silent()) << "neither an event on the connection that asked, nor a Reject";
    EXPECT_EQ(rig_.Medium()[1], 0);
    a->ClearUnitAttentions();
  }
}

// RFC7143-4.2.3.4-b
TEST_F(FastAbortTest, EarlierCommandsAreWaitedFor) {
  const auto a = LogIn("a", kFastAbort);
  const ScsiCommand missing = a->Number(TestUnitReady(*a));
  a->Send(TestUnitReady(*a));
  a->Send(Tmf(*a, Function::kAbortTaskSet));
  EXPECT_TRUE(a->Silent());
  a->SendAsIs(missing);
  std::optional<Received> pdu = a->Next();
  while (pdu.has_value() && pdu->opcode() == Opcode::kScsiResponse) pdu = a->Next();
  ASSERT_TRUE(pdu.has_value());
  EXPECT_EQ(pdu->opcode(), Opcode::kTaskManagementResponse);
}

// RFC7143-4.2.3.4-d, -f, -g, 4.2.3.5-b
TEST_F(FastAbortTest, OthersAreToldOfEachUnitAndTakeTheirTime) {
  for (const char* issuer : {kFastAbort, kStandard}) {
    SCOPED_TRACE(issuer);
    const auto a = LogIn("a", issuer);
    const auto b = LogIn("b", kFastAbort);
    b->Send(Write10(*b, 0, 1));
    const R2t first = b->ExpectR2t();
    b->Send(Write10(*b, 1, 1));
    const R2t second = b->ExpectR2t();
    b->Send(Write10(*b, 0, 1, Lun(1)));
    const R2t other_unit = b->ExpectR2t();
    Abort(*a, Function::kTargetWarmReset);
    std::set<uint64_t> luns;
    for (int i = 0; i < 2; ++i) {
      const auto event = NextEvent(*b);
      ASSERT_TRUE(event.has_value());
      EXPECT_EQ(event->async_event, AsyncEvent::kTaskTermination);
      luns.insert(event->lun);
    }
    EXPECT_EQ(luns, (std::set<uint64_t>{Lun(0), Lun(1)}));
    EXPECT_FALSE(NextEvent(*b).has_value()) << "one of each unit";
    b->Answer(first, Pattern(512));
    EXPECT_TRUE(b->Silent()) << "it may have been on its way";
    Acknowledge(*b, Lun(0));
    b->Answer(second, Pattern(1024));
    EXPECT_EQ(b->ExpectReject().reason, RejectReason::kInvalidPduField) << "it was let go";
    b->Answer(other_unit, Pattern(512));
    EXPECT_TRUE(b->Silent()) << "of the other unit nothing was said yet";
    Acknowledge(*b, Lun(1));
    EXPECT_TRUE(b->Silent());
    EXPECT_EQ(rig_.Medium()[1], 0);
  }
}

TEST_F(FastAbortTest, WhatIsEndedBeforeTheAnswerIsToldBehindIt) {
  const auto a = LogIn("a", kStandard);
  const auto b = LogIn("b", kFastAbort);
  for (int i = 0; i < 3; ++i) {
    b->Send(Write10(*b, 0, 1));
    b->ExpectR2t();
    Abort(*a, Function::kClearTaskSet);
    if (i == 0) {
      EXPECT_TRUE(NextEvent(*b).has_value());
    }
    EXPECT_FALSE(NextEvent(*b).has_value());
    b->ClearUnitAttentions();
  }
  Acknowledge(*b, Lun(0));
  EXPECT_TRUE(NextEvent(*b).has_value());
  Acknowledge(*b, Lun(0));
  EXPECT_FALSE(NextEvent(*b).has_value());
}

// RFC 7143 §4.2.3.4 d: the answer acknowledges the event's StatSN.
TEST_F(FastAbortTest, OnlyAnAcknowledgmentIsAnAnswer) {
  const auto a = LogIn("a", kStandard);
  const auto b = LogIn("b", kFastAbort);
  b->Send(Write10(*b, 0, 1));
  const R2t first = b->ExpectR2t();
  b->Send(Write10(*b, 0, 1));
  const R2t second = b->ExpectR2t();
  Abort(*a, Function::kClearTaskSet);
  ASSERT_TRUE(NextEvent(*b).has_value());
  --b->exp_stat_sn;
  Acknowledge(*b, Lun(0));
  b->Answer(first, Pattern(512));
  EXPECT_TRUE(b->Silent()) << "it hasn't heard of it yet";
  ++b->exp_stat_sn;
  Acknowledge(*b, Lun(0));
  b->Answer(second, Pattern(512));
  EXPECT_EQ(b->ExpectReject().reason, RejectReason::kInvalidPduField);
}

TEST_F(FastAbortTest, BehindTheAnswerTheyAreToldAnew) {
  const auto a = LogIn("a", kStandard);
  const auto b = LogIn("b", kFastAbort);
  for (int i = 0; i < 3; ++i) {
    b->Send(Write10(*b, 0, 1));
    b->ExpectR2t();
    Abort(*a, Function::kClearTaskSet);
    EXPECT_TRUE(NextEvent(*b).has_value()) << i;
    Acknowledge(*b, Lun(0));
    EXPECT_FALSE(NextEvent(*b).has_value()) << i;
    b->ClearUnitAttentions();
  }
}

// Transfers are of a connection: what was said of a former one means nothing to the next.
TEST_F(FastAbortTest, OnANewConnectionTheyAreToldAnew) {
  const auto a = LogIn("a", kStandard);
  const auto b = LogIn("b", kFastAbort);
  b->Send(Write10(*b, 0, 1));
  b->ExpectR2t();
  Abort(*a, Function::kClearTaskSet);
  EXPECT_TRUE(NextEvent(*b).has_value());
  b->Reset();
  rig_.Elapse(absl::Milliseconds(10));
  Initiator back(&rig_, b->name);
  back.tsih = b->tsih;
  back.cmd_sn = b->cmd_sn;
  back.Login();
  back.ClearUnitAttentions();
  back.Send(Write10(back, 0, 1));
  back.ExpectR2t();
  Abort(*a, Function::kClearTaskSet);
  EXPECT_TRUE(NextEvent(back).has_value());
}

// RFC7143-4.2.3.5-a
TEST_F(FastAbortTest, StandardSessionsAreNotTold) {
  const auto a = LogIn("a", kFastAbort);
  const auto b = LogIn("b", kStandard);
  b->Send(Write10(*b, 0, 1));
  const R2t r2t = b->ExpectR2t();
  Abort(*a, Function::kLogicalUnitReset);
  EXPECT_FALSE(NextEvent(*b).has_value());
  b->Answer(r2t, Pattern(512));
  EXPECT_TRUE(b->Silent());
}

}  // namespace
}  // namespace pushpull::target::testing
