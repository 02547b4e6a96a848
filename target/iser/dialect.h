// Where RFC 7145 and what is spoken differ, and how the target reads it: one table.

#ifndef TARGET_ISER_DIALECT_H_
#define TARGET_ISER_DIALECT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "target/iser/private_data.h"

namespace pushpull::target {

enum class IserDialect : uint8_t {
  kRfc7145,     // the text
  kLinux,       // what Linux's initiator, libiscsi and both known targets do
  kPermissive,  // takes either, and does what the peer seems to be
};

enum class LoginHeader : uint8_t {
  kAbsent,   // §5.1: a login's messages are iSCSI's own
  kPresent,  // §9.1: each Send has a header
  kEither,   // answered as it was asked
};

enum class WriteBase : uint8_t {
  kDeclared,  // §6.9: what TaggedBufferForSolicitedDataOnly says
  kSolicitedOnly,
  kByPeer,  // kSolicitedOnly where the peer sent private data, as all that do; else kDeclared
};

enum class SendLimit : uint8_t {
  kNegotiated,     // §6.5: InitiatorRecvDataSegmentLength
  kLinuxReceives,  // also kLinuxDataSegmentBytes
  kByPeer,         // kLinuxReceives where the peer sent private data
};

enum class HelloUse : uint8_t {
  kDeclared,  // §6.10: due with iSERHelloRequired=Yes, an error with No
  kNever,     // always an error
  kAnswered,  // answered whenever it comes first, and never missed
};

// Linux's initiator posts receives for 28 + 48 + 128 bytes in the Full Feature Phase, whatever it
// has negotiated.
inline constexpr uint32_t kLinuxDataSegmentBytes = 128;

struct IserReadings {
  IserDialect dialect;
  std::string_view name;
  LoginHeader login_header;
  WriteBase write_base;
  SendLimit send_limit;
  HelloUse hello;
  uint8_t min_hello_version;
  uint8_t max_hello_version;
};

std::span<const IserReadings> AllIserReadings();
const IserReadings& ReadingsOf(IserDialect dialect);
// By name ("rfc7145", "linux", "permissive").
std::optional<IserDialect> FindIserDialect(std::string_view name);

// Whether the first message of a connection has an iSER header before its BHS. The first byte tells
// them apart: an opcode there is 1 in its upper half, a Login Request 0 or 4.
bool HasLoginHeader(const IserReadings& readings, uint8_t first_byte);

// Whether the Write Base Offset is the place of the first solicited byte, and not of the command's
// first byte. `declared`: TaggedBufferForSolicitedDataOnly.
bool WriteBaseIsSolicited(const IserReadings& readings, bool declared, const IserPrivateData& peer);

// The most bytes in the data segment of a PDU to the initiator, where
// InitiatorRecvDataSegmentLength is `negotiated`.
uint32_t MaxDataSegmentToSend(const IserReadings& readings, uint32_t negotiated,
                              const IserPrivateData& peer);

enum class HelloVerdict : uint8_t {
  kDue,      // the first message must be one
  kAllowed,  // it may be
  kError,    // it may not
};
// Of the first message of the Full Feature Phase; later a Hello is always an error. `required`:
// iSERHelloRequired, where it was negotiated at all: where it wasn't, an initiator of RFC 5046 may
// send one (§5.1.3).
HelloVerdict JudgeHello(const IserReadings& readings, std::optional<bool> required);

}  // namespace pushpull::target

#endif  // TARGET_ISER_DIALECT_H_
