// What went over the wire during one play: every PDU of both directions, when, on which connection,
// and how the reads and writes cut it.

#ifndef CONFORMANCE_TAP_WIRE_LOG_H_
#define CONFORMANCE_TAP_WIRE_LOG_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "fabric/stream.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/player/tap.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

using initiator_sim::Direction;

// One thing that happened, in the order in which it did.
struct WireEntry {
  enum class Kind : uint8_t {
    kOpened,  // the connection
    kBytes,   // one read or write
    kPdu,     // a PDU is whole (its bytes stand in the kBytes before it)
    kClosed,
    kStep,  // a step of the scenario begins
    kRdma,  // an RDMA operation, or an iSER message without PDU; `text` says all
  };
  Kind kind = Kind::kPdu;
  absl::Time time;
  uint32_t connection = 0;  // its id; 0 for kStep
  Direction direction = Direction::kToTarget;

  // kBytes, kPdu.
  std::vector<uint8_t> bytes;
  // The place in the direction's stream that `bytes` begin at.
  uint64_t stream_offset = 0;
  // How many bytes there were, where the log is full and `bytes` is only their beginning.
  size_t size = 0;

  // kPdu. Frames are counted from 1 over all connections, as the monitor counts them.
  uint32_t frame = 0;
  initiator_sim::DecodedPdu decoded;
  initiator_sim::Digests digests;
  bool misbehaving = false;
  // iSER: what its header says, if it says anything.
  std::vector<std::string> iser;
  // kRdma.
  std::string text;

  // kClosed: by_peer and the reason ("" in order). kStep: the step's number, from 0.
  bool by_peer = false;
  std::string reason;
  size_t step = 0;
};

struct WireConnection {
  uint32_t id = 0;
  std::string name;
  std::string session;
  fabric::Address local;
  fabric::Address peer;
  bool rdma = false;
};

class WireLog final : public initiator_sim::Tap {
 public:
  // Beyond `max_bytes` in all, only the headers of further PDUs are kept.
  explicit WireLog(size_t max_bytes = size_t{256} << 20) : max_bytes_(max_bytes) {}

  void OnOpened(const initiator_sim::TapConnection& connection, absl::Time time) override;
  void OnClosed(const initiator_sim::TapConnection& connection, absl::Time time, bool by_peer,
                const std::string& reason) override;
  void OnBytes(const initiator_sim::TapConnection& connection, absl::Time time, Direction direction,
               base::Bytes bytes) override;
  void OnPdu(const initiator_sim::TapPdu& pdu) override;
  void OnRdma(const initiator_sim::TapRdma& operation) override;
  void OnIserMessage(const initiator_sim::TapConnection& connection, absl::Time time,
                     Direction direction, base::Bytes message) override;
  void OnStep(size_t step, absl::Time time) override;

  const std::vector<WireEntry>& entries() const { return entries_; }
  // By id.
  const std::map<uint32_t, WireConnection>& connections() const { return connections_; }
  uint32_t frames() const { return frames_; }
  // nullptr: there is no such frame.
  const WireEntry* Frame(uint32_t frame) const;
  // The offsets within a kPdu entry at which one read or write ended and the next began.
  std::vector<size_t> CutsOf(const WireEntry& pdu) const;
  // A connection's name, or its number where it has none.
  std::string NameOf(uint32_t connection) const;
  // "opened 127.0.0.1:40112 -> 127.0.0.1:3260"
  std::string OpenedText(const WireEntry& opened) const;
  bool truncated() const { return kept_bytes_ > max_bytes_; }

 private:
  struct Stream {
    uint64_t bytes = 0;          // that OnBytes brought
    uint64_t pdu_bytes = 0;      // that OnPdu brought
    std::vector<uint64_t> cuts;  // stream offsets
  };

  WireEntry& Add(WireEntry::Kind kind, absl::Time time, uint32_t connection);
  void Keep(base::Bytes bytes, WireEntry* entry);
  Stream& StreamOf(uint32_t connection, Direction direction);

  const size_t max_bytes_;
  size_t kept_bytes_ = 0;
  uint32_t frames_ = 0;
  std::vector<WireEntry> entries_;
  std::vector<size_t> frame_entries_;
  std::map<uint32_t, WireConnection> connections_;
  std::map<std::pair<uint32_t, Direction>, Stream> streams_;
};

// "closed by the peer: connection reset"
std::string ClosedText(const WireEntry& closed);

// By frame: the number of the packet in which it ends, where the log is written as a capture.
using PacketNumbers = std::map<uint32_t, uint32_t>;

// "packet 4"; empty: its packet isn't known.
std::string PacketText(const PacketNumbers* packets, uint32_t frame);

// What is remarkable about a PDU: "header digest wrong", "wrong on purpose"; of iSER what the
// header before it advertises.
std::vector<std::string> NotesOf(const WireEntry& pdu);

struct WireTextOptions {
  bool hex = false;   // the bytes of each PDU below it
  bool full = false;  // every field below it
  // Written below the frame that they name.
  std::vector<v1::Violation> violations = {};
  // Said behind a frame as "[packet 4]"; may be null.
  const PacketNumbers* packets = nullptr;
};

// One line for each PDU and event, times from the first on:
//   0.000000    c1  opened 127.0.0.1:40112 -> 127.0.0.1:3260
//   0.000131 #1 c1 → Login Request I ITT 0x0 ...
//   0.000410 #2 c1 ← Login Response ... [cut at 20, 48]
// Of iSER also what the header before a PDU advertises, and each RDMA operation that was told:
//   0.000500 #7 c1 → SCSI Command ... [read STag 0x11223344 at 0x7f0012345000]
//   0.000520    c1 ← RDMA Write of 4096 bytes at 0 of r (read data)
std::string ToText(const WireLog& log, const WireTextOptions& options = {});

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_TAP_WIRE_LOG_H_
