#include "initiator_sim/player/block_lengths.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace pushpull::initiator_sim {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::string_view kSuffix = "_in_blocks";

bool IsInBlocks(const FieldDescriptor& field) {
  return std::string_view(field.name()).ends_with(kSuffix);
}

std::vector<const FieldDescriptor*> FieldsOf(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return fields;
}

uint64_t Number(const Message& message, const FieldDescriptor* field) {
  const Reflection* const reflection = message.GetReflection();
  return field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32
             ? reflection->GetUInt32(message, field)
             : reflection->GetUInt64(message, field);
}

void SetNumber(uint64_t number, const FieldDescriptor* field, Message* message) {
  const Reflection* const reflection = message->GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
    reflection->SetUInt32(message, field,
                          static_cast<uint32_t>(std::min<uint64_t>(number, UINT32_MAX)));
  } else {
    reflection->SetUInt64(message, field, number);
  }
}

}  // namespace

void ResolveBlockLengths(uint32_t block_size, Message* message) {
  const Reflection* const reflection = message->GetReflection();
  for (const FieldDescriptor* field : FieldsOf(*message)) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!field->is_repeated()) {
        ResolveBlockLengths(block_size, reflection->MutableMessage(message, field));
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        ResolveBlockLengths(block_size, reflection->MutableRepeatedMessage(message, field, i));
      }
    } else if (IsInBlocks(*field)) {
      const std::string& name = field->name();
      const FieldDescriptor* const bytes =
          message->GetDescriptor()->FindFieldByName(name.substr(0, name.size() - kSuffix.size()));
      CHECK(bytes != nullptr) << field->full_name();
      const uint64_t blocks = Number(*message, field);
      reflection->ClearField(message, field);
      const bool too_many = block_size != 0 && blocks > UINT64_MAX / block_size;
      SetNumber(too_many ? UINT64_MAX : blocks * block_size, bytes, message);
    }
  }
}

bool HasBlockLengths(const Message& message) {
  const Reflection* const reflection = message.GetReflection();
  for (const FieldDescriptor* field : FieldsOf(message)) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      if (IsInBlocks(*field)) return true;
      continue;
    }
    if (!field->is_repeated()) {
      if (HasBlockLengths(reflection->GetMessage(message, field))) return true;
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      if (HasBlockLengths(reflection->GetRepeatedMessage(message, field, i))) return true;
    }
  }
  return false;
}

}  // namespace pushpull::initiator_sim
