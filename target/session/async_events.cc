#include "target/session/async_events.h"

#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "target/session/session.h"
#include "target/tx/out_pdu.h"

namespace pushpull::target {
namespace {

OutPdu PduOf(const AsyncMessage& message, bool stat_sn_stuck) {
  OutPdu pdu;
  pdu.bhs = message.Encode();
  if (stat_sn_stuck) pdu.stat_sn = StatSnUse::kCurrent;
  return pdu;
}

}  // namespace

AsyncEvents::AsyncEvents(Session* session)
    : session_(session),
      logout_timer_(session->worker().loop()),
      negotiation_timer_(session->worker().loop()) {}

bool AsyncEvents::Do(const AsyncRequest& request, Connection* by) {
  if (session_->ending()) return false;
  if (by != nullptr) {
    by->Log(base::LogLevel::kInfo, "async_event", [&request](base::LogFields& fields) {
      fields.Add("event", 1 + static_cast<int64_t>(request.kind));
    });
  }
  const bool connected = session_->connection() != nullptr;
  switch (request.kind) {
    case AsyncRequest::Kind::kLogout:
      if (!connected) return false;
      if (session_->is_discovery()) {
        DropConnection();
        return true;
      }
      return RequestLogout(request.within_s, by);
    case AsyncRequest::Kind::kDropConnection:
      if (!connected) return false;
      DropConnection();
      return true;
    case AsyncRequest::Kind::kDropSession:
      DropSession();
      return true;
    case AsyncRequest::Kind::kNegotiation:
      if (!connected || session_->is_discovery()) return false;
      return RequestNegotiation(request.within_s, by);
  }
  return false;
}

void AsyncEvents::Clear() {
  logout_requested_ = false;
  logout_timer_.Cancel();
  negotiation_timer_.Cancel();
}

bool AsyncEvents::Send(Connection* by, AsyncMessage message) {
  return by->Send(PduOf(message, session_->Has(Bug::kAsyncStatSnStuck)));
}

bool AsyncEvents::RequestLogout(uint16_t within_s, Connection* by) {
  AsyncMessage message;
  message.async_event = AsyncEvent::kLogoutRequest;
  message.parameter3 = within_s;
  if (!Send(by, message)) return false;
  logout_requested_ = true;
  if (session_->Has(Bug::kLogoutRequestNotEnforced)) return true;
  logout_timer_.Start(absl::Seconds(within_s), [this] { DropConnection(); });
  return true;
}

bool AsyncEvents::RequestNegotiation(uint16_t within_s, Connection* by) {
  AsyncMessage message;
  message.async_event = AsyncEvent::kNegotiationRequest;
  message.parameter3 = within_s;
  if (!Send(by, message)) return false;
  negotiation_timer_.Start(absl::Seconds(within_s), [this] { DropConnection(); });
  return true;
}

// The session waits to be reinstated afterwards, as after a failure: what the event's Time2Wait and
// Time2Retain say. Below ErrorRecoveryLevel 2 its tasks end at once (§7.6).
void AsyncEvents::DropConnection() {
  AsyncMessage message;
  message.async_event = AsyncEvent::kConnectionDropNotification;
  message.parameter1 = session_->connection()->cid();
  if (session_->Has(Bug::kDropNamesOtherCid)) ++message.parameter1;
  message.parameter2 = session_->parameters().default_time2wait;
  message.parameter3 = session_->parameters().default_time2retain;
  const bool told = !session_->is_discovery() && !session_->Has(Bug::kDropUnannounced);
  session_->DropConnection(
      told ? std::optional(PduOf(message, session_->Has(Bug::kAsyncStatSnStuck))) : std::nullopt);
}

// Nothing is left that could be reassigned: Time2Retain is 0.
void AsyncEvents::DropSession() {
  AsyncMessage message;
  message.async_event = AsyncEvent::kSessionDropNotification;
  message.parameter2 = session_->parameters().default_time2wait;
  const bool told = !session_->is_discovery() && !session_->Has(Bug::kDropUnannounced);
  session_->EndInOrder(
      told ? std::optional(PduOf(message, session_->Has(Bug::kAsyncStatSnStuck))) : std::nullopt,
      session_->node().stopping() ? "it hasn't logged out before the target's stop"
                                  : "dropped by the administrator");
}

}  // namespace pushpull::target
