#include "initiator_sim/pdu/match.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "initiator_sim/pdu/bits.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/format.h"
#include "initiator_sim/pdu/pattern.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kMaxDifferences = 6;

// Collects differences up to the limit.
class Differences {
 public:
  explicit Differences(MatchResult* result) : result_(result) {}
  void Add(std::string text) {
    if (result_->differences.size() < kMaxDifferences) {
      result_->differences.push_back(std::move(text));
    }
  }

 private:
  MatchResult* result_;
};

// Compares the scalar fields that `expected` has set; `skip` says which are compared elsewhere.
template <typename Skip>
void CompareFields(const Message& expected, const Message& actual, const std::string& prefix,
                   Skip skip, Differences* out) {
  std::vector<const FieldDescriptor*> fields;
  expected.GetReflection()->ListFields(expected, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_repeated() || skip(field)) continue;
    const std::string name = prefix + field->name();
    if (!actual.GetReflection()->HasField(actual, field)) {
      out->Add(absl::StrCat(name, " is not there, expected ", FormatField(expected, field)));
      continue;
    }
    const bool equal = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING
                           ? expected.GetReflection()->GetString(expected, field) ==
                                 actual.GetReflection()->GetString(actual, field)
                           : FieldNumber(expected, field) == FieldNumber(actual, field);
    if (equal) continue;
    out->Add(absl::StrCat(name, " is ", FormatField(actual, field), ", expected ",
                          FormatField(expected, field)));
  }
}

