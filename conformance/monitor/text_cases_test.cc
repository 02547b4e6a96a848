// Cases of monitor_test: login, text keys, text PDUs.

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

std::string Text(const std::string& keys) {
  return Lines({"login", kText, absl::StrCat("< text_response { } data { raw: '", keys, "' }")});
}

}  // namespace

std::vector<RuleCase> LoginCases() {
  const std::string named = "InitiatorName=iqn.2026-01.a\\0TargetName=iqn.2026-01.b\\0";
  const std::string address = "TargetAddress=10.0.0.1:3260\\0";
  const std::string final = Tell(kOp, kFull, "tsih: 1");
  const auto long_text = [](size_t size) {
    return absl::StrCat("X-a=", std::string(size - 5, 'b'), "\\0");
  };
  const std::string ping = "< nop_in { initiator_task_tag: 0xffffffff }";
  return {
      {"only_login_pdus", Lines({"open", Ask(kOp, ""), ping}), Lines({"login", ping})},
      {"only_login_pdus", Lines({"open", ping}), Lines({"open"})},
      {"only_login_pdus", Lines({"login", Tell(kOp, kFull, "tsih: 1")}),
       Lines({"login", Ask(kOp, kFull), Tell("STAGE_RESERVED", "", "status_class: 2")})},
      {"login_alternates", Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Tell(kOp, "")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Ask(kOp, ""), Tell(kOp, "")})},
      {"login_alternates", Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Tell(kOp, "")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), "> nop_out { initiator_task_tag: 1 }",
              Tell("SECURITY_NEGOTIATION", "", "status_class: 2 status_detail: 0x0b")})},
      {"login_same_stage", Lines({"open", Ask(kOp, ""), Tell(kSec, "")}),
       Lines({"open", Ask(kSec, ""), Tell(kSec, "")})},
      {"login_transit_asked", Lines({"open", Ask(kOp, ""), final}),
       Lines({"open", Ask(kOp, kFull), final})},
      {"continue_without_transit",
       Lines({"open", Ask(kOp, kFull), Tell(kOp, kFull, "tsih: 1 text_continue: true")}),
       Lines({"open", Ask(kOp, kFull), Tell(kOp, "", "text_continue: true")})},
      {"login_next_stage", Lines({"open", Ask(kSec, kOp), Tell(kSec, kFull, "tsih: 1")}),
       Lines({"open", Ask(kSec, kFull), Tell(kSec, kOp)})},
      {"login_next_stage", Lines({"open", Ask(kOp, kFull), Tell(kOp, kOp)}),
       Lines({"open", Ask(kOp, kFull), Tell(kOp, "")})},
      {"login_next_stage_unused",
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "next_stage: FULL_FEATURE_PHASE")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "next_stage: SECURITY_NEGOTIATION")})},
      {"login_echoes", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "isid: '123457'")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "")})},
      {"login_echoes", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "isid: '123457'")}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "isid: '123457' status_class: 2")})},
      {"login_echoes", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "initiator_task_tag: 8")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "")})},
      {"login_tsih", Lines({"open", Ask(kOp, kFull), Tell(kOp, kFull)}),
       Lines({"open", Ask(kOp, kFull), final})},
      {"login_tsih", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "tsih: 1")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "")})},
      {"login_tsih_copied", Lines({"open", Ask(kOp, "", "tsih: 4"), Tell(kOp, "", "tsih: 5")}),
       Lines({"open", Ask(kOp, "", "tsih: 4"), Tell(kOp, "", "tsih: 4")})},
      {"login_versions",
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Ask(kOp, ""), Tell(kOp, "", "version_max: 1")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Ask(kOp, ""), Tell(kOp, "")})},
      {"login_version_active", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "version_active: 1")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "version_active: 0")})},
      {"login_version_known", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "version_max: 1")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "version_max: 0")})},
      {"login_status_assigned",
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 2 status_detail: 12")}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 2 status_detail: 11")})},
      {"failed_login_fields",
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "transit: true status_class: 3")}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 3")})},
      {"failed_login_fields",
       Lines({"open", Ask(kOp, ""),
              Tell(kSec, "", "next_stage: FULL_FEATURE_PHASE status_class: 3")}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 3")})},
      {"failed_login_fields", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "status_class: 3")}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 3")})},
      {"redirect_address",
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 1 status_detail: 1")}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 1 status_detail: 1", address)})},
      {"nothing_after_failed_login",
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 3"), ping}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 3"), "close", "login", ping})},
      {"login_segment_limit", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "", long_text(8193))}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "", long_text(8192))})},
      {"portal_group_tag", Lines({"open", Ask(kOp, "", "", named), Tell(kOp, "")}),
       Lines({"open", Ask(kOp, "", "", named), Tell(kOp, "", "", "TargetPortalGroupTag=0\\0")})},
      // The first request wasn't whole yet.
      {"portal_group_tag",
       Lines({"open", Ask(kOp, "", "text_continue: true", named), Tell(kOp, ""), Ask(kOp, ""),
              Tell(kOp, "")}),
       Lines({"open", Ask(kOp, "", "text_continue: true", named), Tell(kOp, ""), Ask(kOp, ""),
              Tell(kOp, "", "", "TargetPortalGroupTag=1\\0")})},
      {"login_transit_without_offers", "login / MaxBurstLength=1024",
       Lines({"open", Ask(kOp, kFull), Tell(kOp, "", "", "MaxBurstLength=1024\\0"),
              Ask(kOp, kFull, "", "MaxBurstLength=1024\\0"), final})},
      {"login_transit_without_offers", "login / InitialR2T=No", "login / InitialR2T=Yes"},
      // Offered before, and not answered: no mistake of the target's.
      {"login_transit_without_offers",
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Ask(kOp, kFull),
              Tell(kOp, kFull, "tsih: 1", "MaxBurstLength=1024\\0")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "", "MaxBurstLength=1024\\0"), Ask(kOp, kFull),
              final})},
  };
}

