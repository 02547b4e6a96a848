// The rules of key negotiation (RFC 7143 §6.2): one party's state over one Login Phase, or over one
// Text sequence of the Full Feature Phase. It knows keys and values; PDUs and stages are the
// business of target/login and target/discovery.

#ifndef TARGET_NEGOTIATION_NEGOTIATOR_H_
#define TARGET_NEGOTIATION_NEGOTIATOR_H_

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "target/bugs/bugs.h"
#include "target/negotiation/keys.h"
#include "target/negotiation/parameters.h"
#include "target/negotiation/text.h"

namespace pushpull::target {

enum class NegotiationPhase : uint8_t { kSecurity, kOperational, kFullFeature };

struct NegotiationContext {
  SessionType session_type = SessionType::kNormal;
  bool leading = true;          // the login of a session's first connection
  bool rdma_transport = false;  // the connection's transport is iSER's
};

class Negotiator {
 public:
  // `session` and `connection` are what is in force now: the defaults for a new session.
  Negotiator(NegotiationLimits limits, const NegotiationContext& context,
             const SessionParameters& session, const ConnectionParameters& connection,
             const BugSet& bugs);

  // One whole logical text data segment of the initiator. Answers are added to `out`, in the order
  // of the offers. Keys of an authentication method and AuthMethod itself are handed on in
  // `authentication`; InitiatorName, TargetName and SessionType are only checked for repetition and
  // place: their values are the login's business. SendTargets is not accepted here.
  // An error ends the login or the Text sequence (§6.3, §6.4, §7.12); `out` is then worthless.
  base::Result<void, NegotiationError> Receive(NegotiationPhase phase,
                                               std::span<const KeyValue> pairs, TextSender& out,
                                               std::vector<KeyValue>& authentication);

  // A key that the login itself declared (TargetAlias, AuthMethod ...): the initiator may answer
  // NotUnderstood where the key allows it, which is no proposal of its own.
  void NoteDeclared(Key key) { declared_.set(static_cast<size_t>(key)); }
  // The same of a key that no RFC has.
  void NoteDeclared(std::string_view private_key) { private_declared_.emplace(private_key); }

  // What the target says unasked, in the first operational response after a request with C=0 that
  // may have it: MaxRecvDataSegmentLength, X#NodeArchitecture, and over RDMA the keys of RFC 7145
  // §6. To be called for each such response; nothing is said twice.
  void Declare(TextSender& out);

  // Called when the initiator wants to leave the operational stage: proposals for keys that the
  // initiator did not mention and whose defaults the limits forbid. Nothing is proposed twice.
  void Propose(TextSender& out);

  // Whether there is anything that Propose() would propose.
  bool WouldPropose() const;

  // Whether a proposal of the target waits for its answer, so that the stage can't end (§6.3).
  bool awaiting_answers() const { return awaiting_.any(); }

  // The negotiation ends in agreement: checks the rules that span keys (§6.2) and makes the results
  // whole.
  base::Result<void, NegotiationError> Finish();

  const SessionParameters& session() const { return session_; }
  const ConnectionParameters& connection() const { return connection_; }
  const NegotiationContext& context() const { return context_; }
  // What the initiator declared of itself; empty where it said nothing.
  const std::string& initiator_alias() const { return initiator_alias_; }
  const std::string& initiator_node_architecture() const { return node_architecture_; }

 private:
  using KeySet = std::bitset<kKeyCount>;
  using Checked = base::Result<void, NegotiationError>;
  // The answer to one pair; none where none is due.
  using Answer = std::optional<std::string>;

  Checked CheckPlace(NegotiationPhase phase, const KeyValue& pair, const KeyRow* row);
  Checked CheckFirstTime(const KeyValue& pair, const KeyRow* row);
  // An answer word (Reject ...) where the target spoke first.
  Checked TakeAnswerWord(const KeyValue& pair, const KeyRow* row);
  base::Result<Answer, NegotiationError> Handle(NegotiationPhase phase, const KeyValue& pair,
                                                const KeyRow* row);
  base::Result<Answer, NegotiationError> HandleDeclaration(const KeyRow& row,
                                                           std::string_view value);
  base::Result<Answer, NegotiationError> HandleAnswer(const KeyRow& row, std::string_view value);
  std::string AnswerOffer(NegotiationPhase phase, const KeyRow& row, std::string_view value);
  std::optional<std::string> WrongAnswer(NegotiationPhase phase, const KeyRow& row,
                                         std::string_view value) const;
  bool StageUnchecked(const KeyRow& row) const;
  void KeepName(std::string_view key);
  bool WantsKeyAgain() const;
  void SpoilDefaults();
  std::string AnswerList(const KeyRow& row, std::string_view value);
  std::string AnswerBoolean(const KeyRow& row, bool offered);
  std::string AnswerNumber(const KeyRow& row, uint64_t offered);
  Checked CheckNothingUnanswered();

  bool IsIrrelevant(const KeyRow& row) const;
  // The target's own wish, and the limits that other keys set to this one.
  uint64_t Wish(const KeyRow& row) const;
  uint64_t InForce(Key key) const;
  void Settle(Key key, uint64_t value);
  // The value that has to be proposed for this key, if any.
  std::optional<uint64_t> ProposalFor(const KeyRow& row) const;
  void ProposeKey(const KeyRow& row, uint64_t value, TextSender& out);

  NegotiationLimits limits_;
  NegotiationContext context_;
  SessionParameters session_;
  ConnectionParameters connection_;
  BugSet bugs_;

  KeySet seen_;      // came from the initiator
  KeySet settled_;   // has a result of this negotiation
  KeySet declared_;  // came from the target, and were not refused yet
  KeySet sent_;      // came from the target, declared or proposed
  KeySet awaiting_;  // proposed by the target, not yet answered
  std::array<uint64_t, kKeyCount> proposals_ = {};
  std::set<std::string, std::less<>> unknown_seen_;
  std::string last_unknown_;  // Bug::kKeyNameOneOver
  std::set<std::string, std::less<>> private_declared_;
  bool knows_rfc7145_ = false;  // the initiator sent a key that only RFC 5046 and 7145 have
  std::string initiator_alias_;
  std::string node_architecture_;
};

}  // namespace pushpull::target

#endif  // TARGET_NEGOTIATION_NEGOTIATOR_H_
