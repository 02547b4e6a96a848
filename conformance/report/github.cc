#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/text.h"
#include "conformance/report/explain.h"
#include "conformance/report/formats.h"
#include "conformance/report/verdict.h"

namespace pushpull::conformance {
namespace {

std::string Data(const std::string& text) {
  return absl::StrReplaceAll(text, {{"%", "%25"}, {"\r", "%0D"}, {"\n", "%0A"}});
}

std::string Property(const std::string& text) {
  return absl::StrReplaceAll(Data(text), {{":", "%3A"}, {",", "%2C"}});
}

}  // namespace

std::string ToGithub(const v1::RunResult& run, bool strict) {
  std::string out;
  for (const v1::CaseResult& result : run.result()) {
    const bool expected = IsExpected(result, strict);
    if (expected && result.verdict() != v1::WARN) continue;
    const v1::Failure& failure = result.failure();
    absl::StrAppend(&out, expected ? "::warning " : "::error ");
    if (failure.line() != 0) {
      absl::StrAppend(&out, "file=", Property(failure.file()), ",line=", failure.line(), ",");
    }
    absl::StrAppend(
        &out, "title=", Property(absl::StrCat(base::ToAbsl(VerdictName(result)), " ", result.id())),
        "::", Data(failure.message().empty() ? result.overlay_reason() : failure.message()),
        result.replay().empty() ? "" : Data(absl::StrCat("\nreplay: ", result.replay())), "\n");
  }
  for (const v1::ProfileComplaint& complaint : run.profile_complaint()) {
    absl::StrAppend(&out, "::error title=profile::", Data(ComplaintLine(run.profile(), complaint)),
                    "\n");
  }
  if (!run.run_error().empty()) {
    absl::StrAppend(&out, "::error title=run::", Data(run.run_error()), "\n");
  }
  return out;
}

}  // namespace pushpull::conformance
