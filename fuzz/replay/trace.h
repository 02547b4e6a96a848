// What is replayed: the bytes of one direction of one connection, with all that a receiver must
// know to make PDUs of them.

#ifndef FUZZ_REPLAY_TRACE_H_
#define FUZZ_REPLAY_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "initiator_sim/pdu/digest.h"

namespace pushpull::replay {

enum class Direction : uint8_t { kToTarget, kToInitiator };
std::string_view DirectionName(Direction direction);  // "to_target", "to_initiator"

// What was negotiated or declared for the connection. Lengths in bytes; the receiver is whom the
// bytes go to.
struct Parameters {
  // Of the full feature phase.
  bool header_digest = false;
  bool data_digest = false;
  uint32_t max_recv_data_segment_length = 8192;  // the receiver's own (RFC 7143 §13.12)
  uint32_t max_ahs_bytes = 1020;                 // that the receiver takes
  bool initial_r2t = true;
  bool immediate_data = true;
  uint32_t first_burst_length = 65536;
  uint32_t max_burst_length = 262144;
  // How many PDUs at the beginning belong to the login phase: they carry no digests (RFC 7143
  // §6.3), and a receiver takes them one at a time. 0: the trace opens in the full feature phase.
  size_t login_pdus = 0;

  initiator_sim::Digests digests() const { return {header_digest, data_digest}; }
  friend bool operator==(const Parameters&, const Parameters&) = default;
};

// Where the parts of one PDU end, as offsets in the trace, by its own length fields and the
// initiator's codec. A part that is missing ends where the one before does.
struct PduBorders {
  size_t begin = 0;
  size_t bhs_end = 0;
  std::vector<size_t> ahs_ends;  // of each AHS with its pad; the last is where all of them end
  size_t header_digest_end = 0;
  size_t data_end = 0;
  size_t pad_end = 0;
  size_t end = 0;

  size_t ahs_end() const { return ahs_ends.empty() ? bhs_end : ahs_ends.back(); }
  friend bool operator==(const PduBorders&, const PduBorders&) = default;
};

struct Trace {
  std::string name;  // the file's path, or what else tells people where it came from
  Direction direction = Direction::kToTarget;
  Parameters parameters;
  std::vector<uint8_t> bytes;

  // Computed from the above: whole PDUs in order, and where what is no whole PDU any more begins
  // (bytes.size(): there is none).
  std::vector<PduBorders> pdus;
  size_t tail_begin = 0;

  bool has_tail() const { return tail_begin != bytes.size(); }
  base::Bytes BytesOf(const PduBorders& pdu) const {
    return base::Bytes(bytes).subspan(pdu.begin, pdu.end - pdu.begin);
  }
  base::Bytes tail() const { return base::Bytes(bytes).subspan(tail_begin); }
  // Digests of the PDU with this index (which may be pdus.size(), for the tail).
  initiator_sim::Digests DigestsOf(size_t pdu) const {
    return pdu < parameters.login_pdus ? initiator_sim::Digests{} : parameters.digests();
  }
  // What is pushed as one message: each PDU, and the tail.
  size_t messages() const { return pdus.size() + (has_tail() ? 1 : 0); }

  // All borders in the trace, ascending, each above 0 and below bytes.size(); those within the tail
  // too, as far as its header says.
  std::vector<size_t> Borders() const;
};

// Computes `pdus` and `tail_begin`.
Trace MakeTrace(std::string name, Direction direction, const Parameters& parameters,
                std::vector<uint8_t> bytes);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_TRACE_H_
