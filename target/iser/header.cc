#include "target/iser/header.h"

#include <algorithm>
#include <string_view>

#include "target/pdu/codes.h"
#include "target/pdu/opcode.h"

namespace pushpull::target {
namespace {

constexpr uint8_t kControl = 1;
constexpr uint8_t kHello = 2;
constexpr uint8_t kHelloReply = 3;

// In the first byte, below the opcode.
constexpr uint8_t kWsv = 0x08;
constexpr uint8_t kRsv = 0x04;
constexpr uint8_t kRej = 0x01;

constexpr size_t kWriteStag = 4;
constexpr size_t kWriteBase = 8;
constexpr size_t kReadStag = 16;
constexpr size_t kReadBase = 20;

ProtocolError FormatError(Reason reason, std::string_view section) {
  return {reason, section, Action::kCloseConnection};
}

ProtocolError Inconsistent() {
  return FormatError(Reason::kTransportHeader, "RFC 7145 §9.2, §10.1.3.3");
}

uint8_t High(uint8_t byte) { return byte >> 4; }
uint8_t Low(uint8_t byte) { return byte & 0xf; }

IserControl ParseControl(const uint8_t* p) {
  IserControl control;
  if ((p[0] & kWsv) != 0) {
    control.write = {base::LoadBe32(p + kWriteStag), base::LoadBe64(p + kWriteBase)};
  }
  if ((p[0] & kRsv) != 0) {
    control.read = {base::LoadBe32(p + kReadStag), base::LoadBe64(p + kReadBase)};
  }
  return control;
}

base::Result<IserHeader, ProtocolError> ParseHello(base::Bytes message) {
  if (message.size() != kIserHeaderBytes) {
    return FormatError(Reason::kLeftoverBytes, "RFC 7145 §9.3, §10.1.3.3");
  }
  const uint8_t* p = message.data();
  const IserHello hello{
      .max_version = High(p[1]), .min_version = Low(p[1]), .ird = base::LoadBe16(p + 2)};
  if (hello.min_version > hello.max_version) {
    return FormatError(Reason::kTransportHeader, "RFC 7145 §9.3, §10.1.3.3");
  }
  return IserHeader(hello);
}

base::Result<IserHeader, ProtocolError> ParseHelloReply(base::Bytes message) {
  if (message.size() != kIserHeaderBytes) {
    return FormatError(Reason::kLeftoverBytes, "RFC 7145 §9.4, §10.1.3.3");
  }
  const uint8_t* p = message.data();
  const IserHelloReply reply{.reject = (p[0] & kRej) != 0,
                             .max_version = High(p[1]),
                             .current_version = Low(p[1]),
                             .ord = base::LoadBe16(p + 2)};
  if (reply.current_version > reply.max_version) {
    return FormatError(Reason::kTransportHeader, "RFC 7145 §9.4, §10.1.3.3");
  }
  return IserHeader(reply);
}

uint8_t Nibbles(uint8_t high, uint8_t low) {
  return static_cast<uint8_t>(Low(high) << 4 | Low(low));
}

uint32_t ExpectedBytes(BhsView bhs) { return base::LoadBe32(bhs.data() + 20); }

}  // namespace

uint32_t UnsolicitedBytes(BhsView bhs, uint32_t first_burst_length) {
  const uint32_t most = bhs.final() ? bhs.data_segment_length()
                                    : std::max(bhs.data_segment_length(), first_burst_length);
  return std::min(most, ExpectedBytes(bhs));
}

base::Result<IserHeader, ProtocolError> ParseIserHeader(base::Bytes message) {
  if (message.size() < kIserHeaderBytes) {
    return FormatError(Reason::kShortMessage, "RFC 7145 §9.1, §10.1.3.3");
  }
  switch (High(message[0])) {
    case kControl:
      return IserHeader(ParseControl(message.data()));
    case kHello:
      return ParseHello(message);
    case kHelloReply:
      return ParseHelloReply(message);
    default:
      return FormatError(Reason::kTransportHeader, "RFC 7145 §9.1, §10.1.3.3");
  }
}

base::Result<void, ProtocolError> CheckIserControl(const IserControl& control, BhsView bhs,
                                                   uint32_t first_burst_length) {
  constexpr uint8_t kReadBit = 0x40;   // RFC 7143 §11.3.1
  constexpr uint8_t kWriteBit = 0x20;  // RFC 7143 §11.3.1
  constexpr uint8_t kFunction = 0x7f;  // RFC 7143 §11.5.1
  if (bhs.opcode() == Opcode::kTaskManagementRequest) {
    const bool reassign =
        (bhs.flags() & kFunction) == static_cast<uint8_t>(TaskManagementFunction::kTaskReassign);
    if (!reassign && (control.write || control.read)) return Inconsistent();
    return {};
  }
  if (bhs.opcode() != Opcode::kScsiCommand) {
    if (control.write || control.read) return Inconsistent();
    return {};
  }
  const bool reads = (bhs.flags() & kReadBit) != 0;
  const bool writes = (bhs.flags() & kWriteBit) != 0;
  const uint32_t expected_bytes = ExpectedBytes(bhs);
  if ((control.read && !reads) || (control.write && !writes)) return Inconsistent();
  // Of a bidirectional command this field is the write's length.
  if (reads && !control.read && (writes || expected_bytes > 0)) return Inconsistent();
  if (writes && !control.write && expected_bytes > UnsolicitedBytes(bhs, first_burst_length)) {
    return Inconsistent();
  }
  return {};
}

IserHeaderBytes BuildIserHeader(const IserControl& header) {
  IserHeaderBytes bytes = {};
  bytes[0] = kControl << 4;
  if (header.write) {
    bytes[0] |= kWsv;
    base::StoreBe32(&bytes[kWriteStag], header.write->stag);
    base::StoreBe64(&bytes[kWriteBase], header.write->base_offset);
  }
  if (header.read) {
    bytes[0] |= kRsv;
    base::StoreBe32(&bytes[kReadStag], header.read->stag);
    base::StoreBe64(&bytes[kReadBase], header.read->base_offset);
  }
  return bytes;
}

IserHeaderBytes BuildIserHeader(const IserHello& header) {
  IserHeaderBytes bytes = {};
  bytes[0] = kHello << 4;
  bytes[1] = Nibbles(header.max_version, header.min_version);
  base::StoreBe16(&bytes[2], header.ird);
  return bytes;
}

IserHeaderBytes BuildIserHeader(const IserHelloReply& header) {
  IserHeaderBytes bytes = {};
  bytes[0] = static_cast<uint8_t>(kHelloReply << 4 | (header.reject ? kRej : 0));
  bytes[1] = Nibbles(header.max_version, header.current_version);
  base::StoreBe16(&bytes[2], header.ord);
  return bytes;
}

IserHelloReply AnswerHello(const IserHello& hello, uint8_t min_version, uint8_t max_version,
                           uint16_t ord) {
  IserHelloReply reply{.max_version = max_version,
                       .current_version = std::min(hello.max_version, max_version),
                       .ord = std::min(ord, hello.ird)};
  if (hello.min_version > max_version || hello.max_version < min_version) {
    reply.reject = true;
    reply.current_version = max_version;
  }
  if (hello.ird > 0 && ord == 0) reply.reject = true;
  return reply;
}

}  // namespace pushpull::target
