// Events that an administrator asks for, and what follows them (RFC 7143 §11.9.1).

#include "target/session/async_events.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/session/testing/defects.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

using Kind = AsyncRequest::Kind;

// How many sessions it was done to.
size_t Announce(Rig& rig, const AsyncRequest& request) {
  std::optional<size_t> count;
  rig.target().Announce(request, [&count](size_t done) { count = done; });
  rig.world().RunUntil([&count] { return count.has_value(); }, {.time = absl::Seconds(1)});
  EXPECT_TRUE(count.has_value());
  return count.value_or(0);
}

std::vector<SessionInfo> Describe(Rig& rig) {
  std::optional<std::vector<SessionInfo>> sessions;
  rig.target().Describe([&](std::vector<SessionInfo> infos) { sessions = std::move(infos); });
  rig.world().RunUntil([&] { return sessions.has_value(); }, {.time = absl::Seconds(1)});
  return sessions.value_or(std::vector<SessionInfo>());
}

AsyncMessage ExpectEvent(Initiator& initiator, AsyncEvent event) {
  const auto message = initiator.Expect<AsyncMessage>(Opcode::kAsyncMessage);
  EXPECT_EQ(message.async_event, event);
  EXPECT_EQ(message.initiator_task_tag, kNoTag);
  return message;
}

void LogOut(Initiator& initiator) {
  LogoutRequest logout;
  logout.immediate = true;
  logout.reason = LogoutReason::kCloseSession;
  logout.initiator_task_tag = initiator.NextTag();
  initiator.Send(logout);
  EXPECT_EQ(initiator.ExpectLogout().response, LogoutResponseCode::kClosed);
}

class AsyncEventsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Initiator> LogIn(const std::string& name, const Keys& keys = {}) {
    auto initiator = std::make_unique<Initiator>(&rig_, "iqn.2026-11.org.pushpull:" + name);
    initiator->Login(keys);
    initiator->ClearUnitAttentions();
    return initiator;
  }

  Rig rig_{{.network = {}, .node = {}, .bugs = {}, .loops = 2}};
};

// RFC7143-11.9.1-a, 11.9-a
TEST_F(AsyncEventsTest, ALogoutIsAskedForOnEachConnection) {
  const auto a = LogIn("a");
  const auto b = LogIn("b");
  const uint32_t stat_sn = a->exp_stat_sn;
  EXPECT_EQ(Announce(rig_, {.kind = Kind::kLogout, .within_s = 7}), 2u);
  for (Initiator* const initiator : {a.get(), b.get()}) {
    const AsyncMessage event = ExpectEvent(*initiator, AsyncEvent::kLogoutRequest);
    EXPECT_EQ(event.parameter1, 0);
    EXPECT_EQ(event.parameter2, 0);
    EXPECT_EQ(event.parameter3, 7);
  }
  EXPECT_EQ(a->exp_stat_sn, stat_sn + 1);
  LogOut(*a);
  EXPECT_TRUE(a->WaitForClose());
  rig_.Elapse(absl::Seconds(6));
  EXPECT_TRUE(b->Alive()) << "its time isn't up";
  EXPECT_EQ(b->Run(TestUnitReady(*b)).status, 0) << "what comes meanwhile is served";
}

// RFC7143-11.9.1-b
TEST_F(AsyncEventsTest, WhoDoesNotLogOutIsDropped) {
  const auto a = LogIn("a", {{{"DefaultTime2Wait", "3"}, {"DefaultTime2Retain", "9"}}});
  Announce(rig_, {.kind = Kind::kLogout, .within_s = 7});
  ExpectEvent(*a, AsyncEvent::kLogoutRequest);
  EXPECT_TRUE(a->Silent(absl::Milliseconds(6900)));
  const AsyncMessage event = ExpectEvent(*a, AsyncEvent::kConnectionDropNotification);
  EXPECT_EQ(event.parameter1, a->cid);
  EXPECT_EQ(event.parameter2, 3);
  EXPECT_EQ(event.parameter3, 9);
  EXPECT_TRUE(a->WaitForClose(absl::Milliseconds(100)));
  // The session waits for the time that was told.
  EXPECT_EQ(rig_.Get(Count::kSessions), 1);
  rig_.Elapse(absl::Seconds(13));
  EXPECT_EQ(rig_.Get(Count::kSessions), 0);
}

