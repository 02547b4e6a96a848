#include "fuzz/session/session_world.h"

#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "fuzz/session/chap_of_target.h"
#include "pushpull/v1/scenario.pb.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/config.h"
#include "target/session/async_events.h"
#include "target/session/counters.h"

namespace pushpull::fuzz {
namespace {

using target::Count;

constexpr char kName[] = "iqn.2026-11.org.pushpull:reference";
constexpr char kHost[] = "192.0.2.2";
constexpr int kUnits = 3;
constexpr uint64_t kBlocks = 2048;
// DefaultTime2Retain is an hour at the most (RFC 7143 §13.16), and there are timers beside it.
constexpr absl::Duration kLongestSession = absl::Hours(2);
// Far above what the longest input needs; below it nothing goes round and round.
constexpr uint64_t kMostEvents = 3'000'000;

target::TargetOptions OptionsOf(const SessionOptions& session) {
  v1::TargetConfig config;
  config.set_name(kName);
  for (int i = 0; i < kUnits; ++i) {
    v1::LunConfig* const unit = config.add_lun();
    unit->set_number(static_cast<uint32_t>(i));
    unit->set_spec("ram:1M");
  }
  auto options = target::OptionsFromConfig(target::LoadedConfig(std::move(config)));
  CHECK(options.ok()) << options.status().ToString();
  options->node.bugs = session.bugs;
  options->node.seed = session.seed;
  options->iser_dialect = target::IserDialect::kRfc7145;
  options->entropy = target::SeededEntropy(session.seed);
  if (session.chap) options->chap = ChapOptionsOf(OwnChapCredentials());
  return *std::move(options);
}

}  // namespace

SessionWorld::SessionWorld(const SessionOptions& options)
    : options_(options),
      world_(options.seed),
      loop_(world_.NewLoop()),
      target_loop_(world_.NewLoop()),
      streams_(&world_, {}),
      rdma_(&world_, {}) {
  auto target = target::Target::Create(OptionsOf(options), &streams_, {target_loop_}, &rdma_);
  CHECK(target.ok()) << target.status().ToString();
  target_ = *std::move(target);
  const fabric::Address any{kHost, 3260};
  const absl::StatusOr<fabric::Address> address =
      options.iser ? target_->ListenIser(any) : target_->Listen(any);
  CHECK(address.ok()) << address.status().ToString();
  portals_ = {*address};
  facts_.target_name = kName;
  for (uint64_t i = 0; i < kUnits; ++i) facts_.luns.push_back(i);
  facts_.block_size = 512;
  facts_.block_count = kBlocks;
}

SessionWorld::~SessionWorld() { WhatStays(); }

bool SessionWorld::RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) {
  return world_.RunUntil(done, {.time = limit, .events = kMostEvents}) ==
         fabric::SimWorld::Outcome::kDone;
}

initiator_sim::Hook SessionWorld::hook() {
  using Kind = target::AsyncRequest::Kind;
  return [this](const v1::Trigger& trigger, initiator_sim::HookDone done) {
    static const auto* const kinds = new std::map<std::string, Kind>{
        {"async_logout", Kind::kLogout},
        {"async_drop_connection", Kind::kDropConnection},
        {"async_drop_session", Kind::kDropSession},
        {"async_negotiate", Kind::kNegotiation},
    };
    const auto kind = kinds->find(trigger.hook());
    if (kind == kinds->end()) return done(absl::NotFoundError("there is no such hook"));
    target::AsyncRequest request;
    request.kind = kind->second;
    target_->Announce(request, [this, done = std::move(done)](size_t) mutable {
      loop_->Post([done = std::move(done)]() mutable { done(absl::OkStatus()); });
    });
  };
}

std::vector<std::string> SessionWorld::WhatIsKept() {
  const auto idle = [this] {
    return target_->Get(Count::kConnections) == 0 && target_->Get(Count::kSessions) == 0;
  };
  std::vector<std::string> kept;
  if (!RunUntil(idle, kLongestSession)) {
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
  bool stopped = false;
  target_->Shutdown([&stopped] { stopped = true; });
  if (!RunUntil([&stopped] { return stopped; }, absl::Hours(1))) {
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
