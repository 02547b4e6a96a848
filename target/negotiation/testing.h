// Negotiations as tests write them: texts in, texts out.

#ifndef TARGET_NEGOTIATION_TESTING_H_
#define TARGET_NEGOTIATION_TESTING_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "target/bugs/bugs.h"
#include "target/negotiation/negotiator.h"
#include "target/negotiation/text.h"

namespace pushpull::target {

// "A=1|B=2" as it goes over the wire.
inline std::string WireText(std::string_view text) {
  std::string wire(text);
  std::replace(wire.begin(), wire.end(), '|', '\0');
  if (!wire.empty()) wire += '\0';
  return wire;
}

// The reverse. A text that doesn't end in NUL is marked.
inline std::string ShownText(std::string text) {
  if (text.empty()) return text;
  if (text.back() != '\0') return text + "<no NUL>";
  text.pop_back();
  std::replace(text.begin(), text.end(), '\0', '|');
  return text;
}

inline constexpr NegotiationPhase kOperational = NegotiationPhase::kOperational;
inline constexpr NegotiationPhase kFullFeature = NegotiationPhase::kFullFeature;

// One side of a negotiation, before it begins.
struct Party {
  NegotiationLimits limits = {};
  NegotiationContext context = {};
  SessionParameters session = {};
  BugSet bugs = {};

  Negotiator Make() const {
    return Negotiator(limits, context, session, ConnectionParameters(), bugs);
  }
};

inline NegotiationContext Discovery() { return {.session_type = SessionType::kDiscovery}; }
inline NegotiationContext Added() { return {.leading = false}; }
inline NegotiationContext Rdma() { return {.rdma_transport = true}; }

// The answers to one text, or "error: ..." with its section.
inline std::string Say(Negotiator& negotiator, std::string_view text,
                       NegotiationPhase phase = kOperational) {
  const std::string wire = WireText(text);
  const auto pairs = ParseText(wire);
  CHECK(pairs.ok()) << pairs.error().reason;
  TextSender out;
  std::vector<KeyValue> authentication;
  const auto received = negotiator.Receive(phase, *pairs, out, authentication);
  if (!received.ok()) {
    return "error: " + received.error().reason + " (" + std::string(received.error().section) + ")";
  }
  return ShownText(out.Next(1 << 20));
}

inline std::string SayOnce(const Party& party, std::string_view text,
                           NegotiationPhase phase = kOperational) {
  Negotiator negotiator = party.Make();
  return Say(negotiator, text, phase);
}

inline std::string Declared(Negotiator& negotiator) {
  TextSender out;
  negotiator.Declare(out);
  return ShownText(out.Next(1 << 20));
}

inline std::string Proposed(Negotiator& negotiator) {
  TextSender out;
  negotiator.Propose(out);
  return ShownText(out.Next(1 << 20));
}

inline std::string FinishOf(Negotiator& negotiator) {
  const auto finished = negotiator.Finish();
  return finished.ok() ? "ok" : finished.error().reason;
}

inline BugSet Bugs(Bug bug) {
  BugSet bugs;
  bugs.Add(bug);
  return bugs;
}

}  // namespace pushpull::target

#endif  // TARGET_NEGOTIATION_TESTING_H_
