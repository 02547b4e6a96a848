#include "initiator_sim/iser/header.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace pushpull::initiator_sim {
namespace {

// Opcodes, in the upper half of the first byte.
constexpr uint8_t kControl = 1;
constexpr uint8_t kHello = 2;
constexpr uint8_t kHelloReply = 3;

// The rows of figure 3, in bytes.
constexpr size_t kWriteStag = 4;
constexpr size_t kWriteBaseOffset = 8;
constexpr size_t kReadStag = 16;
constexpr size_t kReadBaseOffset = 20;

constexpr uint8_t kWriteStagValid = 0x08;
constexpr uint8_t kReadStagValid = 0x04;
constexpr uint8_t kReject = 0x01;

bool AllZero(base::Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

Advertised LoadAdvertised(base::Bytes message, size_t stag, size_t base_offset) {
  return {.stag = base::LoadBe32(message.data() + stag),
          .base_offset = base::LoadBe64(message.data() + base_offset)};
}

uint8_t Versions(uint8_t first, uint8_t second) {
  return static_cast<uint8_t>(first << 4 | (second & 0x0f));
}

void DecodeControl(base::Bytes m, DecodedIserHeader* decoded) {
  ControlHeader header;
  header.write_stag_valid = (m[0] & kWriteStagValid) != 0;
  header.read_stag_valid = (m[0] & kReadStagValid) != 0;
  header.write = LoadAdvertised(m, kWriteStag, kWriteBaseOffset);
  header.read = LoadAdvertised(m, kReadStag, kReadBaseOffset);
  const bool unused = (m[0] & 0x03) != 0 || !AllZero(m.subspan(1, 3));
  decoded->reserved_set = unused || (!header.write_stag_valid && header.write != Advertised()) ||
                          (!header.read_stag_valid && header.read != Advertised());
  decoded->header = header;
}

}  // namespace

IserHeader EncodeIserHeader(const ControlHeader& header) {
  IserHeader bytes{};
  bytes[0] = kControl << 4;
  if (header.write_stag_valid) {
    bytes[0] |= kWriteStagValid;
    base::StoreBe32(bytes.data() + kWriteStag, header.write.stag);
    base::StoreBe64(bytes.data() + kWriteBaseOffset, header.write.base_offset);
  }
  if (header.read_stag_valid) {
    bytes[0] |= kReadStagValid;
    base::StoreBe32(bytes.data() + kReadStag, header.read.stag);
    base::StoreBe64(bytes.data() + kReadBaseOffset, header.read.base_offset);
  }
  return bytes;
}

IserHeader EncodeIserHeader(const HelloHeader& header) {
  IserHeader bytes{};
  bytes[0] = kHello << 4;
  bytes[1] = Versions(header.max_version, header.min_version);
  base::StoreBe16(bytes.data() + 2, header.iser_ird);
  return bytes;
}

IserHeader EncodeIserHeader(const HelloReplyHeader& header) {
  IserHeader bytes{};
  bytes[0] = kHelloReply << 4;
  if (header.reject) bytes[0] |= kReject;
  bytes[1] = Versions(header.max_version, header.cur_version);
  base::StoreBe16(bytes.data() + 2, header.iser_ord);
  return bytes;
}

DecodedIserHeader DecodeIserHeader(base::Bytes message) {
  DecodedIserHeader decoded;
  if (message.size() < kIserHeaderSize) {
    decoded.flaw = absl::StrCat(message.size(), " bytes, an iSER header has 28 (RFC 7145 §9.1)");
    return decoded;
  }
  decoded.opcode = message[0] >> 4;
  const uint8_t high = message[1] >> 4;
  const uint8_t low = message[1] & 0x0f;
  const uint16_t depth = base::LoadBe16(message.data() + 2);
  const bool rest_set = !AllZero(message.subspan(4, kIserHeaderSize - 4));
  switch (decoded.opcode) {
    case kControl:
      DecodeControl(message, &decoded);
      break;
    case kHello:
      decoded.header = HelloHeader{.max_version = high, .min_version = low, .iser_ird = depth};
      decoded.reserved_set = rest_set || (message[0] & 0x0f) != 0;
      break;
    case kHelloReply:
      decoded.header = HelloReplyHeader{.reject = (message[0] & kReject) != 0,
                                        .max_version = high,
                                        .cur_version = low,
                                        .iser_ord = depth};
      decoded.reserved_set = rest_set || (message[0] & 0x0e) != 0;
      break;
    default:
      decoded.flaw =
          absl::StrCat("iSER opcode ", decoded.opcode, " is unassigned (RFC 7145 §9.1, §10.1.3.3)");
      break;
  }
  return decoded;
}

}  // namespace pushpull::initiator_sim
