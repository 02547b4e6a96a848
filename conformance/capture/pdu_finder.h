// Where PDUs begin in bytes whose beginning wasn't seen: a guess by the look of several PDUs in a
// row.

#ifndef CONFORMANCE_CAPTURE_PDU_FINDER_H_
#define CONFORMANCE_CAPTURE_PDU_FINDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/player/tap.h"

namespace pushpull::conformance {

// Whether these 48 bytes look like the header of a PDU in this direction: its opcode has this
// direction, reserved bits are 0, bits that are always set are, and a kind that has no data claims
// none.
bool LooksLikeHeader(base::Bytes bhs, initiator_sim::Direction direction);

// Whether a stream begins as one of an initiator does: with a Login Request.
bool BeginsWithLogin(base::Bytes stream);

struct FoundPdus {
  size_t begin = 0;  // of the first
  size_t pdus = 0;   // that follow one another from there, 64 at the most
};

// The first place from which PDUs follow one another: four of them, or as many (at least one) as
// there are up to the end of `bytes`. Digests, where they are on, must be right; one PDU with a
// right header digest is enough. No more than the first MiB is looked at.
std::optional<FoundPdus> FindPdus(base::Bytes bytes, initiator_sim::Direction direction,
                                  initiator_sim::Digests digests);

struct Guess {
  initiator_sim::Digests digests;
  // nullopt: no PDU was found in this direction.
  std::optional<FoundPdus> to_target;
  std::optional<FoundPdus> to_initiator;

  size_t pdus() const {
    return (to_target ? to_target->pdus : 0) + (to_initiator ? to_initiator->pdus : 0);
  }
};

// Tries all four combinations of digests on both directions, and takes the one under which most
// PDUs are right; of equal ones, the one with fewer digests.
Guess GuessPdus(base::Bytes to_target, base::Bytes to_initiator);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_PDU_FINDER_H_
