// pushpull admin

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "conformance/report/verdict.h"
#include "tools/pushpull/admin_client.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/numbers.h"

namespace pushpull::tools {
namespace {

struct AdminFlags {
  std::string socket;
  std::optional<uint16_t> tsih;
  std::optional<uint64_t> connection;
  std::optional<uint32_t> within_s;
  std::optional<uint32_t> timeout_s;
};

std::string WithParameters(const std::string& path, const AdminFlags& flags) {
  std::string target = path;
  const auto add = [&target](const char* name, uint64_t value) {
    absl::StrAppend(&target, target.find('?') == std::string::npos ? "?" : "&", name, "=", value);
  };
  if (flags.tsih.has_value()) add("tsih", *flags.tsih);
  if (flags.connection.has_value()) add("connection", *flags.connection);
  if (flags.within_s.has_value()) add("within_s", *flags.within_s);
  if (flags.timeout_s.has_value()) add("timeout_s", *flags.timeout_s);
  return target;
}

int Ask(const AdminFlags& flags, const std::string& method, const std::string& path) {
  if (flags.socket.empty()) {
    return Complain(absl::InvalidArgumentError(
        "admin asks a target: --socket PATH says which, by its --admin-socket"));
  }
  const auto answer =
      AskAdminSocket(flags.socket, method, WithParameters(path, flags), absl::Seconds(30));
  if (!answer.ok()) return Complain(answer.status());
  std::fwrite(answer->data(), 1, answer->size(), stdout);
  return conformance::kExitAsExpected;
}

struct Verb {
  const char* name;
  const char* method;
  const char* help;
  bool has_session;
  bool has_time;
};
constexpr Verb kVerbs[] = {
    {"counters", "GET", "all counters, as JSON", false, false},
    {"metrics", "GET", "the same in Prometheus's text form", false, false},
    {"sessions", "GET", "who is logged in, with what was negotiated, as JSON", false, false},
    {"logout", "POST", "asks to log out (AsyncEvent 1), and drops who doesn't in time", true, true},
    {"negotiate", "POST", "asks for a negotiation (AsyncEvent 4), and drops who doesn't in time",
     true, true},
    {"drop-connection", "POST", "tells that the connection ends (AsyncEvent 2), and ends it", true,
     false},
    {"drop-session", "POST", "tells that the session ends (AsyncEvent 3), and ends it", true,
     false},
};

void AddVerb(CLI::App* admin, const Verb& verb, const std::shared_ptr<AdminFlags>& flags,
             int* exit_code) {
  CLI::App* const command = admin->add_subcommand(verb.name, verb.help);
  if (verb.has_session) {
    command
        ->add_option("--tsih", flags->tsih,
                     "this session alone; without it, and without "
                     "--connection: all")
        ->transform(WholeNumber(0, UINT16_MAX));
    command->add_option("--connection", flags->connection, "the session of this connection alone")
        ->transform(WholeNumber(0, UINT64_MAX));
  }
  if (verb.has_time) {
    command
        ->add_option("--within-s", flags->within_s,
                     "the seconds that initiators have for it (default: 10)")
        ->transform(WholeNumber(0, UINT16_MAX));
  }
  command->callback([flags, verb, exit_code] {
    *exit_code = Ask(*flags, verb.method, absl::StrCat("/", verb.name));
  });
}

}  // namespace

void AddAdminCommand(CLI::App* app, int* exit_code) {
  CLI::App* const admin = app->add_subcommand(
      "admin", "Asks a target that runs with --admin-socket, or tells it to do something.");
  auto flags = std::make_shared<AdminFlags>();
  admin->add_option("--socket", flags->socket, "the target's --admin-socket (required)");
  admin->allow_extras();
  for (const Verb& verb : kVerbs) AddVerb(admin, verb, flags, exit_code);
  CLI::App* const stop = admin->add_subcommand(
      "stop", "asks everybody to log out, and ends the target (as SIGTERM does)");
  stop->add_option("--timeout-s", flags->timeout_s,
                   "how long it waits for that (default: the target's --stop-timeout-s)")
      ->transform(WholeNumber(0, UINT16_MAX));
  stop->callback([flags, exit_code] { *exit_code = Ask(*flags, "POST", "/stop"); });
  admin->callback([admin, exit_code] {
    if (!admin->get_subcommands().empty() && admin->remaining().empty()) return;
    std::vector<std::string> names;
    for (const CLI::App* each : admin->get_subcommands({})) names.push_back(each->get_name());
    const std::string there_are = absl::StrCat("there are ", absl::StrJoin(names, ", "));
    const std::vector<std::string> others = admin->remaining();
    *exit_code = Complain(absl::InvalidArgumentError(
        others.empty() ? absl::StrCat("admin needs a command: ", there_are)
                       : absl::StrCat("admin has no \"", others.front(), "\": ", there_are)));
  });
  admin->footer("Example: pushpull admin --socket target.sock sessions");
}

}  // namespace pushpull::tools
