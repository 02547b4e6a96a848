// The Login Phase of one connection, seen from the target (RFC 7143 §6.3, §11.12, §11.13). Login
// Requests go in, Login Responses come out; no I/O, no clock.
//
//   LoginMachine login(&host, config);
//   LoginStep step = login.OnRequest(request, text);
//   if (step.kind == LoginStep::Kind::kAdmit) {   // all is agreed; only a place is missing
//     ... end the session or connection that login.result() replaces, find a TSIH ...
//     step = login.Admit(tsih);                   // or login.Refuse(status)
//   }
//   ... send step.response with step.text as its data segment ...
//   kRespond: the Login Phase goes on.    kFinal: Full Feature Phase; see login.result().
//   kFail: close the connection behind the response.    kClose: close it without any.

#ifndef TARGET_LOGIN_LOGIN_H_
#define TARGET_LOGIN_LOGIN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "target/bugs/bugs.h"
#include "target/login/auth.h"
#include "target/login/status.h"
#include "target/negotiation/negotiator.h"
#include "target/negotiation/parameters.h"
#include "target/negotiation/text.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"
#include "target/variation/login_variation.h"

namespace pushpull::target {

// Who logs in, and where to: the first Login Request's fields and names.
struct LoginIdentity {
  std::string initiator_name;
  std::optional<std::string> target_name;  // none: an Unnamed Discovery session (§7.4.2.1)
  SessionType session_type = SessionType::kNormal;
  Isid isid = {};
  uint16_t tsih = 0;  // as the initiator sent it
  uint16_t cid = 0;
};

// A target node, as one portal and one initiator see it.
struct LoginTarget {
  // kSuccess, or why the login fails: kNotFound, kAuthorizationFailure, kTargetRemoved,
  // kServiceUnavailable, or a redirection.
  LoginStatus status = LoginStatus::kSuccess;
  std::vector<std::string> redirect_addresses =
      {};  // "host[:port]", at least one with a redirection
  // Of the portal; none where an Unnamed Discovery session has no single one.
  std::optional<uint16_t> target_portal_group_tag = {};
  std::string target_alias = {};  // sent where it is not empty and the session is Normal
  AuthPolicy* auth = nullptr;     // null: no authentication. Outlives the login
};

// What a login does to the target's sessions (the table of §6.3.1).
enum class LoginKind : uint8_t {
  kNewSession,
  kSessionReinstatement,
  kNewConnection,
  kConnectionReinstatement,
};

struct LoginPlace {
  // kSuccess, or why the login fails: kSessionDoesNotExist, kTooManyConnections,
  // kCannotIncludeInSession, kOutOfResources.
  LoginStatus status = LoginStatus::kSuccess;
  LoginKind kind = LoginKind::kNewSession;
  // With kNewConnection and kConnectionReinstatement: the session's.
  SessionParameters session = {};
  std::string authentication = {};  // LoginResult::authentication of its leading login
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
};

// What a login asks of the node that it stands in. Called on the connection's loop, answered at
// once; what takes time is done between kAdmit and Admit().
class LoginHost {
 public:
  virtual ~LoginHost() = default;
  virtual LoginTarget FindTarget(const LoginIdentity& identity) = 0;
  virtual LoginPlace FindPlace(const LoginIdentity& identity) = 0;
};

struct LoginConfig {
  NegotiationLimits limits;
  BugSet bugs;
  bool rdma_transport = false;
  uint32_t initial_stat_sn = 0;  // of the first response
  uint32_t queue_depth = 128;    // MaxCmdSN of a new session is ExpCmdSN + this - 1
  // Exchanges (not counting those that carry a part of a longer text) before the target gives up;
  // §6.2 asks for 6 at least.
  uint32_t max_exchanges = 128;
  std::shared_ptr<LoginVariation> variation = nullptr;  // null: as usual
};

struct LoginResult {
  LoginIdentity identity;
  LoginKind kind = LoginKind::kNewSession;
  uint16_t tsih = 0;    // of the session; after Admit()
  uint32_t cmd_sn = 0;  // of the first request: a new session's first ExpCmdSN
  uint16_t target_portal_group_tag = 0;
  std::string initiator_alias;
  std::string auth_method;  // "None" where no authentication took place
  // By what method and as whom: the same for all connections of a session (§9.2).
  std::string authentication;
  SessionParameters session;
  ConnectionParameters connection;
};

struct LoginStep {
  enum class Kind : uint8_t { kRespond, kAdmit, kFinal, kFail, kClose };
  Kind kind = Kind::kClose;
  // All fields but the lengths are set. Not with kAdmit and kClose.
  LoginResponse response;
  std::string text;  // its data segment, at most 8192 bytes (§6.3)
  LoginStatus status = LoginStatus::kSuccess;
  NegotiationError error;  // why, with kFail and kClose
};

class LoginMachine {
 public:
  // `host` outlives the machine.
  LoginMachine(LoginHost* host, LoginConfig config);
  ~LoginMachine();

