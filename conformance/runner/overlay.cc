#include "conformance/runner/overlay.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "conformance/runner/glob.h"

namespace pushpull::conformance {
namespace {

bool IsDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  return std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) == 8;
}

bool Judged(v1::Verdict verdict) {
  return verdict == v1::PASS || verdict == v1::FAIL || verdict == v1::TIMEOUT ||
         verdict == v1::WARN || verdict == v1::AMBIGUOUS;
}

// What a profile may expect: everything that is not plainly a pass, and not our own error.
bool MayBeExpected(v1::Verdict verdict) {
  return verdict == v1::FAIL || verdict == v1::TIMEOUT || verdict == v1::WARN ||
         verdict == v1::AMBIGUOUS;
}

}  // namespace

absl::StatusOr<ProfileOverlay> ProfileOverlay::Create(const v1::Profile& profile,
                                                      std::string_view today,
                                                      const std::vector<uint32_t>& lines) {
  ProfileOverlay overlay;
  for (const v1::ExpectedFailure& expected : profile.expect()) {
    if (expected.id().empty() || expected.reason().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("profile entry \"", expected.id(), "\": an id and a reason are needed"));
    }
    Entry entry;
    entry.expected = expected;
    for (const std::string& name : expected.verdict()) {
      v1::Verdict verdict;
      if (!v1::Verdict_Parse(name, &verdict) || !MayBeExpected(verdict)) {
        return absl::InvalidArgumentError(
            absl::StrCat("profile entry \"", expected.id(), "\": verdict \"", name,
                         "\" is not one of FAIL, TIMEOUT, WARN, AMBIGUOUS"));
      }
      entry.verdicts.push_back(verdict);
    }
    if (entry.verdicts.empty()) entry.verdicts.push_back(v1::FAIL);
    if (!expected.expires().empty()) {
      if (!IsDate(expected.expires())) {
        return absl::InvalidArgumentError(absl::StrCat("profile entry \"", expected.id(),
                                                       "\": expires must be YYYY-MM-DD, not \"",
                                                       expected.expires(), "\""));
      }
      entry.expired = expected.expires() < today;
    }
    if (overlay.entries_.size() < lines.size()) entry.line = lines[overlay.entries_.size()];
    entry.glob = expected.id().find_first_of("*?") != std::string::npos;
    overlay.entries_.push_back(std::move(entry));
  }
  return overlay;
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
      if (as_expected == nullptr) as_expected = &entry;
    } else if (verdict == v1::PASS) {
      if (!entry.glob) passed_one = &entry;
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

std::vector<v1::ProfileComplaint> ProfileOverlay::Complaints() const {
  std::vector<v1::ProfileComplaint> complaints;
  for (const Entry& entry : entries_) {
    std::string message;
    if (entry.expired) {
      message = absl::StrCat("expired on ", entry.expected.expires(), ": look at it again");
    } else if (entry.cases == 0) {
      message = absl::StrCat("matches no case: remove it");
      const std::vector<std::string> nearest = base::Nearest(entry.expected.id(), ids_);
      if (!nearest.empty()) {
        absl::StrAppend(&message, ", or did you mean ", absl::StrJoin(nearest, ", "), "?");
      }
    } else if (entry.glob && entry.judged == entry.cases && !entry.failed_as_expected) {
      message = entry.cases == 1
                    ? std::string("the case that it matches doesn't fail so any more: remove it")
                    : absl::StrCat("none of the ", entry.cases,
                                   " cases that it matches fails so any more: remove it");
    }
    if (message.empty()) continue;
    v1::ProfileComplaint& complaint = complaints.emplace_back();
    complaint.set_id(entry.expected.id());
    complaint.set_message(message);
    complaint.set_line(entry.line);
  }
  return complaints;
}

}  // namespace pushpull::conformance
