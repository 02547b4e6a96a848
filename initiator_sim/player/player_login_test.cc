// Logins of the player.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/scsi.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

using Connection = TestTarget::Connection;

// Answers logins with a status.
std::function<bool(Connection&, const v1::Pdu&)> Refuse(uint32_t status,
                                                        const std::string& address = "") {
  return [=](Connection& c, const v1::Pdu& pdu) {
    if (!pdu.has_login_request() || c.number > 0) return false;
    v1::Pdu answer;
    v1::LoginResponse* response = answer.mutable_login_response();
    response->set_initiator_task_tag(pdu.login_request().initiator_task_tag());
    response->set_status_class(status >> 8);
    response->set_status_detail(status & 0xff);
    if (!address.empty()) {
      v1::KeyValue* key = answer.mutable_data()->mutable_keys()->add_key();
      key->set_name("TargetAddress");
      key->set_value(address);
    }
    c.Send(std::move(answer));
    c.Close();
    return true;
  };
}

TEST(PlayerLoginTest, Refusals) {
  const struct {
    uint32_t status;
    std::string login;
    std::string verdict;
  } kCases[] = {
      {0x0201, "", "FAIL: the login ended with status 0x0201 (Authentication failure)"},
      {0x0201, "expect { status: 0x0201 }", "PASS"},
      {0x0201, "expect { status: 0x0200 status: 0x0207 }",
       "FAIL: the login ended with status 0x0201 (Authentication failure)"},
      {0x0201, "expect { or_closed: true }",
       "FAIL: the login ended with status 0x0201 (Authentication failure)"},
      // What was refused agreed on nothing.
      {0x0200,
       "result { name: 'MaxBurstLength' rule: ANY_LEGAL } expect { status: 0 status: 0x0200 }",
       "PASS"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    bed.target.on_pdu = Refuse(one.status);
    EXPECT_THAT(VerdictOf(bed.Play(absl::StrCat("step { login { ", one.login, " } }"))),
                StartsWith(one.verdict));
  }
  PlayerTestBed closes;
  closes.target.on_pdu = [](Connection& c, const v1::Pdu&) { return c.Close(), true; };
  EXPECT_EQ(VerdictOf(closes.Play("step { login { expect { or_closed: true } } }")), "PASS");
  PlayerTestBed unasked;
  unasked.target.on_pdu = closes.target.on_pdu;
  EXPECT_THAT(VerdictOf(unasked.Play("step { login {} }")),
              StartsWith("FAIL: connection c1 ended while awaiting a Login Response"));
  PlayerTestBed accepts;
  const PlayResult result = accepts.Play("step { login { expect { status: 0x0203 } } }");
  EXPECT_EQ(VerdictOf(result), "FAIL: the login ended with status 0x0000 (Success)");
  EXPECT_EQ(result.failure.expected(), "login status 0x0203 (Not found)");
}

TEST(PlayerLoginTest, FollowsARedirection) {
  PlayerTestBed bed;
  bed.target.on_pdu = Refuse(0x0101, "192.0.2.1:3260");
  EXPECT_EQ(VerdictOf(bed.Play(R"(
    step { login { expect { status: 0x0101 } result { name: "TargetAddress" present: true }
                   save { field: "key.TargetAddress" as: "there" } } }
    step { expect_closed {} }
    step { connection: "c2" login { address_from: "there" } }
  )")),
            "PASS");
  EXPECT_THAT(bed.target.connections, SizeIs(2));

  PlayerTestBed nowhere;
  nowhere.target.on_pdu = Refuse(0x0101);
  EXPECT_THAT(VerdictOf(nowhere.Play("step { login { expect { status: 0x0101 } "
                                     "result { name: \"TargetAddress\" present: true } } }")),
              StartsWith("FAIL: a key came to what it must not: TargetAddress: there is none"));
}

TEST(PlayerLoginTest, KeysAreJudged) {
  const struct {
    std::string login;
    std::string verdict;
  } kCases[] = {
      {"result { name: \"MaxBurstLength\" value: \"16384\" }", "PASS"},
      {"result { name: \"MaxBurstLength\" rule: MINIMUM }", "PASS"},
      {"result { name: \"MaxBurstLength\" value: \"1\" or_value: \"16384\" }", "PASS"},
      {"result { name: \"MaxBurstLength\" value: \"8192\" }",
       "FAIL: a key came to what it must not: MaxBurstLength=16384 (offered 262144): due is 8192"},
      {"key { name: \"MaxBurstLength\" value: \"8192\" }",
       "FAIL: in the login: MaxBurstLength=16384: 16384 is above the offered 8192"},
      {"key { name: \"InitialR2T\" value: \"Yes\" } result { name: \"InitialR2T\" rule: BOOLEAN_OR "
       "}",
       "PASS"},
      {"result { name: \"X-none\" absent: true }", "PASS"},
      {"result { name: \"MaxBurstLength\" absent: true }",
       "FAIL: a key came to what it must not: MaxBurstLength=16384 (offered 262144): there should "
       "be none"},
      {"key { name: \"MaxConnections\" omit: true }", "PASS"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    // What wasn't offered isn't answered.
    if (one.login.find("omit") != std::string::npos) {
      std::erase_if(bed.target.login_keys,
                    [](const auto& key) { return key.first == "MaxConnections"; });
    }
    EXPECT_THAT(VerdictOf(bed.Play(absl::StrCat("step { login { ", one.login, " } }"))),
                StartsWith(one.verdict))
        << one.login;
  }
}

TEST(PlayerLoginTest, TextGoesInPieces) {
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play("step { login { data_segment_length: 100 } }")), "PASS");
  const std::vector<v1::Pdu> requests = bed.target.Seen(v1::Pdu::kLoginRequest);
  ASSERT_GE(requests.size(), 4u);
  for (size_t i = 0; i + 1 < requests.size(); ++i) {
    EXPECT_TRUE(requests[i].login_request().text_continue());
    EXPECT_FALSE(requests[i].login_request().transit());
    EXPECT_EQ(requests[i].data().raw().size(), 100u);
  }
  EXPECT_TRUE(requests.back().login_request().transit());

  PlayerTestBed one_by_one;
  std::erase_if(one_by_one.target.login_keys, [](const auto&) { return true; });
  EXPECT_EQ(VerdictOf(one_by_one.Play("step { login { one_key_per_request: true } }")), "PASS");
  EXPECT_GE(one_by_one.target.Seen(v1::Pdu::kLoginRequest).size(), 10u);
}

TEST(PlayerLoginTest, StagesByHand) {
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play(R"(
    step { login { with_security_stage: true until: LOGIN_OPERATIONAL_NEGOTIATION } }
    step { send { pdu { login_request { next_stage: FULL_FEATURE_PHASE } } } }
    step { expect { one_of { pdu { login_response { transit: true status_class: 0 } }
                             where { field: "@login_status" eq: 0 } } } }
    step { probe {} }
  )")),
            "PASS");
  const std::vector<v1::Pdu> requests = bed.target.Seen(v1::Pdu::kLoginRequest);
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].login_request().current_stage(), v1::SECURITY_NEGOTIATION);
  EXPECT_THAT(requests[0].data().raw(), HasSubstr(std::string("AuthMethod=None\0", 16)));
  EXPECT_EQ(requests[1].login_request().current_stage(), v1::LOGIN_OPERATIONAL_NEGOTIATION);
  EXPECT_EQ(requests[1].login_request().initiator_task_tag(),
            requests[0].login_request().initiator_task_tag());

  // All of it by hand, with the names that a first request needs.
  PlayerTestBed raw;
  EXPECT_EQ(VerdictOf(raw.Play(R"(
    let { name: "size" number: 4096 }
    step { connect {} }
    step { send { pdu { login_request { next_stage: FULL_FEATURE_PHASE } } identity_keys: true
                  key { name: "MaxBurstLength" value: "65536" }
                  key { name: "X-size" value_from: "size" } } }
    step { expect { one_of { pdu { login_response {} } key { name: "MaxBurstLength" rule: MINIMUM }
                             save { field: "tsih" as: "t" }
                             save { field: "key.MaxBurstLength" as: "m" } } } }
    step { require_negotiated { name: "MaxBurstLength" at_least: 16384 at_most: 16384 } }
  )")),
            "PASS");
  EXPECT_THAT(raw.target.Seen(v1::Pdu::kLoginRequest).at(0).data().raw(),
              HasSubstr(std::string("X-size=4096\0", 12)));
}

