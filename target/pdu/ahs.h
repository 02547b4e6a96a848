// Additional Header Segments (RFC 7143 §11.2.2).

#ifndef TARGET_PDU_AHS_H_
#define TARGET_PDU_AHS_H_

#include <cstdint>
#include <optional>
#include <variant>

#include "base/bytes.h"
#include "target/pdu/protocol_error.h"

namespace pushpull::target {

inline constexpr uint8_t kAhsExtendedCdb = 1;
inline constexpr uint8_t kAhsBidirectionalReadLength = 2;

// One AHS as it is.
struct Ahs {
  uint16_t length = 0;   // AHSLength: bytes behind AHSType, without pad
  uint8_t type = 0;      // the whole byte; the code is its low six bits
  base::Bytes specific;  // `length` bytes
  uint8_t code() const { return type & 0x3f; }
};

// Walks the AHSs of a PDU in their order. `bytes` is all of them: TotalAHSLength words.
class AhsReader {
 public:
  explicit AhsReader(base::Bytes bytes) : rest_(bytes) {}

  // The next AHS; monostate behind the last; the error where a length doesn't fit, after which
  // there are no more.
  std::variant<std::monostate, Ahs, ProtocolError> Next();

 private:
  base::Bytes rest_;
};

// The two kinds that the RFC defines, as they concern a SCSI Command.
struct CommandAhs {
  base::Bytes extended_cdb;  // the CDB from byte 16 on; empty without one
  std::optional<uint32_t> bidirectional_read_expected_data_transfer_length;
};

// Reads the AHSs of a SCSI Command. Of codes without a meaning only the length is looked at: they
// are the reserved values that RFC 7143 §11 has answered as a protocol error. Errors: a length that
// doesn't fit (format error), a reserved code, one kind twice.
std::variant<CommandAhs, ProtocolError> ReadCommandAhs(base::Bytes ahs);

}  // namespace pushpull::target

#endif  // TARGET_PDU_AHS_H_
