#include "conformance/runner/overlay.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/glob.h"

namespace pushpull::conformance {
namespace {

// Of a message, what another run will say, too: up to the first number.
std::string StablePrefix(const std::string& message) {
  constexpr size_t kEnough = 12;
  const size_t digit = message.find_first_of("0123456789");
  if (digit == std::string::npos || digit < kEnough) return message;
  return std::string(absl::StripTrailingAsciiWhitespace(message.substr(0, digit)));
}

bool Judged(v1::Verdict verdict) {
  return verdict == v1::PASS || verdict == v1::FAIL || verdict == v1::TIMEOUT ||
         verdict == v1::WARN || verdict == v1::AMBIGUOUS;
}

}  // namespace

ProfileOverlay::ProfileOverlay(const v1::Profile& profile, std::string_view today,
                               const std::vector<uint32_t>& lines) {
  for (const v1::ExpectedFailure& expected : profile.expect()) {
    Entry entry;
    entry.expected = expected;
    for (const std::string& name : expected.verdict()) {
      v1::Verdict verdict;
      if (v1::Verdict_Parse(name, &verdict)) entry.verdicts.push_back(verdict);
    }
    if (expected.verdict().empty()) entry.verdicts.push_back(v1::FAIL);
    entry.expired = !expected.expires().empty() && expected.expires() < today;
    if (entries_.size() < lines.size()) entry.line = lines[entries_.size()];
    entry.glob = expected.id().find_first_of("*?") != std::string::npos;
    entries_.push_back(std::move(entry));
  }
  for (const v1::ExpectedViolation& expected : profile.expect_violation()) {
    rules_.push_back({.rule = expected.rule(),
                      .expired = !expected.expires().empty() && expected.expires() < today,
                      .unsteady = expected.unsteady()});
  }
}

void ProfileOverlay::SetCases(const std::vector<std::string>& ids) {
  ids_ = ids;
  for (Entry& entry : entries_) {
    entry.cases = static_cast<size_t>(std::count_if(ids.begin(), ids.end(), [&](const auto& id) {
      return GlobMatch(entry.expected.id(), id);
    }));
  }
}

void ProfileOverlay::Apply(v1::CaseResult* result) {
  ++applied_;
  for (const v1::Violation& violation : result->violation()) {
    for (KnownRule& known : rules_) known.seen = known.seen || known.rule == violation.rule();
  }
  std::string differs;
  const Entry* as_expected = nullptr;
  const Entry* passed_one = nullptr;
  const v1::Verdict verdict = result->verdict();
  for (Entry& entry : entries_) {
    if (!GlobMatch(entry.expected.id(), result->id())) continue;
    // A case that could not be judged says nothing about the entry.
    if (Judged(verdict)) ++entry.judged;
    if (entry.expired) continue;
    const bool verdict_fits =
        std::find(entry.verdicts.begin(), entry.verdicts.end(), verdict) != entry.verdicts.end();
    const bool message_fits =
        absl::StartsWith(result->failure().message(), entry.expected.message_prefix());
    if (verdict_fits && message_fits) {
      entry.failed_as_expected = true;
      if (entry.taken.empty()) entry.taken = result->failure().message();
      if (as_expected == nullptr) as_expected = &entry;
    } else if (verdict == v1::PASS) {
      if (!entry.glob && !entry.expected.unsteady()) passed_one = &entry;
    } else if (verdict_fits) {
      differs = absl::StrCat("the profile expects a message that starts with \"",
                             entry.expected.message_prefix(), "\"");
    } else {
      differs =
          absl::StrCat("the profile expects ", absl::StrJoin(entry.expected.verdict(), " or "),
                       entry.expected.verdict().empty() ? "FAIL" : "");
    }
  }
  if (as_expected != nullptr) {
    result->set_overlay(v1::XFAIL);
    result->set_overlay_reason(as_expected->expected.reason());
  } else if (passed_one != nullptr) {
    result->set_overlay(v1::XPASS);
    result->set_overlay_reason(absl::StrCat("expected to fail: ", passed_one->expected.reason()));
  } else if (!differs.empty()) {
    result->set_overlay_reason(differs);
  }
}

std::string ProfileOverlay::ComplaintOf(const Entry& entry) const {
  if (entry.expired) {
    return absl::StrCat("expired on ", entry.expected.expires(), ": look at it again");
  }
  // Of `pushpull fuzz`: no run of the suites comes to it.
  if (entry.expected.id().starts_with("fuzz/")) return "";
  if (entry.cases == 0) {
    const std::vector<std::string> nearest = base::Nearest(entry.expected.id(), ids_);
    return absl::StrCat(
        "matches no case: remove it",
        nearest.empty() ? ""
                        : absl::StrCat(", or did you mean ", absl::StrJoin(nearest, ", "), "?"));
  }
  if (!entry.glob || entry.judged != entry.cases) return "";
  if (entry.failed_as_expected || entry.expected.unsteady()) return "";
  return entry.cases == 1 ? std::string("matches a case that doesn't fail so any more: remove it")
                          : absl::StrCat("matches ", entry.cases,
                                         " cases, none of which fails so any more: remove it");
}

std::string ProfileOverlay::ComplaintOf(const KnownRule& known) const {
  if (known.expired) return "expired: look at it again";
  // What a part of the cases doesn't show says nothing.
  if (known.seen || known.unsteady || applied_ < ids_.size()) return "";
  return "is a rule that no case shows broken any more: remove it";
}

std::vector<v1::ProfileComplaint> ProfileOverlay::Complaints() const {
  std::vector<v1::ProfileComplaint> complaints;
  for (const Entry& entry : entries_) {
    const std::string message = ComplaintOf(entry);
    if (message.empty()) continue;
    v1::ProfileComplaint& complaint = complaints.emplace_back();
    complaint.set_id(entry.expected.id());
    complaint.set_message(message);
    complaint.set_line(entry.line);
  }
  for (const KnownRule& known : rules_) {
    const std::string message = ComplaintOf(known);
    if (message.empty()) continue;
    v1::ProfileComplaint& complaint = complaints.emplace_back();
    complaint.set_id(known.rule);
    complaint.set_message(message);
  }
  return complaints;
}

std::vector<std::string> ProfileOverlay::Warnings() const {
  std::vector<std::string> warnings;
  for (const Entry& entry : entries_) {
    const v1::ExpectedFailure& expected = entry.expected;
    if (!expected.unsteady() || !expected.message_prefix().empty() || entry.taken.empty()) continue;
    warnings.push_back(
        absl::StrCat("the profile's entry ", expected.id(),
                     " is unsteady and has no message_prefix: whatever "
                     "fails there is taken for what is known. Of this run: message_prefix: ",
                     QuotedText(StablePrefix(entry.taken))));
  }
  return warnings;
}

ProfileRepair ProfileOverlay::Repair(const v1::RunResult& run, bool strict) const {
  ProfileRepair repair;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    if (entry.expired) {
      repair.expired.push_back(entry.expected.id());
    } else if (!ComplaintOf(entry).empty()) {
      repair.drop.insert(i);
    }
  }
  for (const KnownRule& known : rules_) {
    if (known.expired) repair.expired.push_back(known.rule);
  }
  for (const v1::CaseResult& result : run.result()) {
    const bool known = std::find(ids_.begin(), ids_.end(), result.id()) != ids_.end();
    if (IsExpected(result, strict) || !known) continue;
    v1::ExpectedFailure added;
    bool expired = false;
    for (size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      expired = expired || (entry.expired && GlobMatch(entry.expected.id(), result.id()));
      if (entry.expected.id() != result.id()) continue;
      // It passes now, or fails in another way.
      if (!entry.expired && Judged(result.verdict())) repair.drop.insert(i);
      added = entry.expected;
    }
    // An entry that expired is for somebody to look at, not to be renewed unseen.
    if (expired || !MayBeExpected(result.verdict())) continue;
    added.set_id(result.id());
    added.clear_verdict();
    if (result.verdict() != v1::FAIL) added.add_verdict(v1::Verdict_Name(result.verdict()));
    added.set_message_prefix(StablePrefix(result.failure().message()));
    if (added.reason().empty()) added.set_reason("added by --fix-profile: say why");
    repair.add.push_back(std::move(added));
  }
  return repair;
}

}  // namespace pushpull::conformance
