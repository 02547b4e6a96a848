#include "initiator_sim/player/play.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/block_lengths.h"
#include "initiator_sim/player/steps.h"

namespace pushpull::initiator_sim {
namespace {

// A step that goes on and on, since what comes keeps starting its deadline again, ends after so
// many of its timeouts.
constexpr int kTimeoutsInAStep = 6;

// Of step names in failures: "serve_r2ts".
std::string ActionName(const v1::Step& step) {
  const auto* field = v1::Step::descriptor()->FindFieldByNumber(step.action_case());
  return field == nullptr ? "nothing" : field->name();
}

}  // namespace

Play::Play(PlayerOptions options, Script script)
    : options_(std::move(options)),
      script_(std::move(script)),
      random_(options_.seed),
      deadline_(options_.loop),
      step_limit_(options_.loop) {
  CHECK(options_.loop != nullptr && (options_.network != nullptr || options_.rdma != nullptr));
  if (options_.watch_rdma) options_.watch_rdma(this);
  ResolveBlockLengths(options_.block_size, &script_.scenario);
  for (const v1::Variable& variable : script_.scenario.let()) {
    switch (variable.value_case()) {
      case v1::Variable::kText:
        SetValue(variable.name(), variable.text());
        break;
      case v1::Variable::kRaw:
        SetValue(variable.name(), variable.raw());
        break;
      default:
        SetValue(variable.name(), variable.number());
        break;
    }
  }
  pings_are_expected_ = PingsAreExpected();
}

Play::~Play() {
  if (options_.watch_rdma) options_.watch_rdma(nullptr);
}

void Play::Start(Player::Done done) {
  CHECK(!started_) << "a player plays once";
  started_ = true;
  done_ = std::move(done);
  if (target_role()) {
    if (absl::Status status = ListenAll(); !status.ok()) Error(status);
  }
  if (script_.scenario.has_sweep()) {
    Error(absl::InvalidArgumentError("a scenario with a sweep is played row by row"));
  }
  Wake();
}

std::vector<fabric::Address> Play::listening() const {
  std::vector<fabric::Address> addresses;
  for (const Listening& one : listening_) addresses.push_back(one.listener->address());
  return addresses;
}

const v1::Step& Play::step() const {
  static const v1::Step* const kNone = new v1::Step();
  const auto& steps = script_.scenario.step();
  if (in_epilogue_ || step_index_ >= static_cast<size_t>(steps.size())) return *kNone;
  return steps[static_cast<int>(step_index_)];
}

// ---- going on --------------------------------------------------------------------------------

void Play::Wake() {
  if (wake_posted_) return;
  wake_posted_ = true;
  options_.loop->Post([weak = weak_from_this()] {
    if (const std::shared_ptr<Play> self = weak.lock()) self->Run();
  });
}

void Play::Run() {
  wake_posted_ = false;
  if (done_ == nullptr) return;
  running_ = true;
  if (!over_) RunSteps();
  running_ = false;
  if (!over_) return;
  if (options_.linger == absl::ZeroDuration()) return Finish();
  if (options_.linger_for_answers_only && !AnswersAreDue()) return Finish();
  if (lingering_) return;
  lingering_ = true;
  action_.reset();
  deadline_.Start(options_.linger, [this] { Finish(); });
}

bool Play::AnswersAreDue() const {
  const auto open = [](const auto& link) { return link.second->open(); };
  if (sent_without_task_) return std::any_of(links_.begin(), links_.end(), open);
  return std::any_of(tasks_.begin(), tasks_.end(), [&](const std::unique_ptr<Task>& task) {
    // A login is over where anything else is awaited.
    return !task->ended && task->tag != kReservedTag && !task->request.has_login_request() &&
           std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
             return link.second->session == task->session && link.second->open();
           });
  });
}

