// One text negotiation as a third party sees it. Internal to the monitor.

#ifndef CONFORMANCE_MONITOR_KEY_EXCHANGE_H_
#define CONFORMANCE_MONITOR_KEY_EXCHANGE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "initiator_sim/session/keys.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::conformance::monitor {

// Joins the text of PDUs up to one without the C bit: a logical text data segment (RFC 7143 §6.1).
class LogicalText {
 public:
  // The whole text, once it is there. Text beyond 1 MiB is dropped: overflowed().
  std::optional<std::string> Add(std::string_view text, bool more);
  bool overflowed() const { return overflowed_; }

 private:
  std::string part_;
  bool overflowed_ = false;
};

struct KeyOffer {
  std::string value;
  bool by_target = false;
  bool passed_over = false;  // the target's, and what the initiator said next didn't answer it
  bool security_stage = false;
  // The initiator said it twice, or what it said is no legal offer: nothing is judged by it.
  bool doubtful = false;
  std::optional<std::string> answer;
};

struct KeyExchange {
  LogicalText initiator_text;
  LogicalText target_text;
  // Negotiations by key, whoever began them.
  std::map<std::string, KeyOffer, std::less<>> offers;
  std::map<std::string, std::string, std::less<>> declared_by_initiator;
  std::map<std::string, std::string, std::less<>> declared_by_target;
  // Declared twice by the initiator.
  std::set<std::string, std::less<>> doubtful;

  std::string record;  // of an answer to SendTargets: the TargetName that came last

  void TakeInitiatorKeys(const v1::KeyList& keys, bool security_stage);

  // What a negotiated key came to. `known` is false where it can't be said.
  struct Outcome {
    bool known = true;
    std::string value;  // the default where nothing was agreed on
  };
  Outcome OutcomeOf(std::string_view name) const;
  std::optional<uint64_t> NumberOf(std::string_view name) const;
  std::optional<bool> BooleanOf(std::string_view name) const;
  // Whether the two sides agreed on a value of it here.
  bool Negotiated(std::string_view name) const;
};

// Whether a proposal of `value` for this key wants an answer (RFC 7143 §6.2). Keys that aren't
// known do; those of authentication methods, and declarations of iSER, don't.
bool WantsAnswer(std::string_view name, std::string_view value);

}  // namespace pushpull::conformance::monitor

#endif  // CONFORMANCE_MONITOR_KEY_EXCHANGE_H_
