// pushpull target

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "conformance/report/verdict.h"
#include "fabric/rdma/verbs_network.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/bugs/bugs.h"
#include "target/config.h"
#include "target/portal/tcp_target.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/numbers.h"

namespace pushpull::tools {
namespace {

constexpr char kNoDeviceHelp[] =
    "; where there is no RDMA device, `pushpull softroce -- COMMAND` runs the command with a "
    "soft-RoCE one";

struct TargetFlags {
  v1::TargetConfig config;  // of the command line alone
  std::vector<std::string> listen, luns, bugs;
  std::string config_file, iser_dialect;
  std::string chap_user, chap_secret_file, chap_mutual_user, chap_mutual_secret_file;
  std::optional<std::string> name;
  std::optional<uint32_t> threads;
  std::optional<uint64_t> legal_variation;
  bool plain_text = false;
  uint64_t seed = 1;
  bool list_bugs = false;
};

int ListBugs() {
  for (const target::BugInfo& bug : target::AllBugs()) {
    const std::string_view rows = bug.by_delivery() ? "(by the delivery of bytes)" : bug.rows;
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
  return config;
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
  config->Override(ConfigOfFlags(flags));
  v1::TargetConfig rest;
  if (config->config().listen().empty()) rest.add_listen("tcp://127.0.0.1:3260");
  if (!config->config().has_threads()) rest.set_threads(1);
  config->Override(rest);
  return absl::OkStatus();
}

// SIGINT and SIGTERM. To be made before any thread begins.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }

  // Until the first; the next one ends the process at once.
  void Wait() {
    int signal = 0;
    while (sigwait(&signals_, &signal) != 0) {
    }
    pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  }

 private:
  sigset_t signals_;
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

absl::Status Listen(target::TcpTarget* target, const target::LoadedConfig& config,
                    const std::vector<target::Listening>& addresses) {
  for (size_t i = 0; i < addresses.size(); ++i) {
    const auto& [iser, address] = addresses[i];
    const auto bound = iser ? target->ListenIser(address) : target->Listen(address);
    if (!bound.ok()) {
      std::string message(bound.status().message());
      if (iser) message += kNoDeviceHelp;
      return config.At(absl::FailedPreconditionError(message), "listen", static_cast<int>(i));
    }
    PUSHPULL_RETURN_IF_ERROR(
        SayReady(iser ? "iser" : "tcp", *bound, target->target().options().name));
  }
  return absl::OkStatus();
}

// All that is wrong with a configuration, at once.
absl::Status CheckConfig(const TargetFlags& flags, const target::LoadedConfig& config,
                         const absl::StatusOr<std::vector<target::Listening>>& addresses,
                         const absl::StatusOr<target::TargetOptions>& options) {
  std::vector<std::string> faults;
  for (const absl::Status& status : {options.status(), addresses.status()}) {
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
  PUSHPULL_RETURN_IF_ERROR(CheckConfig(flags, config, addresses, options));
  options->node.seed = flags.seed;
  for (const std::string& warning : options->warnings) {
    std::fprintf(stderr, "pushpull: warning: %s\n", warning.c_str());
  }
  std::unique_ptr<fabric::RdmaNetwork> rdma;
  if (std::ranges::any_of(*addresses, &target::Listening::iser)) {
    rdma = std::make_unique<fabric::VerbsNetwork>();
  }
  PUSHPULL_ASSIGN_OR_RETURN(
      std::unique_ptr<target::TcpTarget> target,
      target::TcpTarget::Create(*std::move(options), config.config().threads(), std::move(rdma)));
  PUSHPULL_RETURN_IF_ERROR(Listen(target.get(), config, *addresses));
  signals.Wait();
  target->Stop();
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
  DeclareChap(target, flags.get());
  target->add_option("--bug", flags->bugs, "give it this named defect")->allow_extra_args(false);
  target->add_flag("--list-bugs", flags->list_bugs, "the named defects, with what each breaks");
  target
      ->add_option("--legal-variation", flags->legal_variation,
                   "choose by this seed all that the RFCs leave to a target (docs/TARGET.md)")
      ->transform(WholeNumber(0, UINT64_MAX));
  target->add_flag("--plain-text", flags->plain_text,
                   "with --legal-variation: but write texts as ever, for initiators that don't "
                   "stand all that may be written");
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
    const absl::StatusOr<int> code = Serve(*flags);
    // Nothing here is about a target that can't be reached.
    *exit_code = code.ok() ? *code
                           : Complain(absl::IsInternal(code.status())
                                          ? code.status()
                                          : absl::InvalidArgumentError(code.status().message()));
  });
}

}  // namespace pushpull::tools
