// Scenarios in the three forms in which files hold them, by the file's suffix: ".textproto" (text
// format), ".json" (protobuf's JSON) and ".binpb" (wire format).

#ifndef CONFORMANCE_SCENARIO_SCENARIO_FORMAT_H_
#define CONFORMANCE_SCENARIO_SCENARIO_FORMAT_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::conformance {

enum class ScenarioFormat { kText, kJson, kBinary };

// nullopt: none of them.
std::optional<ScenarioFormat> FormatOfPath(std::string_view path);

// INVALID_ARGUMENT: it can't be read as `format`; the message begins with `path`.
absl::StatusOr<v1::Scenario> ParseScenarioAs(ScenarioFormat format, const std::string& bytes,
                                             const std::string& path);

// Ends in a newline where it is text. Text and JSON name fields as the schema does.
absl::StatusOr<std::string> WriteScenarioAs(ScenarioFormat format, const v1::Scenario& scenario);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_SCENARIO_SCENARIO_FORMAT_H_
