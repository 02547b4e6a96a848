#include "target/scsi/reservation_state.h"

#include <algorithm>
#include <utility>

namespace pushpull::target {

std::optional<ReservationType> ReservationTypeFrom(uint8_t code) {
  const auto type = static_cast<ReservationType>(code);
  switch (type) {
    case ReservationType::kWriteExclusive:
    case ReservationType::kExclusiveAccess:
    case ReservationType::kWriteExclusiveRegistrantsOnly:
    case ReservationType::kExclusiveAccessRegistrantsOnly:
    case ReservationType::kWriteExclusiveAllRegistrants:
    case ReservationType::kExclusiveAccessAllRegistrants:
      return type;
  }
  return std::nullopt;
}

bool IsAllRegistrants(ReservationType type) {
  return type == ReservationType::kWriteExclusiveAllRegistrants ||
         type == ReservationType::kExclusiveAccessAllRegistrants;
}

bool IsForRegistrants(ReservationType type) {
  return IsAllRegistrants(type) || type == ReservationType::kWriteExclusiveRegistrantsOnly ||
         type == ReservationType::kExclusiveAccessRegistrantsOnly;
}

bool IsWriteExclusive(ReservationType type) {
  return type == ReservationType::kWriteExclusive ||
         type == ReservationType::kWriteExclusiveRegistrantsOnly ||
         type == ReservationType::kWriteExclusiveAllRegistrants;
}

const Registration* ReservationState::Find(const NexusId& nexus) const {
  const auto found = std::ranges::find(registrations, nexus, &Registration::nexus);
  return found == registrations.end() ? nullptr : &*found;
}

Registration* ReservationState::Find(const NexusId& nexus) {
  return const_cast<Registration*>(std::as_const(*this).Find(nexus));
}

bool ReservationState::Holds(const NexusId& nexus) const {
  if (!reservation.has_value()) return false;
  if (IsAllRegistrants(reservation->type)) return Find(nexus) != nullptr;
  return reservation->holder == nexus;
}

}  // namespace pushpull::target
