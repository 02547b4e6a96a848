#include "target/bugs/bugs.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "base/poison.h"

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

std::vector<std::string> NearestNames(std::string_view typed) {
  std::vector<std::string> names;
  for (const BugInfo& info : kTable) names.emplace_back(info.name);
  return base::Nearest(typed, names);
}

#endif  // PUSHPULL_BUGS

}  // namespace

#if PUSHPULL_BUGS

std::span<const BugInfo> AllBugs() { return kTable; }

std::string_view BugName(Bug bug) { return kTable[static_cast<size_t>(bug)].name; }

absl::StatusOr<Bug> ParseBugName(std::string_view name) {
  for (const BugInfo& info : kTable) {
    if (info.name != name) continue;
    if (info.memory_breaking && !base::kSeesMemoryErrors) {
      return absl::FailedPreconditionError(
          absl::StrCat("defect '", std::string(name),
                       "' breaks memory: build with --config=asan, where it is seen"));
    }
    return info.bug;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "no defect is called '", std::string(name), "'; nearest: ",
      absl::StrJoin(NearestNames(name), ", "), " (`pushpull target --list-bugs` shows all)"));
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
