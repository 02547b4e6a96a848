// One scenario on one endpoint, to its end.

#ifndef CONFORMANCE_RUNNER_PLAY_H_
#define CONFORMANCE_RUNNER_PLAY_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "conformance/runner/endpoint.h"
#include "fabric/stream.h"
#include "initiator_sim/iser/dialect.h"
#include "initiator_sim/player/player.h"
#include "initiator_sim/player/splits.h"
#include "initiator_sim/player/tap.h"

namespace pushpull::conformance {

// Blocks from the scratch area on that there are for every case. Those that change more say so.
inline constexpr uint64_t kScratchBlocks = 64;

// What is known of a target before cases are played.
struct TargetFacts {
  std::string target_name;
  std::vector<uint64_t> luns;  // disks, the default one first
  uint32_t block_size = 0;     // of luns[0], in bytes
  uint64_t block_count = 0;    // of luns[0]
  // That one command may read or write; 0: it tells of no limit.
  uint32_t max_transfer_blocks = 0;
  bool write_protected = false;  // luns[0] says so
  bool forgets_writes = false;   // what is written to luns[0] reads back as zeros
  std::string identity;          // vendor, product and revision of luns[0]
  std::string mode_pages;  // all of luns[0], as MODE SENSE (6) brought them; empty: it has none
  // The run has credentials, and without them there is no login.
  bool authentication_required = false;
};

// What a run sets for all its cases.
struct PlaySettings {
  std::string initiator_name = "iqn.2026-11.org.pushpull:initiator";
  std::optional<std::array<uint8_t, 6>> isid;
  initiator_sim::ChapCredentials chap;
  absl::Duration step_timeout = absl::Seconds(10);
  initiator_sim::SplitSchedule splits;
  initiator_sim::IserDialect iser_dialect = initiator_sim::IserDialect::kRfc7145;
  uint64_t scratch_lba = 0;
  std::optional<uint64_t> scratch_last_lba;  // given: the LUN must have it
  std::map<std::string, std::string> readings;
  bool allow_elapse = true;
  absl::Duration linger = absl::ZeroDuration();     // as PlayerOptions
  bool linger_for_answers_only = false;             // likewise
  bool surplus_is_noted = false;                    // likewise
  bool goes_on = false;                             // likewise
  absl::Duration ask_after = absl::ZeroDuration();  // likewise
  // Set from another thread or by a signal: a play ends soon, as NOT_PLAYED. For targets in real
  // time; may be null.
  const std::atomic<bool>* interrupted = nullptr;
};

// What is called from within a play, on its thread.
struct PlayHooks {
  // Administrative hooks that are used instead of the endpoint's own.
  initiator_sim::Hook hook;
  absl::Duration limit;  // within which each ends by itself
  // A scripted target (role TARGET) listens: where, by number of the portal.
  std::function<void(const std::vector<fabric::Address>&)> listening;
  // It turns true when the peer has ended (Player::PeerHasEnded). For peers in real time; may be
  // null.
  const std::atomic<bool>* peer_ended = nullptr;
};

// What a player is to have for a play of an initiator's. Its tap is the caller's to set.
initiator_sim::PlayerOptions PlayerOptionsFor(Endpoint* endpoint, const PlaySettings& settings,
                                              const TargetFacts& facts, uint64_t seed);

// Plays `script`; what the taps are told comes on this thread. The endpoint's own tap is told too.
initiator_sim::PlayResult Play(Endpoint* endpoint, const PlaySettings& settings,
                               const TargetFacts& facts, initiator_sim::Script script,
                               uint64_t seed, std::vector<initiator_sim::Tap*> taps,
                               PlayHooks hooks = {});

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_PLAY_H_
