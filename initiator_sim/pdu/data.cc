#include "initiator_sim/pdu/data.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/pattern.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

absl::Status TooLong(uint64_t size) {
  return absl::InvalidArgumentError(absl::StrCat(
      "a data segment of ", size, " bytes: DataSegmentLength ends at ", kMaxDataSegmentLength));
}

// The bytes of SenseLength, then the sense data. (RFC 7143 §11.4.7)
std::string WithSenseLength(const std::string& sense) {
  std::string out(2, '\0');
  base::StoreBe16(reinterpret_cast<uint8_t*>(out.data()), static_cast<uint16_t>(sense.size()));
  return out + sense;
}

// SBC-3, UNMAP: two lengths and four reserved bytes, then 16 bytes a range.
std::string EncodeUnmapList(const v1::UnmapList& list) {
  constexpr size_t kHeader = 8, kRange = 16;
  const size_t ranges = static_cast<size_t>(list.range_size()) * kRange;
  std::string out(kHeader + ranges, '\0');
  auto* bytes = reinterpret_cast<uint8_t*>(out.data());
  base::StoreBe16(bytes, static_cast<uint16_t>(kHeader - 2 + ranges));
  base::StoreBe16(bytes + 2, static_cast<uint16_t>(ranges));
  bytes += kHeader;
  for (const v1::UnmapRange& range : list.range()) {
    base::StoreBe64(bytes, range.lba());
    base::StoreBe32(bytes + 8, range.blocks());
    bytes += kRange;
  }
  return out;
}

std::string FormBytes(const v1::Data& data) {
  switch (data.form_case()) {
    case v1::Data::kRaw:
      return data.raw();
    case v1::Data::kText:
      return data.text();
    case v1::Data::kPattern: {
      std::string out(data.pattern().length(), '\0');
      FillPattern(data.pattern().seed(), data.pattern().offset(),
                  {reinterpret_cast<uint8_t*>(out.data()), out.size()});
      return out;
    }
    case v1::Data::kKeys:
      return EncodeKeys(data.keys());
    case v1::Data::kSense:
      return WithSenseLength(EncodeSense(data.sense()));
    case v1::Data::kZeros:
      return std::string(data.zeros(), '\0');
    case v1::Data::kUnmap:
      return EncodeUnmapList(data.unmap());
    case v1::Data::FORM_NOT_SET:
      return "";
  }
  return "";
}

}  // namespace

absl::StatusOr<std::string> DataBytes(const v1::Data& data) {
  if (data.zeros() > kMaxDataSegmentLength) return TooLong(data.zeros());
  if (data.pattern().length() > kMaxDataSegmentLength) return TooLong(data.pattern().length());
  std::string bytes = FormBytes(data);
  if (bytes.size() > kMaxDataSegmentLength) return TooLong(bytes.size());
  return bytes;
}

std::string EncodeKeys(const v1::KeyList& keys) {
  std::string text;
  for (const v1::KeyValue& key : keys.key()) {
    absl::StrAppend(&text, key.name(), "=", key.value());
    text.push_back('\0');
  }
  return text;
}

ParsedKeys ParseKeys(std::string_view text) {
  ParsedKeys parsed;
  const auto flaw = [&parsed](std::string what) {
    if (parsed.flaw.empty()) parsed.flaw = std::move(what);
  };
  while (!text.empty()) {
    const size_t end = text.find('\0');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (end == std::string_view::npos) flaw("the last key=value pair has no NUL after it");
    if (pair.empty()) {
      flaw("a NUL stands where a key=value pair was due");
      continue;
    }
    v1::KeyValue* key = parsed.keys.add_key();
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) {
      flaw(absl::StrCat("\"", absl::CHexEscape(std::string(pair)), "\" has no \"=\""));
    }
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    key->set_name(std::string(pair.substr(0, equals)));
    key->set_value(std::string(value));
  }
  return parsed;
}

const std::string* FindKey(const v1::KeyList& keys, std::string_view name) {
  for (const v1::KeyValue& key : keys.key()) {
    if (key.name() == name) return &key.value();
  }
  return nullptr;
}

}  // namespace pushpull::initiator_sim
