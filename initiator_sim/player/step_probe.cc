// probe, text_until_final, and the epilogue, which probes too.

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/drivers.h"
#include "initiator_sim/player/judge.h"
#include "initiator_sim/player/steps.h"

namespace pushpull::initiator_sim {
namespace {

constexpr uint32_t kDefaultExchanges = 64;

// "SendTargets=" asks for the targets of the session (RFC 7143 Appendix C).
std::string SendTargetsText(bool discovery) {
  return EncodeKeys([&] {
    v1::KeyList keys;
    v1::KeyValue* key = keys.add_key();
    key->set_name("SendTargets");
    if (discovery) key->set_value("All");
    return keys;
  }());
}

// Shows that the other side of a connection lives: a ping; on a Discovery session, where there is
// none, a SendTargets.
class Sign : public Action {
 public:
  Sign(Play* play, Link* link, bool immediate, std::string data) : link_(link) {
    if (link->session->discovery) {
      text_ = std::make_unique<TextRunner>(play, link, "", SendTargetsText(true), 0, immediate,
                                           kDefaultExchanges);
    } else {
      ping_ = std::make_unique<PingRunner>(play, link, immediate, std::move(data));
    }
  }

  Progress Advance() override { return ping_ ? ping_->Advance() : text_->Advance(); }
  std::string Awaiting() const override { return ping_ ? ping_->Awaiting() : text_->Awaiting(); }

  const v1::Pdu& answer() const { return ping_ ? ping_->answer() : text_->last(); }
  uint64_t arrival() const { return ping_ ? ping_->arrival() : text_->arrival(); }
  Link* link() const { return link_; }

 private:
  Link* const link_;
  std::unique_ptr<PingRunner> ping_;
  std::unique_ptr<TextRunner> text_;
};

// Login, ping and logout on a session of its own; or the login alone.
class NewConnectionProbe : public Action {
 public:
  explicit NewConnectionProbe(Play* play, bool login_only = false)
      : play_(play),
        login_only_(login_only),
        link_name_(play->PrivateName("probe")),
        login_(play, link_name_, Login()) {}

  Progress Advance() override {
    if (link_ == nullptr) {
      const Progress progress = login_.Advance();
      if (progress != Progress::kDone) return progress;
      link_ = play_->FindLink(link_name_);
      if (login_only_) {
        play_->CloseLink(link_, v1::FIN);
        return progress;
      }
      ping_ = std::make_unique<PingRunner>(play_, link_, /*immediate=*/false, "");
    }
    if (logout_ == nullptr) {
      const Progress progress = ping_->Advance();
      if (progress != Progress::kDone) return progress;
      logout_ = LogoutRunner::AtTheEnd(play_, link_);
    }
    const Progress progress = logout_->Advance();
    if (progress == Progress::kDone) play_->CloseLink(link_, v1::FIN);
    return progress;
  }

  std::string Awaiting() const override {
    const std::string what = link_ == nullptr     ? login_.Awaiting()
                             : logout_ == nullptr ? ping_->Awaiting()
                                                  : logout_->Awaiting();
    return absl::StrCat(what, " on a new connection");
  }

 private:
  static v1::LoginDriver Login() {
    v1::LoginDriver login;
    login.set_unit_attention(v1::LEFT);
    return login;
  }

  Play* const play_;
  const bool login_only_;
  const std::string link_name_;
  LoginRunner login_;
  Link* link_ = nullptr;
  std::unique_ptr<PingRunner> ping_;
  std::unique_ptr<LogoutRunner> logout_;
};

// Nothing came for a step in its time. Whether that is the step's failure or the end of the target
// is shown by a sign of life. What the step awaited and comes only then came too late: maybe the
// asking brought it.
class LifeCheck : public Action {
 public:
  LifeCheck(Play* play, std::unique_ptr<Action> sign, std::unique_ptr<Action> late, bool by_login)
      : play_(play),
        late_(std::move(late)),
        awaiting_(late_->Awaiting()),
        sign_(std::move(sign)),
        by_login_(by_login) {}

