// Who may use a logical unit: persistent reservations (SPC-4 §5.12), and those of RESERVE and
// RELEASE (SPC-2 §5.5.1).

#ifndef TARGET_SCSI_RESERVATIONS_H_
#define TARGET_SCSI_RESERVATIONS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "target/bugs/bugs.h"
#include "target/scsi/device_server.h"
#include "target/scsi/reservation_rules.h"
#include "target/scsi/reservation_state.h"
#include "target/scsi/sense.h"

namespace pushpull::target {

class Nexus;

// What came of a PERSISTENT RESERVE OUT, for the command to tell and to do.
struct ReservationOutcome {
  static ReservationOutcome Conflict() {
    ReservationOutcome outcome;
    outcome.conflict = true;
    return outcome;
  }
  static ReservationOutcome Fault(const Sense& sense) {
    ReservationOutcome outcome;
    outcome.fault = sense;
    return outcome;
  }

  bool ok() const { return !conflict && !fault.has_value(); }

  bool conflict = false;  // RESERVATION CONFLICT
  std::optional<Sense> fault;
  std::vector<std::pair<NexusId, Sense>> attentions;
  std::vector<NexusId> preempted;  // whose commands PREEMPT AND ABORT ends
};

// REGISTER and REGISTER AND IGNORE EXISTING KEY.
struct RegisterRequest {
  uint64_t key = 0;
  uint64_t new_key = 0;  // 0: unregister
  bool ignore_existing_key = false;
  bool all_target_ports = false;
  bool persist = false;         // APTPL
  bool names_others = false;    // SPEC_I_PT
  std::vector<NexusId> others;  // whom it names
};

// REGISTER AND MOVE.
struct MoveRequest {
  uint64_t key = 0;
  uint64_t new_key = 0;
  NexusId to;
  bool unregister = false;
  bool persist = false;
};

// From any thread.
class Reservations {
 public:
  // More are refused with INSUFFICIENT REGISTRATION RESOURCES.
  static constexpr size_t kMaxRegistrations = 1024;

  // `store` may be null: then nothing outlives the process.
  Reservations(std::shared_ptr<ReservationStore> store, ReservationState restored, BugSet bugs);

  // PTPL_C.
  bool can_persist() const { return store_ != nullptr; }
  // False: nobody has reserved anything, so that nothing conflicts.
  bool restricts() const {
    return reserved_.load(std::memory_order_acquire) ||
           holder_.load(std::memory_order_acquire) != nullptr;
  }
  bool Conflicts(const Nexus& nexus, const ReservationRule& rule) const;
  ReservationState state() const;

  // Whether who changes something may have to wait until it is saved. RunOnThread: runs `job` where
  // that holds nobody up, later.
  bool waits() const { return store_ != nullptr && store_->has_thread(); }
  void RunOnThread(absl::AnyInvocable<void()> job) { store_->RunOnThread(std::move(job)); }

  // ---- PERSISTENT RESERVE OUT (SPC-4 §6.16) from a nexus
  // -----------------------------------------
  ReservationOutcome Register(const NexusId& from, const RegisterRequest& request);
  ReservationOutcome Reserve(const NexusId& from, uint64_t key, ReservationType type);
  ReservationOutcome Release(const NexusId& from, uint64_t key, ReservationType type);
  ReservationOutcome Clear(const NexusId& from, uint64_t key);
  ReservationOutcome Preempt(const NexusId& from, uint64_t key, uint64_t victims_key,
                             ReservationType type);
  ReservationOutcome Move(const NexusId& from, const MoveRequest& request);

  // ---- RESERVE (6), RELEASE (6)
  // ------------------------------------------------------------------- False: RESERVATION
  // CONFLICT.
  [[nodiscard]] bool ReserveUnit(const Nexus& nexus);
  [[nodiscard]] bool ReleaseUnit(const Nexus& nexus);
  // Of that nexus, or (null) of any.
  void DropUnitReservation(const Nexus* nexus);
  // Ends what is the session's.
  void OnNexusLost(const Nexus& nexus);
  // Ends what a reset of the unit ends.
  void OnReset();

 private:
  // Runs `change` on a copy, which counts once it has been saved where that is due.
  ReservationOutcome Apply(absl::FunctionRef<ReservationOutcome(ReservationState&)> change);
  bool Knows(const ReservationState& state, const NexusId& from, uint64_t key) const;
  // PRGENERATION.
  void Count(ReservationState* state) const;
  // What RESERVE and RELEASE come to where there are registrations (SPC-4 §5.12.3, CRH = 1): GOOD
  // without an effect, or a conflict. Nothing: there are none.
  std::optional<bool> WhileRegistered(const Nexus& nexus) const;

  const std::shared_ptr<ReservationStore> store_;
  const BugSet bugs_;
  std::mutex changing_;   // one change at a time, its saving included
  bool unsaved_ = false;  // guarded by changing_: what the store has may be another state
  mutable std::mutex mutex_;
  ReservationState state_;      // guarded by mutex_; changes only with changing_ held, too
  std::atomic<bool> reserved_;  // state_.reservation is there
  std::atomic<const Nexus*> holder_{nullptr};  // of RESERVE
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_RESERVATIONS_H_
