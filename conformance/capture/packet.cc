#include "conformance/capture/packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pcap/dlt.h>

#include <algorithm>

namespace pushpull::conformance {
namespace {

constexpr uint16_t kEtherIpv4 = 0x0800;
constexpr uint16_t kEtherIpv6 = 0x86dd;
constexpr int kMaxTags = 8;               // VLAN tags on one frame
constexpr int kMaxExtensionHeaders = 16;  // of one IPv6 packet
constexpr size_t kMaxDatagrams = 256;
constexpr size_t kMaxPieces = 8192;  // of a datagram: 64 KiB in fragments of eight bytes
constexpr size_t kMaxIpPayload = 65535;

bool IsVlan(uint16_t ether_type) {
  return ether_type == 0x8100 || ether_type == 0x88a8 || ether_type == 0x9100;
}

// Passes over VLAN tags from `at` on, where an EtherType stands. Where the IP header begins.
Reading SkipTags(base::Bytes packet, size_t at, size_t* ip_begin) {
  for (int tags = 0; tags <= kMaxTags; ++tags) {
    if (packet.size() < at + 2) return Reading::kTruncated;
    const uint16_t type = base::LoadBe16(&packet[at]);
    at += 2;
    if (type == kEtherIpv4 || type == kEtherIpv6) {
      *ip_begin = at;
      return Reading::kOk;
    }
    if (!IsVlan(type)) return Reading::kOther;
    at += 2;  // priority and VLAN; another EtherType follows
  }
  return Reading::kMalformed;
}

// The link layer's header of each type; what follows it is IP, which says its own version.
Reading SkipLink(int link_type, base::Bytes packet, size_t* ip_begin) {
  switch (link_type) {
    case DLT_EN10MB:
      return SkipTags(packet, 12, ip_begin);
    case DLT_LINUX_SLL:
      return SkipTags(packet, 14, ip_begin);
    case DLT_LINUX_SLL2: {
      // The protocol stands first; a tag and what it holds after the 20 bytes of the header.
      if (packet.size() < 20) return Reading::kTruncated;
      const uint16_t type = base::LoadBe16(packet.data());
      *ip_begin = 20;
      if (type == kEtherIpv4 || type == kEtherIpv6) return Reading::kOk;
      return IsVlan(type) ? SkipTags(packet, 22, ip_begin) : Reading::kOther;
    }
    case DLT_NULL:
    case DLT_LOOP:
      *ip_begin = 4;  // an address family, in whatever byte order
      return Reading::kOk;
    default:
      *ip_begin = 0;
      return Reading::kOk;
  }
}

IpAddress AddressAt(base::Bytes packet, size_t at, bool v6) {
  IpAddress address;
  address.v6 = v6;
  std::copy_n(packet.begin() + static_cast<ptrdiff_t>(at), v6 ? 16 : 4, address.bytes.begin());
  return address;
}

// Cuts what stands behind the payload (padding of short Ethernet frames).
void SetPayload(base::Bytes packet, size_t begin, size_t end, IpPayload* ip) {
  const size_t captured_end = std::min(end, packet.size());
  ip->size = end - begin;
  ip->bytes = begin < captured_end ? packet.subspan(begin, captured_end - begin) : base::Bytes();
}

// `size`: of the packet from the IP header on, as it was sent.
Reading ReadIpv4(base::Bytes packet, size_t size, IpPayload* ip) {
  if (packet.size() < 20) return Reading::kTruncated;
  const size_t header = size_t{packet[0] & 0x0fu} * 4;
  if (header < 20) return Reading::kMalformed;
  size_t total = base::LoadBe16(&packet[2]);
  if (total == 0) total = size;  // captured before the network card cut it (TSO)
  if (total < header || total > size) return Reading::kMalformed;
  const uint16_t fragment = base::LoadBe16(&packet[6]);
  ip->id = base::LoadBe16(&packet[4]);
  ip->offset = size_t{fragment & 0x1fffu} * 8;
  ip->more = (fragment & 0x2000) != 0;
  ip->fragment = ip->more || ip->offset != 0;
  ip->protocol = packet[9];
  ip->from = AddressAt(packet, 12, false);
  ip->to = AddressAt(packet, 16, false);
  SetPayload(packet, header, total, ip);
  return Reading::kOk;
}

Reading ReadIpv6(base::Bytes packet, size_t size, IpPayload* ip) {
  if (packet.size() < 40) return Reading::kTruncated;
  size_t end = 40 + size_t{base::LoadBe16(&packet[4])};
  if (end == 40) end = size;  // a jumbogram, or captured before the network card cut it
  if (end > size) return Reading::kMalformed;
  ip->from = AddressAt(packet, 8, true);
  ip->to = AddressAt(packet, 24, true);
  uint8_t next = packet[6];
  size_t at = 40;
  for (int headers = 0; headers <= kMaxExtensionHeaders; ++headers) {
    const bool extension = next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
                           next == IPPROTO_DSTOPTS || next == IPPROTO_AH;
    if (!extension && next != IPPROTO_FRAGMENT) {
      ip->protocol = next;
      SetPayload(packet, at, end, ip);
      return Reading::kOk;
    }
    if (at + 8 > end) return Reading::kMalformed;
    if (at + 8 > packet.size()) return Reading::kTruncated;
    if (next == IPPROTO_FRAGMENT) {
      const uint16_t fragment = base::LoadBe16(&packet[at + 2]);
      ip->offset = fragment & 0xfff8u;
      ip->more = (fragment & 1) != 0;
      ip->id = base::LoadBe32(&packet[at + 4]);
      ip->fragment = ip->more || ip->offset != 0;
      ip->protocol = packet[at];
      SetPayload(packet, at + 8, end, ip);
      if (ip->fragment) return Reading::kOk;
      next = packet[at];
      at += 8;
      continue;
    }
    const size_t length =
        next == IPPROTO_AH ? (packet[at + 1] + size_t{2}) * 4 : (packet[at + 1] + size_t{1}) * 8;
    next = packet[at];
    at += length;
    if (at > end) return Reading::kMalformed;
    if (at > packet.size()) return Reading::kTruncated;
  }
  return Reading::kMalformed;
}

}  // namespace

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  return text;
}