TEST(PlayerLoginTest, BreachesOfTheTargetFail) {
  const struct {
    std::function<void(v1::LoginResponse*)> change;
    std::string verdict;
  } kCases[] = {
      {[](v1::LoginResponse* r) { r->set_current_stage(v1::SECURITY_NEGOTIATION); },
       "FAIL: in the login: CSG is 0, the request said 1"},
      {[](v1::LoginResponse* r) { r->set_text_continue(true); },
       "FAIL: in the login: both C and T are set"},
      {[](v1::LoginResponse* r) { r->set_next_stage(v1::STAGE_RESERVED); },
       "FAIL: in the login: NSG is 2, the request said 3"},
      {[](v1::LoginResponse* r) { r->set_initiator_task_tag(99); },
       "FAIL: a Login Response has another Initiator Task Tag than the request"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    bed.target.on_pdu = [&](Connection& c, const v1::Pdu& pdu) {
      v1::Pdu answer;
      v1::LoginResponse* response = answer.mutable_login_response();
      response->set_initiator_task_tag(pdu.login_request().initiator_task_tag());
      response->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
      response->set_next_stage(v1::FULL_FEATURE_PHASE);
      response->set_transit(true);
      one.change(response);
      c.Send(std::move(answer));
      return true;
    };
    EXPECT_THAT(VerdictOf(bed.Play("step { login {} }")), StartsWith(one.verdict));
  }
  PlayerTestBed other;
  other.target.on_pdu = [](Connection& c, const v1::Pdu&) {
    v1::Pdu pdu;
    pdu.mutable_nop_in()->set_initiator_task_tag(0xffffffff);
    c.Send(std::move(pdu));
    return true;
  };
  EXPECT_THAT(VerdictOf(other.Play("step { login {} }")),
              StartsWith("FAIL: during the login came what is no Login Response"));
}

TEST(PlayerLoginTest, UnitAttentionsAreCleared) {
  const std::string read =
      "step { send { task: \"t\" pdu { scsi_command { cdb { test_unit_ready {} } } } } }"
      "step { expect { task: \"t\" one_of { pdu { scsi_response { status: GOOD } } } } }";
  PlayerTestBed bed;
  bed.target.unit_attentions = 3;
  EXPECT_EQ(VerdictOf(bed.Play("step { login {} } " + read)), "PASS");
  EXPECT_THAT(bed.target.Seen(v1::Pdu::kScsiCommand), SizeIs(5));

  PlayerTestBed left;
  left.target.unit_attentions = 1;
  EXPECT_THAT(VerdictOf(left.Play("step { login { unit_attention: LEFT } } " + read)),
              StartsWith("FAIL: another PDU came than was expected: status is CHECK_CONDITION"));

  // Where no step sends commands, none is sent.
  PlayerTestBed none;
  none.Play("step { login {} }");
  EXPECT_THAT(none.target.Seen(v1::Pdu::kScsiCommand), SizeIs(0));
  PlayerTestBed always;
  always.Play("step { login { unit_attention: CLEARED } }");
  EXPECT_THAT(always.target.Seen(v1::Pdu::kScsiCommand), SizeIs(1));

  // A target that never stops says so in the case, not in an endless login.
  PlayerTestBed endless;
  endless.target.unit_attentions = 1000;
  EXPECT_THAT(VerdictOf(endless.Play("step { login {} } " + read)), StartsWith("FAIL"));
}

// Who isn't in needn't log out.
TEST(PlayerLoginTest, ManyConnectionsThatStopBeforeTheEnd) {
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play("step { connections { count: 3 login { with_security_stage: true "
                               "until: LOGIN_OPERATIONAL_NEGOTIATION } } }")),
            "PASS");
  EXPECT_EQ(bed.target.connections.size(), 3u);
  EXPECT_TRUE(bed.target.Seen(v1::Pdu::kLogoutRequest).empty());
}

}  // namespace
}  // namespace pushpull::initiator_sim
