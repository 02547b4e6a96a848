#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text_proto.h"
#include "conformance/report/page/page.h"
#include "conformance/report/verdict.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::conformance {
namespace {

namespace fs = std::filesystem;

// Results of tens of thousands of cases are no larger.
constexpr size_t kMaxBytes = size_t{256} << 20;

absl::Status ReadJson(const fs::path& path, google::protobuf::Message* message) {
  PUSHPULL_ASSIGN_OR_RETURN(const std::string text, base::ReadTextFile(path.string(), kMaxBytes));
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // of a later version
  const auto status = google::protobuf::util::JsonStringToMessage(text, message, options);
  if (status.ok()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path.string(), ": is not what a run writes: ", std::string(status.message())));
}

// Its version says that it is a run's result at all: some other JSON, such as {}, would be a run in
// which nothing failed.
absl::Status CheckVersion(const v1::RunResult& run) {
  if (run.schema_version() == 1) return absl::OkStatus();
  if (run.schema_version() == 0) {
    return absl::FailedPreconditionError(
        "result.json has no schema_version: is not what a run writes, or not all of it");
  }
  return absl::FailedPreconditionError(
      absl::StrCat("result.json has schema_version ", run.schema_version(),
                   ", which a later Pushpull wrote: read it with that one"));
}

// What results name lies in their folder: a path that leads elsewhere is nobody's business.
bool IsBelow(const std::string& relative) {
  const fs::path path(relative);
  return !relative.empty() && path.is_relative() &&
         std::find(path.begin(), path.end(), "..") == path.end();
}

// A case that wasn't played has no files.
void TakeFiles(const fs::path& folder, v1::PageCase* played) {
  const v1::CaseResult& result = played->result();
  if (IsBelow(result.scenario())) {
    if (auto text = base::ReadTextFile((folder / result.scenario()).string(), kMaxBytes);
        text.ok()) {
      v1::Scenario scenario;
      if (google::protobuf::TextFormat::ParseFromString(*text, &scenario)) {
        played->set_why(scenario.why());
      }
      played->set_script(*std::move(text));
    }
  }
  if (IsBelow(result.wire_log())) {
    const fs::path record = (folder / result.wire_log()).replace_filename("wire.json");
    if (!ReadJson(record, played->mutable_wire()).ok()) played->clear_wire();
  }
}

bool IsStrict(const v1::RunResult& run) {
  return std::find(run.argument().begin(), run.argument().end(), "--strict") !=
         run.argument().end();
}

}  // namespace

absl::StatusOr<v1::PageRun> ReadRun(const std::string& folder, const std::string& label) {
  v1::PageRun page;
  absl::Status read = ReadJson(fs::path(folder) / "result.json", page.mutable_run());
  if (read.ok()) read = CheckVersion(page.run());
  if (!read.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, ": is no result folder of `pushpull run --out`: ", read.message()));
  }
  page.set_label(label.empty() ? page.run().target() : label);
  const bool strict = IsStrict(page.run());
  for (v1::CaseResult& result : *page.mutable_run()->mutable_result()) {
    v1::PageCase* const played = page.add_played();
    played->set_verdict(std::string(VerdictName(result)));
    played->set_unexpected(!IsExpected(result, strict));
    *played->mutable_result() = std::move(result);
    TakeFiles(folder, played);
  }
  page.mutable_run()->clear_result();
  return page;
}

}  // namespace pushpull::conformance