Progress Play::RunSteps() {
  for (;;) {
    if (rdma_finding_) End(*std::exchange(rdma_finding_, std::nullopt));
    if (step_failed_) LeaveStep();
    if (over_ || (action_ == nullptr && !BeginStep())) return Progress::kOver;
    const Progress progress = action_->Advance();
    if (step_failed_) continue;
    if (over_ || progress == Progress::kOver) {
      CHECK(over_) << "a step ended the play without a verdict";
      return Progress::kOver;
    }
    if (progress == Progress::kWaiting) {
      if (progressed_ || !deadline_.pending()) ArmDeadline();
      return progress;
    }
    deadline_.Cancel();
    step_limit_.Cancel();
    action_.reset();
    if (in_epilogue_) continue;
    result_.steps_played = step_index_ + 1;
    step_index_ = std::exchange(next_step_, std::nullopt).value_or(step_index_ + 1);
  }
}

void Play::LeaveStep() {
  step_failed_ = false;
  deadline_.Cancel();
  step_limit_.Cancel();
  action_.reset();
  while (!arrivals_.empty()) Take(&arrivals_.front());
  next_step_.reset();
  ++step_index_;
}

bool Play::BeginStep() {
  progressed_ = true;
  life_checks_ = 0;
  step_pdus_ = step_bytes_ = 0;
  const size_t steps = static_cast<size_t>(script_.scenario.step_size());
  if (in_epilogue_ || skip_epilogue_) {
    over_ = true;
    return false;
  }
  if (step_index_ >= steps) {
    step_index_ = steps;
    in_epilogue_ = true;
    action_ = MakeEpilogue(this);
    return true;
  }
  if (options_.tap != nullptr) options_.tap->OnStep(step_index_, options_.loop->Now());
  action_ = MakeAction(this, step());
  return true;
}

absl::Status Play::GoTo(const std::string& step_name) {
  const auto& steps = script_.scenario.step();
  for (int i = static_cast<int>(step_index_) + 1; i < steps.size(); ++i) {
    if (steps[i].name() != step_name) continue;
    next_step_ = static_cast<size_t>(i);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("go_to \"", step_name, "\": no step further down has this name"));
}

absl::Duration Play::StepTimeout() const {
  absl::Duration timeout = std::max(options_.step_timeout, absl::Milliseconds(step().timeout_ms()));
  // A hook ends by itself within its limit.
  if (step().has_trigger()) timeout = std::max(timeout, options_.hook_limit);
  return timeout;
}

void Play::ArmDeadline() {
  progressed_ = false;
  if (action_->HasOwnTimer()) {
    deadline_.Cancel();
    return;
  }
  if (!step_limit_.pending()) {
    step_limit_.Start(kTimeoutsInAStep * StepTimeout(), [this] { OnStepLimit(); });
  }
  if (life_checks_ == 0 && MayAsk()) {
    deadline_.Start(options_.ask_after, [this] { Ask(); });
    return;
  }
  deadline_.Start(life_checks_ > 0 ? options_.step_timeout : StepTimeout(),
                  [this] { OnDeadline(); });
}

bool Play::MayAsk() {
  if (options_.ask_after == absl::ZeroDuration() || in_epilogue_ || target_role()) return false;
  if (step().has_elapse() || step().has_trigger() || step().has_probe()) return false;
  const Link* const link = FindLink(LinkName(step().connection()));
  return link != nullptr && link->open() && link->full_feature() && !link->session->discovery &&
         Unfinished().empty();
}

void Play::Ask() {
  if (over_ || action_ == nullptr) return;
  Link* const link = FindLink(LinkName(step().connection()));
  if (!MayAsk()) {
    deadline_.Start(StepTimeout(), [this] { OnDeadline(); });
    return;
  }
  life_checks_ = 1;
  action_ = MakePingCheck(this, link, std::move(action_));
  Progressed();
  Wake();
}

