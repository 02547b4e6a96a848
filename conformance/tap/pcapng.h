// A wire log as a pcapng file that Wireshark reads.

#ifndef CONFORMANCE_TAP_PCAPNG_H_
#define CONFORMANCE_TAP_PCAPNG_H_

#include <string>
#include <vector>

#include "conformance/tap/wire_log.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

struct PcapngOptions {
  // Comments on the packet in which the frame that they name ends.
  std::vector<v1::Violation> violations = {};
  std::string comment = {};  // of the whole file
  // Set, where it isn't null: in which packet of the file, from 1, each frame of the log ends.
  PacketNumbers* packets = nullptr;
};

// The log as Ethernet, IP and TCP with handshakes, right sequence numbers and checksums, a segment
// for each read or write (cut at 16 KiB; but the first header of a direction is never cut). The
// initiator's ports and the addresses are the connection's own, but host names and IPv4 loopback
// become addresses of 192.0.2.0/24; the target's port is always 3260, by which dissectors know
// iSCSI. (The real ones stand in the comment of the first packet.) Comments give the numbers
// that PDUs have in the wire log.
std::string ToPcapng(const WireLog& log, const PcapngOptions& options = {});

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_TAP_PCAPNG_H_
