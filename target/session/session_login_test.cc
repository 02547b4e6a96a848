// Connections and logins: the ways into a session, and out of it.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

LogoutRequest Logout(Initiator& a, LogoutReason reason = LogoutReason::kCloseSession,
                     uint16_t cid = 1) {
  LogoutRequest logout;
  logout.immediate = true;
  logout.reason = reason;
  logout.cid = cid;
  logout.initiator_task_tag = a.NextTag();
  return logout;
}

TEST(SessionLoginTest, LogsInAndAnswersACommand) {
  Rig rig;
  Initiator a(&rig);
  const std::string text = a.Login();
  EXPECT_TRUE(Contains(text, "TargetPortalGroupTag=1")) << text;
  EXPECT_EQ(rig.Get(Count::kSessions), 1);
  EXPECT_EQ(rig.Get(Count::kLogins), 0);
  EXPECT_EQ(rig.Get(Count::kLoginsDone), 1);
  EXPECT_EQ(a.Run(TestUnitReady(a)).SenseCode(), "6/29/00");
  EXPECT_EQ(a.Run(TestUnitReady(a)).status, 0);
  const auto inquiry = a.Run(Inquiry(a));
  EXPECT_EQ(inquiry.status, 0);
  EXPECT_EQ(inquiry.data.size(), 36u);
}

// RFC7143-4.2.2.2-b
TEST(SessionLoginTest, StatSnAndCmdSnGoOnFromTheLogin) {
  Rig rig;
  Initiator a(&rig);
  a.cmd_sn = 0xffffffff;
  a.Login();
  EXPECT_EQ(a.exp_cmd_sn, 0xffffffffu);
  EXPECT_EQ(a.max_cmd_sn, 0xffffffffu + 127);
  const uint32_t next = a.exp_stat_sn;
  a.Send(TestUnitReady(a));
  EXPECT_EQ(a.ExpectScsiResponse().stat_sn, next);
  EXPECT_EQ(a.exp_cmd_sn, 0u);
  EXPECT_EQ(a.max_cmd_sn, 127u);
}

// RFC 7143 §4.2.2.2: any; but who guesses it doesn't know another's.
TEST(SessionLoginTest, StatSnBeginsElsewhereOnEachConnection) {
  Rig rig;
  std::set<uint32_t> first;
  for (uint8_t i = 0; i < 4; ++i) {
    Initiator a(&rig);
    a.isid[5] = i;
    a.Login();
    first.insert(a.exp_stat_sn);
  }
  EXPECT_EQ(first.size(), 4u);
}

// RFC 7143 §4.2.4.
TEST(SessionLoginTest, AnotherPduFirstEndsTheConnectionAtOnce) {
  Rig rig;
  Initiator a(&rig);
  a.SendAsIs(NopOut{.immediate = true, .initiator_task_tag = 1});
  EXPECT_TRUE(a.WaitForClose(absl::Seconds(1)));
  EXPECT_FALSE(a.Next().has_value());
  EXPECT_TRUE(rig.RunUntilUnused());
}

TEST(SessionLoginTest, AnotherPduDuringLoginIsAnsweredAndEndsIt) {
  Rig rig;
  Initiator a(&rig);
  LoginRequest request = a.MakeLogin();
  request.transit = false;
  ASSERT_TRUE(a.LoginWith(request, a.LoginKeys()).has_value());
  a.SendAsIs(NopOut{.immediate = true, .initiator_task_tag = 1});
  const auto response = a.Expect<LoginResponse>(Opcode::kLoginResponse);
  EXPECT_EQ(response.status_class, 2);
  EXPECT_EQ(response.status_detail, 0x0b);
  EXPECT_TRUE(a.WaitForClose(absl::Seconds(1)));
}

TEST(SessionLoginTest, AFailedLoginIsToldAndEndsTheConnection) {
  Rig rig;
  Initiator a(&rig);
  a.target_name = "iqn.2026-11.org.pushpull:nobody";
  const auto response = a.LoginWith(a.MakeLogin(), a.LoginKeys());
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status_class, 2);
  EXPECT_EQ(response->status_detail, 3);
  EXPECT_TRUE(a.WaitForClose(absl::Seconds(1)));
  EXPECT_EQ(response->exp_cmd_sn, a.cmd_sn);
  EXPECT_EQ(response->max_cmd_sn, a.cmd_sn) << "one at a time";
  EXPECT_EQ(rig.Get(Count::kLoginsFailed), 1);
  EXPECT_EQ(rig.target().Sum([](const Counters& counters) {
    return counters.LoginFailures(LoginStatus::kNotFound);
  }),
            1);
  a.Disconnect();
  EXPECT_TRUE(rig.RunUntilUnused());
}

