// Defects on demand: what an iSER connection takes for something else.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "target/iser/connection.h"
#include "target/pdu/request.h"
#include "target/session/session.h"

namespace pushpull::target {
namespace {

bool AnySet(base::Bytes bytes) {
  return std::ranges::any_of(bytes, [](uint8_t byte) { return byte != 0; });
}

// STags and offsets behind flags that don't mark them as valid.
bool UnusedFieldsSet(base::Bytes header) {
  const bool write = (header[0] & 0x08) != 0;
  const bool read = (header[0] & 0x04) != 0;
  return (!write && AnySet(header.subspan(4, 12))) || (!read && AnySet(header.subspan(16, 12)));
}

}  // namespace

base::Result<IserHeader, ProtocolError> IserConnection::ParseOverread(base::Bytes message) {
  const std::vector<uint8_t> kept(message.begin(), message.end());
  return ParseIserHeader({kept.data(), std::max(kept.size(), kIserHeaderBytes)});
}

size_t IserConnection::MisreadMessage(base::MutableBytes buffer, size_t size) const {
  constexpr size_t kHeaders = kIserHeaderBytes + kBhsBytes;
  const uint8_t opcode = size == 0 ? 0 : buffer[0] >> 4;
  if (size >= kHeaders && opcode != 1 && opcode != 2 && opcode != 3 &&
      Has(Bug::kIserOpcodeUnchecked)) {
    buffer[0] = 0x10;
  }
  if (opcode == 1 && (buffer[0] & 0x03) != 0 && Has(Bug::kIserReservedBitsChecked)) buffer[0] = 0;
  if (opcode == 2 && size > kIserHeaderBytes && Has(Bug::kIserHelloLengthUnchecked)) {
    return kIserHeaderBytes;
  }
  if (opcode == 2 && size >= 2 && Has(Bug::kIserHelloVersionUnchecked)) {
    buffer[1] = kIserVersion << 4 | kIserVersion;
  }
  if (opcode != 1) return size;
  if (size < kHeaders && Has(Bug::kIserShortMessageAccepted)) size = kHeaders;
  if (size < kHeaders) return size;
  if (UnusedFieldsSet(base::Bytes(buffer).first(kIserHeaderBytes)) &&
      Has(Bug::kIserUnusedFieldsChecked)) {
    buffer[0] = 0;
  }
  return MisreadPdu(buffer, size);
}

size_t IserConnection::MisreadPdu(base::MutableBytes buffer, size_t size) const {
  constexpr size_t kHeaders = kIserHeaderBytes + kBhsBytes;
  const BhsView bhs(buffer.data() + kIserHeaderBytes);
  const size_t claimed = kHeaders + bhs.ahs_bytes() + bhs.data_segment_length();
  if (size > claimed && size == claimed + bhs.pad_bytes() && Has(Bug::kIserPadRefused)) {
    buffer[0] = 0;
  }
  if (bhs.opcode() == Opcode::kDataOut && DataOut::Decode(bhs).buffer_offset % 512 != 0 &&
      Has(Bug::kIserUnsolicitedAligned)) {
    buffer[0] = 0;
  }
  if (claimed > buffer.size()) return size;
  const bool lies = size < claimed ? Has(Bug::kIserShortMessageAccepted)
                                   : size > claimed && Has(Bug::kIserLongMessageAccepted);
  return lies ? claimed : size;
}

// Bug::kIserFlagsIgnored: what the command needs is taken as valid.
IserControl IserConnection::MisreadControl(IserControl control, base::Bytes header,
                                           BhsView bhs) const {
  if (bhs.opcode() != Opcode::kScsiCommand) return control;
  const ScsiCommand command = ScsiCommand::Decode(bhs);
  if (command.write && !control.write) {
    control.write = IserBuffer{base::LoadBe32(&header[4]), base::LoadBe64(&header[8])};
  }
  if (command.read && !control.read) {
    control.read = IserBuffer{base::LoadBe32(&header[16]), base::LoadBe64(&header[20])};
  }
  return control;
}

}  // namespace pushpull::target
