#include <algorithm>

#include "absl/strings/str_cat.h"
#include "initiator_sim/pdu/bits.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kCdbInHeader = 16;
constexpr uint32_t kAhsExtendedCdb = 1;

absl::Status TooWide(const std::string& field, uint64_t value, int bits) {
  return absl::InvalidArgumentError(
      absl::StrCat(field, " ", value, " has no room in ", bits, " bits"));
}

uint64_t NumberOf(const Message& message, const FieldDescriptor* field) {
  const Reflection* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, field) ? 1 : 0;
    case FieldDescriptor::CPPTYPE_ENUM:
      // A negative enum number is a script error; it becomes too wide here.
      return static_cast<uint64_t>(int64_t{reflection->GetEnumValue(message, field)});
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->GetUInt32(message, field);
    default:
      return reflection->GetUInt64(message, field);
  }
}

bool HasContinueBit(const v1::Pdu& pdu) {
  return pdu.text_request().text_continue() || pdu.text_response().text_continue();
}

// A LUN by its number, where lun_bytes isn't set.
absl::StatusOr<uint64_t> LunByNumber(const Message& kind) {
  const FieldDescriptor* lun = kind.GetDescriptor()->FindFieldByName("lun");
  if (!kind.GetReflection()->HasField(kind, lun)) return 0;
  return EncodeLun(kind.GetReflection()->GetUInt64(kind, lun));
}

absl::Status StoreFields(const v1::Pdu& pdu, uint8_t* bhs) {
  const Message& kind = pdu.GetReflection()->GetMessage(pdu, KindField(pdu.kind_case()));
  for (const Field& field : FieldsOf(pdu.kind_case())) {
    const FieldDescriptor* descriptor = kind.GetDescriptor()->FindFieldByNumber(field.number);
    uint64_t value = field.unset;
    if (kind.GetReflection()->HasField(kind, descriptor)) {
      value = NumberOf(kind, descriptor);
    } else if (descriptor->name() == "lun_bytes") {
      const absl::StatusOr<uint64_t> lun = LunByNumber(kind);
      if (!lun.ok()) return lun.status();
      value = *lun;
    } else if (descriptor->name() == "final" && HasContinueBit(pdu)) {
      value = 0;
    }
    if (field.width < 64 && value >> field.width != 0) {
      return TooWide(descriptor->name(), value, field.width);
    }
    StoreField(bhs, field, value);
  }
  return absl::OkStatus();
}

absl::Status StoreIsid(const std::string& isid, uint8_t* bhs) {
  if (isid.size() > 6) {
    return absl::InvalidArgumentError(absl::StrCat("an ISID of ", isid.size(), " bytes, not 6"));
  }
  std::copy(isid.begin(), isid.end(), bhs + 8);
  return absl::OkStatus();
}

// The parts of the PDU before they are put together.
struct Parts {
  Bhs bhs{};
  std::vector<uint8_t> ahs;
  std::string data;
  bool keep_lengths = false;  // the raw header has its own
};

void AppendAhs(const v1::Ahs& ahs, std::vector<uint8_t>* out) {
  const uint64_t length = ahs.has_ahs_length() ? ahs.ahs_length() : ahs.specific().size();
  out->push_back(static_cast<uint8_t>(length >> 8));
  out->push_back(static_cast<uint8_t>(length));
  out->push_back(static_cast<uint8_t>(ahs.ahs_type()));
  out->insert(out->end(), ahs.specific().begin(), ahs.specific().end());
  out->resize((out->size() + 3) / 4 * 4);
}

