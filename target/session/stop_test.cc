// The target's end in order: what it tells whom, how long it takes.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

class StopTest : public ::testing::Test {
 protected:
  StopTest()
      : rig_(std::make_unique<Rig>(RigOptions{.network = {}, .node = {}, .bugs = {}, .loops = 2})) {
  }

  std::unique_ptr<Initiator> LogIn(const std::string& name, const Keys& keys = {}) {
    auto initiator = std::make_unique<Initiator>(rig_.get(), "iqn.2026-11.org.pushpull:" + name);
    initiator->Login(keys);
    initiator->ClearUnitAttentions();
    return initiator;
  }
  void Stop(absl::Duration timeout) {
    began_ = rig_->Now();
    rig_->Stop(timeout, [this] { ended_ = rig_->Now(); });
  }
  void Wait() {
    rig_->world().RunUntil([this] { return ended_ != absl::InfinitePast(); },
                           {.time = absl::Seconds(100)});
  }
  // What it has taken; a long time if it hasn't ended.
  absl::Duration Took() {
    Wait();
    return ended_ == absl::InfinitePast() ? absl::InfiniteDuration() : ended_ - began_;
  }
  void ExpectLogoutRequest(Initiator& initiator, uint16_t within_s) {
    const auto event = initiator.Expect<AsyncMessage>(Opcode::kAsyncMessage);
    EXPECT_EQ(event.async_event, AsyncEvent::kLogoutRequest);
    EXPECT_EQ(event.parameter3, within_s);
  }
  void LogOut(Initiator& initiator) {
    LogoutRequest logout;
    logout.reason = LogoutReason::kCloseSession;
    logout.initiator_task_tag = initiator.NextTag();
    initiator.Send(logout);
    EXPECT_EQ(initiator.ExpectLogout().response, LogoutResponseCode::kClosed);
    EXPECT_TRUE(initiator.WaitForClose());
    initiator.Disconnect();
  }

  std::unique_ptr<Rig> rig_;
  absl::Time began_;
  absl::Time ended_ = absl::InfinitePast();
};

TEST_F(StopTest, WithNobodyThereItTakesNoTime) {
  Stop(absl::Seconds(10));
  EXPECT_LT(Took(), absl::Milliseconds(10));
}

TEST_F(StopTest, WithLogoutsItTakesNoLongerThanThey) {
  const auto a = LogIn("a");
  const auto b = LogIn("b");
  Stop(absl::Milliseconds(9500));
  for (Initiator* const initiator : {a.get(), b.get()}) {
    ExpectLogoutRequest(*initiator, 10);
    EXPECT_EQ(initiator->Run(TestUnitReady(*initiator)).status, 0);
    LogOut(*initiator);
  }
  EXPECT_LT(Took(), absl::Seconds(1));
}

TEST_F(StopTest, CommandsThatAreUnderWayAreAnswered) {
  const auto a = LogIn("a");
  const ScsiCommand slow = Write10(*a, 0, 8, Lun(2));  // takes a second
  const ByteVector data = Pattern(8 * 512);
  a->ClearUnitAttentions(Lun(2));
  a->Send(slow);
  const R2t r2t = a->ExpectR2t();
  Stop(absl::Seconds(10));
  a->Answer(r2t, data);
  ExpectLogoutRequest(*a, 10);
  EXPECT_EQ(a->ExpectScsiResponse().status, 0);
  LogOut(*a);
  EXPECT_LT(Took(), absl::Seconds(3));
}

TEST_F(StopTest, WhoStaysIsToldThatHisSessionIsDropped) {
  const auto a = LogIn("a");
  const auto b = LogIn("b");
  Stop(absl::Seconds(10));
  ExpectLogoutRequest(*a, 10);
  ExpectLogoutRequest(*b, 10);
  LogOut(*b);
  EXPECT_TRUE(a->Silent(absl::Milliseconds(9500)));
  const auto event = a->Expect<AsyncMessage>(Opcode::kAsyncMessage);
  EXPECT_EQ(event.async_event, AsyncEvent::kSessionDropNotification);
  EXPECT_EQ(event.parameter3, 0);
  EXPECT_TRUE(a->WaitForClose());
  EXPECT_GE(Took(), absl::Seconds(10));
  EXPECT_LE(Took(), absl::Milliseconds(11100));
}