std::vector<RuleCase> KeyCases() {
  const std::string portal = "TargetPortalGroupTag=1";
  const auto offered = [](const std::string& answer) {
    return Lines({"open", Ask(kOp, ""), Tell(kOp, "", "", answer)});
  };
  return {
      {"text_format", offered(portal), offered(portal + "\\0")},
      {"text_format", offered("TargetAlias\\0"), offered("TargetAlias=\\0")},
      {"text_format", offered(portal + "\\0\\0"), offered(portal + "\\0X-b=\\0")},
      {"key_name", "login / X-" + std::string(62, 'a') + "=1",
       "login / X-" + std::string(61, 'a') + "=1"},
      {"key_value", "login MaxBurstLength=1024 / MaxBurstLength=1025",
       "login MaxBurstLength=1024 / MaxBurstLength=512"},
      {"key_value", "login ImmediateData=No / ImmediateData=Yes",
       "login ImmediateData=Yes / ImmediateData=No"},
      {"key_value", "login HeaderDigest=CRC32C / HeaderDigest=None",
       "login HeaderDigest=CRC32C,None / HeaderDigest=None"},
      {"key_value", "login / MaxRecvDataSegmentLength=511", "login / MaxRecvDataSegmentLength=512"},
      {"key_value", "login DefaultTime2Wait=5 / DefaultTime2Wait=4",
       "login DefaultTime2Wait=5 / DefaultTime2Wait=6"},
      {"key_value", "login MaxConnections=2 / MaxConnections=0x",
       "login MaxConnections=2 / MaxConnections=0x1"},
      {"key_answered", "login MaxBurstLength=1024",
       "login MaxBurstLength=1024 / "
       "MaxBurstLength=512"},
      {"key_refused", "login MaxBurstLength=1024 / MaxBurstLength=Reject",
       "login MaxBurstLength=100 / MaxBurstLength=Reject"},
      {"key_refused", "login HeaderDigest=None,CRC32C / HeaderDigest=Reject",
       "login HeaderDigest=CRC32C / HeaderDigest=Reject"},
      {"key_irrelevant", "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=Irrelevant",
       "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=0"},
      {"key_irrelevant",
       "login ImmediateData=No InitialR2T=No FirstBurstLength=512 / ImmediateData=No InitialR2T=No "
       "FirstBurstLength=Irrelevant",
       "login ImmediateData=No InitialR2T=No FirstBurstLength=512 / ImmediateData=No "
       "InitialR2T=Yes FirstBurstLength=Irrelevant"},
      {"key_answered", "login InitialR2T=No", "login InitialR2T=Yes"},
      {"key_answered", "login X-a.b=1", "login X-a.b=1 / X-a.b=NotUnderstood"},
      {"key_once", "login MaxBurstLength=1024 / MaxBurstLength=1024 MaxBurstLength=1024",
       "login MaxBurstLength=1024 / MaxBurstLength=1024"},
      {"key_once", "login / TargetAlias=a TargetAlias=b",
       "login / TargetAddress=a:1,1 TargetAddress=b:1,1"},
      {"key_name", "login / targetAlias=a", "login / TargetAlias=a"},
      {"key_name", "login / X,a=1", "login / X-a=1"},
      {"key_registered", "login / Alias=a", "login / X-alias=a"},
      {"key_sender", "login / SessionType=Normal", "login / TargetAlias=Normal"},
      {"rfc_key_understood", "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=NotUnderstood",
       "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=0"},
      {"rfc_key_understood", "login OFMarkInt=2048 / OFMarkInt=NotUnderstood",
       "login OFMarkInt=2048 / OFMarkInt=Reject"},
      {"obsolete_keys", "login IFMarker=Yes / IFMarker=Yes", "login IFMarker=Yes / IFMarker=No"},
      {"obsolete_keys", "login IFMarkInt=1 / IFMarkInt=No", "login IFMarkInt=1 / IFMarkInt=Reject"},
      {"security_stage_keys",
       Lines({"open", Ask(kSec, ""), Tell(kSec, "", "", "MaxBurstLength=1024\\0")}),
       Lines({"open", Ask(kSec, ""), Tell(kSec, "", "", "AuthMethod=CHAP\\0TargetAlias=a\\0")})},
      {"target_name", Text("TargetName=iqn.2026-13.org.example\\0"),
       Text("TargetName=iqn.2026-12.org.example:x:y\\0")},
      {"target_name", Text("TargetName=iqn.2026-1.org.example\\0"),
       Text("TargetName=iqn.2026-01.org\\0")},
      {"target_name", Text("TargetName=eui.02004567A425678\\0"),
       Text("TargetName=eui.02004567A425678D\\0")},
      {"target_name", Text("TargetName=naa.52004567BA64678G\\0"),
       Text("TargetName=naa.52004567BA64678D\\0")},
      {"target_name", Text("TargetName=iqn.2026-01.org.example:a\xe3\x80\x82\\0"),
       Text("TargetName=iqn.2026-01.org.example:a\xe3\x80\x83\\0")},
      {"default_offers", offered("HeaderDigest=CRC32C,Y-org.example.sum,None\\0"),
       offered("HeaderDigest=Y-org.example.sum,CRC32C\\0")},
      {"default_offers", offered("DataDigest=Y-org.example.sum\\0"),
       offered("DataDigest=CRC32C,None\\0")},
      {"default_offers",
       Lines({"open", Ask(kSec, ""), Tell(kSec, "", "", "AuthMethod=Z-org.example.who,None\\0")}),
       Lines({"open", Ask(kSec, ""), Tell(kSec, "", "", "AuthMethod=KRB5,None\\0")})},
      {"target_name", Text("TargetName=disk1\\0"), Text("TargetName=new.disk1\\0")},
      {"target_name", Text("TargetName=iqn.2026-01.org.example:x y\\0"),
       Text("TargetName=iqn.2026-01.org.example:x-y\\0")},
      {"target_name",
       Text(absl::StrCat("TargetName=iqn.2026-01.org.example:", std::string(201, 'a'), "\\0")),
       Text(absl::StrCat("TargetName=iqn.2026-01.org.example:", std::string(199, 'a'), "\\0"))},
      {"target_address_form", Text("TargetName=new.a\\0TargetAddress=10.0.0.1:3260,\\0"),
       Text("TargetName=new.a\\0TargetAddress=10.0.0.1:3260,0x1\\0")},
      {"target_address_form", Text("TargetName=new.a\\0TargetAddress=10.0.0.1:65536,1\\0"),
       Text("TargetName=new.a\\0TargetAddress=10.0.0.1:65535,1\\0")},
      {"target_address_form", Text("TargetName=new.a\\0TargetAddress=[::1,1\\0"),
       Text("TargetName=new.a\\0TargetAddress=[::1],1\\0")},
      {"target_address_tag", Text("TargetName=iqn.2026-01.a\\0TargetAddress=10.0.0.1:3260\\0"),
       Text("TargetName=iqn.2026-01.a\\0TargetAddress=10.0.0.1:3260,1\\0")},
      {"target_address_tag",
       Lines({"open", Ask(kOp, ""),
              Tell(kSec, "", "status_class: 1 status_detail: 1", "TargetAddress=[::1]:1,1\\0")}),
       Lines({"open", Ask(kOp, ""),
              Tell(kSec, "", "status_class: 1 status_detail: 1", "TargetAddress=[::1]:1\\0")})},
      {"node_architecture", "login / X#NodeArchitecture=" + std::string(256, 'a'),
       "login / X#NodeArchitecture=" + std::string(255, 'a')},
      {"node_architecture", "login / X#NodeArchitecture=a X#NodeArchitecture=b",
       "login / X#NodeArchitecture=a"},
      {"burst_lengths",
       "login FirstBurstLength=65536 MaxBurstLength=65535 / FirstBurstLength=65536 "
       "MaxBurstLength=65535",
       "login FirstBurstLength=65536 MaxBurstLength=65535 / FirstBurstLength=65535 "
       "MaxBurstLength=65535"},
      {"outstanding_r2t_level",
       "login ErrorRecoveryLevel=1 MaxOutstandingR2T=4 / ErrorRecoveryLevel=1 MaxOutstandingR2T=2",
       "login ErrorRecoveryLevel=1 MaxOutstandingR2T=4 / ErrorRecoveryLevel=1 MaxOutstandingR2T=1"},
      {"outstanding_r2t_level",
       "login ErrorRecoveryLevel=1 MaxOutstandingR2T=4 / ErrorRecoveryLevel=1 MaxOutstandingR2T=2",
       "login ErrorRecoveryLevel=1 MaxOutstandingR2T=4 DataSequenceInOrder=No / "
       "ErrorRecoveryLevel=1 MaxOutstandingR2T=2 DataSequenceInOrder=No"},
  };
}

