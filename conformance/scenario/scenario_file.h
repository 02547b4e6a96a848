// A scenario with the file that it came from, so that failures can say FILE:LINE.

#ifndef CONFORMANCE_SCENARIO_SCENARIO_FILE_H_
#define CONFORMANCE_SCENARIO_SCENARIO_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::conformance {

struct ScenarioFile {
  v1::Scenario scenario;
  std::string path;
  // Of each step, and of each row of the sweep, counted from 1.
  std::vector<uint32_t> step_lines;
  std::vector<uint32_t> row_lines;
  // Of each field of the scenario that stands in the file, by name: the first, where it repeats.
  std::map<std::string, uint32_t, std::less<>> field_lines;

  // 1 where `step` doesn't exist.
  uint32_t StepLine(size_t step) const { return step < step_lines.size() ? step_lines[step] : 1; }
  uint32_t FieldLine(std::string_view field) const {
    const auto it = field_lines.find(field);
    return it == field_lines.end() ? 1 : it->second;
  }
  uint32_t RowLine(size_t row) const { return row < row_lines.size() ? row_lines[row] : 1; }
};

// Errors as base::LoadTextProto's: they begin with the path.
absl::StatusOr<ScenarioFile> LoadScenario(const std::string& path);
absl::StatusOr<ScenarioFile> ParseScenario(std::string_view text, const std::string& path);

// All "*.textproto" below `root`, loaded, in the order of their ids. Errors of all files, a line
// each.
absl::StatusOr<std::vector<ScenarioFile>> LoadScenarios(const std::string& root);

// What the id of a file must be: its path below `root` without ".textproto".
std::string IdOfPath(std::string_view root, std::string_view path);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_SCENARIO_SCENARIO_FILE_H_