TEST(SessionLoginTest, APeerThatKeepsItsEndOpenIsNotWaitedForForever) {
  Rig rig;
  Initiator a(&rig);
  a.target_name = "iqn.2026-11.org.pushpull:nobody";
  a.LoginWith(a.MakeLogin(), a.LoginKeys());
  EXPECT_EQ(rig.Get(Count::kConnections), 1);
  rig.Elapse(absl::Seconds(6));
  EXPECT_EQ(rig.Get(Count::kConnections), 0);
}

// RFC7143-8.1.2-a
TEST(SessionLoginTest, ALoginHasATimeLimit) {
  Rig rig;
  Initiator silent(&rig);
  Initiator slow(&rig);
  LoginRequest request = slow.MakeLogin();
  request.transit = false;
  slow.LoginWith(request, slow.LoginKeys());
  rig.Elapse(absl::Seconds(14));
  EXPECT_EQ(rig.Get(Count::kConnections), 2);
  rig.Elapse(absl::Seconds(2));
  EXPECT_EQ(rig.Get(Count::kConnections), 0);
  EXPECT_TRUE(silent.WaitForClose());
  EXPECT_TRUE(slow.WaitForClose());
}

// RFC7143-8.1.2-a
TEST(SessionLoginTest, OnlySoManyLoginsAtOneTime) {
  RigOptions options;
  options.node.max_logins = 2;
  Rig rig(options);
  Initiator a(&rig);
  Initiator b(&rig);
  const std::string keys = a.LoginKeys().Encode();
  const ByteVector login =
      a.Encode({.bhs = a.MakeLogin().Encode(), .ahs = {}, .data = {keys.begin(), keys.end()}});
  for (Initiator* const initiator : {&a, &b}) initiator->SendBytes(base::Bytes(login).first(1));
  rig.Elapse(absl::Milliseconds(10));
  Initiator c(&rig);
  EXPECT_TRUE(c.WaitForClose(absl::Milliseconds(100)));
  EXPECT_EQ(rig.Get(Count::kConnectionsRefused), 1);
  a.SendBytes(base::Bytes(login).subspan(1));  // a session needs no place among the logins
  EXPECT_EQ(a.Expect<LoginResponse>(Opcode::kLoginResponse).status_class, 0);
  Initiator d(&rig);
  d.isid[5] = 9;
  d.Login();
  EXPECT_TRUE(d.Alive());
}

// RFC7143-8.1.2-a
TEST(SessionLoginTest, WhoSendsNothingKeepsNobodyOut) {
  RigOptions options;
  options.node.max_logins = 8;
  Rig rig(options);
  // One within its BHS, one within its data segment, and one between two requests.
  Initiator a(&rig), b(&rig), c(&rig);
  Initiator* const begun[] = {&a, &b, &c};
  a.isid[5] = 1, b.isid[5] = 2;
  const std::string keys = a.LoginKeys().Encode();
  const auto whole = [&keys](Initiator& initiator) {
    return initiator.Encode(
        {.bhs = initiator.MakeLogin().Encode(), .ahs = {}, .data = {keys.begin(), keys.end()}});
  };
  const ByteVector of_a = whole(a), of_b = whole(b);
  a.SendBytes(base::Bytes(of_a).first(1));
  b.SendBytes(base::Bytes(of_b).first(kBhsBytes));
  LoginRequest request = c.MakeLogin();
  request.transit = false;
  ASSERT_TRUE(c.LoginWith(request, c.LoginKeys()).has_value());
  std::vector<std::unique_ptr<Initiator>> silent;
  for (int i = 0; i < 40; ++i) silent.push_back(std::make_unique<Initiator>(&rig));
  Initiator good(&rig);
  good.isid[5] = 9;
  good.Login();
  EXPECT_TRUE(good.Alive());
  EXPECT_EQ(rig.Get(Count::kConnectionsRefused), 0);
  for (Initiator* const initiator : begun) EXPECT_FALSE(initiator->closed());
  a.SendBytes(base::Bytes(of_a).subspan(1));
  b.SendBytes(base::Bytes(of_b).subspan(kBhsBytes));
  for (Initiator* const initiator : {&a, &b}) {
    EXPECT_EQ(initiator->Expect<LoginResponse>(Opcode::kLoginResponse).status_class, 0);
  }
}

