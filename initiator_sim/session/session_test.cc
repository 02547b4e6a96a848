#include "initiator_sim/session/session.h"

#include <string>

#include "gtest/gtest.h"

namespace pushpull::initiator_sim {
namespace {

TEST(SessionTest, TagsAreNeverTheReservedOne) {
  Session session;
  EXPECT_EQ(session.AllocateTag(), 1u);
  session.next_tag = 0xfffffffe;
  EXPECT_EQ(session.AllocateTag(), 0xfffffffeu);
  EXPECT_EQ(session.AllocateTag(), 1u);
}

TEST(SessionTest, TheWindowMovesForwardOnly) {
  Session session;
  session.UpdateWindow(0xfffffff0, 0xfffffff8);
  EXPECT_EQ(session.exp_cmd_sn, 0xfffffff0u) << "the first sets it";
  EXPECT_TRUE(session.MaySend(0xfffffff8));
  EXPECT_FALSE(session.MaySend(0xfffffff9));
  session.UpdateWindow(0xfffffff5, 3);
  EXPECT_EQ(session.max_cmd_sn, 3u);
  EXPECT_TRUE(session.MaySend(3));
  session.UpdateWindow(0xfffffff1, 0xfffffff9);
  EXPECT_EQ(session.exp_cmd_sn, 0xfffffff5u) << "an old pair changes nothing";
  EXPECT_EQ(session.max_cmd_sn, 3u);
  session.UpdateWindow(20, 10);
  EXPECT_EQ(session.exp_cmd_sn, 0xfffffff5u) << "MaxCmdSN < ExpCmdSN - 1 is ignored";
  session.UpdateWindow(4, 3);
  EXPECT_EQ(session.exp_cmd_sn, 4u) << "a closed window is right";
  EXPECT_FALSE(session.MaySend(4));
}

TEST(SessionTest, WhichPdusTakeAStatSn) {
  const auto stat_sn_of = [](void (*set)(v1::Pdu*)) {
    v1::Pdu pdu;
    set(&pdu);
    return NumbersOf(pdu).stat_sn;
  };
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) { p->mutable_scsi_response()->set_stat_sn(5); }), 5u);
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) { p->mutable_reject()->set_stat_sn(5); }), 5u);
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) { p->mutable_async_message()->set_stat_sn(5); }), 5u);
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) { p->mutable_r2t()->set_stat_sn(5); }), std::nullopt);
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) { p->mutable_data_in()->set_stat_sn(5); }), std::nullopt);
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) {
              p->mutable_data_in()->set_stat_sn(5);
              p->mutable_data_in()->set_status_present(true);
            }),
            5u);
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) {
              p->mutable_nop_in()->set_stat_sn(5);
              p->mutable_nop_in()->set_initiator_task_tag(0xffffffff);
            }),
            std::nullopt);
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) { p->mutable_nop_in()->set_stat_sn(5); }), 5u);
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) {
              p->mutable_login_response()->set_stat_sn(5);
              p->mutable_login_response()->set_status_class(2);
            }),
            std::nullopt)
      << "a refusal's numbers are invalid";
}

TEST(SessionTest, ExpStatSnFollowsAndMayBeHeld) {
  Session session;
  ConnectionState connection;
  const auto absorb = [&](uint32_t stat_sn) {
    v1::Pdu pdu;
    pdu.mutable_scsi_response()->set_stat_sn(stat_sn);
    pdu.mutable_scsi_response()->set_exp_cmd_sn(1);
    pdu.mutable_scsi_response()->set_max_cmd_sn(9);
    Absorb(pdu, &session, &connection);
  };
  absorb(0xffffffff);
  EXPECT_EQ(connection.ExpStatSnToSend(), 0u);
  absorb(0);
  EXPECT_EQ(connection.ExpStatSnToSend(), 1u);
  absorb(0xffffffff);
  EXPECT_EQ(connection.ExpStatSnToSend(), 1u) << "sent again";
  connection.held_exp_stat_sn = 1;
  absorb(1);
  EXPECT_EQ(connection.ExpStatSnToSend(), 1u);
  connection.held_exp_stat_sn.reset();
  EXPECT_EQ(connection.ExpStatSnToSend(), 2u);
  EXPECT_EQ(session.max_cmd_sn, 9u);
}

