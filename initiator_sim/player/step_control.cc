// connect, login, require_negotiated, require, close, elapse, trigger, acknowledge, logout.

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "initiator_sim/player/drivers.h"
#include "initiator_sim/player/steps.h"
#include "initiator_sim/player/target_address.h"
#include "initiator_sim/session/keys.h"

namespace pushpull::initiator_sim {
namespace {

class ConnectAction : public Action {
 public:
  ConnectAction(Play* play, const v1::Step& step)
      : play_(play), connect_(step.connect()), link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    if (link_ == nullptr) {
      absl::StatusOr<fabric::Address> address = play_->Portal(connect_.portal());
      if (!connect_.address_from().empty()) {
        absl::StatusOr<std::string> text = play_->TextValue(connect_.address_from(), nullptr);
        if (!text.ok()) return play_->Error(text.status());
        address = ParseTargetAddress(*text);
      }
      if (!address.ok()) return play_->Error(address.status());
      if (connect_.has_port()) address->port = static_cast<uint16_t>(connect_.port());
      absl::StatusOr<Link*> link = play_->Open(link_name_, connect_.session(), *address, &connect_);
      if (!link.ok()) return play_->Error(link.status());
      link_ = *link;
    }
    if (link_->connecting) return Progress::kWaiting;
    const bool open = link_->channel != nullptr;
    if (open && connect_.expect_refused()) {
      return play_->Unmet("a connection was accepted that should be refused",
                          "the connection to be refused", "an open connection");
    }
    if (!open && !connect_.expect_refused()) {
      const std::string why(link_->connect_error.message());
      return play_->Fail(absl::StrCat("connection ", link_name_, " was not accepted: ", why),
                         "an open connection");
    }
    return Progress::kDone;
  }

  std::string Awaiting() const override {
    return connect_.expect_refused() ? "the connection to be refused"
                                     : "the connection to be accepted";
  }

 private:
  Play* const play_;
  const v1::Connect connect_;
  const std::string link_name_;
  Link* link_ = nullptr;
};

// Ends, or does all it does, at once.
class ImmediateAction : public Action {
 public:
  explicit ImmediateAction(std::function<Progress()> act) : act_(std::move(act)) {}
  Progress Advance() override { return act_(); }
  std::string Awaiting() const override { return "nothing"; }

 private:
  const std::function<Progress()> act_;
};

Progress RequireNegotiated(Play* play, const v1::Step& step) {
  const v1::RequireNegotiated& require = step.require_negotiated();
  Link* const link = play->FindLink(play->LinkName(step.connection()));
  if (link == nullptr) {
    return play->Error(
        absl::InvalidArgumentError("require_negotiated needs a connection that was opened"));
  }
  const absl::StatusOr<FieldValue> value =
      play->Value(absl::StrCat("negotiated.", require.name()), link);
  if (!value.ok()) return play->Error(value.status());
  const uint64_t* number = std::get_if<uint64_t>(&*value);
  std::string text = number == nullptr ? std::get<std::string>(*value) : absl::StrCat(*number);
  if (const KeyInfo* info = FindKeyInfo(require.name());
      info != nullptr &&
      (info->function == KeyFunction::kAnd || info->function == KeyFunction::kOr)) {
    text = number != nullptr && *number == 1 ? "Yes" : "No";
  }
  bool holds = require.value().empty();
  for (const std::string& one : require.value()) holds = holds || one == text;
  if (require.has_at_least()) holds = holds && number != nullptr && *number >= require.at_least();
  if (require.has_at_most()) holds = holds && number != nullptr && *number <= require.at_most();
  if (holds) return Progress::kDone;
  std::vector<std::string> parts(require.value().begin(), require.value().end());
  if (require.has_at_least()) parts.push_back(absl::StrCat("at least ", require.at_least()));
  if (require.has_at_most()) parts.push_back(absl::StrCat("at most ", require.at_most()));
  const std::string due = absl::StrJoin(parts, require.value().empty() ? " and " : " or ");
  return play->End({.verdict = v1::UNSUPPORTED,
                    .message = absl::StrCat("needs ", require.name(), " ", due, ", but it came to ",
                                            text.empty() ? "nothing" : text),
                    .expected = absl::StrCat(require.name(), " ", due),
                    .actual = absl::StrCat(require.name(), "=", text)});
}

Progress Require(Play* play, const v1::Step& step) {
  const v1::Require& require = step.require();
  const Link* const link = play->FindLink(play->LinkName(step.connection()));
  const absl::StatusOr<FieldValue> value = play->Value(require.value(), link);
  if (!value.ok()) return play->Error(value.status());
  const uint64_t* const number = std::get_if<uint64_t>(&*value);
  if (number == nullptr) {
    return play->Error(absl::InvalidArgumentError(
        absl::StrCat("require: \"", require.value(), "\" is no number but \"",
                     std::get<std::string>(*value), "\"")));
  }
  std::vector<std::string> due;
  if (require.has_at_least()) due.push_back(absl::StrCat("at least ", require.at_least()));
  if (require.has_at_most()) due.push_back(absl::StrCat("at most ", require.at_most()));
  const bool holds = (!require.has_at_least() || *number >= require.at_least()) &&
                     (!require.has_at_most() || *number <= require.at_most());
  if (holds) return Progress::kDone;
  const std::string expected = absl::StrCat(require.value(), " ", absl::StrJoin(due, ", "));
  return play->End({.verdict = v1::SKIP,
                    .message = absl::StrCat("needs ", expected, ", but it is ", *number,
                                            require.why().empty() ? "" : ": ", require.why()),
                    .expected = expected,
                    .actual = absl::StrCat(*number)});
}

Progress CloseStep(Play* play, const v1::Step& step) {
  const std::string name = play->LinkName(step.connection());
  Link* const link = play->FindLink(name);
  if (link == nullptr) {
    return play->Error(
        absl::InvalidArgumentError(absl::StrCat("connection ", name, " was never opened")));
  }
  play->CloseLink(link, step.close().how());
  return Progress::kDone;
}

Progress AcknowledgeStep(Play* play, const v1::Step& step) {
  const std::string name = play->LinkName(step.connection());
  Link* const link = play->FindLink(name);
  if (link == nullptr) {
    return play->Error(
        absl::InvalidArgumentError(absl::StrCat("connection ", name, " was never opened")));
  }
  if (step.acknowledge().hold()) {
    link->state.held_exp_stat_sn = link->state.exp_stat_sn;
  } else {
    link->state.held_exp_stat_sn.reset();
  }
  return Progress::kDone;
}

class ElapseAction : public Action {
 public:
  ElapseAction(Play* play, const v1::Step& step)
      : play_(play),
        elapse_(step.elapse()),
        link_name_(play->LinkName(step.connection())),
        timer_(play->loop()) {}