void Play::OnStepLimit() {
  if (over_ || action_ == nullptr) return;
  const std::string awaiting = action_->Awaiting();
  End({.verdict = v1::TIMEOUT,
       .message = absl::StrCat("PDUs keep coming, but not what is awaited: ", awaiting),
       .expected = awaiting,
       .actual = absl::StrCat(step_pdus_, " PDUs in ",
                              absl::FormatDuration(kTimeoutsInAStep * StepTimeout()))});
  Wake();
}

void Play::OnDeadline() {
  if (over_ || action_ == nullptr) return;
  const std::string awaiting = action_->Awaiting();
  std::vector<std::string> unexpected;
  for (const auto& [name, link] : links_) {
    const std::string text = Unexpected(link.get(), /*of_tasks=*/false);
    if (!text.empty()) unexpected.push_back(text);
  }
  const std::string came = absl::StrJoin(unexpected, "\n");
  const bool looks = !options_.goes_on && options_.ask_after == absl::ZeroDuration();
  if (came.empty() && looks && CheckLife()) return;
  if (came.empty()) {
    End(Silence(awaiting));
  } else {
    Unmet(absl::StrCat("awaiting ", awaiting, ", something else came"), awaiting, came);
  }
  Wake();
}

void Play::PeerHasEnded() {
  if (!deadline_.pending() || lingering_ || !OpenLinks().empty()) return;
  deadline_.Cancel();
  OnDeadline();
}

Finding Play::Silence(const std::string& awaiting) const {
  const std::string unfinished = Unfinished();
  const char* what =
      unfinished.empty() ? "nothing came in time" : "a PDU began to come and never ended";
  return {.verdict = v1::TIMEOUT,
          .message = absl::StrCat(what, ": awaiting ", awaiting),
          .expected = awaiting,
          .actual = unfinished.empty() ? "nothing" : unfinished};
}

Progress Play::LivesInSilence(const std::string& awaiting, bool by_login) {
  Finding finding = Silence(awaiting);
  finding.verdict = v1::FAIL;
  if (Unfinished().empty()) {
    finding.message = absl::StrCat("nothing came, though the target ",
                                   by_login ? "takes logins" : "lives", ": awaiting ", awaiting);
    finding.actual =
        by_login ? "nothing, no answer to a ping either" : "nothing but a sign of life";
    // A connection that is dead is more than an expectation that isn't met.
    finding.expectation = !by_login;
  }
  return End(std::move(finding));
}

bool Play::CheckLife() {
  constexpr int kMostChecks = 2;
  if (life_checks_ == kMostChecks || target_role()) return false;
  if (step().has_elapse() || step().has_trigger()) return false;
  Link* const link = FindLink(LinkName(step().connection()));
  // Probes and the epilogue ping by themselves; what a login awaits says of no other PDU that it is
  // due; and if a ping isn't answered either, the connection may be all that is dead. So a login on
  // a new connection has the last word.
  const bool pings = step().has_probe() || in_epilogue_;
  // Within a PDU no ping is answered.
  const bool on_link = link != nullptr && link->open() && !pings &&
                       (Unfinished().empty() || step().has_expect_closed()) &&
                       (link->full_feature() || step().has_expect_closed());
  if (life_checks_ == 0 && on_link) {
    life_checks_ = 1;
    action_ = MakeLifeCheck(this, link, std::move(action_));
  } else {
    life_checks_ = kMostChecks;
    action_ = MakeLoginCheck(this, std::move(action_));
  }
  Progressed();
  Wake();
  return true;
}

// ---- verdicts --------------------------------------------------------------------------------

std::string Play::StepLabel() const {
  if (in_epilogue_) return "epilogue";
  const v1::Step& current = step();
  if (current.name().empty())
    return absl::StrCat("step ", step_index_ + 1, " ", ActionName(current));
  return absl::StrCat("step ", step_index_ + 1, " \"", current.name(), "\" ", ActionName(current));
}

