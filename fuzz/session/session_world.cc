#include "fuzz/session/session_world.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "fuzz/session/target_of_settings.h"
#include "target/admin/reports.h"
#include "target/session/async_events.h"
#include "target/session/counters.h"

namespace pushpull::fuzz {
namespace {

using target::Count;

constexpr char kHost[] = "192.0.2.2";
// DefaultTime2Retain is an hour at the most (RFC 7143 §13.16), and there are timers beside it.
constexpr absl::Duration kLongestSession = absl::Hours(2);
// Far above what the longest input needs; below it nothing goes round and round.
constexpr uint64_t kMostEvents = 3'000'000;

uint16_t WithinSeconds(const v1::Trigger& trigger, uint16_t otherwise) {
  for (const v1::Variable& argument : trigger.argument()) {
    if (argument.name() != "within_s") continue;
    return static_cast<uint16_t>(std::min<uint64_t>(argument.number(), 0xffff));
  }
  return otherwise;
}

bool IsJson(const std::string& text) {
  google::protobuf::Struct read;
  return google::protobuf::util::JsonStringToMessage(text, &read).ok();
}

}  // namespace

SessionWorld::SessionWorld(const SessionOptions& options)
    : options_(options),
      world_(options.seed),
      loop_(world_.NewLoop()),
      streams_(&world_, NetworkOfSettings(options.settings)),
      rdma_(&world_, {}) {
  const uint64_t loops = options.settings.Within(Setting::kLoops, 1, 3).value_or(1);
  for (uint64_t i = 0; i < loops; ++i) target_loops_.push_back(world_.NewLoop());
  ChosenTarget chosen = TargetOfSettings(options.settings, options.bugs, options.seed,
                                         [this](std::string what) { Complain(std::move(what)); });
  facts_ = std::move(chosen.facts);
  auto target = target::Target::Create(std::move(chosen.options), &streams_, target_loops_, &rdma_);
  CHECK(target.ok()) << target.status().ToString();
  target_ = *std::move(target);
  const fabric::Address any{kHost, 3260};
  const absl::StatusOr<fabric::Address> address =
      options.iser ? target_->ListenIser(any) : target_->Listen(any);
  CHECK(address.ok()) << address.status().ToString();
  portals_ = {*address};
}

SessionWorld::~SessionWorld() { WhatStays(); }

bool SessionWorld::RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) {
  return world_.RunUntil(done, {.time = limit, .events = kMostEvents}) ==
         fabric::SimWorld::Outcome::kDone;
}

bool SessionWorld::RunUntilIdle() {
  return RunUntil(
      [this] {
        return target_->Get(Count::kConnections) == 0 && target_->Get(Count::kSessions) == 0;
      },
      kLongestSession);
}

// ---- what administrators do ---------------------------------------------------------------------

initiator_sim::Hook SessionWorld::hook() {
  using Kind = target::AsyncRequest::Kind;
  return [this](const v1::Trigger& trigger, initiator_sim::HookDone done) {
    static const auto* const kinds = new std::map<std::string, Kind>{
        {"async_logout", Kind::kLogout},
        {"async_drop_connection", Kind::kDropConnection},
        {"async_drop_session", Kind::kDropSession},
        {"async_negotiate", Kind::kNegotiation},
    };
    if (trigger.hook() == "stop") return Stop(trigger, std::move(done));
    if (trigger.hook() == "describe") return Describe(std::move(done));
    const auto kind = kinds->find(trigger.hook());
    if (kind == kinds->end()) return done(absl::NotFoundError("there is no such hook"));
    Announce(kind->second, trigger, std::move(done));
  };
}

void SessionWorld::Answer(initiator_sim::HookDone done) {
  loop_->Post([done = std::move(done)]() mutable { done(absl::OkStatus()); });
}

void SessionWorld::Announce(target::AsyncRequest::Kind kind, const v1::Trigger& trigger,
                            initiator_sim::HookDone done) {
  target::AsyncRequest request;
  request.kind = kind;
  request.within_s = WithinSeconds(trigger, request.within_s);
  target_->Announce(request,
                    [this, done = std::move(done)](size_t) mutable { Answer(std::move(done)); });
}

void SessionWorld::Stop(const v1::Trigger& trigger, initiator_sim::HookDone done) {
  if (std::exchange(stopping_, true)) {
    return done(absl::FailedPreconditionError("it is stopping already"));
  }
  target_->Stop(absl::Seconds(WithinSeconds(trigger, 10)), [this] { stopped_ = true; });
  Answer(std::move(done));
}

void SessionWorld::Describe(initiator_sim::HookDone done) {
  target_->Describe(
      [this, done = std::move(done)](std::vector<target::SessionInfo> sessions) mutable {
        if (!IsJson(target::SessionsJson(sessions))) Complain("the sessions are no JSON");
        if (!IsJson(target::CountersJson(*target_, sessions))) Complain("the counters are no JSON");
        const std::string text = target::CountersText(*target_, sessions);
        if (!absl::EndsWith(text, "\n")) Complain("the counters as text end within a line");
        Answer(std::move(done));
      });
}

void SessionWorld::Complain(std::string what) {
  if (told_wrong_.empty()) told_wrong_.push_back(std::move(what));
}

// ---- the end ------------------------------------------------------------------------------------

std::vector<std::string> SessionWorld::WhatIsKept() {
  std::vector<std::string> kept;
  if (!RunUntilIdle()) {
    kept.push_back(absl::StrCat("hours after all connections were closed the target still has ",
                                target_->Get(Count::kConnections), " connections and ",
                                target_->Get(Count::kSessions), " sessions"));
    return kept;
  }
  const auto look = [&kept](const char* what, int64_t count) {
    if (count != 0) kept.push_back(absl::StrCat("all sessions ended, but it kept ", count, what));
  };
  look(" tasks", target_->Get(Count::kTasks));
  look(" bytes of buffers", target_->Get(Count::kBufferBytes));
  look(" logins under way", target_->Get(Count::kLogins));
  if (options_.iser) look(" queue pairs", static_cast<int64_t>(rdma_.queue_pairs(kHost)));
  for (std::string& line : WhatStays()) kept.push_back(std::move(line));
  return kept;
}

std::vector<std::string> SessionWorld::WhatStays() {
  if (target_ == nullptr) return {};
  std::vector<std::string> kept;
  if (!std::exchange(stopping_, true)) target_->Shutdown([this] { stopped_ = true; });
  // A stop may take as long as it was given.
  if (!RunUntil([this] { return stopped_; }, kLongestSession * 10)) {
    kept.push_back("the target doesn't end");
    // It can't be destroyed while it runs.
    (void)target_.release();  // NOLINT(bugprone-unused-return-value)
    return kept;
  }
  target_.reset();
  if (options_.iser && rdma_.keys(kHost) != 0) {
    kept.push_back(absl::StrCat("the target ended, but it kept ", rdma_.keys(kHost), " keys"));
  }
  return kept;
}

}  // namespace pushpull::fuzz
