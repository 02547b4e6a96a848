#include "initiator_sim/pdu/text.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "base/text.h"
#include "initiator_sim/pdu/bits.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/format.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kMaxKeysText = 300;

const Message* KindMessage(const v1::Pdu& pdu) {
  const FieldDescriptor* kind = KindField(pdu.kind_case());
  return kind == nullptr ? nullptr : &pdu.GetReflection()->GetMessage(pdu, kind);
}

std::string DataText(const v1::Pdu& pdu) {
  absl::StatusOr<std::string> data = DataBytes(pdu.data());
  return data.ok() ? *std::move(data) : std::string();
}

// ---- one line ------------------------------------------------------------------------------

// How a field is written in a summary.
enum class Show : uint8_t {
  kAlways,      // its label and number
  kUnlessZero,  // nothing where it is 0
  kTag,         // hexadecimal; nothing where it is the reserved tag
  kWhenTrue,    // the label alone, where it is 1
  kName,        // the enum's name alone
  kNameUnlessZero,
};

struct Label {
  const char* field;
  const char* label;
  Show show;
};

// In the order in which they are written.
constexpr Label kLabels[] = {
    {"initiator_task_tag", "ITT", Show::kTag},
    {"referenced_task_tag", "RTT", Show::kTag},
    {"target_transfer_tag", "TTT", Show::kTag},
    {"function", "", Show::kName},
    {"reason", "", Show::kName},
    {"type", "", Show::kName},
    {"async_event", "", Show::kName},
    {"final", "F", Show::kWhenTrue},
    {"transit", "T", Show::kWhenTrue},
    {"text_continue", "C", Show::kWhenTrue},
    {"acknowledge", "A", Show::kWhenTrue},
    {"read", "R", Show::kWhenTrue},
    {"write", "W", Show::kWhenTrue},
    {"status_present", "S", Show::kWhenTrue},
    {"bidirectional_read_overflow", "o", Show::kWhenTrue},
    {"bidirectional_read_underflow", "u", Show::kWhenTrue},
    {"residual_overflow", "O", Show::kWhenTrue},
    {"residual_underflow", "U", Show::kWhenTrue},
    {"attr", "", Show::kNameUnlessZero},
    {"priority", "PRI", Show::kUnlessZero},
    {"current_stage", "CSG", Show::kAlways},
    {"next_stage", "NSG", Show::kAlways},
    {"version_max", "version-max", Show::kUnlessZero},
    {"version_min", "version-min", Show::kUnlessZero},
    {"version_active", "version-active", Show::kUnlessZero},
    {"isid", "ISID", Show::kAlways},
    {"tsih", "TSIH", Show::kAlways},
    {"cid", "CID", Show::kAlways},
    {"lun", "LUN", Show::kUnlessZero},
    {"expected_data_transfer_length", "EDTL", Show::kAlways},
    {"data_sn", "DataSN", Show::kAlways},
    {"r2t_sn", "R2TSN", Show::kAlways},
    {"buffer_offset", "offset", Show::kAlways},
    {"desired_data_transfer_length", "length", Show::kAlways},
    {"beg_run", "BegRun", Show::kAlways},
    {"run_length", "RunLength", Show::kAlways},
    {"ref_cmd_sn", "RefCmdSN", Show::kAlways},
    {"exp_data_sn", "ExpDataSN", Show::kUnlessZero},
    {"snack_tag", "SNACK tag", Show::kUnlessZero},
    {"data_sn_or_r2t_sn", "DataSN/R2TSN", Show::kUnlessZero},
    {"bidirectional_read_residual_count", "read residual", Show::kUnlessZero},
    {"residual_count", "residual", Show::kUnlessZero},
    {"status_qualifier", "qualifier", Show::kUnlessZero},
    {"additional_response_information", "information", Show::kUnlessZero},
    {"async_vcode", "AsyncVCode", Show::kUnlessZero},
    {"parameter1", "Parameter1", Show::kUnlessZero},
    {"parameter2", "Parameter2", Show::kUnlessZero},
    {"parameter3", "Parameter3", Show::kUnlessZero},
    {"time2wait", "Time2Wait", Show::kAlways},
    {"time2retain", "Time2Retain", Show::kAlways},
    {"status_class", "class", Show::kAlways},
    {"status_detail", "detail", Show::kAlways},
    {"cmd_sn", "CmdSN", Show::kAlways},
    {"exp_stat_sn", "ExpStatSN", Show::kAlways},
    {"stat_sn", "StatSN", Show::kAlways},
    {"exp_cmd_sn", "ExpCmdSN", Show::kAlways},
    {"max_cmd_sn", "MaxCmdSN", Show::kAlways},
};

std::string EnumName(const Message& message, const FieldDescriptor* field) {
  const auto number = static_cast<int>(FieldNumber(message, field));
  const auto* value = field->enum_type()->FindValueByNumber(number);
  return value == nullptr ? absl::StrFormat("%s 0x%x", field->name(), number) : value->name();
}

