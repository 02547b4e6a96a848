// pushpull target

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/log.h"
#include "base/status.h"
#include "conformance/report/verdict.h"
#include "fabric/busy_poll.h"
#include "fabric/epoll_loop.h"
#include "fabric/rdma/verbs_network.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/bugs/bugs.h"
#include "target/config.h"
#include "target/portal/tcp_target.h"
#include "tools/pushpull/administration.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/numbers.h"
#include "tools/pushpull/scripted_target.h"

namespace pushpull::tools {
namespace {

// Twice what a command takes to and fro on one machine, whoever has to be woken for it.
constexpr absl::Duration kMostBusyPoll = absl::Microseconds(100);

struct TargetFlags {
  v1::TargetConfig config;  // of the command line alone
  std::vector<std::string> listen, luns, bugs;
  std::string config_file, iser_dialect;
  std::string chap_user, chap_secret_file, chap_mutual_user, chap_mutual_secret_file;
  std::optional<std::string> name;
  std::string admin_socket, log_level, script;
  std::optional<uint32_t> threads, stop_timeout_s;
  std::optional<uint32_t> busy_poll_us;
  std::optional<uint64_t> legal_variation;
  bool plain_text = false;
  std::vector<std::string> without;
  uint64_t seed = 1;
  bool list_bugs = false;
};

int ListBugs() {
  for (const target::BugInfo& bug : target::AllBugs()) {
    const std::string_view rows = bug.by_delivery()     ? "(by the delivery of bytes)"
                                  : bug.memory_breaking ? "(memory: --config=asan alone has it)"
                                                        : bug.rows;
    std::printf("%-44.*s %.*s\n%45s%.*s\n", static_cast<int>(bug.name.size()), bug.name.data(),
                static_cast<int>(bug.sentence.size()), bug.sentence.data(), "",
                static_cast<int>(rows.size()), rows.data());
  }
  return conformance::kExitAsExpected;
}

v1::TargetConfig ConfigOfFlags(const TargetFlags& flags) {
  v1::TargetConfig config;
  for (const std::string& uri : flags.listen) config.add_listen(uri);
  for (const std::string& spec : flags.luns) {
    v1::LunConfig* lun = config.add_lun();
    lun->set_number(config.lun_size() - 1);
    lun->set_spec(spec);
  }
  for (const std::string& bug : flags.bugs) config.add_bug(bug);
  if (flags.name.has_value()) config.set_name(*flags.name);
  if (flags.threads.has_value()) config.set_threads(*flags.threads);
  config.set_iser_dialect(flags.iser_dialect);
  config.set_admin(flags.admin_socket);
  config.set_log_level(flags.log_level);
  if (flags.stop_timeout_s.has_value()) config.set_stop_timeout_ms(*flags.stop_timeout_s * 1000);
  if (!flags.chap_user.empty()) {
    v1::ChapAccount* account = config.add_chap_account();
    account->set_user(flags.chap_user);
    account->set_secret_file(flags.chap_secret_file);
  }
  if (!flags.chap_mutual_user.empty()) {
    config.mutable_chap()->set_mutual_user(flags.chap_mutual_user);
    config.mutable_chap()->set_mutual_secret_file(flags.chap_mutual_secret_file);
  }
  if (flags.legal_variation.has_value()) config.set_legal_variation(*flags.legal_variation);
  if (flags.plain_text) config.set_legal_variation_plain_text(true);
  const std::string without = absl::StrJoin(flags.without, ",");
  for (const absl::string_view name : absl::StrSplit(without, ',', absl::SkipEmpty())) {
    v1::Freedom freedom;
    CHECK(v1::Freedom_Parse(absl::AsciiStrToUpper(absl::StrReplaceAll(name, {{"-", "_"}})),
                            &freedom));
    config.add_legal_variation_without(freedom);
  }
  return config;
}

// What users of the command line call the fields of ConfigOfFlags().
std::map<std::string, std::string> OptionNames() {
  return {
      {"listen", "--listen"},
      {"lun", "--lun"},
      {"name", "--name"},
      {"iser_dialect", "--iser-dialect"},
      {"log_level", "--log-level"},
      {"chap_account", "--chap-user"},
      {"chap", "--chap-mutual-user"},
      {"legal_variation", "--legal-variation"},
      {"legal_variation_plain_text", "--plain-text"},
      {"legal_variation_without", "--without"},
  };
}

absl::Status CheckChap(const TargetFlags& flags) {
  if (flags.chap_user.empty() != flags.chap_secret_file.empty()) {
    return absl::InvalidArgumentError("--chap-user and --chap-secret-file go together");
  }
  if (flags.chap_mutual_user.empty() != flags.chap_mutual_secret_file.empty()) {
    return absl::InvalidArgumentError(
        "--chap-mutual-user and --chap-mutual-secret-file go together");
  }
  return absl::OkStatus();
}

// The file, what the command line says over it, and what is served where both are silent.
absl::Status MakeConfig(const TargetFlags& flags, target::LoadedConfig* config) {
  PUSHPULL_RETURN_IF_ERROR(CheckChap(flags));
  if (!flags.config_file.empty()) PUSHPULL_RETURN_IF_ERROR(config->Load(flags.config_file));
  config->Override(ConfigOfFlags(flags), OptionNames());
  v1::TargetConfig rest;
  if (config->config().listen().empty()) rest.add_listen("tcp://127.0.0.1:3260");
  if (!config->config().has_threads()) rest.set_threads(1);
  config->Override(rest);
  return absl::OkStatus();
}

// SIGINT and SIGTERM, and what asks for the same. To be made before any thread begins.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    second_ = signals_;
    sigaddset(&signals_, kAsked);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }

