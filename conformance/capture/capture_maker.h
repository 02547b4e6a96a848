// Makes pcap files for tests, packet by packet.

#ifndef CONFORMANCE_CAPTURE_CAPTURE_MAKER_H_
#define CONFORMANCE_CAPTURE_CAPTURE_MAKER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pcap/dlt.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"

namespace pushpull::conformance {

enum TcpFlag : uint8_t { kFin = 1, kSyn = 2, kRst = 4, kAck = 16 };

struct MadeSegment {
  std::string from = "10.0.0.1";
  uint16_t from_port = 40000;
  std::string to = "10.0.0.2";
  uint16_t to_port = 3260;
  uint32_t seq = 0;
  uint8_t flags = kAck;
  std::string payload = {};

  // The same the other way.
  MadeSegment Back() const {
    MadeSegment back = *this;
    std::swap(back.from, back.to);
    std::swap(back.from_port, back.to_port);
    back.payload.clear();
    return back;
  }
};

inline void Put16(std::string* out, size_t value) {
  *out += static_cast<char>(value >> 8);
  *out += static_cast<char>(value);
}
inline void Put32(std::string* out, uint32_t value) {
  Put16(out, value >> 16);
  Put16(out, value & 0xffff);
}

inline std::string TcpOf(const MadeSegment& segment) {
  std::string tcp;
  Put16(&tcp, segment.from_port);
  Put16(&tcp, segment.to_port);
  Put32(&tcp, segment.seq);
  Put32(&tcp, 0);
  tcp += '\x80';  // 32 bytes of header: with options
  tcp += static_cast<char>(segment.flags);
  tcp += std::string(6, '\0');
  return tcp + std::string(12, '\x01') + segment.payload;
}

inline std::string IpAddressOf(const std::string& text) {
  char bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return {bytes, 4};
  CHECK(inet_pton(AF_INET6, text.c_str(), bytes) == 1) << text;
  return {bytes, 16};
}

// `offset` and `more`: a fragment (of datagram 77).
inline std::string IpOf(const MadeSegment& segment, const std::string& payload, size_t offset = 0,
                        bool more = false) {
  const std::string from = IpAddressOf(segment.from);
  const std::string to = IpAddressOf(segment.to);
  const bool fragment = more || offset != 0;
  std::string ip;
  if (from.size() == 4) {
    ip += '\x45';
    ip += '\0';
    Put16(&ip, 20 + payload.size());
    Put16(&ip, 77);
    Put16(&ip, offset / 8 | (more ? 0x2000u : 0));
    ip += '\x40';
    ip += static_cast<char>(IPPROTO_TCP);
    Put16(&ip, 0);
    return ip + from + to + payload;
  }
  ip = std::string("\x60\0\0\0", 4);
  // With a destination options header before TCP, which is passed over.
  const std::string options = std::string("\x06\0\x01\x04\0\0\0\0", 8);
  Put16(&ip, payload.size() + options.size() + (fragment ? 8 : 0));
  ip += static_cast<char>(fragment ? IPPROTO_FRAGMENT : IPPROTO_DSTOPTS);
  ip += '\x40';
  ip += from + to;
  if (!fragment) return ip + options + payload;
  ip[5] = static_cast<char>(ip[5] - 8);
  if (static_cast<uint8_t>(ip[5]) > 0xf7) --ip[4];
  ip += static_cast<char>(IPPROTO_TCP);
  ip += '\0';
  Put16(&ip, offset | (more ? 1u : 0));
  Put32(&ip, 77);
  return ip + payload;
}

// `ip` with the header of a link; `tags` VLAN tags where the link can have them.
inline std::string LinkOf(int link_type, const std::string& ip, int tags = 0) {
  const std::string type = (ip[0] >> 4 & 0xf) == 4 ? std::string("\x08\0", 2) : "\x86\xdd";
  std::string tagged;
  for (int i = 0; i < tags; ++i) {
    tagged += i + 1 == tags ? std::string("\x81\0", 2) : "\x88\xa8";
    tagged += std::string("\x20\x07", 2);
  }
  switch (link_type) {
    case DLT_EN10MB:
      return std::string("\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12) + tagged + type + ip;
    case DLT_LINUX_SLL:
      return std::string(14, '\0') + tagged + type + ip;
    case DLT_LINUX_SLL2: {
      if (tags == 0) return type + std::string(18, '\0') + ip;
      return tagged.substr(0, 2) + std::string(18, '\0') + tagged.substr(2) + type + ip;
    }
    case DLT_NULL:
      return std::string("\x02\0\0\0", 4) + ip;
    case DLT_LOOP:
      return std::string("\0\0\0\x02", 4) + ip;
    default:
      return ip;
  }
}

// A pcap file, big-endian, with nanoseconds; packet i (from 1) at 1000 s + i ms.
class CaptureMaker {
 public:
  // LINKTYPE_RAW is 101 in files, whatever DLT_RAW is.
  explicit CaptureMaker(int link_type = DLT_EN10MB) : link_type_(link_type) {
    Put32(&file_, 0xa1b23c4d);
    Put16(&file_, 2);
    Put16(&file_, 4);
    Put32(&file_, 0);
    Put32(&file_, 0);
    Put32(&file_, 262144);
    Put32(&file_, static_cast<uint32_t>(link_type == DLT_RAW ? 101 : link_type));
  }

  // Of each packet no more than this is kept.
  void set_snap_length(size_t length) { snap_length_ = length; }
  void set_tags(int tags) { tags_ = tags; }

  void Segment(const MadeSegment& segment) {
    Packet(LinkOf(link_type_, IpOf(segment, TcpOf(segment)), tags_));
  }
  void Fragment(const MadeSegment& segment, size_t offset, size_t size) {
    const std::string tcp = TcpOf(segment);
    Packet(LinkOf(link_type_,
                  IpOf(segment, tcp.substr(offset, size), offset, offset + size < tcp.size()),
                  tags_));
  }
  void Packet(const std::string& packet) {
    const size_t kept = std::min(packet.size(), snap_length_);
    ++frames_;
    Put32(&file_, 1000 + frames_ / 1000);
    Put32(&file_, frames_ % 1000 * 1000000);
    Put32(&file_, static_cast<uint32_t>(kept));
    Put32(&file_, static_cast<uint32_t>(packet.size()));
    file_ += packet.substr(0, kept);
  }
  void Handshake(const MadeSegment& to_target, uint32_t target_seq) {
    MadeSegment syn = to_target;
    syn.flags = kSyn;
    syn.payload.clear();
    Segment(syn);
    MadeSegment answer = to_target.Back();
    answer.flags = kSyn | kAck;
    answer.seq = target_seq;
    Segment(answer);
  }

  uint32_t frames() const { return frames_; }
  const std::string& file() const { return file_; }
  base::Bytes bytes() const { return base::AsBytes(file_); }

 private:
  const int link_type_;
  size_t snap_length_ = 262144;
  int tags_ = 0;
  uint32_t frames_ = 0;
  std::string file_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_CAPTURE_MAKER_H_
