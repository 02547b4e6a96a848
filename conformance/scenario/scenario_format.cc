#include "conformance/scenario/scenario_format.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text_proto.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/unknown_field_set.h"
#include "google/protobuf/util/json_util.h"

namespace pushpull::conformance {
namespace {

absl::StatusOr<v1::Scenario> ParseJson(const std::string& bytes, const std::string& path) {
  v1::Scenario scenario;
  const auto status = google::protobuf::util::JsonStringToMessage(bytes, &scenario);
  if (status.ok()) return scenario;
  const std::string why(status.message());
  return absl::InvalidArgumentError(absl::StrCat(path, ": is no scenario in JSON: ", why));
}

absl::StatusOr<std::string> WriteJson(const v1::Scenario& scenario) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(scenario, &json, options);
  if (status.ok()) return json;
  const std::string why(status.message());
  // Text of keys that isn't UTF-8 stands in `raw`, never in `text`: it can't be.
  return absl::InternalError(absl::StrCat("can't be written as JSON: ", why));
}

}  // namespace

std::optional<ScenarioFormat> FormatOfPath(std::string_view path) {
  if (path.ends_with(".textproto")) return ScenarioFormat::kText;
  if (path.ends_with(".json")) return ScenarioFormat::kJson;
  if (path.ends_with(".binpb")) return ScenarioFormat::kBinary;
  return std::nullopt;
}

absl::StatusOr<v1::Scenario> ParseScenarioAs(ScenarioFormat format, const std::string& bytes,
                                             const std::string& path) {
  v1::Scenario scenario;
  switch (format) {
    case ScenarioFormat::kText:
      PUSHPULL_RETURN_IF_ERROR(base::ParseTextProto(bytes, path, &scenario));
      return scenario;
    case ScenarioFormat::kJson:
      return ParseJson(bytes, path);
    case ScenarioFormat::kBinary:
      // What it doesn't know is another message.
      if (scenario.ParseFromString(bytes) &&
          scenario.GetReflection()->GetUnknownFields(scenario).empty()) {
        return scenario;
      }
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": is no scenario in protobuf's wire format (or not all of one)"));
  }
  return absl::InternalError("a format that doesn't exist");
}

absl::StatusOr<std::string> WriteScenarioAs(ScenarioFormat format, const v1::Scenario& scenario) {
  std::string out;
  switch (format) {
    case ScenarioFormat::kText:
      if (google::protobuf::TextFormat::PrintToString(scenario, &out)) return out;
      break;
    case ScenarioFormat::kJson:
      return WriteJson(scenario);
    case ScenarioFormat::kBinary:
      if (scenario.SerializeToString(&out)) return out;
      break;
  }
  return absl::InternalError("the scenario can't be written");
}

}  // namespace pushpull::conformance