  // Until the first; the next one ends the process at once.
  void Wait() {
    int signal = 0;
    while (sigwait(&signals_, &signal) != 0) {
    }
    ended_ = true;
    pthread_sigmask(SIG_UNBLOCK, &second_, nullptr);
  }

  // From another thread: makes Wait() return. False: it has, or will.
  bool End(std::optional<absl::Duration> timeout) {
    const std::lock_guard lock(mutex_);
    if (ended_.exchange(true)) return false;
    timeout_ = timeout;
    return kill(getpid(), kAsked) == 0;
  }
  // What End() was given.
  std::optional<absl::Duration> timeout() {
    const std::lock_guard lock(mutex_);
    return timeout_;
  }

 private:
  // End()'s own: it stays blocked, so that it ends no process that is on its way out already.
  static constexpr int kAsked = SIGUSR1;

  sigset_t signals_;
  sigset_t second_;  // of which one more ends the process at once
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;
  std::optional<absl::Duration> timeout_;
};

// Whoever started us waits for this line: without it, nothing has a use.
absl::Status SayReady(const char* scheme, const fabric::Address& address, const std::string& name) {
  if (std::printf("ready %s://%s/%s\n", scheme, address.ToString().c_str(), name.c_str()) < 0 ||
      std::fflush(stdout) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the ready line can't be written to standard output: ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

// Who is told that it is ready may count on every portal.
absl::Status Listen(target::TcpTarget* target, const target::LoadedConfig& config,
                    const std::vector<target::Listening>& addresses) {
  std::vector<target::Listening> bound;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const auto& [iser, address] = addresses[i];
    const auto there = iser ? target->ListenIser(address) : target->Listen(address);
    if (!there.ok()) {
      return config.At(absl::FailedPreconditionError(there.status().message()), "listen",
                       static_cast<int>(i));
    }
    bound.push_back({.iser = iser, .address = *there});
  }
  for (const auto& [iser, address] : bound) {
    PUSHPULL_RETURN_IF_ERROR(
        SayReady(iser ? "iser" : "tcp", address, target->target().options().name));
  }
  return absl::OkStatus();
}

// All that is wrong with a configuration, at once.
absl::Status CheckConfig(const TargetFlags& flags, const target::LoadedConfig& config,
                         const absl::StatusOr<std::vector<target::Listening>>& addresses,
                         const absl::StatusOr<target::TargetOptions>& options,
                         const absl::StatusOr<target::OperationOptions>& operation) {
  std::vector<std::string> faults;
  for (const absl::Status& status : {options.status(), operation.status(), addresses.status()}) {
    if (!status.ok()) faults.emplace_back(status.message());
  }
  if (!flags.iser_dialect.empty() && addresses.ok() &&
      std::ranges::none_of(*addresses, &target::Listening::iser)) {
    faults.emplace_back(
        "--iser-dialect is about iSER: leave it out, or serve it: --listen iser://HOST");
  }
  if (config.config().lun().empty()) {
    faults.emplace_back("there is no LUN; give one: --lun ram:256M");
  }
  if (faults.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
}

absl::StatusOr<int> Serve(const TargetFlags& flags) {
  target::LoadedConfig config;
  PUSHPULL_RETURN_IF_ERROR(MakeConfig(flags, &config));
  const absl::StatusOr<std::vector<target::Listening>> addresses = target::ListenAddresses(config);
  EndSignals signals;  // stores have threads
  absl::StatusOr<target::TargetOptions> options = target::OptionsFromConfig(config);
  const absl::StatusOr<target::OperationOptions> operation = target::OperationFromConfig(config);
  PUSHPULL_RETURN_IF_ERROR(CheckConfig(flags, config, addresses, options, operation));
  options->node.seed = flags.seed;
  ErrorLog log(operation->log_level);
  options->node.log = log.logger();
  const fabric::EpollLoop clock;
  for (const std::string& warning : options->warnings) {
    log.logger().Write(base::LogLevel::kWarning, clock.Now(), "configuration",
                       base::LogFields().Add("what", warning));
  }
  std::unique_ptr<fabric::RdmaNetwork> rdma;
  if (std::ranges::any_of(*addresses, &target::Listening::iser)) {
    rdma = std::make_unique<fabric::VerbsNetwork>();
  }
  PUSHPULL_ASSIGN_OR_RETURN(
      std::unique_ptr<target::TcpTarget> target,
      target::TcpTarget::Create(*std::move(options), config.config().threads(), std::move(rdma)));
  target->SetBusyPoll(flags.busy_poll_us.has_value()
                          ? fabric::BusyPoll::Always(absl::Microseconds(*flags.busy_poll_us))
                          : fabric::BusyPoll::WhileItPays(kMostBusyPoll));
  Administration administration;
  // On every way out: first nobody asks the target any more, then its threads end, then those that
  // it might have answered on.
  const absl::Cleanup end = [&] {
    administration.Close();
    target->Stop();
  };
  if (!operation->admin_socket.empty()) {
    const auto stop = [&signals](std::optional<absl::Duration> timeout) {
      return signals.End(timeout);
    };
    PUSHPULL_RETURN_IF_ERROR(config.At(
        administration.Open(operation->admin_socket, &target->target(), stop, log.logger()),
        "admin"));
  }
  PUSHPULL_RETURN_IF_ERROR(Listen(target.get(), config, *addresses));
  NotifyServiceManager("READY=1");
  signals.Wait();
  NotifyServiceManager("STOPPING=1");
  target->StopInOrder(signals.timeout().value_or(operation->stop_timeout));
  return conformance::kExitAsExpected;
}

}  // namespace

namespace {

void DeclareChap(CLI::App* target, TargetFlags* flags) {
  target->add_option("--chap-user", flags->chap_user,
                     "CHAP_N of the one initiator that may log in; without CHAP nobody may then");
  target->add_option("--chap-secret-file", flags->chap_secret_file,
                     "its secret: the first line of a file that only its owner may read");
  target->add_option("--chap-mutual-user", flags->chap_mutual_user,
                     "CHAP_N of the target, for initiators that ask it to prove itself");
  target->add_option("--chap-mutual-secret-file", flags->chap_mutual_secret_file,
                     "its secret: another one, of 12 bytes at the least");
}

// Names with commas between them. Empty: they are right.
std::string CheckFreedoms(const std::string& names) {
  constexpr char kThere[] = "vendor-events, empty-data-in, unit-attentions";
  const std::vector<std::string> known = absl::StrSplit(kThere, ", ");
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(names, ','))) {
    if (std::ranges::find(known, name) != known.end() || names.empty()) continue;
    return name.empty() ? absl::StrCat("\"", names, "\" has a comma too many")
                        : absl::StrCat("there is no \"", name, "\" to be left out, but ", kThere);
  }
  return "";
}

