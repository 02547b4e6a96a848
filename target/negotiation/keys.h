// The text keys that the target knows: one row for each key of RFC 7143 §12 and §13, RFC 7144 §7
// and RFC 7145 §6, with what those sections say about it.

#ifndef TARGET_NEGOTIATION_KEYS_H_
#define TARGET_NEGOTIATION_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pushpull::target {

enum class Key : uint8_t {
  // Security keys, RFC 7143 §12.
  kAuthMethod,
  kKrbApReq,
  kKrbApRep,
  kSrpU,
  kTargetAuth,
  kSrpGroup,
  kSrpS,
  kSrpA,
  kSrpB,
  kSrpM,
  kSrpHm,
  kChapA,
  kChapI,
  kChapC,
  kChapN,
  kChapR,
  // Names and declarations, RFC 7143 §13.
  kInitiatorName,
  kTargetName,
  kSessionType,
  kInitiatorAlias,
  kTargetAlias,
  kTargetAddress,
  kTargetPortalGroupTag,
  kSendTargets,
  kMaxRecvDataSegmentLength,
  kNodeArchitecture,
  // Negotiated, RFC 7143 §13.
  kHeaderDigest,
  kDataDigest,
  kMaxConnections,
  kInitialR2t,
  kImmediateData,
  kMaxBurstLength,
  kFirstBurstLength,
  kDefaultTime2Wait,
  kDefaultTime2Retain,
  kMaxOutstandingR2t,
  kDataPduInOrder,
  kDataSequenceInOrder,
  kErrorRecoveryLevel,
  kTaskReporting,
  // Obsolete, RFC 7143 §13.25.
  kIfMarker,
  kOfMarker,
  kIfMarkInt,
  kOfMarkInt,
  // RFC 7144 §7.1.1.
  kIscsiProtocolLevel,
  // RFC 7145 §6.
  kRdmaExtensions,
  kTargetRecvDataSegmentLength,
  kInitiatorRecvDataSegmentLength,
  kMaxOutstandingUnexpectedPdus,
  kMaxAhsLength,
  kTaggedBufferForSolicitedDataOnly,
  kIserHelloRequired,
  kCount,
};
inline constexpr size_t kKeyCount = static_cast<size_t>(Key::kCount);

// "Use" in RFC 7143 §13.
enum class KeyUse : uint8_t { kAll, kInitializeOnly, kLeadingOnly, kFullFeatureOnly };

enum class KeyRule : uint8_t {
  // Negotiated: the responder's value is bound by a function of the offer.
  kMinimum,
  kMaximum,
  kAnd,
  kOr,
  kFirstSupported,  // list-of-values, RFC 7143 §6.2.1
  kObsolete,        // always answered Reject
  // Declared: no answer.
  kDeclaredNumber,
  kDeclaredBoolean,
  kDeclaredText,
  // Not settled here.
  kAuthentication,  // steps of an authentication method
  kCommand,         // SendTargets
};

// "Irrelevant when", as bits.
inline constexpr uint8_t kIrrelevantInDiscovery = 1;
inline constexpr uint8_t kIrrelevantWithRdma = 2;            // RDMAExtensions=Yes
inline constexpr uint8_t kIrrelevantWithoutRdma = 4;         // RDMAExtensions=No
inline constexpr uint8_t kIrrelevantWithoutUnsolicited = 8;  // InitialR2T=Yes and ImmediateData=No

struct KeyRow {
  Key key;
  std::string_view name;
  std::string_view section;  // "RFC 7143 §13.1"
  bool by_initiator;         // who may send it
  bool by_target;
  KeyUse use;         // by the initiator; TargetName's other use is by the target
  bool security;      // may stand in the SecurityNegotiation stage
  bool operational;   // may stand in the LoginOperationalNegotiation stage
  bool session_wide;  // scope: session (SW) or connection (CO)
  KeyRule rule;
  uint8_t irrelevant;
  uint64_t low = 0;  // numbers: what is admissible
  uint64_t high = 0;
  bool zero_is_unlimited = false;  // 0 is admissible too, below `low`
  uint64_t default_value = 0;      // numbers; booleans as 0 and 1; lists as the enumerator

  bool negotiated() const { return rule <= KeyRule::kObsolete; }
  bool declared() const {
    return rule >= KeyRule::kDeclaredNumber && rule <= KeyRule::kDeclaredText;
  }
  bool Admits(uint64_t number) const {
    return (number >= low && number <= high) || (zero_is_unlimited && number == 0);
  }
};

// All rows, in the order of Key.
std::span<const KeyRow> AllKeys();
const KeyRow& RowOf(Key key);

// By exact name (keys are case sensitive, RFC 7143 §6.1); null if no RFC above has it.
const KeyRow* FindKey(std::string_view name);

}  // namespace pushpull::target

#endif  // TARGET_NEGOTIATION_KEYS_H_
