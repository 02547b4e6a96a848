// The command line: declares the subcommands and wires everything.

#include <csignal>
#include <cstdio>
#include <string_view>

#include "CLI/CLI.hpp"
#include "conformance/report/verdict.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/descriptors.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "softroce") {
    return pushpull::tools::RunSoftroce({argv + 2, argv + argc});
  }
  // What can't be written is told where it is written.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  pushpull::tools::RaiseDescriptorLimit();
  CLI::App app(
      "Pushpull: conformance and fuzzing of iSCSI and iSER, with a reference target.\n"
      "Exit codes: 0 as expected, 1 unexpected verdict, 2 usage or script error, 3 target\n"
      "unreachable or not sane at the start, 4 nothing matched, 5 internal, 129, 130 and 143\n"
      "ended by SIGHUP, SIGINT or SIGTERM.",
      "pushpull");
  app.set_version_flag("--version", pushpull::tools::kVersion);
  app.require_subcommand(1);
  int exit_code = pushpull::conformance::kExitInternal;
  pushpull::tools::AddRunCommand(&app, {argv + 1, argv + argc}, &exit_code);
  pushpull::tools::AddListCommand(&app, &exit_code);
  pushpull::tools::AddReportCommand(&app, &exit_code);
  pushpull::tools::AddDiffCommand(&app, &exit_code);
  pushpull::tools::AddLintCommand(&app, &exit_code);
  pushpull::tools::AddConvertCommand(&app, &exit_code);
  pushpull::tools::AddFuzzCommand(&app, {argv + 1, argv + argc}, &exit_code);
  pushpull::tools::AddMinimizeCommand(&app, &exit_code);
  pushpull::tools::AddReplayCommand(&app, &exit_code);
  pushpull::tools::AddTargetCommand(&app, &exit_code);
  pushpull::tools::AddLoadCommand(&app, &exit_code);
  pushpull::tools::AddAdminCommand(&app, &exit_code);
  pushpull::tools::AddInitiatorCommand(&app, {argv + 1, argv + argc}, &exit_code);
  pushpull::tools::AddSoftroceCommand(&app);
  pushpull::tools::RefuseEmptyValues(&app);
  if (!pushpull::tools::IsSubcommand(app, argc > 1 ? argv[1] : "--help")) {
    return pushpull::conformance::kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 has codes of its own; 0 stands for --help and --version.
    exit_code = app.exit(error) == 0 ? 0 : pushpull::conformance::kExitUsage;
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
      pushpull::tools::TellNearestOptions(app);
    }
  }
  return pushpull::tools::FinishOutput(exit_code);
}
