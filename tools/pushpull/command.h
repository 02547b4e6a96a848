// What the subcommands of pushpull share.

#ifndef TOOLS_PUSHPULL_COMMAND_H_
#define TOOLS_PUSHPULL_COMMAND_H_

#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "conformance/runner/suite.h"

namespace pushpull::tools {

inline constexpr char kVersion[] = "0.1.0";

// Declares the subcommand. Parsing runs nothing: where it was chosen, its callback puts the exit
// code into `exit_code`. What the callback needs lives as long as `app`.
// `arguments` stand in the report as they were given.
void AddRunCommand(CLI::App* app, std::vector<std::string> arguments, int* exit_code);
void AddAdminCommand(CLI::App* app, int* exit_code);
void AddConvertCommand(CLI::App* app, int* exit_code);
void AddDiffCommand(CLI::App* app, int* exit_code);
void AddFuzzCommand(CLI::App* app, std::vector<std::string> arguments, int* exit_code);
void AddInitiatorCommand(CLI::App* app, std::vector<std::string> arguments, int* exit_code);
void AddLintCommand(CLI::App* app, int* exit_code);
void AddListCommand(CLI::App* app, int* exit_code);
void AddLoadCommand(CLI::App* app, int* exit_code);
void AddMinimizeCommand(CLI::App* app, int* exit_code);
void AddReplayCommand(CLI::App* app, int* exit_code);
void AddReportCommand(CLI::App* app, int* exit_code);
void AddTargetCommand(CLI::App* app, int* exit_code);
void AddSoftroceCommand(CLI::App* app);

// `pushpull softroce ARGUMENTS`: they are its own to read, "--" and --help among them.
int RunSoftroce(const std::vector<std::string>& arguments);

// Says it on standard error as "pushpull: MESSAGE" and gives the exit code that fits: 3 for
// UNAVAILABLE, 4 for OUT_OF_RANGE (what was named holds nothing to do), 5 for INTERNAL, else 2.
int Complain(const absl::Status& status);

// Each option's value must not be empty: that is a variable of a script that isn't set, and must
// not pass for an option that wasn't given.
void RefuseEmptyValues(CLI::App* app);

// Whether the command line gave it ("--seed"), whatever its default is.
bool Given(const CLI::App& command, const std::string& option);

// Whether `word`, the first of the command line, is a subcommand or an option. Where it is neither,
// standard error says which it may have been meant to be.
bool IsSubcommand(const CLI::App& app, const std::string& word);

// Says of each option that no subcommand of the parsed command line has which ones it may have been
// meant to be.
void TellNearestOptions(const CLI::App& app);

// For the end of the program: whether standard output took all that was written. Where it didn't
// (a full disk, a closed pipe), standard error says so and the exit code becomes 2; else it is
// `exit_code`.
int FinishOutput(int exit_code);

// Patterns of `option` that match none of the cases that there are, on standard error: a name that
// is misspelt must not pass for a choice.
void TellUnmatched(const char* option, const std::vector<std::string>& patterns,
                   const std::vector<conformance::Case>& cases);

// --color auto|always|never, NO_COLOR and whether standard output is a terminal.
bool UseColor(std::string_view when);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_COMMAND_H_
