// What a session keeps when its connection is lost, and what it doesn't (RFC 7143 §7.5, §7.6).

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

class LostConnectionTest : public ::testing::Test {
 protected:
  LostConnectionTest() {
    a_.Login();
    a_.ClearUnitAttentions();
  }
  // Another connection of the session, which is to have this CID.
  std::unique_ptr<Initiator> ComeBack(uint16_t cid = 1) {
    a_.Reset();
    rig_.Elapse(absl::Milliseconds(10));
    EXPECT_EQ(rig_.Get(Count::kTasks), 0) << "below ErrorRecoveryLevel 2 all of them end";
    auto back = std::make_unique<Initiator>(&rig_);
    back->tsih = a_.tsih;
    back->cid = cid;
    back->cmd_sn = a_.exp_cmd_sn;
    back->Login();
    EXPECT_EQ(rig_.Get(Count::kSessions), 1);
    return back;
  }

  Rig rig_;
  Initiator a_{&rig_};
};

// RFC 7143 §6.3.4: the CID of a connection that is gone is no longer in use.
TEST_F(LostConnectionTest, AnyCidMayComeBack) {
  const auto back = ComeBack(/*cid=*/7);
  EXPECT_TRUE(back->Alive());
}

// RFC 7143 §11.14: what hadn't had its turn is as if it had never come.
TEST_F(LostConnectionTest, NumbersOfEarlyCommandsAreOpenAgain) {
  ++a_.cmd_sn;  // the one that is missing
  for (int i = 0; i < 3; ++i) a_.Send(TestUnitReady(a_));
  EXPECT_TRUE(a_.Silent());
  const auto back = ComeBack();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(back->Run(TestUnitReady(*back)).status, 0) << i;
}

TEST_F(LostConnectionTest, TheWindowIsWhatItWas) {
  for (int i = 0; i < 100; ++i) a_.Send(Write10(a_, 0, 1));
  for (int i = 0; i < 100; ++i) a_.ExpectR2t();
  const auto back = ComeBack();
  back->Run(TestUnitReady(*back));
  EXPECT_EQ(back->max_cmd_sn - back->exp_cmd_sn, 127u);
}

TEST_F(LostConnectionTest, FunctionsAreForgotten) {
  a_.Send(Write10(a_, 0, 1));
  a_.ExpectR2t();
  a_.Send(Tmf(a_, TaskManagementFunction::kAbortTaskSet));
  EXPECT_TRUE(a_.Silent());
  const auto back = ComeBack();  // looks for tasks
  back->ClearUnitAttentions();
  EXPECT_TRUE(back->Silent());
}

// RFC 7143 §7.4.2: who has ended is not there to be replaced, and its number is nobody's.
TEST_F(LostConnectionTest, ASessionThatHasEndedIsForgotten) {
  LogoutRequest logout;
  logout.initiator_task_tag = a_.NextTag();
  a_.Send(logout);
  a_.ExpectLogout();
  Initiator again(&rig_);
  again.Login();
  EXPECT_EQ(rig_.Get(Count::kSessionsReinstated), 0);
}

// What still has to be sent may outlast the session.
TEST_F(LostConnectionTest, WhatIsBeingSentOutlastsTheSession) {
  a_.StopReading();
  for (int i = 0; i < 20; ++i) a_.Send(Read10(a_, 0, 1));
  for (int i = 0; i < 20; ++i) a_.Send(Read10(a_, 0, 512));
  rig_.Elapse(absl::Milliseconds(10));
  rig_.target().Announce({.kind = AsyncRequest::Kind::kDropSession}, [](size_t) {});
  rig_.Elapse(absl::Milliseconds(100));
  EXPECT_EQ(rig_.Get(Count::kSessions), 0);
  EXPECT_GT(rig_.Get(Count::kTasks), 0);
  a_.ReadOn();
  EXPECT_TRUE(a_.WaitForClose());
  EXPECT_TRUE(rig_.RunUntilUnused());
}

}  // namespace
}  // namespace pushpull::target::testing
