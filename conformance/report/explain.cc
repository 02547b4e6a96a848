#include "conformance/report/explain.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "conformance/report/verdict.h"

namespace pushpull::conformance {
namespace {

constexpr size_t kMaxFrames = 5;  // named in a line

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
