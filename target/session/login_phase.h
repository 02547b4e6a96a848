// The login of one connection together with what it asks of the node. It can go on on another loop.

#ifndef TARGET_SESSION_LOGIN_PHASE_H_
#define TARGET_SESSION_LOGIN_PHASE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "fabric/stream.h"
#include "target/login/login.h"
#include "target/session/node.h"

namespace pushpull::target {

class LoginPhase final : public LoginHost {
 public:
  // `portal`: the address by which the initiator came.
  LoginPhase(Node* node, fabric::Address portal, LoginConfig config)
      : node_(node), portal_(std::move(portal)), machine_(this, std::move(config)) {}

  LoginTarget FindTarget(const LoginIdentity& identity) override {
    return node_->FindTarget(identity, portal_);
  }
  LoginPlace FindPlace(const LoginIdentity& identity) override {
    key_ = node_->SessionKey(identity, portal_);
    LoginPlace place = node_->registry().FindPlace(key_, identity);
    if (place.status == LoginStatus::kTooManyConnections && node_->Has(Bug::kConnectionBeyondMax)) {
      place.status = LoginStatus::kSuccess;
    }
    if (place.kind == LoginKind::kConnectionReinstatement &&
        node_->Has(Bug::kConnectionReinstatementRefused)) {
      place.status = LoginStatus::kTooManyConnections;
    }
    if (place.kind == LoginKind::kSessionReinstatement && node_->Has(Bug::kLostSessionShutsOut) &&
        node_->registry().IsLost(key_)) {
      place.status = LoginStatus::kOutOfResources;
    }
    return place;
  }

  LoginMachine& machine() { return machine_; }
  // The session's name in the registry, once the machine has asked for its place.
  const std::string& key() const { return key_; }

 private:
  Node* const node_;
  const fabric::Address portal_;
  std::string key_;
  LoginMachine machine_;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_LOGIN_PHASE_H_