absl::Status MakeAhs(const v1::Pdu& pdu, base::Bytes cdb, std::vector<uint8_t>* out) {
  bool has_extended_cdb = false;
  for (const v1::Ahs& ahs : pdu.ahs()) {
    const uint64_t length = ahs.has_ahs_length() ? ahs.ahs_length() : ahs.specific().size();
    if (length > 0xffff) return TooWide("ahs_length", length, 16);
    if (ahs.ahs_type() > 0xff) return TooWide("ahs_type", ahs.ahs_type(), 8);
    if (ahs.ahs_type() == kAhsExtendedCdb) has_extended_cdb = true;
  }
  if (cdb.size() > kCdbInHeader && !has_extended_cdb) {
    v1::Ahs extended;
    extended.set_ahs_type(kAhsExtendedCdb);
    extended.set_specific(std::string(1, '\0') +
                          std::string(base::AsText(cdb.subspan(kCdbInHeader))));
    AppendAhs(extended, out);
  }
  for (const v1::Ahs& ahs : pdu.ahs()) AppendAhs(ahs, out);
  if (out->size() / 4 > kMaxTotalAhsLength && !pdu.has_total_ahs_length()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "AHS of ", out->size(), " bytes: TotalAHSLength ends at ", kMaxTotalAhsLength * 4));
  }
  return absl::OkStatus();
}

absl::Status MakeKind(const v1::Pdu& pdu, Parts* parts) {
  uint8_t* bhs = parts->bhs.data();
  std::vector<uint8_t> cdb;
  if (pdu.has_raw()) {
    const std::string& raw = pdu.raw().bhs();
    if (raw.size() > kBhsSize) {
      return absl::InvalidArgumentError(absl::StrCat("a raw header of ", raw.size(), " bytes"));
    }
    std::copy(raw.begin(), raw.end(), bhs);
    parts->keep_lengths = raw.size() >= 8;
  } else if (pdu.kind_case() == v1::Pdu::KIND_NOT_SET) {
    return absl::InvalidArgumentError("a PDU without a kind");
  } else {
    bhs[0] = OpcodeOf(pdu.kind_case());
    if (absl::Status status = StoreFields(pdu, bhs); !status.ok()) return status;
  }
  if (pdu.has_login_request()) {
    bhs[0] |= 0x40;
    if (absl::Status s = StoreIsid(pdu.login_request().isid(), bhs); !s.ok()) return s;
  }
  if (pdu.has_login_response()) {
    if (absl::Status s = StoreIsid(pdu.login_response().isid(), bhs); !s.ok()) return s;
  }
  if (pdu.has_scsi_command()) {
    absl::StatusOr<std::vector<uint8_t>> encoded = EncodeCdb(pdu.scsi_command().cdb());
    if (!encoded.ok()) return encoded.status();
    cdb = *std::move(encoded);
    std::copy_n(cdb.begin(), std::min(cdb.size(), kCdbInHeader), bhs + 32);
  }
  return MakeAhs(pdu, cdb, &parts->ahs);
}

absl::Status StoreCommonFields(const v1::Pdu& pdu, Parts* parts) {
  uint8_t* bhs = parts->bhs.data();
  if (pdu.has_opcode()) {
    if (pdu.opcode() > 0x3f) return TooWide("opcode", pdu.opcode(), 6);
    bhs[0] = static_cast<uint8_t>((bhs[0] & 0xc0) | pdu.opcode());
  }
  if (pdu.has_immediate()) {
    bhs[0] = static_cast<uint8_t>((bhs[0] & 0xbf) | (pdu.immediate() ? 0x40 : 0));
  }
  if (pdu.has_total_ahs_length()) {
    if (pdu.total_ahs_length() > kMaxTotalAhsLength) {
      return TooWide("total_ahs_length", pdu.total_ahs_length(), 8);
    }
    bhs[4] = static_cast<uint8_t>(pdu.total_ahs_length());
  } else if (!parts->keep_lengths) {
    bhs[4] = static_cast<uint8_t>(parts->ahs.size() / 4);
  }
  if (pdu.has_data_segment_length()) {
    if (pdu.data_segment_length() > kMaxDataSegmentLength) {
      return TooWide("data_segment_length", pdu.data_segment_length(), 24);
    }
    base::StoreBe24(bhs + 5, pdu.data_segment_length());
  } else if (!parts->keep_lengths) {
    base::StoreBe24(bhs + 5, static_cast<uint32_t>(parts->data.size()));
  }
  return absl::OkStatus();
}

