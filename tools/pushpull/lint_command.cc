// pushpull lint

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "conformance/capture/capture.h"
#include "conformance/capture/lint_capture.h"
#include "conformance/report/verdict.h"
#include "tools/pushpull/capture_options.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/numbers.h"

namespace pushpull::tools {
namespace {

struct LintFlags {
  std::vector<std::string> files;
  CaptureFlags capture;
  bool strict = false;
  size_t max_per_rule = 10;
};

absl::StatusOr<int> Lint(const LintFlags& flags) {
  bool found = false;
  size_t pdus = 0;
  for (const std::string& file : flags.files) {
    PUSHPULL_ASSIGN_OR_RETURN(const conformance::Capture capture,
                              conformance::ReadCaptureFile(file, flags.capture.Options()));
    const conformance::CaptureLint lint = conformance::LintCapture(capture, flags.max_per_rule);
    std::fputs(conformance::ToText(lint, file).c_str(), stdout);
    pdus += lint.pdus;
    found |= std::any_of(lint.violations.begin(), lint.violations.end(), [&](const auto& one) {
      return flags.strict || one.violation.level() == "MUST";
    });
  }
  if (pdus == 0) {
    std::fputs(
        "pushpull: there is no iSCSI PDU in it; if the target's port isn't 3260, --port "
        "names it\n",
        stderr);
    return conformance::kExitNothingMatched;
  }
  return found ? conformance::kExitUnexpectedVerdict : conformance::kExitAsExpected;
}

}  // namespace

void AddLintCommand(CLI::App* app, int* exit_code) {
  CLI::App* lint = app->add_subcommand(
      "lint", "Names the frames of captures in which either side broke the RFCs.");
  auto flags = std::make_shared<LintFlags>();
  lint->add_option("FILE", flags->files, "captures (pcap, pcapng)")->required();
  AddCaptureFlags(lint, &flags->capture);
  lint->add_flag("--strict", flags->strict, "a missed SHOULD is a finding too");
  lint->add_option("--max-per-rule", flags->max_per_rule,
                   "say this many violations of each rule, the first ones")
      ->transform(WholeNumber(0, SIZE_MAX))
      ->capture_default_str();
  lint->footer(
      "Exit codes: 0 no violation, 1 violations, 2 a file can't be read, 4 no iSCSI in it.\n"
      "Example: pushpull lint customer.pcapng");
  lint->callback([flags, exit_code] {
    const absl::StatusOr<int> code = Lint(*flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
