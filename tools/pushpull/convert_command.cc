// pushpull convert

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "base/status.h"
#include "conformance/report/verdict.h"
#include "tools/pushpull/capture_options.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/convert.h"
#include "tools/pushpull/numbers.h"

namespace pushpull::tools {
namespace {

struct ConvertFlags {
  std::string in;
  std::string out;
  CaptureFlags capture;
  ConvertOptions options;
  std::string trace;
};

absl::Status Run(const ConvertFlags& flags) {
  ConvertOptions options = flags.options;
  options.capture = flags.capture.Options();
  if (flags.trace == "to_target") options.trace = replay::Direction::kToTarget;
  if (flags.trace == "to_initiator") options.trace = replay::Direction::kToInitiator;
  PUSHPULL_ASSIGN_OR_RETURN(const Converted converted, Convert(flags.in, flags.out, options));
  for (const std::string& remark : converted.remarks) {
    std::fprintf(stderr, "pushpull: note: %s\n", remark.c_str());
  }
  for (const std::string& path : converted.written) std::printf("%s\n", path.c_str());
  return absl::OkStatus();
}

}  // namespace

void AddConvertCommand(CLI::App* app, int* exit_code) {
  CLI::App* convert = app->add_subcommand(
      "convert",
      "Makes scenarios of captures, captures of scenarios, and scenarios of other forms.");
  auto flags = std::make_shared<ConvertFlags>();
  convert->add_option("IN", flags->in, "a capture, or a scenario (.textproto, .json, .binpb)")
      ->required();
  convert
      ->add_option("OUT", flags->out,
                   ".textproto, .json, .binpb, .pcapng, or a folder for all that a capture holds")
      ->required();
  AddCaptureFlags(convert, &flags->capture);
  convert
      ->add_option("--connection", flags->options.connection,
                   "this connection of the capture only, counted from 1")
      ->transform(WholeNumber(1, UINT32_MAX));
  CLI::Option* with_data =
      convert->add_flag("--with-data", flags->options.with_data,
                        "the scenario compares what reads of blocks and pings return");
  convert
      ->add_option("--trace", flags->trace,
                   "one direction's PDUs as a trace for `replay`: to_target or to_initiator")
      ->check(CLI::IsMember({"to_target", "to_initiator"}))
      ->excludes(with_data);
  convert->footer(
      "Exit codes: 0 converted, 2 usage or a file that can't be read or written, 4 no iSCSI in "
      "it.\n"
      "Example: pushpull convert customer.pcapng session.textproto --connection 1");
  convert->callback([flags, exit_code] {
    const absl::Status status = Run(*flags);
    *exit_code = status.ok() ? conformance::kExitAsExpected : Complain(status);
  });
}

}  // namespace pushpull::tools
