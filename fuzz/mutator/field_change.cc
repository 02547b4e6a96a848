#include "fuzz/mutator/field_change.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pushpull::fuzz {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// One place that can be changed.
struct Place {
  Message* message;
  const FieldDescriptor* field;
};

constexpr int kDeepest = 6;  // messages within messages that are made anew

// Places with a value, and those without in messages that are there.
void Collect(Message* message, std::vector<Place>* places) {
  const Descriptor& descriptor = *message->GetDescriptor();
  const Reflection& reflection = *message->GetReflection();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor* const field = descriptor.field(i);
    if (MeaningOf(*field) == Meaning::kFixed) continue;
    places->push_back({message, field});
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (field->is_repeated()) {
      for (int j = 0; j < reflection.FieldSize(*message, field); ++j) {
        Collect(reflection.MutableRepeatedMessage(message, field, j), places);
      }
    } else if (reflection.HasField(*message, field)) {
      Collect(reflection.MutableMessage(message, field), places);
    }
  }
}

bool IsSet(const Place& place) {
  const Reflection& reflection = *place.message->GetReflection();
  return place.field->is_repeated() ? reflection.FieldSize(*place.message, place.field) > 0
                                    : reflection.HasField(*place.message, place.field);
}

// A field of a oneof whose other member is set: taking it means another kind of thing.
bool WouldReplace(const Place& place) {
  const auto* const oneof = place.field->real_containing_oneof();
  return oneof != nullptr && !IsSet(place) &&
         place.message->GetReflection()->HasOneof(*place.message, oneof);
}

uint64_t Near(uint64_t value, base::Random* random) {
  switch (random->Below(6)) {
    case 0:
      return value + 1;
    case 1:
      return value - 1;
    case 2:
      return value ^ (uint64_t{1} << random->Below(32));
    case 3:
      return value + random->Below(9) - 4;
    case 4:
      return value * 2;
    default:
      return value / 2;
  }
}

// As a flat value of the field's type: what doesn't fit is cut off.
void SetNumber(const Place& place, uint64_t value) {
  Message* const message = place.message;
  const Reflection& reflection = *message->GetReflection();
  const FieldDescriptor* const field = place.field;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return field->is_repeated()
                 ? reflection.AddUInt32(message, field, static_cast<uint32_t>(value))
                 : reflection.SetUInt32(message, field, static_cast<uint32_t>(value));
    case FieldDescriptor::CPPTYPE_UINT64:
      return field->is_repeated() ? reflection.AddUInt64(message, field, value)
                                  : reflection.SetUInt64(message, field, value);
    case FieldDescriptor::CPPTYPE_INT64:
      if (!field->is_repeated()) {
        reflection.SetInt64(message, field, static_cast<int64_t>(static_cast<int32_t>(value)));
      }
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      if (!field->is_repeated()) reflection.SetBool(message, field, (value & 1) != 0);
      return;
    default:
      return;
  }
}