bool IsKnownLinkType(int link_type) {
  switch (link_type) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
      return true;
    default:
      return false;
  }
}

Reading ReadIp(int link_type, base::Bytes packet, size_t size, IpPayload* ip) {
  size_t begin = 0;
  const Reading link = SkipLink(link_type, packet, &begin);
  if (link != Reading::kOk) return link;
  if (packet.size() <= begin || size < packet.size()) return Reading::kTruncated;
  packet = packet.subspan(begin);
  switch (packet[0] >> 4) {
    case 4:
      return ReadIpv4(packet, size - begin, ip);
    case 6:
      return ReadIpv6(packet, size - begin, ip);
    default:
      return Reading::kOther;
  }
}

Reading ReadTcp(const IpPayload& ip, TcpSegment* segment) {
  if (ip.protocol != IPPROTO_TCP) return Reading::kOther;
  if (ip.size < 20) return Reading::kMalformed;
  if (ip.bytes.size() < 20) return Reading::kTruncated;
  const base::Bytes tcp = ip.bytes;
  const size_t header = size_t{tcp[12]} / 16 * 4;
  if (header < 20 || header > ip.size) return Reading::kMalformed;
  segment->from = {ip.from, base::LoadBe16(&tcp[0])};
  segment->to = {ip.to, base::LoadBe16(&tcp[2])};
  segment->seq = base::LoadBe32(&tcp[4]);
  segment->fin = (tcp[13] & 0x01) != 0;
  segment->syn = (tcp[13] & 0x02) != 0;
  segment->rst = (tcp[13] & 0x04) != 0;
  segment->ack = (tcp[13] & 0x10) != 0;
  segment->payload = tcp.subspan(std::min(header, tcp.size()));
  segment->payload_size = ip.size - header;
  return Reading::kOk;
}

std::optional<IpPayload> FragmentTable::Add(const IpPayload& fragment) {
  const bool whole = fragment.bytes.size() == fragment.size;
  // Only the last one may have a length that is no multiple of eight.
  if (!whole || fragment.size == 0 || fragment.offset + fragment.size > kMaxIpPayload ||
      (fragment.more && fragment.size % 8 != 0)) {
    return std::nullopt;
  }
  const Key key{fragment.from, fragment.to, fragment.id, fragment.protocol};
  auto found = datagrams_.find(key);
  if (found == datagrams_.end()) {
    if (datagrams_.size() == kMaxDatagrams) {
      datagrams_.erase(ages_.front());
      ages_.pop_front();
    }
    found = datagrams_.emplace(key, Datagram()).first;
    found->second.age = ages_.insert(ages_.end(), key);
  }
  Datagram& datagram = found->second;
  if (datagram.pieces.size() == kMaxPieces) return std::nullopt;
  // A repeated one changes nothing; of two that overlap, the one that begins first holds.
  datagram.pieces.try_emplace(fragment.offset, fragment.bytes.begin(), fragment.bytes.end());
  if (!fragment.more) datagram.size = fragment.offset + fragment.size;
  if (!datagram.size.has_value()) return std::nullopt;

  size_t there = 0;
  for (const auto& [offset, bytes] : datagram.pieces) {
    if (offset > there) return std::nullopt;
    there = std::max(there, offset + bytes.size());
  }
  if (there < *datagram.size) return std::nullopt;

  whole_.assign(*datagram.size, 0);
  there = 0;
  for (const auto& [offset, bytes] : datagram.pieces) {
    const size_t end = std::min(offset + bytes.size(), whole_.size());
    for (; there < end; ++there) whole_[there] = bytes[there - offset];
  }
  ages_.erase(datagram.age);
  datagrams_.erase(found);
  IpPayload ip = fragment;
  ip.fragment = false;
  ip.bytes = whole_;
  ip.size = whole_.size();
  return ip;
}

}  // namespace pushpull::conformance
