// The replay finds each defect of the receive machine: for each named one there is a trace and a
// delivery whose events differ from those of the same trace's whole delivery, both received by the
// defective machine. mutants.md holds the least delivery of each.

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "conformance/scenario/scenario_file.h"
#include "fuzz/replay/replay_testing.h"
#include "fuzz/replay/rx_receiver.h"
#include "fuzz/replay/scenario_trace.h"
#include "fuzz/replay/window_receiver.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"

namespace pushpull::replay {
namespace {

using target::Bug;

constexpr size_t kLongestCut = 700;  // bytes of a trace that is cut at each byte

// Of the corpus: those that show a defect early. The list is fixed so that a new trace doesn't
// change which delivery is the least.
constexpr const char* kTraces[] = {
    "ahs_largest",
    "ahs_length_swallows_the_next",
    "ahs_length_zero",
    "ahs_several_with_data_and_digests",
    "data_digest_wrong_on_data_out",
    "data_digest_wrong_on_ping",
    "data_segment_length_largest",
    "data_where_none_belongs",
    "header_digest_wrong",
    "header_digest_wrong_on_too_long",
    "immediate_data_0",
    "immediate_data_1",
    "immediate_data_2",
    "immediate_data_3",
    "login_continued",
    "logout",
    "single_byte",
    "truncated_in_data_digest",
    "truncated_in_header",
    "truncated_in_pad",
};

// Where a defect acts, and what it gets wrong.
struct Place {
  Bug bug;
  const char* where;
  const char* what;
  bool carries = false;  // something over from the PDU before
};
constexpr Place kPlaces[] = {
    {Bug::kRxAhsForgotten, "BHS", "length"},
    {Bug::kRxBhsLostWithoutSlot, "BHS", "slot"},
    {Bug::kRxBhsNotCopied, "BHS", "pointer"},
    {Bug::kRxHeaderCrcCarried, "BHS", "digest", true},
    {Bug::kRxAhsLengthCarried, "AHS", "length", true},
    {Bug::kRxAhsLostWhenCut, "AHS", "order"},
    {Bug::kRxAhsNotCopied, "AHS", "pointer"},
    {Bug::kRxAhsNotInDigest, "AHS", "digest"},
    {Bug::kRxHeaderDigestLateUnchecked, "header digest", "digest"},
    {Bug::kRxPlacedBeforeHeaderDigest, "header digest", "order"},
    {Bug::kRxLimitUnchecked, "data", "length"},
    {Bug::kRxDiscardCarried, "data", "order", true},
    {Bug::kRxDataTailAsPad, "data", "length"},
    {Bug::kRxDataPlaceRepeated, "data", "pointer"},
    {Bug::kRxDataPieceNotInDigest, "data", "digest"},
    {Bug::kRxDataCrcCarried, "data", "digest", true},
    {Bug::kRxPadAsData, "pad", "length"},
    {Bug::kRxPadByLastPiece, "pad", "length"},
    {Bug::kRxPadSkippedWhenLate, "pad", "order"},
    {Bug::kRxPadNotInDigest, "pad", "digest"},
    {Bug::kRxDataDigestLateUnchecked, "data digest", "digest"},
    {Bug::kRxQueuedBeforeDataDigest, "data digest", "order"},
    {Bug::kRxDigestFailureCarried, "data digest", "digest", true},
    {Bug::kRxLostWhenQueueFull, "complete", "slot"},
    {Bug::kRxQueuedTwice, "complete", "order"},
    {Bug::kRxRefusalCarried, "complete", "slot", true},
    {Bug::kRxFailureForgotten, "failed", "order"},
    {Bug::kRxPartialChunkDropped, "source", "length"},
    {Bug::kRxReadAheadTailLost, "source", "length"},
    {Bug::kRxReadAheadMovedShort, "source", "pointer"},
    {Bug::kRxMessageHeaderKept, "source", "pointer"},
    {Bug::kRxMessageOverread, "source", "length"},
    {Bug::kRxMessageSlotKept, "source", "slot"},
    {Bug::kRxQueueOverwritesOldest, "queue", "slot"},
    {Bug::kRxQueueNewestFirst, "queue", "order"},
    {Bug::kRxQueueKeepsReference, "queue", "slot"},
    {Bug::kRxWindowSlotLost, "window", "slot"},
    {Bug::kRxWindowGoesBack, "window", "order"},
    {Bug::kRxWindowImmediateLost, "window", "slot"},
};

// Short ones first.
const std::vector<Trace>& Traces() {
  static const std::vector<Trace>* const traces = [] {
    auto* all = new std::vector<Trace>();
    for (const std::string name : kTraces) {
      const std::string path = absl::StrCat("corpus/traces/to_target/", name, ".textproto");
      auto file = conformance::LoadScenario(path);
      EXPECT_TRUE(file.ok()) << file.status();
      if (!file.ok()) continue;
      auto made = TraceFromScenario(file->scenario, name);
      EXPECT_TRUE(made.ok()) << made.status();
      if (made.ok()) all->push_back(std::move(made->trace));
    }
    std::sort(all->begin(), all->end(), [](const Trace& a, const Trace& b) {
      return std::pair(a.bytes.size(), a.name) < std::pair(b.bytes.size(), b.name);
    });
    return all;
  }();
  return *traces;
}

// What the account of the window is tried with: commands and immediate PDUs, as many as there is
// room for.
const std::vector<Trace>& WindowTraces() {
  static const std::vector<Trace>* const traces = [] {
    const std::string ping = "step { send { pdu { nop_out {} } } } ";
    const std::string urgent_ping = "step { send { pdu { nop_out {} immediate: true } } } ";
    const std::string urgent_reset =
        "step { send { pdu { task_management_request { function: LOGICAL_UNIT_RESET } "
        "immediate: true } } } ";
    auto* all = new std::vector<Trace>{TraceOf("trace {} " + ping + ping + ping),
                                       TraceOf("trace {} " + ping + urgent_reset + urgent_ping)};
    all->at(0).name = "(three pings)";
    all->at(1).name = "(a ping, an immediate reset, an immediate ping)";
    return all;
  }();
  return *traces;
}

using Visit = std::function<bool(const Delivery&)>;  // false: enough

// ---- deliveries, from simple ones on ------------------------------------------------------------

bool InOnePiece(const Trace& trace, Source source, const Visit& visit) {
  Delivery delivery = Whole(trace, source);
  if (!visit(delivery)) return false;
  delivery.end_with_last = true;
  return visit(delivery);
}

bool WithLittleRoom(const Trace& trace, Source source, const Visit& visit) {
  Delivery delivery = Whole(trace, source);
  for (const uint16_t queue : {1, 2, 3, 8}) {
    delivery.queue_capacity = queue;
    if (!visit(delivery)) return false;
  }
  delivery.queue_capacity = Delivery::kDefaultQueue;
  for (const uint16_t slots : {1, 2, 3}) {
    delivery.slots = slots;
    if (!visit(delivery)) return false;
  }
  return true;
}

bool InTwo(const Trace& trace, Source source, const Visit& visit) {
  const size_t all = source == Source::kPush ? trace.messages() : trace.bytes.size();
  if (trace.bytes.size() > kLongestCut) return true;
  Delivery delivery;
  for (size_t cut = 1; cut < all; ++cut) {
    delivery.Clear(source);
    for (const size_t piece : {cut, all - cut}) {
      source == Source::kPush ? delivery.Push(piece) : delivery.Feed(piece);
    }
    delivery.End();
    if (!visit(delivery)) return false;
  }
  return true;
}

// In equal pieces, with a wait before each chunk.
bool InMany(const Trace& trace, Source source, const Visit& visit) {
  const bool push = source == Source::kPush;
  const size_t all = push ? trace.messages() : trace.bytes.size();
  Delivery delivery = Whole(trace, source);
  delivery.not_yet_before_each_read = true;
  if (!push && !visit(delivery)) return false;
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{536}}) {
    for (const uint16_t queue : {Delivery::kDefaultQueue, uint16_t{1}}) {
      delivery.Clear(source);
      delivery.queue_capacity = queue;
      for (size_t at = 0; at < all; at += piece) {
        const size_t n = std::min(piece, all - at);
        push ? delivery.Push(n) : delivery.Feed(n);
      }
      delivery.End();
      if (!visit(delivery)) return false;
    }
  }
  return true;
}

