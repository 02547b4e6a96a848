#include "fuzz/codecs/texts.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/bytes.h"
#include "base/text.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/pdu/match.h"
#include "initiator_sim/pdu/pattern.h"
#include "initiator_sim/pdu/scsi.h"
#include "initiator_sim/pdu/text.h"
#include "target/login/status.h"
#include "target/pdu/opcode.h"

namespace pushpull::codecs {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using initiator_sim::FieldValue;
using initiator_sim::Matches;
using initiator_sim::MatchResult;

class Problems {
 public:
  void Add(std::string problem) { absl::StrAppend(&text_, text_.empty() ? "" : "; ", problem); }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

const Message* KindMessage(const v1::Pdu& pdu) {
  const FieldDescriptor* const kind = pdu.GetReflection()->GetOneofFieldDescriptor(
      pdu, v1::Pdu::descriptor()->FindOneofByName("kind"));
  return kind == nullptr ? nullptr : &pdu.GetReflection()->GetMessage(pdu, kind);
}

FieldValue Another(const FieldValue& value) {
  if (const auto* const number = std::get_if<uint64_t>(&value)) return *number ^ 1;
  return std::get<std::string>(value) + "x";
}

// So is another byte of a header that is no PDU's, or of a command.
void CheckBytes(const v1::Pdu& pdu, Problems* out) {
  v1::Pdu other = pdu;
  if (pdu.has_raw() && !pdu.raw().bhs().empty()) {
    other.mutable_raw()->mutable_bhs()->back() ^= 1;
  } else if (pdu.has_scsi_command() && !pdu.scsi_command().cdb().raw().empty()) {
    other.mutable_scsi_command()->mutable_cdb()->mutable_raw()->front() ^= 1;
  } else {
    return;
  }
  if (Matches(other, pdu)) out->Add("another byte of its header isn't seen");
}

// Another number in a field is seen, and called by the field's name.
void CheckFields(const v1::Pdu& pdu, Problems* out) {
  const Message* const kind = KindMessage(pdu);
  if (kind == nullptr || pdu.has_raw()) return;
  std::vector<const FieldDescriptor*> fields;
  kind->GetReflection()->ListFields(*kind, &fields);
  for (const FieldDescriptor* const field : fields) {
    if (field->is_repeated() || field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const auto value = initiator_sim::GetField(pdu, field->name());
    if (!value.ok() || !value->has_value()) {
      out->Add(absl::StrCat(field->name(), " is set, and can't be had"));
      continue;
    }
    v1::Pdu other = pdu;
    if (!initiator_sim::SetField(&other, field->name(), Another(**value)).ok()) {
      out->Add(absl::StrCat(field->name(), " can't be set"));
      continue;
    }
    const MatchResult result = Matches(other, pdu);
    if (result || !absl::StrContains(result.ToString(), field->name())) {
      out->Add(absl::StrCat("another ", field->name(), " isn't seen: ", result.ToString()));
    }
  }
}

void Expect(bool fits, const v1::Data& expected, std::string_view actual, const char* what,
            Problems* out) {
  const MatchResult result = initiator_sim::MatchesData(expected, actual);
  if (static_cast<bool>(result) == fits) return;
  out->Add(absl::StrCat("data as ", what, fits ? " doesn't fit: " : " fits", result.ToString()));
}

// A pattern that was cut out elsewhere is recognised, and said where it belongs.
void CheckPlaces(uint64_t seed, Problems* out) {
  constexpr size_t kBytes = 48;
  std::vector<uint8_t> bytes(kBytes);
  const uint64_t offset = seed % 5000;
  const uint64_t moved = offset + 1 + seed % 64;
  initiator_sim::FillPattern(seed, moved, bytes);
  if (initiator_sim::CheckPattern(seed, moved, bytes)) out->Add("a pattern isn't its own");
  const auto mismatch = initiator_sim::CheckPattern(seed, offset, bytes);
  if (!mismatch || mismatch->belongs_at != moved + mismatch->at || mismatch->ToString().empty()) {
    out->Add("misplaced bytes of a pattern aren't recognised");
  }
}

void CheckData(const v1::Pdu& pdu, Problems* out) {
  const std::string& raw = pdu.data().raw();
  v1::Data data;
  data.set_text(raw);
  Expect(true, data, raw, "text", out);
  data.set_text(raw + "x");
  Expect(false, data, raw, "longer text", out);
  *data.mutable_keys() = initiator_sim::ParseKeys(raw).keys;
  Expect(true, data, raw, "keys", out);
  if (data.keys().key_size() > 0) {
    data.mutable_keys()->mutable_key(0)->mutable_value()->append("\x01\x02?");
    Expect(false, data, "", "keys of another text", out);
  }
  data.set_zeros(static_cast<uint32_t>(raw.size()));
  Expect(raw.find_first_not_of('\0') == std::string::npos, data, raw, "zeros", out);
  if (!raw.empty()) {
    data.mutable_pattern()->set_length(static_cast<uint32_t>(raw.size()));
    const bool is = !initiator_sim::CheckPattern(0, 0, base::AsBytes(raw)).has_value();
    Expect(is, data, raw, "a pattern", out);
    data.mutable_pattern()->set_length(static_cast<uint32_t>(raw.size()) + 1);
    Expect(false, data, raw, "a longer pattern", out);
  }
  const auto sense = initiator_sim::SenseOf(pdu);
  data.mutable_sense()->set_sense_key(v1::SenseKey::ILLEGAL_REQUEST);
  if (!sense) return Expect(false, data, raw, "sense", out);
  *data.mutable_sense() = *sense;
  Expect(true, data, raw, "its sense", out);
  v1::SenseData again = *sense;
  again.clear_raw();
  const auto read = initiator_sim::ParseSense(base::AsBytes(initiator_sim::EncodeSense(again)));
  if (!read || read->sense_key() != sense->sense_key() ||
      read->additional_sense_code() != sense->additional_sense_code() ||
      read->additional_sense_code_qualifier() != sense->additional_sense_code_qualifier() ||
      (sense->has_information() && read->information() != sense->information())) {
    out->Add("sense is read otherwise when it is written again");
  }
}

// The RFC's own names, as the initiator's summaries have them.
std::string ShortName(std::string_view name) {
  return absl::StrReplaceAll(
      base::ToAbsl(name), {{" Function", ""}, {"Asynchronous", "Async"}, {"SCSI Data-", "Data-"}});
}

}  // namespace

std::string CompareNames(const target::Bhs& bhs, const v1::Pdu& pdu) {
  Problems out;
  const std::string name = ShortName(target::OpcodeName(target::BhsView(bhs).opcode()));
  const std::string summary = initiator_sim::Summary(pdu);
  if (!pdu.has_raw() && !absl::StartsWith(summary, name)) {
    out.Add(absl::StrCat("the target says ", name, ", the initiator ", summary));
  }
  if (pdu.has_login_response()) {
    const uint32_t status =
        pdu.login_response().status_class() << 8 | pdu.login_response().status_detail();
    const std::string theirs(target::LoginStatusName(static_cast<target::LoginStatus>(status)));
    const std::string ours = absl::AsciiStrToLower(initiator_sim::DescribeLoginStatus(status));
    const bool unknown = theirs == "unknown" && absl::StrContains(ours, "not assigned");
    if (!unknown && !absl::StrContains(ours, absl::StrCat("(", theirs, ")"))) {
      out.Add(absl::StrCat("the target says ", theirs, ", the initiator ", ours));
    }
  }
  return out.Take();
}

std::string CheckMatching(const v1::Pdu& pdu) {
  Problems out;
  if (const MatchResult same = Matches(pdu, pdu); !same) {
    out.Add(absl::StrCat("it doesn't fit itself: ", same.ToString()));
  }
  if (!Matches(v1::Pdu(), pdu)) out.Add("it doesn't fit what fits all");
  v1::Pdu other;
  other.mutable_nop_in();
  if (static_cast<bool>(Matches(other, pdu)) != pdu.has_nop_in()) {
    out.Add("it isn't told from a NOP-In");
  }
  if (initiator_sim::DescribeExpected(pdu).empty() ||
      initiator_sim::DescribeExpected(v1::Pdu()).empty()) {
    out.Add("it is described by nothing");
  }
  CheckFields(pdu, &out);
  CheckBytes(pdu, &out);
  CheckData(pdu, &out);
  const std::string& raw = pdu.data().raw();
  CheckPlaces(raw.empty() ? pdu.total_ahs_length() : static_cast<uint8_t>(raw[0]) * 257u, &out);
  return out.Take();
}

}  // namespace pushpull::codecs
