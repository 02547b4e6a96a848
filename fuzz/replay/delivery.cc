#include "fuzz/replay/delivery.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace pushpull::replay {
namespace {

constexpr size_t kMaxShown = 12;  // cuts or batches in one line

absl::Status Bad(const Delivery& delivery, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("delivery \"", ToString(delivery), "\" ", base::ToAbsl(what)));
}

// "1+1+3 PDUs".
std::string Batches(const Delivery& delivery) {
  std::string text;
  size_t shown = 0;
  for (const Operation& operation : delivery.operations) {
    if (operation.kind == Operation::Kind::kEnd) continue;
    if (shown++ == kMaxShown) return text + "+...";
    absl::StrAppend(&text, text.empty() ? "" : "+", operation.count);
  }
  return text.empty() ? "nothing" : text + " PDUs";
}

// "cut at 50 (2 not yet) and 63".
std::string Cuts(const Delivery& delivery) {
  const std::vector<size_t> cuts = CutsOf(delivery);
  std::string text;
  size_t shown = 0;
  for (size_t i = 0; i < cuts.size();) {
    const auto same = std::find_if(cuts.begin() + static_cast<ptrdiff_t>(i), cuts.end(),
                                   [&](size_t cut) { return cut != cuts[i]; });
    const size_t waits = static_cast<size_t>(same - cuts.begin()) - i - 1;
    if (shown++ == kMaxShown) {
      return absl::StrCat(text, " and ", cuts.size() - i, " more");
    }
    const bool last = same == cuts.end();
    absl::StrAppend(&text, i == 0 ? "cut at " : last ? " and " : ", ", cuts[i]);
    if (waits > 0)
      absl::StrAppend(&text, " (not yet", waits > 1 ? absl::StrCat(" x", waits) : "", ")");
    i += waits + 1;
  }
  return text.empty() ? "whole" : text;
}

}  // namespace

std::string_view SourceName(Source source) {
  switch (source) {
    case Source::kTcp:
      return "tcp";
    case Source::kBytes:
      return "bytes";
    case Source::kPush:
      return "push";
  }
  return "?";
}

void Delivery::Clear(Source new_source) {
  source = new_source;
  not_yet_before_each_read = false;
  end_with_last = false;
  queue_capacity = kDefaultQueue;
  slots = 0;
  operations.clear();
}

Delivery Whole(const Trace& trace, Source source) {
  Delivery delivery;
  delivery.Clear(source);
  if (source == Source::kPush) {
    if (trace.messages() > 0) delivery.Push(trace.messages());
  } else if (!trace.bytes.empty()) {
    delivery.Feed(trace.bytes.size());
  }
  delivery.End();
  return delivery;
}

absl::Status Check(const Delivery& delivery, const Trace& trace) {
  const bool push = delivery.source == Source::kPush;
  uint64_t delivered = 0;
  for (size_t i = 0; i < delivery.operations.size(); ++i) {
    const Operation& operation = delivery.operations[i];
    const bool last = i + 1 == delivery.operations.size();
    if ((operation.kind == Operation::Kind::kEnd) != last) {
      return Bad(delivery, "must have one end, as its last operation");
    }
    if (operation.kind == (push ? Operation::Kind::kFeed : Operation::Kind::kPush)) {
      return Bad(delivery, push ? "feeds where it pushes" : "pushes where it feeds");
    }
    delivered += operation.count;
  }
  if (delivery.operations.empty()) return Bad(delivery, "doesn't end");
  if (delivery.queue_capacity == 0) return Bad(delivery, "has a queue without room");
  const uint64_t due = push ? trace.messages() : trace.bytes.size();
  if (delivered == due) return absl::OkStatus();
  return Bad(delivery,
             absl::StrCat("delivers ", delivered, " of ", due, push ? " messages" : " bytes"));
}

std::vector<size_t> CutsOf(const Delivery& delivery) {
  std::vector<size_t> cuts;
  size_t at = 0;
  size_t last_that_moves = 0;
  for (const Operation& operation : delivery.operations) {
    if (operation.kind == Operation::Kind::kEnd) break;
    at += operation.count;
    if (operation.count > 0) last_that_moves = cuts.size();
    cuts.push_back(at);
  }
  // Where the last one ends is no cut; waits there are.
  if (at > 0) cuts.erase(cuts.begin() + static_cast<ptrdiff_t>(last_that_moves));
  return cuts;
}

std::string ToString(const Delivery& delivery) {
  std::string text =
      absl::StrCat(base::ToAbsl(SourceName(delivery.source)), ", ",
                   delivery.source == Source::kPush ? Batches(delivery) : Cuts(delivery));
  if (delivery.not_yet_before_each_read) text += ", not yet before each read";
  if (delivery.end_with_last) text += ", the end with the last bytes";
  if (delivery.queue_capacity != Delivery::kDefaultQueue) {
    absl::StrAppend(&text, ", queue ", delivery.queue_capacity);
  }
  if (delivery.slots != 0) absl::StrAppend(&text, ", slots ", delivery.slots);
  return text;
}

}  // namespace pushpull::replay
