// Login dialogues: stages, header fields, names, endings.

#include "target/login/login.h"

#include <set>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "target/login/testing.h"

namespace pushpull::target {
namespace {

constexpr std::string_view kMrdsl = "MaxRecvDataSegmentLength=262144";
const std::string kOpen = "TargetPortalGroupTag=1|" + std::string(kMrdsl);

// RFC7143-6.3.1-j, 6.3.1-b, 6.3.1-g
TEST(Login, InOnePdu) {
  Dialogue login;
  EXPECT_EQ(login.Say("1-3", kNames), "final 1-3 " + kOpen);
  EXPECT_TRUE(login.machine.finished());
  const LoginResult& result = login.machine.result();
  EXPECT_EQ(result.identity.initiator_name, kInitiator);
  EXPECT_EQ(result.identity.target_name, kTarget);
  EXPECT_EQ(result.identity.isid, login.header.isid);
  EXPECT_EQ(result.identity.cid, 9);
  EXPECT_EQ(result.kind, LoginKind::kNewSession);
  EXPECT_EQ(result.tsih, kNewTsih);
  EXPECT_EQ(result.cmd_sn, 100u);
  EXPECT_EQ(result.target_portal_group_tag, 1);
  EXPECT_EQ(result.auth_method, "None");
  EXPECT_EQ(result.session, SessionParameters());
  EXPECT_EQ(result.connection.target_max_recv_data_segment_length, 262144u);
  EXPECT_EQ(result.connection.initiator_max_recv_data_segment_length, 8192u);
  EXPECT_EQ(login.Say("1-3"), "close");
}

// RFC7143-6.3.1-i, 6.3.2-b, 6.3-e
TEST(Login, ThroughBothStages) {
  Dialogue login;
  EXPECT_EQ(login.Say("0-1", kNames + "|AuthMethod=CHAP,None"),
            "0-1 TargetPortalGroupTag=1|AuthMethod=None");
  EXPECT_EQ(login.Say("1", "HeaderDigest=CRC32C,None|InitialR2T=No"),
            "1 HeaderDigest=CRC32C|InitialR2T=No|" + std::string(kMrdsl));
  EXPECT_EQ(login.Say("1-3", "MaxRecvDataSegmentLength=65536|X-a=1"),
            "final 1-3 X-a=NotUnderstood");
  EXPECT_EQ(login.machine.result().connection.header_digest, Digest::kCrc32c);
  EXPECT_EQ(login.machine.result().connection.initiator_max_recv_data_segment_length, 65536u);
  EXPECT_FALSE(login.machine.result().session.initial_r2t);
}

TEST(Login, FromSecurityStraightToFullFeaturePhase) {
  Dialogue login;
  EXPECT_EQ(login.Say("0-3", kNames), "final 0-3 TargetPortalGroupTag=1");
  EXPECT_EQ(login.step.response.tsih, kNewTsih);
  // What was not declared is at its default.
  EXPECT_EQ(login.machine.result().connection.target_max_recv_data_segment_length, 8192u);
}

TEST(Login, WithEmptySecurityStage) {
  Dialogue login;
  EXPECT_EQ(login.Say("0", kNames), "0 TargetPortalGroupTag=1");
  EXPECT_EQ(login.Say("0"), "0");
  EXPECT_EQ(login.Say("0-1"), "0-1");
  EXPECT_EQ(login.Say("1-3"), "final 1-3 " + std::string(kMrdsl));
}

// RFC7143-6.3-e, -d, -g, -i, 11.12.3-a: all pairs of stages, in the first request.
TEST(Login, StagesGoForward) {
  for (int csg = 0; csg < 4; ++csg) {
    for (int nsg = 0; nsg < 4; ++nsg) {
      Dialogue login;
      const std::string stage = {static_cast<char>('0' + csg), '-', static_cast<char>('0' + nsg)};
      const bool legal = (csg == 0 && (nsg == 1 || nsg == 3)) || (csg == 1 && nsg == 3);
      const std::string answer = login.Say(stage, kNames);
      EXPECT_EQ(answer.find("fail 0200") == 0, !legal) << stage << ": " << answer;
      if (legal) {
        EXPECT_NE(answer.find(stage), std::string::npos) << answer;
      }
    }
    Dialogue login;
    login.header.next_stage = Stage::kFullFeaturePhase;  // without T it means nothing
    const std::string answer = login.Say(std::to_string(csg), kNames);
    EXPECT_EQ(answer.find("fail 0200") == 0, csg > 1) << answer;
    EXPECT_EQ(answer.find("final"), std::string::npos);
  }
}

TEST(Login, StageIsTheOneThatWasAgreed) {
  Dialogue back;
  EXPECT_EQ(back.Say("1", kNames), "1 " + kOpen);
  EXPECT_EQ(back.Say("0-1"), "fail 0200");
  Dialogue early;
  EXPECT_EQ(early.Say("0", kNames), "0 TargetPortalGroupTag=1");
  EXPECT_EQ(early.Say("1"), "fail 0200");
  Dialogue late;
  EXPECT_EQ(late.Say("0-1", kNames), "0-1 TargetPortalGroupTag=1");
  EXPECT_EQ(late.Say("0-1"), "fail 0200");
}

// RFC7143-11.12.4-a, 11.12.4.1-a, 11.13.1-a, 11.13.2-a
TEST(Login, VersionZeroOnly) {
  Dialogue only_one;
  only_one.header.version_min = only_one.header.version_max = 1;
  EXPECT_EQ(only_one.Say("1-3", kNames), "fail 0205");
  EXPECT_EQ(only_one.step.response.version_active, 0);
  EXPECT_EQ(only_one.step.response.version_max, 0);

  Dialogue range;
  range.header.version_max = 0xff;
  EXPECT_EQ(range.Say("1", kNames), "1 " + kOpen);
  EXPECT_EQ(range.step.response.version_active, 0);
  range.header.version_min = 3;  // only the first request's count
  EXPECT_EQ(range.Say("1-3"), "final 1-3");

  Dialogue continued;  // it isn't put off until the text is whole
  continued.header.version_min = 1;
  EXPECT_EQ(continued.Say("1+", kNames), "fail 0205");
}

// RFC7143-11.12-b, 11.12.5-a, 11.12.6-a, 11.12.7-a
TEST(Login, HeaderFieldsStayWhatTheyWere) {
  const auto change = [](auto&& changed) {
    Dialogue login;
    EXPECT_EQ(login.Say("1", kNames), "1 " + kOpen);
    changed(login.header);
    const std::string answer = login.Say("1-3");
    EXPECT_EQ(login.step.response.isid, (Isid{0x80, 1, 2, 3, 4, 5}));
    EXPECT_EQ(login.step.response.initiator_task_tag, login.header.initiator_task_tag);
    if (login.step.kind == LoginStep::Kind::kFinal) {
      EXPECT_EQ(login.machine.result().identity.cid, 9);
    }
    return answer;
  };
  EXPECT_EQ(change([](LoginRequest& r) { r.initiator_task_tag = 0x11; }), "fail 0200");
  EXPECT_EQ(change([](LoginRequest& r) { r.isid[5] = 6; }), "fail 0200");
  EXPECT_EQ(change([](LoginRequest& r) { r.tsih = 1; }), "fail 0200");
  EXPECT_EQ(change([](LoginRequest& r) { r.cid = 10; }), "final 1-3");  // the first one counts
  EXPECT_EQ(change([](LoginRequest& r) { r.cmd_sn = 7; }), "final 1-3");
  EXPECT_EQ(change([](LoginRequest& r) { r.immediate = false; }), "final 1-3");
}

TEST(Login, ReservedTaskTagIsRefused) {
  Dialogue login;
  login.header.initiator_task_tag = kNoTag;
  EXPECT_EQ(login.Say("1-3", kNames), "fail 0200");
}

// RFC7143-11.12-a, 11.12.8-a, 11.13.3-a, 11.13.4-a, 11.12.3-a, 6.3-l
TEST(Login, NumbersOfTheResponses) {
  LoginConfig config;
  config.initial_stat_sn = 0xfffffffe;
  config.queue_depth = 32;
  Dialogue login(config);
  login.header.cmd_sn = 0xfffffff0;
  const char* const kStages[] = {"0", "0-1", "1", "1-3"};
  for (uint32_t i = 0; i < 4; ++i) {
    login.Say(kStages[i], i == 0 ? kNames : "");
    const LoginResponse& response = login.step.response;
    EXPECT_EQ(response.stat_sn, 0xfffffffe + i);
    EXPECT_EQ(response.exp_cmd_sn, 0xfffffff0u);
    EXPECT_EQ(response.max_cmd_sn, 0xfffffff0u + 31);
    EXPECT_EQ(response.tsih, i == 3 ? kNewTsih : 0);
    EXPECT_EQ(response.isid, login.header.isid);
    EXPECT_EQ(response.initiator_task_tag, 0x10u);
    EXPECT_EQ(static_cast<int>(response.current_stage), kStages[i][0] - '0');
  }
}

// RFC7143-6.3-b, -c, 6.1-a, 11.13.5-c, -e
TEST(Login, NamesAreNeededAndChecked) {
  struct Case {
    std::string text;
    const char* answer;
  };
  const std::string initiator = std::string("InitiatorName=") + kInitiator;
  const std::string target = std::string("TargetName=") + kTarget;
  const Case kCases[] = {
      {"", "fail 0207"},
      {target, "fail 0207"},
      {"SessionType=Discovery", "fail 0207"},
      {"initiatorname=" + std::string(kInitiator) + "|" + target, "fail 0207"},
      {"InitiatorName=|" + target, "fail 0207"},
      {"Bad/key=1|" + target, "fail 0207"},
      {initiator, "fail 0207"},
      {initiator + "|SessionType=Normal", "fail 0207"},
      {initiator + "|TargetName=", "fail 0207"},
      {initiator + "|SessionType=Discovery|TargetName=", "fail 0207"},
      {initiator + "|TargetName=iqn.2001-04.com.x:other", "fail 0203"},
      {initiator + "|TargetName=no such name", "fail 0203"},
      {initiator + "|SessionType=Foo|" + target, "fail 0209"},
      {initiator + "|SessionType=discovery", "fail 0209"},
      {"InitiatorName=host|" + target, "fail 0200"},
      {"InitiatorName=iqn.2001-04.com.x:a/b|" + target, "fail 0200"},
      {"InitiatorName=iqn." + std::string(220, 'a') + "|" + target, "fail 0200"},
      {initiator + "|" + initiator + "|" + target, "fail 0200"},
      {initiator + "|" + target + "|" + target, "fail 0200"},
      {initiator + "|" + target + "|SessionType=Normal|SessionType=Normal", "fail 0200"},
      {initiator + "|" + target + "|TargetAlias=a", "fail 0200"},
      {initiator + "|" + target + "|Bad/key=1", "fail 0200"},
  };
  for (const Case& c : kCases) {
    Dialogue login;
    EXPECT_EQ(login.Say("1-3", c.text), c.answer) << c.text;
    EXPECT_TRUE(login.machine.finished());
    EXPECT_FALSE(login.step.error.reason.empty());
  }
}

// RFC7143-4.2.7.1-a
TEST(Login, LongNamesAreGood) {
  Dialogue login;
  const std::string name = "iqn." + std::string(219, 'a');
  EXPECT_EQ(login.Say("1-3", "InitiatorName=" + name + "|TargetName=" + kTarget),
            "final 1-3 " + kOpen);
  EXPECT_EQ(login.machine.result().identity.initiator_name, name);
}

// RFC7143-6.3-j, 13.4-a: names again, later.
TEST(Login, NamesComeOnce) {
  for (const std::string& text : {std::string("InitiatorName=") + kInitiator,
                                  std::string("TargetName=") + kTarget, std::string("X-a=1")}) {
    Dialogue login;
    EXPECT_EQ(login.Say("0-1", kNames + "|X-a=1"), "0-1 TargetPortalGroupTag=1|X-a=NotUnderstood");
    EXPECT_EQ(login.Say("1-3", text), "fail 0200");
  }
  Dialogue late_type;
  EXPECT_EQ(late_type.Say("0-1", kNames), "0-1 TargetPortalGroupTag=1");
  EXPECT_EQ(late_type.Say("1", "SessionType=Normal"), "1 " + std::string(kMrdsl));
  EXPECT_EQ(late_type.Say("1", "SessionType=Normal"), "fail 0200");
  Dialogue changed_type;
  EXPECT_EQ(changed_type.Say("0-1", kNames), "0-1 TargetPortalGroupTag=1");
  EXPECT_EQ(changed_type.Say("1", "SessionType=Discovery"), "fail 0200");
  Dialogue late_name;
  EXPECT_EQ(late_name.Say("0-1", kDiscoveryNames), "0-1 TargetPortalGroupTag=1");
  EXPECT_EQ(late_name.Say("1", std::string("TargetName=") + kTarget), "fail 0200");
}

// RFC 7143 §4.2.7.1: names are the same whatever the case of their letters.
TEST(Login, InitiatorNamesAreKeptInLowerCase) {
  Dialogue dialogue;
  EXPECT_EQ(
      dialogue.Say("1",
                   std::string("InitiatorName=iqn.2026-11.ORG.Example:Host|TargetName=") + kTarget),
      "1 TargetPortalGroupTag=1|MaxRecvDataSegmentLength=262144");
  EXPECT_EQ(dialogue.machine.result().identity.initiator_name, kInitiator);
}

TEST(Login, EachStatusHasItsName) {
  std::set<std::string_view> names;
  size_t count = 0;
  for (int status = 0; status <= 0xffff; ++status) {
    const std::string_view name = LoginStatusName(static_cast<LoginStatus>(status));
    if (name == "unknown") continue;
    ++count;
    names.insert(name);
  }
  EXPECT_EQ(count, 18u);
  EXPECT_EQ(names.size(), count);
}

TEST(Login, TheInitiatorsAliasIsKept) {
  Dialogue dialogue;
  dialogue.Say("1-3", kNames + "|InitiatorAlias=a host");
  EXPECT_EQ(dialogue.machine.result().initiator_alias, "a host");
}

TEST(Login, ARequestBehindTheEndIsRefusedByClosing) {
  Dialogue dialogue;
  dialogue.Say("1-3", kNames);
  EXPECT_EQ(dialogue.Show(dialogue.machine.RefuseRequest(
                dialogue.header, LoginStatus::kServiceUnavailable, "stopping")),
            "close");
}

TEST(Login, Discovery) {
  Dialogue unnamed;
  EXPECT_EQ(unnamed.Say("1-3", kDiscoveryNames + "|MaxConnections=4|ErrorRecoveryLevel=2"),
            "final 1-3 TargetPortalGroupTag=1|MaxConnections=Irrelevant|ErrorRecoveryLevel=0|" +
                std::string(kMrdsl));
  EXPECT_EQ(unnamed.machine.result().session.session_type, SessionType::kDiscovery);
  EXPECT_FALSE(unnamed.machine.result().identity.target_name.has_value());

  Dialogue no_tag;
  no_tag.host.target.target_portal_group_tag.reset();
  EXPECT_EQ(no_tag.Say("0-3", kDiscoveryNames), "final 0-3");

  Dialogue named;
  EXPECT_EQ(named.Say("1-3", kNames + "|SessionType=Discovery"), "final 1-3 " + kOpen);
  EXPECT_EQ(named.machine.result().identity.target_name, kTarget);
}

// RFC7143-13.6-a, 13.9-a
TEST(Login, DeclaresAliasAndTag) {
  Dialogue normal;
  normal.host.target.target_alias = "Bob-s Disk";
  normal.host.target.target_portal_group_tag = 0;
  EXPECT_EQ(normal.Say("0", kNames), "0 TargetPortalGroupTag=0|TargetAlias=Bob-s Disk");
  EXPECT_EQ(normal.Say("0-3"), "final 0-3");
  Dialogue discovery;
  discovery.host.target.target_alias = "Bob-s Disk";
  EXPECT_EQ(discovery.Say("0-3", kDiscoveryNames), "final 0-3 TargetPortalGroupTag=1");
}

// RFC7143-4.2.4-a, -b
TEST(Login, OtherPdus) {
  Dialogue before;
  EXPECT_EQ(before.Show(before.machine.OnOtherPdu()), "close");
  EXPECT_TRUE(before.machine.finished());
  EXPECT_EQ(before.Say("1-3", kNames), "close");

  Dialogue within;
  EXPECT_EQ(within.Say("1", kNames), "1 " + kOpen);
  EXPECT_EQ(within.Show(within.machine.OnOtherPdu()), "fail 020b");
  EXPECT_EQ(within.step.response.initiator_task_tag, 0x10u);
  EXPECT_EQ(within.Show(within.machine.OnOtherPdu()), "close");
}

// RFC7143-11.13.5-a, -d, -g, 13.8-a
TEST(Login, TargetsThatAreNotToBeHad) {
  for (const LoginStatus status :
       {LoginStatus::kAuthorizationFailure, LoginStatus::kTargetRemoved,
        LoginStatus::kServiceUnavailable, LoginStatus::kOutOfResources}) {
    Dialogue login;
    login.host.target.status = status;
    login.Say("0-1", kNames);
    EXPECT_EQ(login.step.kind, LoginStep::Kind::kFail);
    EXPECT_EQ(login.step.status, status);
    EXPECT_EQ(login.step.response.status_class << 8 | login.step.response.status_detail,
              static_cast<int>(status));
  }
  Dialogue moved;
  moved.host.target.status = LoginStatus::kTargetMovedTemporarily;
  moved.host.target.redirect_addresses = {"192.0.2.7:3261", "[2001:db8::1]"};
  EXPECT_EQ(moved.Say("0-1", kNames),
            "fail 0101 TargetAddress=192.0.2.7:3261|TargetAddress=[2001:db8::1]");
}

// RFC7143-6.3.1-a, -f, 11.12.6-a
TEST(Login, SessionsThatExist) {
  Dialogue unknown;
  unknown.header.tsih = 0x1234;
  EXPECT_EQ(unknown.Say("1-3", kNames), "fail 020a");
  EXPECT_EQ(unknown.step.response.tsih, 0x1234);

  Dialogue reinstated;
  reinstated.host.place = {.kind = LoginKind::kSessionReinstatement};
  EXPECT_EQ(reinstated.Say("1-3", kNames), "final 1-3 " + kOpen);
  EXPECT_EQ(reinstated.machine.result().kind, LoginKind::kSessionReinstatement);

  Dialogue full;
  full.host.place = {.status = LoginStatus::kTooManyConnections};
  full.header.tsih = 0x1234;
  EXPECT_EQ(full.Say("1-3", kNames), "fail 0206");
}

// RFC7143-11.13.3-a, 13-a: a connection that joins a session takes the session's parameters.
TEST(Login, AddedConnection) {
  Dialogue login;
  login.header.tsih = 0x1234;
  LoginPlace place;
  place.kind = LoginKind::kConnectionReinstatement;
  place.session.max_burst_length = 4096;
  place.session.first_burst_length = 1024;
  place.session.max_connections = 4;
  place.exp_cmd_sn = 500;
  place.max_cmd_sn = 510;
  login.host.place = place;
  EXPECT_EQ(
      login.Say("1", kNames + "|MaxBurstLength=512|DataDigest=CRC32C"),
      "1 TargetPortalGroupTag=1|MaxBurstLength=Reject|DataDigest=CRC32C|" + std::string(kMrdsl));
  EXPECT_EQ(login.step.response.tsih, 0x1234);
  EXPECT_EQ(login.step.response.exp_cmd_sn, 500u);
  EXPECT_EQ(login.step.response.max_cmd_sn, 510u);
  login.machine.SetCommandWindow(501, 511);
  EXPECT_EQ(login.Say("1-3"), "final 1-3");
  EXPECT_EQ(login.step.response.exp_cmd_sn, 501u);
  EXPECT_EQ(login.step.response.tsih, 0x1234);
  EXPECT_EQ(login.machine.result().session, place.session);
  EXPECT_EQ(login.machine.result().connection.data_digest, Digest::kCrc32c);
}

// RFC7143-11.13.5-g: the place is lost between agreement and admission.
TEST(Login, RefusedAtTheEnd) {
  FakeHost host;
  LoginMachine machine(&host, {});
  LoginRequest request;
  request.initiator_task_tag = 1;
  request.transit = true;
  request.current_stage = Stage::kLoginOperationalNegotiation;
  request.next_stage = Stage::kFullFeaturePhase;
  LoginStep step = machine.OnRequest(request, base::AsBytes(WireText(kNames)));
  ASSERT_EQ(step.kind, LoginStep::Kind::kAdmit);
  EXPECT_FALSE(machine.finished());
  EXPECT_EQ(machine.result().identity.initiator_name, kInitiator);
  step = machine.Refuse(LoginStatus::kOutOfResources, "no slots are left");
  EXPECT_EQ(step.kind, LoginStep::Kind::kFail);
  EXPECT_EQ(step.status, LoginStatus::kOutOfResources);
  EXPECT_EQ(step.text, "");
  EXPECT_TRUE(machine.finished());
}

// RFC7143-6.3-k: no second request before the answer to the first.
TEST(Login, SecondRequestWhileAdmittingEndsIt) {
  FakeHost host;
  LoginMachine machine(&host, {});
  LoginRequest request;
  request.initiator_task_tag = 1;
  request.transit = true;
  request.current_stage = Stage::kLoginOperationalNegotiation;
  request.next_stage = Stage::kFullFeaturePhase;
  ASSERT_EQ(machine.OnRequest(request, base::AsBytes(WireText(kNames))).kind,
            LoginStep::Kind::kAdmit);
  const LoginStep step = machine.OnRequest(request, {});
  EXPECT_EQ(step.kind, LoginStep::Kind::kFail);
  EXPECT_TRUE(machine.finished());
}

TEST(Login, Defects) {
  if (!kBugsEnabled) GTEST_SKIP();
  const auto with = [](Bug bug) {
    LoginConfig config;
    config.bugs.Add(bug);
    return Dialogue(config);
  };
  Dialogue isid = with(Bug::kLoginIsidNotEchoed);
  isid.Say("1-3", kNames);
  EXPECT_EQ(isid.step.response.isid, Isid());

  Dialogue version = with(Bug::kLoginAcceptsAnyVersion);
  version.header.version_min = version.header.version_max = 1;
  EXPECT_EQ(version.Say("1-3", kNames), "final 1-3 " + kOpen);

  Dialogue transit = with(Bug::kLoginTransitWithoutRequest);
  EXPECT_EQ(transit.Say("0", kNames), "0-1 TargetPortalGroupTag=1");

  Dialogue tsih = with(Bug::kTsihZeroAtEnd);
  tsih.Say("1-3", kNames);
  EXPECT_EQ(tsih.step.kind, LoginStep::Kind::kFinal);
  EXPECT_EQ(tsih.step.response.tsih, 0);

  Dialogue tag = with(Bug::kTpgtMissing);
  EXPECT_EQ(tag.Say("0-1", kNames), "0-1");

  Dialogue stuck = with(Bug::kLoginStatSnStuck);
  stuck.Say("0", kNames);
  stuck.Say("0");
  EXPECT_EQ(stuck.step.response.stat_sn, 0u);

  Dialogue advancing = with(Bug::kLoginCmdSnAdvances);
  advancing.Say("0", kNames);
  EXPECT_EQ(advancing.step.response.exp_cmd_sn, 101u);

  Dialogue twice = with(Bug::kRedeclaredKeyAccepted);
  EXPECT_EQ(twice.Say("0-3", kNames + "|TargetName=" + kTarget),
            "final 0-3 TargetPortalGroupTag=1");
}

}  // namespace
}  // namespace pushpull::target