std::string LabelText(const Message& message, const FieldDescriptor* field, const Label& label) {
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return absl::StrCat(" ", label.label, " ", FormatField(message, field));
  }
  const uint64_t number = FieldNumber(message, field);
  switch (label.show) {
    case Show::kAlways:
      return field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM
                 ? absl::StrCat(" ", label.label, " ", number)
                 : absl::StrCat(" ", label.label, " ", FormatField(message, field));
    case Show::kUnlessZero:
      return number == 0 ? "" : absl::StrCat(" ", label.label, " ", FormatField(message, field));
    case Show::kTag:
      return number == kReservedTag ? "" : absl::StrFormat(" %s 0x%x", label.label, number);
    case Show::kWhenTrue:
      return number == 0 ? "" : absl::StrCat(" ", label.label);
    case Show::kName:
      return " " + EnumName(message, field);
    case Show::kNameUnlessZero:
      return number == 0 ? "" : " " + EnumName(message, field);
  }
  return "";
}

std::string KeysText(std::string_view text) {
  std::string out;
  const ParsedKeys parsed = ParseKeys(text);
  for (const v1::KeyValue& key : parsed.keys.key()) {
    absl::StrAppend(&out, out.empty() ? "" : " ", key.name(), "=", key.value());
  }
  out = absl::CHexEscape(out);
  if (out.size() > kMaxKeysText) out = out.substr(0, kMaxKeysText) + "...";
  return out;
}

bool HasStatus(const v1::Pdu& pdu) {
  return (pdu.has_scsi_response() && pdu.scsi_response().response() == 0) ||
         (pdu.has_data_in() && pdu.data_in().status_present());
}

std::string StatusText(const v1::Pdu& pdu) {
  const uint32_t status = static_cast<uint32_t>(pdu.has_data_in() ? pdu.data_in().status()
                                                                  : pdu.scsi_response().status());
  const std::string& name = v1::ScsiStatus_Name(static_cast<int>(status));
  return name.empty() ? absl::StrFormat(" status 0x%02x", status) : " " + name;
}

uint32_t LoginStatusOf(const v1::LoginResponse& response) {
  return response.status_class() << 8 | response.status_detail();
}

std::string_view LoginStatusName(uint32_t status) {
  switch (status) {
    case 0x0000:
      return "Success";
    case 0x0101:
      return "Target moved temporarily";
    case 0x0102:
      return "Target moved permanently";
    case 0x0200:
      return "Initiator error";
    case 0x0201:
      return "Authentication failure";
    case 0x0202:
      return "Authorization failure";
    case 0x0203:
      return "Not found";
    case 0x0204:
      return "Target removed";
    case 0x0205:
      return "Unsupported version";
    case 0x0206:
      return "Too many connections";
    case 0x0207:
      return "Missing parameter";
    case 0x0208:
      return "Can't include in session";
    case 0x0209:
      return "Session type not supported";
    case 0x020a:
      return "Session does not exist";
    case 0x020b:
      return "Invalid during login";
    case 0x0300:
      return "Target error";
    case 0x0301:
      return "Service unavailable";
    case 0x0302:
      return "Out of resources";
    default:
      return "not assigned";
  }
}

std::string ResponseText(const v1::Pdu& pdu) {
  if (pdu.has_login_response() && LoginStatusOf(pdu.login_response()) != 0) {
    return absl::StrCat(" status ", DescribeLoginStatus(LoginStatusOf(pdu.login_response())));
  }
  if (pdu.has_task_management_response()) {
    const auto& response = pdu.task_management_response();
    return " " + EnumName(response, response.GetDescriptor()->FindFieldByName("response"));
  }
  if (pdu.has_logout_response()) {
    const auto& response = pdu.logout_response();
    return " " + EnumName(response, response.GetDescriptor()->FindFieldByName("response"));
  }
  if (pdu.has_scsi_response() && pdu.scsi_response().response() != 0) {
    const auto& response = pdu.scsi_response();
    return " " + EnumName(response, response.GetDescriptor()->FindFieldByName("response"));
  }
  return HasStatus(pdu) ? StatusText(pdu) : "";
}

std::string DataSummary(const v1::Pdu& pdu) {
  const std::string data = DataText(pdu);
  const std::string size = data.empty() ? "" : absl::StrCat(", ", data.size(), " bytes");
  switch (pdu.kind_case()) {
    case v1::Pdu::kLoginRequest:
    case v1::Pdu::kLoginResponse:
    case v1::Pdu::kTextRequest:
    case v1::Pdu::kTextResponse:
      return data.empty() ? "" : ", " + KeysText(data);
    case v1::Pdu::kScsiResponse: {
      const std::optional<v1::SenseData> sense = SenseOf(pdu);
      return sense.has_value() ? ", " + DescribeSense(*sense) : size;
    }
    case v1::Pdu::kReject: {
      if (data.size() < kBhsSize) return size;
      const DecodedPdu rejected = Decode(base::AsBytes(data).first(kBhsSize), {});
      return absl::StrFormat(", of %s ITT 0x%x", NameOf(rejected.pdu.kind_case()),
                             InitiatorTaskTagOf(rejected.pdu));
    }
    default:
      return size;
  }
}

