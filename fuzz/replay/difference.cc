#include "fuzz/replay/difference.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/bytes.h"
#include "base/text.h"
#include "google/protobuf/util/message_differencer.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/text.h"

namespace pushpull::replay {
namespace {

constexpr size_t kColumn = 56;     // of the left side
constexpr size_t kMaxLines = 40;   // of one event
constexpr size_t kFirstLines = 2;  // that are always shown: what it is
constexpr size_t kMaxBytes = 256;  // of one part
constexpr size_t kMaxCutsShown = 4;
constexpr size_t kBytesAround = 24;

// "PDU 3 (SCSI Command)".
std::string NameOfPdu(const Trace& trace, size_t index) {
  const size_t begin = index < trace.pdus.size() ? trace.pdus[index].begin : trace.tail_begin;
  std::string name = absl::StrCat("PDU ", index + 1);
  if (begin < trace.bytes.size()) {
    const auto kind = initiator_sim::KindOf(trace.bytes[begin] & 0x3f);
    absl::StrAppend(&name, " (", initiator_sim::NameOf(kind), ")");
  }
  return name;
}

struct PartOfPdu {
  std::string name;
  size_t begin;
  size_t end;
};

std::vector<PartOfPdu> PartsOf(const PduBorders& pdu) {
  std::vector<PartOfPdu> parts = {{"BHS", pdu.begin, pdu.bhs_end}};
  size_t at = pdu.bhs_end;
  for (size_t i = 0; i < pdu.ahs_ends.size(); ++i) {
    parts.push_back(
        {pdu.ahs_ends.size() == 1 ? "AHS" : absl::StrCat("AHS ", i + 1), at, pdu.ahs_ends[i]});
    at = pdu.ahs_ends[i];
  }
  parts.push_back({"header digest", at, pdu.header_digest_end});
  parts.push_back({"data", pdu.header_digest_end, pdu.data_end});
  parts.push_back({"pad", pdu.data_end, pdu.pad_end});
  parts.push_back({"data digest", pdu.pad_end, pdu.end});
  std::erase_if(parts, [](const PartOfPdu& part) { return part.begin == part.end; });
  return parts;
}

std::string Count(size_t n, std::string_view what) {
  return absl::StrCat(n, " ", base::ToAbsl(what), n == 1 ? "" : "s");
}

// Rows of 16 bytes that fit a column.
std::string Dump(const std::string& data) {
  const base::Bytes bytes = base::AsBytes(data);
  std::string text;
  for (size_t row = 0; row < std::min(bytes.size(), kMaxBytes); row += 16) {
    absl::StrAppend(&text, " ");
    for (const uint8_t byte : bytes.subspan(row, std::min<size_t>(16, bytes.size() - row))) {
      absl::StrAppendFormat(&text, " %02x", byte);
    }
    absl::StrAppend(&text, "\n");
  }
  if (bytes.size() > kMaxBytes) {
    absl::StrAppend(&text, "  ... ", bytes.size() - kMaxBytes, " more bytes\n");
  }
  return text;
}

void AddLines(absl::string_view text, std::vector<std::string>* lines) {
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    lines->emplace_back(line);
  }
}

void AddPart(std::string_view name, const std::string& part, size_t due,
             std::vector<std::string>* lines) {
  if (part.empty() && due == 0) return;
  std::string line = absl::StrCat(base::ToAbsl(name), ", ", part.size(), " bytes");
  if (part.size() != due) absl::StrAppend(&line, "; by the header ", due);
  lines->push_back(std::move(line));
  AddLines(Dump(part), lines);
}

// The header decoded, and the other parts as they are: decoded together, a part that is too short
// would be filled up with the next.
void AddPdu(const v1::PduComplete& event, std::vector<std::string>* lines) {
  const base::Bytes bhs = base::AsBytes(event.bhs());
  const bool whole = bhs.size() == initiator_sim::kBhsSize;
  lines->push_back("PDU");
  v1::Pdu header = initiator_sim::Decode(bhs, {}).pdu;
  header.clear_ahs();
  header.clear_data();
  AddLines(initiator_sim::FullText(header), lines);
  if (event.data_digest_failed()) lines->push_back("data digest wrong");
  AddPart("AHS", event.ahs(), whole ? bhs[4] * size_t{4} : 0, lines);
  if (event.data_discarded()) {
    lines->push_back("data discarded");
  } else {
    AddPart("data", event.data(), whole ? base::LoadBe24(&bhs[5]) : 0, lines);
  }
}

std::string Pad(const std::string& text, size_t columns) {
  // Columns and not bytes: continuation bytes of UTF-8 take none.
  const auto width = static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
  return text + std::string(columns > width ? columns - width : 1, ' ');
}

// One pair of lines.
std::string Beside(const std::string& left, const std::string& right) {
  const bool differs = left != right;
  if (left.size() >= kColumn && differs) {  // one below the other
    const std::string below =
        right.empty() ? "" : absl::StrCat("  ! ", std::string(kColumn, ' '), right, "\n");
    return absl::StrCat("  ! ", left, "\n", below);
  }
  const std::string shown = left.size() < kColumn ? left : left.substr(0, kColumn - 4) + "...";
  std::string line =
      absl::StrCat(differs ? "  ! " : "    ", Pad(shown, kColumn), differs ? right : shown);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// Both in columns; "!" marks lines that differ. Of those that don't, the first are shown and those
// next to one that does.
std::string SideBySide(std::vector<std::string> left, std::vector<std::string> right) {
  const size_t lines = std::max(left.size(), right.size());
  left.resize(lines);
  right.resize(lines);
  std::string text;
  size_t shown = 0;
  bool gap = false;
  for (size_t i = 0; i < lines && shown < kMaxLines; ++i) {
    const auto differs = [&](size_t at) { return at < lines && left[at] != right[at]; };
    if (i >= kFirstLines && !differs(i) && !differs(i + 1) && !differs(i - 1)) {
      if (!gap) text += "      ...\n";
      gap = true;
      continue;
    }
    gap = false;
    ++shown;
    text += Beside(left[i], right[i]);
  }
  return text;
}

std::vector<std::string> EventAt(const v1::EventLog& log, int index) {
  if (index >= log.event_size()) return {"nothing"};
  return EventLines(log.event(index));
}

// Bytes in rows of 16, with "|" before each offset of `cuts`.
std::string MarkedDump(const Trace& trace, size_t from, size_t to,
                       const std::vector<size_t>& cuts) {
  std::string text;
  for (size_t row = from / 16 * 16; row < to; row += 16) {
    std::string line = absl::StrFormat("    %08x ", row);
    for (size_t at = row; at < std::min(row + 16, trace.bytes.size()); ++at) {
      const bool cut = std::binary_search(cuts.begin(), cuts.end(), at);
      absl::StrAppendFormat(&line, "%c%02x", cut ? '|' : ' ', trace.bytes[at]);
    }
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

// A delivery's cuts, in bytes also where it is pushed.
std::vector<size_t> ByteCuts(const Trace& trace, const Delivery& delivery) {
  std::vector<size_t> cuts = CutsOf(delivery);
  if (delivery.source == Source::kPush) {
    for (size_t& cut : cuts) {
      cut = cut < trace.pdus.size() ? trace.pdus[cut].begin : trace.tail_begin;
    }
  }
  return cuts;
}

std::string DescribeCuts(const Trace& trace, const Delivery& delivery) {
  const std::vector<size_t> all = ByteCuts(trace, delivery);
  std::vector<size_t> cuts = all;
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::string text;
  for (size_t i = 0; i < std::min(cuts.size(), kMaxCutsShown); ++i) {
    const size_t at = cuts[i];
    absl::StrAppend(&text, "  cut at ", at, ": ", PlaceOf(trace, at), "\n",
                    MarkedDump(trace, at > kBytesAround ? at - kBytesAround : 0,
                               std::min(at + kBytesAround, trace.bytes.size()), cuts));
  }
  if (cuts.size() > kMaxCutsShown) {
    absl::StrAppend(&text, "  and ", cuts.size() - kMaxCutsShown, " cuts more\n");
  }
  return text;
}

}  // namespace

std::string PlaceOf(const Trace& trace, size_t offset) {
  if (offset == 0) return "before the first byte";
  if (offset >= trace.bytes.size()) return "behind the last byte";
  if (offset >= trace.tail_begin) {
    const size_t into = offset - trace.tail_begin;
    if (into == 0) return "behind the last whole PDU";
    return absl::StrCat(Count(into, "byte"), " into ", NameOfPdu(trace, trace.pdus.size()),
                        ", which isn't whole");
  }
  size_t index = 0;
  while (trace.pdus[index].end <= offset) ++index;
  const PduBorders& pdu = trace.pdus[index];
  if (offset == pdu.begin) {
    return absl::StrCat("between PDU ", index, " and ", NameOfPdu(trace, index));
  }
  for (const PartOfPdu& part : PartsOf(pdu)) {
    if (offset >= part.end) continue;
    if (offset == part.begin) {
      return absl::StrCat("where the ", part.name, " of ", NameOfPdu(trace, index), " begins");
    }
    return absl::StrCat(Count(offset - part.begin, "byte"), " into the ", part.name, " of ",
                        NameOfPdu(trace, index));
  }
  return NameOfPdu(trace, index);
}

std::vector<std::string> EventLines(const v1::Event& event) {
  std::vector<std::string> lines;
  switch (event.kind_case()) {
    case v1::Event::kPdu:
      AddPdu(event.pdu(), &lines);
      break;
    case v1::Event::kError:
      lines = {"error", event.error().reason(), event.error().section(), event.error().action()};
      break;
    case v1::Event::kEnd:
      lines = {event.end().inside_pdu() ? "the end, within a PDU" : "the end"};
      break;
    case v1::Event::kOther:
      lines = {event.other().kind()};
      AddLines(event.other().text(), &lines);
      AddLines(Dump(event.other().data()), &lines);
      break;
    case v1::Event::KIND_NOT_SET:
      lines = {"an event of no kind"};
      break;
  }
  return lines;
}

int FirstDifference(const v1::EventLog& a, const v1::EventLog& b) {
  const int common = std::min(a.event_size(), b.event_size());
  for (int i = 0; i < common; ++i) {
    if (!google::protobuf::util::MessageDifferencer::Equals(a.event(i), b.event(i))) return i;
  }
  return a.event_size() == b.event_size() ? -1 : common;
}

std::string DescribeDifference(const DifferenceView& view) {
  const Trace& trace = *view.trace;
  std::string text =
      absl::StrCat(trace.name, ": ", ToString(*view.found), "\n", DescribeCuts(trace, *view.found));
  const int at = FirstDifference(*view.reference_log, *view.found_log);
  if (at < 0) {
    // A fault that the reference has too.
    absl::StrAppend(&text, "  in each delivery:\n");
    const v1::EventLog& log = *view.found_log;
    for (const v1::Event& event : log.event()) {
      if (!event.has_other()) continue;
      absl::StrAppend(&text, "    ", event.other().kind(), ": ", event.other().text(), "\n");
    }
    return text;
  }
  absl::StrAppend(&text, "  event ", at + 1, " (of ", view.reference_log->event_size(), " and ",
                  view.found_log->event_size(), ") is the first that differs:\n");
  std::vector<std::string> left = EventAt(*view.reference_log, at);
  std::vector<std::string> right = EventAt(*view.found_log, at);
  absl::StrAppend(&text, "    ", Pad(ToString(*view.reference), kColumn), ToString(*view.found),
                  "\n");
  text += SideBySide(std::move(left), std::move(right));
  return text;
}

}  // namespace pushpull::replay