  Progress Advance() override {
    if (passed_) return Progress::kDone;
    if (timer_.pending()) return Progress::kWaiting;
    if (!play_->options().allow_elapse) {
      return play_->End({.verdict = v1::SKIP, .message = "lets time pass, which this run doesn't"});
    }
    absl::Duration duration = absl::Milliseconds(elapse_.milliseconds());
    if (!elapse_.negotiated_key().empty()) {
      const absl::StatusOr<FieldValue> value = play_->Value(
          absl::StrCat("negotiated.", elapse_.negotiated_key()), play_->FindLink(link_name_));
      if (!value.ok()) return play_->Error(value.status());
      const uint64_t* seconds = std::get_if<uint64_t>(&*value);
      if (seconds == nullptr) {
        return play_->Error(absl::InvalidArgumentError(
            absl::StrCat("elapse: ", elapse_.negotiated_key(), " is no number of seconds")));
      }
      duration = absl::Seconds(static_cast<int64_t>(*seconds));
    }
    timer_.Start(duration, [this] {
      passed_ = true;
      play_->Wake();
    });
    return Progress::kWaiting;
  }

  std::string Awaiting() const override { return "time to pass"; }
  bool HasOwnTimer() const override { return true; }

 private:
  Play* const play_;
  const v1::Elapse elapse_;
  const std::string link_name_;
  fabric::Timer timer_;
  bool passed_ = false;
};

class TriggerAction : public Action {
 public:
  TriggerAction(Play* play, const v1::Step& step) : play_(play), trigger_(step.trigger()) {}

  Progress Advance() override {
    if (!begun_) {
      begun_ = true;
      // The hook may answer within the call, or after this action is gone.
      const auto answer = std::make_shared<std::optional<absl::Status>>();
      answer_ = answer;
      if (!play_->CallHook(trigger_, play_->Guarded<absl::Status>([answer](absl::Status status) {
            *answer = std::move(status);
          }))) {
        return NoHook("the run has no administrative hooks");
      }
    }
    if (!answer_->has_value()) return Progress::kWaiting;
    const absl::Status& status = **answer_;
    if (status.ok()) return Progress::kDone;
    if (absl::IsNotFound(status) || absl::IsUnimplemented(status)) {
      return NoHook(std::string(status.message()));
    }
    return play_->Error(absl::InternalError(
        absl::StrCat("hook ", trigger_.hook(), " failed: ", std::string(status.message()))));
  }

  std::string Awaiting() const override {
    return absl::StrCat("hook ", trigger_.hook(), " to be done");
  }

 private:
  Progress NoHook(const std::string& why) {
    return play_->End(
        {.verdict = v1::SKIP, .message = absl::StrCat("needs hook ", trigger_.hook(), ": ", why)});
  }