v1::Failure Play::FailureOf(const Finding& finding) const {
  v1::Failure failure;
  failure.set_message(finding.message);
  failure.set_expected(finding.expected);
  failure.set_actual(finding.actual);
  const v1::Step& current = step();
  // A step that cites nothing judges for the whole case.
  if (!finding.cite.empty()) {
    for (const std::string& row : finding.cite) failure.add_cite(row);
  } else if (current.cite().empty()) {
    *failure.mutable_cite() = script_.scenario.cite();
  } else {
    *failure.mutable_cite() = current.cite();
  }
  if (!current.note().empty()) {
    failure.set_message(absl::StrCat(finding.message, " (", current.note(), ")"));
  }
  failure.set_step(StepLabel());
  failure.set_file(script_.file);
  const size_t index = in_epilogue_ ? script_.step_lines.size() - 1 : step_index_;
  if (index < script_.step_lines.size()) failure.set_line(script_.step_lines[index]);
  return failure;
}

Progress Play::End(Finding finding) {
  if (over_) return Progress::kOver;
  if (options_.goes_on && !in_epilogue_) {
    step_failed_ = true;
    return Progress::kOver;
  }
  const v1::Level level =
      step().level() != v1::LEVEL_UNSPECIFIED ? step().level() : script_.scenario.level();
  if (finding.verdict == v1::FAIL && finding.expectation && finding.cite.empty() &&
      (level == v1::SHOULD || level == v1::MAY)) {
    finding.verdict = v1::WARN;
  }
  over_ = true;
  result_.verdict = finding.verdict;
  result_.failure = FailureOf(finding);
  return Progress::kOver;
}

Progress Play::Fail(std::string message, std::string expected, std::string actual) {
  return End({.verdict = v1::FAIL,
              .message = std::move(message),
              .expected = std::move(expected),
              .actual = std::move(actual)});
}

Progress Play::Unmet(std::string message, std::string expected, std::string actual) {
  return End({.verdict = v1::FAIL,
              .message = std::move(message),
              .expected = std::move(expected),
              .actual = std::move(actual),
              .expectation = true});
}

Progress Play::Error(const absl::Status& status) {
  return End({.verdict = v1::ERROR, .message = std::string(status.message())});
}

void Play::Note(Finding finding) {
  result_.notes.push_back(FailureOf(finding));
  // AMBIGUOUS tells less than WARN: a missed SHOULD isn't hidden by it.
  if (result_.verdict == v1::WARN) return;
  if (finding.verdict == v1::WARN || result_.verdict == v1::VERDICT_UNSPECIFIED) {
    result_.verdict = finding.verdict;
    result_.failure = result_.notes.back();
  }
}

Progress Play::EndedWhileWaiting(const Link& link, const std::string& what) {
  if (link.closed_by_us) {
    return Error(absl::InvalidArgumentError(absl::StrCat(
        "waits for ", what, " on connection ", link.name, ", which the scenario has closed")));
  }
  // How it looked isn't part of the message: whether FIN or RST shows depends on the moment when
  // the peer closed, and the message is what profiles and replays compare.
  const std::string how = link.end_reason.empty() ? "in order" : link.end_reason;
  const std::string unfinished = UnfinishedOn(link);
  return Fail(absl::StrCat("connection ", link.name, " ended while awaiting ", what), what,
              absl::StrCat("the end of the connection (", how,
                           unfinished.empty() ? ")" : ") after ", unfinished));
}

void Play::Finish() {
  deadline_.Cancel();
  step_limit_.Cancel();
  action_.reset();
  listening_.clear();
  for (auto& [name, link] : links_) {
    if (link->channel != nullptr) link->channel->Close();
  }
  if (result_.verdict == v1::VERDICT_UNSPECIFIED) result_.verdict = v1::PASS;
  Player::Done done = std::move(done_);
  done_ = nullptr;
  done(std::move(result_));
}

}  // namespace pushpull::initiator_sim
