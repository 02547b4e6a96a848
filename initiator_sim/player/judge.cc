#include "initiator_sim/player/judge.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/serial.h"
#include "base/status.h"
#include "base/text.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/data_part.h"
#include "initiator_sim/session/keys.h"

namespace pushpull::initiator_sim {
namespace {

using base::ToAbsl;

const char* Symbol(v1::Comparison comparison) {
  switch (comparison) {
    case v1::NOT_EQUAL:
      return "!=";
    case v1::LESS:
      return "<";
    case v1::LESS_OR_EQUAL:
      return "<=";
    case v1::GREATER:
      return ">";
    case v1::GREATER_OR_EQUAL:
      return ">=";
    default:
      return "=";
  }
}

// From the result of a three-way comparison.
bool Holds(v1::Comparison comparison, int order) {
  switch (comparison) {
    case v1::NOT_EQUAL:
      return order != 0;
    case v1::LESS:
      return order < 0;
    case v1::LESS_OR_EQUAL:
      return order <= 0;
    case v1::GREATER:
      return order > 0;
    case v1::GREATER_OR_EQUAL:
      return order >= 0;
    default:
      return order == 0;
  }
}

bool HoldsSerial(v1::Comparison comparison, uint32_t a, uint32_t b) {
  switch (comparison) {
    case v1::NOT_EQUAL:
      return a != b;
    case v1::LESS:
      return base::SerialLess(a, b);
    case v1::LESS_OR_EQUAL:
      return base::SerialLessOrEqual(a, b);
    case v1::GREATER:
      return base::SerialGreater(a, b);
    case v1::GREATER_OR_EQUAL:
      return base::SerialGreaterOrEqual(a, b);
    default:
      return a == b;
  }
}

// Values of keys are text; where numbers are asked for they are read as such.
std::optional<uint64_t> AsNumber(const FieldValue& value) {
  if (const uint64_t* number = std::get_if<uint64_t>(&value)) return *number;
  const std::string& text = std::get<std::string>(value);
  if (text == "Yes") return 1;
  if (text == "No") return 0;
  return ParseNumericalValue(text);
}

std::string AsText(const FieldValue& value) {
  if (const uint64_t* number = std::get_if<uint64_t>(&value)) return absl::StrCat(*number);
  return std::get<std::string>(value);
}

std::string Offset(int64_t add) {
  if (add == 0) return "";
  return add > 0 ? absl::StrCat(" + ", add) : absl::StrCat(" - ", -add);
}

absl::StatusOr<bool> HoldsReference(Play* play, const Link* link, const FieldValue& value,
                                    const v1::Reference& reference) {
  PUSHPULL_ASSIGN_OR_RETURN(const FieldValue other, play->Value(reference.from(), link));
  const std::optional<uint64_t> a = AsNumber(value);
  const std::optional<uint64_t> b = AsNumber(other);
  if (a && b) {
    const uint64_t due = *b + static_cast<uint64_t>(reference.add());
    return Holds(reference.compare(), *a < due ? -1 : *a > due);
  }
  const int order = AsText(value).compare(AsText(other));
  return Holds(reference.compare(), order);
}

absl::StatusOr<bool> HoldsPredicate(Play* play, const Link* link, const FieldValue& value,
                                    const v1::Predicate& predicate) {
  if (predicate.is_case() == v1::Predicate::kText) return AsText(value) == predicate.text();
  if (predicate.is_case() == v1::Predicate::kRef) {
    return HoldsReference(play, link, value, predicate.ref());
  }
  if (predicate.is_case() == v1::Predicate::kPresent) return predicate.present();
  const std::optional<uint64_t> number = AsNumber(value);
  if (!number) return false;
  switch (predicate.is_case()) {
    case v1::Predicate::kEq:
      return *number == predicate.eq();
    case v1::Predicate::kNot:
      return *number != predicate.not_();
    case v1::Predicate::kIn: {
      const auto& set = predicate.in().value();
      return std::find(set.begin(), set.end(), *number) != set.end();
    }
    case v1::Predicate::kRange:
      return *number >= predicate.range().min() && *number <= predicate.range().max();
    case v1::Predicate::kBits:
      return (*number & predicate.bits().mask()) == predicate.bits().value();
    case v1::Predicate::kSerial: {
      PUSHPULL_ASSIGN_OR_RETURN(const FieldValue other,
                                play->Value(predicate.serial().from(), link));
      const uint64_t due =
          AsNumber(other).value_or(0) + static_cast<uint64_t>(predicate.serial().add());
      return HoldsSerial(predicate.serial().compare(), static_cast<uint32_t>(*number),
                         static_cast<uint32_t>(due));
    }
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("where { field: \"", predicate.field(), "\" } says nothing of it"));
  }
}

// What a reference stands for now, for the reader.
std::string Resolved(Play* play, const Link* link, const v1::Predicate& predicate) {
  std::string from;
  int64_t add = 0;
  if (predicate.has_ref()) {
    from = predicate.ref().from();
    add = predicate.ref().add();
  } else if (predicate.has_serial()) {
    from = predicate.serial().from();
    add = predicate.serial().add();
  } else {
    return "";
  }
  const auto value = play->Value(from, link);
  if (!value.ok()) return "";
  const std::optional<uint64_t> number = AsNumber(*value);
  if (!number) return absl::StrCat(" (", DescribeValue(*value), ")");
  return absl::StrCat(" (", DescribeValue(FieldValue(*number + static_cast<uint64_t>(add))), ")");
}

// ---- keys ------------------------------------------------------------------------------------

KeyFunction FunctionOf(v1::ResultRule rule) {
  switch (rule) {
    case v1::MINIMUM:
      return KeyFunction::kMinimum;
    case v1::MAXIMUM:
      return KeyFunction::kMaximum;
    case v1::BOOLEAN_AND:
      return KeyFunction::kAnd;
    case v1::BOOLEAN_OR:
      return KeyFunction::kOr;
    case v1::LIST_CHOICE:
      return KeyFunction::kListChoice;
    default:
      return KeyFunction::kDeclared;
  }
}

// By a rule: the key's range, and the rule's function of the offer.
std::string JudgeByRule(const v1::KeyRule& rule, const std::string* offered,
                        const std::string* said) {
  const KeyInfo* known = FindKeyInfo(rule.name());
  KeyInfo info = known != nullptr ? *known : KeyInfo{.name = rule.name()};
  if (rule.rule() != v1::ANY_LEGAL) info.function = FunctionOf(rule.rule());
  if (known == nullptr) {
    info.numeric = rule.rule() == v1::MINIMUM || rule.rule() == v1::MAXIMUM;
    info.max = UINT64_MAX;
  }
  if (said == nullptr) {
    const bool silent =
        rule.rule() == v1::DECLARED || (offered != nullptr && AnswerOptional(info, *offered));
    return silent ? "" : "there was no answer";
  }
  const bool judged_by_offer = rule.rule() != v1::ANY_LEGAL && rule.rule() != v1::DECLARED;
  return JudgeAnswer(info, judged_by_offer && offered != nullptr ? *offered : "", *said);
}

// Numbers are the same in each notation (RFC 7143 §6.1).
bool SameValue(const std::string& a, const std::string& b) {
  const std::optional<uint64_t> number = ParseNumericalValue(a);
  return a == b || (number.has_value() && number == ParseNumericalValue(b));
}

absl::StatusOr<std::string> JudgeKey(Play* play, const Link* link, const Negotiation& negotiation,
                                     const v1::KeyRule& rule) {
  const std::string* offered = negotiation.Offered(rule.name());
  if (!rule.offered().empty()) offered = &rule.offered();
  const std::string* said = negotiation.SaidByPeer(rule.name());
  if (said != nullptr &&
      std::find(rule.or_value().begin(), rule.or_value().end(), *said) != rule.or_value().end()) {
    return std::string();
  }
  switch (rule.due_case()) {
    case v1::KeyRule::kAbsent:
      if (rule.absent() == (said == nullptr)) return std::string();
      return std::string(rule.absent() ? "there should be none" : "there is none");
    case v1::KeyRule::kPresent:
      if (rule.present() == (said != nullptr)) return std::string();
      return std::string(rule.present() ? "there is none" : "there should be none");
    case v1::KeyRule::kRule:
      return JudgeByRule(rule, offered, said);
    default:
      break;
  }
  std::string due = rule.value();
  if (rule.due_case() == v1::KeyRule::kValueFrom) {
    PUSHPULL_ASSIGN_OR_RETURN(due, play->TextValue(rule.value_from(), link));
  }
  // Where no answer is owed, the outcome counts.
  const std::optional<std::string> outcome = negotiation.Outcome(rule.name());
  const std::string actual = said != nullptr ? *said : outcome.value_or("");
  if (SameValue(actual, due)) return std::string();
  return actual.empty() && said == nullptr ? absl::StrCat("there was no answer, due is ", due)
                                           : absl::StrCat("due is ", due);
}

}  // namespace

