#include "conformance/capture/recorded_pdu.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::conformance {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using initiator_sim::Digests;

// What the player fills in by itself, from what happened before: unset isn't 0 there.
bool IsPlayers(const Message& message, const FieldDescriptor* field) {
  const std::string_view name = field->name();
  if (name == "initiator_task_tag" || name == "cmd_sn" || name == "exp_stat_sn") return true;
  const std::string_view kind = message.GetDescriptor()->name();
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (kind == "ScsiCommand") {
    return is({"read", "write", "attr", "lun", "lun_bytes", "expected_data_transfer_length"});
  }
  if (kind == "LoginRequest") {
    return is({"transit", "current_stage", "next_stage", "isid", "tsih", "cid"});
  }
  if (kind == "DataOut") {
    return is({"final", "lun", "lun_bytes", "target_transfer_tag", "data_sn", "buffer_offset"});
  }
  if (kind == "TextRequest") return is({"lun", "lun_bytes", "target_transfer_tag"});
  if (kind == "LogoutRequest") return is({"cid"});
  if (kind == "TaskManagementRequest" || kind == "SnackRequest") {
    return is({"lun", "lun_bytes"});
  }
  return false;
}

// Unsets the fields of `message`, a part of `pdu`, without which the bytes are the same.
void Minimize(Message* message, const v1::Pdu& pdu, base::Bytes bytes, Digests digests) {
  const auto* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_repeated() || field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (IsPlayers(*message, field)) continue;
    const std::unique_ptr<Message> before(message->New());
    before->CopyFrom(*message);
    reflection->ClearField(message, field);
    const auto encoded = initiator_sim::Encode(pdu, digests);
    if (!encoded.ok() ||
        !std::equal(bytes.begin(), bytes.end(), encoded->bytes.begin(), encoded->bytes.end())) {
      message->CopyFrom(*before);
    }
  }
}

Message* KindOf(v1::Pdu* pdu) {
  const auto* oneof = v1::Pdu::descriptor()->FindOneofByName("kind");
  const auto* reflection = pdu->GetReflection();
  const FieldDescriptor* field = reflection->GetOneofFieldDescriptor(*pdu, oneof);
  return field == nullptr ? nullptr : reflection->MutableMessage(pdu, field);
}

// Keys instead of bytes where they say the same.
void NameKeys(v1::Pdu* pdu) {
  if (!pdu->has_login_request() && !pdu->has_text_request()) return;
  const std::string raw = initiator_sim::DataBytes(pdu->data()).value_or("");
  const initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(raw);
  const bool ascii = std::all_of(raw.begin(), raw.end(), [](char c) { return (c & 0x80) == 0; });
  if (raw.empty() || !ascii || !parsed.flaw.empty()) return;
  if (initiator_sim::EncodeKeys(parsed.keys) != raw) return;
  *pdu->mutable_data()->mutable_keys() = parsed.keys;
}

uint8_t OperationCode(const v1::Pdu& pdu) {
  const std::vector<uint8_t> cdb = initiator_sim::CdbOf(pdu);
  return cdb.empty() ? 0 : cdb[0];
}

void ExpectSense(const v1::Pdu& pdu, v1::Pdu* expected) {
  const std::optional<v1::SenseData> sense = initiator_sim::SenseOf(pdu);
  if (!sense.has_value()) return;
  v1::SenseData* due = expected->mutable_data()->mutable_sense();
  due->set_sense_key(sense->sense_key());
  due->set_additional_sense_code(sense->additional_sense_code());
  due->set_additional_sense_code_qualifier(sense->additional_sense_code_qualifier());
}

void ExpectScsiResponse(const v1::Pdu& pdu, bool of_blocks, v1::Pdu* expected) {
  const v1::ScsiResponse& response = pdu.scsi_response();
  v1::ScsiResponse* due = expected->mutable_scsi_response();
  due->set_response(response.response());
  due->set_status(response.status());
  if (of_blocks) {
    due->set_residual_overflow(response.residual_overflow());
    due->set_residual_underflow(response.residual_underflow());
    due->set_residual_count(response.residual_count());
  }
  ExpectSense(pdu, expected);
}