// ---- many lines ----------------------------------------------------------------------------

void AppendFields(const Message& message, const std::string& indent, std::string* out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_repeated() || field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) continue;
    absl::StrAppendFormat(out, "%s%-34s %s\n", indent, field->name(), FormatField(message, field));
  }
}

void AppendData(const v1::Pdu& pdu, const std::string& indent, std::string* out) {
  const std::string data = DataText(pdu);
  if (data.empty()) return;
  absl::StrAppend(out, indent, "data, ", data.size(), " bytes\n");
  const std::string deeper = indent + "  ";
  const bool is_text = pdu.has_login_request() || pdu.has_login_response() ||
                       pdu.has_text_request() || pdu.has_text_response();
  if (is_text) {
    const ParsedKeys parsed = ParseKeys(data);
    for (const v1::KeyValue& key : parsed.keys.key()) {
      absl::StrAppend(out, deeper, absl::CHexEscape(key.name()), "=", absl::CHexEscape(key.value()),
                      "\n");
    }
    return;
  }
  if (const std::optional<v1::SenseData> sense = SenseOf(pdu);
      pdu.has_scsi_response() && sense.has_value()) {
    absl::StrAppend(out, deeper, "sense: ", DescribeSense(*sense), "\n");
  }
  if (pdu.has_reject() && data.size() >= kBhsSize) {
    const DecodedPdu rejected = Decode(base::AsBytes(data).first(kBhsSize), {});
    absl::StrAppend(out, deeper, "rejected: ", Summary(rejected.pdu), "\n");
  }
  absl::StrAppend(out, base::HexDump(base::AsBytes(data), {.max_bytes = 256, .indent = deeper}));
}

}  // namespace

std::string Summary(const v1::Pdu& pdu) {
  std::string text = pdu.has_raw() ? absl::StrFormat("PDU with opcode 0x%02x", OpcodeOf(pdu))
                                   : NameOf(pdu.kind_case());
  if (pdu.immediate()) absl::StrAppend(&text, " I");
  const Message* kind = KindMessage(pdu);
  if (kind != nullptr) {
    for (const Label& label : kLabels) {
      const FieldDescriptor* field = kind->GetDescriptor()->FindFieldByName(label.field);
      if (field == nullptr || !kind->GetReflection()->HasField(*kind, field)) continue;
      absl::StrAppend(&text, LabelText(*kind, field, label));
    }
  }
  absl::StrAppend(&text, ResponseText(pdu));
  if (pdu.has_scsi_command()) absl::StrAppend(&text, ", ", DescribeCdb(CdbOf(pdu)));
  if (!pdu.ahs().empty()) absl::StrAppend(&text, ", ", pdu.ahs_size(), " AHS");
  return text + DataSummary(pdu);
}

std::string DescribeExpected(const v1::Pdu& pdu) {
  if (pdu.kind_case() == v1::Pdu::KIND_NOT_SET) {
    const std::string fields = pdu.ShortDebugString();
    return fields.empty() ? "any PDU" : absl::StrCat("a PDU with ", fields);
  }
  std::string fields = KindMessage(pdu)->ShortDebugString();
  v1::Pdu rest = pdu;
  rest.clear_kind();
  const std::string others = rest.ShortDebugString();
  absl::StrAppend(&fields, fields.empty() || others.empty() ? "" : " ", others);
  return fields.empty() ? NameOf(pdu.kind_case())
                        : absl::StrCat(NameOf(pdu.kind_case()), " with ", fields);
}

std::string FullText(const v1::Pdu& pdu, const std::string& indent) {
  std::string out = absl::StrCat(indent, NameOf(pdu.kind_case()), "\n");
  const std::string deeper = indent + "  ";
  AppendFields(pdu, deeper, &out);
  if (const Message* kind = KindMessage(pdu)) AppendFields(*kind, deeper, &out);
  if (pdu.has_login_response()) {
    absl::StrAppendFormat(&out, "%s%-34s %s\n", deeper, "status",
                          DescribeLoginStatus(LoginStatusOf(pdu.login_response())));
  }
  if (pdu.has_scsi_command()) {
    const std::vector<uint8_t> cdb = CdbOf(pdu);
    absl::StrAppendFormat(&out, "%s%-34s %s, %s\n", deeper, "cdb", DescribeCdb(cdb),
                          FormatBytes(base::AsText(cdb), 64));
  }
  for (const v1::Ahs& ahs : pdu.ahs()) {
    absl::StrAppend(&out, deeper, "ahs\n");
    AppendFields(ahs, deeper + "  ", &out);
  }
  AppendData(pdu, deeper, &out);
  return out;
}

std::string DescribeLoginStatus(uint32_t status) {
  return absl::StrFormat("0x%04x (%s)", status, base::ToAbsl(LoginStatusName(status)));
}

}  // namespace pushpull::initiator_sim
