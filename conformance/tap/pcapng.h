// A wire log as a pcapng file that Wireshark reads.

#ifndef CONFORMANCE_TAP_PCAPNG_H_
#define CONFORMANCE_TAP_PCAPNG_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "conformance/tap/wire_log.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

struct PcapngOptions {
  // Comments on the packet in which the frame that they name ends.
  std::vector<v1::Violation> violations;
  std::string comment;  // of the whole file
};

// The log as Ethernet, IP and TCP with handshakes, right sequence numbers and checksums, a segment
// for each read or write (cut at 16 KiB). Addresses and the initiator's ports are the connection's
// own where they are IP addresses (else made-up ones of 192.0.2.0/24); the target's port is always
// 3260, by which dissectors know iSCSI (the real one stands in the comment of the first packet).
// Comments give the frame numbers of the wire log.
std::string ToPcapng(const WireLog& log, const PcapngOptions& options = {});

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_TAP_PCAPNG_H_
