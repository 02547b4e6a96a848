#include "target/negotiation/keys.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace pushpull::target {
namespace {

constexpr uint64_t k24Bits = (1u << 24) - 1;
constexpr uint64_t k32Bits = 0xffffffff;

constexpr bool kI = true;  // the initiator sends it
constexpr bool kT = true;  // the target sends it
constexpr bool kSecurityStage = true;
constexpr bool kOperationalStage = true;
constexpr bool kSessionWide = true;
constexpr bool kConnectionOnly = false;
constexpr uint8_t kAlways = 0;  // relevant

// One of an authentication method's own keys.
consteval KeyRow Authentication(Key key, std::string_view name, std::string_view section) {
  return {key,
          name,
          section,
          kI,
          kT,
          KeyUse::kInitializeOnly,
          kSecurityStage,
          false,
          kConnectionOnly,
          KeyRule::kAuthentication,
          kAlways};
}

consteval KeyRow Declared(Key key, std::string_view name, std::string_view section,
                          bool by_initiator, bool by_target, KeyUse use, KeyRule rule) {
  return {key,          name, section,        by_initiator,
          by_target,    use,  kSecurityStage, kOperationalStage,
          kSessionWide, rule, kAlways};
}

consteval KeyRow Obsolete(Key key, std::string_view name) {
  return {key,
          name,
          "RFC 7143 §13.25",
          kI,
          kT,
          KeyUse::kInitializeOnly,
          false,
          kOperationalStage,
          kConnectionOnly,
          KeyRule::kObsolete,
          kAlways};
}

// A session's key of the leading login, by both sides.
consteval KeyRow Leading(Key key, std::string_view name, std::string_view section, KeyRule rule,
                         uint8_t irrelevant, uint64_t low, uint64_t high, uint64_t default_value) {
  return {key,          name,
          section,      kI,
          kT,           KeyUse::kLeadingOnly,
          false,        kOperationalStage,
          kSessionWide, rule,
          irrelevant,   low,
          high,         false,
          default_value};
}

// A connection's key of any login, by both sides.
consteval KeyRow Initial(Key key, std::string_view name, std::string_view section, KeyRule rule,
                         uint8_t irrelevant, uint64_t low, uint64_t high, uint64_t default_value) {
  return {key,
          name,
          section,
          kI,
          kT,
          KeyUse::kInitializeOnly,
          false,
          kOperationalStage,
          kConnectionOnly,
          rule,
          irrelevant,
          low,
          high,
          false,
          default_value};
}

constexpr std::array<KeyRow, kKeyCount> kRows = {{
    {Key::kAuthMethod, "AuthMethod", "RFC 7143 §12.1", kI, kT, KeyUse::kInitializeOnly,
     kSecurityStage, false, kConnectionOnly, KeyRule::kFirstSupported, kAlways},
    Authentication(Key::kKrbApReq, "KRB_AP_REQ", "RFC 7143 §12.1.1"),
    Authentication(Key::kKrbApRep, "KRB_AP_REP", "RFC 7143 §12.1.1"),
    Authentication(Key::kSrpU, "SRP_U", "RFC 7143 §12.1.2"),
    Authentication(Key::kTargetAuth, "TargetAuth", "RFC 7143 §12.1.2"),
    Authentication(Key::kSrpGroup, "SRP_GROUP", "RFC 7143 §12.1.2"),
    Authentication(Key::kSrpS, "SRP_s", "RFC 7143 §12.1.2"),
    Authentication(Key::kSrpA, "SRP_A", "RFC 7143 §12.1.2"),
    Authentication(Key::kSrpB, "SRP_B", "RFC 7143 §12.1.2"),
    Authentication(Key::kSrpM, "SRP_M", "RFC 7143 §12.1.2"),
    Authentication(Key::kSrpHm, "SRP_HM", "RFC 7143 §12.1.2"),
    Authentication(Key::kChapA, "CHAP_A", "RFC 7143 §12.1.3"),
    Authentication(Key::kChapI, "CHAP_I", "RFC 7143 §12.1.3"),
    Authentication(Key::kChapC, "CHAP_C", "RFC 7143 §12.1.3"),
    Authentication(Key::kChapN, "CHAP_N", "RFC 7143 §12.1.3"),
    Authentication(Key::kChapR, "CHAP_R", "RFC 7143 §12.1.3"),

    Declared(Key::kInitiatorName, "InitiatorName", "RFC 7143 §13.5", kI, false,
             KeyUse::kInitializeOnly, KeyRule::kDeclaredText),
    Declared(Key::kTargetName, "TargetName", "RFC 7143 §13.4", kI, kT, KeyUse::kInitializeOnly,
             KeyRule::kDeclaredText),
    Declared(Key::kSessionType, "SessionType", "RFC 7143 §13.21", kI, false, KeyUse::kLeadingOnly,
             KeyRule::kDeclaredText),
    Declared(Key::kInitiatorAlias, "InitiatorAlias", "RFC 7143 §13.7", kI, false, KeyUse::kAll,
             KeyRule::kDeclaredText),
    Declared(Key::kTargetAlias, "TargetAlias", "RFC 7143 §13.6", false, kT, KeyUse::kAll,
             KeyRule::kDeclaredText),
    Declared(Key::kTargetAddress, "TargetAddress", "RFC 7143 §13.8", false, kT, KeyUse::kAll,
             KeyRule::kDeclaredText),
    Declared(Key::kTargetPortalGroupTag, "TargetPortalGroupTag", "RFC 7143 §13.9", false, kT,
             KeyUse::kInitializeOnly, KeyRule::kDeclaredText),
    {Key::kSendTargets, "SendTargets", "RFC 7143 §13.3", kI, false, KeyUse::kFullFeatureOnly, false,
     false, kSessionWide, KeyRule::kCommand, kAlways},
    {Key::kMaxRecvDataSegmentLength, "MaxRecvDataSegmentLength", "RFC 7143 §13.12", kI, kT,
     KeyUse::kAll, false, kOperationalStage, kConnectionOnly, KeyRule::kDeclaredNumber,
     kIrrelevantWithRdma, 512, k24Bits, false, 8192},
    {Key::kNodeArchitecture, "X#NodeArchitecture", "RFC 7143 §13.26", kI, kT, KeyUse::kLeadingOnly,
     false, kOperationalStage, kSessionWide, KeyRule::kDeclaredText, kAlways},

    Initial(Key::kHeaderDigest, "HeaderDigest", "RFC 7143 §13.1", KeyRule::kFirstSupported,
            kIrrelevantWithRdma, 0, 0, 0),
    Initial(Key::kDataDigest, "DataDigest", "RFC 7143 §13.1", KeyRule::kFirstSupported,
            kIrrelevantWithRdma, 0, 0, 0),
    Leading(Key::kMaxConnections, "MaxConnections", "RFC 7143 §13.2", KeyRule::kMinimum,
            kIrrelevantInDiscovery, 1, 65535, 1),
    Leading(Key::kInitialR2t, "InitialR2T", "RFC 7143 §13.10", KeyRule::kOr, kIrrelevantInDiscovery,
            0, 1, 1),
    Leading(Key::kImmediateData, "ImmediateData", "RFC 7143 §13.11", KeyRule::kAnd,
            kIrrelevantInDiscovery, 0, 1, 1),
    Leading(Key::kMaxBurstLength, "MaxBurstLength", "RFC 7143 §13.13", KeyRule::kMinimum,
            kIrrelevantInDiscovery, 512, k24Bits, 262144),
    Leading(Key::kFirstBurstLength, "FirstBurstLength", "RFC 7143 §13.14", KeyRule::kMinimum,
            kIrrelevantInDiscovery | kIrrelevantWithoutUnsolicited, 512, k24Bits, 65536),
    Leading(Key::kDefaultTime2Wait, "DefaultTime2Wait", "RFC 7143 §13.15", KeyRule::kMaximum,
            kAlways, 0, 3600, 2),
    Leading(Key::kDefaultTime2Retain, "DefaultTime2Retain", "RFC 7143 §13.16", KeyRule::kMinimum,
            kAlways, 0, 3600, 20),
    Leading(Key::kMaxOutstandingR2t, "MaxOutstandingR2T", "RFC 7143 §13.17", KeyRule::kMinimum,
            kIrrelevantInDiscovery, 1, 65535, 1),
    Leading(Key::kDataPduInOrder, "DataPDUInOrder", "RFC 7143 §13.18", KeyRule::kOr,
            kIrrelevantInDiscovery, 0, 1, 1),
    Leading(Key::kDataSequenceInOrder, "DataSequenceInOrder", "RFC 7143 §13.19", KeyRule::kOr,
            kIrrelevantInDiscovery, 0, 1, 1),
    Leading(Key::kErrorRecoveryLevel, "ErrorRecoveryLevel", "RFC 7143 §13.20", KeyRule::kMinimum,
            kAlways, 0, 2, 0),
    Leading(Key::kTaskReporting, "TaskReporting", "RFC 7143 §13.23", KeyRule::kFirstSupported,
            kIrrelevantInDiscovery, 0, 0, 0),

    Obsolete(Key::kIfMarker, "IFMarker"),
    Obsolete(Key::kOfMarker, "OFMarker"),
    Obsolete(Key::kIfMarkInt, "IFMarkInt"),
    Obsolete(Key::kOfMarkInt, "OFMarkInt"),

    Leading(Key::kIscsiProtocolLevel, "iSCSIProtocolLevel", "RFC 7144 §7.1.1", KeyRule::kMinimum,
            kIrrelevantInDiscovery, 0, 31, 1),

    Leading(Key::kRdmaExtensions, "RDMAExtensions", "RFC 7145 §6.3", KeyRule::kAnd,
            kIrrelevantInDiscovery, 0, 1, 0),
    Initial(Key::kTargetRecvDataSegmentLength, "TargetRecvDataSegmentLength", "RFC 7145 §6.4",
            KeyRule::kMinimum, kIrrelevantWithoutRdma, 512, k24Bits, 8192),
    Initial(Key::kInitiatorRecvDataSegmentLength, "InitiatorRecvDataSegmentLength", "RFC 7145 §6.5",
            KeyRule::kMinimum, kIrrelevantWithoutRdma, 512, k24Bits, 8192),
    {Key::kMaxOutstandingUnexpectedPdus, "MaxOutstandingUnexpectedPDUs", "RFC 7145 §6.7", kI, kT,
     KeyUse::kLeadingOnly, false, kOperationalStage, kSessionWide, KeyRule::kDeclaredNumber,
     kIrrelevantWithoutRdma, 2, k32Bits, true, 0},
    {Key::kMaxAhsLength, "MaxAHSLength", "RFC 7145 §6.8", kI, kT, KeyUse::kLeadingOnly, false,
     kOperationalStage, kSessionWide, KeyRule::kDeclaredNumber, kIrrelevantWithoutRdma, 2, k32Bits,
     true, 256},
    {Key::kTaggedBufferForSolicitedDataOnly, "TaggedBufferForSolicitedDataOnly", "RFC 7145 §6.9",
     kI, false, KeyUse::kLeadingOnly, false, kOperationalStage, kSessionWide,
     KeyRule::kDeclaredBoolean, kIrrelevantWithoutRdma, 0, 1, false, 0},
    {Key::kIserHelloRequired, "iSERHelloRequired", "RFC 7145 §6.10", kI, false,
     KeyUse::kLeadingOnly, false, kOperationalStage, kSessionWide, KeyRule::kDeclaredBoolean,
     kIrrelevantWithoutRdma, 0, 1, false, 0},
}};

consteval bool InOrder() {
  for (size_t i = 0; i < kKeyCount; ++i) {
    if (static_cast<size_t>(kRows[i].key) != i) return false;
  }
  return true;
}
static_assert(InOrder(), "a row for each key, in the order of Key");

}  // namespace

std::span<const KeyRow> AllKeys() { return kRows; }

const KeyRow& RowOf(Key key) {
  CHECK(key < Key::kCount);
  return kRows[static_cast<size_t>(key)];
}

const KeyRow* FindKey(std::string_view name) {
  const auto row = std::find_if(kRows.begin(), kRows.end(),
                                [name](const KeyRow& each) { return each.name == name; });
  return row == kRows.end() ? nullptr : &*row;
}

}  // namespace pushpull::target