// Who failed to log in may still be there for a while: that takes a place, too.
TEST(SessionLoginTest, AFailedLoginKeepsItsPlaceUntilItsConnectionIsClosed) {
  RigOptions options;
  options.node.max_logins = 2;
  Rig rig(options);
  const auto fail = [](Initiator& initiator) {
    initiator.target_name = "iqn.2026-11.org.pushpull:nobody";
    const auto response = initiator.LoginWith(initiator.MakeLogin(), initiator.LoginKeys());
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status_class << 8 | response->status_detail, 0x0203);
  };
  // Neither closes its own end.
  Initiator a(&rig);
  fail(a);
  Initiator b(&rig);
  fail(b);
  EXPECT_EQ(rig.Get(Count::kLogins), 0);
  EXPECT_EQ(rig.Get(Count::kConnections), 2);
  Initiator c(&rig);
  EXPECT_TRUE(c.WaitForClose(absl::Milliseconds(100)));
  EXPECT_EQ(rig.Get(Count::kConnectionsRefused), 1);
  // They have heard what there was to hear: the oldest makes room.
  rig.Elapse(absl::Seconds(2));
  Initiator d(&rig);
  d.Login();
  EXPECT_TRUE(d.Alive());
  EXPECT_EQ(rig.Get(Count::kConnections), 2);
  // Whoever closes gives it back at once; who doesn't is closed in the end.
  Initiator e(&rig);
  fail(e);
  e.Disconnect();
  rig.Elapse(absl::Milliseconds(10));
  EXPECT_EQ(rig.Get(Count::kConnections), 2);
  rig.Elapse(absl::Seconds(5));
  EXPECT_EQ(rig.Get(Count::kConnections), 1);
}

TEST(SessionLoginTest, OnlySoManySessions) {
  RigOptions options;
  options.node.max_sessions = 1;
  Rig rig(options);
  Initiator a(&rig);
  a.Login();
  Initiator b(&rig, "iqn.2026-11.org.pushpull:other");
  const auto response = b.LoginWith(b.MakeLogin(), b.LoginKeys());
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status_class << 8 | response->status_detail, 0x0302);
  Initiator again(&rig);  // its own place it may take
  again.Login();
  EXPECT_TRUE(again.Alive());
}

// ---- reinstatement ------------------------------------------------------------------------------

class ReinstatementTest : public ::testing::TestWithParam<size_t> {
 protected:
  RigOptions Options() const {
    RigOptions options;
    options.loops = GetParam();
    return options;
  }
};

// RFC7143-6.3.5.1-a, 7.14-b, 11.14.5-a
TEST_P(ReinstatementTest, ANewSessionOfTheSameNameEndsTheOld) {
  Rig rig(Options());
  Initiator a(&rig);
  a.Login();
  a.ClearUnitAttentions();
  a.Send(Write10(a, 0, 16));
  EXPECT_EQ(a.ExpectR2t().desired_data_transfer_length, 8192u);
  Initiator b(&rig);
  b.Login();
  EXPECT_TRUE(a.WaitForClose(absl::Seconds(1)));
  EXPECT_FALSE(a.Next().has_value());
  EXPECT_EQ(rig.Get(Count::kSessions), 1);
  EXPECT_EQ(rig.Get(Count::kSessionsReinstated), 1);
  // I_T nexus loss, then what RFC 7143 §11.14.5 asks for.
  EXPECT_EQ(b.Run(TestUnitReady(b)).SenseCode(), "6/29/07");
  EXPECT_EQ(b.Run(TestUnitReady(b)).SenseCode(), "6/47/7f");
  EXPECT_EQ(b.Run(TestUnitReady(b)).status, 0);
}

TEST_P(ReinstatementTest, OtherNamesAreOtherSessions) {
  Rig rig(Options());
  Initiator a(&rig);
  a.Login();
  Initiator other_isid(&rig);
  other_isid.isid[5] = 2;
  other_isid.Login();
  Initiator other_name(&rig, "iqn.2026-11.org.pushpull:other");
  other_name.Login();
  EXPECT_EQ(rig.Get(Count::kSessions), 3);
  EXPECT_TRUE(a.Alive());
  EXPECT_TRUE(other_isid.Alive());
  EXPECT_TRUE(other_name.Alive());
}