// All deliveries of all traces, the simplest kind first. Of each trace the first is the reference.
void VisitAll(Receiver& receiver, const std::vector<Trace>& traces,
              const std::function<bool(const Trace&, const Delivery&, bool reference)>& visit) {
  for (const auto kind : {&InOnePiece, &InTwo, &WithLittleRoom, &InMany}) {
    for (const Trace& trace : traces) {
      if (!receiver.Open(trace).ok()) continue;
      bool first = true;
      for (const Source source : receiver.sources()) {
        if (source == Source::kPush && !receiver.push_equals_pull()) first = true;
        if (first && !visit(trace, Whole(trace, source), true)) return;
        first = false;
        const auto one = [&](const Delivery& d) { return visit(trace, d, false); };
        if (!(*kind)(trace, source, one)) return;
      }
    }
  }
}

// ---- what differs -------------------------------------------------------------------------------

std::string KindOf(const v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kPdu:
      return "a PDU";
    case v1::Event::kError:
      return absl::StrCat("error ", event.error().reason());
    case v1::Event::kEnd:
      return event.end().inside_pdu() ? "an end inside a PDU" : "the end";
    case v1::Event::kOther:
      return absl::StrCat(event.other().kind(), ": ", event.other().text());
    default:
      return "nothing";
  }
}

