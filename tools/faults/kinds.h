// What the parts of the table have in common.

#ifndef TOOLS_FAULTS_KINDS_H_
#define TOOLS_FAULTS_KINDS_H_

#include <array>
#include <utility>

#include "tools/faults/fault.h"

namespace pushpull::faults {

inline constexpr std::array<PduKind, 10> kAnswers = {
    v1::Pdu::kNopIn,          v1::Pdu::kScsiResponse, v1::Pdu::kTaskManagementResponse,
    v1::Pdu::kLoginResponse,  v1::Pdu::kTextResponse, v1::Pdu::kDataIn,
    v1::Pdu::kLogoutResponse, v1::Pdu::kR2T,          v1::Pdu::kAsyncMessage,
    v1::Pdu::kReject,
};

inline constexpr std::array<PduKind, 7> kRequests = {
    v1::Pdu::kNopOut,        v1::Pdu::kScsiCommand, v1::Pdu::kTaskManagementRequest,
    v1::Pdu::kLoginRequest,  v1::Pdu::kTextRequest, v1::Pdu::kDataOut,
    v1::Pdu::kLogoutRequest,
};

inline constexpr size_t kItt = 16;
inline constexpr size_t kTtt = 20;
inline constexpr size_t kStatSn = 24;
inline constexpr size_t kExpCmdSn = 28;
inline constexpr size_t kMaxCmdSn = 32;

inline bool SetsStatus(const Image& pdu) { return (pdu.bhs[1] & 0x01) != 0; }
// Whether a PDU of the target has a StatSN that counts.
inline bool CountsStatSn(const Image& pdu) {
  switch (pdu.kind()) {
    case v1::Pdu::kR2T:
    case v1::Pdu::kRaw:
      return false;
    case v1::Pdu::kDataIn:
      return SetsStatus(pdu);
    case v1::Pdu::kNopIn:
      return pdu.Word(kItt) != initiator_sim::kReservedTag;
    default:
      return true;
  }
}

inline Outcome Only(Image image) {
  Outcome outcome;
  outcome.now.push_back(std::move(image));
  return outcome;
}

// `change` alters the image of a PDU of this kind; false: it can't be planted into this one.
inline Fault Changed(std::string name, PduKind kind,
                     std::function<bool(Passing* passing, Image* image)> change) {
  Fault fault;
  fault.name = std::move(name);
  fault.kind = kind;
  fault.plant = [kind, change = std::move(change)](Passing* passing,
                                                   const Image& pdu) -> std::optional<Outcome> {
    if (pdu.kind() != kind) return std::nullopt;
    Image image = pdu;
    if (!change(passing, &image)) return std::nullopt;
    return Only(std::move(image));
  };
  return fault;
}

}  // namespace pushpull::faults

#endif  // TOOLS_FAULTS_KINDS_H_