TEST_P(ReinstatementTest, ManyAtOnceLeaveOne) {
  Rig rig(Options());
  std::vector<std::unique_ptr<Initiator>> initiators;
  for (int i = 0; i < 8; ++i) initiators.push_back(std::make_unique<Initiator>(&rig));
  const std::string keys = initiators[0]->LoginKeys().Encode();
  for (auto& initiator : initiators) {
    initiator->SendPdu({.bhs = initiator->MakeLogin().Encode(),
                        .ahs = {},
                        .data = ByteVector(keys.begin(), keys.end())});
  }
  rig.Elapse(absl::Seconds(1));
  EXPECT_EQ(rig.Get(Count::kSessions), 1);
  int open = 0;
  for (auto& initiator : initiators) open += initiator->closed() ? 0 : 1;
  EXPECT_EQ(open, 1);
}

// RFC7143-6.3.1-e, 6.3.4-b, -c, 11.14.5-a
TEST_P(ReinstatementTest, AConnectionIsReinstated) {
  Rig rig(Options());
  Initiator a(&rig);
  a.Login();
  a.ClearUnitAttentions();
  a.Send(Write10(a, 0, 16));
  a.ExpectR2t();
  Initiator b(&rig);
  b.tsih = a.tsih;
  b.cmd_sn = a.cmd_sn;
  b.Login();
  EXPECT_EQ(b.tsih, a.tsih);
  EXPECT_EQ(b.exp_cmd_sn, a.cmd_sn) << "the session's numbers go on";
  EXPECT_TRUE(a.WaitForClose(absl::Seconds(1)));
  EXPECT_EQ(rig.Get(Count::kSessions), 1);
  // No loss of the nexus: only the commands of the old connection were lost.
  EXPECT_EQ(b.Run(TestUnitReady(b)).SenseCode(), "6/47/7f");
  EXPECT_EQ(b.Run(TestUnitReady(b)).status, 0);
  rig.RunUntilUnused();
}

// RFC7143-7.5-a, 4.2.1-b
TEST_P(ReinstatementTest, ALostConnectionCanComeBackForAWhile) {
  Rig rig(Options());
  Initiator a(&rig);
  a.Login({{{"DefaultTime2Wait", "2"}, {"DefaultTime2Retain", "5"}}});
  a.ClearUnitAttentions();
  a.Reset();
  rig.Elapse(absl::Seconds(6));
  EXPECT_EQ(rig.Get(Count::kSessions), 1);
  Initiator b(&rig);
  b.tsih = a.tsih;
  b.cmd_sn = a.cmd_sn;
  b.Login();
  EXPECT_EQ(b.Run(TestUnitReady(b)).status, 0);
  rig.Elapse(absl::Seconds(60));
  EXPECT_TRUE(b.Alive());
  b.Reset();
  rig.Elapse(absl::Seconds(8));
  EXPECT_EQ(rig.Get(Count::kSessions), 0);
  Initiator c(&rig);
  c.tsih = a.tsih;
  const auto refused = c.LoginWith(c.MakeLogin(), c.LoginKeys());
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status_class << 8 | refused->status_detail, 0x020a);
}

// RFC7143-13.2-a
TEST_P(ReinstatementTest, ASecondConnectionIsRefused) {
  Rig rig(Options());
  Initiator a(&rig);
  a.Login();
  Initiator b(&rig);
  b.tsih = a.tsih;
  b.cid = 2;
  const auto refused = b.LoginWith(b.MakeLogin(), b.LoginKeys());
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status_class << 8 | refused->status_detail, 0x0206);
  EXPECT_TRUE(a.Alive());
}

INSTANTIATE_TEST_SUITE_P(Loops, ReinstatementTest, ::testing::Values(1, 2, 3));

// ---- logout -------------------------------------------------------------------------------------

// RFC7143-6.3.5.1-a, 11.14.5-a
TEST(SessionLogoutTest, ClosesTheSession) {
  for (const LogoutReason reason : {LogoutReason::kCloseSession, LogoutReason::kCloseConnection}) {
    for (const bool immediate : {true, false}) {
      Rig rig;
      Initiator a(&rig);
      a.Login();
      a.ClearUnitAttentions();
      a.Send(Write10(a, 0, 16));
      a.ExpectR2t();
      LogoutRequest logout = Logout(a, reason);
      logout.immediate = immediate;
      a.Send(logout);
      const auto response = a.ExpectLogout();
      EXPECT_EQ(response.response, LogoutResponseCode::kClosed);
      EXPECT_EQ(response.initiator_task_tag, logout.initiator_task_tag);
      EXPECT_EQ(response.time2wait, 2) << "DefaultTime2Wait";
      EXPECT_TRUE(a.WaitForClose(absl::Seconds(1)));
      EXPECT_EQ(rig.Get(Count::kSessions), 0);
      Initiator b(&rig);
      b.Login();
      EXPECT_EQ(b.Run(TestUnitReady(b)).SenseCode(), "6/29/07");
      EXPECT_EQ(b.Run(TestUnitReady(b)).SenseCode(), "6/47/7f");
    }
  }
}