void ExpectLoginResponse(const v1::LoginResponse& response, v1::LoginResponse* due) {
  due->set_status_class(response.status_class());
  due->set_status_detail(response.status_detail());
  if (response.status_class() != 0) return;
  due->set_transit(response.transit());
  if (response.transit()) due->set_next_stage(response.next_stage());
}

}  // namespace

v1::Pdu MinimalRequest(base::Bytes bytes, Digests digests) {
  v1::Pdu pdu = initiator_sim::DecodeExactly(bytes, digests);
  if (Message* kind = KindOf(&pdu); kind != nullptr) Minimize(kind, pdu, bytes, digests);
  Minimize(&pdu, pdu, bytes, digests);
  NameKeys(&pdu);
  return pdu;
}

v1::Pdu ExpectedResponse(const v1::Pdu& pdu, bool of_blocks, bool with_data) {
  v1::Pdu expected;
  switch (pdu.kind_case()) {
    case v1::Pdu::kNopIn:
      expected.mutable_nop_in();
      if (with_data && pdu.has_data()) *expected.mutable_data() = pdu.data();
      break;
    case v1::Pdu::kScsiResponse:
      ExpectScsiResponse(pdu, of_blocks, &expected);
      break;
    case v1::Pdu::kTaskManagementResponse:
      expected.mutable_task_management_response()->set_response(
          pdu.task_management_response().response());
      break;
    case v1::Pdu::kLoginResponse:
      ExpectLoginResponse(pdu.login_response(), expected.mutable_login_response());
      break;
    case v1::Pdu::kTextResponse:
      expected.mutable_text_response()->set_final(pdu.text_response().final());
      break;
    case v1::Pdu::kDataIn:
      expected.mutable_data_in()->set_status_present(pdu.data_in().status_present());
      if (pdu.data_in().status_present()) {
        expected.mutable_data_in()->set_status(pdu.data_in().status());
      }
      break;
    case v1::Pdu::kLogoutResponse:
      expected.mutable_logout_response()->set_response(pdu.logout_response().response());
      break;
    case v1::Pdu::kR2T:
      expected.mutable_r2t()->set_buffer_offset(pdu.r2t().buffer_offset());
      expected.mutable_r2t()->set_desired_data_transfer_length(
          pdu.r2t().desired_data_transfer_length());
      break;
    case v1::Pdu::kAsyncMessage:
      expected.mutable_async_message()->set_async_event(pdu.async_message().async_event());
      break;
    case v1::Pdu::kReject:
      expected.mutable_reject()->set_reason(pdu.reject().reason());
      break;
    default:
      expected = pdu;
      break;
  }
  return expected;
}

uint64_t NumberOf(const v1::Pdu& pdu, const char* field) {
  const auto value = initiator_sim::GetField(pdu, field);
  if (!value.ok() || !value->has_value()) return 0;
  const uint64_t* number = std::get_if<uint64_t>(&**value);
  return number == nullptr ? 0 : *number;
}

uint64_t LengthOf(const v1::Pdu& pdu) {
  return pdu.has_data() ? initiator_sim::DataBytes(pdu.data()).value_or("").size() : 0;
}

bool ReadsBlocks(const v1::Pdu& pdu) {
  switch (OperationCode(pdu)) {
    case 0x08:
    case 0x28:
    case 0x88:
    case 0xa8:
      return pdu.has_scsi_command();
    default:
      return false;
  }
}

bool WritesBlocks(const v1::Pdu& pdu) {
  switch (OperationCode(pdu)) {
    case 0x0a:
    case 0x2a:
    case 0x8a:
    case 0xaa:
      return pdu.has_scsi_command();
    default:
      return false;
  }
}

}  // namespace pushpull::conformance