void DeclareVariation(CLI::App* target, TargetFlags* flags) {
  target
      ->add_option("--legal-variation", flags->legal_variation,
                   "choose by this seed all that the RFCs leave to a target (docs/TARGET.md)")
      ->transform(WholeNumber(0, UINT64_MAX));
  target->add_flag("--plain-text", flags->plain_text,
                   "with --legal-variation: but write texts as ever, for initiators that don't "
                   "stand all that may be written");
  target
      ->add_option("--without", flags->without,
                   "with --legal-variation: but leave this out, which an initiator is known not to "
                   "stand: vendor-events, empty-data-in, unit-attentions; as often as you like")
      ->allow_extra_args(false)
      ->check(CheckFreedoms);
}

void DeclareOperation(CLI::App* target, TargetFlags* flags) {
  target->add_option("--admin-socket", flags->admin_socket,
                     "a Unix socket, made for its owner alone, that answers `pushpull admin` and "
                     "HTTP (docs/OPERATION.md)");
  target->add_option("--log-level", flags->log_level,
                     "error, warning (the default), info or debug: what is told on standard error");
  target
      ->add_option("--stop-timeout-s", flags->stop_timeout_s,
                   "how long SIGTERM waits for initiators to log out (default: 10)")
      ->transform(WholeNumber(0, UINT16_MAX));
}

