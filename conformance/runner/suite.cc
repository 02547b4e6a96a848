#include "conformance/runner/suite.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "base/status.h"
#include "base/text.h"
#include "conformance/initiators/embedded_initiators.h"
#include "conformance/runner/glob.h"
#include "conformance/suites/embedded_suites.h"
#include "initiator_sim/player/sweep.h"

namespace pushpull::conformance {
namespace {

bool MatchesAny(const std::vector<std::string>& globs, const Case& c) {
  const std::string_view id = c.id();
  const std::string_view without_row = id.substr(0, id.find('#'));
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    if (GlobMatch(glob, id) || GlobMatch(glob, without_row)) return true;
    const auto& tags = c.scenario().tag();
    return std::find(tags.begin(), tags.end(), glob) != tags.end();
  });
}

bool WithinLevel(v1::Level level, v1::Level limit) {
  switch (limit) {
    case v1::MUST:
      return level == v1::MUST || level == v1::ROBUSTNESS;
    case v1::SHOULD:
      return level != v1::MAY;
    default:
      return true;
  }
}

absl::StatusOr<std::vector<ScenarioFile>> Embedded(bool fabric) {
  auto suites = ParseSuites(EmbeddedSuites(), "conformance/suites/");
  if (!suites.ok()) return suites;
  std::erase_if(*suites,
                [&](const ScenarioFile& file) { return file.scenario.has_fabric() != fabric; });
  return suites;
}

}  // namespace

absl::StatusOr<std::vector<ScenarioFile>> BuiltInSuites() { return Embedded(/*fabric=*/false); }

absl::StatusOr<std::vector<ScenarioFile>> LinkSuites() { return Embedded(/*fabric=*/true); }

absl::StatusOr<std::vector<ScenarioFile>> InitiatorSuites() {
  return ParseSuites(EmbeddedInitiators(), "conformance/");
}

absl::StatusOr<std::vector<ScenarioFile>> ParseSuites(std::span<const base::EmbeddedFile> files,
                                                      std::string_view root) {
  std::vector<ScenarioFile> suites;
  for (const base::EmbeddedFile& file : files) {
    const std::string path(file.path);
    PUSHPULL_ASSIGN_OR_RETURN(ScenarioFile parsed, ParseScenario(file.contents, path));
    if (const std::string id = IdOfPath(root, path); parsed.scenario.id() != id) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": its id is \"", parsed.scenario.id(),
                                                     "\"; it must be \"", id,
                                                     "\", as the file is called"));
    }
    suites.push_back(std::move(parsed));
  }
  std::sort(suites.begin(), suites.end(), [](const ScenarioFile& a, const ScenarioFile& b) {
    return a.scenario.id() < b.scenario.id();
  });
  return suites;
}

absl::StatusOr<std::vector<Case>> Expand(const std::vector<ScenarioFile>& files) {
  std::vector<Case> cases;
  for (const ScenarioFile& file : files) {
    auto instances = initiator_sim::ExpandSweep(file.scenario);
    if (!instances.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file.path, ": ", instances.status().message()));
    }
    for (initiator_sim::SweepInstance& instance : *instances) {
      Case c;
      c.script = {std::move(instance.scenario), file.path, file.step_lines};
      c.area = c.id().substr(0, c.id().find('/'));
      cases.push_back(std::move(c));
    }
  }
  return cases;
}

std::vector<std::string> UnmatchedPatterns(const std::vector<std::string>& patterns,
                                           const std::vector<Case>& cases) {
  std::set<std::string> names;
  for (const Case& c : cases) {
    names.insert(c.id());
    names.insert(c.scenario().tag().begin(), c.scenario().tag().end());
  }
  std::vector<std::string> unmatched;
  for (const std::string& pattern : patterns) {
    if (std::any_of(cases.begin(), cases.end(),
                    [&](const Case& c) { return MatchesAny({pattern}, c); })) {
      continue;
    }
    if (std::any_of(names.begin(), names.end(),
                    [&](const std::string& name) { return name.starts_with(pattern + "/"); })) {
      unmatched.push_back(
          absl::StrCat("\"", pattern, "\" matches no case; the suite is '", pattern, "/*'"));
      continue;
    }
    const std::vector<std::string> nearest =
        base::Nearest(pattern, std::vector<std::string>(names.begin(), names.end()), 2);
    unmatched.push_back(
        absl::StrCat("\"", pattern, "\" matches no case",
                     nearest.empty() ? "" : "; nearest: ", absl::StrJoin(nearest, ", ")));
  }
  return unmatched;
}

std::vector<Case> Select(std::vector<Case> cases, const Selection& selection) {
  for (Case& c : cases) {
    c.named = std::any_of(selection.only.begin(), selection.only.end(), [&](const auto& only) {
      return only == c.id() || only == c.id().substr(0, c.id().find('#'));
    });
  }
  std::erase_if(cases, [&](const Case& c) {
    return (!selection.only.empty() && !MatchesAny(selection.only, c)) ||
           MatchesAny(selection.exclude, c) ||
           !WithinLevel(c.scenario().level(), selection.level) ||
           c.scenario().since() > selection.max_suite_version;
  });
  return cases;
}

}  // namespace pushpull::conformance
