// accept, accept_login.

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/judge.h"
#include "initiator_sim/player/steps.h"
#include "initiator_sim/session/accept.h"

namespace pushpull::initiator_sim {
namespace {

class AcceptAction : public Action {
 public:
  AcceptAction(Play* play, const v1::Step& step)
      : play_(play), accept_(step.accept()), link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    std::unique_ptr<fabric::Stream> stream = play_->TakeAccepted(accept_.portal());
    if (stream == nullptr) return Progress::kWaiting;
    play_->Adopt(link_name_, std::move(stream));
    return Progress::kDone;
  }

  std::string Awaiting() const override { return "a connection of the initiator"; }

 private:
  Play* const play_;
  const v1::Accept accept_;
  const std::string link_name_;
};

class AcceptLoginAction : public Action {
 public:
  AcceptLoginAction(Play* play, const v1::Step& step)
      : play_(play),
        settings_(step.accept_login()),
        link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    Link* const link = play_->FindLink(link_name_);
    if (link == nullptr) {
      return play_->Error(absl::InvalidArgumentError(
          absl::StrCat("connection ", link_name_, " was not accepted; accept it first")));
    }
    if (acceptance_ == nullptr) {
      acceptance_ = std::make_unique<LoginAcceptance>(settings_, &link->state);
    }
    while (!acceptance_->done()) {
      Arrival* const arrival = play_->FirstOn(link);
      if (arrival == nullptr) {
        if (!link->open()) return play_->EndedWhileWaiting(*link, Awaiting());
        return Progress::kWaiting;
      }
      const Progress progress = OnArrival(link, arrival);
      if (progress != Progress::kDone) return progress;
    }
    return Judge(link);
  }

  std::string Awaiting() const override { return "a Login Request"; }

 private:
  Progress OnArrival(Link* link, Arrival* arrival) {
    if (!arrival->pdu.has_login_request()) {
      return play_->Unmet("during the login came what is no Login Request (RFC 7143 §6.3)",
                          Awaiting(), FullText(arrival->pdu));
    }
    const uint64_t number = arrival->number;
    const v1::Pdu request = play_->Take(arrival);
    if (!first_) {
      first_ = request;
      first_number_ = number;
    }
    // What OnRequest answers may need the TSIH that the script wants.
    if (settings_.has_tsih() && link->session->tsih == 0) {
      link->session->tsih = static_cast<uint16_t>(settings_.tsih());
    }
    const absl::Status status = play_->Send(acceptance_->OnRequest(request), link, nullptr);
    return status.ok() ? Progress::kDone : play_->Error(status);
  }

  Progress Judge(Link* link) {
    const Negotiation& negotiation = link->state.negotiation;
    const absl::StatusOr<Differences> differences =
        JudgeKeys(play_, link, negotiation, settings_.offered());
    if (!differences.ok()) return play_->Error(differences.status());
    if (!differences->empty()) {
      std::vector<std::string> expected;
      for (const v1::KeyRule& rule : settings_.offered()) expected.push_back(DescribeKeyRule(rule));
      return play_->Unmet(
          absl::StrCat("the initiator offered what it must not: ", differences->front()),
          absl::StrJoin(expected, "\n"), absl::StrJoin(*differences, "\n"));
    }
    const Subject subject = {
        .pdu = &*first_, .arrival = first_number_, .keys = &negotiation.received()};
    const absl::Status saved = SaveFields(play_, link, subject, settings_.save());
    return saved.ok() ? Progress::kDone : play_->Error(saved);
  }

  Play* const play_;
  const v1::AcceptLogin settings_;
  const std::string link_name_;
  std::unique_ptr<LoginAcceptance> acceptance_;
  std::optional<v1::Pdu> first_;
  uint64_t first_number_ = 0;
};

}  // namespace

std::unique_ptr<Action> MakeAccept(Play* play, const v1::Step& step) {
  return std::make_unique<AcceptAction>(play, step);
}
std::unique_ptr<Action> MakeAcceptLogin(Play* play, const v1::Step& step) {
  return std::make_unique<AcceptLoginAction>(play, step);
}

}  // namespace pushpull::initiator_sim