TEST_F(StopTest, WithoutTimeAllAreDroppedAtOnce) {
  const auto a = LogIn("a");
  Stop(absl::ZeroDuration());
  EXPECT_EQ(a->Expect<AsyncMessage>(Opcode::kAsyncMessage).async_event,
            AsyncEvent::kSessionDropNotification);
  EXPECT_TRUE(a->WaitForClose());
  EXPECT_LE(Took(), absl::Milliseconds(1100));
}

TEST_F(StopTest, APeerThatReadsNothingDoesNotHoldItUp) {
  const auto a = LogIn("a");
  a->StopReading();
  Stop(absl::Seconds(2));
  EXPECT_LE(Took(), absl::Milliseconds(3100));
}

TEST_F(StopTest, SessionsWithoutAConnectionAreNotWaitedFor) {
  const auto a = LogIn("a");
  a->Disconnect();
  rig_->Elapse(absl::Seconds(1));
  EXPECT_EQ(rig_->Get(Count::kSessions), 1);
  Stop(absl::Seconds(10));
  EXPECT_LT(Took(), absl::Milliseconds(10));
}

TEST_F(StopTest, NorIsAReinstatementOnceItHasBegun) {
  const auto a = LogIn("a");
  Stop(absl::Seconds(10));
  ExpectLogoutRequest(*a, 10);
  a->Disconnect();
  EXPECT_LT(Took(), absl::Seconds(1));
}

TEST_F(StopTest, DiscoverySessionsJustEnd) {
  Initiator a(rig_.get());
  a.target_name.clear();  // a Discovery session
  a.Login();
  Stop(absl::Seconds(10));
  EXPECT_FALSE(a.Next().has_value()) << "RFC 7143 §7.4.3";
  EXPECT_TRUE(a.closed());
  EXPECT_LT(Took(), absl::Milliseconds(1100));
}

TEST_F(StopTest, ALoginThatGoesOnHearsOfIt) {
  Initiator idle(rig_.get());
  Initiator a(rig_.get());
  LoginRequest first = a.MakeLogin();
  first.transit = false;
  const auto answer = a.LoginWith(first, a.LoginKeys());
  ASSERT_TRUE(answer.has_value());
  Stop(absl::Seconds(10));
  rig_->Elapse(absl::Milliseconds(100));
  EXPECT_TRUE(idle.WaitForClose(absl::Milliseconds(100)));
  EXPECT_FALSE(a.closed());
  LoginRequest next = a.MakeLogin();
  next.exp_stat_sn = answer->stat_sn + 1;
  const auto refusal = a.LoginWith(next, {});
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->status_class, 3);
  EXPECT_EQ(refusal->status_detail, 1);
  EXPECT_TRUE(a.WaitForClose());
  a.Disconnect();
  EXPECT_LT(Took(), absl::Seconds(1));
}

TEST_F(StopTest, ALoginThatStandsStillDoesNotHoldItUp) {
  Initiator a(rig_.get());
  LoginRequest first = a.MakeLogin();
  first.transit = false;
  ASSERT_TRUE(a.LoginWith(first, a.LoginKeys()).has_value());
  Stop(absl::Seconds(10));
  EXPECT_LE(Took(), absl::Milliseconds(1100));
}

TEST_F(StopTest, NobodyGetsInAnyMore) {
  const auto a = LogIn("a");
  Stop(absl::Seconds(10));
  ExpectLogoutRequest(*a, 10);
  Initiator b(rig_.get());
  EXPECT_TRUE(b.closed());
  LogOut(*a);
  Wait();
}

}  // namespace
}  // namespace pushpull::target::testing
