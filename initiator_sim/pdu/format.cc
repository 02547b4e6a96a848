#include "initiator_sim/pdu/format.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pushpull::initiator_sim {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsHex(const std::string& field) {
  return absl::EndsWith(field, "_tag") || absl::EndsWith(field, "_digest") ||
         absl::EndsWith(field, "_bytes") || field == "opcode" || field == "tsih" ||
         field == "status_class" || field == "status_detail" || field == "additional_sense_code" ||
         field == "additional_sense_code_qualifier" || field == "response_code";
}

}  // namespace

uint64_t FieldNumber(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, field) ? 1 : 0;
    case FieldDescriptor::CPPTYPE_ENUM:
      return static_cast<uint64_t>(int64_t{reflection->GetEnumValue(message, field)});
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->GetUInt32(message, field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection->GetUInt64(message, field);
    default:
      return 0;
  }
}

std::string FormatField(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  if (field->type() == FieldDescriptor::TYPE_BYTES) {
    return FormatBytes(reflection->GetString(message, field));
  }
  if (field->type() == FieldDescriptor::TYPE_STRING) {
    return absl::StrCat("\"", absl::CHexEscape(reflection->GetString(message, field)), "\"");
  }
  if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
    return absl::StrCat("{ ", reflection->GetMessage(message, field).ShortDebugString(), " }");
  }
  const uint64_t number = FieldNumber(message, field);
  if (field->type() == FieldDescriptor::TYPE_ENUM) {
    const EnumValueDescriptor* value =
        field->enum_type()->FindValueByNumber(static_cast<int>(number));
    return value == nullptr ? absl::StrFormat("0x%x", number)
                            : absl::StrFormat("%s (0x%x)", value->name(), number);
  }
  return IsHex(field->name()) ? absl::StrFormat("0x%x", number) : absl::StrCat(number);
}

std::string FormatBytes(std::string_view bytes, size_t limit) {
  std::string text =
      "0x" + absl::BytesToHexString(std::string(bytes.substr(0, std::min(limit, bytes.size()))));
  if (bytes.size() > limit) absl::StrAppend(&text, "... (", bytes.size(), " bytes)");
  return text;
}

}  // namespace pushpull::initiator_sim
