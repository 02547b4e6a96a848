#include "fuzz/replay/inputs.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/regular_file.h"
#include "base/status.h"
#include "base/text_proto.h"
#include "conformance/capture/capture.h"
#include "fuzz/replay/capture_trace.h"
#include "fuzz/replay/scenario_trace.h"

namespace pushpull::replay {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxInputBytes = size_t{64} << 20;

bool IsScenario(const std::string& path) { return absl::EndsWith(path, ".textproto"); }

absl::Status AddScenario(const std::string& path, Inputs* inputs) {
  PUSHPULL_ASSIGN_OR_RETURN(conformance::ScenarioFile file, conformance::LoadScenario(path));
  if (file.scenario.step_size() == 0 && !file.scenario.has_trace()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has no step, so there is nothing to play (docs/SCENARIOS.md)"));
  }
  if (!file.scenario.has_trace()) {
    inputs->sessions.push_back(std::move(file));
    return absl::OkStatus();
  }
  auto made = TraceFromScenario(file.scenario, path);
  if (!made.ok()) {
    return absl::Status(made.status().code(), absl::StrCat(path, ": ", made.status().message()));
  }
  inputs->traces.push_back({std::move(made->trace), std::move(made->delivery)});
  return absl::OkStatus();
}

// `named`: by the user, and not found in a folder.
absl::Status AddFile(const std::string& path, bool named, const InputOptions& options,
                     Inputs* inputs) {
  if (IsScenario(path)) return AddScenario(path, inputs);
  if (named && (absl::EndsWith(path, ".json") || absl::EndsWith(path, ".binpb"))) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": scenarios are played as text: pushpull convert ", path, " SCENARIO.textproto"));
  }
  PUSHPULL_RETURN_IF_ERROR(base::CheckRegularFile(path));
  if (conformance::IsCaptureFile(path)) {
    inputs->has_captures = true;
    PUSHPULL_ASSIGN_OR_RETURN(CaptureTraces captured,
                              TracesFromCaptureFile(path, options.captures));
    for (Trace& trace : captured.traces) {
      inputs->traces.push_back({std::move(trace), std::nullopt});
    }
    std::move(captured.remarks.begin(), captured.remarks.end(),
              std::back_inserter(inputs->remarks));
    return absl::OkStatus();
  }
  PUSHPULL_ASSIGN_OR_RETURN(const std::string bytes, base::ReadTextFile(path, kMaxInputBytes));
  if (bytes.empty() && !named) {
    inputs->remarks.push_back(absl::StrCat(path, ": passed over, as it is empty"));
    return absl::OkStatus();
  }
  if (bytes.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is empty: a fuzz input has the bytes of one direction"));
  }
  inputs->has_bytes = true;
  const base::Bytes view = base::AsBytes(bytes);
  inputs->traces.push_back({MakeTrace(path, options.direction, options.parameters,
                                      std::vector<uint8_t>(view.begin(), view.end())),
                            std::nullopt});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (absl::StartsWith(name, ".")) {
      at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file(error) || absl::EndsWith(name, ".md") ||
        absl::EndsWith(name, ".bazel")) {
      continue;
    }
    files.push_back(at->path().string());
  }
  if (error) return absl::InvalidArgumentError(absl::StrCat(folder, ": ", error.message()));
  if (files.empty()) {
    return absl::OutOfRangeError(
        absl::StrCat(folder, ": there is no file to replay in this folder"));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

absl::StatusOr<Inputs> LoadInputs(const std::vector<std::string>& paths,
                                  const InputOptions& options) {
  Inputs inputs;
  for (const std::string& path : paths) {
    std::error_code error;
    std::vector<std::string> files = {path};
    const bool folder = fs::is_directory(path, error);
    if (folder) {
      PUSHPULL_ASSIGN_OR_RETURN(files, FilesBelow(path));
    }
    for (const std::string& file : files) {
      const absl::Status status = AddFile(file, !folder, options, &inputs);
      if (!status.ok() && !folder) return status;
      if (!status.ok()) inputs.errors.push_back(status);
    }
  }
  return inputs;
}

}  // namespace pushpull::replay
