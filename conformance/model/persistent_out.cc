// PERSISTENT RESERVE OUT. (SPC-4 §5.12, §6.16)

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

enum Action : uint8_t {
  kRegister = 0,
  kReserve = 1,
  kRelease = 2,
  kClear = 3,
  kPreempt = 4,
  kPreemptAndAbort = 5,
  kRegisterAndIgnore = 6,
  kMove = 7,
};

// The session of a port, if it has one, is told.
void TellPort(Turn& turn, const Port& port, const Sense& sense) {
  for (size_t nexus = 0; nexus < turn.ports->size(); ++nexus) {
    if ((*turn.ports)[nexus] == port) turn.unit->Tell(nexus, sense);
  }
}

void TellOtherRegistrants(Turn& turn, const Sense& sense) {
  for (const Registration& each : turn.unit->persistent.registrations) {
    if (each.port != turn.port()) TellPort(turn, each.port, sense);
  }
}

// What a registration held that is gone now (SPC-4 §5.12.11.3).
void ReleaseOf(Turn& turn, const Port& gone) {
  Persistent& persistent = turn.unit->persistent;
  const bool held =
      persistent.IsForAll() ? persistent.registrations.empty() : persistent.holder == gone;
  if (persistent.type == 0 || !held) return;
  const bool told = persistent.IsForRegistrants();
  persistent.type = 0;
  if (told) TellOtherRegistrants(turn, kReservationsReleased);
}

void Unregister(Turn& turn, const Port& port) {
  std::erase_if(turn.unit->persistent.registrations,
                [&](const Registration& each) { return each.port == port; });
  ReleaseOf(turn, port);
}

// The other ports that SPEC_I_PT names (SPC-4 §6.16.3). False: a fault of the list.
bool ReadOthers(const std::vector<uint8_t>& list, std::vector<Port>* others) {
  if (list.size() < 28 || Number(list, 24, 4) != list.size() - 28) return false;
  for (size_t at = 28; at < list.size();) {
    Port port;
    size_t bytes = 0;
    if (!ParseTransportId(list, at, &port, &bytes)) return false;
    others->push_back(port);
    at += bytes;
  }
  return true;
}

void Register(Turn& turn, bool ignore, uint64_t key, uint64_t new_key) {
  Persistent& persistent = turn.unit->persistent;
  const bool names_others = (turn.data[20] & 0x08) != 0;
  const bool all_ports = (turn.data[20] & 0x04) != 0;
  const auto bad_list = [&] {
    turn.Fault(kBadList);
    turn.Fault(kListLength);
  };
  if ((turn.data[20] & 0x01) != 0) bad_list();  // APTPL: nothing outlives this target
  std::vector<Port> others;
  if (names_others && (ignore || !ReadOthers(turn.data, &others))) bad_list();
  Registration* own = persistent.Find(turn.port());
  if (!ignore && key != (own == nullptr ? 0 : own->key)) turn.Conflict();
  if (own != nullptr && names_others) bad_list();
  if (turn.failed()) return;
  if (own == nullptr && new_key == 0) return turn.Good();
  if (own == nullptr) {
    std::vector<Registration> all = persistent.registrations;
    all.push_back({turn.port(), new_key, all_ports});
    for (const Port& port : others) {
      for (const Registration& each : all) {
        if (each.port == port) return turn.Conflict();
      }
      all.push_back({port, new_key, all_ports});
    }
    persistent.registrations = std::move(all);
  } else if (new_key == 0) {
    Unregister(turn, turn.port());
  } else {
    own->key = new_key;
    own->all_target_ports = all_ports;
  }
  ++persistent.generation;
  turn.Good();
}

// SPC-4 §6.16.4, §5.12.8.
void Move(Turn& turn, uint64_t key, uint64_t new_key) {
  Persistent& persistent = turn.unit->persistent;
  const std::vector<uint8_t>& list = turn.data;
  Port to;
  size_t bytes = 0;
  const bool right = (list[17] & 0x01) == 0 && new_key != 0 && Number(list, 18, 2) == 1 &&
                     Number(list, 20, 4) == list.size() - 24 &&
                     ParseTransportId(list, 24, &to, &bytes) && 24 + bytes == list.size() &&
                     to != turn.port();
  if (!right) {
    turn.Fault(kBadList);
    turn.Fault(kListLength);
  }
  Registration* own = persistent.Find(turn.port());
  const bool may = own != nullptr && own->key == key && persistent.type != 0 &&
                   !persistent.IsForAll() && persistent.Holds(turn.port());
  if (!may) turn.Conflict();
  if (turn.failed()) return;
  if (Registration* there = persistent.Find(to)) {
    there->key = new_key;
  } else {
    persistent.registrations.push_back({to, new_key, false});
  }
  persistent.holder = to;
  if ((list[17] & 0x02) != 0) Unregister(turn, turn.port());
  ++persistent.generation;
  turn.Good();
}

