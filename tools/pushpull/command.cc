#include "tools/pushpull/command.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "conformance/report/verdict.h"

namespace pushpull::tools {

int Complain(const absl::Status& status) {
  const std::string message(status.message());
  std::fprintf(stderr, "pushpull: %s\n", message.c_str());
  if (absl::IsUnavailable(status)) return conformance::kExitTargetUnreachable;
  if (absl::IsOutOfRange(status)) return conformance::kExitNothingMatched;
  if (absl::IsInternal(status)) return conformance::kExitInternal;
  return conformance::kExitUsage;
}

void RefuseEmptyValues(CLI::App* app) {
  const CLI::Validator not_empty(
      [](std::string& text) {
        return text.empty() ? std::string("the value is empty; give one, or leave the option out")
                            : std::string();
      },
      "", "");
  for (CLI::App* command : app->get_subcommands([](CLI::App*) { return true; })) {
    for (CLI::Option* option : command->get_options()) {
      if (option->get_items_expected_max() > 0) option->check(not_empty);
    }
  }
}

bool Given(const CLI::App& command, const std::string& option) {
  return command.get_option(option)->count() != 0;
}

bool IsSubcommand(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
  if (word == "-h" || word == "--help" || word == "--version" ||
      std::find(names.begin(), names.end(), word) != names.end()) {
    return true;
  }
  if (word.starts_with('-')) {
    std::fprintf(stderr,
                 "pushpull: there is no option %s before the subcommand; --help shows all\n",
                 word.c_str());
    return false;
  }
  const std::vector<std::string> nearest = base::Nearest(word, names, 2);
  std::fprintf(stderr, "pushpull: there is no subcommand \"%s\"; nearest: %s; there are: %s\n",
               word.c_str(), absl::StrJoin(nearest, ", ").c_str(),
               absl::StrJoin(names, ", ").c_str());
  return false;
}

void TellNearestOptions(const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands()) {
    std::vector<std::string> names;
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    for (const std::string& word : command->remaining()) {
      const std::string name = word.substr(0, word.find('='));
      if (!name.starts_with("--")) continue;
      std::fprintf(stderr, "pushpull: %s has no option %s; nearest: %s\n",
                   command->get_name().c_str(), name.c_str(),
                   absl::StrJoin(base::Nearest(name, names, 2), ", ").c_str());
    }
  }
}

// Whoever reads standard output has seen enough (`| head`): no failure.
bool ReaderHasGone() {
  pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

int FinishOutput(int exit_code) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  if (ReaderHasGone()) return exit_code;
  std::fprintf(stderr, "pushpull: standard output could not be written%s%s\n",
               errno != 0 ? ": " : "", errno != 0 ? std::strerror(errno) : "");
  return conformance::kExitUsage;
}

void TellUnmatched(const char* option, const std::vector<std::string>& patterns,
                   const std::vector<conformance::Case>& cases) {
  for (const std::string& what : conformance::UnmatchedPatterns(patterns, cases)) {
    std::fprintf(stderr, "pushpull: %s %s\n", option, what.c_str());
  }
}

bool UseColor(std::string_view when) {
  if (when == "always") return true;
  if (when == "never") return false;
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') && isatty(STDOUT_FILENO) != 0 &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

}  // namespace pushpull::tools