// Puts the parts behind one another; digests are still 0.
EncodedPdu Join(const v1::Pdu& pdu, const Digests& digests, const Parts& parts) {
  EncodedPdu out;
  std::vector<uint8_t>& bytes = out.bytes;
  bytes.assign(parts.bhs.begin(), parts.bhs.end());
  bytes.insert(bytes.end(), parts.ahs.begin(), parts.ahs.end());
  out.layout.header_digest = bytes.size();
  if (digests.header_digest || pdu.has_header_digest()) bytes.resize(bytes.size() + 4);
  out.layout.data = bytes.size();
  bytes.insert(bytes.end(), parts.data.begin(), parts.data.end());
  out.layout.pad = bytes.size();
  if (pdu.has_pad()) {
    bytes.insert(bytes.end(), pdu.pad().begin(), pdu.pad().end());
  } else {
    bytes.resize(bytes.size() + (4 - parts.data.size() % 4) % 4);
  }
  out.layout.data_digest = bytes.size();
  const bool has_data = out.layout.data_digest > out.layout.data;
  if ((digests.data_digest && has_data) || pdu.has_data_digest()) bytes.resize(bytes.size() + 4);
  out.layout.end = bytes.size();
  return out;
}

absl::Status ApplyPatches(const v1::Pdu& pdu, bool after_digests, std::vector<uint8_t>* bytes) {
  for (const v1::Patch& patch : pdu.patch()) {
    if (patch.after_digests() != after_digests) continue;
    const bool is_xor = patch.change_case() == v1::Patch::kXor;
    const std::string& change = is_xor ? patch.xor_() : patch.replace();
    if (uint64_t{patch.offset()} + change.size() > bytes->size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a patch of ", change.size(), " bytes at ", patch.offset(),
                       " goes beyond the end of the PDU at ", bytes->size()));
    }
    for (size_t i = 0; i < change.size(); ++i) {
      const auto byte = static_cast<uint8_t>(change[i]);
      uint8_t& at = (*bytes)[patch.offset() + i];
      at = is_xor ? at ^ byte : byte;
    }
  }
  return absl::OkStatus();
}

void StoreDigests(const v1::Pdu& pdu, EncodedPdu* out) {
  const PduLayout& layout = out->layout;
  uint8_t* bytes = out->bytes.data();
  const base::Bytes all(out->bytes);
  if (layout.data > layout.header_digest) {
    base::StoreBe32(bytes + layout.header_digest, pdu.has_header_digest()
                                                      ? pdu.header_digest()
                                                      : DigestOf(all.first(layout.header_digest)));
  }
  if (layout.end > layout.data_digest) {
    const base::Bytes covered = all.subspan(layout.data, layout.data_digest - layout.data);
    base::StoreBe32(bytes + layout.data_digest,
                    pdu.has_data_digest() ? pdu.data_digest() : DigestOf(covered));
  }
}

}  // namespace

absl::StatusOr<EncodedPdu> Encode(const v1::Pdu& pdu, const EncodeOptions& options) {
  Parts parts;
  if (absl::Status status = MakeKind(pdu, &parts); !status.ok()) return status;
  absl::StatusOr<std::string> data = DataBytes(pdu.data());
  if (!data.ok()) return data.status();
  parts.data = *std::move(data);
  if (absl::Status status = StoreCommonFields(pdu, &parts); !status.ok()) return status;

  EncodedPdu out = Join(pdu, options, parts);
  if (absl::Status s = ApplyPatches(pdu, /*after_digests=*/false, &out.bytes); !s.ok()) return s;
  StoreDigests(pdu, &out);
  if (absl::Status s = ApplyPatches(pdu, /*after_digests=*/true, &out.bytes); !s.ok()) return s;
  return out;
}

}  // namespace pushpull::initiator_sim
