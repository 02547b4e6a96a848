// The 28 bytes that stand before each control-type PDU on iSER, and the two messages that are
// nothing else. (RFC 7145 §9)

#ifndef INITIATOR_SIM_ISER_HEADER_H_
#define INITIATOR_SIM_ISER_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "base/bytes.h"

namespace pushpull::initiator_sim {

inline constexpr size_t kIserHeaderSize = 28;
// MaxVer, MinVer, CurVer (RFC 7145 §9.3, §9.4).
inline constexpr uint8_t kIserVersion = 10;

using IserHeader = std::array<uint8_t, kIserHeaderSize>;

// A buffer as it is advertised: STag and Base Offset.
struct Advertised {
  uint32_t stag = 0;
  uint64_t base_offset = 0;

  friend bool operator==(const Advertised&, const Advertised&) = default;
};

// §9.2. What isn't valid is 0 on the wire, whatever stands here.
struct ControlHeader {
  bool write_stag_valid = false;  // WSV
  Advertised write;
  bool read_stag_valid = false;  // RSV
  Advertised read;

  friend bool operator==(const ControlHeader&, const ControlHeader&) = default;
};

// §9.3.
struct HelloHeader {
  uint8_t max_version = kIserVersion;
  uint8_t min_version = kIserVersion;
  uint16_t iser_ird = 0;

  friend bool operator==(const HelloHeader&, const HelloHeader&) = default;
};

// §9.4.
struct HelloReplyHeader {
  bool reject = false;
  uint8_t max_version = kIserVersion;
  uint8_t cur_version = kIserVersion;
  uint16_t iser_ord = 0;

  friend bool operator==(const HelloReplyHeader&, const HelloReplyHeader&) = default;
};

IserHeader EncodeIserHeader(const ControlHeader& header);
IserHeader EncodeIserHeader(const HelloHeader& header);
IserHeader EncodeIserHeader(const HelloReplyHeader& header);

struct DecodedIserHeader {
  uint8_t opcode = 0;
  // monostate: no such opcode, or too few bytes.
  std::variant<std::monostate, ControlHeader, HelloHeader, HelloReplyHeader> header;
  // Why it isn't as §9 has it: too short, an unassigned opcode (§10.1.3.3). Empty: nothing.
  std::string flaw;
  // Reserved bits, or STags and offsets that aren't valid, are not 0 (§9.2).
  bool reserved_set = false;
};

// Reads the beginning of a message. Fields that aren't valid are read as they are.
DecodedIserHeader DecodeIserHeader(base::Bytes message);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_ISER_HEADER_H_
