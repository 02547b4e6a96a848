#include "tools/suites/testing.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/text.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/inspect.h"
#include "conformance/runner/play_case.h"

namespace pushpull::tools {

using conformance::Case;

std::vector<Case> AllCases() {
  auto files = conformance::BuiltInSuites();
  CHECK(files.ok()) << files.status();
  auto cases = conformance::Expand(*files);
  CHECK(cases.ok()) << cases.status();
  return *std::move(cases);
}

conformance::RunOutcome PlaySuites(const std::vector<Case>& cases, EmbeddedSimOptions endpoint,
                                   conformance::RunOptions options) {
  const std::unique_ptr<conformance::EndpointFactory> factory =
      MakeEmbeddedSimFactory(std::move(endpoint));
  conformance::Selection selection;
  selection.only = {"sanity/alive"};
  const std::vector<Case> sanity = conformance::Select(AllCases(), selection);
  CHECK_EQ(sanity.size(), size_t{1});
  return conformance::RunSuites(factory.get(), sanity[0], cases, options);
}

std::vector<v1::CaseResult> PlayDirectly(const std::vector<Case>& cases,
                                         const EmbeddedSimOptions& endpoint) {
  const conformance::PlaySettings settings;
  const std::unique_ptr<conformance::EndpointFactory> sound = MakeEmbeddedSimFactory({});
  const auto facts =
      conformance::InspectTarget(sound.get(), settings, sound->target_name(), std::nullopt);
  CHECK(facts.ok()) << facts.status();
  const std::unique_ptr<conformance::EndpointFactory> factory = MakeEmbeddedSimFactory(endpoint);
  std::vector<v1::CaseResult> results;
  for (const Case& c : cases) {
    conformance::PlayCaseOptions options;
    options.settings = &settings;
    options.facts = &*facts;
    results.push_back(conformance::PlayCase(factory.get(), c, options));
  }
  return results;
}

std::string Unexpected(const conformance::RunOutcome& outcome) {
  std::string text;
  if (!outcome.status.ok()) text = absl::StrCat(outcome.status.ToString(), "\n");
  for (const v1::CaseResult& result : outcome.result.result()) {
    if (conformance::IsExpected(result, /*strict=*/true)) continue;
    absl::StrAppend(&text, result.id(), " ", base::ToAbsl(conformance::VerdictName(result)), ": ",
                    result.failure().message(), "\n");
  }
  return text;
}

}  // namespace pushpull::tools
