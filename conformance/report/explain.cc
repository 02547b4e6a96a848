#include "conformance/report/explain.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "conformance/report/verdict.h"

namespace pushpull::conformance {
namespace {

constexpr size_t kMaxFrames = 5;  // named in a line
constexpr size_t kMaxCases = 10;  // likewise

struct Cause {
  std::vector<std::string> cases;
  std::string first;  // what was said there, where it isn't the cause's own name
};

// Failures that have no cause in common with many.
std::string AloneLine(const std::vector<std::string>& cases) {
  const size_t named = std::min(cases.size(), kMaxCases);
  return absl::StrCat(cases.size(), cases.size() == 1 ? " other: " : " others: ",
                      absl::StrJoin(cases.begin(), cases.begin() + named, ", "),
                      named < cases.size() ? " ..." : "");
}

}  // namespace

std::vector<std::string> ViolationLines(const v1::CaseResult& result) {
  std::vector<std::string> lines;
  const auto& all = result.violation();
  for (auto first = all.begin(); first != all.end(); ++first) {
    const auto same = [first](const v1::Violation& one) {
      return one.rule() == first->rule() && one.level() == first->level();
    };
    if (std::any_of(all.begin(), first, same)) continue;
    std::string line =
        absl::StrCat("PDU ", first->frame(), ": ", first->message(), " (", first->rule(), ", ",
                     first->section(), first->expected() ? "; expected by the profile)" : ")");
    size_t more = 0;
    std::string frames;
    for (auto next = first + 1; next != all.end(); ++next) {
      if (!same(*next)) continue;
      if (++more <= kMaxFrames) absl::StrAppend(&frames, more == 1 ? " " : ", ", next->frame());
    }
    if (more != 0) {
      absl::StrAppend(&line, "; ", more + 1, " times, also at PDU", frames,
                      more > kMaxFrames ? " ..." : "");
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> CauseLines(const v1::RunResult& run, bool strict) {
  constexpr size_t kFew = 2;
  std::map<std::string, Cause> causes;
  std::vector<std::string> alone;  // of no cause that many share
  for (const v1::CaseResult& result : run.result()) {
    if (IsExpected(result, strict) || WasNotPlayed(result.verdict())) continue;
    // What a target's end left unplayed is told with what else wasn't played.
    if (!absl::StartsWith(result.failure().message(), "not played:")) alone.push_back(result.id());
    std::set<std::string> told;
    for (const v1::Violation& violation : result.violation()) {
      if (violation.expected()) continue;
      std::string name = absl::StrCat("rule ", violation.rule(), " (", violation.section(), ")");
      if (!told.insert(name).second) continue;
      Cause& cause = causes[name];
      if (cause.cases.empty()) cause.first = violation.message();
      cause.cases.push_back(result.id());
    }
    const std::string& message = result.failure().message();
    // Those of the monitor are among the violations.
    if (!message.empty() && !(absl::StartsWith(message, "monitor: ") && !told.empty())) {
      causes[message].cases.push_back(result.id());
    }
  }
  std::vector<std::pair<size_t, std::string>> lines;
  for (const auto& [name, cause] : causes) {
    if (cause.cases.size() <= kFew) continue;
    std::erase_if(alone, [&of = cause.cases](const std::string& id) {
      return std::find(of.begin(), of.end(), id) != of.end();
    });
    lines.emplace_back(
        cause.cases.size(),
        absl::StrCat(cause.cases.size(), " cases: ", name, "; first ", cause.cases.front(),
                     cause.first.empty() ? "" : ": ", cause.first));
  }
  std::sort(lines.begin(), lines.end(), [](const auto& one, const auto& other) {
    return one.first != other.first ? one.first > other.first : one.second < other.second;
  });
  std::vector<std::string> out;
  for (auto& [count, line] : lines) out.push_back(std::move(line));
  if (!out.empty() && !alone.empty()) out.push_back(AloneLine(alone));
  return out;
}

bool WorthReplaying(const v1::CaseResult& result) {
  if (result.overlay() == v1::XFAIL) return false;
  if (result.overlay() == v1::XPASS) return true;
  return result.verdict() != v1::PASS && !WasNotPlayed(result.verdict());
}

std::string ComplaintLine(const std::string& profile, const v1::ProfileComplaint& complaint) {
  std::string line = profile;
  if (complaint.line() != 0) absl::StrAppend(&line, ":", complaint.line());
  return absl::StrCat(line, ": entry ", complaint.id(), " ", complaint.message());
}

}  // namespace pushpull::conformance
