// The opcodes of RFC 7143 §11.2.1.2.

#ifndef TARGET_PDU_OPCODE_H_
#define TARGET_PDU_OPCODE_H_

#include <cstdint>
#include <string_view>

namespace pushpull::target {

// Six bits on the wire: a value of this type may be one that has no name.
enum class Opcode : uint8_t {
  kNopOut = 0x00,
  kScsiCommand = 0x01,
  kTaskManagementRequest = 0x02,
  kLoginRequest = 0x03,
  kTextRequest = 0x04,
  kDataOut = 0x05,
  kLogoutRequest = 0x06,
  kSnackRequest = 0x10,

  kNopIn = 0x20,
  kScsiResponse = 0x21,
  kTaskManagementResponse = 0x22,
  kLoginResponse = 0x23,
  kTextResponse = 0x24,
  kDataIn = 0x25,
  kLogoutResponse = 0x26,
  kR2t = 0x31,
  kAsyncMessage = 0x32,
  kReject = 0x3f,
};

// The field's name as the RFC writes it ("SCSI Command"); "vendor-specific request",
// "vendor-specific response" or "unassigned" for the others.
std::string_view OpcodeName(Opcode opcode);

// Whether the value lies in the half of the target's opcodes, assigned or not. An initiator must
// not send one.
constexpr bool IsTargetOpcode(Opcode opcode) { return (static_cast<uint8_t>(opcode) & 0x20) != 0; }

// Whether it is one of the eight requests that the RFC assigns.
constexpr bool IsAssignedRequest(Opcode opcode) {
  return static_cast<uint8_t>(opcode) <= 0x06 || opcode == Opcode::kSnackRequest;
}

}  // namespace pushpull::target

#endif  // TARGET_PDU_OPCODE_H_
