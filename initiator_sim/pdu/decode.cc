#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "initiator_sim/pdu/bits.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string ToString(base::Bytes bytes) { return std::string(base::AsText(bytes)); }

void SetNumber(Message* message, const FieldDescriptor* field, uint64_t value) {
  const Reflection* reflection = message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->SetBool(message, field, value != 0);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->SetEnumValue(message, field, static_cast<int>(value));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->SetUInt32(message, field, static_cast<uint32_t>(value));
    default:
      return reflection->SetUInt64(message, field, value);
  }
}

void LoadFields(PduKind kind, const uint8_t* bhs, v1::Pdu* pdu) {
  Message* message = pdu->GetReflection()->MutableMessage(pdu, KindField(kind));
  for (const Field& field : FieldsOf(kind)) {
    const FieldDescriptor* descriptor = message->GetDescriptor()->FindFieldByNumber(field.number);
    const uint64_t value = LoadField(bhs, field);
    SetNumber(message, descriptor, value);
    if (descriptor->name() != "lun_bytes") continue;
    if (const std::optional<uint64_t> lun = DecodeLun(value)) {
      SetNumber(message, message->GetDescriptor()->FindFieldByName("lun"), *lun);
    }
  }
}

void LoadKind(base::Bytes bytes, v1::Pdu* pdu) {
  const PduKind kind = KindOf(bytes[0] & 0x3f);
  if (kind == v1::Pdu::kRaw) {
    pdu->mutable_raw()->set_bhs(ToString(bytes.first(kBhsSize)));
  } else {
    LoadFields(kind, bytes.data(), pdu);
  }
  if (kind == v1::Pdu::kLoginRequest) {
    pdu->mutable_login_request()->set_isid(ToString(bytes.subspan(8, 6)));
  } else if (kind == v1::Pdu::kLoginResponse) {
    pdu->mutable_login_response()->set_isid(ToString(bytes.subspan(8, 6)));
  } else if (kind == v1::Pdu::kScsiCommand) {
    pdu->mutable_scsi_command()->mutable_cdb()->set_raw(ToString(bytes.subspan(32, 16)));
  }
  const bool immediate = (bytes[0] & 0x40) != 0;
  if (immediate || !IsResponse(kind)) pdu->set_immediate(immediate);
  pdu->set_opcode(bytes[0] & 0x3f);
  pdu->set_total_ahs_length(bytes[4]);
  pdu->set_data_segment_length(base::LoadBe24(&bytes[5]));
}

// RFC 7143 §11.2.2. Returns what is wrong.
std::string LoadAhs(base::Bytes bytes, v1::Pdu* pdu) {
  while (bytes.size() >= 4) {
    v1::Ahs* ahs = pdu->add_ahs();
    const size_t length = base::LoadBe16(bytes.data());
    ahs->set_ahs_length(static_cast<uint32_t>(length));
    ahs->set_ahs_type(bytes[2]);
    const size_t there = std::min(length, bytes.size() - 3);
    ahs->set_specific(ToString(bytes.subspan(3, there)));
    if (there < length) {
      return absl::StrCat("an AHS with AHSLength ", length, " runs over TotalAHSLength");
    }
    bytes = bytes.subspan(std::min(bytes.size(), (3 + length + 3) / 4 * 4));
  }
  return "";
}

PduLayout Clip(PduLayout layout, size_t end) {
  for (size_t* offset : {&layout.ahs, &layout.header_digest, &layout.data, &layout.pad,
                         &layout.data_digest, &layout.end}) {
    *offset = std::min(*offset, end);
  }
  return layout;
}

}  // namespace

PduLayout LayoutOf(base::Bytes bhs, Digests digests) {
  PduLayout layout;
  const size_t data_segment_length = base::LoadBe24(&bhs[5]);
  layout.header_digest = layout.ahs + size_t{bhs[4]} * 4;
  layout.data = layout.header_digest + (digests.header_digest ? 4 : 0);
  layout.pad = layout.data + data_segment_length;
  layout.data_digest = layout.pad + (4 - data_segment_length % 4) % 4;
  const bool has_data_digest = digests.data_digest && data_segment_length > 0;
  layout.end = layout.data_digest + (has_data_digest ? 4 : 0);
  return layout;
}

DecodedPdu Decode(base::Bytes bytes, Digests digests) {
  DecodedPdu out;
  if (bytes.size() < kBhsSize) {
    out.layout = Clip(out.layout, bytes.size());
    out.pdu.mutable_raw()->set_bhs(ToString(bytes));
    out.flaw = absl::StrCat(bytes.size(), " bytes, less than a header");
    return out;
  }
  const PduLayout claimed = LayoutOf(bytes, digests);
  if (bytes.size() < claimed.end) {
    out.flaw = absl::StrCat(bytes.size(), " bytes of ", claimed.end);
  } else if (bytes.size() > claimed.end) {
    out.flaw = absl::StrCat(bytes.size() - claimed.end, " bytes after the end");
  }
  out.layout = Clip(claimed, bytes.size());
  const PduLayout& layout = out.layout;

  LoadKind(bytes, &out.pdu);
  const base::Bytes ahs = bytes.subspan(layout.ahs, layout.header_digest - layout.ahs);
  const std::string ahs_flaw = LoadAhs(ahs, &out.pdu);
  if (out.flaw.empty()) out.flaw = ahs_flaw;
  if (layout.data - layout.header_digest == 4) {
    const uint32_t digest = base::LoadBe32(&bytes[layout.header_digest]);
    out.pdu.set_header_digest(digest);
    out.header_digest_ok = digest == DigestOf(bytes.first(layout.header_digest));
  }
  if (layout.pad > layout.data) {
    out.pdu.mutable_data()->set_raw(ToString(bytes.subspan(layout.data, layout.pad - layout.data)));
  }
  if (layout.data_digest > layout.pad) {
    out.pdu.set_pad(ToString(bytes.subspan(layout.pad, layout.data_digest - layout.pad)));
  }
  if (layout.end - layout.data_digest == 4) {
    const uint32_t digest = base::LoadBe32(&bytes[layout.data_digest]);
    out.pdu.set_data_digest(digest);
    out.data_digest_ok =
        digest == DigestOf(bytes.subspan(layout.data, layout.data_digest - layout.data));
  }
  return out;
}

v1::Pdu DecodeExactly(base::Bytes bytes, Digests digests) {
  v1::Pdu pdu = Decode(bytes, digests).pdu;
  absl::StatusOr<EncodedPdu> encoded = Encode(pdu, {});
  if (!encoded.ok() || encoded->bytes.size() != bytes.size()) {
    pdu.Clear();
    std::string* const bhs = pdu.mutable_raw()->mutable_bhs();
    *bhs = ToString(bytes.first(std::min(bytes.size(), kBhsSize)));
    bhs->resize(kBhsSize);  // else the length fields would be made anew
    if (bytes.size() > kBhsSize) {
      pdu.mutable_data()->set_raw(ToString(bytes.subspan(kBhsSize)));
      pdu.set_pad("");
    }
    return pdu;
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (encoded->bytes[i] == bytes[i]) continue;
    v1::Patch* patch = pdu.add_patch();
    patch->set_offset(static_cast<uint32_t>(i));
    patch->set_after_digests(true);
    size_t end = i + 1;
    while (end < bytes.size() && encoded->bytes[end] != bytes[end]) ++end;
    patch->set_replace(ToString(bytes.subspan(i, end - i)));
    i = end;
  }
  return pdu;
}

}  // namespace pushpull::initiator_sim