bool IsMessage(const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

void CompareCdb(const v1::Pdu& expected, const v1::Pdu& actual, Differences* out) {
  if (!expected.scsi_command().has_cdb()) return;
  std::vector<uint8_t> want = CdbOf(expected);
  std::vector<uint8_t> got = CdbOf(actual);
  want.resize(std::max(want.size(), size_t{16}));
  got.resize(std::max(got.size(), size_t{16}));
  // A CDB beyond 16 bytes may have been filled up to a word.
  if (want.size() > 16 && got.size() > want.size() && got.size() - want.size() < 4) {
    want.resize(got.size());
  }
  if (want == got) return;
  out->Add(absl::StrCat("cdb is ", DescribeCdb(got), " ", FormatBytes(base::AsText(got)),
                        ", expected ", DescribeCdb(want), " ", FormatBytes(base::AsText(want))));
}

void CompareRawHeader(const std::string& expected, const std::string& actual, Differences* out) {
  if (actual.compare(0, expected.size(), expected) == 0) return;
  out->Add(absl::StrCat("bhs is ", FormatBytes(actual, kBhsSize), ", expected ",
                        FormatBytes(expected, kBhsSize)));
}

void CompareAhs(const v1::Pdu& expected, const v1::Pdu& actual, Differences* out) {
  if (expected.ahs().empty()) return;
  if (expected.ahs_size() != actual.ahs_size()) {
    out->Add(absl::StrCat(actual.ahs_size(), " AHS, expected ", expected.ahs_size()));
    return;
  }
  for (int i = 0; i < expected.ahs_size(); ++i) {
    CompareFields(expected.ahs(i), actual.ahs(i), absl::StrCat("ahs[", i, "]."), IsMessage, out);
  }
}

void CompareBytes(std::string_view expected, std::string_view actual, Differences* out) {
  if (expected == actual) return;
  const size_t common = std::min(expected.size(), actual.size());
  const size_t at = static_cast<size_t>(
      std::mismatch(expected.begin(), expected.begin() + static_cast<ptrdiff_t>(common),
                    actual.begin())
          .first -
      expected.begin());
  if (expected.size() != actual.size()) {
    out->Add(
        absl::StrCat("data of ", actual.size(), " bytes, expected ", expected.size(), " bytes"));
  }
  if (at == common && common == 0) return;
  out->Add(absl::StrCat("data from byte ", at, " is ", FormatBytes(actual.substr(at), 16),
                        ", expected ", FormatBytes(expected.substr(at), 16)));
}

void ComparePattern(const v1::Pattern& expected, std::string_view actual, Differences* out) {
  if (actual.size() != expected.length()) {
    out->Add(absl::StrCat("data of ", actual.size(), " bytes, expected ", expected.length(),
                          " bytes of a pattern"));
  }
  const std::string_view common = actual.substr(0, expected.length());
  const std::optional<PatternMismatch> mismatch =
      CheckPattern(expected.seed(), expected.offset(), base::AsBytes(common));
  if (mismatch.has_value()) out->Add("data is not the pattern: " + mismatch->ToString());
}

void CompareKeys(const v1::KeyList& expected, std::string_view actual, Differences* out) {
  const ParsedKeys parsed = ParseKeys(actual);
  for (const v1::KeyValue& key : expected.key()) {
    bool found = false;
    std::string others;
    for (const v1::KeyValue& candidate : parsed.keys.key()) {
      if (candidate.name() != key.name()) continue;
      found = found || key.value().empty() || candidate.value() == key.value();
      absl::StrAppend(&others, others.empty() ? "" : ", ", absl::CHexEscape(candidate.value()));
    }
    if (found) continue;
    out->Add(others.empty() ? absl::StrCat("the key ", key.name(), " is not there")
                            : absl::StrCat(key.name(), " is ", others, ", expected ", key.value()));
  }
}

void CompareSense(const v1::SenseData& expected, std::string_view actual, Differences* out) {
  v1::Pdu holder;
  holder.mutable_data()->set_raw(std::string(actual));
  const std::optional<v1::SenseData> sense = SenseOf(holder);
  if (!sense.has_value()) {
    out->Add(absl::StrCat("no sense data (", actual.size(), " bytes of data)"));
    return;
  }
  CompareFields(expected, *sense, "sense.", IsMessage, out);
}

void CompareData(const v1::Data& expected, std::string_view actual, Differences* out) {
  switch (expected.form_case()) {
    case v1::Data::kRaw:
      return CompareBytes(expected.raw(), actual, out);
    case v1::Data::kText:
      return CompareBytes(expected.text(), actual, out);
    case v1::Data::kPattern:
      return ComparePattern(expected.pattern(), actual, out);
    case v1::Data::kKeys:
      return CompareKeys(expected.keys(), actual, out);
    case v1::Data::kSense:
      return CompareSense(expected.sense(), actual, out);
    case v1::Data::kZeros:
      return CompareBytes(
          std::string(expected.zeros() == 0 ? actual.size() : expected.zeros(), '\0'), actual, out);
    case v1::Data::kUnmap:
      return CompareBytes(DataBytes(expected).value_or(""), actual, out);
    case v1::Data::FORM_NOT_SET:
      return;
  }
}

void CompareKind(const v1::Pdu& expected, const v1::Pdu& actual, Differences* out) {
  const FieldDescriptor* kind = KindField(expected.kind_case());
  const Message& want = expected.GetReflection()->GetMessage(expected, kind);
  const Message& got = actual.GetReflection()->GetMessage(actual, kind);
  if (expected.has_raw()) return CompareRawHeader(expected.raw().bhs(), actual.raw().bhs(), out);
  CompareFields(want, got, "", IsMessage, out);
  CompareCdb(expected, actual, out);
}

std::string KindText(const v1::Pdu& pdu) {
  return pdu.has_raw() ? absl::StrFormat("PDU with opcode 0x%02x", OpcodeOf(pdu))
                       : NameOf(pdu.kind_case());
}

}  // namespace

std::string MatchResult::ToString() const { return absl::StrJoin(differences, "; "); }

MatchResult Matches(const v1::Pdu& expected, const v1::Pdu& actual) {
  MatchResult result;
  Differences out(&result);
  if (expected.kind_case() != v1::Pdu::KIND_NOT_SET) {
    if (expected.kind_case() != actual.kind_case()) {
      out.Add(absl::StrCat("a ", KindText(actual), ", expected a ", KindText(expected)));
      return result;
    }
    CompareKind(expected, actual, &out);
  }
  CompareFields(expected, actual, "", IsMessage, &out);
  CompareAhs(expected, actual, &out);
  if (expected.data().form_case() != v1::Data::FORM_NOT_SET) {
    const absl::StatusOr<std::string> data = DataBytes(actual.data());
    CompareData(expected.data(), data.ok() ? *data : std::string(), &out);
  }
  return result;
}

MatchResult MatchesData(const v1::Data& expected, std::string_view actual) {
  MatchResult result;
  Differences out(&result);
  CompareData(expected, actual, &out);
  return result;
}

}  // namespace pushpull::initiator_sim
