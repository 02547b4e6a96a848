// The tap: the one place at the initiator's end that sees all bytes, both ways. Wire log, pcapng,
// monitor and coverage of states hang here.

#ifndef INITIATOR_SIM_PLAYER_TAP_H_
#define INITIATOR_SIM_PLAYER_TAP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/bytes.h"
#include "fabric/stream.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/framer.h"

namespace pushpull::initiator_sim {

enum class Direction : uint8_t { kToTarget, kToInitiator };

struct TapConnection {
  uint32_t id = 0;   // from 1, in the order of opening, over one play
  std::string name;  // the scenario's: "c1"; "probe" and the like for the player's own
  std::string session;
  fabric::Address local;
  fabric::Address peer;
  bool rdma = false;  // PDUs go as Sends, one each
};

// An RDMA operation of the peer on this side's memory, where the network tells of it.
struct TapRdma {
  const TapConnection* connection;
  absl::Time time;
  bool write = false;  // else a read
  std::string buffer;  // its name; empty: none of this connection's
  int64_t offset = 0;  // from its beginning, negative before it
  uint64_t length = 0;
  std::string failure;  // empty: it was done
};

struct TapPdu {
  const TapConnection* connection;
  Direction direction;
  absl::Time time;
  base::Bytes bytes;          // all of the PDU
  const DecodedPdu* decoded;  // as the initiator's own codec reads it
  // That was handed over with these digests on.
  Digests digests;
  // PDU that this side sent wrong on purpose (or with bytes that weren't all sent).
  bool misbehaving = false;
  // iSER: the header before it; empty: there is none.
  base::Bytes iser_header = {};
  // The Send ended this key of the receiver's.
  std::optional<uint32_t> invalidated_key = std::nullopt;
};

// How the reason of an end in order begins that came between the bytes of a PDU.
inline constexpr char kEndedWithinPdu[] = "within a PDU";

// Calls come on the player's loop, in the order of events; nothing handed over lives beyond them.
class Tap {
 public:
  virtual ~Tap() = default;

  virtual void OnOpened(const TapConnection& connection, absl::Time time) {
    (void)connection, (void)time;
  }
  // `reason` is empty where the stream ended in order, behind a whole PDU. `by_peer`: it was the
  // peer that ended it.
  virtual void OnClosed(const TapConnection& connection, absl::Time time, bool by_peer,
                        const std::string& reason) {
    (void)connection, (void)time, (void)by_peer, (void)reason;
  }
  // As the writes and reads cut them.
  virtual void OnBytes(const TapConnection& connection, absl::Time time, Direction direction,
                       base::Bytes bytes) {
    (void)connection, (void)time, (void)direction, (void)bytes;
  }
  // A whole PDU: when its last byte was written, or read.
  virtual void OnPdu(const TapPdu& pdu) { (void)pdu; }
  virtual void OnRdma(const TapRdma& operation) { (void)operation; }
  // iSER: what a command's RDMA Writes brought, when its response came (and the PDU was told).
  virtual void OnReadData(const TapConnection& connection, absl::Time time, base::Bytes data) {
    (void)connection, (void)time, (void)data;
  }
  // An iSER message that carries no PDU: Hello, HelloReply, or what is neither.
  virtual void OnIserMessage(const TapConnection& connection, absl::Time time, Direction direction,
                             base::Bytes message) {
    (void)connection, (void)time, (void)direction, (void)message;
  }
  // A step of the scenario begins; `step` is its number from 0.
  virtual void OnStep(size_t step, absl::Time time) { (void)step, (void)time; }
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_TAP_H_
