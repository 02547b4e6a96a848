// Why some faults may pass unseen.

#include "tools/faults/fault.h"

namespace pushpull::faults {
namespace {

struct Reason {
  const char* fault;  // with * for anything at the end
  const char* why;
};

constexpr char kWindow[] =
    "the window is the target's to choose, so long as it doesn't shrink (§4.2.2.1)";
constexpr char kTime2[] = "ignored at ErrorRecoveryLevel 0 and 1 (§11.15.3, §11.15.4)";
constexpr char kScsi[] = "a target may end a command so: what SCSI says of it is the cases' affair";
constexpr char kOwn[] = "the target's own to say";
constexpr char kMinimum[] =
    "the responder may answer less (§13); only what then exceeds it is wrong, where a case gets so "
    "far";
constexpr char kMaximum[] = "the responder may answer more (§13.15)";
constexpr char kEither[] =
    "to an offer that leaves it open either answer is right; whether the target then does so is "
    "seen "
    "in writes";
constexpr char kRepeated[] = "a request that comes twice with its CmdSN is ignored (§4.2.2.1)";
constexpr char kNoLife[] = "no login is answered: there is nothing to tell it from a dead target";
constexpr char kIser[] = "a target without iSER need not know the keys of RFC 7145";
constexpr char kOther[] = "another reason is as right (§11.17.1)";

constexpr Reason kReasons[] = {
    {"nop_in.max_cmd_sn*", kWindow},
    {"scsi_response.max_cmd_sn*", kWindow},
    {"task_management_response.max_cmd_sn*", kWindow},
    {"login_response.max_cmd_sn*", kWindow},
    {"text_response.max_cmd_sn*", kWindow},
    {"data_in.max_cmd_sn*", kWindow},
    {"logout_response.max_cmd_sn*", kWindow},
    {"r2t.max_cmd_sn*", kWindow},
    {"reject.max_cmd_sn*", kWindow},
    {"login_response.tsih*", "in the last response the target's to choose (§11.13.3)"},
    {"logout_response.time2*", kTime2},
    {"data_in.target_transfer_tag=0", "reserved with A=0, so 0 or 0xffffffff (§11.7.4, A20)"},
    {"data_in.target_transfer_tag+1", "reserved with A=0, so 0 or 0xffffffff (§11.7.4, A20)"},
    {"r2t.exp_cmd_sn*", "may lag behind (§4.2.2.1)"},
    {"r2t.target_transfer_tag*", "the target's to choose (§11.8.5)"},
    {"scsi_response.status=0x00", "a target may have no unit attention to tell of"},
    {"scsi_response:sense_*", kScsi},
    {"scsi_response:data_*", "Response Data may follow the sense data (§11.4.7)"},
    {"reject:data_four_bytes_longer", "more data may follow the header (§11.17)"},
    {"logout_response:then_fin", "a target may close after the logout (§11.15)"},
    {"reject:reset_instead", "a target may end the connection instead of a Reject (§7.7)"},
    {"key.HeaderDigest=Reject", "for a list from which nothing may be used (§6.2.1)"},
    {"key.DataDigest=Reject", "for a list from which nothing may be used (§6.2.1)"},
    {"key.InitialR2T=flipped", kEither},
    {"key.ImmediateData=flipped", kEither},
    {"key.ErrorRecoveryLevel=0", kMinimum},
    {"key.iSCSIProtocolLevel*", kMinimum},
    {"key.SendTargets:twice", "the target's refusal of the key, said twice"},
    {"nop_out:lun_changed_on_the_way", "reserved without a Target Transfer Tag (§11.18)"},
    {"reject:then_fin", "a target may close after a Reject (§7.3)"},
    {"reject.reason=*", kOther},
    {"login_response.initiator_task_tag=other_task",
     "planted only where the initiator itself had broken the Login Phase"},
    {"login_response:dropped*", kNoLife},
    {"login_request:swallowed", kNoLife},
    {"*_request:arrives_twice", kRepeated},
    {"text_request:lun_changed_on_the_way", "reserved without a Target Transfer Tag (§11.10.4)"},
    {"key.TargetAlias*", "free text for people (§13.6)"},
    {"key.TargetName*", "whether it is the target's name is seen where it is asked for by name"},
    {"key.TargetAddress*", "whether it is the target's address can't be known"},
    {"key.TargetPortalGroupTag*", kOwn},
    {"key.MaxRecvDataSegmentLength*", kOwn},
    {"key.MaxBurstLength-1", kMinimum},
    {"key.FirstBurstLength-1", kMinimum},
    {"key.DefaultTime2Wait+1", kMaximum},
    {"key.DefaultTime2Wait+1000", kMaximum},
    {"key.InitiatorRecvDataSegmentLength=NotUnderstood", kIser},
    {"key.MaxAHSLength=NotUnderstood", kIser},
    {"key.MaxOutstandingUnexpectedPDUs=NotUnderstood", kIser},
    {"key.RDMAExtensions=NotUnderstood", kIser},
    {"key.TaggedBufferForSolicitedDataOnly=NotUnderstood", kIser},
    {"key.TargetRecvDataSegmentLength=NotUnderstood", kIser},
    {"key.iSERHelloRequired=NotUnderstood", kIser},
    {"key.TaskReporting=Reject", "for a list of which nothing is supported (§6.2.1)"},
    {"key.TaskReporting=Irrelevant", kOwn},
    {"key.DefaultTime2Retain=0", kMinimum},
    {"key.DefaultTime2Retain-1", kMinimum},
    {"key.DataPDUInOrder:dropped", "an answer to Yes is optional (§6.2.2)"},
    {"key.DataSequenceInOrder:dropped", "an answer to Yes is optional (§6.2.2)"},
    {"key.InitialR2T:dropped", "an answer to Yes is optional (§6.2.2)"},
    {"key.ImmediateData:dropped", "an answer to No is optional (§6.2.2)"},
};

// Of globs with one * at most.
bool Matches(std::string_view glob, std::string_view name) {
  const size_t star = glob.find('*');
  if (star == std::string_view::npos) return glob == name;
  const std::string_view begin = glob.substr(0, star);
  const std::string_view end = glob.substr(star + 1);
  return name.size() >= begin.size() + end.size() && name.starts_with(begin) && name.ends_with(end);
}

}  // namespace

std::string_view Excuse(std::string_view fault) {
  for (const Reason& reason : kReasons) {
    if (Matches(reason.fault, fault)) return reason.why;
  }
  return "";
}

}  // namespace pushpull::faults
