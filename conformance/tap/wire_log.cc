#include "conformance/tap/wire_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/hex.h"
#include "initiator_sim/iser/header.h"
#include "initiator_sim/pdu/text.h"

namespace pushpull::conformance {

using initiator_sim::TapConnection;
using initiator_sim::TapPdu;

namespace {

std::string DescribeIserMessage(base::Bytes message) {
  const initiator_sim::DecodedIserHeader header = initiator_sim::DecodeIserHeader(message);
  const std::string size = absl::StrCat(" (", message.size(), " bytes)");
  if (const auto* hello = std::get_if<initiator_sim::HelloHeader>(&header.header)) {
    return absl::StrCat("iSER Hello MaxVer ", hello->max_version, " MinVer ", hello->min_version,
                        " iSER-IRD ", hello->iser_ird, size);
  }
  if (const auto* reply = std::get_if<initiator_sim::HelloReplyHeader>(&header.header)) {
    return absl::StrCat("iSER HelloReply REJ ", reply->reject ? 1 : 0, " MaxVer ",
                        reply->max_version, " CurVer ", reply->cur_version, " iSER-ORD ",
                        reply->iser_ord, size);
  }
  return absl::StrCat("iSER message", header.flaw.empty() ? "" : ": ", header.flaw, size);
}

// What the header before a PDU advertises, and the key that its Send ended.
std::vector<std::string> DescribeIser(const TapPdu& pdu) {
  std::vector<std::string> notes;
  if (!pdu.iser_header.empty()) {
    const initiator_sim::DecodedIserHeader header =
        initiator_sim::DecodeIserHeader(pdu.iser_header);
    const auto add = [&notes](const char* what, const initiator_sim::Advertised& buffer) {
      notes.push_back(
          absl::StrFormat("%s STag 0x%08x at 0x%x", what, buffer.stag, buffer.base_offset));
    };
    if (!header.flaw.empty()) notes.push_back(header.flaw);
    if (const auto* control = std::get_if<initiator_sim::ControlHeader>(&header.header)) {
      if (control->write_stag_valid) add("write", control->write);
      if (control->read_stag_valid) add("read", control->read);
    }
    if (header.reserved_set) notes.emplace_back("reserved bits of the iSER header set");
  }
  if (pdu.invalidated_key) {
    notes.push_back(absl::StrFormat("ends key 0x%08x", *pdu.invalidated_key));
  }
  return notes;
}

}  // namespace

WireEntry& WireLog::Add(WireEntry::Kind kind, absl::Time time, uint32_t connection) {
  WireEntry& entry = entries_.emplace_back();
  entry.kind = kind;
  entry.time = time;
  entry.connection = connection;
  return entry;
}

void WireLog::Keep(base::Bytes bytes, WireEntry* entry) {
  entry->size = bytes.size();
  kept_bytes_ += bytes.size();
  if (truncated()) bytes = bytes.first(std::min(bytes.size(), initiator_sim::kBhsSize));
  entry->bytes.assign(bytes.begin(), bytes.end());
}

WireLog::Stream& WireLog::StreamOf(uint32_t connection, Direction direction) {
  return streams_[{connection, direction}];
}

void WireLog::OnOpened(const TapConnection& connection, absl::Time time) {
  connections_[connection.id] = {connection.id,    connection.name, connection.session,
                                 connection.local, connection.peer, connection.rdma};
  Add(WireEntry::Kind::kOpened, time, connection.id);
}

void WireLog::OnClosed(const TapConnection& connection, absl::Time time, bool by_peer,
                       const std::string& reason) {
  WireEntry& entry = Add(WireEntry::Kind::kClosed, time, connection.id);
  entry.by_peer = by_peer;
  entry.reason = reason;
}

void WireLog::OnBytes(const TapConnection& connection, absl::Time time, Direction direction,
                      base::Bytes bytes) {
  Stream& stream = StreamOf(connection.id, direction);
  WireEntry& entry = Add(WireEntry::Kind::kBytes, time, connection.id);
  entry.direction = direction;
  entry.stream_offset = stream.bytes;
  Keep(bytes, &entry);
  stream.bytes += bytes.size();
  stream.cuts.push_back(stream.bytes);
}

void WireLog::OnPdu(const TapPdu& pdu) {
  const uint32_t connection = pdu.connection->id;
  Stream& stream = StreamOf(connection, pdu.direction);
  frame_entries_.push_back(entries_.size());
  WireEntry& entry = Add(WireEntry::Kind::kPdu, pdu.time, connection);
  entry.direction = pdu.direction;
  entry.stream_offset = stream.pdu_bytes;
  entry.frame = ++frames_;
  entry.digests = pdu.digests;
  entry.misbehaving = pdu.misbehaving;
  entry.decoded = *pdu.decoded;
  entry.iser = DescribeIser(pdu);
  Keep(pdu.bytes, &entry);
  if (truncated()) entry.decoded.pdu.clear_data();
  stream.pdu_bytes += pdu.bytes.size();
}

void WireLog::OnRdma(const initiator_sim::TapRdma& operation) {
  WireEntry& entry = Add(WireEntry::Kind::kRdma, operation.time, operation.connection->id);
  entry.direction = operation.write ? Direction::kToInitiator : Direction::kToTarget;
  entry.text = absl::StrCat(
      "RDMA ", operation.write ? "Write" : "Read", " of ", operation.length, " bytes at ",
      operation.buffer.empty() ? std::string("no buffer of this side")
                               : absl::StrCat(operation.offset, " of ", operation.buffer),
      operation.failure.empty() ? "" : absl::StrCat(" [", operation.failure, "]"));
}

void WireLog::OnIserMessage(const TapConnection& connection, absl::Time time, Direction direction,
                            base::Bytes message) {
  WireEntry& entry = Add(WireEntry::Kind::kRdma, time, connection.id);
  entry.direction = direction;
  entry.text = DescribeIserMessage(message);
}

void WireLog::OnStep(size_t step, absl::Time time) {
  Add(WireEntry::Kind::kStep, time, 0).step = step;
}

const WireEntry* WireLog::Frame(uint32_t frame) const {
  if (frame == 0 || frame > frame_entries_.size()) return nullptr;
  return &entries_[frame_entries_[frame - 1]];
}

std::vector<size_t> WireLog::CutsOf(const WireEntry& pdu) const {
  const auto found = streams_.find({pdu.connection, pdu.direction});
  std::vector<size_t> cuts;
  if (found == streams_.end()) return cuts;
  const std::vector<uint64_t>& all = found->second.cuts;
  const uint64_t end = pdu.stream_offset + pdu.size;
  for (auto cut = std::upper_bound(all.begin(), all.end(), pdu.stream_offset);
       cut != all.end() && *cut < end; ++cut) {
    cuts.push_back(static_cast<size_t>(*cut - pdu.stream_offset));
  }
  return cuts;
}

std::string WireLog::NameOf(uint32_t connection) const {
  const auto found = connections_.find(connection);
  return found == connections_.end() || found->second.name.empty()
             ? absl::StrCat("connection ", connection)
             : found->second.name;
}

std::string WireLog::OpenedText(const WireEntry& opened) const {
  const auto found = connections_.find(opened.connection);
  if (found == connections_.end()) return "opened";
  return absl::StrCat("opened ", found->second.rdma ? "(RDMA) " : "",
                      found->second.local.ToString(), " -> ", found->second.peer.ToString());
}

std::string ClosedText(const WireEntry& closed) {
  return absl::StrCat("closed by ", closed.by_peer ? "the peer" : "this side",
                      closed.reason.empty() ? "" : ": ", closed.reason);
}

std::string PacketText(const PacketNumbers* packets, uint32_t frame) {
  if (packets == nullptr) return "";
  const auto found = packets->find(frame);
  return found == packets->end() ? "" : absl::StrCat("packet ", found->second);
}

std::vector<std::string> NotesOf(const WireEntry& pdu) {
  std::vector<std::string> notes;
  if (!pdu.decoded.header_digest_ok) notes.emplace_back("header digest wrong");
  if (!pdu.decoded.data_digest_ok) notes.emplace_back("data digest wrong");
  if (!pdu.decoded.flaw.empty()) notes.push_back(pdu.decoded.flaw);
  notes.insert(notes.end(), pdu.iser.begin(), pdu.iser.end());
  if (pdu.misbehaving) notes.emplace_back("wrong on purpose");
  return notes;
}

namespace {

// What stands before each line: time and, where there is one, frame number.
std::string Head(const WireLog& log, const WireEntry& entry) {
  const double seconds = absl::ToDoubleSeconds(entry.time - log.entries().front().time);
  const std::string frame = entry.frame == 0 ? "" : absl::StrCat("#", entry.frame);
  const std::string name = entry.connection == 0 ? "" : log.NameOf(entry.connection);
  return absl::StrFormat("%11.6f %6s %-4s", seconds, frame, name);
}

void AppendPdu(const WireLog& log, const WireEntry& entry, const WireTextOptions& options,
               std::string* out) {
  absl::StrAppend(out, entry.direction == Direction::kToTarget ? "→ " : "← ",
                  initiator_sim::Summary(entry.decoded.pdu));
  for (const std::string& note : NotesOf(entry)) absl::StrAppend(out, " [", note, "]");
  const std::vector<size_t> cuts = log.CutsOf(entry);
  if (!cuts.empty()) absl::StrAppend(out, " [cut at ", absl::StrJoin(cuts, ", "), "]");
  const std::string packet = PacketText(options.packets, entry.frame);
  if (!packet.empty()) absl::StrAppend(out, " [", packet, "]");
  absl::StrAppend(out, "\n");
  const std::string indent(13, ' ');
  if (options.full) absl::StrAppend(out, initiator_sim::FullText(entry.decoded.pdu, indent));
  if (options.hex) absl::StrAppend(out, base::HexDump(entry.bytes, {.indent = indent}));
  for (const v1::Violation& violation : options.violations) {
    if (violation.frame() != entry.frame) continue;
    absl::StrAppend(out, indent, "! ", violation.level(), " ", violation.section(), " ",
                    violation.rule(), ": ", violation.message(), "\n");
  }
}

}  // namespace

std::string ToText(const WireLog& log, const WireTextOptions& options) {
  std::string out;
  for (const WireEntry& entry : log.entries()) {
    if (entry.kind == WireEntry::Kind::kBytes) continue;
    absl::StrAppend(&out, Head(log, entry), " ");
    switch (entry.kind) {
      case WireEntry::Kind::kOpened:
        absl::StrAppend(&out, log.OpenedText(entry), "\n");
        break;
      case WireEntry::Kind::kClosed:
        absl::StrAppend(&out, ClosedText(entry), "\n");
        break;
      case WireEntry::Kind::kStep:
        absl::StrAppend(&out, "step ", entry.step + 1, "\n");
        break;
      case WireEntry::Kind::kRdma:
        absl::StrAppend(&out, entry.direction == Direction::kToTarget ? "→ " : "← ", entry.text,
                        "\n");
        break;
      case WireEntry::Kind::kPdu:
        AppendPdu(log, entry, options, &out);
        break;
      case WireEntry::Kind::kBytes:
        break;
    }
  }
  if (log.truncated()) absl::StrAppend(&out, "(of the later PDUs only the headers were kept)\n");
  return out;
}

}  // namespace pushpull::conformance
