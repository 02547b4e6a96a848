// Captures: the TCP connections of a pcap or pcapng file that speak iSCSI, reassembled.
//
// What a capture lacks is said, never made up: a stream has gaps, and a connection remarks.

#ifndef CONFORMANCE_CAPTURE_CAPTURE_H_
#define CONFORMANCE_CAPTURE_CAPTURE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "fabric/stream.h"

namespace pushpull::conformance {

// How the side that is the target is known. All of them are tried in this order; the first that
// says something holds.
struct CaptureOptions {
  // A TCP port at one end only: that end is the target. Besides 3260 and 860 (RFC 7143 §5,
  // IANA's "iscsi-target" and "iscsi").
  std::vector<uint16_t> target_ports = {};
  // Only connections with one of these ports are read. Else those too are, that speak iSCSI by
  // the look of their bytes: then the target is the side that a SYN was sent to, or that the
  // requests go to.
  bool only_these_ports = false;

  // Limits for files that are huge, or hostile. Beyond `max_bytes` of streams in all the file is
  // refused; the others make gaps, or leave connections out (with a remark).
  uint64_t max_bytes = uint64_t{1} << 30;
  size_t max_connections = 65536;
  // Of one direction, waiting for a segment that hasn't come.
  size_t max_waiting_bytes = size_t{16} << 20;
  size_t max_waiting_segments = 4096;
};

// The bytes from `begin` on (up to the next piece) came in one frame. Frames are counted from 1, as
// Wireshark does.
struct StreamPiece {
  size_t begin = 0;  // in CapturedStream::bytes
  uint64_t frame = 0;
  absl::Time time;
};

// Bytes that were sent but aren't in the capture.
struct StreamGap {
  size_t at = 0;           // in CapturedStream::bytes: they stood before this one
  uint64_t missing = 0;    // how many. 0: not known
  bool truncated = false;  // the frame is there, but was cut by the capture's snap length
};

struct CapturedStream {
  std::vector<uint8_t> bytes;  // in order, each once
  std::vector<StreamPiece> pieces;
  std::vector<StreamGap> gaps;  // ascending
  bool from_start = false;      // its SYN is there
  bool ended = false;           // a FIN came, after the last byte
  uint64_t end_frame = 0;       // of the FIN, 0: none
  absl::Time end_time;

  // The piece that holds the byte at `offset`, which is below bytes.size().
  const StreamPiece& PieceAt(size_t offset) const;
};

struct CapturedConnection {
  uint32_t number = 0;  // from 1, in the order of their first frames
  fabric::Address initiator;
  fabric::Address target;
  uint64_t first_frame = 0;
  absl::Time first_time;
  CapturedStream to_target;
  CapturedStream to_initiator;
  // A RST: its frame, 0: none; and whether the target sent it.
  uint64_t reset_frame = 0;
  absl::Time reset_time;
  bool reset_by_target = false;
  uint64_t truncated_frames = 0;  // that the snap length cut

  // What the reader must know: "frame 12: 1448 bytes to the target are missing before it".
  std::vector<std::string> remarks;

  // "127.0.0.1:40112 -> 127.0.0.1:3260"
  std::string Name() const;
};

struct Capture {
  std::vector<CapturedConnection> connections;
  uint64_t frames = 0;               // packets in the file
  uint64_t other_connections = 0;    // TCP, but not iSCSI
  std::vector<std::string> remarks;  // of the file as a whole
  // The file ends in the middle of a packet, or is damaged: what comes later wasn't read.
  bool cut_short = false;
};

// A whole file in memory, of any bytes whatever. INVALID_ARGUMENT: it is no capture, or one of a
// link type that can't be read. RESOURCE_EXHAUSTED: above max_bytes. A file that ends within a
// packet is read up to there, with a remark.
absl::StatusOr<Capture> ReadCapture(base::Bytes file, const CaptureOptions& options = {});

// The same from a file, packet by packet. Messages begin with `path`. NOT_FOUND,
// PERMISSION_DENIED: it can't be opened.
absl::StatusOr<Capture> ReadCaptureFile(const std::string& path,
                                        const CaptureOptions& options = {});

// Whether a file begins as pcap or pcapng does.
bool LooksLikeCapture(base::Bytes beginning);

// By its suffix (.pcap, .pcapng, .cap), else by its first bytes.
bool IsCaptureFile(const std::string& path);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_CAPTURE_H_
