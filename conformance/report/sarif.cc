#include <google/protobuf/util/json_util.h>

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "conformance/report/explain.h"
#include "conformance/report/formats.h"
#include "conformance/report/verdict.h"
#include "pushpull/v1/sarif.pb.h"

namespace pushpull::conformance {
namespace {

// The requirement that was broken; where a case says none, the case itself.
std::string RuleOf(const v1::CaseResult& result) {
  return result.failure().cite().empty() ? result.id() : result.failure().cite(0);
}

void AddResult(const v1::CaseResult& result, v1::SarifRun* run) {
  const v1::Failure& failure = result.failure();
  v1::SarifResult* const added = run->add_results();
  added->set_rule_id(RuleOf(result));
  added->set_level(result.verdict() == v1::WARN ? "warning" : "error");
  std::string text =
      absl::StrCat(result.id(), ": ", base::ToAbsl(VerdictName(result)), ": ",
                   failure.message().empty() ? result.overlay_reason() : failure.message());
  for (const std::string& line : ViolationLines(result)) absl::StrAppend(&text, "\n", line);
  if (!result.replay().empty()) absl::StrAppend(&text, "\nreplay: ", result.replay());
  added->mutable_message()->set_text(text);
  (*added->mutable_partial_fingerprints())["caseId/v1"] = result.id();
  if (failure.line() == 0) return;
  auto* const place = added->add_locations()->mutable_physical_location();
  place->mutable_artifact_location()->set_uri(failure.file());
  place->mutable_region()->set_start_line(failure.line());
}

}  // namespace

absl::StatusOr<std::string> ToSarif(const v1::RunResult& run, bool strict) {
  v1::SarifLog log;
  log.set_schema("https://json.schemastore.org/sarif-2.1.0.json");
  log.set_version("2.1.0");
  v1::SarifRun* const sarif = log.add_runs();
  sarif->mutable_tool()->mutable_driver()->set_name("Pushpull");
  sarif->mutable_tool()->mutable_driver()->set_version(run.tool_version());
  std::set<std::string> rules;
  for (const v1::CaseResult& result : run.result()) {
    if (IsExpected(result, strict) && result.verdict() != v1::WARN) continue;
    AddResult(result, sarif);
    if (!rules.insert(RuleOf(result)).second) continue;
    v1::SarifRule* const rule = sarif->mutable_tool()->mutable_driver()->add_rules();
    rule->set_id(RuleOf(result));
    rule->mutable_short_description()->set_text(result.title());
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  // An empty list says that the run came to its end without a finding; a missing one doesn't.
  options.always_print_primitive_fields = sarif->results().empty();
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(log, &json, options);
  if (!status.ok()) return absl::InternalError(std::string(status.message()));
  return json;
}

}  // namespace pushpull::conformance
