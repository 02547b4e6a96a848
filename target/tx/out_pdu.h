// A PDU on its way to the initiator.

#ifndef TARGET_TX_OUT_PDU_H_
#define TARGET_TX_OUT_PDU_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "base/bytes.h"
#include "target/pdu/bhs.h"

namespace pushpull::target {

class DataInProducer;

// What the StatSN field gets when the PDU is queued (RFC 7143 §4.2.2.2).
enum class StatSnUse : uint8_t {
  kNext,     // a status: the connection's next StatSN, which advances
  kCurrent,  // the next StatSN without advancing it: R2T, NOP-In that answers nothing (§11.8.3,
             // §11.19.2)
  kAsIs,     // what the header holds: Data-In without status (reserved), statuses sent again
};

// Memory of the initiator, as it was advertised (RFC 7145 §9.2).
struct RemoteMemory {
  bool valid = false;
  uint32_t key = 0;
  uint64_t address = 0;
};

struct OutPdu {
  // As encoded, but for what the sender fills in: DataSegmentLength from `data`, StatSN as
  // `stat_sn` says, ExpCmdSN and MaxCmdSN as they are when the PDU goes out.
  Bhs bhs = {};
  StatSnUse stat_sn = StatSnUse::kNext;

  // The data segment without pad, in pieces that are not copied: they must keep their contents
  // until `done`. Together at most 2^24-1 bytes, and within the initiator's limit.
  absl::InlinedVector<base::Bytes, 2> data;

  // Called when the transport needs the memory no more. Never called where the connection ended
  // before: what it holds (a SlotRef, a buffer) is released in either case. May queue PDUs, but not
  // destroy the queue or its sender.
  absl::AnyInvocable<void()> done;

  // Of a Data-In: whose data it is, and where in that its own begins.
  DataInProducer* producer = nullptr;
  uint32_t data_offset = 0;
  // A key of the initiator that need not live longer than this (RFC 7145 §7.3.2).
  std::optional<uint32_t> invalidate_key;

  // ---- for the queue ----
  bool header_digest = false;
  bool data_digest = false;

  size_t data_bytes() const {
    size_t bytes = 0;
    for (const base::Bytes piece : data) bytes += piece.size();
    return bytes;
  }
};

}  // namespace pushpull::target

#endif  // TARGET_TX_OUT_PDU_H_