// What a scripted target has no use for must not be given.
absl::StatusOr<int> PlayScript(const CLI::App& target, const TargetFlags& flags) {
  const std::set<std::string> known = {"--script", "--listen", "--name", "--seed"};
  for (const CLI::Option* option : target.get_options()) {
    if (option->count() == 0 || known.contains(option->get_name())) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(option->get_name(),
                     " is about the reference target, and --script plays "
                     "another: leave one of them out (`pushpull initiator` has more options)"));
  }
  if (flags.listen.size() > 1) {
    return absl::InvalidArgumentError("--script listens at one address: give one --listen");
  }
  return PlayScriptedTarget({.script = flags.script,
                             .listen = flags.listen.empty() ? "" : flags.listen[0],
                             .name = flags.name.value_or(""),
                             .seed = flags.seed});
}

}  // namespace

void AddTargetCommand(CLI::App* app, int* exit_code) {
  CLI::App* target = app->add_subcommand("target", "Serves the reference target.");
  auto flags = std::make_shared<TargetFlags>();
  target
      ->add_option("--listen", flags->listen,
                   "tcp://HOST[:PORT] or iser://HOST[:PORT]; port 0 lets the kernel choose "
                   "(default: tcp://127.0.0.1:3260). One line `ready URI` each once it accepts")
      ->allow_extra_args(false);
  target
      ->add_option("--lun", flags->luns,
                   "ram:SIZE, file:PATH[,direct][,ro], null:SIZE, pattern:SIZE, "
                   "slow:MILLISECONDS,SPEC; the first is LUN 0")
      ->allow_extra_args(false);
  target->add_option("--config", flags->config_file,
                     "a TargetConfig as textproto (docs/TARGET.md). Over it, --listen and --lun "
                     "replace all of its own, --bug adds one, --name and --threads win");
  target->add_option("--name", flags->name, "the target's iSCSI name");
  target->add_option("--iser-dialect", flags->iser_dialect,
                     "rfc7145, linux or permissive (the default): how RFC 7145 is read where what "
                     "is spoken differs from it (docs/TARGET.md)");
  target
      ->add_option("--threads", flags->threads, "loops that sessions are spread over (default: 1)")
      ->transform(WholeNumber(1, target::kMaxThreads));
  target
      ->add_option("--busy-poll-us", flags->busy_poll_us,
                   "for so many microseconds after something came a loop looks for more without "
                   "sleeping; 0 for never (default: up to 100, while that pays)")
      ->transform(WholeNumber(0, 1'000'000));
  DeclareChap(target, flags.get());
  DeclareOperation(target, flags.get());
  target->add_option("--bug", flags->bugs, "give it this named defect")->allow_extra_args(false);
  target->add_option("--script", flags->script,
                     "be a scripted target, which judges who comes: a script's name (`pushpull "
                     "initiator --list`, which tells of further options; docs/INITIATORS.md)");
  target->add_flag("--list-bugs", flags->list_bugs, "the named defects, with what each breaks");
  DeclareVariation(target, flags.get());
  target->add_option("--seed", flags->seed, "decides all that is left to chance")
      ->transform(WholeNumber(0, UINT64_MAX))
      ->capture_default_str();
  target->footer("Example: pushpull target --lun ram:256M --listen tcp://127.0.0.1:0");
  target->callback([target, flags, exit_code] {
    if (flags->list_bugs) {
      const auto given = [](const CLI::Option* option) { return option->count() != 0; };
      *exit_code = std::ranges::count_if(target->get_options(), given) == 1
                       ? ListBugs()
                       : Complain(absl::InvalidArgumentError(
                             "--list-bugs lists them and serves nothing: give it alone"));
      return;
    }
    if (!flags->script.empty()) {
      const absl::StatusOr<int> code = PlayScript(*target, *flags);
      *exit_code = code.ok() ? *code : Complain(code.status());
      return;
    }
    const absl::StatusOr<int> code = Serve(*flags);
    // Nothing here is about a target that can't be reached.
    *exit_code = code.ok() ? *code
                           : Complain(absl::IsInternal(code.status())
                                          ? code.status()
                                          : absl::InvalidArgumentError(code.status().message()));
  });
}

}  // namespace pushpull::tools
