// One command on its way through the model: the families read its fields, name its faults, and say
// what it answers.

#ifndef CONFORMANCE_MODEL_TURN_H_
#define CONFORMANCE_MODEL_TURN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "conformance/model/expected.h"
#include "conformance/model/sense.h"
#include "conformance/model/traits.h"
#include "conformance/model/unit.h"

namespace pushpull::conformance::model {

// A big-endian number.
inline uint64_t Number(const std::vector<uint8_t>& bytes, size_t at, size_t count) {
  uint64_t number = 0;
  for (size_t i = 0; i < count; ++i) number = number << 8 | bytes[at + i];
  return number;
}

inline void Append(std::vector<uint8_t>* bytes, uint64_t number, size_t count) {
  while (count-- > 0) bytes->push_back(static_cast<uint8_t>(number >> (8 * count)));
}

inline void Put(std::vector<uint8_t>* bytes, size_t at, uint64_t number, size_t count) {
  while (count-- > 0) (*bytes)[at++] = static_cast<uint8_t>(number >> (8 * count));
}

struct Turn {
  Unit* unit;                // null at a LUN that has none, and at a well-known one
  std::vector<Unit>* units;  // all of the target
  bool well_known = false;
  const std::vector<Port>* ports;  // of the nexuses
  size_t nexus = 0;
  size_t cdb_bytes = 0;       // that came
  std::vector<uint8_t> cdb;   // with zeros up to the longest
  std::vector<uint8_t> data;  // what came
  Expected expected;

  const Port& port() const { return (*ports)[nexus]; }
  uint64_t Field(size_t at, size_t count) const { return Number(cdb, at, count); }
  bool Bit(size_t at, int bit) const { return (cdb[at] >> bit & 1) != 0; }
  // Variable length: the fields begin eight bytes later (SPC-4 §4.2.3).
  bool IsVariable() const { return cdb[0] == 0x7f; }
  // The byte with DPO, FUA, BYTCHK, UNMAP ...
  uint8_t flags() const { return cdb[IsVariable() ? 10 : 1]; }

  void Fault(const Sense& sense) { May({Status::kCheckCondition, sense}); }
  void Conflict() { May({Status::kReservationConflict, {}}); }
  // Adds an outcome, which changes nothing.
  void May(const Outcome& outcome) {
    if (!expected.Allows(outcome)) expected.outcomes.push_back(outcome);
  }
  bool failed() const { return !expected.outcomes.empty(); }

  // GOOD, with data.
  void Answer(std::vector<uint8_t> bytes, uint64_t allocation_length,
              std::vector<uint8_t> varies = {}) {
    May({Status::kGood, {}});
    const auto length = std::min<uint64_t>(bytes.size(), allocation_length);
    bytes.resize(length);
    if (!varies.empty()) varies.resize(length);
    expected.data_in = std::move(bytes);
    expected.varies = std::move(varies);
    expected.allocation_length = allocation_length;
  }
  void Good() { May({Status::kGood, {}}); }

  // The command takes so many bytes; `data` is cut to them.
  void Take(uint64_t bytes) {
    expected.data_out_bytes = bytes;
    if (data.size() > bytes) data.resize(bytes);
  }
};

}  // namespace pushpull::conformance::model

#endif  // CONFORMANCE_MODEL_TURN_H_
