#include "conformance/tap/pcapng.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace pushpull::conformance {
namespace {

constexpr uint16_t kTargetPort = 3260;
constexpr size_t kMaxSegment = 16384;
constexpr size_t kEthernetHeader = 14;
constexpr size_t kTcpHeader = 20;

// ---- the file (pcapng, draft-ietf-opsawg-pcapng)
// -------------------------------------------------

// Blocks are written in the byte order of this machine, as their magic number says.
class PcapngFile {
 public:
  explicit PcapngFile(const std::string& comment) {
    std::string body;
    Put32(&body, 0x1a2b3c4d);
    Put16(&body, 1);  // version 1.0
    Put16(&body, 0);
    Put32(&body, 0xffffffff);  // section length: not said
    Put32(&body, 0xffffffff);
    PutOption(&body, kComment, comment);
    PutOption(&body, 4, "pushpull");  // shb_userappl
    EndOptions(&body);
    PutBlock(0x0a0d0d0a, body);

    std::string interface;
    Put16(&interface, 1);  // LINKTYPE_ETHERNET
    Put16(&interface, 0);
    Put32(&interface, 0);                           // no snap length
    PutOption(&interface, 2, "wire");               // if_name
    PutOption(&interface, 9, std::string("\x09"));  // if_tsresol: nanoseconds
    EndOptions(&interface);
    PutBlock(1, interface);
  }

  // `size`: how long the packet really was.
  void PutPacket(absl::Time time, const std::string& packet, size_t size,
                 const std::string& comment) {
    const auto ns = static_cast<uint64_t>(std::max<int64_t>(0, absl::ToUnixNanos(time)));
    std::string body;
    Put32(&body, 0);  // the interface
    Put32(&body, static_cast<uint32_t>(ns >> 32));
    Put32(&body, static_cast<uint32_t>(ns));
    Put32(&body, static_cast<uint32_t>(packet.size()));
    Put32(&body, static_cast<uint32_t>(size));
    body += packet;
    Pad(&body);
    PutOption(&body, kComment, comment);
    EndOptions(&body);
    PutBlock(6, body);
    ++packets_;
  }

  uint32_t packets() const { return packets_; }

  std::string Take() { return std::move(out_); }

 private:
  static constexpr uint16_t kComment = 1;

