#include "fuzz/blackbox/plugin_cause.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/blackbox/slug.h"
#include "fuzz/replay/difference.h"

namespace pushpull::fuzz {
namespace {

// What the host adds to a log where the receiver ended, or got stuck.
constexpr std::array<std::string_view, 6> kFaults = {"crashed",   "exited",  "hung",
                                                     "violation", "garbled", "stuck"};

const v1::OtherEvent* FaultOf(const v1::EventLog& log) {
  if (log.event_size() == 0) return nullptr;
  const v1::Event& last = log.event(log.event_size() - 1);
  const bool fault = last.has_other() && std::find(kFaults.begin(), kFaults.end(),
                                                   last.other().kind()) != kFaults.end();
  return fault ? &last.other() : nullptr;
}

std::string KindOf(const v1::Event* event) {
  if (event == nullptr) return "nothing";
  switch (event->kind_case()) {
    case v1::Event::kPdu:
      return "a PDU";
    case v1::Event::kError:
      return "an error";
    case v1::Event::kEnd:
      return "the end";
    default:
      return absl::StrCat("\"", event->other().kind(), "\"");
  }
}

// In which part two PDUs differ.
std::string PartOf(const v1::PduComplete& a, const v1::PduComplete& b) {
  if (a.bhs() != b.bhs()) return "another header";
  if (a.ahs() != b.ahs()) return "other AHSs";
  if (a.data() != b.data()) return "other data";
  return "data told otherwise";
}

// In which part of a PDU the first cut is.
std::string PlaceOf(const replay::Trace& trace, const replay::Delivery& found) {
  const std::vector<size_t> cuts = replay::CutsOf(found);
  if (found.source == replay::Source::kPush) return cuts.empty() ? "pushed whole" : "pushed";
  if (cuts.empty()) return "uncut";
  const size_t at = cuts.front();
  for (const replay::PduBorders& pdu : trace.pdus) {
    if (at == pdu.begin || at == pdu.end) return "cut between PDUs";
    if (at > pdu.end) continue;
    if (at <= pdu.bhs_end) return "cut in the BHS";
    if (at <= pdu.ahs_end()) return "cut in the AHSs";
    if (at <= pdu.header_digest_end) return "cut in the header digest";
    if (at <= pdu.data_end) return "cut in the data";
    if (at <= pdu.pad_end) return "cut in the pad";
    return "cut in the data digest";
  }
  return "cut in the last PDU";
}

// Numbers within say of which input it was: they are left out.
std::string IdOf(std::string text) {
  std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return Slug(text);
}

}  // namespace

PluginCause CauseOf(const replay::Trace& trace, const replay::Delivery& found,
                    const v1::EventLog& reference_log, const v1::EventLog& found_log) {
  PluginCause cause;
  if (const v1::OtherEvent* const fault = FaultOf(found_log)) {
    cause.message = absl::StrCat(fault->kind(), ": ", fault->text());
    // The name of a signal is enough, what it means stands in brackets.
    std::string brief = cause.message;
    if (const size_t open = brief.find(" ("); open != std::string::npos) {
      const size_t close = brief.find(')', open);
      if (close != std::string::npos) brief.erase(open, close - open + 1);
    }
    cause.id = IdOf(std::move(brief));
    return cause;
  }
  const int first = replay::FirstDifference(reference_log, found_log);
  if (first < 0) return cause;
  const auto at = [first](const v1::EventLog& log) {
    return first < log.event_size() ? &log.event(first) : nullptr;
  };
  const v1::Event* const due = at(reference_log);
  const v1::Event* const came = at(found_log);
  const bool both = due != nullptr && came != nullptr && due->has_pdu() && came->has_pdu();
  const std::string what = both ? PartOf(due->pdu(), came->pdu())
                                : absl::StrCat(KindOf(came), " instead of ", KindOf(due));
  const std::string place = PlaceOf(trace, found);
  cause.message = absl::StrCat(what, " where it was ", place);
  // What becomes of it depends on the bytes that follow: the place is what they have in common.
  cause.id = IdOf(absl::StrCat("differs ", place));
  return cause;
}

}  // namespace pushpull::fuzz
