#include "conformance/monitor/trace.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "google/protobuf/text_format.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::GetField;
using initiator_sim::SetField;

// Sets a field of the PDU that it has and that isn't set.
bool SetDefault(v1::Pdu* pdu, const char* field, uint64_t value) {
  const auto is = GetField(*pdu, field);
  if (!is.ok() || is->has_value()) return false;
  CHECK(SetField(pdu, field, value).ok());
  return true;
}

void AddKeys(const std::string& text, v1::KeyList* keys) {
  for (const auto& pair : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::vector<std::string> sides = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    v1::KeyValue* key = keys->add_key();
    key->set_name(sides[0]);
    key->set_value(sides[1]);
  }
}

bool Advances(const v1::Pdu& pdu) {
  if (pdu.has_r2t()) return false;
  if (pdu.has_data_in()) return pdu.data_in().status_present();
  if (pdu.has_nop_in()) return pdu.nop_in().initiator_task_tag() != initiator_sim::kReservedTag;
  return !pdu.has_login_response() || pdu.login_response().status_class() == 0;
}

}  // namespace

void Trace::Play(std::string_view text) {
  for (const auto& line : absl::StrSplit(std::string(text), '\n')) {
    std::string stripped(absl::StripAsciiWhitespace(line));
    if (!stripped.empty()) Line(stripped);
  }
}

void Trace::Line(const std::string& line) {
  const std::string word = line.substr(0, line.find(' '));
  const std::string rest = line.size() > word.size() ? line.substr(word.size() + 1) : "";
  if (word == "open" || word == "joined") {
    Wire wire;
    wire.id = feeder_.Open(absl::StrCat("c", wires_.size() + 1), {"h", 1}, {"h", 3260},
                           /*tell=*/word == "open");
    current_ = wires_.size();
    wires_.push_back(wire);
  } else if (word == "use") {
    current_ = static_cast<size_t>(rest[0] - '1');
  } else if (word == "login" || word == "join") {
    if (wires_.empty() || word == "join") Line("open");
    Login(rest, word == "join");
  } else if (word == "reject") {
    Reject(rest);
  } else if (word == "digests") {
    wires_[current_].digests = {.header_digest = true, .data_digest = true};
  } else if (word == "close") {
    // "close within a PDU": between its bytes.
    feeder_.Close(wires_[current_].id, /*by_peer=*/true, rest);
  } else {
    CHECK(word == ">" || word == ">!" || word == "<") << line;
    Send(rest, word == ">!");
  }
}

void Trace::Login(const std::string& keys, bool join) {
  const std::vector<std::string> sides = absl::StrSplit(keys, '/');
  const std::string fields = absl::StrFormat(
      "transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION next_stage: FULL_FEATURE_PHASE "
      "isid: '\\x80\\x01\\x02\\x03\\x04\\x05' initiator_task_tag: %d",
      90 + wires_.size());
  v1::KeyList ours;
  AddKeys("InitiatorName=iqn.2026-01.org.example:i TargetName=iqn.2026-01.org.example:t", &ours);
  AddKeys(sides[0], &ours);
  v1::KeyList theirs;
  AddKeys("TargetPortalGroupTag=1", &theirs);
  if (sides.size() > 1) AddKeys(sides[1], &theirs);
  const uint32_t old_tsih = join ? tsih_ : 0;
  if (!join) ++tsih_;
  const uint32_t tag = tag_;
  Send(absl::StrFormat("login_request { %s cid: %d tsih: %d } data { keys { %s } }", fields,
                       wires_.size(), old_tsih, ours.ShortDebugString()),
       false);
  Send(absl::StrFormat("login_response { %s tsih: %d } data { keys { %s } }", fields, tsih_,
                       theirs.ShortDebugString()),
       false);
  tag_ = tag;
}

void Trace::Send(const std::string& text, bool misbehaving) {
  v1::Pdu pdu;
  // Unlike ParseFromString, it lets a field be said twice: the last holds.
  CHECK(google::protobuf::TextFormat::MergeFromString(text, &pdu)) << text;
  if (initiator_sim::IsRequest(pdu.kind_case())) {
    CompleteRequest(&pdu);
    const initiator_sim::EncodedPdu encoded = *initiator_sim::Encode(pdu, {});
    const base::Bytes header = base::Bytes(encoded.bytes).first(encoded.layout.data);
    last_header_ = std::string(base::AsText(header));
  } else {
    CompleteResponse(&pdu);
  }
  feeder_.Send(wires_[current_].id, pdu, wires_[current_].digests, misbehaving);
}

void Trace::Reject(const std::string& arguments) {
  const std::vector<std::string> words = absl::StrSplit(arguments, absl::MaxSplits(' ', 2));
  v1::Pdu reject;
  if (words.size() > 2) {
    CHECK(google::protobuf::TextFormat::ParseFromString(words[2], reject.mutable_reject()));
  }
  reject.mutable_reject()->set_reason(static_cast<v1::RejectReason>(std::stoi(words[0])));
  const size_t size = words.size() > 1 ? std::stoul(words[1]) : last_header_.size();
  reject.mutable_data()->set_raw(last_header_.substr(0, size));
  CompleteResponse(&reject);
  feeder_.Send(wires_[current_].id, reject, wires_[current_].digests);
}

void Trace::CompleteRequest(v1::Pdu* pdu) {
  const bool follows = pdu->has_data_out() || pdu->has_snack_request() ||
                       (pdu->has_text_request() && pdu->text_request().has_target_transfer_tag());
  if (SetDefault(pdu, "initiator_task_tag", follows ? tag_ : tag_ + 1)) {
    if (!follows) ++tag_;
  } else if (!follows) {
    tag_ = initiator_sim::InitiatorTaskTagOf(*pdu);
  }
  SetDefault(pdu, "exp_stat_sn", wires_[current_].stat_sn);
  const bool immediate = pdu->immediate() || pdu->has_login_request();
  if (SetDefault(pdu, "cmd_sn", cmd_sn_) && !immediate) ++cmd_sn_;
}

void Trace::CompleteResponse(v1::Pdu* pdu) {
  if (!pdu->has_async_message() && !pdu->has_reject()) {
    SetDefault(pdu, "initiator_task_tag", tag_);
  }
  Wire& wire = wires_[current_];
  SetDefault(pdu, "stat_sn", wire.stat_sn);
  if (Advances(*pdu)) ++wire.stat_sn;
  SetDefault(pdu, "exp_cmd_sn", cmd_sn_);
  const auto exp_cmd_sn = GetField(*pdu, "exp_cmd_sn");
  if (exp_cmd_sn.ok()) SetDefault(pdu, "max_cmd_sn", std::get<uint64_t>(**exp_cmd_sn) + 31);
}

std::vector<v1::Violation> ViolationsOf(std::string_view trace, Judged judged) {
  Monitor monitor(/*max_per_rule=*/10, judged);
  Trace(&monitor).Play(trace);
  return monitor.violations();
}

}  // namespace pushpull::conformance
