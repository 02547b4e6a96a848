// The iSER header: the first 28 bytes of every iSER Message (RFC 7145 §9.1 to §9.4).
//
// Reserved bits are sent as zeros and not looked at when received; so are the fields of a buffer
// whose valid flag is not set.

#ifndef TARGET_ISER_HEADER_H_
#define TARGET_ISER_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "target/pdu/bhs.h"
#include "target/pdu/protocol_error.h"

namespace pushpull::target {

inline constexpr size_t kIserHeaderBytes = 28;
inline constexpr uint8_t kIserVersion = 10;  // §9.3: of RFC 7145

using IserHeaderBytes = std::array<uint8_t, kIserHeaderBytes>;

// The initiator's memory, as it advertises it.
struct IserBuffer {
  uint32_t stag = 0;
  uint64_t base_offset = 0;
  friend bool operator==(const IserBuffer&, const IserBuffer&) = default;
};

// Before an iSCSI control-type PDU (§9.2). A buffer is there where its valid flag is set.
struct IserControl {
  std::optional<IserBuffer> write = std::nullopt;  // WSV: what the target reads from
  std::optional<IserBuffer> read = std::nullopt;   // RSV: what it writes to
  friend bool operator==(const IserControl&, const IserControl&) = default;
};

struct IserHello {  // §9.3
  uint8_t max_version = kIserVersion;
  uint8_t min_version = kIserVersion;
  uint16_t ird = 0;  // iSER-IRD: how many RDMA Reads the initiator serves at a time
  friend bool operator==(const IserHello&, const IserHello&) = default;
};

struct IserHelloReply {  // §9.4
  bool reject = false;
  uint8_t max_version = kIserVersion;
  uint8_t current_version = kIserVersion;
  uint16_t ord = 0;  // iSER-ORD: how many RDMA Reads the target has under way
  friend bool operator==(const IserHelloReply&, const IserHelloReply&) = default;
};

using IserHeader = std::variant<IserControl, IserHello, IserHelloReply>;

// The header of a whole message, however long that is. Errors (§10.1.3.3), which all end the
// connection: it is shorter than a header; its opcode is unassigned; a Hello or HelloReply has
// anything behind its header, or its versions contradict each other. What follows a control header
// is the receive machine's to judge.
base::Result<IserHeader, ProtocolError> ParseIserHeader(base::Bytes message);

// Whether the header fits the request behind it: a buffer is advertised where data has to be moved
// (§9.2), and only by a SCSI Command of that direction or a TASK REASSIGN. A write that has no
// solicited data may advertise its buffer, as initiators do. `first_burst_length` as negotiated.
base::Result<void, ProtocolError> CheckIserControl(const IserControl& control, BhsView bhs,
                                                   uint32_t first_burst_length);

// Bytes that a SCSI Command's write moves without being asked for them: the immediate ones and,
// where F says that Data-Out PDUs follow, up to FirstBurstLength (RFC 7143 §11.3.1).
uint32_t UnsolicitedBytes(BhsView bhs, uint32_t first_burst_length);

IserHeaderBytes BuildIserHeader(const IserControl& header);
IserHeaderBytes BuildIserHeader(const IserHello& header);
IserHeaderBytes BuildIserHeader(const IserHelloReply& header);

// What the target answers (§5.1.3, §10.1.3.2), where it speaks the versions from `min_version` to
// `max_version` and would have `ord` RDMA Reads under way. A reply that rejects is sent; then the
// connection ends.
IserHelloReply AnswerHello(const IserHello& hello, uint8_t min_version, uint8_t max_version,
                           uint16_t ord);

}  // namespace pushpull::target

#endif  // TARGET_ISER_HEADER_H_
