#include "conformance/report/text.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/text.h"
#include "conformance/report/explain.h"
#include "conformance/report/verdict.h"

namespace pushpull::conformance {
namespace {

std::string Colored(std::string_view text, const v1::CaseResult& result,
                    const TextOptions& options) {
  if (!options.color) return std::string(text);
  const char* color = "\033[32m";
  if (!IsExpected(result, options.strict)) {
    color = "\033[1;31m";
  } else if (result.verdict() != v1::PASS) {
    color = "\033[33m";
  }
  return absl::StrCat(color, base::ToAbsl(text), "\033[0m");
}

// "label: text", further lines of the text below its first.
void AppendField(std::string* out, std::string_view label, std::string_view text) {
  if (text.empty()) return;
  bool first = true;
  for (absl::string_view line : absl::StrSplit(base::ToAbsl(text), '\n', absl::SkipEmpty())) {
    absl::StrAppendFormat(out, "    %-13s%s\n",
                          first ? absl::StrCat(base::ToAbsl(label), ":") : std::string(), line);
    first = false;
  }
}

// "1 case", "2 cases"
std::string Cases(int count) { return absl::StrCat(count, count == 1 ? " case" : " cases"); }

// Each reason once, those of the most cases first.
void AppendWhatWasNotPlayed(const v1::RunResult& run, std::string* out) {
  std::map<std::string, int> counts;
  int all = 0;
  for (const v1::CaseResult& result : run.result()) {
    const bool after_a_death = result.verdict() == v1::ERROR &&
                               absl::StartsWith(result.failure().message(), "not played:");
    if (!WasNotPlayed(result.verdict()) && !after_a_death) continue;
    ++all;
    ++counts[absl::StrCat(base::ToAbsl(VerdictName(result)), ": ", result.failure().message())];
  }
  std::vector<std::pair<int, std::string>> reasons;
  for (const auto& [reason, count] : counts) reasons.emplace_back(-count, reason);
  std::sort(reasons.begin(), reasons.end());
  if (all > 0) absl::StrAppend(out, "\nnot played: ", all, " of ", Cases(run.result_size()), "\n");
  for (const auto& [count, reason] : reasons)
    absl::StrAppendFormat(out, "%6d %s\n", -count, reason);
  for (const v1::LeftOut& left_out : run.left_out()) {
    absl::StrAppend(out, "\nleft out: ", Cases(static_cast<int>(left_out.cases())), " ",
                    left_out.reason(), "\n");
  }
}

void AppendCauses(const v1::RunResult& run, const TextOptions& options, std::string* out) {
  const std::vector<std::string> lines = CauseLines(run, options.strict);
  if (!lines.empty()) absl::StrAppend(out, "\nby cause:\n");
  for (const std::string& line : lines) absl::StrAppend(out, "  ", line, "\n");
}

// Where a run takes its time: those that took long, of many.
void AppendSlowest(const v1::RunResult& run, std::string* out) {
  constexpr int kFewest = 20;
  constexpr size_t kMost = 5;
  constexpr double kLong = 1;  // seconds
  if (run.result_size() < kFewest) return;
  std::vector<const v1::CaseResult*> slow;
  for (const v1::CaseResult& result : run.result()) {
    if (result.seconds() >= kLong) slow.push_back(&result);
  }
  if (slow.empty()) return;
  std::sort(slow.begin(), slow.end(), [](const auto* one, const auto* other) {
    return std::pair(-one->seconds(), one->id()) < std::pair(-other->seconds(), other->id());
  });
  if (slow.size() > kMost) slow.resize(kMost);
  absl::StrAppend(out, "\nslowest:\n");
  for (const v1::CaseResult* result : slow) {
    absl::StrAppendFormat(out, "%8.1f s %s\n", result->seconds(), result->id());
  }
}

bool NeedsExplaining(const v1::CaseResult& result) {
  return result.verdict() != v1::PASS || result.overlay() != v1::OVERLAY_NONE ||
         !result.violation().empty();
}

}  // namespace

std::string CaseText(const v1::CaseResult& result, const TextOptions& options) {
  std::string out = absl::StrFormat(
      "%s %s (%.3f s)\n",
      Colored(absl::StrFormat("%-11s", base::ToAbsl(VerdictName(result))), result, options),
      result.id(), result.seconds());
  if (!NeedsExplaining(result)) return out;

  const v1::Failure& failure = result.failure();
  AppendField(&out, "what", failure.message());
  if (result.overlay() == v1::XFAIL) {
    AppendField(&out, "known", result.overlay_reason());
    return out;
  }
  AppendField(&out, "profile", result.overlay_reason());
  AppendField(&out, "due", result.title());
  AppendField(&out, "requirement", absl::StrJoin(failure.cite(), ", "));
  AppendField(&out, "expected", failure.expected());
  AppendField(&out, "came", failure.actual());
  for (const std::string& line : ViolationLines(result)) AppendField(&out, "monitor", line);
  if (failure.line() != 0) {
    AppendField(&out, "script", absl::StrCat(failure.file(), ":", failure.line()));
  }
  if (WorthReplaying(result)) AppendField(&out, "replay", result.replay());
  return out;
}

std::string SummaryText(const v1::RunResult& run, const TextOptions& options) {
  std::map<std::string, std::map<std::string, int>> areas;
  std::map<std::string, int> total;
  int unexpected = 0, cut_short = 0;
  for (const v1::CaseResult& result : run.result()) {
    const std::string verdict(VerdictName(result));
    ++areas[result.area()][verdict];
    cut_short += result.verdict() == v1::NOT_PLAYED;
    if (result.verdict() != v1::NOT_PLAYED) ++total[verdict];
    unexpected += !IsExpected(result, options.strict);
  }
  const auto join = [](const std::map<std::string, int>& counts) {
    return absl::StrJoin(counts, ", ", [](std::string* out, const auto& count) {
      absl::StrAppend(out, count.second, " ", count.first);
    });
  };
  std::string out = "\n";
  if (!run.run_error().empty() && cut_short == 0) {
    absl::StrAppend(&out, "the run failed: ", run.run_error(), "\n\n");
  }
  for (const auto& [area, counts] : areas) {
    absl::StrAppendFormat(&out, "  %-16s %s\n", area, join(counts));
  }
  AppendWhatWasNotPlayed(run, &out);
  AppendSlowest(run, &out);
  AppendCauses(run, options, &out);
  const int judged = run.result_size() - cut_short;
  // Of a run that failed before its first case, or had none, there is nothing to be said.
  const bool none = run.result().empty();
  std::string end = unexpected > 0   ? absl::StrCat(unexpected, " not as expected")
                    : none           ? "nothing was tested"
                    : cut_short == 0 ? "all as expected"
                                     : "none of them unexpected";
  if (cut_short > 0) {
    absl::StrAppend(&end, "; the run was CUT SHORT: ", Cases(cut_short), " ",
                    cut_short == 1 ? "was" : "were", " not played");
  }
  absl::StrAppendFormat(&out, "\n%s%s in %.1f s: %s%s%s\n",
                        cut_short > 0 ? absl::StrCat(judged, " of ") : std::string(),
                        Cases(run.result_size()), run.seconds(), join(total),
                        total.empty() ? "" : "; ", end);
  for (const std::string& warning : run.warning()) {
    absl::StrAppend(&out, "WARNING: ", warning, "\n");
  }
  if (!run.profile_complaint().empty()) {
    absl::StrAppendFormat(
        &out, "profile: %d %s, which fails the run\n", run.profile_complaint_size(),
        run.profile_complaint_size() == 1 ? "entry no longer holds" : "entries no longer hold");
    for (const v1::ProfileComplaint& complaint : run.profile_complaint()) {
      absl::StrAppend(&out, "  ", ComplaintLine(run.profile(), complaint), "\n");
    }
  }
  return out;
}

}  // namespace pushpull::conformance
