// pushpull lint

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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
  conformance::CaptureLintOptions lint;
  std::string side = "both";
};

absl::StatusOr<int> Lint(const LintFlags& flags) {
  bool found = false;
  size_t pdus = 0;
  conformance::CaptureLintOptions options = flags.lint;
  options.target = flags.side != "initiator";
  options.initiator = flags.side != "target";
  absl::Status unread;
  for (const std::string& file : flags.files) {
    const absl::StatusOr<conformance::Capture> capture =
        conformance::ReadCaptureFile(file, flags.capture.Options());
    if (!capture.ok()) {
      // The others are judged all the same; the last complaint is the command's.
      if (!unread.ok()) Complain(unread);
      unread = capture.status();
      continue;
    }
    const conformance::CaptureLint lint = conformance::LintCapture(*capture, options);
    std::fputs(conformance::ToText(lint, file).c_str(), stdout);
    pdus += lint.pdus;
    if (capture->cut_short) {
      unread = absl::InvalidArgumentError(
          absl::StrCat(file, ": is damaged or ends in the middle of a packet: what follows frame ",
                       capture->frames, " was not judged"));
    }
    found |= std::any_of(lint.violations.begin(), lint.violations.end(), [&](const auto& one) {
      return flags.strict || one.violation.level() == "MUST";
    });
  }
  if (!unread.ok() && found) {
    Complain(unread);
    return conformance::kExitUnexpectedVerdict;
  }
  PUSHPULL_RETURN_IF_ERROR(unread);
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
  lint->add_option("--max-per-rule", flags->lint.max_per_rule,
                   "say this many violations of each rule, the first ones")
      ->transform(WholeNumber(0, SIZE_MAX))
      ->capture_default_str();
  lint->add_option("--side", flags->side, "whose violations: target, initiator or both")
      ->check(CLI::IsMember({"target", "initiator", "both"}))
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
