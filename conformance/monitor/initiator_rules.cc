// The rules for initiators.

#include <cstddef>

#include "conformance/monitor/rules.h"

namespace pushpull::conformance {
namespace {

constexpr std::string_view kMust = "MUST";
constexpr std::string_view kShould = "SHOULD";

using R = RuleId;

constexpr Rule kRules[] = {
    // ---- format ----
    {R::kIOpcode, "initiator_opcode", "RFC 7143 §11.2.1.2", "RFC7143-I-11.2.1.2-a", kMust,
     "uses initiator opcodes only", v1::INITIATOR_SIDE},
    {R::kIReservedBits, "initiator_reserved_bits_zero", "RFC 7143 §11", "RFC7143-I-11-a", kMust,
     "sends reserved bits and fields as 0", v1::INITIATOR_SIDE},
    {R::kIFinalBit, "initiator_final_bit_set", "RFC 7143 §11.5, §11.14, §11.16, §11.18", "", kMust,
     "sets bit 0 of byte 1 where the figure prints 1", v1::INITIATOR_SIDE},
    {R::kINoDataSegment, "initiator_no_data_segment", "RFC 7143 §11.5.2, §11.14.2",
     "RFC7143-I-11.5.2-a RFC7143-I-11.14.2-a", kMust,
     "sends no data with Task Management, Logout and SNACK Requests", v1::INITIATOR_SIDE},
    {R::kISegmentLimit, "initiator_segment_limit", "RFC 7143 §11.7.1, §11.10.5, §11.18.3",
     "RFC7143-I-11.7.1-a RFC7143-I-11.10.5-a RFC7143-I-11.18.3-a", kMust,
     "keeps to the target's MaxRecvDataSegmentLength", v1::INITIATOR_SIDE},
    {R::kIPadZero, "initiator_pad_zero", "RFC 7143 §11.1", "RFC7143-I-11.1-a", kShould,
     "pads with 0", v1::INITIATOR_SIDE},
    {R::kIHeaderDigest, "initiator_header_digest_right", "RFC 7143 §13.1", "RFC7143-I-13.1-a",
     kMust, "sends the right header digest", v1::INITIATOR_SIDE},
    {R::kIDataDigest, "initiator_data_digest_right", "RFC 7143 §13.1", "RFC7143-I-13.1-a", kMust,
     "sends the right data digest", v1::INITIATOR_SIDE},
    // ---- numbering ----
    {R::kICmdSnIncrements, "cmd_sn_increments", "RFC 7143 §4.2.2.1",
     "RFC7143-I-4.2.2.1-a RFC7143-I-4.2.2.1-c", kMust, "numbers commands without gap or repetition",
     v1::INITIATOR_SIDE},
    {R::kICmdSnOfImmediate, "cmd_sn_of_immediate", "RFC 7143 §4.2.2.1", "RFC7143-I-4.2.2.1-b",
     kMust, "sends an immediate command with the CmdSN of the next one that isn't",
     v1::INITIATOR_SIDE},
    {R::kICmdSnWithinWindow, "cmd_sn_within_window", "RFC 7143 §4.2.2.1", "RFC7143-I-4.2.2.1-d",
     kMust, "sends no command above MaxCmdSN", v1::INITIATOR_SIDE},
    {R::kIExpStatSnSeen, "exp_stat_sn_seen", "RFC 7143 §4.2.2.2",
     "RFC7143-I-4.2.2.2-b RFC7143-I-11.12.9-a", kMust, "acknowledges only statuses that came",
     v1::INITIATOR_SIDE},
    {R::kIExpStatSnNeverFalls, "exp_stat_sn_never_falls", "RFC 7143 §4.2.2.2",
     "RFC7143-I-4.2.2.2-b", kShould, "never takes ExpStatSN back", v1::INITIATOR_SIDE},

    // ---- tasks ----
    {R::kITaskTagValid, "task_tag_valid", "RFC 7143 §11.2.1.8", "RFC7143-I-11.2.1.8-a", kMust,
     "gives no task the tag 0xffffffff", v1::INITIATOR_SIDE},
    {R::kITaskTagUnique, "task_tag_unique", "RFC 7143 §11.2.1.8", "RFC7143-I-11.2.1.8-a", kMust,
     "gives no task the tag of another one that isn't over", v1::INITIATOR_SIDE},
    {R::kIDiscoveryRequests, "discovery_requests", "RFC 7143 §13.21", "RFC7143-I-13.21-b", kMust,
     "asks for nothing but text and logout in a discovery session", v1::INITIATOR_SIDE},
    {R::kINothingAfterLogout, "nothing_after_logout_request", "RFC 7143 §11.14",
     "RFC7143-I-11.14-a", kMust,
     "sends no new request behind the Logout Request that closes the connection",
     v1::INITIATOR_SIDE},
    {R::kILogoutFields, "logout_request_fields", "RFC 7143 §11.14.1, §11.14.3",
     "RFC7143-I-11.14.3-a", kMust,
     "logs out for an assigned reason, of a connection of the session", v1::INITIATOR_SIDE},
    {R::kITmfFields, "task_management_request_fields", "RFC 7143 §11.5.3, §11.5.4",
     "RFC7143-I-11.5.3-a RFC7143-I-11.5.4-a", kMust,
     "names a unit and a task only in functions that are about one", v1::INITIATOR_SIDE},
    {R::kITmfRefCmdSn, "ref_cmd_sn", "RFC 7143 §11.5.5", "RFC7143-I-11.5.5-a", kMust,
     "aborts a task by the CmdSN that it has", v1::INITIATOR_SIDE},
    {R::kITmfReassignImmediate, "task_reassign_immediate", "RFC 7143 §11.5.1", "RFC7143-I-11.5.1-c",
     kMust, "sends TASK REASSIGN as an immediate command", v1::INITIATOR_SIDE},
    {R::kISnackAtLevel0, "no_snack_at_level_0", "RFC 7143 §11.16", "RFC7143-I-11.16-a", kShould,
     "sends no SNACK at ErrorRecoveryLevel 0", v1::INITIATOR_SIDE},
    {R::kINopOutImmediate, "nop_out_without_answer_immediate", "RFC 7143 §11.18.1",
     "RFC7143-I-11.18.1-a", kMust, "sends a NOP-Out that wants no answer as an immediate command",
     v1::INITIATOR_SIDE},
    {R::kINopOutTag, "nop_out_answers_nop_in", "RFC 7143 §11.18.2",
     "RFC7143-I-11.18.2-a RFC7143-I-11.18-a", kMust,
     "sends a Target Transfer Tag only in answer to a NOP-In, with its tag and LUN",
     v1::INITIATOR_SIDE},

    // ---- SCSI commands and Data-Out ----
    {R::kICommandFinal, "command_final_bit", "RFC 7143 §11.3.1, §11.3.4",
     "RFC7143-I-11.3.1-a RFC7143-I-11.3.4-b", kMust,
     "sets F where no unsolicited Data-Out can follow", v1::INITIATOR_SIDE},
    {R::kICommandDirection, "command_direction", "RFC 7143 §11.3.1", "RFC7143-I-11.3.1-b", kMust,
     "sets R or W where data is expected, and an assigned task attribute", v1::INITIATOR_SIDE},
    {R::kIBidirectionalLength, "bidirectional_read_length", "RFC 7143 §11.3.4",
     "RFC7143-I-11.3.4-c", kMust, "says in an AHS how much a bidirectional command reads",
     v1::INITIATOR_SIDE},
    {R::kIImmediateData, "immediate_data_agreed", "RFC 7143 §13.11", "RFC7143-I-13.11-a", kMust,
     "sends immediate data only with a write, and where ImmediateData=Yes", v1::INITIATOR_SIDE},
    {R::kIUnsolicitedData, "unsolicited_data_agreed", "RFC 7143 §13.10, §11.3.1",
     "RFC7143-I-13.11-a RFC7143-I-11.3.1-a", kMust,
     "sends unsolicited Data-Out only where InitialR2T=No, behind a command with F=0",
     v1::INITIATOR_SIDE},
    {R::kIFirstBurst, "first_burst_kept", "RFC 7143 §13.14", "RFC7143-I-13.12-a RFC7143-I-11.7.1-b",
     kMust, "sends no more unsolicited data than FirstBurstLength", v1::INITIATOR_SIDE},
    {R::kIUnsolicitedTotal, "unsolicited_data_total", "RFC 7143 §4.2.5.2",
     "RFC7143-I-4.2.5.2-c RFC7143-I-11.3.4-a", kMust,
     "sends as much unsolicited data as it may, if it sends any behind the command",
     v1::INITIATOR_SIDE},
    {R::kIDataWithinEdtl, "data_within_edtl", "RFC 7143 §11.3.4", "RFC7143-I-11.3.4-b", kMust,
     "sends no more data than Expected Data Transfer Length", v1::INITIATOR_SIDE},
    {R::kIDataOutTask, "data_out_of_live_task", "RFC 7143 §4.2.5.1", "RFC7143-I-4.2.5.1-a", kMust,
     "sends Data-Out for a write of its own, on its connection", v1::INITIATOR_SIDE},
    {R::kIDataOutTag, "data_out_tag_and_lun", "RFC 7143 §11.7.4", "RFC7143-I-11.7.4-a", kMust,
     "answers an R2T that is open, with its Target Transfer Tag and LUN", v1::INITIATOR_SIDE},
    {R::kIDataSnContiguous, "data_out_data_sn", "RFC 7143 §11.7.5", "RFC7143-I-11.7.5-a", kMust,
     "numbers the Data-Out of a sequence from 0", v1::INITIATOR_SIDE},
    {R::kIDataOutOffset, "data_out_offset", "RFC 7143 §11.7.6", "RFC7143-I-11.7.6-a", kMust,
     "sends what the R2T asked for, in order where that was agreed", v1::INITIATOR_SIDE},
    {R::kIDataOutFinal, "data_out_final_bit", "RFC 7143 §11.7.1", "RFC7143-I-11.7.1-b", kMust,
     "sets F in the last Data-Out of a sequence", v1::INITIATOR_SIDE},
    {R::kIR2tHonoured, "r2t_honoured", "RFC 7143 §4.2.5.2", "RFC7143-I-4.2.5.2-a", kMust,
     "sends all that an R2T asked for", v1::INITIATOR_SIDE},
    {R::kIR2tOrder, "r2ts_in_order", "RFC 7143 §11.8", "RFC7143-I-11.8-a", kMust,
     "answers the R2Ts of a task in the order in which they came", v1::INITIATOR_SIDE},

    // ---- login ----
    {R::kILoginFirst, "login_first", "RFC 7143 §11.12", "RFC7143-I-11.12-a", kMust,
     "sends Login Requests until the login is over, and none behind it", v1::INITIATOR_SIDE},
    {R::kIOneLogin, "one_login_request_at_a_time", "RFC 7143 §6.3", "RFC7143-I-6.3-d", kMust,
     "waits for the answer to each Login Request", v1::INITIATOR_SIDE},
    {R::kILoginStages, "login_stages", "RFC 7143 §6.3", "RFC7143-I-6.3-b", kMust,
     "says the stage that it is in, and goes on to a later one", v1::INITIATOR_SIDE},
    {R::kILoginContinue, "login_continue_without_transit", "RFC 7143 §11.12.2",
     "RFC7143-I-11.12.2-a", kMust, "sends no T with C", v1::INITIATOR_SIDE},
    {R::kILoginVersions, "login_request_versions", "RFC 7143 §11.12.4", "RFC7143-I-11.12.4-a",
     kMust, "offers version 0x00", v1::INITIATOR_SIDE},
    {R::kILoginKept, "login_fields_kept", "RFC 7143 §11.12.5, §11.12.6, §11.12.7",
     "RFC7143-I-11.12.6-a RFC7143-I-11.12.7-a", kMust,
     "keeps ISID, TSIH, CID and Initiator Task Tag throughout a login", v1::INITIATOR_SIDE},
    {R::kILoginCmdSn, "login_request_cmd_sn", "RFC 7143 §11.12.8", "RFC7143-I-11.12.8-a", kMust,
     "keeps CmdSN throughout the leading login", v1::INITIATOR_SIDE},
    {R::kIIsidType, "isid_type", "RFC 7143 §11.12.5", "RFC7143-I-11.12.5-a", kMust,
     "has an ISID of an assigned type", v1::INITIATOR_SIDE},
    {R::kILoginKeys, "login_first_keys", "RFC 7143 §6.3, §13.4",
     "RFC7143-I-6.3-a RFC7143-I-13.4-a RFC7143-I-4.2.7.1-b", kMust,
     "names itself, and the target of a normal session, in the first Login Request",
     v1::INITIATOR_SIDE},
    {R::kIName, "initiator_name_form", "RFC 7143 §4.2.7.2", "RFC7143-I-4.2.7.2-a", kMust,
     "has an iSCSI name of a right form", v1::INITIATOR_SIDE},

    // ---- keys and text ----
    {R::kITextFormat, "initiator_text_format", "RFC 7143 §6.1", "RFC7143-I-6.1-b", kMust,
     "sends key=value pairs that end with a NUL", v1::INITIATOR_SIDE},
    {R::kIKeyValue, "initiator_key_value", "RFC 7143 §13", "RFC7143-I-13-a", kMust,
     "offers values that the key admits", v1::INITIATOR_SIDE},
    {R::kIKeyOnce, "initiator_key_once", "RFC 7143 §6.3, §13.5", "RFC7143-I-13.5-a", kMust,
     "says a key once in a negotiation", v1::INITIATOR_SIDE},
    {R::kIEmptyAnswer, "empty_request_to_continue", "RFC 7143 §6.2", "RFC7143-I-6.2-a", kMust,
     "answers a response with C by an empty request", v1::INITIATOR_SIDE},
    {R::kIDiscoveryKeys, "no_private_keys_in_discovery", "RFC 7143 §13.22", "RFC7143-I-13.22-a",
     kMust, "sends X- keys in normal sessions only", v1::INITIATOR_SIDE},
    {R::kITaskReporting, "task_reporting_offer", "RFC 7143 §13.23", "RFC7143-I-13.23-a", kMust,
     "offers RFC3720 and ResponseFence at least", v1::INITIATOR_SIDE},
    {R::kIChapAlgorithms, "chap_algorithms_offer", "RFC 7143 §12.1.3", "RFC7143-I-12.1.3-a", kMust,
     "offers CHAP with MD5 among the algorithms", v1::INITIATOR_SIDE},
    {R::kITextContinue, "text_continue_not_final", "RFC 7143 §11.10.2", "RFC7143-I-11.10.2-a",
     kMust, "sends no F with C", v1::INITIATOR_SIDE},
    {R::kIOneText, "one_text_request_at_a_time", "RFC 7143 §11.10", "RFC7143-I-11.10-a", kMust,
     "waits for the answer to each Text Request", v1::INITIATOR_SIDE},
    {R::kITextTag, "text_tag_copied", "RFC 7143 §11.10.4", "RFC7143-I-11.10.4-a", kMust,
     "continues a text exchange with the Target Transfer Tag and LUN of the answer",
     v1::INITIATOR_SIDE},
    {R::kITextKept, "text_fields_kept", "RFC 7143 §11.10.3",
     "RFC7143-I-11.10.3-a RFC7143-I-11.10.3-b", kMust,
     "keeps Initiator Task Tag and I throughout a text exchange", v1::INITIATOR_SIDE},
    {R::kISendTargets, "send_targets_alone", "RFC 7143 App C", "RFC7143-I-C-b", kMust,
     "sends SendTargets alone, and never in a login", v1::INITIATOR_SIDE},
};

constexpr bool InOrder() {
  for (size_t i = 0; i < std::size(kRules); ++i) {
    if (kRules[i].id != static_cast<RuleId>(kTargetRules + i)) return false;
  }
  return kTargetRules + std::size(kRules) == static_cast<size_t>(RuleId::kCount);
}
static_assert(InOrder());

}  // namespace

std::span<const Rule> InitiatorRules() { return kRules; }

}  // namespace pushpull::conformance