absl::StatusOr<std::optional<FieldValue>> FieldOf(const Subject& subject, std::string_view field) {
  const v1::Pdu& pdu = *subject.pdu;
  if (field == "@arrival") return std::optional<FieldValue>(subject.arrival);
  if (field == "@data_length" || (field.starts_with("@") && IsDataPart(field.substr(1)))) {
    const std::string data =
        subject.data != nullptr ? *subject.data : DataBytes(pdu.data()).value_or("");
    if (field != "@data_length") return DataPart(data, field.substr(1));
    return std::optional<FieldValue>(uint64_t{data.size()});
  }
  if (field == "@login_status") {
    if (!pdu.has_login_response()) return std::optional<FieldValue>();
    const v1::LoginResponse& response = pdu.login_response();
    return std::optional<FieldValue>(
        uint64_t{response.status_class() << 8 | response.status_detail()});
  }
  if (field.starts_with("key.")) {
    const ParsedKeys parsed = ParseKeys(TextOf(pdu));
    const v1::KeyList& keys = subject.keys != nullptr ? *subject.keys : parsed.keys;
    const std::string* value = FindKey(keys, field.substr(4));
    if (value == nullptr) return std::optional<FieldValue>();
    return std::optional<FieldValue>(*value);
  }
  return GetField(pdu, field);
}

