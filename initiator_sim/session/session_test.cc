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
  session.UpdateWindow(5, 3);
  EXPECT_EQ(session.exp_cmd_sn, 0xfffffff5u) << "by one, too";
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
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) { p->mutable_text_response()->set_stat_sn(5); }), 5u);
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) { p->mutable_logout_response()->set_stat_sn(5); }), 5u);
  EXPECT_EQ(stat_sn_of([](v1::Pdu* p) { p->mutable_task_management_response()->set_stat_sn(5); }),
            5u);
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

// What a login brings whose text is this, from either side.
struct LoggedIn {
  LoggedIn(std::string sent, std::string answered, bool rdma) {
    for (std::string* text : {&sent, &answered}) {
      for (char& c : *text) c = c == ';' ? '\0' : c;
      *text += '\0';
    }
    connection.rdma = rdma;
    v1::Pdu request;
    request.mutable_login_request()->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
    request.mutable_data()->set_raw(sent);
    NoteLoginRequest(request, &connection);
    v1::Pdu response;
    v1::LoginResponse* login = response.mutable_login_response();
    login->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
    login->set_transit(true);
    login->set_next_stage(v1::FULL_FEATURE_PHASE);
    response.mutable_data()->set_raw(answered);
    EXPECT_TRUE(AbsorbLoginResponse(response, &session, &connection));
  }
  Session session;
  ConnectionState connection;
};

TEST(SessionTest, EachDigestIsNegotiatedByItself) {
  for (const bool header : {false, true}) {
    for (const bool data : {false, true}) {
      const LoggedIn login("HeaderDigest=CRC32C,None;DataDigest=CRC32C,None",
                           std::string("HeaderDigest=") + (header ? "CRC32C" : "None") +
                               ";DataDigest=" + (data ? "CRC32C" : "None"),
                           false);
      EXPECT_EQ(login.connection.digests.header_digest, header);
      EXPECT_EQ(login.connection.digests.data_digest, data);
    }
  }
}

// RFC 7145 §6.2: over iSER other keys say what either side takes, and only if RDMAExtensions=Yes.
TEST(SessionTest, WhatEachSideTakesInASegment) {
  constexpr char kOffer[] =
      "MaxRecvDataSegmentLength=1024;InitiatorRecvDataSegmentLength=4096;"
      "TargetRecvDataSegmentLength=16384;RDMAExtensions=";
  constexpr char kAnswer[] =
      "MaxRecvDataSegmentLength=2048;InitiatorRecvDataSegmentLength=3072;"
      "TargetRecvDataSegmentLength=12288;RDMAExtensions=";
  const struct {
    const char* sent;
    const char* answered;
    bool rdma;
    bool yes;
    bool iser;
    uint32_t own;
    uint32_t peer;
  } kCases[] = {
      {kOffer, kAnswer, true, true, true, 3072, 12288},
      {kOffer, kAnswer, true, false, false, 1024, 2048},
      {kOffer, kAnswer, false, true, false, 1024, 2048},
      {"RDMAExtensions=", "RDMAExtensions=", true, true, true, 8192, 8192},
      {"RDMAExtensions=", "RDMAExtensions=", false, false, false, 8192, 8192},
  };
  for (const auto& one : kCases) {
    const std::string said = one.yes ? "Yes" : "No";
    const LoggedIn login(one.sent + said, one.answered + said, one.rdma);
    EXPECT_EQ(login.session.iser, one.iser);
    EXPECT_EQ(login.connection.own_max_recv_data_segment_length, one.own);
    EXPECT_EQ(login.connection.peer_max_recv_data_segment_length, one.peer);
  }
}

TEST(SessionTest, ARequestMoreBeginsNoLoginAnew) {
  ConnectionState connection;
  v1::Pdu request;
  request.mutable_login_request()->set_current_stage(v1::SECURITY_NEGOTIATION);
  request.mutable_login_request()->set_initiator_task_tag(4);
  NoteLoginRequest(request, &connection);
  request.mutable_login_request()->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
  request.mutable_login_request()->set_initiator_task_tag(5);
  NoteLoginRequest(request, &connection);
  EXPECT_EQ(connection.stage, v1::SECURITY_NEGOTIATION) << "until the target goes on";
  EXPECT_EQ(connection.login_tag, 4u);
}

TEST(SessionTest, NumbersThatArentThereChangeNothing) {
  Session session;
  ConnectionState connection;
  session.UpdateWindow(3, 9);
  v1::Pdu response;
  response.mutable_scsi_response()->set_exp_cmd_sn(5);
  Absorb(response, &session, &connection);
  EXPECT_EQ(session.exp_cmd_sn, 3u);
  EXPECT_EQ(session.max_cmd_sn, 9u);
  EXPECT_FALSE(connection.stat_sn_known);
  response.mutable_scsi_response()->set_max_cmd_sn(11);
  Absorb(response, &session, &connection);
  EXPECT_EQ(session.exp_cmd_sn, 5u);
  EXPECT_EQ(session.max_cmd_sn, 11u);
  v1::Pdu login;
  login.mutable_login_response()->set_stat_sn(5);
  EXPECT_EQ(NumbersOf(login).stat_sn, 5u);
}

// RFC 7143 §6.3: only the final response, of a login that was begun, ends it.
TEST(SessionTest, OtherLoginResponsesEndNoLogin) {
  ConnectionState connection;
  Session session;
  v1::Pdu response;
  v1::LoginResponse* login = response.mutable_login_response();
  login->set_transit(true);
  login->set_next_stage(v1::FULL_FEATURE_PHASE);
  EXPECT_FALSE(AbsorbLoginResponse(response, &session, &connection)) << "to no request";
  EXPECT_EQ(connection.phase, LoginPhase::kNotBegun);

  v1::Pdu request;
  request.mutable_login_request()->set_current_stage(v1::SECURITY_NEGOTIATION);
  request.mutable_data()->set_raw(std::string("SessionType=Normal\0MaxBurstLength=8192\0", 40));
  NoteLoginRequest(request, &connection);
  EXPECT_EQ(connection.stage, v1::SECURITY_NEGOTIATION);
  login->set_status_class(2);
  EXPECT_FALSE(AbsorbLoginResponse(response, &session, &connection)) << "refused";
  login->set_status_class(0);
  login->set_transit(false);
  EXPECT_FALSE(AbsorbLoginResponse(response, &session, &connection)) << "stays in its stage";
  EXPECT_EQ(connection.stage, v1::SECURITY_NEGOTIATION);
  login->set_transit(true);
  login->set_next_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
  EXPECT_FALSE(AbsorbLoginResponse(response, &session, &connection)) << "the next stage";
  EXPECT_EQ(connection.stage, v1::LOGIN_OPERATIONAL_NEGOTIATION);
  EXPECT_EQ(connection.phase, LoginPhase::kNegotiating);

  login->set_next_stage(v1::FULL_FEATURE_PHASE);
  response.mutable_data()->set_raw(std::string("MaxBurstLength=4096\0", 20));
  EXPECT_TRUE(AbsorbLoginResponse(response, &session, &connection));
  EXPECT_EQ(connection.stage, v1::FULL_FEATURE_PHASE);
  EXPECT_EQ(connection.phase, LoginPhase::kFullFeature);
  EXPECT_FALSE(session.discovery);
  EXPECT_EQ(session.parameters.Number("MaxBurstLength"), 4096u);
  EXPECT_FALSE(AbsorbLoginResponse(response, &session, &connection)) << "once";
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
