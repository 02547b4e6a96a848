#include "conformance/scenario/scenario_file.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/text_proto.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"

namespace pushpull::conformance {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::TextFormat;

constexpr std::string_view kExtension = ".textproto";

// Lines (from 1) of the elements of a repeated field.
std::vector<uint32_t> LinesOf(const TextFormat::ParseInfoTree& tree, const FieldDescriptor* field,
                              int count) {
  std::vector<uint32_t> lines;
  lines.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    const int line = tree.GetLocation(field, i).line;
    lines.push_back(line < 0 ? 1 : static_cast<uint32_t>(line) + 1);
  }
  return lines;
}

}  // namespace

absl::StatusOr<ScenarioFile> ParseScenario(std::string_view text, const std::string& path) {
  ScenarioFile file;
  file.path = path;
  TextFormat::ParseInfoTree tree;
  PUSHPULL_RETURN_IF_ERROR(base::ParseTextProto(text, path, &file.scenario, &tree));
  const auto* descriptor = v1::Scenario::descriptor();
  file.step_lines = LinesOf(tree, descriptor->FindFieldByName("step"), file.scenario.step_size());
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    const int line = tree.GetLocation(field, field->is_repeated() ? 0 : -1).line;
    if (line >= 0) file.field_lines[field->name()] = static_cast<uint32_t>(line) + 1;
  }
  const FieldDescriptor* sweep = descriptor->FindFieldByName("sweep");
  const TextFormat::ParseInfoTree* rows = tree.GetTreeForNested(sweep, -1);
  if (rows != nullptr) {
    file.row_lines = LinesOf(*rows, v1::Sweep::descriptor()->FindFieldByName("row"),
                             file.scenario.sweep().row_size());
  }
  return file;
}

absl::StatusOr<ScenarioFile> LoadScenario(const std::string& path) {
  PUSHPULL_ASSIGN_OR_RETURN(const std::string text, base::ReadTextFile(path));
  return ParseScenario(text, path);
}

absl::StatusOr<std::vector<ScenarioFile>> LoadScenarios(const std::string& root) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    return absl::NotFoundError(absl::StrCat(root, ": is no folder that can be read"));
  }
  std::vector<std::string> paths;
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
       it.increment(error)) {
    // The results of a run: scenarios as they were played, with ids of their own.
    if (fs::exists(it->path() / "result.json", error)) it.disable_recursion_pending();
    error.clear();
    if (it->path().extension() == kExtension) paths.push_back(it->path().string());
  }
  if (error) return absl::InvalidArgumentError(absl::StrCat(root, ": ", error.message()));
  std::sort(paths.begin(), paths.end());

  std::vector<ScenarioFile> files;
  std::vector<std::string> errors;
  for (const std::string& path : paths) {
    absl::StatusOr<ScenarioFile> file = LoadScenario(path);
    if (file.ok()) {
      files.push_back(*std::move(file));
    } else {
      errors.emplace_back(file.status().message());
    }
  }
  if (!errors.empty()) return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
  std::sort(files.begin(), files.end(), [](const ScenarioFile& a, const ScenarioFile& b) {
    return std::tie(a.scenario.id(), a.path) < std::tie(b.scenario.id(), b.path);
  });
  return files;
}

std::string IdOfPath(std::string_view root, std::string_view path) {
  if (path.starts_with(root)) path.remove_prefix(root.size());
  while (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with(kExtension)) path.remove_suffix(kExtension.size());
  return std::string(path);
}

}  // namespace pushpull::conformance
