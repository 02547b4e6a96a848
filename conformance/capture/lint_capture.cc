#include "conformance/capture/lint_capture.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "conformance/capture/session_trace.h"
#include "conformance/monitor/monitor.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/text.h"

namespace pushpull::conformance {

CaptureLint LintCapture(const Capture& capture, const CaptureLintOptions& options) {
  CaptureLint lint;
  lint.connections = capture.connections.size();
  lint.remarks = capture.remarks;
  std::vector<SessionTrace> traces;
  traces.reserve(capture.connections.size());
  for (const CapturedConnection& connection : capture.connections) {
    traces.push_back(TraceSession(connection));
    for (const std::string& remark : traces.back().remarks) {
      lint.remarks.push_back(
          absl::StrCat("connection ", connection.number, " (", connection.Name(), "): ", remark));
    }
  }
  Monitor monitor(options.max_per_rule, options.initiator ? Judged::kBoth : Judged::kTarget);
  std::vector<ToldPdu> told;
  TellTap(traces, &monitor, &told);
  lint.pdus = told.size();
  for (const v1::Violation& violation : monitor.violations()) {
    const bool of_target = FindRule(violation.rule())->side == v1::TARGET_SIDE;
    if (!(of_target ? options.target : options.initiator)) continue;
    const ToldPdu& of = told[violation.frame() - 1];
    const CapturedPdu& pdu = traces[of.trace].pdus[of.pdu];
    CaptureViolation& found = lint.violations.emplace_back();
    found.violation = violation;
    found.violation.set_frame(static_cast<uint32_t>(of.frame));
    found.connection = capture.connections[of.trace].number;
    found.pdu = initiator_sim::Summary(initiator_sim::Decode(pdu.bytes, pdu.digests).pdu);
    found.to_target = pdu.direction == initiator_sim::Direction::kToTarget;
  }
  return lint;
}

std::string ToText(const CaptureLint& lint, const std::string& path) {
  std::string text;
  for (const CaptureViolation& one : lint.violations) {
    const v1::Violation& violation = one.violation;
    absl::StrAppend(&text, path, ": frame ", violation.frame(), ", connection ", one.connection,
                    ": ", violation.level(), " ", violation.section(), " ", violation.rule(), "\n",
                    "  ", violation.message(), "\n", one.to_target ? "  > " : "  < ", one.pdu,
                    "\n");
  }
  for (const std::string& remark : lint.remarks) {
    absl::StrAppend(&text, path, ": note: ", remark, "\n");
  }
  absl::StrAppend(&text, path, ": ", lint.connections, " connections, ", lint.pdus, " PDUs, ",
                  lint.violations.size(), " violations\n");
  return text;
}

}  // namespace pushpull::conformance