  Play* const play_;
  const v1::Trigger trigger_;
  bool begun_ = false;
  std::shared_ptr<std::optional<absl::Status>> answer_;
};

class LogoutAction : public Action {
 public:
  LogoutAction(Play* play, const v1::Step& step)
      : play_(play), logout_(step.logout()), link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    if (runner_ == nullptr) {
      Link* const link = FullFeatureLink(play_, link_name_, "logout");
      if (link == nullptr) return Progress::kOver;
      runner_ = std::make_unique<LogoutRunner>(
          play_, link, logout_.has_reason() ? logout_.reason() : v1::CLOSE_SESSION,
          logout_.has_response() ? std::optional(logout_.response()) : std::nullopt);
    }
    return runner_->Advance();
  }

  std::string Awaiting() const override { return "the Logout Response"; }

 private:
  Play* const play_;
  const v1::LogoutDriver logout_;
  const std::string link_name_;
  std::unique_ptr<LogoutRunner> runner_;
};

}  // namespace

std::unique_ptr<Action> MakeConnect(Play* play, const v1::Step& step) {
  return std::make_unique<ConnectAction>(play, step);
}
std::unique_ptr<Action> MakeLogin(Play* play, const v1::Step& step) {
  return std::make_unique<LoginRunner>(play, play->LinkName(step.connection()), step.login());
}
std::unique_ptr<Action> MakeRequireNegotiated(Play* play, const v1::Step& step) {
  return std::make_unique<ImmediateAction>([play, &step] { return RequireNegotiated(play, step); });
}
std::unique_ptr<Action> MakeRequire(Play* play, const v1::Step& step) {
  return std::make_unique<ImmediateAction>([play, &step] { return Require(play, step); });
}
std::unique_ptr<Action> MakeClose(Play* play, const v1::Step& step) {
  return std::make_unique<ImmediateAction>([play, &step] { return CloseStep(play, step); });
}
std::unique_ptr<Action> MakeAcknowledge(Play* play, const v1::Step& step) {
  return std::make_unique<ImmediateAction>([play, &step] { return AcknowledgeStep(play, step); });
}
std::unique_ptr<Action> MakeElapse(Play* play, const v1::Step& step) {
  return std::make_unique<ElapseAction>(play, step);
}
std::unique_ptr<Action> MakeTrigger(Play* play, const v1::Step& step) {
  return std::make_unique<TriggerAction>(play, step);
}
std::unique_ptr<Action> MakeLogout(Play* play, const v1::Step& step) {
  return std::make_unique<LogoutAction>(play, step);
}

std::unique_ptr<Action> MakeAction(Play* play, const v1::Step& step) {
  switch (step.action_case()) {
    case v1::Step::kConnect:
      return MakeConnect(play, step);
    case v1::Step::kLogin:
      return MakeLogin(play, step);
    case v1::Step::kSend:
      return MakeSend(play, step);
    case v1::Step::kExpect:
      return MakeExpect(play, step);
    case v1::Step::kServeR2Ts:
      return MakeServeR2ts(play, step);
    case v1::Step::kGatherDataIn:
      return MakeGatherDataIn(play, step);
    case v1::Step::kTextUntilFinal:
      return MakeTextUntilFinal(play, step);
    case v1::Step::kCommand:
      return MakeCommand(play, step);
    case v1::Step::kProbe:
      return MakeProbe(play, step);
    case v1::Step::kElapse:
      return MakeElapse(play, step);
    case v1::Step::kTrigger:
      return MakeTrigger(play, step);
    case v1::Step::kRequireNegotiated:
      return MakeRequireNegotiated(play, step);
    case v1::Step::kRequire:
      return MakeRequire(play, step);
    case v1::Step::kClose:
      return MakeClose(play, step);
    case v1::Step::kExpectClosed:
      return MakeExpectClosed(play, step);
    case v1::Step::kLogout:
      return MakeLogout(play, step);
    case v1::Step::kCheckBlocks:
      return MakeCheckBlocks(play, step);
    case v1::Step::kAcknowledge:
      return MakeAcknowledge(play, step);
    case v1::Step::kConnections:
      return MakeConnections(play, step);
    case v1::Step::kAccept:
      return MakeAccept(play, step);
    case v1::Step::kAcceptLogin:
      return MakeAcceptLogin(play, step);
    case v1::Step::kServe:
      return MakeServe(play, step);
    case v1::Step::kRegister:
    case v1::Step::kWithholdReceives:
    case v1::Step::kDisconnect:
      return MakeRdma(play, step);
    case v1::Step::kExpectRdma:
      return MakeExpectRdma(play, step);
    case v1::Step::kHello:
      return MakeHello(play, step);
    case v1::Step::ACTION_NOT_SET:
      break;
  }
  return std::make_unique<ImmediateAction>([play] {
    return play->Error(absl::InvalidArgumentError("the step says nothing of what to do"));
  });
}

}  // namespace pushpull::initiator_sim
