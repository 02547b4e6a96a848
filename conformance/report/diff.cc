#include "conformance/report/diff.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "conformance/report/verdict.h"

namespace pushpull::conformance {
namespace {

using Kind = CaseChange::Kind;
using ById = std::map<std::string, const v1::CaseResult*>;

ById Index(const v1::RunResult& run) {
  ById results;
  for (const v1::CaseResult& result : run.result()) results[result.id()] = &result;
  return results;
}

const v1::CaseResult* Find(const ById& results, const std::string& id) {
  const auto found = results.find(id);
  return found == results.end() ? nullptr : found->second;
}

Kind KindOf(const v1::CaseResult* before, const v1::CaseResult* after, bool strict) {
  if (after == nullptr) return Kind::kGone;
  const bool good_now = IsExpected(*after, strict);
  if (before == nullptr) return good_now ? Kind::kNew : Kind::kWorse;
  const bool good_before = IsExpected(*before, strict);
  if (good_now == good_before) return Kind::kOther;
  return good_now ? Kind::kBetter : Kind::kWorse;
}

}  // namespace

std::vector<CaseChange> Diff(const v1::RunResult& before, const v1::RunResult& after, bool strict) {
  const ById earlier = Index(before), later = Index(after);
  std::set<std::string> ids;
  for (const auto& [id, result] : earlier) ids.insert(id);
  for (const auto& [id, result] : later) ids.insert(id);
  std::vector<CaseChange> changes;
  for (const std::string& id : ids) {
    const v1::CaseResult* const was = Find(earlier, id);
    const v1::CaseResult* const is = Find(later, id);
    CaseChange change = {.kind = KindOf(was, is, strict),
                         .id = id,
                         .before = was == nullptr ? "" : std::string(VerdictName(*was)),
                         .after = is == nullptr ? "" : std::string(VerdictName(*is)),
                         .message = (is == nullptr ? was : is)->failure().message()};
    if (change.before != change.after) changes.push_back(std::move(change));
  }
  return changes;
}

std::string DiffText(const std::vector<CaseChange>& changes) {
  const std::pair<Kind, const char*> kinds[] = {
      {Kind::kWorse, "worse"},
      {Kind::kBetter, "better"},
      {Kind::kOther, "changed, and neither better nor worse"},
      {Kind::kNew, "new"},
      {Kind::kGone, "not played any more"},
  };
  std::string text;
  for (const auto& [kind, title] : kinds) {
    const auto count = std::count_if(changes.begin(), changes.end(),
                                     [k = kind](const auto& change) { return change.kind == k; });
    if (count == 0) continue;
    absl::StrAppend(&text, title, ": ", count, "\n");
    for (const CaseChange& change : changes) {
      if (change.kind != kind) continue;
      absl::StrAppend(&text, "  ", change.id, ": ", change.before.empty() ? "-" : change.before,
                      " -> ", change.after.empty() ? "-" : change.after,
                      change.message.empty() ? "" : ": ", change.message, "\n");
    }
  }
  return text;
}

}  // namespace pushpull::conformance