void TakeReservation(Turn& turn, uint8_t type) {
  turn.unit->persistent.type = type;
  turn.unit->persistent.holder = turn.port();
}

void DoReserve(Turn& turn, uint8_t type) {
  Persistent& persistent = turn.unit->persistent;
  if (persistent.type != 0 && (!persistent.Holds(turn.port()) || persistent.type != type)) {
    return turn.Conflict();
  }
  if (persistent.type == 0) TakeReservation(turn, type);
  turn.Good();
}

void DoRelease(Turn& turn, uint8_t type) {
  Persistent& persistent = turn.unit->persistent;
  if (!persistent.Holds(turn.port())) return turn.Good();
  if (persistent.type != type) return turn.Fault(kBadRelease);
  persistent.type = 0;
  if (type >= 5) TellOtherRegistrants(turn, kReservationsReleased);
  turn.Good();
}

// SPC-4 §5.12.11.4. Whoever loses a registration is told; `keeps_own`: but for this nexus's own,
// which stays.
bool RemoveWithKey(Turn& turn, uint64_t key, bool keeps_own) {
  std::vector<Registration>& all = turn.unit->persistent.registrations;
  std::vector<Registration> left;
  bool any = false;
  for (const Registration& each : all) {
    const bool named = key == 0 || each.key == key;
    const bool own = each.port == turn.port();
    any |= named;
    if (!named || (own && keeps_own)) {
      left.push_back(each);
    } else if (!own) {
      TellPort(turn, each.port, kRegistrationsPreempted);
    }
  }
  all = std::move(left);
  return any;
}

void DoPreempt(Turn& turn, uint64_t victim, uint8_t type) {
  Persistent& persistent = turn.unit->persistent;
  if (victim == 0 && !persistent.IsForAll()) {
    turn.Fault(kBadList);
    return turn.Conflict();
  }
  const Registration* holder =
      persistent.type == 0 || persistent.IsForAll() ? nullptr : persistent.Find(persistent.holder);
  if (victim == 0 || (holder != nullptr && holder->key == victim)) {
    const uint8_t before = persistent.type;
    RemoveWithKey(turn, victim, true);
    TakeReservation(turn, type);
    if (type != before) TellOtherRegistrants(turn, kReservationsReleased);
  } else {
    if (!RemoveWithKey(turn, victim, false)) return turn.Conflict();
    if (persistent.registrations.empty()) persistent.type = 0;
  }
  ++persistent.generation;
  turn.Good();
}

void DoClear(Turn& turn) {
  Persistent& persistent = turn.unit->persistent;
  TellOtherRegistrants(turn, kReservationsPreempted);
  persistent.registrations.clear();
  persistent.type = 0;
  ++persistent.generation;
  turn.Good();
}

bool IsType(uint8_t type) { return type == 1 || type == 3 || (type >= 5 && type <= 8); }

}  // namespace

void PersistentReserveOut(Turn& turn) {
  const uint8_t action = turn.cdb[1] & 0x1f;
  const bool has_type =
      action == kReserve || action == kRelease || action == kPreempt || action == kPreemptAndAbort;
  const auto type = static_cast<uint8_t>(turn.cdb[2] & 0x0f);
  const uint64_t length = turn.Field(5, 4);
  if (has_type && (turn.cdb[2] >> 4 != 0 || !IsType(type))) turn.Fault(kBadCdb);
  if (length < 24) turn.Fault(kListLength);
  if (length > 8192) turn.Fault(kBadCdb);
  if (turn.failed()) return;
  turn.Take(length);
  if (turn.data.size() < length) return turn.Fault(kListLength);
  const bool longer = action == kMove || ((action == kRegister || action == kRegisterAndIgnore) &&
                                          (turn.data[20] & 0x08) != 0);
  if (!longer && length != 24) {
    turn.Fault(kListLength);
    return turn.Conflict();
  }
  const uint64_t key = Number(turn.data, 0, 8);
  const uint64_t second = Number(turn.data, 8, 8);
  if (action == kRegister || action == kRegisterAndIgnore) {
    return Register(turn, action == kRegisterAndIgnore, key, second);
  }
  if (action == kMove) return Move(turn, key, second);
  const Registration* own = turn.unit->persistent.Find(turn.port());
  if (own == nullptr || own->key != key) return turn.Conflict();
  switch (action) {
    case kReserve:
      return DoReserve(turn, type);
    case kRelease:
      return DoRelease(turn, type);
    case kClear:
      return DoClear(turn);
    default:
      return DoPreempt(turn, second, type);
  }
}

}  // namespace pushpull::conformance::model
