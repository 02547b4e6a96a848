// The text keys of RFC 7143 §13: what each may be, how it is negotiated, and what comes of it.

#ifndef INITIATOR_SIM_SESSION_KEYS_H_
#define INITIATOR_SIM_SESSION_KEYS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pushpull::initiator_sim {

// How a key's outcome follows from what both sides say (RFC 7143 §13, "result function").
enum class KeyFunction : uint8_t {
  kMinimum,
  kMaximum,
  kAnd,
  kOr,
  kListChoice,  // the first of the offered values that the acceptor supports (§6.2.1)
  kDeclared,    // one side tells the other; no answer
};

struct KeyInfo {
  std::string_view name;
  KeyFunction function = KeyFunction::kDeclared;
  bool numeric = false;  // `min` to `max`
  uint64_t min = 0;
  uint64_t max = 0;
  // What holds where nothing was negotiated; empty: there is no such thing.
  std::string_view default_value = {};
  bool leading_only = false;             // "LO": only on a session's first connection
  bool irrelevant_in_discovery = false;  // "Irrelevant when: SessionType=Discovery"
  bool login_only = false;               // "LO", "IO": not in the Full Feature Phase
  bool any_stage = false;                // also in the SecurityNegotiation stage
  bool iser = false;                     // RFC 7145 §6: not understood where there is no iSER
  bool may_repeat = false;               // TargetAddress, and keys of SendTargets answers
  bool extension = false;                // X#...: may be not understood, though public (§6.2)
  std::string_view section = {};         // "RFC 7143 §13.12"
};

// nullptr: no key of these RFCs.
const KeyInfo* FindKeyInfo(std::string_view name);
std::span<const KeyInfo> AllKeyInfo();

inline constexpr std::string_view kNotUnderstood = "NotUnderstood";
inline constexpr std::string_view kIrrelevant = "Irrelevant";
inline constexpr std::string_view kReject = "Reject";
// NotUnderstood, Irrelevant or Reject: the key stays at what it was (§6.2).
bool IsNoAgreement(std::string_view answer);

// A numerical-value: decimal without leading zeros, or 0x... (§6.1). nullopt: it is none.
std::optional<uint64_t> ParseNumericalValue(std::string_view text);

// What is wrong with `answer` to the offer of `offered`; empty: nothing. An answer of no agreement
// is right for any key, but NotUnderstood for a key of the RFC (§6.2). `offered` empty: only the
// range is judged.
std::string JudgeAnswer(const KeyInfo& key, std::string_view offered, std::string_view answer);

// What is wrong with a value on its own: type, range.
std::string JudgeValue(const KeyInfo& key, std::string_view value);

// Whether an offer needs no answer because it decides the outcome (§6.2.2), or is a declaration.
bool AnswerOptional(const KeyInfo& key, std::string_view offered);

// What an acceptor that itself would choose `own` answers to `offered`. Reject where the offer is
// not admissible, or none of a list is supported.
std::string AnswerTo(const KeyInfo& key, std::string_view offered, std::string_view own);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_SESSION_KEYS_H_