  static void Put16(std::string* out, uint16_t value) {
    out->append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static void Put32(std::string* out, uint32_t value) {
    out->append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static void Pad(std::string* out) { out->resize((out->size() + 3) / 4 * 4); }
  static void PutOption(std::string* out, uint16_t code, std::string value) {
    if (value.empty()) return;
    if (value.size() > 0xfff0) value.resize(0xfff0);
    Put16(out, code);
    Put16(out, static_cast<uint16_t>(value.size()));
    *out += value;
    Pad(out);
  }
  static void EndOptions(std::string* out) { Put32(out, 0); }
  void PutBlock(uint32_t type, const std::string& body) {
    const auto length = static_cast<uint32_t>(12 + body.size());
    Put32(&out_, type);
    Put32(&out_, length);
    out_ += body;
    Put32(&out_, length);
  }

  std::string out_;
  uint32_t packets_ = 0;
};

// ---- the packets
// -----------------------------------------------------------------------------------

// An IP address in network order: 4 bytes or 16.
using Ip = std::vector<uint8_t>;

// nullopt for what can't stand in the capture: host names, and 127.0.0.0/8, where Wireshark takes
// each TCP stream for one of its LBM protocols.
std::optional<Ip> ParseIp(const std::string& host) {
  Ip ip(16);
  if (inet_pton(AF_INET6, host.c_str(), ip.data()) == 1) return ip;
  ip.resize(4);
  if (inet_pton(AF_INET, host.c_str(), ip.data()) == 1 && ip[0] != 127) return ip;
  return std::nullopt;
}

// The sum of RFC 1071, not yet folded.
uint64_t Sum(base::Bytes bytes, uint64_t sum = 0) {
  size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += base::LoadBe16(&bytes[i]);
  if (i < bytes.size()) sum += uint64_t{bytes[i]} << 8;
  return sum;
}
uint16_t Fold(uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

enum TcpFlag : uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16 };

struct Segment {
  uint16_t from_port = 0;
  uint16_t to_port = 0;
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint8_t flags = 0;
  base::Bytes payload;  // what there is of it
  size_t payload_size = 0;
};

std::vector<uint8_t> TcpBytes(const Segment& segment, const Ip& from, const Ip& to) {
  std::vector<uint8_t> tcp(kTcpHeader);
  base::StoreBe16(&tcp[0], segment.from_port);
  base::StoreBe16(&tcp[2], segment.to_port);
  base::StoreBe32(&tcp[4], segment.seq);
  base::StoreBe32(&tcp[8], segment.ack);
  tcp[12] = (kTcpHeader / 4) << 4;
  tcp[13] = segment.flags;
  base::StoreBe16(&tcp[14], 0xffff);  // window
  tcp.insert(tcp.end(), segment.payload.begin(), segment.payload.end());
  // Over the pseudo header too: addresses, protocol, length (RFC 9293 §3.1, RFC 8200 §8.1).
  const uint64_t pseudo = Sum(to, Sum(from)) + IPPROTO_TCP + kTcpHeader + segment.payload_size;
  base::StoreBe16(&tcp[16], Fold(Sum(tcp, pseudo)));
  return tcp;
}

std::vector<uint8_t> IpHeader(const Ip& from, const Ip& to, size_t payload_size, uint16_t id) {
  if (from.size() == 4) {
    std::vector<uint8_t> ip(20);
    ip[0] = 0x45;
    base::StoreBe16(&ip[2], static_cast<uint16_t>(20 + payload_size));
    base::StoreBe16(&ip[4], id);
    ip[6] = 0x40;  // don't fragment
    ip[8] = 64;    // time to live
    ip[9] = IPPROTO_TCP;
    std::copy(from.begin(), from.end(), &ip[12]);
    std::copy(to.begin(), to.end(), &ip[16]);
    base::StoreBe16(&ip[10], Fold(Sum(ip)));
    return ip;
  }
  std::vector<uint8_t> ip(40);
  ip[0] = 0x60;
  base::StoreBe16(&ip[4], static_cast<uint16_t>(payload_size));
  ip[6] = IPPROTO_TCP;
  ip[7] = 64;  // hop limit
  std::copy(from.begin(), from.end(), &ip[8]);
  std::copy(to.begin(), to.end(), &ip[24]);
  return ip;
}

// Locally administered addresses: the initiator's ends in 1, the target's in 2.
std::string EthernetHeader(bool to_target, bool ipv6) {
  const char initiator[] = {2, 0, 0, 0, 0, 1};
  const char target[] = {2, 0, 0, 0, 0, 2};
  std::string out(to_target ? target : initiator, 6);
  out.append(to_target ? initiator : target, 6);
  return out + (ipv6 ? std::string("\x86\xdd", 2) : std::string("\x08\x00", 2));
}

// ---- the connections
// --------------------------------------------------------------------------------

struct Flow {
  Ip initiator;
  Ip target;
  uint16_t initiator_port = 0;
  uint32_t next[2] = {1000, 5000};  // sequence numbers, by Direction
  uint16_t ip_id = 0;
  // What of a direction's first header has come in, by Direction.
  std::vector<uint8_t> held[2];
};

class Writer {
 public:
  Writer(const WireLog& log, const PcapngOptions& options)
      : log_(log), options_(options), file_(options.comment) {
    for (const WireEntry& entry : log.entries()) {
      if (entry.kind == WireEntry::Kind::kPdu) {
        ends_[{entry.connection, entry.direction}].push_back(
            {entry.stream_offset + entry.size, entry.frame});
      }
    }
  }

  std::string Write() {
    for (const WireEntry& entry : log_.entries()) {
      switch (entry.kind) {
        case WireEntry::Kind::kOpened:
          Open(entry);
          break;
        case WireEntry::Kind::kBytes:
          Data(entry);
          break;
        case WireEntry::Kind::kClosed:
          Close(entry);
          break;
        case WireEntry::Kind::kPdu:
        case WireEntry::Kind::kRdma:
        case WireEntry::Kind::kStep:
          break;
      }
    }
    for (const auto& [connection, flow] : flows_) {
      WireEntry end = log_.entries().back();
      end.connection = connection;
      Flush(end);
    }
    return file_.Take();
  }

 private:
  struct PduEnd {
    uint64_t offset;
    uint32_t frame;
  };

  // An address of 192.0.2.0/24 for a host that isn't one.
  Ip MadeUp(const std::string& host) {
    const auto [it, added] = made_up_.insert({host, made_up_.size() + 1});
    return {192, 0, 2, static_cast<uint8_t>(it->second)};
  }

  Flow& FlowOf(uint32_t connection) {
    const auto found = flows_.find(connection);
    if (found != flows_.end()) return found->second;
    Flow& flow = flows_[connection];
    WireConnection of;
    if (const auto c = log_.connections().find(connection); c != log_.connections().end()) {
      of = c->second;
    }
    const std::optional<Ip> local = ParseIp(of.local.host);
    const std::optional<Ip> peer = ParseIp(of.peer.host);
    const bool usable = local.has_value() && peer.has_value() && local->size() == peer->size();
    flow.initiator = usable ? *local : MadeUp("initiator " + of.local.host);
    flow.target = usable ? *peer : MadeUp("target " + of.peer.host);
    flow.initiator_port = FreePort(of.local.port);
    return flow;
  }

  // Ports tell the connections apart: each has its own.
  uint16_t FreePort(uint16_t wanted) {
    if (wanted != 0 && wanted != kTargetPort && ports_.insert(wanted).second) return wanted;
    while (!ports_.insert(next_port_).second) ++next_port_;
    return next_port_;
  }

  void Put(absl::Time time, Flow* flow, Direction direction, uint8_t flags, base::Bytes payload,
           size_t payload_size, const std::string& comment) {
    const bool to_target = direction == Direction::kToTarget;
    const Ip& from = to_target ? flow->initiator : flow->target;
    const Ip& to = to_target ? flow->target : flow->initiator;
    uint32_t& next = flow->next[to_target ? 0 : 1];
    Segment segment;
    segment.from_port = to_target ? flow->initiator_port : kTargetPort;
    segment.to_port = to_target ? kTargetPort : flow->initiator_port;
    segment.seq = next;
    segment.flags = flags;
    if ((flags & kAck) != 0) segment.ack = flow->next[to_target ? 1 : 0];
    segment.payload = payload;
    segment.payload_size = payload_size;
    const std::vector<uint8_t> tcp = TcpBytes(segment, from, to);
    const std::vector<uint8_t> ip = IpHeader(from, to, kTcpHeader + payload_size, flow->ip_id++);
    std::string packet = EthernetHeader(to_target, from.size() == 16);
    packet.append(ip.begin(), ip.end());
    packet.append(tcp.begin(), tcp.end());
    const size_t size = kEthernetHeader + ip.size() + kTcpHeader + payload_size;
    file_.PutPacket(time, packet, size, comment);
    next += static_cast<uint32_t>(payload_size) + ((flags & (kSyn | kFin)) != 0 ? 1 : 0);
  }

  void Open(const WireEntry& entry) {
    Flow& flow = FlowOf(entry.connection);
    const WireConnection& of = log_.connections().at(entry.connection);
    Put(entry.time, &flow, Direction::kToTarget, kSyn, {}, 0,
        absl::StrCat("connection ", of.name, " from ", of.local.ToString(), " to ",
                     of.peer.ToString()));
    Put(entry.time, &flow, Direction::kToInitiator, kSyn | kAck, {}, 0, "");
    Put(entry.time, &flow, Direction::kToTarget, kAck, {}, 0, "");
  }

  // Dissectors recognise iSCSI by a whole header at the beginning of a segment: the first one of
  // each direction is held back until it is there.
  void Data(const WireEntry& entry) {
    Flow& flow = FlowOf(entry.connection);
    std::vector<uint8_t>& held = flow.held[entry.direction == Direction::kToTarget ? 0 : 1];
    const bool holds = entry.stream_offset == held.size();  // all that came so far
    if (holds && held.size() + entry.size < initiator_sim::kBhsSize) {
      held.insert(held.end(), entry.bytes.begin(), entry.bytes.end());
      return;
    }
    if (!holds || held.empty()) return Segments(&flow, entry);
    WireEntry joined = entry;
    joined.bytes.insert(joined.bytes.begin(), held.begin(), held.end());
    joined.stream_offset = 0;
    joined.size += held.size();
    held.clear();
    Segments(&flow, joined);
  }

  // What was held where no header was completed.
  void Flush(const WireEntry& end) {
    Flow& flow = FlowOf(end.connection);
    for (const Direction direction : {Direction::kToTarget, Direction::kToInitiator}) {
      std::vector<uint8_t>& held = flow.held[direction == Direction::kToTarget ? 0 : 1];
      if (held.empty()) continue;
      WireEntry entry = end;
      entry.stream_offset = 0;
      entry.direction = direction;
      entry.size = held.size();
      entry.bytes.swap(held);
      Segments(&flow, entry);
    }
  }

  void Segments(Flow* flow, const WireEntry& entry) {
    const base::Bytes bytes(entry.bytes);
    for (size_t at = 0; at < entry.size; at += kMaxSegment) {
      const size_t size = std::min(kMaxSegment, entry.size - at);
      const size_t from = std::min(at, bytes.size());
      const base::Bytes there = bytes.subspan(from, std::min(size, bytes.size() - from));
      Put(entry.time, flow, entry.direction, kPsh | kAck, there, size,
          CommentOnNext(entry, entry.stream_offset + at, entry.stream_offset + at + size));
    }
  }

  // Of the frames that end in this piece of the stream, which the next packet holds.
  std::string CommentOnNext(const WireEntry& entry, uint64_t begin, uint64_t end) const {
    const auto found = ends_.find({entry.connection, entry.direction});
    if (found == ends_.end()) return "";
    std::string comment;
    auto pdu = std::upper_bound(found->second.begin(), found->second.end(), begin,
                                [](uint64_t at, const PduEnd& e) { return at < e.offset; });
    for (; pdu != found->second.end() && pdu->offset <= end; ++pdu) {
      absl::StrAppend(&comment, comment.empty() ? "" : "\n", "PDU ", pdu->frame);
      if (options_.packets != nullptr) (*options_.packets)[pdu->frame] = file_.packets() + 1;
      for (const v1::Violation& violation : options_.violations) {
        if (violation.frame() != pdu->frame) continue;
        absl::StrAppend(&comment, "\n", violation.level(), " ", violation.section(), " ",
                        violation.rule(), ": ", violation.message());
      }
    }
    return comment;
  }

  void Close(const WireEntry& entry) {
    Flush(entry);
    Flow& flow = FlowOf(entry.connection);
    const Direction first = entry.by_peer ? Direction::kToInitiator : Direction::kToTarget;
    const Direction second = entry.by_peer ? Direction::kToTarget : Direction::kToInitiator;
    if (!entry.reason.empty()) {
      Put(entry.time, &flow, first, kRst | kAck, {}, 0, entry.reason);
      return;
    }
    Put(entry.time, &flow, first, kFin | kAck, {}, 0, "");
    Put(entry.time, &flow, second, kFin | kAck, {}, 0, "");
    Put(entry.time, &flow, first, kAck, {}, 0, "");
  }

  const WireLog& log_;
  const PcapngOptions& options_;
  PcapngFile file_;
  std::map<uint32_t, Flow> flows_;
  std::map<std::string, size_t> made_up_;
  std::set<uint16_t> ports_;
  uint16_t next_port_ = 49152;
  std::map<std::pair<uint32_t, Direction>, std::vector<PduEnd>> ends_;
};

}  // namespace

std::string ToPcapng(const WireLog& log, const PcapngOptions& options) {
  return Writer(log, options).Write();
}

}  // namespace pushpull::conformance