  // The next Login Request and its data segment.
  LoginStep OnRequest(const LoginRequest& request, base::Bytes text);

  // Any other PDU: before the first Login Request the connection is closed at once, later with
  // status 020b (§4.2.4).
  LoginStep OnOtherPdu();

  // After kAdmit, once: the final response. `tsih` is not 0; for an existing session its own.
  LoginStep Admit(uint16_t tsih);
  LoginStep Refuse(LoginStatus status, std::string reason);
  // In place of OnRequest().
  LoginStep RefuseRequest(const LoginRequest& request, LoginStatus status, std::string reason);

  // For an added connection, whose session goes on meanwhile: what the next response says.
  void SetCommandWindow(uint32_t exp_cmd_sn, uint32_t max_cmd_sn);

  bool started() const { return started_; }
  bool finished() const { return state_ == State::kDone; }  // well or not
  // From kAdmit on.
  const LoginResult& result() const { return result_; }

 private:
  enum class State : uint8_t { kNegotiating, kAdmitting, kDone };
  // A failure to be told to the initiator.
  struct Failure {
    LoginStatus status;
    NegotiationError error;
    std::string text;  // keys that go with it
  };
  using Checked = base::Result<void, Failure>;

  static Checked Refused(std::string reason, std::string_view section,
                         LoginStatus status = LoginStatus::kInitiatorError);
  Checked CheckHeader(const LoginRequest& request) const;
  Checked CheckStages(const LoginRequest& request) const;
  Checked TakeText(const LoginRequest& request, base::Bytes text);
  Checked AppendUnchecked(base::Bytes text);
  Checked Process();
  Checked Identify(const std::vector<KeyValue>& pairs);
  Checked CheckLateNames(const std::vector<KeyValue>& pairs) const;
  Checked Locate();
  void DeclareIdentity();
  std::vector<std::string> Methods() const;
  bool MayStayAnonymous() const;
  Checked CheckSecurity() const;
  Checked Authenticate(std::vector<KeyValue>& keys);
  Checked ChooseMethod(std::string_view offer);
  void AddPrivateKey();
  bool MayTransit() const;
  std::string NextText();
  LoginStep Respond();
  LoginStep Transit(LoginStep step);
  void Begin(const LoginRequest& request);
  LoginStep Close(std::string reason);
  LoginStep Fail(Failure failure);
  LoginResponse MakeResponse();

  LoginHost* host_;
  LoginConfig config_;
  State state_ = State::kNegotiating;
  bool started_ = false;
  Stage stage_ = Stage::kSecurityNegotiation;
  LoginRequest first_;    // the first request's header
  LoginRequest current_;  // the request that is being answered
  TextCollector in_;
  TextSender out_;
  std::unique_ptr<Negotiator> negotiator_;  // once the first text was whole
  LoginTarget target_;
  std::string due_authentication_;  // of a further connection: its session's
  std::unique_ptr<AuthExchange> auth_;
  LoginResult result_;
  std::string final_text_;      // of the final response
  bool authenticated_ = false;  // or None was agreed
  bool auth_offered_ = false;   // the target proposed AuthMethod
  bool private_key_sent_ = false;
  bool private_key_open_ = false;  // it may be answered yet
  uint32_t stat_sn_;
  uint32_t exp_cmd_sn_ = 0;
  uint32_t max_cmd_sn_ = 0;
  uint32_t exchanges_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_LOGIN_LOGIN_H_