  Progress Advance() override {
    if (const Progress progress = late_->Advance(); progress == Progress::kOver) {
      return progress;
    } else if (progress == Progress::kDone) {
      return play_->End({.verdict = v1::TIMEOUT,
                         .message = absl::StrCat("came only after its time, when a sign of life "
                                                 "had been asked for: awaiting ",
                                                 awaiting_),
                         .expected = awaiting_,
                         .actual = "that, too late"});
    }
    const Progress progress = sign_->Advance();
    if (progress != Progress::kDone) return progress;
    return play_->LivesInSilence(awaiting_, by_login_);
  }

  std::string Awaiting() const override { return awaiting_; }

 private:
  Play* const play_;
  const std::unique_ptr<Action> late_;
  const std::string awaiting_;
  const std::unique_ptr<Action> sign_;
  const bool by_login_;
};

// Nothing came for a while: a ping is the barrier behind which nothing more is awaited. What comes
// before its answer is as good as if it had come sooner.
class PingCheck : public Action {
 public:
  PingCheck(Play* play, Link* link, std::unique_ptr<Action> waiting)
      : play_(play), link_(link), waiting_(std::move(waiting)) {
    Ask();
  }

  Progress Advance() override {
    for (;;) {
      const Progress progress = waiting_->Advance();
      if (progress != Progress::kWaiting) return progress;
      const Progress signed_for = sign_->Advance();
      if (signed_for != Progress::kDone) return signed_for;
      // The answer alone.
      if (play_->arrived() == asked_at_ + 1) {
        return play_->LivesInSilence(waiting_->Awaiting(), /*by_login=*/false);
      }
      Ask();
    }
  }

  std::string Awaiting() const override { return waiting_->Awaiting(); }

 private:
  void Ask() {
    asked_at_ = play_->arrived();
    sign_ = std::make_unique<Sign>(play_, link_, /*immediate=*/true, "");
  }

  Play* const play_;
  Link* const link_;
  const std::unique_ptr<Action> waiting_;
  std::unique_ptr<Sign> sign_;
  uint64_t asked_at_ = 0;
};

class ProbeAction : public Action {
 public:
  ProbeAction(Play* play, const v1::Step& step)
      : play_(play), probe_(step.probe()), link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    if (probe_.on_new_connection()) {
      if (elsewhere_ == nullptr) elsewhere_ = std::make_unique<NewConnectionProbe>(play_);
      return elsewhere_->Advance();
    }
    if (sign_ == nullptr) {
      Link* const link = FullFeatureLink(play_, link_name_, "probe");
      if (link == nullptr) return Progress::kOver;
      sign_ = std::make_unique<Sign>(play_, link, probe_.immediate(), probe_.data());
    }
    const Progress progress = sign_->Advance();
    return progress == Progress::kDone ? Judge() : progress;
  }

  std::string Awaiting() const override {
    if (elsewhere_ != nullptr) return elsewhere_->Awaiting();
    return sign_ == nullptr ? "the answer to a ping (NOP-In)" : sign_->Awaiting();
  }

 private:
  Progress Judge() {
    Link* const link = sign_->link();
    const Subject subject = {.pdu = &sign_->answer(), .arrival = sign_->arrival()};
    const absl::StatusOr<Differences> differences =
        JudgePredicates(play_, link, subject, probe_.where());
    if (!differences.ok()) return play_->Error(differences.status());
    if (!differences->empty()) {
      std::vector<std::string> expected;
      for (const v1::Predicate& predicate : probe_.where()) {
        expected.push_back(absl::StrCat(predicate.field(), " ", DescribePredicate(predicate)));
      }
      return play_->Unmet(absl::StrJoin(*differences, "; "), absl::StrJoin(expected, "\n"),
                          FullText(sign_->answer()));
    }
    if (!probe_.nothing_else_came()) return Progress::kDone;
    const std::string unexpected = play_->Unexpected(link);
    if (unexpected.empty()) return Progress::kDone;
    return play_->Unmet("something came where there should be nothing but the answer to a ping",
                        "nothing but the answer to the ping", unexpected);
  }

