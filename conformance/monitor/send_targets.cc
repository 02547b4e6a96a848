// Answers to SendTargets. (RFC 7143 Appendix C)

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "conformance/monitor/context.h"
#include "conformance/monitor/names.h"
#include "initiator_sim/pdu/data.h"

namespace pushpull::conformance::monitor {
namespace {

// What SendTargets asked for, where it was the only key; nullptr: it wasn't.
const std::string* Asked(const KeyExchange& keys) {
  const auto found = keys.declared_by_initiator.find("SendTargets");
  if (found == keys.declared_by_initiator.end() || keys.declared_by_initiator.size() != 1) {
    return nullptr;
  }
  const bool alone = keys.doubtful.empty() && keys.offers.empty();
  return alone ? &found->second : nullptr;
}

bool IsDiscovery(const Session& session) {
  return session.target_name.empty() || session.discovery;
}

// The session's own target, and the portal that it is logged in at.
void CheckOwnPortal(const Context& c, const std::string& name, const std::string& value) {
  const std::optional<TargetAddress> address = ParseTargetAddress(value);
  const auto& declared = c.connection.login.keys.declared_by_target;
  const auto login = declared.find("TargetPortalGroupTag");
  if (!address.has_value() || !address->tag.has_value() || login == declared.end() ||
      !absl::EqualsIgnoreCase(name, c.session.target_name)) {
    return;
  }
  const fabric::Address& peer = c.tap.connection->peer;
  const std::optional<uint64_t> tag = initiator_sim::ParseNumericalValue(login->second);
  if (address->host != peer.host || address->port != peer.port || !tag.has_value()) return;
  if (*tag != *address->tag) {
    c.Report(RuleId::kPortalGroupTagOwn,
             absl::StrCat("TargetAddress=", value,
                          ", where the login has TargetPortalGroupTag=", login->second));
  }
}

}  // namespace

void CheckSendTargets(const Context& c, const std::string& text, KeyExchange* keys) {
  const std::string* asked = Asked(*keys);
  if (asked == nullptr) return;
  const initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(text);
  for (const v1::KeyValue& key : parsed.keys.key()) {
    if (key.name() == "SendTargets" && initiator_sim::IsNoAgreement(key.value())) continue;
    if (key.name() == "TargetName") {
      keys->record = key.value();
      // A session with one target tells of that; else a name asks for one alone.
      const std::string& due = IsDiscovery(c.session) ? *asked : c.session.target_name;
      if (!due.empty() && due != "All" && !absl::EqualsIgnoreCase(due, key.value())) {
        c.Report(RuleId::kSendTargetsScope,
                 absl::StrCat("TargetName=", key.value(), ", where ", due, " alone is asked for"));
      }
      continue;
    }
    if (key.name() != "TargetAddress") {
      c.Report(RuleId::kSendTargetsKeys, absl::StrCat(key.name(), " in an answer to SendTargets"));
    } else if (keys->record.empty()) {
      c.Report(RuleId::kSendTargetsKeys, "a TargetAddress before the first TargetName");
    } else {
      CheckOwnPortal(c, keys->record, key.value());
    }
  }
}

}  // namespace pushpull::conformance::monitor
