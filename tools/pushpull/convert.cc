#include "tools/pushpull/convert.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "base/regular_file.h"
#include "base/status.h"
#include "base/text_proto.h"
#include "conformance/capture/record.h"
#include "conformance/capture/session_trace.h"
#include "conformance/scenario/scenario_format.h"
#include "fuzz/replay/capture_trace.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/scenario_trace.h"

namespace pushpull::tools {
namespace {

namespace fs = std::filesystem;
using conformance::CapturedConnection;
using conformance::ScenarioFormat;
using conformance::SessionTrace;

constexpr char kSuffixes[] = ".textproto, .json, .binpb or .pcapng";

bool IsFolder(const std::string& path) {
  std::error_code error;
  return path.ends_with('/') || fs::is_directory(path, error);
}

absl::Status WriteFile(const std::string& path, const std::string& bytes, Converted* converted) {
  PUSHPULL_RETURN_IF_ERROR(base::WriteRegularFile(path, bytes));
  converted->written.push_back(path);
  return absl::OkStatus();
}

absl::Status WriteScenario(const std::string& path, const v1::Scenario& scenario,
                           Converted* converted) {
  const auto format = conformance::FormatOfPath(path);
  PUSHPULL_ASSIGN_OR_RETURN(const std::string bytes,
                            conformance::WriteScenarioAs(*format, scenario));
  if (bytes.size() > base::kMaxTextProtoBytes) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": would have ", bytes.size() >> 20, " MiB, and scenarios are read up to ",
        base::kMaxTextProtoBytes >> 20, "; cut the capture (editcap -r)"));
  }
  return WriteFile(path, bytes, converted);
}

// ---- from captures -----------------------------------------------------------------------------

absl::StatusOr<v1::Scenario> ScenarioOf(const SessionTrace& session, const std::string& in,
                                        const std::string& path, const ConvertOptions& options) {
  const std::string id = fs::path(path).stem().string();
  if (!options.trace.has_value()) {
    return conformance::ScenarioFromSession(
        session,
        {.id = id, .source = fs::path(in).filename().string(), .with_data = options.with_data});
  }
  PUSHPULL_ASSIGN_OR_RETURN(const replay::Trace trace,
                            replay::TraceFromCapture(session, *options.trace, in));
  v1::Scenario scenario = replay::ScenarioFromTrace(trace, replay::Delivery());
  scenario.mutable_trace()->clear_delivery();
  for (v1::Step& step : *scenario.mutable_step()) step.clear_delivery();
  scenario.set_id(id);
  scenario.set_title(absl::StrCat("The PDUs of ", session.connection->Name()));
  scenario.set_why(
      absl::StrCat("What really went over the wire, in ", fs::path(in).filename().string()));
  return scenario;
}

std::string Listing(const conformance::Capture& capture) {
  return absl::StrJoin(capture.connections, "\n",
                       [](std::string* out, const CapturedConnection& connection) {
                         absl::StrAppend(out, "  ", connection.number, "  ", connection.Name(),
                                         ", from frame ", connection.first_frame);
                       });
}