  Play* const play_;
  const v1::Probe probe_;
  const std::string link_name_;
  std::unique_ptr<Sign> sign_;
  std::unique_ptr<NewConnectionProbe> elsewhere_;
};

class TextUntilFinalAction : public Action {
 public:
  TextUntilFinalAction(Play* play, const v1::Step& step)
      : play_(play),
        text_(step.text_until_final()),
        link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    if (runner_ == nullptr) {
      link_ = FullFeatureLink(play_, link_name_, "text_until_final");
      if (link_ == nullptr) return Progress::kOver;
      const absl::StatusOr<std::string> text = Text();
      if (!text.ok()) return play_->Error(text.status());
      runner_ = std::make_unique<TextRunner>(
          play_, link_, text_.task(), *text, text_.data_segment_length(), text_.immediate(),
          text_.at_most() == 0 ? kDefaultExchanges : text_.at_most());
    }
    const Progress progress = runner_->Advance();
    return progress == Progress::kDone ? Judge() : progress;
  }

  std::string Awaiting() const override { return "a Text Response"; }

 private:
  absl::StatusOr<std::string> Text() {
    PUSHPULL_ASSIGN_OR_RETURN(std::string text, DataBytes(text_.data()));
    v1::KeyList offered;
    for (const v1::OfferedKey& key : text_.offer()) {
      v1::KeyValue* one = offered.add_key();
      one->set_name(key.name());
      one->set_value(key.value());
      if (!key.value_from().empty()) {
        PUSHPULL_ASSIGN_OR_RETURN(*one->mutable_value(), play_->TextValue(key.value_from(), link_));
      }
    }
    return text + EncodeKeys(offered);
  }

  Progress Judge() {
    const TextExchange& exchange = runner_->exchange();
    const Negotiation& negotiation = exchange.negotiation();
    if (exchange.responses() < text_.at_least()) {
      return play_->Unmet(
          absl::StrCat("the text exchange took ", exchange.responses(), " responses"),
          absl::StrCat("at least ", text_.at_least(), " responses"), FullText(runner_->last()));
    }
    const absl::StatusOr<Differences> differences =
        JudgeKeys(play_, link_, negotiation, text_.key());
    if (!differences.ok()) return play_->Error(differences.status());
    if (!differences->empty()) {
      std::vector<std::string> expected;
      for (const v1::KeyRule& rule : text_.key()) expected.push_back(DescribeKeyRule(rule));
      return play_->Unmet(absl::StrCat("a key came to what it must not: ", differences->front()),
                          absl::StrJoin(expected, "\n"), absl::StrJoin(*differences, "\n"));
    }
    const Subject subject = {
        .pdu = &runner_->last(), .arrival = runner_->arrival(), .keys = &negotiation.received()};
    const absl::Status saved = SaveFields(play_, link_, subject, text_.save());
    if (!saved.ok()) return play_->Error(saved);
    if (!text_.save_as().empty()) play_->SetValue(text_.save_as(), exchange.received());
    return Progress::kDone;
  }

  Play* const play_;
  const v1::TextUntilFinal text_;
  const std::string link_name_;
  Link* link_ = nullptr;
  std::unique_ptr<TextRunner> runner_;
};

// What follows the last step: each connection in the full feature phase gives a sign of life,
// nothing unexpected came, logout.
class EpilogueAction : public Action {
 public:
  explicit EpilogueAction(Play* play) : play_(play), kind_(play->scenario().epilogue()) {
    for (Link* link : play->OpenLinks()) {
      if (!link->full_feature()) continue;
      links_.push_back(link);
      play->PassOverIgnorable(link);
    }
  }

  Progress Advance() override {
    if (!Flushed()) return Progress::kWaiting;
    if (kind_ == v1::NOTHING) return Progress::kDone;
    if (!looked_) {
      looked_ = true;
      if (const Progress progress = Look(); progress != Progress::kDone) return progress;
    }
    if (play_->target_role()) return Progress::kDone;
    if (kind_ == v1::PROBE_ON_NEW_CONNECTION) {
      if (elsewhere_ == nullptr) elsewhere_ = std::make_unique<NewConnectionProbe>(play_);
      const Progress progress = elsewhere_->Advance();
      return progress == Progress::kDone ? Look() : progress;
    }
    while (next_ < links_.size()) {
      Link* const link = links_[next_];
      if (sign_ == nullptr) {
        sign_ = std::make_unique<Sign>(play_, link, !play_->WindowOpen(*link), "");
      }
      const Progress progress = sign_->Advance();
      if (progress != Progress::kDone) return progress;
      sign_.reset();
      ++next_;
    }
    if (logout_ == nullptr && next_logout_ == 0) {
      if (const Progress progress = Look(); progress != Progress::kDone) return progress;
    }
    return LogoutAll();
  }

