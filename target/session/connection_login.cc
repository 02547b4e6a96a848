// The Login Phase of a connection, and its way into a session (RFC 7143 §6.3, §6.3.4, §6.3.5).

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "target/pdu/request.h"
#include "target/session/connection.h"
#include "target/session/session.h"

namespace pushpull::target {
namespace {

constexpr LoginStatus kStopped = LoginStatus::kServiceUnavailable;
constexpr char kWhy[] = "the target is being stopped";

}  // namespace

void Connection::OnLoginPdu(const PduSlot& pdu) {
  if (pdu.bhs().opcode() != Opcode::kLoginRequest) return Take(login_->machine().OnOtherPdu());
  std::vector<uint8_t> text(pdu.data_bytes());
  pdu.CopyData(text);
  const LoginRequest request = LoginRequest::Decode(pdu.bhs());
  if (node().stopping()) {
    return Take(login_->machine().RefuseRequest(request, kStopped, kWhy));
  }
  Take(login_->machine().OnRequest(request, text));
}

void Connection::Take(const LoginStep& step) {
  switch (step.kind) {
    case LoginStep::Kind::kRespond:
      SendLoginResponse(step);
      return Proceed();
    case LoginStep::Kind::kAdmit:
      return Admit();
    case LoginStep::Kind::kFinal:
      CHECK(false) << "a login ended without being admitted";
      return;
    case LoginStep::Kind::kFail:
      return FailLogin(step);
    case LoginStep::Kind::kClose:
      if (login_ != nullptr) LogLoginFailure("none", step.error);
      return Close();
  }
}

void Connection::LogLoginFailure(std::string_view status, const NegotiationError& error) {
  Log(base::LogLevel::kWarning, "login_failed", [&](base::LogFields& fields) {
    fields.Add("initiator", login_->machine().result().identity.initiator_name)
        .Add("status", status)
        .Add("why", error.reason)
        .Add("section", error.section);
  });
}

void Connection::OnLoginTimer() {
  if (node().Has(Bug::kLoginTimeUnlimited)) return;
  LogLoginFailure("none", {"the time for the login is up", ""});
  Close();
}

// Bug::kMalformedTextUnanswered.
static bool IsMalformed(std::string_view reason) {
  return reason.starts_with("a pair has no") || reason.starts_with("the last pair has no") ||
         reason == "InitiatorName is no iSCSI name";
}

void Connection::FailLogin(const LoginStep& step) {
  if (node().Has(Bug::kMalformedTextUnanswered) && IsMalformed(step.error.reason)) return;
  LogLoginFailure(LoginStatusName(step.status), step.error);
  SendLoginResponse(step);
  if (node().Has(Bug::kLoginKeepsConnection)) return Proceed();
  EndLogin(false, step.status);
  Finish();
}

void Connection::StopLogin() {
  if (login_ == nullptr || closing_) return;
  if (!login_->machine().started()) return Close();
  if (claim_ == 0) return;
  worker_->DropClaim(std::exchange(claim_, 0));
  Take(login_->machine().Refuse(kStopped, kWhy));
}

void Connection::SendLoginResponse(const LoginStep& step) {
  auto text = std::make_unique<std::string>(step.text);
  numbers_ = {step.response.exp_cmd_sn, step.response.max_cmd_sn};
  OutPdu pdu;
  pdu.bhs = step.response.Encode();
  pdu.stat_sn = StatSnUse::kAsIs;  // the login counts them
  if (!text->empty()) pdu.data.push_back(base::AsBytes(*text));
  pdu.done = [text = std::move(text)] {};
  stat_sn_ = StatSnCounter(step.response.stat_sn + 1);
  Send(std::move(pdu));
}

// ---- a place in a session -----------------------------------------------------------------------

void Connection::Admit() {
  switch (login_->machine().result().kind) {
    case LoginKind::kNewSession:
    case LoginKind::kSessionReinstatement:
      return ClaimNewSession();
    case LoginKind::kNewConnection:
    case LoginKind::kConnectionReinstatement:
      return JoinSession();
  }
}

void Connection::ClaimNewSession() {
  const LoginResult& result = login_->machine().result();
  if (node().Has(Bug::kSessionsNeverFree) && node().CountConnection() > 64) {
    return Take(login_->machine().Refuse(LoginStatus::kOutOfResources, "a defect"));
  }
  const SessionRegistry::Claim claim =
      node().registry().ClaimName(login_->key(), worker_, result.session, result.authentication);
  if (claim.tsih == 0) {
    return Take(
        login_->machine().Refuse(LoginStatus::kOutOfResources, "there are too many sessions"));
  }
  claim_ = claim.id;
  worker_->BeginClaim(claim.id, this);
  if (!claim.predecessor.has_value() || node().Has(Bug::kReinstatementKeepsOld)) {
    return OnClaimReady(claim.tsih);
  }
  // RFC 7143 §6.3.5: the session that had this name ends first, wherever it lives.
  worker_->counters().Add(Count::kSessionsReinstated);
  Worker* const mine = worker_;
  Worker* const home = claim.predecessor->worker;
  auto ready = [mine, id = claim.id, tsih = claim.tsih] {
    if (Connection* const connection = mine->PeekClaim(id)) {
      connection->OnClaimReady(tsih);
    } else {
      mine->TakeClaim(id);
    }
  };
  home->loop()->Post([mine, home, old = claim.predecessor->id, ready = std::move(ready)]() mutable {
    home->EndSession(
        old, [mine, ready = std::move(ready)]() mutable { mine->loop()->Post(std::move(ready)); });
  });
}

void Connection::OnClaimReady(uint16_t tsih) {
  worker_->TakeClaim(claim_);
  Session* const session = worker_->AddSession(std::make_unique<Session>(
      worker_, std::exchange(claim_, 0), tsih, login_->machine().result()));
  Enter(session);
}

// RFC 7143 §6.3.4. The session may have ended since the login found it.
void Connection::JoinSession() {
  if (node().stopping()) return Take(login_->machine().Refuse(kStopped, kWhy));
  const LoginIdentity& identity = login_->machine().result().identity;
  const auto home = node().registry().Find(login_->key(), identity.tsih);
  if (home.has_value() && home->worker != worker_) return MoveTo(home->worker);
  Session* const session = home.has_value() ? worker_->FindSession(home->id) : nullptr;
  if (session == nullptr || session->ending()) {
    return Take(login_->machine().Refuse(LoginStatus::kSessionDoesNotExist,
                                         "the session has ended meanwhile"));
  }
  Enter(session);
}

// Sessions and their connections live on one loop: this one goes there.
void Connection::MoveTo(Worker* worker) {
  if (moves_as_it_is()) {
    // Not from within its handler.
    return loop()->Post([life = life_, worker] {
      if (*life != nullptr && !(*life)->closing_) (*life)->MoveAsItIs(worker);
    });
  }
  if (has_unread_bytes()) return Close();  // nothing may follow the last Login Request
  closing_ = closed_ = true;
  has_place_ = false;  // it goes along
  timer_.Cancel();
  worker_->counters().Add(Count::kLogins, -1);
  // A stream can't be moved from within its handler.
  loop()->Post([this, worker] {
    worker_->BeginMove();
    worker_->network()->Move(ReleaseStream(), worker->loop(),
                             [from = worker_, worker, login = std::move(login_)](
                                 std::unique_ptr<fabric::Stream> stream) mutable {
                               worker->Adopt(std::move(stream), std::move(login));
                               from->loop()->Post([from] { from->EndMove(); });
                             });
  });
  worker_->Retire(this);
}

// Until it arrives nothing runs here: what was posted on this loop finds it gone.
void Connection::MoveAsItIs(Worker* worker) {
  Worker* const from = worker_;
  from->counters().Add(Count::kLogins, -1);
  from->BeginMove();
  for (fabric::Timer* const timer : {&timer_, &ping_timer_, &unasked_timer_}) {
    timer->MoveTo(worker->loop());
  }
  *std::exchange(life_, std::make_shared<Connection*>(this)) = nullptr;
  run_posted_ = false;
  MoveTransport(worker->loop(), [worker, from, self = from->Release(this)]() mutable {
    worker->Adopt(std::move(self));
    from->loop()->Post([from] { from->EndMove(); });
  });
}

void Connection::Arrive(Worker* worker) {
  worker_ = worker;
  worker_->counters().Add(Count::kLogins);
  timer_.Start(node().options().login_timeout, [this] { OnLoginTimer(); });
  JoinSession();
}

void Connection::MoveTransport(fabric::Loop* /*loop*/, absl::AnyInvocable<void()> /*done*/) {
  CHECK(false) << traits().name << " gives its stream to another connection";
}

void Connection::Enter(Session* session) {
  LoginMachine& machine = login_->machine();
  window_id_ = session->Attach(this, machine.result().identity.cid);
  const TxQueue::Numbers numbers = session->Numbers();
  machine.SetCommandWindow(numbers.exp_cmd_sn, numbers.max_cmd_sn);
  const LoginStep step = machine.Admit(session->tsih());
  CHECK(step.kind == LoginStep::Kind::kFinal);
  SendLoginResponse(step);
  EnterFullFeature(session);
  Proceed();
}

void Connection::EndLogin(bool done, LoginStatus failure) {
  Counters& counters = worker_->counters();
  counters.Add(Count::kLogins, -1);
  if (done) {
    counters.Add(Count::kLoginsDone);
    GivePlaceBack();
  } else {
    counters.AddLoginFailure(failure);
  }
  login_.reset();
  timer_.Cancel();
}

void Connection::GivePlaceBack() {
  if (std::exchange(has_place_, false)) node().EndLogin();
}

}  // namespace pushpull::target
