#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

// SPC-4 §4.5: the low bit tells a deferred error from a current one.
constexpr uint32_t kFixed = 0x70;
constexpr uint32_t kDescriptor = 0x72;
constexpr size_t kFixedSize = 18;
constexpr size_t kDescriptorHeaderSize = 8;
constexpr size_t kInformationDescriptorSize = 12;
constexpr uint8_t kValid = 0x80;

std::string EncodeFixed(const v1::SenseData& sense, uint32_t response_code) {
  std::string out(kFixedSize, '\0');
  auto* bytes = reinterpret_cast<uint8_t*>(out.data());
  bytes[0] = static_cast<uint8_t>(response_code);
  if (sense.has_information()) {
    bytes[0] |= kValid;
    base::StoreBe32(bytes + 3, static_cast<uint32_t>(sense.information()));
  }
  bytes[2] = static_cast<uint8_t>(sense.sense_key() & 0xf);
  bytes[7] = kFixedSize - 8;
  bytes[12] = static_cast<uint8_t>(sense.additional_sense_code());
  bytes[13] = static_cast<uint8_t>(sense.additional_sense_code_qualifier());
  return out;
}

std::string EncodeDescriptor(const v1::SenseData& sense, uint32_t response_code) {
  std::string out(kDescriptorHeaderSize, '\0');
  if (sense.has_information()) out.resize(kDescriptorHeaderSize + kInformationDescriptorSize);
  auto* bytes = reinterpret_cast<uint8_t*>(out.data());
  bytes[0] = static_cast<uint8_t>(response_code);
  bytes[1] = static_cast<uint8_t>(sense.sense_key() & 0xf);
  bytes[2] = static_cast<uint8_t>(sense.additional_sense_code());
  bytes[3] = static_cast<uint8_t>(sense.additional_sense_code_qualifier());
  bytes[7] = static_cast<uint8_t>(out.size() - kDescriptorHeaderSize);
  if (sense.has_information()) {
    bytes[9] = kInformationDescriptorSize - 2;
    bytes[10] = kValid;
    base::StoreBe64(bytes + 12, sense.information());
  }
  return out;
}

void ParseFixed(base::Bytes sense, v1::SenseData* out) {
  if (sense.size() > 2) out->set_sense_key(static_cast<v1::SenseKey>(sense[2] & 0xf));
  if (sense.size() < 8) return;
  if ((sense[0] & kValid) != 0) out->set_information(base::LoadBe32(&sense[3]));
  const size_t end = std::min(sense.size(), size_t{8} + sense[7]);
  if (end > 12) out->set_additional_sense_code(sense[12]);
  if (end > 13) out->set_additional_sense_code_qualifier(sense[13]);
}

void ParseDescriptor(base::Bytes sense, v1::SenseData* out) {
  if (sense.size() > 1) out->set_sense_key(static_cast<v1::SenseKey>(sense[1] & 0xf));
  if (sense.size() > 2) out->set_additional_sense_code(sense[2]);
  if (sense.size() > 3) out->set_additional_sense_code_qualifier(sense[3]);
  if (sense.size() < kDescriptorHeaderSize) return;
  const size_t end = std::min(sense.size(), kDescriptorHeaderSize + sense[7]);
  for (size_t at = kDescriptorHeaderSize; at + 2 <= end; at += 2u + sense[at + 1]) {
    const bool is_information = sense[at] == 0 && sense[at + 1] == kInformationDescriptorSize - 2 &&
                                at + kInformationDescriptorSize <= end &&
                                (sense[at + 2] & kValid) != 0;
    if (is_information) out->set_information(base::LoadBe64(&sense[at + 4]));
  }
}

}  // namespace

std::string EncodeSense(const v1::SenseData& sense) {
  if (sense.has_raw()) return sense.raw();
  const bool wide = sense.has_information() && sense.information() > 0xffffffff;
  const uint32_t code =
      sense.has_response_code() ? sense.response_code() : (wide ? kDescriptor : kFixed);
  return (code & 0x7e) == kDescriptor ? EncodeDescriptor(sense, code) : EncodeFixed(sense, code);
}

std::optional<v1::SenseData> ParseSense(base::Bytes sense) {
  if (sense.empty()) return std::nullopt;
  const uint32_t code = sense[0] & 0x7f;
  v1::SenseData out;
  if ((code & 0x7e) == kFixed) {
    ParseFixed(sense, &out);
  } else if ((code & 0x7e) == kDescriptor) {
    ParseDescriptor(sense, &out);
  } else {
    return std::nullopt;
  }
  out.set_response_code(code);
  out.set_raw(std::string(base::AsText(sense)));
  return out;
}

std::optional<v1::SenseData> SenseOf(const v1::Pdu& pdu) {
  if (pdu.data().has_sense()) return pdu.data().sense();
  const base::Bytes data = base::AsBytes(pdu.data().raw());
  if (data.size() < 2) return std::nullopt;
  const size_t length = base::LoadBe16(data.data());
  if (length > data.size() - 2) return std::nullopt;
  return ParseSense(data.subspan(2, length));
}

std::string DescribeSense(const v1::SenseData& sense) {
  const std::string& name = v1::SenseKey_Name(sense.sense_key());
  return absl::StrFormat("%s %02xh/%02xh",
                         name.empty() ? absl::StrFormat("sense key %xh", sense.sense_key()) : name,
                         sense.additional_sense_code(), sense.additional_sense_code_qualifier());
}

}  // namespace pushpull::initiator_sim
