// The target's text keys: values, names, what is left out, added, repeated, and their format.

#include <charconv>

#include "absl/strings/str_cat.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/session/keys.h"
#include "tools/faults/fault.h"
#include "tools/faults/keys_of.h"
#include "tools/faults/kinds.h"

namespace pushpull::faults {
namespace {

using initiator_sim::KeyFunction;
using initiator_sim::KeyInfo;
using v1::Pdu;

// Another value for a key's, or nullopt where there is none such.
using NewValue = std::function<std::optional<std::string>(const std::string&)>;

Fault ChangedValue(const std::string& key, const std::string& how, NewValue change) {
  return ChangedKeys(absl::StrCat("key.", key, how),
                     [key, change = std::move(change)](const Passing&, v1::KeyList* keys) {
                       for (v1::KeyValue& pair : *keys->mutable_key()) {
                         if (pair.name() != key) continue;
                         const std::optional<std::string> value = change(pair.value());
                         if (!value.has_value() || *value == pair.value()) return false;
                         pair.set_value(*value);
                         return true;
                       }
                       return false;
                     });
}

NewValue Constant(std::string value) {
  return [value = std::move(value)](const std::string&) { return value; };
}

// Where the value is a number, and the result not below 0.
NewValue Plus(int64_t by) {
  return [by](const std::string& value) -> std::optional<std::string> {
    const std::optional<uint64_t> number = initiator_sim::ParseNumericalValue(value);
    if (!number.has_value() || static_cast<int64_t>(*number) + by < 0) return std::nullopt;
    return absl::StrCat(static_cast<int64_t>(*number) + by);
  };
}

std::optional<std::string> Flipped(const std::string& value) {
  if (value != "Yes" && value != "No") return std::nullopt;
  return value == "Yes" ? "No" : "Yes";
}

std::vector<Fault> ValuesOf(const KeyInfo& info) {
  const std::string key(info.name);
  std::vector<Fault> faults;
  const auto add = [&](const char* how, NewValue change) {
    faults.push_back(ChangedValue(key, how, std::move(change)));
  };
  add("=NotUnderstood", Constant("NotUnderstood"));
  add("=Reject", Constant("Reject"));
  add("=Irrelevant", Constant("Irrelevant"));
  add("=nothing", Constant(""));
  add("=?", Constant("?"));
  add("=None,CRC32C", Constant("None,CRC32C"));
  add("+space", [](const std::string& value) { return value + " "; });
  if (info.numeric) {
    add("+1", Plus(1));
    add("-1", Plus(-1));
    add("=0", Constant("0"));
    add("=above_its_range", Constant(absl::StrCat(info.max + 1)));
    if (info.min > 0) add("=below_its_range", Constant(absl::StrCat(info.min - 1)));
    add("=-1", Constant("-1"));
    add("=leading_zero", [](const std::string& value) { return "0" + value; });
    add("=range", [](const std::string& value) { return absl::StrCat(value, "~", value); });
    add("=0x", Constant("0x"));
  } else if (info.function == KeyFunction::kAnd || info.function == KeyFunction::kOr) {
    add("=flipped", Flipped);
    add("=yes", Constant("yes"));
    add("=1", Constant("1"));
  } else if (info.function == KeyFunction::kListChoice) {
    add("=None", Constant("None"));
    add("=CRC32C", Constant("CRC32C"));
    add("=CHAP", Constant("CHAP"));
    add("=FastAbort", Constant("FastAbort"));
    add("=unknown_value", Constant("Other"));
  } else {
    add("=another", [](const std::string& value) { return value + "x"; });
    add("=shorter", [](const std::string& value) -> std::optional<std::string> {
      if (value.empty()) return std::nullopt;
      return value.substr(0, value.size() - 1);
    });
  }
  return faults;
}

std::vector<Fault> PairsOf(const std::string& key) {
  std::vector<Fault> faults;
  const auto add = [&](const char* how, std::function<bool(v1::KeyList*, int)> change) {
    faults.push_back(
        ChangedKeys(absl::StrCat("key.", key, how),
                    [key, change = std::move(change)](const Passing&, v1::KeyList* keys) {
                      for (int i = 0; i < keys->key_size(); ++i) {
                        if (keys->key(i).name() == key) return change(keys, i);
                      }
                      return false;
                    }));
  };
  add(":dropped", [](v1::KeyList* keys, int i) {
    keys->mutable_key()->DeleteSubrange(i, 1);
    return true;
  });
  add(":twice", [](v1::KeyList* keys, int i) {
    const v1::KeyValue pair = keys->key(i);
    *keys->add_key() = pair;
    return true;
  });
  add(":renamed", [](v1::KeyList* keys, int i) {
    keys->mutable_key(i)->mutable_name()->append("X");
    return true;
  });
  add(":in_lower_case", [](v1::KeyList* keys, int i) {
    std::string& name = *keys->mutable_key(i)->mutable_name();
    const std::string before = name;
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return name != before;
  });
  return faults;
}

// Pairs that nobody asked for.
std::vector<Fault> Added() {
  std::vector<Fault> faults;
  const std::pair<const char*, std::string> pairs[] = {
      {"MaxBurstLength", "65536"},
      {"InitialR2T", "No"},
      {"HeaderDigest", "CRC32C"},
      {"MaxRecvDataSegmentLength", "100"},
      {"InitiatorName", "iqn.2026-01.org.example:other"},
      {"InitiatorAlias", "other"},
      {"SessionType", "Normal"},
      {"SendTargets", "All"},
      {"AuthMethod", "CHAP"},
      {"OFMarker", "No"},
      {"IFMarkInt", "2048"},
      {"Unassigned", "1"},
      {"X-org.example.offer", "1"},
      {"TargetPortalGroupTag", "65536"},
      {"CHAP_A", "5"},
      {"key with spaces", "1"},
      {std::string(70, 'K').c_str(), "1"},
  };
  for (const auto& [name, value] : pairs) {
    faults.push_back(ChangedKeys(
        absl::StrCat("key_added.", std::string(name).substr(0, 30)),
        [name = std::string(name), value = value](const Passing&, v1::KeyList* keys) {
          if (initiator_sim::FindKey(*keys, name) != nullptr) return false;
          v1::KeyValue* pair = keys->add_key();
          pair->set_name(name);
          pair->set_value(value);
          return true;
        },
        /*also_empty=*/true));
  }
  return faults;
}

std::vector<Fault> Formats() {
  std::vector<Fault> faults;
  const auto add = [&](const char* what, std::function<std::string(const std::string&)> change) {
    for (const PduKind kind : {Pdu::kLoginResponse, Pdu::kTextResponse}) {
      faults.push_back(Changed(absl::StrCat(NameOfKind(kind), ":text_", what), kind,
                               [change](Passing*, Image* image) {
                                 if (image->data.empty()) return false;
                                 const std::string after = change(image->data);
                                 if (after == image->data) return false;
                                 image->SetData(after);
                                 return true;
                               }));
    }
  };
  add("without_its_last_nul",
      [](const std::string& text) { return text.substr(0, text.size() - 1); });
  add("with_a_newline_for_a_nul", [](const std::string& text) {
    std::string changed = text;
    changed[text.find('\0')] = '\n';
    return changed;
  });
  add("with_a_colon_for_equals", [](const std::string& text) {
    std::string changed = text;
    if (const size_t at = text.find('='); at != std::string::npos) changed[at] = ':';
    return changed;
  });
  add("with_a_control_character", [](const std::string& text) {
    const size_t at = text.find('=');
    return at == std::string::npos ? text : text.substr(0, at + 1) + "\x07" + text.substr(at + 1);
  });
  add("with_a_nameless_pair",
      [](const std::string& text) { return text + std::string("=1\0", 3); });
  return faults;
}

}  // namespace

Fault ChangedKeys(std::string name, std::function<bool(const Passing&, v1::KeyList*)> change,
                  bool also_empty) {
  Fault fault;
  fault.name = std::move(name);
  fault.plant = [change = std::move(change), also_empty](
                    Passing* passing, const Image& pdu) -> std::optional<Outcome> {
    if (pdu.kind() != Pdu::kLoginResponse && pdu.kind() != Pdu::kTextResponse) return std::nullopt;
    if (pdu.data.empty() && !also_empty) return std::nullopt;
    initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(pdu.data);
    if (!parsed.flaw.empty() && !pdu.data.empty()) return std::nullopt;
    if (!change(*passing, &parsed.keys)) return std::nullopt;
    Image image = pdu;
    image.SetData(initiator_sim::EncodeKeys(parsed.keys));
    return Only(std::move(image));
  };
  return fault;
}

std::vector<Fault> KeyFaults() {
  std::vector<Fault> faults;
  for (const KeyInfo& info : initiator_sim::AllKeyInfo()) {
    for (Fault& fault : ValuesOf(info)) faults.push_back(std::move(fault));
    for (Fault& fault : PairsOf(std::string(info.name))) faults.push_back(std::move(fault));
  }
  for (const char* key : {"CHAP_A", "CHAP_I", "CHAP_C", "CHAP_N", "CHAP_R"}) {
    faults.push_back(ChangedValue(key, "=nothing", Constant("")));
    faults.push_back(ChangedValue(key, "=5000", Constant("5000")));
    faults.push_back(ChangedValue(key, "=not_hex", Constant("0xzz")));
    for (Fault& fault : PairsOf(key)) faults.push_back(std::move(fault));
  }
  for (auto part : {Added(), Formats()}) {
    for (Fault& fault : part) faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace pushpull::faults
