// RESERVE (6) and RELEASE (6). (SPC-2 §7.21, §7.22; SPC-4 §5.12.3, CRH)

#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

// Where there are registrations: GOOD without effect to who has, or shares, the reservation.
bool AnsweredByRegistrations(Turn& turn) {
  Persistent& persistent = turn.unit->persistent;
  if (persistent.registrations.empty()) return false;
  const bool shares = persistent.type != 0 && persistent.IsForRegistrants() &&
                      persistent.Find(turn.port()) != nullptr;
  if (persistent.Holds(turn.port()) || shares) {
    turn.Good();
  } else {
    turn.Conflict();
  }
  return true;
}

}  // namespace

void Reserve(Turn& turn) {
  if (turn.failed() || AnsweredByRegistrations(turn)) return;
  if (turn.unit->reserved_by.value_or(turn.nexus) != turn.nexus) return turn.Conflict();
  turn.unit->reserved_by = turn.nexus;
  turn.Good();
}

void Release(Turn& turn) {
  if (turn.failed() || AnsweredByRegistrations(turn)) return;
  if (turn.unit->reserved_by == turn.nexus) turn.unit->reserved_by.reset();
  turn.Good();
}

}  // namespace pushpull::conformance::model
