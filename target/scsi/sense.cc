#include "target/scsi/sense.h"

#include <cstdio>
#include <cstring>

#include "base/bytes.h"

namespace pushpull::target {
namespace {

// The three sense-key specific bytes (SPC-4 §4.5.2.4.2): SKSV, C/D, BPV, bit pointer, field
// pointer.
void EncodeFieldPointer(const FieldPointer& field, uint8_t* out) {
  out[0] = 0x80;
  if (field.in_cdb) out[0] |= 0x40;
  if (field.bit.has_value()) out[0] |= 0x08 | (*field.bit & 7);
  base::StoreBe16(out + 1, field.byte);
}

// The same place (SPC-4 §4.5.2.4.4): SKSV, PROGRESS INDICATION.
void EncodeProgress(uint16_t progress, uint8_t* out) {
  out[0] = 0x80;
  base::StoreBe16(out + 1, progress);
}

// SPC-4 §4.5.3.
size_t EncodeFixed(const Sense& sense, uint8_t* out) {
  constexpr size_t kBytes = 18;
  std::memset(out, 0, kBytes);
  out[0] = 0x70;
  out[2] = static_cast<uint8_t>(sense.key);
  out[7] = kBytes - 8;
  out[12] = sense.asc;
  out[13] = sense.ascq;
  if (sense.information.has_value() && *sense.information <= UINT32_MAX) {
    out[0] |= 0x80;  // VALID
    base::StoreBe32(out + 3, static_cast<uint32_t>(*sense.information));
  }
  if (sense.field.has_value()) EncodeFieldPointer(*sense.field, out + 15);
  if (sense.progress.has_value()) EncodeProgress(*sense.progress, out + 15);
  return kBytes;
}

// SPC-4 §4.5.2.
size_t EncodeDescriptors(const Sense& sense, uint8_t* out) {
  std::memset(out, 0, kMaxSenseBytes);
  out[0] = 0x72;
  out[1] = static_cast<uint8_t>(sense.key);
  out[2] = sense.asc;
  out[3] = sense.ascq;
  size_t bytes = 8;
  if (sense.information.has_value()) {
    uint8_t* descriptor = out + bytes;
    descriptor[0] = 0x00;  // information
    descriptor[1] = 0x0a;
    descriptor[2] = 0x80;  // VALID
    base::StoreBe64(descriptor + 4, *sense.information);
    bytes += 12;
  }
  if (sense.field.has_value() || sense.progress.has_value()) {
    uint8_t* descriptor = out + bytes;
    descriptor[0] = 0x02;  // sense key specific
    descriptor[1] = 0x06;
    if (sense.field.has_value()) EncodeFieldPointer(*sense.field, descriptor + 4);
    if (sense.progress.has_value()) EncodeProgress(*sense.progress, descriptor + 4);
    bytes += 8;
  }
  out[7] = static_cast<uint8_t>(bytes - 8);
  return bytes;
}

}  // namespace

std::string Sense::ToString() const {
  char text[16];
  std::snprintf(text, sizeof text, "%x/%02x/%02x", static_cast<unsigned>(key), asc, ascq);
  return text;
}

size_t EncodeSense(const Sense& sense, bool descriptor_format, uint8_t* out) {
  return descriptor_format ? EncodeDescriptors(sense, out) : EncodeFixed(sense, out);
}

}  // namespace pushpull::target
