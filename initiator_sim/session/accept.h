// Answers a login as a right target does, for scripted targets. (RFC 7143 §6.3)

#ifndef INITIATOR_SIM_SESSION_ACCEPT_H_
#define INITIATOR_SIM_SESSION_ACCEPT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "initiator_sim/session/session.h"
#include "pushpull/v1/pdu.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {

class LoginAcceptance {
 public:
  // `connection` outlives this; its negotiation is fed by whoever receives and sends, requests
  // before OnRequest.
  LoginAcceptance(const v1::AcceptLogin& settings, ConnectionState* connection)
      : settings_(settings), connection_(connection) {}

  // The Login Response to a request: stages, flags, status, text. Tags and numbers are left to the
  // sender.
  v1::Pdu OnRequest(const v1::Pdu& pdu);

  // After the response was sent: whether the login has come as far as it was meant to.
  bool done() const { return done_; }

 private:
  // `last`: the initiator has said all that it has to say in this stage.
  v1::KeyList Answers(bool last);
  std::string AnswerFor(const v1::KeyValue& offer) const;
  const std::string* Scripted(std::string_view key) const;

  const v1::AcceptLogin settings_;
  ConnectionState* const connection_;
  bool portal_group_said_ = false;
  bool declared_ = false;
  bool done_ = false;
  std::vector<std::string> answered_;  // of the scripted keys
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_SESSION_ACCEPT_H_
