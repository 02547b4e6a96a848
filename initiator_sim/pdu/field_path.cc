#include "initiator_sim/pdu/field_path.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "initiator_sim/pdu/bits.h"
#include "initiator_sim/pdu/format.h"

namespace pushpull::initiator_sim {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

struct Segment {
  std::string name;
  std::optional<int> index;
};

absl::StatusOr<std::vector<Segment>> Parse(std::string_view path) {
  std::vector<Segment> segments;
  for (const auto& view : absl::StrSplit(std::string(path), '.')) {
    const std::string part(view);
    Segment segment{part, std::nullopt};
    if (const size_t open = part.find('['); open != std::string::npos) {
      int index = 0;
      if (part.back() != ']' ||
          !absl::SimpleAtoi(part.substr(open + 1, part.size() - open - 2), &index) || index < 0) {
        return absl::InvalidArgumentError(absl::StrCat("\"", std::string(path), "\": bad index"));
      }
      segment = {part.substr(0, open), index};
    }
    if (segment.name.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", std::string(path), "\" is not a field path"));
    }
    segments.push_back(std::move(segment));
  }
  return segments;
}

bool IsKind(const FieldDescriptor* field) {
  return field->containing_type() == v1::Pdu::descriptor() &&
         field->containing_oneof() != nullptr && field->containing_oneof()->name() == "kind";
}

absl::Status NoSuchField(const v1::Pdu& pdu, const std::string& name) {
  std::vector<std::string> names;
  if (const FieldDescriptor* kind = KindField(pdu.kind_case())) {
    for (int i = 0; i < kind->message_type()->field_count(); ++i) {
      names.push_back(kind->message_type()->field(i)->name());
    }
  }
  return absl::NotFoundError(absl::StrCat(NameOf(pdu.kind_case()), " has no field \"", name,
                                          "\"; it has ", absl::StrJoin(names, ", ")));
}

// The message that the path's first segment is looked for in: that of the kind, or the PDU itself.
absl::StatusOr<bool> IsInKind(const v1::Pdu& pdu, const std::string& name) {
  const FieldDescriptor* kind = KindField(pdu.kind_case());
  if (kind != nullptr && kind->message_type()->FindFieldByName(name) != nullptr) return true;
  const FieldDescriptor* own = v1::Pdu::descriptor()->FindFieldByName(name);
  // Another kind's message isn't a part of this PDU: to set it would change the kind.
  if (own == nullptr || (IsKind(own) && own != kind)) return NoSuchField(pdu, name);
  return false;
}

absl::Status CheckSegment(const Message& in, const FieldDescriptor* field, const Segment& segment,
                          bool last) {
  if (field == nullptr) {
    return absl::NotFoundError(
        absl::StrCat(in.GetDescriptor()->name(), " has no field \"", segment.name, "\""));
  }
  if (field->is_repeated() != segment.index.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", segment.name, "\" ", field->is_repeated() ? "needs" : "has no", " index"));
  }
  const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (is_message == last) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", segment.name, "\" is ", last ? "a message, name a field of it" : "no message"));
  }
  return absl::OkStatus();
}

bool IsText(const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}

std::optional<FieldValue> Read(const Message& message, const FieldDescriptor* field) {
  if (field->has_presence() && !message.GetReflection()->HasField(message, field)) {
    return std::nullopt;
  }
  if (IsText(field)) return FieldValue(message.GetReflection()->GetString(message, field));
  return FieldValue(FieldNumber(message, field));
}

// How many bits a field has on the wire.
int WidthOf(const v1::Pdu& pdu, const Message& message, const FieldDescriptor* field) {
  const FieldDescriptor* kind = KindField(pdu.kind_case());
  if (kind != nullptr && field->containing_type() == kind->message_type()) {
    for (const Field& f : FieldsOf(pdu.kind_case())) {
      if (f.number == field->number()) return f.width;
    }
  }
  if (message.GetDescriptor() == v1::Pdu::descriptor()) {
    if (field->number() == v1::Pdu::kOpcodeFieldNumber) return 6;
    if (field->number() == v1::Pdu::kTotalAhsLengthFieldNumber) return 8;
    if (field->number() == v1::Pdu::kDataSegmentLengthFieldNumber) return 24;
  }
  if (message.GetDescriptor() == v1::Ahs::descriptor()) {
    return field->number() == v1::Ahs::kAhsLengthFieldNumber ? 16 : 8;
  }
  return field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64 ? 64 : 32;
}

