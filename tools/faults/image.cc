#include "tools/faults/image.h"

#include <algorithm>

#include "base/check.h"
#include "google/protobuf/descriptor.h"

namespace pushpull::faults {
namespace {

using initiator_sim::Field;
using initiator_sim::kBhsSize;
using initiator_sim::PduKind;

size_t PadOf(size_t size) { return (4 - size % 4) % 4; }

void Append(std::string_view part, std::vector<uint8_t>* bytes) {
  bytes->insert(bytes->end(), part.begin(), part.end());
}

void AppendDigest(base::Bytes of, uint32_t flaw, std::vector<uint8_t>* bytes) {
  uint8_t digest[4];
  base::StoreBe32(digest, initiator_sim::DigestOf(of) ^ flaw);
  bytes->insert(bytes->end(), std::begin(digest), std::end(digest));
}

const google::protobuf::Descriptor* MessageOf(PduKind kind) {
  return v1::Pdu::descriptor()->FindFieldByNumber(static_cast<int>(kind))->message_type();
}

}  // namespace

uint64_t Image::Get(const Field& field) const {
  if (field.width < 8) {
    return uint64_t{bhs[field.byte]} >> (8 - field.bit - field.width) & ((1u << field.width) - 1);
  }
  uint64_t value = 0;
  for (size_t i = 0; i < field.width / 8u; ++i) value = value << 8 | bhs[field.byte + i];
  return value;
}

void Image::Set(const Field& field, uint64_t value) {
  if (field.width < 8) {
    const int shift = 8 - field.bit - field.width;
    const auto mask = static_cast<uint8_t>(((1u << field.width) - 1) << shift);
    bhs[field.byte] = static_cast<uint8_t>((bhs[field.byte] & ~mask) |
                                           (static_cast<uint8_t>(value << shift) & mask));
    return;
  }
  for (size_t i = field.width / 8u; i-- > 0; value >>= 8) {
    bhs[field.byte + i] = static_cast<uint8_t>(value);
  }
}

void Image::SetData(std::string_view bytes) {
  data = std::string(bytes);
  pad = std::string(PadOf(bytes.size()), '\0');
  SetDataSegmentLength(static_cast<uint32_t>(bytes.size()));
}

Image TakeApart(base::Bytes bytes, initiator_sim::Digests digests) {
  const initiator_sim::PduLayout layout = initiator_sim::LayoutOf(bytes, digests);
  CHECK_EQ(layout.end, bytes.size());
  const std::string_view all = base::AsText(bytes);
  Image image;
  std::copy_n(bytes.begin(), kBhsSize, image.bhs.begin());
  image.ahs = all.substr(layout.ahs, layout.header_digest - layout.ahs);
  image.data = all.substr(layout.data, layout.pad - layout.data);
  image.pad = all.substr(layout.pad, layout.data_digest - layout.pad);
  image.digests = digests;
  return image;
}

std::vector<uint8_t> PutTogether(const Image& image) {
  std::vector<uint8_t> bytes(image.bhs.begin(), image.bhs.end());
  Append(image.ahs, &bytes);
  if (image.digests.header_digest) AppendDigest(bytes, image.header_digest_flaw, &bytes);
  const size_t begin = bytes.size();
  Append(image.data, &bytes);
  Append(image.pad, &bytes);
  if (image.digests.data_digest && bytes.size() > begin) {
    const std::vector<uint8_t> part(bytes.begin() + static_cast<ptrdiff_t>(begin), bytes.end());
    AppendDigest(part, image.data_digest_flaw, &bytes);
  }
  return bytes;
}

Image ImageOf(const v1::Pdu& pdu, initiator_sim::Digests digests) {
  const auto encoded = initiator_sim::Encode(pdu, digests);
  CHECK(encoded.ok()) << encoded.status();
  return TakeApart(encoded->bytes, digests);
}

v1::Pdu Decoded(const Image& image) {
  return initiator_sim::Decode(PutTogether(image), image.digests).pdu;
}

const Field* FindField(PduKind kind, std::string_view name) {
  for (const Field& field : initiator_sim::FieldsOf(kind)) {
    if (NameOfField(kind, field) == name) return &field;
  }
  return nullptr;
}

const Field& FieldNamed(PduKind kind, std::string_view name) {
  const Field* field = FindField(kind, name);
  CHECK(field != nullptr) << name;
  return *field;
}

std::string NameOfField(PduKind kind, const Field& field) {
  return MessageOf(kind)->FindFieldByNumber(field.number)->name();
}

std::string NameOfKind(PduKind kind) {
  return v1::Pdu::descriptor()->FindFieldByNumber(static_cast<int>(kind))->name();
}

}  // namespace pushpull::faults
