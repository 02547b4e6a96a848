// The place of authentication methods within a login (RFC 7143 §12.1). "None" needs no object.

#ifndef TARGET_LOGIN_AUTH_H_
#define TARGET_LOGIN_AUTH_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "target/login/status.h"
#include "target/negotiation/text.h"

namespace pushpull::target {

// One exchange of one method, on one connection.
class AuthExchange {
 public:
  struct Step {
    enum class Verdict {
      kContinue,       // the initiator has to go on
      kAuthenticated,  // both directions are satisfied; `keys` are the target's last
      kFailed,         // the login ends with `status`
    };
    Verdict verdict = Verdict::kContinue;
    LoginStatus status = LoginStatus::kAuthenticationFailure;
    std::string reason;                                     // of a failure, for logs
    std::vector<std::pair<std::string, std::string>> keys;  // to be sent
  };

  virtual ~AuthExchange() = default;

  // The initiator's keys of one request, without AuthMethod itself. May be empty: the initiator
  // named the method, or sent nothing. Keys that this method doesn't have, or not now, are a
  // failure.
  virtual Step OnKeys(std::span<const KeyValue> keys) = 0;

  // By what name the initiator has proven itself, once it has; may be empty.
  virtual std::string identity() const { return ""; }
};

// Which methods a target asks of an initiator.
class AuthPolicy {
 public:
  virtual ~AuthPolicy() = default;

  // The names that may be chosen, in the target's own order of preference (used where the target
  // makes the offer). "None" among them: no authentication is needed.
  virtual std::vector<std::string> Methods() const = 0;

  // Begins an exchange by one of Methods(), never for "None".
  virtual std::unique_ptr<AuthExchange> Start(std::string_view method,
                                              std::string_view initiator_name) = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_LOGIN_AUTH_H_
