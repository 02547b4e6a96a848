// The table of the monitor's rules.

#ifndef CONFORMANCE_MONITOR_RULES_H_
#define CONFORMANCE_MONITOR_RULES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pushpull/v1/requirement.pb.h"

namespace pushpull::conformance {

// In the order of the table.
enum class RuleId : uint8_t {
  // format.cc
  kTargetOpcode,
  kNoAhs,
  kReservedBits,
  kUnusedFields,
  kFinalBit,
  kNoDataSegment,
  kSegmentLimit,
  kPadZero,
  kHeaderDigest,
  kDataDigest,
  kReservedTaskTag,
  kWholePdus,
  // numbering.cc
  kStatSnIncrements,
  kStatSnNext,
  kExpCmdSnWithoutHoles,
  kExpCmdSnNeverFalls,
  kMaxCmdSnNeverFalls,
  kWindowNotNegative,
  kAcknowledgedBeforeStatus,
  kLoginCmdSnKept,
  // tasks.cc
  kResponseToLiveTask,
  kOneResponse,
  kResponseFitsRequest,
  kOwnConnection,
  kNothingAfterAbort,
  kNothingAfterTaskSetAbort,
  // data_in.cc
  kDataSnContiguous,
  kDataInWithinEdtl,
  kDataInOrder,
  kDataInBurstLimit,
  kDataInSequenceEnded,
  kStatusOnlyWithFinal,
  kDataInStatusGood,
  kBidirectionalStatus,
  kNoAcknowledgeAtLevel0,
  kAcknowledgeNamesTag,
  kTagOnlyWithAcknowledge,
  kDataInWholeWords,
  // r2t.cc
  kR2tSnContiguous,
  kR2tLength,
  kR2tWithinEdtl,
  kR2tInOrder,
  kR2tNotForDataSent,
  kR2tOutstanding,
  kR2tTagValid,
  kR2tTagOwn,
  kR2tLun,
  // response.cc
  kResponseAssigned,
  kStatusAssigned,
  kFailureHasNoFlags,
  kOverflowOrUnderflow,
  kResidualZeroWithoutFlag,
  kResidualCountRight,
  kBidirectionalResidual,
  kExpDataSnCounts,
  kSenseWithCheckCondition,
  kSenseLengthFits,
  kSenseResponseCode,
  kSenseAdditionalLength,
  kLevel2Fields,
  kSnackTag,
  // login.cc
  kOnlyLoginPdus,
  kLoginAlternates,
  kLoginSameStage,
  kLoginTransitAsked,
  kContinueWithoutTransit,
  kLoginNextStage,
  kLoginNextStageUnused,
  kLoginEchoes,
  kLoginTsih,
  kLoginTsihCopied,
  kLoginVersions,
  kLoginVersionActive,
  kLoginVersionKnown,
  kLoginStatusAssigned,
  kFailedLoginFields,
  kRedirectAddress,
  kNothingAfterFailedLogin,
  kLoginSegmentLimit,
  kPortalGroupTag,
  kLoginTransitWithoutOffers,
  // keys.cc
  kTextFormat,
  kKeyName,
  kKeyValue,
  kDefaultOffers,
  kKeyRefused,
  kKeyIrrelevant,
  kKeyAnswered,
  kKeyOnce,
  kKeySender,
  kKeyRegistered,
  kRfcKeyUnderstood,
  kObsoleteKeys,
  kSecurityStageKeys,
  kTargetName,
  kTargetAddressTag,
  kTargetAddressForm,
  kPortalGroupTagOwn,
  kSendTargetsKeys,
  kSendTargetsScope,
  kNodeArchitecture,
  kBurstLengths,
  kOutstandingR2tLevel,
  // text.cc
  kTextFinalTag,
  kTextContinue,
  kTextFinalAnswersFinal,
  kTextFinalWithoutOffers,
  kTextNotEmpty,
  kEmptyAnswerToContinue,
  // services.cc: NOP-In, Task Management, Logout, Reject, Async Message
  kNopInEcho,
  kNopInEmpty,
  kNopInAnswerTag,
  kTmfResponseAssigned,
  kLogoutAnswered,
  kLogoutResponseAssigned,
  kLogoutRecovery,
  kNothingAfterLogout,
  kRejectReasonAssigned,
  kRejectReasonDeprecated,
  kRejectReasonFits,
  kRejectHeader,
  kAsyncEventAssigned,
  kAsyncFastAbort,
  kAsyncConnection,
  kDiscoveryQuiet,
  // scsi_names.cc
  kScsiPortName,
  kScsiDeviceName,
  kTransportIdName,
  kVersionDescriptor,
  // scsi_lists.cc
  kScsiLengthRight,
  kScsiListWhole,
  // ---- of the initiator: format ----
  kIOpcode,
  kIReservedBits,
  kIFinalBit,
  kINoDataSegment,
  kISegmentLimit,
  kIPadZero,
  kIHeaderDigest,
  kIDataDigest,
  // ---- of the initiator: numbering ----
  kICmdSnIncrements,
  kICmdSnOfImmediate,
  kICmdSnWithinWindow,
  kIExpStatSnSeen,
  kIExpStatSnNeverFalls,
  // ---- of the initiator: tasks ----
  kITaskTagValid,
  kITaskTagUnique,
  kIDiscoveryRequests,
  kINothingAfterLogout,
  kILogoutFields,
  kITmfFields,
  kITmfRefCmdSn,
  kITmfReassignImmediate,
  kISnackAtLevel0,
  kINopOutImmediate,
  kINopOutTag,
  // ---- of the initiator: SCSI commands and Data-Out ----
  kICommandFinal,
  kICommandDirection,
  kIBidirectionalLength,
  kIImmediateData,
  kIUnsolicitedData,
  kIFirstBurst,
  kIUnsolicitedTotal,
  kIDataWithinEdtl,
  kIDataOutTask,
  kIDataOutTag,
  kIDataSnContiguous,
  kIDataOutOffset,
  kIDataOutFinal,
  kIR2tHonoured,
  kIR2tOrder,
  // ---- of the initiator: login ----
  kILoginFirst,
  kIOneLogin,
  kILoginStages,
  kILoginContinue,
  kILoginVersions,
  kILoginKept,
  kILoginCmdSn,
  kIIsidType,
  kILoginKeys,
  kIName,
  // ---- of the initiator: keys and text ----
  kITextFormat,
  kIKeyValue,
  kIKeyOnce,
  kIEmptyAnswer,
  kIDiscoveryKeys,
  kITaskReporting,
  kIChapAlgorithms,
  kITextContinue,
  kIOneText,
  kITextTag,
  kITextKept,
  kISendTargets,
  kCount,
};

struct Rule {
  RuleId id;
  std::string_view name;     // "stat_sn_increments": stable, used in profiles and reports
  std::string_view section;  // "RFC 7143 §4.2.2.2"
  // Rows of the requirement catalogue, separated by spaces; empty where there is none of its own.
  std::string_view cite;
  std::string_view level;           // MUST, or SHOULD: a warning
  std::string_view summary;         // what a right target does
  v1::Side side = v1::TARGET_SIDE;  // whose behaviour is judged
};

// How many rules of the table are about targets: the first ones.
inline constexpr size_t kTargetRules = static_cast<size_t>(RuleId::kIOpcode);
std::span<const Rule> TargetRules();
std::span<const Rule> InitiatorRules();
const Rule& RuleOf(RuleId id);
// nullptr: there is none of this name.
const Rule* FindRule(std::string_view name);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_MONITOR_RULES_H_
