#include "fuzz/session/play_session.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "conformance/monitor/monitor.h"
#include "conformance/monitor/rules.h"
#include "conformance/runner/play.h"
#include "fuzz/session/chap_of_target.h"
#include "fuzz/session/due_watch.h"

namespace pushpull::fuzz {
namespace {

using initiator_sim::PlayResult;

// Long enough for whatever the target waits for by itself, so that what it owes has come.
constexpr absl::Duration kLinger = absl::Seconds(60);
constexpr uint32_t kNever = UINT32_MAX;  // no frame
constexpr absl::Duration kStepTimeout = absl::Seconds(3);

bool AsksForChap(const v1::Scenario& scenario) {
  return std::any_of(scenario.step().begin(), scenario.step().end(),
                     [](const v1::Step& step) { return step.login().has_chap(); });
}

bool IsNarrow(const Settings& settings) {
  return settings.Get(Setting::kMaxSessions) || settings.Get(Setting::kMaxLogins);
}

bool HasLittleMemory(const Settings& settings) {
  return settings.Get(Setting::kBufferBytes) || settings.Get(Setting::kSessionBuffer);
}

bool WithholdsReceives(const v1::Scenario& scenario) {
  return std::any_of(scenario.step().begin(), scenario.step().end(),
                     [](const v1::Step& step) { return step.has_withhold_receives(); });
}

conformance::PlaySettings PlaySettingsWith(bool chap) {
  conformance::PlaySettings settings;
  settings.step_timeout = kStepTimeout;
  settings.linger = kLinger;
  settings.linger_for_answers_only = true;
  settings.goes_on = true;
  if (chap) settings.chap = OwnChapCredentials();
  return settings;
}

// A right initiator after all that.
std::vector<std::string> Probe(SessionWorld* world, bool chap) {
  conformance::PlaySettings settings = PlaySettingsWith(chap);
  settings.goes_on = false;
  settings.linger = absl::ZeroDuration();
  settings.isid = std::array<uint8_t, 6>{0x80, 0x66, 0x75, 0x7a, 0x7a, 0x01};
  initiator_sim::Script script;
  v1::LoginDriver* const login = script.scenario.add_step()->mutable_login();
  if (chap) login->mutable_chap();
  login->set_unit_attention(v1::LEFT);
  script.scenario.add_step()->mutable_probe();
  script.scenario.add_step()->mutable_logout();
  script.scenario.set_epilogue(v1::NOTHING);
  const PlayResult result = Play(world, settings, world->facts(), std::move(script), 1, {});
  if (result.verdict == v1::PASS) return {};
  return {absl::StrCat("a new initiator finds no target that works: ", result.failure.message())};
}

// The first frame that this side sent wrong on purpose, counted as the monitor counts, and the
// first that isn't as long as it says: of a stream, nobody knows from then on what the target
// reads.
class WrongWatch final : public initiator_sim::Tap {
 public:
  void OnPdu(const initiator_sim::TapPdu& tapped) override {
    ++frame_;
    if (tapped.direction != initiator_sim::Direction::kToTarget) return;
    const bool flaw = !tapped.decoded->flaw.empty();
    if (flaw || tapped.misbehaving) first_ = std::min(first_, frame_);
    if (flaw) first_flaw_ = std::min(first_flaw_, frame_);
  }
  uint32_t first() const { return first_; }  // kNever: there was none
  uint32_t first_flaw() const { return first_flaw_; }

