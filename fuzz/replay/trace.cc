#include "fuzz/replay/trace.h"

#include <algorithm>
#include <utility>

#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::replay {
namespace {

using initiator_sim::kBhsSize;
using initiator_sim::LayoutOf;
using initiator_sim::PduLayout;

// `pdu` begins with the PDU's header and may be shorter than `layout` says.
PduBorders BordersOf(base::Bytes pdu, const PduLayout& layout, size_t begin) {
  PduBorders borders;
  borders.begin = begin;
  borders.bhs_end = begin + layout.ahs;
  // Each AHS is its length (2 bytes), its type, that many bytes, and pad (RFC 7143 §11.2.2).
  for (size_t at = layout.ahs; at < layout.header_digest;) {
    const size_t length = at + 2 <= pdu.size() ? base::LoadBe16(&pdu[at]) : 0;
    at = std::min((at + 3 + length + 3) / 4 * 4, layout.header_digest);
    borders.ahs_ends.push_back(begin + at);
  }
  borders.header_digest_end = begin + layout.data;
  borders.data_end = begin + layout.pad;
  borders.pad_end = begin + layout.data_digest;
  borders.end = begin + layout.end;
  return borders;
}

void AddBorders(const PduBorders& pdu, std::vector<size_t>* to) {
  to->insert(to->end(), {pdu.begin, pdu.bhs_end});
  to->insert(to->end(), pdu.ahs_ends.begin(), pdu.ahs_ends.end());
  to->insert(to->end(), {pdu.header_digest_end, pdu.data_end, pdu.pad_end, pdu.end});
}

}  // namespace

std::string_view DirectionName(Direction direction) {
  return direction == Direction::kToTarget ? "to_target" : "to_initiator";
}

std::vector<size_t> Trace::Borders() const {
  std::vector<size_t> borders;
  for (const PduBorders& pdu : pdus) AddBorders(pdu, &borders);
  if (tail().size() >= kBhsSize) {
    AddBorders(BordersOf(tail(), LayoutOf(tail(), DigestsOf(pdus.size())), tail_begin), &borders);
  } else {
    borders.push_back(tail_begin);
  }
  std::sort(borders.begin(), borders.end());
  borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
  std::erase_if(borders, [&](size_t at) { return at == 0 || at >= bytes.size(); });
  return borders;
}

Trace MakeTrace(std::string name, Direction direction, const Parameters& parameters,
                std::vector<uint8_t> bytes) {
  Trace trace{std::move(name), direction, parameters, std::move(bytes), {}, 0};
  while (trace.tail().size() >= kBhsSize) {
    const base::Bytes rest = trace.tail();
    const PduLayout layout = LayoutOf(rest, trace.DigestsOf(trace.pdus.size()));
    if (layout.end > rest.size()) break;
    trace.pdus.push_back(BordersOf(rest, layout, trace.tail_begin));
    trace.tail_begin += layout.end;
  }
  return trace;
}

}  // namespace pushpull::replay
