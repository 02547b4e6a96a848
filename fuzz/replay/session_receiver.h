// Plays whole sessions: scenarios against a whole target, with the bytes of one direction of one
// connection cut. What must not differ is what came of each task (session_tasks.h), the scenario's
// verdict, and the contents of the logical units.

#ifndef FUZZ_REPLAY_SESSION_RECEIVER_H_
#define FUZZ_REPLAY_SESSION_RECEIVER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "conformance/runner/play.h"
#include "conformance/runner/preconditions.h"
#include "conformance/runner/suite.h"
#include "fuzz/replay/receiver.h"
#include "fuzz/replay/schedule.h"
#include "fuzz/replay/session_host.h"
#include "fuzz/replay/session_tasks.h"

namespace pushpull::replay {

struct SessionOptions {
  conformance::PlaySettings settings;
  bool allow_writes = false;    // on a target that isn't our own
  std::optional<uint64_t> lun;  // that one alone
  uint64_t seed = 1;
  std::string name = "session";
};

// What is too much for one trace: a play takes about a millisecond, whatever its bytes, so that
// `all` brings each single cut of short streams only, and nothing with pairs but at borders.
Budget SessionBudget();

class SessionReceiver final : public Receiver {
 public:
  // Looks at the target first. Errors are InspectTarget's. `host` lives longer.
  static absl::StatusOr<std::unique_ptr<SessionReceiver>> Create(SessionHost* host,
                                                                 const SessionOptions& options);

  // Plays the case without cuts: a trace for each direction of each connection that the host can
  // cut and that has bytes; where the case has a delivery of its own, only the one that it is for.
  // They can be opened until the next Record. UNIMPLEMENTED: the case can't be played here (it says
  // what it needs). FAILED_PRECONDITION: even so it comes to no verdict.
  absl::StatusOr<std::vector<Trace>> Record(const conformance::Case& c);
  // The case's own delivery, of a trace that Record made of it.
  std::optional<Delivery> OwnDelivery(const Trace& trace) const;

  std::string name() const override { return options_.name; }
  absl::Status Open(const Trace& trace) override;
  std::vector<Source> sources() const override { return {Source::kTcp}; }
  // Where the network and the target's pace are nobody's, chance has a part in what comes.
  bool steady() const override { return host_->factory()->virtual_time(); }
  bool has_queue() const override { return false; }
  absl::StatusOr<Outcome> Play(const Delivery& delivery) override;
  absl::StatusOr<v1::EventLog> PlayForLog(const Delivery& delivery) override;
  // The case, with this delivery.
  std::optional<v1::Scenario> ScenarioOf(const Delivery& delivery) const override;

  // Rules that a target that isn't our own broke in any delivery, with how often. They aren't
  // compared: they are for `pushpull run` to judge.
  const std::map<std::string, uint64_t>& broken_rules() const { return broken_rules_; }

 private:
  struct Played;
  // Which bytes a recorded trace is of.
  struct Stream {
    size_t connection;
    Direction direction;
  };

  SessionReceiver(SessionHost* host, const SessionOptions& options)
      : host_(host), options_(options) {}

  bool writes() const { return case_.scenario().needs().writes(); }
  absl::StatusOr<Played> PlayOnce(const SessionCuts& cuts);
  // On a target that keeps its blocks: what stands where the scenario may write; 0 from then on.
  absl::StatusOr<std::vector<LunBlock>> TakeScratch();
  absl::Status AddBlocks(SessionEndpoint* endpoint, v1::EventLog* events);
  SessionCuts CutsOf(const Delivery& delivery) const;

  SessionHost* const host_;
  const SessionOptions options_;
  conformance::Offer offer_;
  conformance::Case case_;
  std::map<std::string, Stream> streams_;  // of the recorded traces, by name
  Stream open_ = {0, Direction::kToTarget};
  std::optional<SessionEvents> reference_;  // of the case; where it isn't steady
  bool scratch_is_clear_ = false;
  // By the cuts of the open trace: different deliveries may be cut alike here. Where it isn't
  // steady, those that came to what the whole one came to.
  absl::flat_hash_map<uint64_t, Outcome> played_;
  std::optional<uint64_t> whole_digest_;
  std::map<std::string, uint64_t> broken_rules_;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_SESSION_RECEIVER_H_
