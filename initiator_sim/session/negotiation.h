// What two sides said in text negotiations, and what came of it.

#ifndef INITIATOR_SIM_SESSION_NEGOTIATION_H_
#define INITIATOR_SIM_SESSION_NEGOTIATION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

// Values by key: as the RFC's defaults say until something else was negotiated.
class Parameters {
 public:
  // The outcome, or default; empty: neither.
  std::string Get(std::string_view key) const;
  // Of numerical keys; Yes is 1, No is 0. nullopt: neither number nor Boolean.
  std::optional<uint64_t> Number(std::string_view key) const;
  uint32_t NumberOr(std::string_view key, uint32_t otherwise) const;
  bool Yes(std::string_view key) const { return Get(key) == "Yes"; }

  void Set(std::string_view key, std::string_view value);
  bool IsSet(std::string_view key) const { return values_.contains(key); }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// One negotiation, kept by one of its sides ("we"): a Login Phase (whose stages are negotiations of
// their own, but no key may come twice in all of them), or one exchange of Text PDUs.
class Negotiation {
 public:
  // The text of a PDU; `more` is its C bit. A logical text data segment is read as soon as its last
  // PDU is there (RFC 7143 §6.1).
  void Sent(std::string_view text, bool more);
  void Received(std::string_view text, bool more);

  // What we offered or declared, and the answer to it; likewise for the peer.
  const std::string* Offered(std::string_view key) const { return Find(offered_, key); }
  const std::string* AnswerOfPeer(std::string_view key) const { return Find(answered_, key); }
  const std::string* OfferedByPeer(std::string_view key) const { return Find(peer_offered_, key); }
  const std::string* AnsweredByUs(std::string_view key) const { return Find(own_answers_, key); }

  // What the peer said of a key, answer or not. nullptr: nothing.
  const std::string* SaidByPeer(std::string_view key) const;

  // What the key came to in this negotiation. A declaration: what the peer declared, else what we
  // did. nullopt: it didn't come up, is unanswered, or there was no agreement.
  std::optional<std::string> Outcome(std::string_view key) const;

  // Keys that the peer offered and we haven't answered, in order: those that need an answer.
  std::vector<v1::KeyValue> TakeUnanswered();

  // All keys of the peer, in the order in which they came.
  const v1::KeyList& received() const { return received_; }
  // Breaches that the peer's text shows: a key twice, an answer against the rules, bad format.
  const std::vector<std::string>& flaws() const { return flaws_; }
  // Whether a text of the peer is incomplete (C bit).
  bool receiving() const { return !received_part_.empty() || receiving_; }

  // Enters all outcomes. (MaxRecvDataSegmentLength: the peer's declaration, which binds us.)
  void Apply(Parameters* parameters) const;

 private:
  using Values = std::map<std::string, std::string, std::less<>>;

  static const std::string* Find(const Values& values, std::string_view key);
  void TakeSent(const v1::KeyValue& key);
  void TakeReceived(const v1::KeyValue& key);

  Values offered_;
  Values answered_;
  Values peer_offered_;
  Values own_answers_;
  v1::KeyList received_;
  std::vector<v1::KeyValue> unanswered_;
  std::vector<std::string> flaws_;
  std::string sent_part_;
  std::string received_part_;
  bool receiving_ = false;
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_SESSION_NEGOTIATION_H_
