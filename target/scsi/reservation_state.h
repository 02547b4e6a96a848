// Registrations and the persistent reservation of one logical unit, as plain data. (SPC-4 §5.12)

#ifndef TARGET_SCSI_RESERVATION_STATE_H_
#define TARGET_SCSI_RESERVATION_STATE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "target/scsi/device_server.h"

namespace pushpull::target {

// SPC-4 §6.15.3.4.
enum class ReservationType : uint8_t {
  kWriteExclusive = 1,
  kExclusiveAccess = 3,
  kWriteExclusiveRegistrantsOnly = 5,
  kExclusiveAccessRegistrantsOnly = 6,
  kWriteExclusiveAllRegistrants = 7,
  kExclusiveAccessAllRegistrants = 8,
};

// Nothing for what is no type.
std::optional<ReservationType> ReservationTypeFrom(uint8_t code);
bool IsAllRegistrants(ReservationType type);
// Registrants Only or All Registrants: who is registered isn't restricted.
bool IsForRegistrants(ReservationType type);
bool IsWriteExclusive(ReservationType type);

struct Registration {
  NexusId nexus;
  uint64_t key = 0;
  bool all_target_ports = false;

  friend bool operator==(const Registration&, const Registration&) = default;
};

struct Reservation {
  ReservationType type = ReservationType::kWriteExclusive;
  NexusId holder;  // empty with All Registrants

  friend bool operator==(const Reservation&, const Reservation&) = default;
};

struct ReservationState {
  uint32_t generation = 0;  // PRGENERATION; 0 after each power on
  bool persist = false;     // APTPL of the last registration
  std::vector<Registration> registrations;
  std::optional<Reservation> reservation;

  const Registration* Find(const NexusId& nexus) const;
  Registration* Find(const NexusId& nexus);
  bool Holds(const NexusId& nexus) const;

  friend bool operator==(const ReservationState&, const ReservationState&) = default;
};

// Keeps the state of one unit beyond the end of the process (SPC-4 §5.12.5).
class ReservationStore {
 public:
  virtual ~ReservationStore() = default;

  // Returns when it is on stable storage: after a crash there is this state, or, if it didn't
  // return, maybe the one before. After a failure there is the one before; where not even that
  // could be seen to, it may be this one until another is saved. Of `generation` nothing is kept.
  // One call at a time.
  virtual absl::Status Save(const ReservationState& state) = 0;

  // Whether Save may take its time, and there is a thread for it, which runs `job` later, after
  // those that came before.
  virtual bool has_thread() const { return false; }
  virtual void RunOnThread(absl::AnyInvocable<void()> /*job*/) {}
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_RESERVATION_STATE_H_