TEST(SessionTest, TheFinalLoginResponseBringsParametersAndDigests) {
  Session session;
  ConnectionState connection;
  v1::Pdu request;
  request.mutable_login_request()->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
  request.mutable_login_request()->set_initiator_task_tag(4);
  request.mutable_data()->set_raw(
      std::string("HeaderDigest=CRC32C,None\0DataDigest=None\0SessionType=Discovery\0"
                  "MaxRecvDataSegmentLength=65536\0",
                  93));
  NoteLoginRequest(request, &connection);
  EXPECT_EQ(connection.phase, LoginPhase::kNegotiating);
  EXPECT_EQ(connection.login_tag, 4u);

  v1::Pdu response;
  v1::LoginResponse* login = response.mutable_login_response();
  login->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
  login->set_text_continue(true);
  response.mutable_data()->set_raw("HeaderDigest=CRC");
  EXPECT_FALSE(AbsorbLoginResponse(response, &session, &connection));
  EXPECT_EQ(connection.phase, LoginPhase::kNegotiating);

  login->set_text_continue(false);
  login->set_transit(true);
  login->set_next_stage(v1::FULL_FEATURE_PHASE);
  login->set_tsih(0x1234);
  response.mutable_data()->set_raw(
      std::string("32C\0DataDigest=None\0MaxRecvDataSegmentLength=512\0", 49));
  EXPECT_TRUE(AbsorbLoginResponse(response, &session, &connection));
  EXPECT_EQ(connection.phase, LoginPhase::kFullFeature);
  EXPECT_TRUE(connection.digests.header_digest);
  EXPECT_FALSE(connection.digests.data_digest);
  EXPECT_TRUE(session.discovery);
  EXPECT_EQ(session.tsih, 0x1234);
  EXPECT_EQ(connection.own_max_recv_data_segment_length, 65536u);
  EXPECT_EQ(connection.peer_max_recv_data_segment_length, 512u);
}

// The table of RFC 7143 §13.11, and the limits of §13.14.
TEST(SessionTest, UnsolicitedData) {
  const struct {
    const char* initial_r2t;
    const char* immediate_data;
    uint32_t first_burst;
    uint32_t segment;
    uint32_t length;
    uint32_t immediate;
    uint32_t unsolicited;
  } kCases[] = {
      {"Yes", "No", 65536, 8192, 100000, 0, 0},    {"Yes", "Yes", 65536, 8192, 100000, 8192, 0},
      {"No", "No", 65536, 8192, 100000, 0, 65536}, {"No", "Yes", 65536, 8192, 100000, 8192, 57344},
      {"No", "Yes", 65536, 8192, 4096, 4096, 0},   {"No", "Yes", 4096, 8192, 100000, 4096, 0},
      {"No", "Yes", 65536, 8192, 0, 0, 0},
  };
  for (const auto& one : kCases) {
    Parameters parameters;
    parameters.Set("InitialR2T", one.initial_r2t);
    parameters.Set("ImmediateData", one.immediate_data);
    parameters.Set("FirstBurstLength", std::to_string(one.first_burst));
    const UnsolicitedDue due = UnsolicitedOf(parameters, one.segment, one.length);
    EXPECT_EQ(due.immediate, one.immediate) << one.initial_r2t << one.immediate_data;
    EXPECT_EQ(due.unsolicited, one.unsolicited) << one.initial_r2t << one.immediate_data;
  }
}

TEST(SessionTest, WhatATargetMaySendAtAnyTime) {
  v1::Pdu nop;
  nop.mutable_nop_in()->set_initiator_task_tag(0xffffffff);
  EXPECT_TRUE(MayComeAtAnyTime(nop));
  nop.mutable_nop_in()->set_initiator_task_tag(7);
  EXPECT_FALSE(MayComeAtAnyTime(nop)) << "an answer";
  for (const int event : {0, 1, 5, 6, 247, 248, 250, 255}) {
    v1::Pdu async;
    async.mutable_async_message()->set_async_event(static_cast<v1::AsyncEvent>(event));
    EXPECT_EQ(MayComeAtAnyTime(async), event >= 248) << event;
  }
  v1::Pdu response;
  response.mutable_scsi_response();
  EXPECT_FALSE(MayComeAtAnyTime(response));
}

}  // namespace
}  // namespace pushpull::initiator_sim