// The first difference, in a few words.
std::string Difference(const v1::EventLog& whole, const v1::EventLog& cut) {
  const int common = std::min(whole.event_size(), cut.event_size());
  for (int i = 0; i < common; ++i) {
    const v1::Event& a = whole.event(i);
    const v1::Event& b = cut.event(i);
    if (a.SerializeAsString() == b.SerializeAsString()) continue;
    const std::string at = absl::StrCat(" of PDU ", i + 1);
    if (a.has_pdu() && b.has_pdu()) {
      if (a.pdu().bhs() != b.pdu().bhs()) return absl::StrCat("BHS", at);
      if (a.pdu().ahs() != b.pdu().ahs()) return absl::StrCat("AHSs", at);
      if (a.pdu().data_discarded() != b.pdu().data_discarded()) {
        return absl::StrCat("discarded data", at);
      }
      if (a.pdu().data() != b.pdu().data()) return absl::StrCat("data", at);
      return absl::StrCat("data digest", at);
    }
    return absl::StrCat(KindOf(b), " instead of ", KindOf(a));
  }
  if (cut.event_size() > common) return KindOf(cut.event(common));
  if (whole.event_size() > common) return absl::StrCat("no ", KindOf(whole.event(common)));
  return KindOf(cut.event(common - 1));  // both break a promise
}

struct Finding {
  std::string trace;
  std::string delivery;
  std::string difference;
};

std::optional<Finding> Find(Receiver& receiver, const std::vector<Trace>& traces) {
  std::optional<Finding> found;
  Delivery reference;
  uint64_t right = 0;
  VisitAll(receiver, traces, [&](const Trace& trace, const Delivery& delivery, bool is_reference) {
    const Outcome outcome = receiver.Play(delivery).value();
    if (is_reference) reference = delivery, right = outcome.events_digest;
    if (outcome.events_digest == right && !outcome.fault) return true;
    found = {
        trace.name, ToString(delivery),
        Difference(receiver.PlayForLog(reference).value(), receiver.PlayForLog(delivery).value())};
    return false;
  });
  return found;
}

bool IsWindows(const target::BugInfo& info) { return info.name.find("rx_window") == 0; }

std::unique_ptr<Receiver> Defective(const target::BugInfo& info) {
  target::BugSet bugs;
  bugs.Add(info.bug);
  return IsWindows(info) ? MakeWindowReceiver(bugs) : MakeRxReceiver(bugs);
}

TEST(MutantsTest, NothingIsFoundWithoutADefect) {
  const auto machine = MakeRxReceiver();
  if (const auto found = Find(*machine, Traces())) {
    ADD_FAILURE() << found->trace << ", " << found->delivery << ": " << found->difference;
  }
  const auto window = MakeWindowReceiver();
  if (const auto found = Find(*window, WindowTraces())) {
    ADD_FAILURE() << found->trace << ", " << found->delivery << ": " << found->difference;
  }
}

TEST(MutantsTest, EveryStateAndEveryKindOfMistakeHasADefect) {
  if (!target::kBugsEnabled) return;
  std::set<Bug> placed;
  std::map<std::string, int> count;
  for (const Place& place : kPlaces) {
    EXPECT_TRUE(placed.insert(place.bug).second) << target::BugName(place.bug);
    ++count[place.where];
    ++count[place.what];
    if (place.carries) ++count["carries"];
  }
  for (const target::BugInfo& info : target::AllBugs()) {
    EXPECT_EQ(placed.contains(info.bug), info.by_delivery()) << info.name;
  }
  for (const char* name : {"BHS", "AHS", "header digest", "data", "pad", "data digest", "complete",
                           "failed", "length", "order", "pointer", "digest", "slot"}) {
    EXPECT_GE(count[name], 1) << name;
  }
  EXPECT_GE(count["carries"], 5);
  EXPECT_GE(count["queue"], 3);
  EXPECT_GE(count["window"], 3);
}

TEST(MutantsTest, EachDefectIsFoundByTheDeliveryThatTheTableNames) {
  if (!target::kBugsEnabled) return;
  std::string table =
      "| where | what | defect | trace | least delivery | first difference |\n"
      "|---|---|---|---|---|---|\n";
  for (const Place& place : kPlaces) {
    const target::BugInfo& info = target::AllBugs()[static_cast<size_t>(place.bug)];
    const auto receiver = Defective(info);
    const auto found = Find(*receiver, IsWindows(info) ? WindowTraces() : Traces());
    EXPECT_TRUE(found.has_value()) << info.name << " isn't found by any delivery";
    if (!found.has_value()) continue;
    absl::StrAppend(&table, "| ", place.where, " | ", place.what,
                    place.carries ? " (carried over)" : "", " | `", std::string(info.name), "` | ",
                    found->trace, " | ", found->delivery, " | ", found->difference, " |\n");
  }
  std::ifstream file("fuzz/replay/mutants.md");
  std::stringstream shown;
  shown << file.rdbuf();
  EXPECT_NE(shown.str().find(table), std::string::npos) << "fuzz/replay/mutants.md is due:\n"
                                                        << table;
}

}  // namespace
}  // namespace pushpull::replay