absl::StatusOr<Differences> JudgePredicates(
    Play* play, const Link* link, const Subject& subject,
    const google::protobuf::RepeatedPtrField<v1::Predicate>& predicates) {
  Differences differences;
  for (const v1::Predicate& predicate : predicates) {
    PUSHPULL_ASSIGN_OR_RETURN(const std::optional<FieldValue> value,
                              FieldOf(subject, predicate.field()));
    bool holds = false;
    if (value) {
      PUSHPULL_ASSIGN_OR_RETURN(holds, HoldsPredicate(play, link, *value, predicate));
    } else {
      holds = predicate.is_case() == v1::Predicate::kPresent && !predicate.present();
    }
    if (holds) continue;
    std::string what = value ? absl::StrCat(predicate.field(), " is ", DescribeValue(*value))
                             : absl::StrCat("there is no ", predicate.field());
    absl::StrAppend(&what, ", expected ", DescribePredicate(predicate),
                    Resolved(play, link, predicate));
    if (!predicate.why().empty()) absl::StrAppend(&what, ": ", predicate.why());
    differences.push_back(std::move(what));
  }
  return differences;
}

absl::StatusOr<Differences> JudgeKeys(
    Play* play, const Link* link, const Negotiation& negotiation,
    const google::protobuf::RepeatedPtrField<v1::KeyRule>& rules) {
  Differences differences;
  for (const v1::KeyRule& rule : rules) {
    PUSHPULL_ASSIGN_OR_RETURN(const std::string error, JudgeKey(play, link, negotiation, rule));
    if (error.empty()) continue;
    const std::string* said = negotiation.SaidByPeer(rule.name());
    const std::string* offered = negotiation.Offered(rule.name());
    differences.push_back(absl::StrCat(
        rule.name(), said == nullptr ? "" : absl::StrCat("=", *said),
        offered == nullptr ? "" : absl::StrCat(" (offered ", *offered, ")"), ": ", error));
  }
  return differences;
}