// Time that was running for the connection that was lost means nothing to the next one.
TEST_F(AsyncEventsTest, WhoComesBackIsNotDroppedForWhatWasAskedBefore) {
  for (const Kind kind : {Kind::kLogout, Kind::kNegotiation}) {
    const auto a = LogIn("a");
    Announce(rig_, {.kind = kind, .within_s = 5});
    a->Expect<AsyncMessage>(Opcode::kAsyncMessage);
    a->Reset();
    rig_.Elapse(absl::Seconds(1));
    Initiator again(&rig_, a->name);
    again.tsih = a->tsih;
    again.cmd_sn = a->cmd_sn;
    again.Login();
    EXPECT_TRUE(again.Silent(absl::Seconds(20)));
    EXPECT_TRUE(again.Alive());
  }
}

// What there is no connection for isn't done; the session itself can be ended.
TEST_F(AsyncEventsTest, ALostSessionCanOnlyBeDropped) {
  const auto a = LogIn("a");
  a->Reset();
  rig_.Elapse(absl::Seconds(1));
  ASSERT_EQ(rig_.Get(Count::kSessions), 1);
  for (const Kind kind : {Kind::kLogout, Kind::kDropConnection, Kind::kNegotiation}) {
    EXPECT_EQ(Announce(rig_, {.kind = kind}), 0u);
  }
  EXPECT_EQ(Announce(rig_, {.kind = Kind::kDropSession}), 1u);
  EXPECT_TRUE(rig_.RunUntilUnused());
}

// RFC 7143 §11.9.1: the message has the session's numbers, though the session has let go of the
// connection.
TEST_F(AsyncEventsTest, TheLastMessageHasTheSessionsNumbers) {
  for (const Kind kind : {Kind::kDropConnection, Kind::kDropSession}) {
    const auto a = LogIn("a");
    a->Send(Write10(*a, 0, 8));
    a->ExpectR2t();
    Announce(rig_, {.kind = kind});
    a->Expect<AsyncMessage>(Opcode::kAsyncMessage);
    EXPECT_EQ(a->exp_cmd_sn, a->cmd_sn);
    EXPECT_GE(a->max_cmd_sn, a->cmd_sn);
    rig_.Elapse(absl::Seconds(60));
  }
}

// RFC7143-4.2.6-a
TEST_F(AsyncEventsTest, ADroppedConnectionCanBeReinstated) {
  const auto a = LogIn("a");
  const ScsiCommand lost = Write10(*a, 0, 8);
  a->Send(lost);
  a->ExpectR2t();
  EXPECT_EQ(Announce(rig_, {.kind = Kind::kDropConnection}), 1u);
  ExpectEvent(*a, AsyncEvent::kConnectionDropNotification);
  EXPECT_FALSE(a->Next().has_value()) << "no response to what was under way";
  EXPECT_TRUE(a->closed());
  EXPECT_EQ(rig_.Get(Count::kTasks), 0);
  Initiator again(&rig_, a->name);
  again.tsih = Describe(rig_).at(0).tsih;
  again.cmd_sn = a->cmd_sn;
  again.Login();
  EXPECT_EQ(again.Run(TestUnitReady(again)).SenseCode(), "6/47/7f");
  EXPECT_EQ(rig_.Get(Count::kSessionsOpened), 1);
}

TEST_F(AsyncEventsTest, ADroppedSessionIsGone) {
  const auto a = LogIn("a");
  a->ClearUnitAttentions(Lun(2));
  a->Send(Read10(*a, 0, 1, Lun(2)));  // takes a second
  rig_.Elapse(absl::Milliseconds(100));
  EXPECT_EQ(Announce(rig_, {.kind = Kind::kDropSession}), 1u);
  const AsyncMessage event = ExpectEvent(*a, AsyncEvent::kSessionDropNotification);
  EXPECT_EQ(event.parameter1, 0);
  EXPECT_EQ(event.parameter2, 2);
  EXPECT_EQ(event.parameter3, 0) << "nothing can be reassigned";
  EXPECT_TRUE(a->WaitForClose());
  EXPECT_TRUE(rig_.RunUntilUnused());
}

