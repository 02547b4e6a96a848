#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/text.h"
#include "conformance/report/explain.h"
#include "conformance/report/formats.h"
#include "conformance/report/verdict.h"

namespace pushpull::conformance {
namespace {

// A directive begins with #, and what the peer sent may hold one.
std::string OneLine(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\n", " "}, {"\\", "\\\\"}, {"#", "\\#"}});
}

// As a double-quoted scalar of YAML.
std::string Quoted(const std::string& text) {
  return absl::StrCat(
      "\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}), "\"");
}

void AppendWhy(const v1::CaseResult& result, std::string* out) {
  const auto field = [out](const char* name, const std::string& value) {
    if (!value.empty()) absl::StrAppend(out, "  ", name, ": ", Quoted(value), "\n");
  };
  absl::StrAppend(out, "  ---\n");
  field("verdict", std::string(VerdictName(result)));
  field("message", result.failure().message());
  field("expected", result.failure().expected());
  field("actual", result.failure().actual());
  for (const std::string& line : ViolationLines(result)) field("monitor", line);
  field("replay", result.replay());
  absl::StrAppend(out, "  ...\n");
}

}  // namespace

std::string ToTap(const v1::RunResult& run, bool strict) {
  std::string out = absl::StrCat("TAP version 14\n1..", run.result_size(), "\n");
  int number = 0;
  for (const v1::CaseResult& result : run.result()) {
    const bool expected = IsExpected(result, strict);
    absl::StrAppend(&out, expected ? "" : "not ", "ok ", ++number, " - ", OneLine(result.id()));
    if (WasNotPlayed(result.verdict())) {
      absl::StrAppend(&out, " # SKIP ", OneLine(result.failure().message()));
    } else if (result.overlay() == v1::XFAIL) {
      absl::StrAppend(&out, " # TODO ", OneLine(result.overlay_reason()));
    }
    absl::StrAppend(&out, "\n");
    if (!expected) AppendWhy(result, &out);
  }
  for (const v1::ProfileComplaint& complaint : run.profile_complaint()) {
    absl::StrAppend(&out, "# ", ComplaintLine(run.profile(), complaint), "\n");
  }
  if (!run.run_error().empty()) absl::StrAppend(&out, "Bail out! ", OneLine(run.run_error()), "\n");
  return out;
}

}  // namespace pushpull::conformance