  std::string Awaiting() const override {
    if (!flushed_) return "what was held back to be written";
    if (elsewhere_ != nullptr) return elsewhere_->Awaiting();
    if (logout_ != nullptr) return logout_->Awaiting();
    return sign_ == nullptr ? "a sign of life" : sign_->Awaiting();
  }

 private:
  // A PDU that the last send held back for a next one, which there isn't, goes by itself.
  bool Flushed() {
    if (flushed_) return true;
    const std::vector<Link*> open = play_->OpenLinks();
    for (Link* link : open) link->channel->Flush();
    flushed_ = std::all_of(open.begin(), open.end(),
                           [](const Link* link) { return link->channel->drained(); });
    return flushed_;
  }

  // Nothing may stand there that no step took, no connection may have ended unasked.
  Progress Look() {
    std::vector<std::string> unexpected;
    for (const Link* link : play_->AllLinks()) {
      if (std::string text = play_->Unexpected(link); !text.empty()) unexpected.push_back(text);
    }
    if (!unexpected.empty()) {
      return play_->Unmet("PDUs came that no step expects", "nothing more",
                          absl::StrJoin(unexpected, "\n"));
    }
    if (kind_ == v1::PROBE_ON_NEW_CONNECTION || play_->target_role()) return Progress::kDone;
    for (const Link* link : play_->AllLinks()) {
      if (!link->ended_by_peer || link->end_taken || link->closed_by_us) continue;
      if (link->state.phase == LoginPhase::kLoggedOut) continue;
      return play_->EndedWhileWaiting(*link, "nothing more");
    }
    return Progress::kDone;
  }

  Progress LogoutAll() {
    for (; next_logout_ < links_.size(); ++next_logout_) {
      Link* const link = links_[next_logout_];
      // The session's first connection took the others with it.
      if (logout_ == nullptr && (!link->open() || !link->full_feature())) continue;
      if (logout_ == nullptr) {
        logout_ = LogoutRunner::AtTheEnd(play_, link);
      }
      const Progress progress = logout_->Advance();
      if (progress != Progress::kDone) return progress;
      logout_.reset();
    }
    return Progress::kDone;
  }

  Play* const play_;
  const v1::Epilogue kind_;
  std::vector<Link*> links_;
  size_t next_ = 0;
  size_t next_logout_ = 0;
  bool flushed_ = false;
  bool looked_ = false;
  std::unique_ptr<Sign> sign_;
  std::unique_ptr<NewConnectionProbe> elsewhere_;
  std::unique_ptr<LogoutRunner> logout_;
};

}  // namespace

std::unique_ptr<Action> MakeProbe(Play* play, const v1::Step& step) {
  return std::make_unique<ProbeAction>(play, step);
}
std::unique_ptr<Action> MakeTextUntilFinal(Play* play, const v1::Step& step) {
  return std::make_unique<TextUntilFinalAction>(play, step);
}
std::unique_ptr<Action> MakeLifeCheck(Play* play, Link* link, std::unique_ptr<Action> late) {
  std::unique_ptr<Action> sign;
  if (play->step().has_expect_closed()) {
    sign = std::make_unique<NewConnectionProbe>(play);
  } else {
    sign = std::make_unique<Sign>(play, link, /*immediate=*/true, "");
  }
  return std::make_unique<LifeCheck>(play, std::move(sign), std::move(late), /*by_login=*/false);
}
std::unique_ptr<Action> MakePingCheck(Play* play, Link* link, std::unique_ptr<Action> late) {
  return std::make_unique<PingCheck>(play, link, std::move(late));
}
std::unique_ptr<Action> MakeLoginCheck(Play* play, std::unique_ptr<Action> late) {
  auto sign = std::make_unique<NewConnectionProbe>(play, /*login_only=*/true);
  return std::make_unique<LifeCheck>(play, std::move(sign), std::move(late), /*by_login=*/true);
}

std::unique_ptr<Action> MakeEpilogue(Play* play) { return std::make_unique<EpilogueAction>(play); }

}  // namespace pushpull::initiator_sim
