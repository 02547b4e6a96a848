// One captured packet down to its TCP segment: link layer, VLAN tags, IPv4 and IPv6 with their
// fragments. Internal to conformance/capture.

#ifndef CONFORMANCE_CAPTURE_PACKET_H_
#define CONFORMANCE_CAPTURE_PACKET_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace pushpull::conformance {

struct IpAddress {
  std::array<uint8_t, 16> bytes = {};  // the first four are an IPv4 address
  bool v6 = false;

  std::string ToString() const;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

struct Endpoint {
  IpAddress ip;
  uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

struct TcpSegment {
  Endpoint from;
  Endpoint to;
  uint32_t seq = 0;
  bool syn = false;
  bool ack = false;
  bool fin = false;
  bool rst = false;
  base::Bytes payload;      // what was captured of it
  size_t payload_size = 0;  // what was sent
};

// An IP payload, whole or a part of it.
struct IpPayload {
  IpAddress from;
  IpAddress to;
  uint8_t protocol = 0;
  base::Bytes bytes;  // what was captured
  size_t size = 0;    // what was sent
  bool fragment = false;
  uint32_t id = 0;  // of the datagram; fragments only
  size_t offset = 0;
  bool more = false;
};

enum class Reading : uint8_t {
  kOk,
  kOther,      // another protocol
  kMalformed,  // lengths that contradict one another
  kTruncated,  // the snap length cut the headers
};

// A type that is listed in docs/CAPTURES.md. (DLT_ values of pcap/dlt.h)
bool IsKnownLinkType(int link_type);

// `packet`: what was captured of `size` bytes.
Reading ReadIp(int link_type, base::Bytes packet, size_t size, IpPayload* ip);
// `ip` is no fragment.
Reading ReadTcp(const IpPayload& ip, TcpSegment* segment);

// Puts fragments together (RFC 791 §3.2, RFC 8200 §4.5). Holds no more than 256 datagrams of 64 KiB
// at a time: the oldest is dropped.
class FragmentTable {
 public:
  // The payload of the datagram where this fragment completes it; it lives until the next call.
  std::optional<IpPayload> Add(const IpPayload& fragment);

 private:
  struct Key {
    IpAddress from;
    IpAddress to;
    uint32_t id;
    uint8_t protocol;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Datagram {
    std::map<size_t, std::vector<uint8_t>> pieces;  // by offset
    std::optional<size_t> size;                     // known from the last one
    std::list<Key>::iterator age;
  };

  std::map<Key, Datagram> datagrams_;
  std::list<Key> ages_;  // oldest first
  std::vector<uint8_t> whole_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_PACKET_H_
