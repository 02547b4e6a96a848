#include "conformance/runner/play.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace pushpull::conformance {
namespace {

using initiator_sim::PlayResult;
using initiator_sim::Tap;
using initiator_sim::TapConnection;
using initiator_sim::TapPdu;

constexpr absl::Duration kAllowance = absl::Minutes(1);

// Each step ends by its own deadline, and all of them together before this, at the worst.
absl::Duration Limit(const v1::Scenario& scenario, const PlaySettings& settings,
                     absl::Duration hook_limit) {
  // More than the timeouts that the player lets a step have (and its login, its epilogue).
  constexpr int kTimeouts = 8;
  absl::Duration limit = kAllowance + 4 * kTimeouts * settings.step_timeout;
  for (const v1::Step& step : scenario.step()) {
    absl::Duration timeout = std::max(settings.step_timeout, absl::Milliseconds(step.timeout_ms()));
    if (step.has_trigger()) timeout = std::max(timeout, hook_limit);
    if (step.has_elapse()) {
      // Of a negotiated key no more than it can come to (RFC 7143 §13.15, §13.16).
      limit += step.elapse().negotiated_key().empty()
                   ? absl::Milliseconds(step.elapse().milliseconds())
                   : absl::Hours(1);
    }
    limit += kTimeouts * timeout;
  }
  return limit;
}

enum class End { kPlayed, kInterrupted, kNone };

// Looks for an interrupt now and then: a signal may have come to another thread.
End RunToEnd(Endpoint* endpoint, const std::optional<PlayResult>& result, absl::Duration limit,
             const std::atomic<bool>* interrupted, const std::atomic<bool>* peer_ended,
             initiator_sim::Player* player) {
  constexpr absl::Duration kLook = absl::Milliseconds(100);
  const auto done = [&result] { return result.has_value(); };
  while ((interrupted != nullptr || peer_ended != nullptr) && limit > kLook) {
    // What it sent before its end comes within the look.
    const bool ended = peer_ended != nullptr && *peer_ended;
    if (endpoint->RunUntil(done, kLook)) return End::kPlayed;
    if (interrupted != nullptr && *interrupted) return End::kInterrupted;
    if (ended) player->PeerHasEnded();
    limit -= kLook;
  }
  return endpoint->RunUntil(done, limit) ? End::kPlayed : End::kNone;
}

class Taps : public Tap {
 public:
  explicit Taps(std::vector<Tap*> taps) : taps_(std::move(taps)) {}

  void OnOpened(const TapConnection& connection, absl::Time time) override {
    for (Tap* tap : taps_) tap->OnOpened(connection, time);
  }
  void OnClosed(const TapConnection& connection, absl::Time time, bool by_peer,
                const std::string& reason) override {
    for (Tap* tap : taps_) tap->OnClosed(connection, time, by_peer, reason);
  }
  void OnBytes(const TapConnection& connection, absl::Time time, initiator_sim::Direction direction,
               base::Bytes bytes) override {
    for (Tap* tap : taps_) tap->OnBytes(connection, time, direction, bytes);
  }
  void OnPdu(const TapPdu& pdu) override {
    for (Tap* tap : taps_) tap->OnPdu(pdu);
  }
  void OnRdma(const initiator_sim::TapRdma& operation) override {
    for (Tap* tap : taps_) tap->OnRdma(operation);
  }
  void OnReadData(const TapConnection& connection, absl::Time time, base::Bytes data) override {
    for (Tap* tap : taps_) tap->OnReadData(connection, time, data);
  }
  void OnIserMessage(const TapConnection& connection, absl::Time time,
                     initiator_sim::Direction direction, base::Bytes message) override {
    for (Tap* tap : taps_) tap->OnIserMessage(connection, time, direction, message);
  }
  void OnStep(size_t step, absl::Time time) override {
    for (Tap* tap : taps_) tap->OnStep(step, time);
  }

 private:
  std::vector<Tap*> taps_;
};

}  // namespace

initiator_sim::PlayerOptions PlayerOptionsFor(Endpoint* endpoint, const PlaySettings& settings,
                                              const TargetFacts& facts, uint64_t seed) {
  initiator_sim::PlayerOptions options;
  options.network = endpoint->network();
  options.rdma = endpoint->rdma();
  options.watch_rdma = endpoint->watch_rdma();
  options.iser_dialect = settings.iser_dialect;
  options.loop = endpoint->loop();
  options.portals = endpoint->portals();
  options.target_name = facts.target_name;
  options.initiator_name = settings.initiator_name;
  if (settings.isid.has_value()) options.isid = *settings.isid;
  options.chap = settings.chap;
  if (!facts.luns.empty()) options.luns = facts.luns;
  if (facts.block_size != 0) options.block_size = facts.block_size;
  options.block_count = facts.block_count;
  options.scratch_lba = settings.scratch_lba;
  options.seed = seed;
  options.step_timeout = settings.step_timeout;
  options.splits = settings.splits;
  options.allow_elapse = settings.allow_elapse;
  options.linger = settings.linger;
  options.linger_for_answers_only = settings.linger_for_answers_only;
  options.surplus_is_noted = settings.surplus_is_noted;
  options.goes_on = settings.goes_on;
  options.ask_after = settings.ask_after;
  options.readings = settings.readings;
  return options;
}

PlayResult Play(Endpoint* endpoint, const PlaySettings& settings, const TargetFacts& facts,
                initiator_sim::Script script, uint64_t seed, std::vector<Tap*> taps,
                PlayHooks hooks) {
  if (endpoint->tap() != nullptr) taps.push_back(endpoint->tap());
  Taps all(std::move(taps));

  initiator_sim::PlayerOptions options = PlayerOptionsFor(endpoint, settings, facts, seed);
  const bool as_target = script.scenario.role() == v1::TARGET;
  if (as_target) options.listen = std::exchange(options.portals, {});
  options.hook = hooks.hook != nullptr ? std::move(hooks.hook) : endpoint->hook();
  options.hook_limit = hooks.limit;
  options.tap = &all;

  const absl::Duration limit = Limit(script.scenario, settings, hooks.limit);
  std::optional<PlayResult> result;
  initiator_sim::Player player(std::move(options), std::move(script));
  player.Start([&result](PlayResult played) { result = std::move(played); });
  if (as_target && hooks.listening && !player.listening().empty()) {
    hooks.listening(player.listening());
  }
  const End end =
      RunToEnd(endpoint, result, limit, settings.interrupted, hooks.peer_ended, &player);
  if (end == End::kInterrupted) {
    PlayResult interrupted;
    interrupted.verdict = v1::NOT_PLAYED;
    interrupted.failure.set_message("the run was interrupted");
    return interrupted;
  }
  if (end == End::kNone) {
    PlayResult stuck;
    stuck.verdict = v1::ERROR;
    stuck.failure.set_message("the player came to no end: this is a fault of ours");
    return stuck;
  }
  return *std::move(result);
}

}  // namespace pushpull::conformance