 private:
  uint32_t frame_ = 0;
  uint32_t first_ = kNever;
  uint32_t first_flaw_ = kNever;
};

using R = conformance::RuleId;
constexpr std::array kBindingAlways = {
    // Form and digests of what the target sends.
    R::kTargetOpcode,
    R::kNoAhs,
    R::kReservedBits,
    R::kFinalBit,
    R::kNoDataSegment,
    R::kPadZero,
    R::kReservedTaskTag,
    // Its own numbers.
    R::kStatSnIncrements,
    R::kStatSnNext,
    R::kExpCmdSnNeverFalls,
    R::kMaxCmdSnNeverFalls,
    R::kWindowNotNegative,
    // Answers belong to requests, and end where the connection does.
    R::kResponseToLiveTask,
    R::kResponseFitsRequest,
    R::kOwnConnection,
    R::kNothingAfterFailedLogin,
    R::kNothingAfterLogout,
    // Data-In and R2T.
    R::kDataSnContiguous,
    R::kDataInBurstLimit,
    R::kStatusOnlyWithFinal,
    R::kDataInStatusGood,
    R::kBidirectionalStatus,
    R::kNoAcknowledgeAtLevel0,
    R::kR2tSnContiguous,
    R::kR2tLength,
    R::kR2tWithinEdtl,
    R::kR2tTagValid,
    R::kR2tLun,
    // SCSI Response.
    R::kResponseAssigned,
    R::kStatusAssigned,
    R::kFailureHasNoFlags,
    R::kOverflowOrUnderflow,
    R::kSenseWithCheckCondition,
    R::kSenseLengthFits,
    R::kSenseResponseCode,
    R::kSenseAdditionalLength,
    // Login and text.
    R::kLoginAlternates,
    R::kLoginSameStage,
    R::kLoginTransitAsked,
    R::kContinueWithoutTransit,
    R::kLoginNextStage,
    R::kLoginEchoes,
    R::kLoginTsih,
    R::kLoginVersions,
    R::kLoginStatusAssigned,
    R::kFailedLoginFields,
    R::kRedirectAddress,
    R::kLoginSegmentLimit,
    R::kTextFormat,
    R::kKeyName,
    R::kKeySender,
    R::kKeyRegistered,
    R::kTextFinalTag,
    R::kTextContinue,
    R::kTextFinalAnswersFinal,
    // The rest.
    R::kNopInEcho,
    R::kNopInEmpty,
    R::kNopInAnswerTag,
    R::kTmfResponseAssigned,
    R::kLogoutResponseAssigned,
    R::kRejectReasonAssigned,
    R::kRejectReasonDeprecated,
    R::kRejectReasonFits,
    R::kRejectHeader,
    R::kAsyncEventAssigned,
    R::kAsyncFastAbort,
    R::kAsyncConnection,
};

// An administrator may end a Discovery session, which is told nothing before (RFC 7143 §7.4.3),
// while its Logout Request is on the way.
bool MayCrossALogout(const v1::Scenario& scenario) {
  const auto& steps = scenario.step();
  const auto any = [&steps](auto is) { return std::any_of(steps.begin(), steps.end(), is); };
  return any([](const v1::Step& step) { return step.has_trigger(); }) &&
         any([](const v1::Step& step) { return step.login().discovery(); });
}

struct Judgement {
  std::vector<std::string> of_target;
  bool initiator_wrong = false;
};

// Whether a rule binds the target though the initiator misbehaved. Behind that the RFC often leaves
// the answer open in ways that only the target's own state decides, and a sound finding is worth
// more than one more. But how a target numbers its statuses, which form its PDUs have and which
// codes they carry is its own doing, whatever came.
bool BindsAlways(conformance::RuleId rule) {
  const auto found = std::find(kBindingAlways.begin(), kBindingAlways.end(), rule);
  return found != kBindingAlways.end();
}

// Up to which frames what counts.
struct Bounds {
  uint32_t first_wrong = kNever;  // from here on only what binds always
  uint32_t end = kNever;          // from here on nothing
  bool may_cross_a_logout = false;
};

// What stays behind, or ends the process, counts in any case.
Judgement Judge(const conformance::Monitor& monitor, const Bounds& bounds) {
  uint32_t wrong = bounds.first_wrong;
  for (const v1::Violation& violation : monitor.violations()) {
    const conformance::Rule* const rule = conformance::FindRule(violation.rule());
    const bool of_initiator = rule != nullptr && rule->side == v1::INITIATOR_SIDE;
    if (of_initiator) wrong = std::min(wrong, violation.frame());
  }
  Judgement judgement;
  judgement.initiator_wrong = wrong != kNever;
  for (const v1::Violation& violation : monitor.violations()) {
    const conformance::Rule* const rule = conformance::FindRule(violation.rule());
    if (rule == nullptr || rule->side == v1::INITIATOR_SIDE) continue;
    if (violation.frame() >= bounds.end) continue;
    if (violation.frame() >= wrong && !BindsAlways(rule->id)) continue;
    if (bounds.may_cross_a_logout && rule->id == R::kLogoutAnswered) continue;
    judgement.of_target.push_back(absl::StrCat("monitor: ", violation.rule(), " (frame ",
                                               violation.frame(), "): ", violation.message()));
  }
  return judgement;
}

}  // namespace

std::vector<std::string> PlaySession(const SessionOptions& options, const v1::Scenario& scenario,
                                     initiator_sim::Tap* tap) {
  SessionOptions session = options;
  session.settings = Settings(scenario);
  uint64_t chap = session.settings.Get(Setting::kChap).value_or(0);
  if (chap == 0 && AsksForChap(scenario)) chap = 1;
  session.settings.Set(Setting::kChap, chap);
  const bool chap_known = chap != 0;
  SessionWorld world(session);
  conformance::Monitor monitor(3, conformance::Judged::kBoth);
  DueWatch due(HasLittleMemory(session.settings));
  WrongWatch wrong;
  std::vector<initiator_sim::Tap*> taps = {&monitor, &due, &wrong};
  if (tap != nullptr) taps.push_back(tap);
  const PlayResult result = Play(&world, PlaySettingsWith(chap_known), world.facts(),
                                 {.scenario = scenario, .file = {}, .step_lines = {}}, 1, taps);
  std::vector<std::string> findings;
  if (result.verdict == v1::ERROR) {
    findings.push_back(absl::StrCat("the play: ", result.failure.message()));
  }
  Judgement judgement = Judge(monitor, {.first_wrong = wrong.first(),
                                        .end = options.iser ? kNever : wrong.first_flaw(),
                                        .may_cross_a_logout = MayCrossALogout(scenario)});
  findings.insert(findings.end(), judgement.of_target.begin(), judgement.of_target.end());
  if (!judgement.initiator_wrong && !WithholdsReceives(scenario)) {
    findings.insert(findings.end(), due.missing().begin(), due.missing().end());
  }
  findings.insert(findings.end(), world.told_wrong().begin(), world.told_wrong().end());
  if (!world.stopping()) {
    // Where there is place for few only, a session may be kept for who comes back.
    if (IsNarrow(session.settings)) world.RunUntilIdle();
    const std::vector<std::string> probed = Probe(&world, chap_known);
    findings.insert(findings.end(), probed.begin(), probed.end());
  }
  const std::vector<std::string> kept = world.WhatIsKept();
  findings.insert(findings.end(), kept.begin(), kept.end());
  return findings;
}

}  // namespace pushpull::fuzz