TEST_F(AsyncEventsTest, ANegotiationIsWaitedFor) {
  for (const bool answers : {true, false}) {
    const auto a = LogIn("a");
    EXPECT_EQ(Announce(rig_, {.kind = Kind::kNegotiation, .within_s = 5}), 1u);
    EXPECT_EQ(ExpectEvent(*a, AsyncEvent::kNegotiationRequest).parameter3, 5);
    if (answers) {
      TextRequest text;
      text.final = true;
      text.immediate = true;
      text.initiator_task_tag = a->NextTag();
      a->Send(text);
      EXPECT_TRUE(a->Expect<TextResponse>(Opcode::kTextResponse).final);
      EXPECT_TRUE(a->Silent(absl::Seconds(20)));
      EXPECT_TRUE(a->Alive());
    } else {
      EXPECT_TRUE(a->Silent(absl::Milliseconds(4900)));
      ExpectEvent(*a, AsyncEvent::kConnectionDropNotification);
      EXPECT_TRUE(a->WaitForClose());
    }
  }
}

// RFC 7143 §7.4.3.
TEST_F(AsyncEventsTest, DiscoverySessionsAreToldNothing) {
  for (const Kind kind : {Kind::kLogout, Kind::kDropConnection, Kind::kDropSession}) {
    Initiator a(&rig_);
    a.target_name.clear();  // a Discovery session
    a.Login();
    EXPECT_EQ(Announce(rig_, {.kind = Kind::kNegotiation}), 0u);
    EXPECT_TRUE(a.Silent());
    EXPECT_FALSE(a.closed());
    EXPECT_EQ(Announce(rig_, {.kind = kind}), 1u);
    EXPECT_FALSE(a.Next().has_value());
    EXPECT_TRUE(a.closed());
  }
}

TEST_F(AsyncEventsTest, OneSessionOrConnectionIsMeant) {
  const auto a = LogIn("a");
  const auto b = LogIn("b");
  std::vector<SessionInfo> sessions = Describe(rig_);
  ASSERT_EQ(sessions.size(), 2u);
  const SessionInfo& first = sessions[0].initiator_name == a->name ? sessions[0] : sessions[1];
  const SessionInfo& second = sessions[0].initiator_name == a->name ? sessions[1] : sessions[0];
  EXPECT_EQ(Announce(rig_, {.tsih = first.tsih}), 1u);
  ExpectEvent(*a, AsyncEvent::kLogoutRequest);
  EXPECT_EQ(Announce(rig_, {.connection = second.connections.at(0).number}), 1u);
  ExpectEvent(*b, AsyncEvent::kLogoutRequest);
  EXPECT_EQ(Announce(rig_, {.tsih = 4711}), 0u);
  EXPECT_EQ(Announce(rig_, {.tsih = first.tsih, .connection = second.connections.at(0).number}),
            0u);
  EXPECT_TRUE(a->Silent());
  EXPECT_TRUE(b->Silent());
}

