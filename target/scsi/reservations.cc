#include "target/scsi/reservations.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "target/scsi/nexus.h"

namespace pushpull::target {
namespace {

// A field of the parameter list.
ReservationOutcome FaultAt(uint16_t byte, std::optional<uint8_t> bit = std::nullopt) {
  Sense sense = sense::kInvalidFieldInParameterList;
  sense.field = FieldPointer{false, byte, bit};
  return ReservationOutcome::Fault(sense);
}

// SPC-4 §5.12: a nexus is told of what another one did, for each registration but its own.
void TellRegistered(const ReservationState& state, const NexusId& from, const Sense& sense,
                    ReservationOutcome* outcome) {
  for (const Registration& registration : state.registrations) {
    if (registration.nexus != from) outcome->attentions.emplace_back(registration.nexus, sense);
  }
}

// Of one who isn't registered any longer: what it held is free (SPC-4 §5.12.11.3).
void ReleaseWhatItHeld(const NexusId& gone, ReservationState* state, ReservationOutcome* outcome) {
  if (!state->reservation.has_value()) return;
  const ReservationType type = state->reservation->type;
  const bool free =
      IsAllRegistrants(type) ? state->registrations.empty() : state->reservation->holder == gone;
  if (!free) return;
  state->reservation.reset();
  if (IsForRegistrants(type)) TellRegistered(*state, gone, sense::kReservationsReleased, outcome);
}

void Unregister(const NexusId& nexus, ReservationState* state, ReservationOutcome* outcome) {
  std::erase_if(state->registrations, [&](const Registration& r) { return r.nexus == nexus; });
  ReleaseWhatItHeld(nexus, state, outcome);
}

// Whether a defective target doesn't look at reservations before this command.
bool IsMissedByDefect(const BugSet& bugs, uint8_t opcode) {
  if (opcode == 0x8a && bugs.Has(Bug::kScsiReservationMissesWrite16)) return true;
  constexpr std::array<uint8_t, 8> kReadsAndWrites = {0x08, 0x0a, 0x28, 0x2a,
                                                      0x88, 0x8a, 0xa8, 0xaa};
  return bugs.Has(Bug::kScsiReservationReadsWritesOnly) &&
         std::ranges::find(kReadsAndWrites, opcode) == kReadsAndWrites.end();
}

Reservation MakeReservation(ReservationType type, const NexusId& holder) {
  return {type, IsAllRegistrants(type) ? NexusId{} : holder};
}

// REGISTER from who isn't registered (SPC-4 §5.12.7).
ReservationOutcome RegisterNew(const NexusId& from, const RegisterRequest& request,
                               ReservationState* state) {
  if (state->registrations.size() + 1 + request.others.size() > Reservations::kMaxRegistrations) {
    return ReservationOutcome::Fault(sense::kInsufficientRegistrationResources);
  }
  state->registrations.push_back({from, request.new_key, request.all_target_ports});
  // All of them, or none.
  for (const NexusId& other : request.others) {
    if (state->Find(other) != nullptr) return ReservationOutcome::Conflict();
    state->registrations.push_back({other, request.new_key, request.all_target_ports});
  }
  return {};
}

// The registrations with this key go (SPC-4 §5.12.11.4.4); `from` keeps its own, if `keeps_own`.
// False: there was none.
bool RemoveRegistrations(const NexusId& from, std::optional<uint64_t> key, bool keeps_own,
                         ReservationState* state, ReservationOutcome* outcome) {
  bool found = false;
  std::vector<Registration> left;
  for (const Registration& registration : state->registrations) {
    const bool own = registration.nexus == from;
    const bool named = !key.has_value() || registration.key == *key;
    found = found || named;
    if (!named || (own && keeps_own)) {
      left.push_back(registration);
    } else if (!own) {
      outcome->attentions.emplace_back(registration.nexus, sense::kRegistrationsPreempted);
      outcome->preempted.push_back(registration.nexus);
    }
  }
  state->registrations = std::move(left);
  return found;
}

// The holder's place is taken (SPC-4 §5.12.11.4.3).
void TakeOver(const NexusId& from, std::optional<uint64_t> key, ReservationType type,
              ReservationState* state, ReservationOutcome* outcome) {
  const ReservationType before = state->reservation->type;
  RemoveRegistrations(from, key, /*keeps_own=*/true, state, outcome);
  state->reservation = MakeReservation(type, from);
  // Who is left learns that the terms are others.
  if (type != before) TellRegistered(*state, from, sense::kReservationsReleased, outcome);
}

}  // namespace

Reservations::Reservations(std::shared_ptr<ReservationStore> store, ReservationState restored,
                           BugSet bugs)
    : store_(std::move(store)),
      bugs_(bugs),
      state_(std::move(restored)),
      reserved_(state_.reservation.has_value()) {}

ReservationState Reservations::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

bool Reservations::Conflicts(const Nexus& nexus, const ReservationRule& rule) const {
  const Nexus* holder = holder_.load(std::memory_order_acquire);
  const bool registers = rule.opcode == 0x5f;
  if (bugs_.Has(Bug::kScsiReserve6Ignored)) holder = nullptr;
  if (registers && bugs_.Has(Bug::kScsiRegistrationBesideReserve6)) holder = nullptr;
  if (holder != nullptr && (rule.unit == UnitReservationAccess::kConflictsForAll ||
                            (holder != &nexus && rule.unit == UnitReservationAccess::kConflicts))) {
    return true;
  }
  const bool asks = rule.persistent == ReservationAccess::kAlways;
  if (asks && !(bugs_.Has(Bug::kScsiReservationKeepsCapacityOff) && rule.opcode == 0x25)) {
    return false;
  }
  if (IsMissedByDefect(bugs_, rule.opcode)) return false;
  std::lock_guard lock(mutex_);
  if (!state_.reservation.has_value()) return false;
  const ReservationType type = state_.reservation->type;
  if (state_.Holds(nexus.id())) return false;
  const bool kept_out = bugs_.Has(Bug::kScsiRegistrantsKeptOut);
  if (IsForRegistrants(type) && state_.Find(nexus.id()) != nullptr && !kept_out) return false;
  if (rule.persistent == ReservationAccess::kReads && bugs_.Has(Bug::kScsiReservationLetsRead)) {
    return false;
  }
  return rule.persistent == ReservationAccess::kWrites || !IsWriteExclusive(type);
}

// A registered nexus that gave its own key. Else RESERVATION CONFLICT.
bool Reservations::Knows(const ReservationState& state, const NexusId& from, uint64_t key) const {
  const Registration* registration = state.Find(from);
  if (registration == nullptr) return bugs_.Has(Bug::kScsiStrangerReserves);
  return registration->key == key || bugs_.Has(Bug::kScsiReservationKeyUnchecked);
}

void Reservations::Count(ReservationState* state) const {
  if (!bugs_.Has(Bug::kScsiGenerationNotCounted)) ++state->generation;
}

ReservationOutcome Reservations::Apply(
    absl::FunctionRef<ReservationOutcome(ReservationState&)> change) {
  std::lock_guard changing(changing_);
  // RESERVE (6) came between the command's arrival and its data.
  if (holder_.load() != nullptr && !bugs_.Has(Bug::kScsiRegistrationBesideReserve6)) {
    return ReservationOutcome::Conflict();
  }
  ReservationState next = state();
  ReservationOutcome outcome = change(next);
  if (!outcome.ok()) return outcome;
  // `state_` only changes here.
  const bool saves = store_ != nullptr && !bugs_.Has(Bug::kScsiReservationNotSaved);
  if (saves && (unsaved_ || ((next.persist || state_.persist) && next != state_))) {
    unsaved_ = !store_->Save(next).ok();
    if (unsaved_) return ReservationOutcome::Fault(sense::kInternalTargetFailure);
  }
  std::lock_guard lock(mutex_);
  reserved_.store(next.reservation.has_value(), std::memory_order_release);
  state_ = std::move(next);
  return outcome;
}

ReservationOutcome Reservations::Register(const NexusId& from, const RegisterRequest& request) {
  return Apply([&](ReservationState& state) -> ReservationOutcome {
    Registration* own = state.Find(from);
    const uint64_t registered_key = own == nullptr ? 0 : own->key;
    const bool known = request.key == registered_key ||
                       (own != nullptr && bugs_.Has(Bug::kScsiReservationKeyUnchecked));
    if (!request.ignore_existing_key && !known) {
      return ReservationOutcome::Conflict();
    }
    if (own != nullptr && request.names_others) return FaultAt(20, 3);  // SPEC_I_PT
    if (own == nullptr && request.new_key == 0) return {};  // nothing to do (SPC-4 §5.12.7)
    ReservationOutcome outcome;
    if (own == nullptr) {
      outcome = RegisterNew(from, request, &state);
    } else if (request.new_key == 0) {
      const std::optional<Reservation> before = state.reservation;
      Unregister(from, &state, &outcome);
      if (bugs_.Has(Bug::kScsiUnregisterKeepsReservation)) state.reservation = before;
      if (bugs_.Has(Bug::kScsiUnregisterUntold)) outcome.attentions.clear();
      if (before.has_value() && IsAllRegistrants(before->type) &&
          bugs_.Has(Bug::kScsiAllRegistrantsEndEarly)) {
        state.reservation.reset();
      }
    } else {
      own->key = request.new_key;
      own->all_target_ports = request.all_target_ports;
    }
    if (!outcome.ok()) return outcome;
    state.persist = request.persist;
    Count(&state);
    return outcome;
  });
}

ReservationOutcome Reservations::Reserve(const NexusId& from, uint64_t key, ReservationType type) {
  return Apply([&](ReservationState& state) -> ReservationOutcome {
    if (!Knows(state, from, key)) return ReservationOutcome::Conflict();
    if (state.reservation.has_value()) {
      const bool taken = state.Holds(from) && bugs_.Has(Bug::kScsiReserveChangesType);
      if (taken) state.reservation = MakeReservation(type, from);
      const bool same = state.Holds(from) && state.reservation->type == type;
      return same ? ReservationOutcome{} : ReservationOutcome::Conflict();
    }
    state.reservation = MakeReservation(type, from);
    if (bugs_.Has(Bug::kScsiGenerationCountsReserve)) Count(&state);
    return {};
  });
}

ReservationOutcome Reservations::Release(const NexusId& from, uint64_t key, ReservationType type) {
  return Apply([&](ReservationState& state) -> ReservationOutcome {
    if (!Knows(state, from, key)) return ReservationOutcome::Conflict();
    const bool by_anybody = bugs_.Has(Bug::kScsiReleaseByAnybody) && state.reservation.has_value();
    if (!state.Holds(from) && !by_anybody) return {};
    if (state.reservation->type != type && !bugs_.Has(Bug::kScsiReleaseTypeUnchecked)) {
      return ReservationOutcome::Fault(sense::kInvalidReleaseOfPersistentReservation);
    }
    state.reservation.reset();
    ReservationOutcome outcome;
    if (IsForRegistrants(type) && !bugs_.Has(Bug::kScsiReleaseUntold)) {
      TellRegistered(state, from, sense::kReservationsReleased, &outcome);
    }
    return outcome;
  });
}

ReservationOutcome Reservations::Clear(const NexusId& from, uint64_t key) {
  return Apply([&](ReservationState& state) -> ReservationOutcome {
    if (!Knows(state, from, key)) return ReservationOutcome::Conflict();
    ReservationOutcome outcome;
    if (!bugs_.Has(Bug::kScsiClearUntold)) {
      TellRegistered(state, from, sense::kReservationsPreempted, &outcome);
    }
    if (!bugs_.Has(Bug::kScsiClearKeepsRegistrations)) state.registrations.clear();
    state.reservation.reset();
    Count(&state);
    return outcome;
  });
}

ReservationOutcome Reservations::Preempt(const NexusId& from, uint64_t key, uint64_t victims_key,
                                         ReservationType type) {
  return Apply([&](ReservationState& state) -> ReservationOutcome {
    if (!Knows(state, from, key)) return ReservationOutcome::Conflict();
    const bool all = state.reservation.has_value() && IsAllRegistrants(state.reservation->type);
    ReservationOutcome outcome;
    if (victims_key == 0 && !all) return FaultAt(8);  // the key of nobody (SPC-4 §5.12.11.4.1)
    const Registration* holder =
        state.reservation.has_value() && !all ? state.Find(state.reservation->holder) : nullptr;
    if (victims_key == 0) {
      TakeOver(from, std::nullopt, type, &state, &outcome);
    } else if (holder != nullptr && holder->key == victims_key) {
      TakeOver(from, victims_key, type, &state, &outcome);
    } else {
      if (!RemoveRegistrations(from, victims_key, /*keeps_own=*/false, &state, &outcome) &&
          !bugs_.Has(Bug::kScsiPreemptOfNobody)) {
        return ReservationOutcome::Conflict();
      }
      if (state.registrations.empty()) state.reservation.reset();  // of All Registrants
    }
    Count(&state);
    if (bugs_.Has(Bug::kScsiPreemptTellsItself)) {
      for (auto& [nexus, sense] : outcome.attentions) nexus = from;
    }
    return outcome;
  });
}

ReservationOutcome Reservations::Move(const NexusId& from, const MoveRequest& request) {
  return Apply([&](ReservationState& state) -> ReservationOutcome {
    const bool may = Knows(state, from, request.key) && state.reservation.has_value() &&
                     !IsAllRegistrants(state.reservation->type) && state.Holds(from);
    if (!may) return ReservationOutcome::Conflict();
    if (Registration* to = state.Find(request.to)) {
      to->key = request.new_key;
    } else if (state.registrations.size() >= kMaxRegistrations) {
      return ReservationOutcome::Fault(sense::kInsufficientRegistrationResources);
    } else {
      state.registrations.push_back({request.to, request.new_key, false});
    }
    if (!bugs_.Has(Bug::kScsiMoveKeepsReservation)) state.reservation->holder = request.to;
    ReservationOutcome outcome;
    if (request.unregister) Unregister(from, &state, &outcome);
    state.persist = request.persist;
    Count(&state);
    return outcome;
  });
}

// ---- RESERVE (6), RELEASE (6) ------------------------------------------------------------------

std::optional<bool> Reservations::WhileRegistered(const Nexus& nexus) const {
  std::lock_guard lock(mutex_);
  if (state_.registrations.empty()) return std::nullopt;
  if (bugs_.Has(Bug::kScsiReserve6BesideRegistrations)) return std::nullopt;
  const bool for_registrants =
      state_.reservation.has_value() && IsForRegistrants(state_.reservation->type);
  return state_.Holds(nexus.id()) || (for_registrants && state_.Find(nexus.id()) != nullptr);
}

bool Reservations::ReserveUnit(const Nexus& nexus) {
  std::lock_guard changing(changing_);
  if (const auto answer = WhileRegistered(nexus)) return *answer;
  const Nexus* holder = nullptr;
  return holder_.compare_exchange_strong(holder, &nexus) || holder == &nexus;
}

bool Reservations::ReleaseUnit(const Nexus& nexus) {
  std::lock_guard changing(changing_);
  if (const auto answer = WhileRegistered(nexus)) return *answer;
  const Nexus* const holder = holder_.load();
  if (bugs_.Has(Bug::kScsiRelease6Conflicts) && holder != nullptr && holder != &nexus) return false;
  DropUnitReservation(bugs_.Has(Bug::kScsiRelease6ByAnybody) ? nullptr : &nexus);
  return true;
}

void Reservations::OnReset() {
  if (!bugs_.Has(Bug::kScsiReserve6SurvivesReset)) DropUnitReservation(nullptr);
  if (!bugs_.Has(Bug::kScsiResetEndsPersistent)) return;
  Apply([&](ReservationState& state) {
    state.registrations.clear();
    state.reservation.reset();
    return ReservationOutcome{};
  });
}

void Reservations::OnNexusLost(const Nexus& nexus) {
  if (bugs_.Has(Bug::kScsiReserve6SurvivesSession)) return;
  DropUnitReservation(&nexus);
  if (!bugs_.Has(Bug::kReservationLostWithSession)) return;
  Apply([&](ReservationState& state) {
    ReservationOutcome outcome;
    Unregister(nexus.id(), &state, &outcome);
    return outcome;
  });
}

void Reservations::DropUnitReservation(const Nexus* nexus) {
  if (nexus == nullptr) return holder_.store(nullptr);
  const Nexus* holder = nexus;
  holder_.compare_exchange_strong(holder, nullptr);
}

}  // namespace pushpull::target
