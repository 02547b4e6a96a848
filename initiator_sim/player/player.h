// Plays a scenario on a network: sends its PDUs, waits for what it expects, judges what comes.
//
// No threads, nothing blocks: everything happens in callbacks of one loop, real or simulated. Each
// step that waits has a deadline, so each play ends.

#ifndef INITIATOR_SIM_PLAYER_PLAYER_H_
#define INITIATOR_SIM_PLAYER_PLAYER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/stream.h"
#include "initiator_sim/iser/dialect.h"
#include "initiator_sim/player/splits.h"
#include "initiator_sim/player/tap.h"
#include "initiator_sim/session/chap.h"
#include "pushpull/v1/report.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {

// An administrative hook of the target. OK: it was done. NOT_FOUND or UNIMPLEMENTED: there is no
// such hook (SKIP). Anything else: it failed (ERROR).
using HookDone = absl::AnyInvocable<void(absl::Status)>;
using Hook = std::function<void(const v1::Trigger& trigger, HookDone done)>;

struct PlayerOptions {
  // One of both: iSCSI over streams, or iSER over RDMA.
  fabric::Network* network = nullptr;
  fabric::RdmaNetwork* rdma = nullptr;
  IserDialect iser_dialect = IserDialect::kRfc7145;
  // Sets (or takes back, with null) whom the RDMA network tells of its operations. None: it tells
  // nobody, and what the target did is known by what it left.
  std::function<void(fabric::SimRdmaLog*)> watch_rdma;
  fabric::Loop* loop = nullptr;

  // Addresses of the target, by number of `Connect.portal`. (Role INITIATOR)
  std::vector<fabric::Address> portals;
  // Where to listen, by number of `Accept.portal`. (Role TARGET)
  std::vector<fabric::Address> listen;

  std::string target_name;
  std::string initiator_name = "iqn.2026-11.org.pushpull:initiator";
  // Of the first session; further ones count its last two bytes (the qualifier) up.
  std::array<uint8_t, 6> isid = {0x80, 0x70, 0x75, 0x6c, 0x00, 0x01};
  ChapCredentials chap;

  std::vector<uint64_t> luns = {0};  // those of the run, the default one first
  uint32_t block_size = 512;         // of luns[0], in bytes
  uint64_t block_count = 0;          // of luns[0]; 0: not known
  uint64_t scratch_lba = 0;          // where cases may write

  uint64_t seed = 1;
  absl::Duration step_timeout = absl::Seconds(10);
  // What the peer may send within one step, whether the step takes it or not: far above what any
  // right one sends, far below what hurts.
  size_t max_step_pdus = 50000;
  size_t max_step_bytes = size_t{64} << 20;
  SplitSchedule splits;  // where a step says nothing of its delivery
  // Whether `elapse` may pass time. Without: SKIP.
  bool allow_elapse = true;
  // How long connections stay open after the last step, for the tap to see what still comes. What
  // ends a case early would else hide or show it by chance.
  absl::Duration linger = absl::ZeroDuration();
  // No longer than until each task that can still be answered was.
  bool linger_for_answers_only = false;
  // iSER: data behind what the response counts is noted (WARN), and the play goes on: what counts
  // is there to be read.
  bool surplus_is_noted = false;
  // A step that fails gives way to the next one, as do those that come to nothing in time: what was
  // sent counts, not what is judged (fuzzing). What had come till then is taken by nobody.
  bool goes_on = false;
  // Above zero: when nothing came for so long that a step awaits, a ping asks whether it still
  // will. What wasn't there when that was answered isn't waited for (fuzzing; a target may work on
  // it, and `linger` sees it yet). Where no ping can be sent the step waits for its time, and
  // nobody asks on a new connection whether the target lives.
  absl::Duration ask_after = absl::ZeroDuration();
  // Readings that a profile chose, by id of the ambiguity.
  std::map<std::string, std::string> readings;
  // None: scenarios that need a hook are SKIP.
  Hook hook;
  // Within which a hook ends by itself; `trigger` waits so long, if step_timeout is shorter.
  absl::Duration hook_limit;
  // Not owned; may be null.
  Tap* tap = nullptr;
};

// What is played, and where its text stands.
struct Script {
  v1::Scenario scenario;  // without a sweep (see ExpandSweep)
  std::string file;
  std::vector<uint32_t> step_lines;
};

struct PlayResult {
  v1::Verdict verdict = v1::VERDICT_UNSPECIFIED;
  // Of each verdict but PASS: what decided it.
  v1::Failure failure;
  // Further reasons of WARN and AMBIGUOUS that came before.
  std::vector<v1::Failure> notes;
  size_t steps_played = 0;
  // The last unit attention that ended a command of the scenario's own; empty: there was none.
  // Drivers send their commands again.
  std::string unit_attention;
};

class Play;

class Player {
 public:
  using Done = absl::AnyInvocable<void(PlayResult)>;

  Player(PlayerOptions options, Script script);
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;
  // Drops all connections. A play that hasn't ended ends without a word.
  ~Player();

  // Once, from the loop's thread. `done` is called later from the loop, once, and may destroy the
  // player; all connections are closed then.
  void Start(Done done);

  // Role TARGET: where it listens, with the ports that were chosen; from Start on.
  std::vector<fabric::Address> listening() const;

  // The peer has ended, as somebody else knows: while no connection is open, a step that waits has
  // waited long enough. From the loop's thread.
  void PeerHasEnded();

 private:
  std::shared_ptr<Play> play_;
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_PLAYER_H_