std::vector<RuleCase> TextCases() {
  const std::string own = "TargetName=iqn.2026-01.org.example:t\\0";
  const auto targets = [](const std::string& keys) {
    return Lines(
        {"login", kSendTargets, absl::StrCat("< text_response { } data { raw: '", keys, "' }")});
  };
  const std::string open_end = "> text_request { final: false } data { raw: 'X-a=1\\0' }";
  const std::string more = "> text_request { text_continue: true } data { raw: 'SendTar' }";
  const std::string tag = "target_transfer_tag: 5";
  return {
      {"text_final_tag", Lines({"login", kText, "< text_response { " + tag + " }"}),
       Lines({"login", kText, "< text_response { }"})},
      {"text_final_tag", Lines({"login", open_end, "< text_response { final: false }"}),
       Lines({"login", open_end, "< text_response { final: false " + tag + " }"})},
      {"send_targets_keys", targets(own + "TargetAlias=a\\0"), targets(own)},
      {"send_targets_keys", targets("TargetAddress=10.0.0.1,1\\0"),
       targets(own + "TargetAddress=10.0.0.1,1\\0")},
      {"send_targets_scope", targets(own + "TargetName=iqn.2026-01.org.example:u\\0"),
       targets(own)},
      {"portal_group_tag_own", targets(own + "TargetAddress=h:3260,2\\0"),
       targets(own + "TargetAddress=h:3260,1\\0TargetAddress=h:3261,2\\0")},
      {"text_continue",
       Lines({"login", kText,
              "< text_response { final: true text_continue: true } data { raw: 'A=' }"}),
       Lines({"login", kText,
              "< text_response { text_continue: true " + tag + " } data { raw: 'A=' }"})},
      {"text_final_answers_final",
       Lines({"login", open_end, "< text_response { } data { raw: 'X-a=NotUnderstood\\0' }"}),
       Lines({"login", open_end,
              "< text_response { final: false " + tag + " } data { raw: 'X-a=NotUnderstood\\0' }",
              "> text_request { " + tag + " }", "< text_response { }"})},
      {"text_final_without_offers", Text("MaxOutstandingR2T=1\\0"),
       Text("MaxRecvDataSegmentLength=512\\0")},
      {"text_not_empty", Lines({"login", kText, "< text_response { final: false " + tag + " }"}),
       Lines({"login", kText,
              "< text_response { final: false " + tag +
                  " } data { raw: 'TargetName=iqn.2026-01.a\\0' }"})},
      {"empty_answer_to_continue",
       Lines({"login", more,
              "< text_response { final: false " + tag + " } data { raw: 'X-a=1\\0' }"}),
       Lines({"login", more, "< text_response { final: false " + tag + " }"})},
      {"empty_answer_to_continue",
       Lines({"open", Ask(kOp, "", "text_continue: true", "Initiator"),
              Tell(kOp, "", "", "TargetAlias=a\\0")}),
       Lines({"open", Ask(kOp, "", "text_continue: true", "Initiator"), Tell(kOp, "")})},
      {"one_response",
       Lines({"login", kText,
              "< text_response { final: false " + tag + " } data { raw: 'X-a=1\\0' }",
              "< text_response { }"}),
       Lines({"login", kText,
              "< text_response { final: false " + tag + " } data { raw: 'X-a=1\\0' }",
              "> text_request { " + tag + " }", "< text_response { }"})},
      // What was rejected has its tag, and is another request.
      {"one_response",
       Lines({"login", kText, "reject 4", "< text_response { initiator_task_tag: 1 }"}),
       Lines({"login", kText,
              "> login_request { initiator_task_tag: 1 current_stage: STAGE_RESERVED }", "reject 4",
              "< text_response { initiator_task_tag: 1 }"})},
      {"key_answered",
       Lines({"login", "> text_request { } data { raw: 'X-a=1\\0' }", "< text_response { }"}),
       Lines({"login", "> text_request { } data { raw: 'X-a=1\\0' }",
              "< text_response { } data { raw: 'X-a=NotUnderstood\\0' }"})},
  };
}

}  // namespace pushpull::conformance
