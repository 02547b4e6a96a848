#include "initiator_sim/pdu/random_pdu.h"

#include <string>

#include "google/protobuf/message.h"
#include "initiator_sim/pdu/bits.h"

namespace pushpull::initiator_sim {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string RandomBytes(size_t size, base::Random* random) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random->Next());
  return bytes;
}

void SetRandom(Message* message, const Field& field, base::Random* random) {
  const FieldDescriptor* descriptor = message->GetDescriptor()->FindFieldByNumber(field.number);
  const auto* reflection = message->GetReflection();
  const uint64_t value = random->Next() >> (64 - field.width);
  switch (descriptor->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->SetBool(message, descriptor, value != 0);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->SetEnumValue(message, descriptor, static_cast<int>(value));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->SetUInt32(message, descriptor, static_cast<uint32_t>(value));
    default:
      return reflection->SetUInt64(message, descriptor, value);
  }
}

void AddRandomAhs(v1::Pdu* pdu, base::Random* random) {
  for (uint64_t i = random->Below(3); i > 0; --i) {
    v1::Ahs* ahs = pdu->add_ahs();
    ahs->set_ahs_type(static_cast<uint32_t>(random->Between(1, 63)));
    ahs->set_specific(RandomBytes(random->Below(40), random));
  }
}

}  // namespace

v1::Pdu RandomPdu(PduKind kind, base::Random* random) {
  v1::Pdu pdu;
  if (kind == v1::Pdu::kRaw) {
    std::string bhs = RandomBytes(kBhsSize, random);
    bhs[0] = 0x1d;  // vendor-specific
    bhs.replace(4, 4, 4, '\0');
    pdu.mutable_raw()->set_bhs(bhs);
    return pdu;
  }
  Message* message = pdu.GetReflection()->MutableMessage(&pdu, KindField(kind));
  for (const Field& field : FieldsOf(kind)) SetRandom(message, field, random);
  if (pdu.has_login_request()) pdu.mutable_login_request()->set_isid(RandomBytes(6, random));
  if (pdu.has_login_response()) pdu.mutable_login_response()->set_isid(RandomBytes(6, random));
  if (pdu.has_scsi_command()) {
    pdu.mutable_scsi_command()->mutable_cdb()->set_raw(RandomBytes(16, random));
    AddRandomAhs(&pdu, random);
  }
  if (IsRequest(kind)) pdu.set_immediate(random->Chance(50));
  if (random->Chance(60)) {
    pdu.mutable_data()->set_raw(RandomBytes(random->Between(1, 600), random));
  }
  return pdu;
}

v1::Pdu RandomPdu(base::Random* random) {
  const auto* kinds = v1::Pdu::descriptor()->FindOneofByName("kind");
  const auto at = static_cast<int>(random->Below(static_cast<uint64_t>(kinds->field_count())));
  return RandomPdu(static_cast<PduKind>(kinds->field(at)->number()), random);
}

}  // namespace pushpull::initiator_sim