TEST(SessionLogoutTest, WithoutCommandsNothingWasCleared) {
  Rig rig;
  Initiator a(&rig);
  a.Login();
  a.Send(Logout(a));
  a.ExpectLogout();
  Initiator b(&rig);
  b.Login();
  EXPECT_EQ(b.Run(TestUnitReady(b)).SenseCode(), "6/29/07");
  EXPECT_EQ(b.Run(TestUnitReady(b)).status, 0);
}

TEST(SessionLogoutTest, WhatItCantDo) {
  Rig rig;
  Initiator a(&rig);
  a.Login();
  a.Send(Logout(a, LogoutReason::kCloseConnection, 0x7777));
  EXPECT_EQ(a.ExpectLogout().response, LogoutResponseCode::kCidNotFound);
  a.Send(Logout(a, LogoutReason::kRemoveConnectionForRecovery));
  EXPECT_EQ(a.ExpectLogout().response, LogoutResponseCode::kConnectionRecoveryNotSupported);
  a.Send(Logout(a, static_cast<LogoutReason>(3)));
  EXPECT_EQ(a.ExpectReject().reason, RejectReason::kProtocolError);
  EXPECT_TRUE(a.Alive());
}

TEST(SessionLogoutTest, WaitsForItsTurn) {
  Rig rig;
  Initiator a(&rig);
  a.Login();
  a.ClearUnitAttentions();
  ScsiCommand missing = a.Number(TestUnitReady(a));
  LogoutRequest logout = Logout(a);
  logout.immediate = false;
  a.Send(logout);
  EXPECT_TRUE(a.Silent());
  a.SendAsIs(missing);
  EXPECT_EQ(a.ExpectScsiResponse().initiator_task_tag, missing.initiator_task_tag);
  EXPECT_EQ(a.ExpectLogout().initiator_task_tag, logout.initiator_task_tag);
}

// ---- discovery ----------------------------------------------------------------------------------

TEST(SessionDiscoveryTest, TellsTheTargetAndNothingElse) {
  Rig rig;
  Initiator a(&rig);
  a.target_name.clear();
  a.Login();
  TextRequest text;
  text.immediate = true;
  text.initiator_task_tag = a.NextTag();
  const std::string keys = Keys{{{"SendTargets", "All"}}}.Encode();
  a.Send(text, ByteVector(keys.begin(), keys.end()));
  ByteVector data;
  a.Expect<TextResponse>(Opcode::kTextResponse, &data);
  const std::string answer(data.begin(), data.end());
  EXPECT_TRUE(Contains(answer, "TargetName=iqn.2026-11.org.pushpull:reference")) << answer;
  EXPECT_TRUE(Contains(answer, "TargetAddress=192.0.2.2:3260,1")) << answer;

  a.Send(TestUnitReady(a));
  EXPECT_EQ(a.ExpectReject().reason, RejectReason::kProtocolError);
  --a.cmd_sn;
  a.Send(Tmf(a, TaskManagementFunction::kLogicalUnitReset));
  EXPECT_EQ(a.ExpectReject().reason, RejectReason::kProtocolError);
  a.Send(Logout(a, LogoutReason::kCloseConnection));
  EXPECT_EQ(a.ExpectReject().reason, RejectReason::kProtocolError);
  a.Send(Logout(a));
  EXPECT_EQ(a.ExpectLogout().response, LogoutResponseCode::kClosed);
  EXPECT_TRUE(a.WaitForClose(absl::Seconds(1)));
}

TEST(SessionDiscoveryTest, IsForgottenWithItsConnection) {
  Rig rig;
  Initiator a(&rig);
  a.target_name.clear();
  a.Login();
  EXPECT_EQ(rig.Get(Count::kSessions), 1);
  a.Disconnect();
  rig.Elapse(absl::Milliseconds(100));
  EXPECT_EQ(rig.Get(Count::kSessions), 0);
}

// RFC7143-7.4.3-a
TEST(SessionDiscoveryTest, NobodyIsPinged) {
  RigOptions options;
  options.node.ping_interval = absl::Seconds(5);
  Rig rig(options);
  Initiator a(&rig);
  a.target_name.clear();
  a.Login();
  EXPECT_TRUE(a.Silent(absl::Seconds(60)));
  EXPECT_FALSE(a.closed());
}

}  // namespace
}  // namespace pushpull::target::testing
