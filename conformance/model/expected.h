// A command, and what may come of it.

#ifndef CONFORMANCE_MODEL_EXPECTED_H_
#define CONFORMANCE_MODEL_EXPECTED_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "conformance/model/sense.h"

namespace pushpull::conformance::model {

struct Command {
  size_t nexus = 0;
  uint64_t lun = 0;  // the eight bytes of the LUN field as one big-endian number
  std::vector<uint8_t> cdb;
  std::vector<uint8_t> data_out;  // all that the initiator has for it
  uint8_t attribute = 1;          // ATTR (RFC 7143 §11.3.1): SIMPLE
};

// SAM-5 §5.3.1: those that a command of the model can end with.
enum class Status : uint8_t {
  kGood = 0x00,
  kCheckCondition = 0x02,
  kReservationConflict = 0x18,
};

struct Outcome {
  Status status = Status::kGood;
  Sense sense = {};  // of CHECK CONDITION

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Where a command has several faults, no standard says which is told: `outcomes` has each. All of
// them leave the units as they were, so that what follows doesn't depend on which it is.
struct Expected {
  std::vector<Outcome> outcomes;

  // With GOOD: what comes, as far as the allocation length lets it.
  std::vector<uint8_t> data_in;
  // Bits of `data_in` that nothing tells; as long as it, or empty: none.
  std::vector<uint8_t> varies;
  // More may follow `data_in`, up to the allocation length.
  bool more_may_follow = false;
  uint64_t allocation_length = 0;

  // With GOOD: what the command takes of its data.
  uint64_t data_out_bytes = 0;

  bool IsGood() const { return outcomes.front().status == Status::kGood; }
  bool Allows(const Outcome& outcome) const {
    for (const Outcome& each : outcomes) {
      if (each == outcome) return true;
    }
    return false;
  }
};

}  // namespace pushpull::conformance::model

#endif  // CONFORMANCE_MODEL_EXPECTED_H_