absl::Status Choose(const std::string& in, bool folder, const ConvertOptions& options,
                    conformance::Capture* capture) {
  auto& connections = capture->connections;
  if (connections.empty()) {
    return absl::OutOfRangeError(
        absl::StrCat(in, ": there is no iSCSI in ", capture->frames,
                     " packets; if the target's port isn't 3260, --port names it"));
  }
  if (options.connection > connections.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        in, ": there is no connection ", options.connection, "; there are\n", Listing(*capture)));
  }
  if (options.connection != 0) {
    connections = {connections[options.connection - 1]};
  } else if (connections.size() > 1 && !folder) {
    return absl::InvalidArgumentError(
        absl::StrCat(in, ": has ", connections.size(),
                     " connections; choose one with --connection, or give a "
                     "folder (\"FOLDER/\") for all\n",
                     Listing(*capture)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Converted> FromCapture(const std::string& in, const std::string& out,
                                      const ConvertOptions& options) {
  const bool folder = IsFolder(out);
  if (!folder && !conformance::FormatOfPath(out).has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(
        out, ": a capture becomes a scenario (.textproto, .json, .binpb) or a folder of them"));
  }
  PUSHPULL_ASSIGN_OR_RETURN(conformance::Capture capture,
                            conformance::ReadCaptureFile(in, options.capture));
  PUSHPULL_RETURN_IF_ERROR(Choose(in, folder, options, &capture));
  Converted converted;
  converted.remarks = capture.remarks;
  if (folder) {
    std::error_code error;
    fs::create_directories(out, error);
  }
  for (const CapturedConnection& connection : capture.connections) {
    const std::string path =
        folder ? (fs::path(out) / absl::StrCat("connection_", connection.number, ".textproto"))
                     .string()
               : out;
    const SessionTrace session = conformance::TraceSession(connection);
    for (const std::string& remark : session.remarks) {
      converted.remarks.push_back(absl::StrCat(connection.Name(), ": ", remark));
    }
    const absl::StatusOr<v1::Scenario> scenario = ScenarioOf(session, in, path, options);
    if (scenario.ok()) {
      PUSHPULL_RETURN_IF_ERROR(WriteScenario(path, *scenario, &converted));
    } else if (!folder) {
      return scenario.status();
    } else {
      converted.remarks.emplace_back(scenario.status().message());
    }
  }
  if (converted.written.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(in, ": no connection could be converted\n",
                                                      absl::StrJoin(converted.remarks, "\n")));
  }
  return converted;
}

// ---- from scenarios ----------------------------------------------------------------------------

// Options that say how a capture is read change nothing here: who gives one means another file.
absl::Status CheckNoCaptureOption(const std::string& in, const ConvertOptions& options) {
  const char* const given = options.connection != 0                 ? "--connection"
                            : options.with_data                     ? "--with-data"
                            : options.trace.has_value()             ? "--trace"
                            : !options.capture.target_ports.empty() ? "--port"
                                                                    : nullptr;
  if (given == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(given, " is about captures, and ", in, " is a scenario"));
}

absl::StatusOr<Converted> FromScenario(const std::string& in, const std::string& out,
                                       const ConvertOptions& options) {
  const auto format = conformance::FormatOfPath(in);
  if (!format.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(in,
                     ": is no capture, and no scenario by its suffix (.textproto, .json, "
                     ".binpb)"));
  }
  PUSHPULL_RETURN_IF_ERROR(CheckNoCaptureOption(in, options));
  const bool capture = out.ends_with(".pcapng");
  if (!capture && !conformance::FormatOfPath(out).has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(out, ": its suffix must say what it shall be: ", kSuffixes));
  }
  PUSHPULL_ASSIGN_OR_RETURN(const std::string bytes, base::ReadTextFile(in));
  PUSHPULL_ASSIGN_OR_RETURN(const v1::Scenario scenario,
                            conformance::ParseScenarioAs(*format, bytes, in));
  if (scenario.step_size() == 0 && !scenario.has_trace()) {
    return absl::InvalidArgumentError(
        absl::StrCat(in, bytes.empty() ? ": is empty" : ": has no step",
                     ", so there is no scenario to convert; was it written to its end?"));
  }
  Converted converted;
  if (!capture) {
    PUSHPULL_RETURN_IF_ERROR(WriteScenario(out, scenario, &converted));
    return converted;
  }
  PUSHPULL_ASSIGN_OR_RETURN(const std::string made, CaptureFromScenario(scenario, in));
  PUSHPULL_RETURN_IF_ERROR(WriteFile(out, made, &converted));
  return converted;
}

}  // namespace

absl::StatusOr<Converted> Convert(const std::string& in, const std::string& out,
                                  const ConvertOptions& options) {
  std::error_code error;
  PUSHPULL_RETURN_IF_ERROR(base::CheckRegularFile(in));
  if (fs::equivalent(in, out, error)) {
    return absl::InvalidArgumentError(absl::StrCat(out, ": is the file to be converted itself"));
  }
  return conformance::IsCaptureFile(in) ? FromCapture(in, out, options)
                                        : FromScenario(in, out, options);
}

}  // namespace pushpull::tools