TEST_F(AsyncEventsTest, SessionsAreDescribed) {
  const auto a = LogIn("a", {{{"MaxBurstLength", "4096"},
                              {"FirstBurstLength", "512"},
                              {"MaxRecvDataSegmentLength", "1024"}}});
  a->Send(Write10(*a, 0, 8));
  a->ExpectR2t();
  std::vector<SessionInfo> sessions = Describe(rig_);
  ASSERT_EQ(sessions.size(), 1u);
  SessionInfo& session = sessions[0];
  EXPECT_EQ(session.initiator_name, a->name);
  EXPECT_EQ(session.isid, a->isid);
  EXPECT_NE(session.tsih, 0);
  EXPECT_EQ(session.parameters.max_burst_length, 4096u);
  EXPECT_EQ(session.tasks, 1u);
  EXPECT_EQ(session.exp_cmd_sn, a->exp_cmd_sn);
  EXPECT_EQ(session.max_cmd_sn, a->max_cmd_sn);
  EXPECT_FALSE(session.logout_requested);
  ASSERT_EQ(session.connections.size(), 1u);
  EXPECT_EQ(session.connections[0].cid, a->cid);
  EXPECT_EQ(session.connections[0].transport, "tcp");
  EXPECT_EQ(session.connections[0].slots_held, 1u);
  EXPECT_GT(session.connections[0].slots, 128u);
  EXPECT_EQ(session.connections[0].local, rig_.address());
  EXPECT_EQ(session.connections[0].peer.host, "192.0.2.1");
  EXPECT_EQ(session.connections[0].queued_pdus, 0u);
  EXPECT_EQ(session.connections[0].parameters.initiator_max_recv_data_segment_length, 1024u);
  Announce(rig_, {.kind = Kind::kLogout});
  EXPECT_TRUE(Describe(rig_).at(0).logout_requested);
  a->Disconnect();
  rig_.Elapse(absl::Seconds(1));
  EXPECT_TRUE(Describe(rig_).at(0).connections.empty());
  EXPECT_FALSE(Describe(rig_).at(0).logout_requested);
}

// What an initiator doesn't take waits for it.
TEST_F(AsyncEventsTest, WhatWaitsToBeSentIsDescribed) {
  const auto a = LogIn("a");
  a->StopReading();
  const ByteVector data = Pattern(8192);
  for (int i = 0; i < 100; ++i) {
    a->Send(NopOut{.immediate = false, .initiator_task_tag = a->NextTag()}, data);
  }
  rig_.Elapse(absl::Milliseconds(10));
  EXPECT_GT(Describe(rig_).at(0).connections.at(0).queued_pdus, 0u);
  a->ReadOn();
}

// ---- defects ------------------------------------------------------------------------------------

std::optional<AsyncMessage> EventOf(Ground& g, const AsyncRequest& request) {
  Announce(*g.rig, request);
  const auto pdu = g.Next();
  if (!pdu.has_value() || pdu->opcode() != Opcode::kAsyncMessage) return std::nullopt;
  return AsyncMessage::Decode(BhsView(pdu->bhs));
}

const Row kDefects[] = {
    {Bug::kAsyncStatSnStuck,
     [](auto bug) {
       Ground g(bug);
       const auto first = EventOf(g, {.kind = Kind::kNegotiation});
       const auto second = EventOf(g, {.kind = Kind::kNegotiation});
       return first->stat_sn == second->stat_sn;
     }},
    {Bug::kLogoutRequestOnOneConnection,
     [](auto bug) {
       Ground g(bug);
       const auto b = g.Other();
       EventOf(g, {.kind = Kind::kLogout});
       return !g.Silent() && b->Silent();
     }},
    {Bug::kLogoutRequestNotEnforced,
     [](auto bug) {
       Ground g(bug);
       EventOf(g, {.kind = Kind::kLogout, .within_s = 1});
       return g.a->Silent(absl::Seconds(5)) && g.a->Alive();
     }},
    {Bug::kRefusedAfterLogoutRequest,
     [](auto bug) {
       Ground g(bug);
       EventOf(g, {.kind = Kind::kLogout});
       g.a->Send(TestUnitReady(*g.a));
       return g.Next()->opcode() == Opcode::kReject;
     }},
    {Bug::kDropUnannounced,
     [](auto bug) {
       Ground g(bug);
       return !EventOf(g, {.kind = Kind::kDropSession}).has_value() && g.a->closed();
     }},
    {Bug::kDropNamesOtherCid,
     [](auto bug) {
       Ground g(bug);
       return EventOf(g, {.kind = Kind::kDropConnection})->parameter1 != g.a->cid;
     }},
};

TEST(AsyncEventDefectsTest, EachShows) { CheckAll(kDefects); }

}  // namespace
}  // namespace pushpull::target::testing