absl::Status Write(const v1::Pdu& pdu, Message* message, const FieldDescriptor* field,
                   const FieldValue& value) {
  const Reflection* reflection = message->GetReflection();
  if (IsText(field) != std::holds_alternative<std::string>(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", field->name(), "\" takes ", IsText(field) ? "text" : "a number"));
  }
  if (IsText(field)) {
    reflection->SetString(message, field, std::get<std::string>(value));
    return absl::OkStatus();
  }
  const int width = WidthOf(pdu, *message, field);
  uint64_t number = std::get<uint64_t>(value);
  if (width < 64) number &= (uint64_t{1} << width) - 1;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection->SetBool(message, field, number != 0);
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      reflection->SetEnumValue(message, field, static_cast<int>(number));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      reflection->SetUInt32(message, field, static_cast<uint32_t>(number));
      break;
    default:
      reflection->SetUInt64(message, field, number);
      break;
  }
  return absl::OkStatus();
}

// Goes one message down, making it where it isn't there.
absl::StatusOr<Message*> Enter(Message* message, const FieldDescriptor* field,
                               const Segment& segment) {
  const Reflection* reflection = message->GetReflection();
  if (!segment.index.has_value()) return reflection->MutableMessage(message, field);
  const int size = reflection->FieldSize(*message, field);
  if (*segment.index > size) {
    return absl::InvalidArgumentError(absl::StrCat("\"", segment.name, "\" has ", size,
                                                   " elements, none before index ", *segment.index,
                                                   " may be missing"));
  }
  if (*segment.index == size) return reflection->AddMessage(message, field);
  return reflection->MutableRepeatedMessage(message, field, *segment.index);
}

}  // namespace

absl::StatusOr<std::optional<FieldValue>> GetField(const v1::Pdu& pdu, std::string_view path) {
  absl::StatusOr<std::vector<Segment>> segments = Parse(path);
  if (!segments.ok()) return segments.status();
  absl::StatusOr<bool> in_kind = IsInKind(pdu, segments->front().name);
  if (!in_kind.ok()) return in_kind.status();
  const Message* message = &pdu;
  if (*in_kind) message = &pdu.GetReflection()->GetMessage(pdu, KindField(pdu.kind_case()));

  bool is_there = true;
  for (size_t i = 0;; ++i) {
    const Segment& segment = (*segments)[i];
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(segment.name);
    const bool last = i + 1 == segments->size();
    if (absl::Status s = CheckSegment(*message, field, segment, last); !s.ok()) return s;
    if (last) return is_there ? Read(*message, field) : std::nullopt;
    const Reflection* reflection = message->GetReflection();
    if (!segment.index.has_value()) {
      is_there = is_there && reflection->HasField(*message, field);
      message = &reflection->GetMessage(*message, field);
    } else if (*segment.index < reflection->FieldSize(*message, field)) {
      message = &reflection->GetRepeatedMessage(*message, field, *segment.index);
    } else {
      // The rest of the path is still checked, on an empty message.
      is_there = false;
      message = google::protobuf::MessageFactory::generated_factory()->GetPrototype(
          field->message_type());
    }
  }
}

absl::Status SetField(v1::Pdu* pdu, std::string_view path, const FieldValue& value) {
  absl::StatusOr<std::vector<Segment>> segments = Parse(path);
  if (!segments.ok()) return segments.status();
  // What can't be read can't be set either.
  if (absl::Status s = GetField(*pdu, path).status(); !s.ok()) return s;
  v1::Pdu changed = *pdu;  // so that a failure leaves the PDU as it was
  Message* message = &changed;
  if (*IsInKind(*pdu, segments->front().name)) {
    message = changed.GetReflection()->MutableMessage(&changed, KindField(pdu->kind_case()));
  }
  for (size_t i = 0;; ++i) {
    const Segment& segment = (*segments)[i];
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(segment.name);
    if (i + 1 == segments->size()) {
      absl::Status status = Write(*pdu, message, field, value);
      if (status.ok()) pdu->Swap(&changed);
      return status;
    }
    absl::StatusOr<Message*> inner = Enter(message, field, segment);
    if (!inner.ok()) return inner.status();
    message = *inner;
  }
}

}  // namespace pushpull::initiator_sim
