#include "fuzz/replay/replay.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "fuzz/replay/difference.h"
#include "fuzz/replay/scenario_trace.h"
#include "pushpull/v1/event.pb.h"

namespace pushpull::replay {
namespace {

absl::StatusOr<Finding> Show(const Trace& trace, const Delivery& found, Receiver* receiver,
                             Oracle* oracle, const ReplayOptions& options) {
  Finding finding;
  uint64_t plays = 0;
  const auto differs = [&](const Delivery& delivery) -> absl::StatusOr<bool> {
    if (options.minimising && !options.minimising(++plays)) return absl::CancelledError();
    return oracle->Differs(delivery, receiver);
  };
  absl::StatusOr<Delivery> least = Minimise(trace, found, differs, options.minimise);
  if (!least.ok() && !absl::IsCancelled(least.status())) return least.status();
  finding.least = least.ok() ? *std::move(least) : found;
  const Delivery& reference = oracle->ReferenceOf(finding.least.source);
  PUSHPULL_ASSIGN_OR_RETURN(const v1::EventLog reference_log, receiver->PlayForLog(reference));
  PUSHPULL_ASSIGN_OR_RETURN(const v1::EventLog found_log, receiver->PlayForLog(finding.least));
  finding.text =
      DescribeDifference({&trace, &reference, &reference_log, &finding.least, &found_log});
  const std::string last_words = receiver->last_words();
  if (!last_words.empty()) absl::StrAppend(&finding.text, "  last words:\n", last_words);
  std::optional<v1::Scenario> own = receiver->ScenarioOf(finding.least);
  finding.scenario = own.has_value() ? *std::move(own) : ScenarioFromTrace(trace, finding.least);
  finding.scenario.set_title(
      absl::StrCat("A receiver (", receiver->name(), ") that depends on how the bytes come"));
  return finding;
}

}  // namespace

absl::StatusOr<Replayed> ReplayTrace(const Trace& trace, const std::optional<Delivery>& own,
                                     Receiver* receiver, const ReplayOptions& options) {
  Replayed replayed;
  replayed.result.trace = trace.name;
  const absl::Status opened = receiver->Open(trace);
  if (absl::IsInvalidArgument(opened) || absl::IsUnimplemented(opened)) {
    replayed.refused = std::string(opened.message());
    return replayed;
  }
  PUSHPULL_RETURN_IF_ERROR(opened);
  PUSHPULL_ASSIGN_OR_RETURN(Oracle oracle, Oracle::Make(trace, receiver));
  Budget budget = options.budget;
  budget.queues = receiver->has_queue();
  Deliveries deliveries(options.schedule, trace, receiver->sources(), budget);
  std::function<bool(uint64_t)> progress;
  if (options.progress) {
    progress = [&](uint64_t played) { return options.progress(played, deliveries.count()); };
  }
  PUSHPULL_ASSIGN_OR_RETURN(replayed.result,
                            Compare(trace, receiver, &oracle, own, &deliveries, progress));
  if (replayed.result.finding.has_value()) {
    PUSHPULL_ASSIGN_OR_RETURN(replayed.finding,
                              Show(trace, *replayed.result.finding, receiver, &oracle, options));
  }
  return replayed;
}

}  // namespace pushpull::replay