absl::Status SaveFields(Play* play, const Link* link, const Subject& subject,
                        const google::protobuf::RepeatedPtrField<v1::Save>& saves) {
  (void)link;
  for (const v1::Save& save : saves) {
    PUSHPULL_ASSIGN_OR_RETURN(const std::optional<FieldValue> value,
                              FieldOf(subject, save.field()));
    if (!value) {
      return absl::InvalidArgumentError(absl::StrCat("save { field: \"", save.field(),
                                                     "\" }: the PDU that came doesn't have it"));
    }
    play->SetValue(save.as(), *value);
  }
  return absl::OkStatus();
}

std::string DescribeValue(const FieldValue& value) {
  if (const uint64_t* number = std::get_if<uint64_t>(&value)) {
    return *number < 10 ? absl::StrCat(*number)
                        : absl::StrCat(*number, " (0x", absl::Hex(*number), ")");
  }
  return absl::StrCat("\"", std::get<std::string>(value), "\"");
}

std::string DescribePredicate(const v1::Predicate& predicate) {
  switch (predicate.is_case()) {
    case v1::Predicate::kEq:
      return DescribeValue(predicate.eq());
    case v1::Predicate::kNot:
      return absl::StrCat("not ", DescribeValue(predicate.not_()));
    case v1::Predicate::kIn:
      return absl::StrCat("one of ", absl::StrJoin(predicate.in().value(), ", "));
    case v1::Predicate::kRange:
      return absl::StrCat(predicate.range().min(), " to ", predicate.range().max());
    case v1::Predicate::kText:
      return absl::StrCat("\"", predicate.text(), "\"");
    case v1::Predicate::kBits:
      return absl::StrCat("0x", absl::Hex(predicate.bits().value()), " in the bits 0x",
                          absl::Hex(predicate.bits().mask()));
    case v1::Predicate::kPresent:
      return predicate.present() ? "that it is there" : "that it isn't there";
    case v1::Predicate::kRef:
      return absl::StrCat(Symbol(predicate.ref().compare()), " ", predicate.ref().from(),
                          Offset(predicate.ref().add()));
    case v1::Predicate::kSerial:
      return absl::StrCat(Symbol(predicate.serial().compare()), " ", predicate.serial().from(),
                          Offset(predicate.serial().add()), " in serial arithmetic");
    default:
      return "anything";
  }
}

std::string DescribeKeyRule(const v1::KeyRule& rule) {
  switch (rule.due_case()) {
    case v1::KeyRule::kValue:
      return absl::StrCat(rule.name(), "=", rule.value());
    case v1::KeyRule::kValueFrom:
      return absl::StrCat(rule.name(), "=<", rule.value_from(), ">");
    case v1::KeyRule::kRule:
      return absl::StrCat(rule.name(), " by the rule ", v1::ResultRule_Name(rule.rule()));
    case v1::KeyRule::kAbsent:
      return absl::StrCat(rule.absent() ? "no " : "", rule.name());
    default:
      return rule.name();
  }
}

std::string DescribeAlternative(const v1::Alternative& alternative) {
  std::string text =
      alternative.closed() ? "the end of the connection" : Summary(alternative.pdu());
  for (const v1::Predicate& predicate : alternative.where()) {
    absl::StrAppend(&text, ", ", predicate.field(), " ", DescribePredicate(predicate));
  }
  for (const v1::KeyRule& rule : alternative.key()) {
    absl::StrAppend(&text, ", ", DescribeKeyRule(rule));
  }
  if (!alternative.rejects().empty()) absl::StrAppend(&text, " of task ", alternative.rejects());
  return text;
}

bool RejectIsOf(const v1::Pdu& reject, const Task& task) {
  const std::string data = DataBytes(reject.data()).value_or("");
  return data.size() >= kBhsSize && task.WasSent(std::string_view(data).substr(0, kBhsSize));
}

}  // namespace pushpull::initiator_sim