uint64_t NumberIn(const Place& place) {
  const Reflection& reflection = *place.message->GetReflection();
  if (place.field->is_repeated()) return 0;
  switch (place.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(*place.message, place.field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.GetUInt64(*place.message, place.field);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<uint64_t>(reflection.GetInt64(*place.message, place.field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(*place.message, place.field) ? 0 : 1;
    default:
      return 0;
  }
}

void SetText(const Place& place, std::string text) {
  const Reflection& reflection = *place.message->GetReflection();
  if (place.field->is_repeated()) {
    reflection.AddString(place.message, place.field, std::move(text));
  } else {
    reflection.SetString(place.message, place.field, std::move(text));
  }
}

void SetEnum(const Place& place, base::Random* random) {
  if (place.field->is_repeated()) return;
  const auto* const type = place.field->enum_type();
  const int value =
      random->Chance(90)
          ? type->value(static_cast<int>(random->Below(type->value_count())))->number()
          : static_cast<int>(random->Below(256));
  place.message->GetReflection()->SetEnumValue(place.message, place.field, value);
}

// A message that wasn't there, with a field or two.
void MakeMessage(Message* message, const Names& names, base::Random* random, int depth);

void SetAnew(const Place& place, const Names& names, base::Random* random, int depth) {
  const Meaning meaning = MeaningOf(*place.field);
  const Reflection& reflection = *place.message->GetReflection();
  switch (place.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return SetText(place, TextOf(meaning, names, random));
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(place, random);
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      Message* const made = place.field->is_repeated()
                                ? reflection.AddMessage(place.message, place.field)
                                : reflection.MutableMessage(place.message, place.field);
      return MakeMessage(made, names, random, depth + 1);
    }
    default:
      return SetNumber(place, NumberOf(meaning, random));
  }
}

void MakeMessage(Message* message, const Names& names, base::Random* random, int depth) {
  if (depth >= kDeepest) return;
  std::vector<Place> places;
  Collect(message, &places);
  for (uint64_t i = random->Below(3); i > 0 && !places.empty(); --i) {
    const Place place = places[random->Below(places.size())];
    if (!WouldReplace(place)) SetAnew(place, names, random, depth);
  }
}

void ChangeSet(const Place& place, const Names& names, base::Random* random) {
  const Reflection& reflection = *place.message->GetReflection();
  const int size =
      place.field->is_repeated() ? reflection.FieldSize(*place.message, place.field) : 0;
  if (size > 0 && random->Chance(60)) {
    const int last = size - 1;
    const int other = static_cast<int>(random->Below(static_cast<uint64_t>(size)));
    if (random->Chance(50)) {
      reflection.SwapElements(place.message, place.field, other, last);
    }
    return reflection.RemoveLast(place.message, place.field);
  }
  if (random->Chance(20)) return reflection.ClearField(place.message, place.field);
  if (size == 0 && place.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return MakeMessage(reflection.MutableMessage(place.message, place.field), names, random, 0);
  }
  const bool number = place.field->cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
                      place.field->cpp_type() != FieldDescriptor::CPPTYPE_ENUM &&
                      place.field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
  if (number && random->Chance(50)) {
    const uint64_t value = NumberIn(place);
    const bool flag = place.field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
    return SetNumber(place, flag ? value : Near(value, random));
  }
  SetAnew(place, names, random, 0);
}

void MutateBytes(bool text, std::string* bytes, base::Random* random) {
  const auto any = [&] {
    return static_cast<char>(text ? random->Between(0x20, 0x7e) : random->Below(256));
  };
  const size_t at = random->Below(bytes->size() + 1);
  switch (random->Below(5)) {
    case 0:
      bytes->insert(at, 1, any());
      return;
    case 1:
      if (at < bytes->size()) bytes->erase(at, random->Between(1, 4));
      return;
    case 2:
      bytes->resize(std::min<size_t>(bytes->size() * 2 + 1, 4096), any());
      return;
    default:
      if (at < bytes->size()) (*bytes)[at] = any();
      return;
  }
}

}  // namespace

bool ChangeField(const Names& names, Message* message, base::Random* random) {
  std::vector<Place> places;
  Collect(message, &places);
  std::vector<Place> set;
  std::copy_if(places.begin(), places.end(), std::back_inserter(set), IsSet);
  std::erase_if(places, [](const Place& place) { return IsSet(place) || WouldReplace(place); });
  const bool change = places.empty() || random->Chance(55);
  if (change && !set.empty()) {
    ChangeSet(set[random->Below(set.size())], names, random);
    return true;
  }
  if (places.empty()) return false;
  SetAnew(places[random->Below(places.size())], names, random, 0);
  return true;
}

bool ChangeBytes(Message* message, base::Random* random) {
  std::vector<Place> places;
  Collect(message, &places);
  std::erase_if(places, [](const Place& place) {
    const Meaning meaning = MeaningOf(*place.field);
    const bool bytes = meaning == Meaning::kBytes || meaning == Meaning::kText ||
                       meaning == Meaning::kKeyName || meaning == Meaning::kKeyValue;
    return place.field->cpp_type() != FieldDescriptor::CPPTYPE_STRING || !bytes ||
           place.field->is_repeated() || !IsSet(place);
  });
  if (places.empty()) return false;
  const Place& place = places[random->Below(places.size())];
  const Reflection& reflection = *place.message->GetReflection();
  std::string bytes = reflection.GetString(*place.message, place.field);
  MutateBytes(place.field->type() != FieldDescriptor::TYPE_BYTES, &bytes, random);
  reflection.SetString(place.message, place.field, std::move(bytes));
  return true;
}

}  // namespace pushpull::fuzz
