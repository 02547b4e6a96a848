// Pings, logouts, texts, and what all drivers wait with.

#include <utility>

#include "absl/strings/str_cat.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/drivers.h"

namespace pushpull::initiator_sim {

Awaited AwaitFor(Play* play, Link* link, const Task* task, const std::string& awaiting) {
  Awaited awaited;
  awaited.arrival = play->FirstFor(link, task);
  if (awaited.arrival != nullptr) {
    awaited.progress = Progress::kDone;
  } else if (!link->open()) {
    awaited.progress = play->EndedWhileWaiting(*link, awaiting);
  }
  return awaited;
}

Link* FullFeatureLink(Play* play, const std::string& name, const std::string& what) {
  Link* const link = play->FindLink(name);
  if (link == nullptr) {
    play->Error(absl::InvalidArgumentError(
        absl::StrCat(what, " needs connection ", name, ", which was never opened; log in first")));
    return nullptr;
  }
  if (!link->open()) {
    play->EndedWhileWaiting(*link, what);
    return nullptr;
  }
  if (!link->full_feature()) {
    play->Error(absl::InvalidArgumentError(absl::StrCat(
        what, " needs connection ", name, " in the full feature phase; log in first")));
    return nullptr;
  }
  return link;
}

// ---- ping --------------------------------------------------------------------------------------

PingRunner::PingRunner(Play* play, Link* link, bool immediate, std::string data)
    : play_(play), link_(link), immediate_(immediate), data_(std::move(data)) {}

Progress PingRunner::Advance() {
  if (task_ == nullptr) {
    if (!link_->open()) return play_->EndedWhileWaiting(*link_, Awaiting());
    if (!immediate_ && !play_->WindowOpen(*link_)) return Progress::kWaiting;
    task_ = play_->NewTask(play_->PrivateName("ping"), link_);
    v1::Pdu ping;
    ping.mutable_nop_out();
    if (immediate_) ping.set_immediate(true);
    if (!data_.empty()) ping.mutable_data()->set_raw(data_);
    const absl::Status status = play_->Send(std::move(ping), link_, task_);
    if (!status.ok()) return play_->Error(status);
  }
  const Awaited awaited = AwaitFor(play_, link_, task_, Awaiting());
  if (awaited.arrival == nullptr) return awaited.progress;
  if (!awaited.arrival->pdu.has_nop_in()) {
    return play_->Unmet("a ping was not answered by a NOP-In", Awaiting(),
                        FullText(awaited.arrival->pdu));
  }
  arrival_ = awaited.arrival->number;
  answer_ = play_->Take(awaited.arrival);
  if (answer_.nop_in().target_transfer_tag() != kReservedTag) {
    return play_->Unmet("the answer to a ping has a Target Transfer Tag (RFC 7143 §11.19.1)",
                        "Target Transfer Tag 0xffffffff", FullText(answer_));
  }
  // Cut to what we can receive in one PDU (RFC 7143 §11.19).
  const std::string due = data_.substr(0, link_->state.own_max_recv_data_segment_length);
  if (DataBytes(answer_.data()).value_or("") != due) {
    return play_->Unmet("the answer to a ping doesn't bring the ping's data (RFC 7143 §11.19)",
                        absl::StrCat(due.size(), " bytes of ping data"), FullText(answer_));
  }
  return Progress::kDone;
}

// ---- logout ------------------------------------------------------------------------------------

LogoutRunner::LogoutRunner(Play* play, Link* link, v1::LogoutReason reason,
                           std::optional<v1::LogoutResponseCode> due)
    : play_(play), link_(link), reason_(reason), due_(due) {}

std::unique_ptr<LogoutRunner> LogoutRunner::AtTheEnd(Play* play, Link* link) {
  auto runner = std::make_unique<LogoutRunner>(play, link, v1::CLOSE_SESSION, std::nullopt);
  runner->end_will_do_ = true;
  return runner;
}

Progress LogoutRunner::Advance() {
  if (task_ == nullptr) {
    task_ = play_->NewTask(play_->PrivateName("logout"), link_);
    v1::Pdu logout;
    logout.mutable_logout_request()->set_reason(reason_);
    // Immediate: what the case left of the command window doesn't matter.
    logout.set_immediate(true);
    const absl::Status status = play_->Send(std::move(logout), link_, task_);
    if (!status.ok()) return play_->Error(status);
  }
  if (end_will_do_ && !link_->open() && play_->FirstFor(link_, task_) == nullptr) {
    play_->NoteLogout(link_->session);
    return Progress::kDone;
  }
  const Awaited awaited = AwaitFor(play_, link_, task_, Awaiting());
  if (awaited.arrival == nullptr) return awaited.progress;
  const v1::Pdu answer = play_->Take(awaited.arrival);
  const v1::LogoutResponseCode due = due_.value_or(v1::CLOSED);
  if (!answer.has_logout_response() || answer.logout_response().response() != due) {
    return play_->Unmet(
        "the logout was not answered as it must be",
        absl::StrCat("Logout Response with response ", v1::LogoutResponseCode_Name(due)),
        FullText(answer));
  }
  if (due != v1::CLOSED) return Progress::kDone;
  // Either side may close the connections now (RFC 7143 §11.14).
  if (reason_ == v1::CLOSE_SESSION) {
    play_->NoteLogout(link_->session);
  } else if (reason_ == v1::CLOSE_CONNECTION) {
    link_->state.phase = LoginPhase::kLoggedOut;
  }
  return Progress::kDone;
}

// ---- text --------------------------------------------------------------------------------------

TextRunner::TextRunner(Play* play, Link* link, std::string task_name, std::string text,
                       uint32_t data_segment_length, bool immediate, uint32_t at_most)
    : play_(play),
      link_(link),
      task_name_(std::move(task_name)),
      exchange_(std::move(text), data_segment_length == 0
                                     ? link->state.peer_max_recv_data_segment_length
                                     : data_segment_length),
      immediate_(immediate),
      at_most_(at_most) {}

Progress TextRunner::Advance() {
  for (;;) {
    if (send_due_) {
      if (!link_->open()) return play_->EndedWhileWaiting(*link_, Awaiting());
      if (!immediate_ && !play_->WindowOpen(*link_)) return Progress::kWaiting;
      if (task_ == nullptr) {
        task_ = play_->NewTask(task_name_.empty() ? play_->PrivateName("text") : task_name_, link_);
      }
      v1::Pdu request = exchange_.Next();
      if (immediate_) request.set_immediate(true);
      const absl::Status status = play_->Send(std::move(request), link_, task_);
      if (!status.ok()) return play_->Error(status);
      send_due_ = false;
    }
    const Awaited awaited = AwaitFor(play_, link_, task_, Awaiting());
    if (awaited.arrival == nullptr) return awaited.progress;
    if (!awaited.arrival->pdu.has_text_response()) {
      return play_->Unmet("a Text Request was not answered by a Text Response", Awaiting(),
                          FullText(awaited.arrival->pdu));
    }
    arrival_ = awaited.arrival->number;
    last_ = play_->Take(awaited.arrival);
    switch (exchange_.OnResponse(last_)) {
      case TextExchange::Progress::kDone: {
        const Negotiation& negotiation = exchange_.negotiation();
        Parameters parameters;
        negotiation.Apply(&parameters);
        if (parameters.IsSet("MaxRecvDataSegmentLength")) {
          link_->state.peer_max_recv_data_segment_length =
              parameters.NumberOr("MaxRecvDataSegmentLength", 8192);
        }
        return Progress::kDone;
      }
      case TextExchange::Progress::kBreach:
        return play_->Unmet(absl::StrCat("in the text exchange: ", exchange_.breach()), Awaiting(),
                            FullText(last_));
      case TextExchange::Progress::kSend:
        if (exchange_.responses() >= at_most_) {
          return play_->Unmet(
              absl::StrCat("the text exchange hasn't ended after ", at_most_, " responses"),
              "a Text Response with the F bit", FullText(last_));
        }
        send_due_ = true;
        break;
    }
  }
}

}  // namespace pushpull::initiator_sim
