#include "target/bugs/bugs.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace pushpull::target {
namespace {

#if PUSHPULL_BUGS

enum Memory : bool { kSafe = false, kBreaksMemory = true };

constexpr BugInfo kTable[] = {
#define BUG(enumerator, name, memory, rows, sentence) \
  {Bug::enumerator, name, sentence, rows, memory},
#include "target/bugs/bug_list.inc"
#undef BUG
};
static_assert(std::size(kTable) == static_cast<size_t>(Bug::kCount));

// Levenshtein distance.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

// Up to three names, nearest first; one that holds what was typed comes before all others.
std::vector<std::string> NearestNames(std::string_view typed) {
  // A name that was typed never is as long as a message; the bound keeps the table small.
  typed = typed.substr(0, 100);
  std::vector<std::pair<size_t, std::string_view>> ranked;
  for (const BugInfo& info : kTable) {
    const bool holds = !typed.empty() && info.name.find(typed) != std::string_view::npos;
    ranked.emplace_back(holds ? 0 : EditDistance(typed, info.name), info.name);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min<size_t>(3, ranked.size()); ++i)
    names.emplace_back(ranked[i].second);
  return names;
}

constexpr bool Sanitized() {
#if defined(__SANITIZE_ADDRESS__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

#endif  // PUSHPULL_BUGS

}  // namespace

#if PUSHPULL_BUGS

std::span<const BugInfo> AllBugs() { return kTable; }

std::string_view BugName(Bug bug) { return kTable[static_cast<size_t>(bug)].name; }

absl::StatusOr<Bug> ParseBugName(std::string_view name) {
  for (const BugInfo& info : kTable) {
    if (info.name != name) continue;
    if (info.memory_breaking && !Sanitized()) {
      return absl::FailedPreconditionError(
          absl::StrCat("defect '", std::string(name),
                       "' breaks memory: build with --config=asan, where it is seen"));
    }
    return info.bug;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "no defect is called '", std::string(name),
      "'; nearest: ", absl::StrJoin(NearestNames(name), ", "), " (--list-bugs shows all)"));
}

#else

std::span<const BugInfo> AllBugs() { return {}; }

std::string_view BugName(Bug) { return "(none in this build)"; }

absl::StatusOr<Bug> ParseBugName(std::string_view name) {
  return absl::FailedPreconditionError(
      absl::StrCat("defect '", std::string(name),
                   "' is not in this build: it was made with --//target/bugs:enabled=false"));
}

#endif  // PUSHPULL_BUGS

}  // namespace pushpull::target
