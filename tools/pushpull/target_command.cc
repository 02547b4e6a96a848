// pushpull target

#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "base/text_proto.h"
#include "conformance/report/verdict.h"
#include "fabric/epoll_loop.h"
#include "fabric/tcp_network.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/bugs/bugs.h"
#include "target/store/lun_spec.h"
#include "target/target.h"
#include "tools/endpoints/uri.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/target_options.h"

namespace pushpull::tools {
namespace {

struct TargetFlags {
  v1::TargetConfig config;  // of the command line alone
  std::vector<std::string> listen, luns, bugs;
  std::string config_file, name;
  uint32_t threads = 0;
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

// The file, and what the command line says over it.
absl::StatusOr<v1::TargetConfig> MakeConfig(const TargetFlags& flags) {
  v1::TargetConfig config;
  if (!flags.config_file.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(config, base::LoadTextProto<v1::TargetConfig>(flags.config_file));
  }
  if (!flags.listen.empty()) config.clear_listen();
  for (const std::string& uri : flags.listen) config.add_listen(uri);
  if (!flags.luns.empty()) config.clear_lun();
  for (const std::string& spec : flags.luns) {
    v1::LunConfig* lun = config.add_lun();
    lun->set_number(config.lun_size() - 1);
    lun->set_spec(spec);
  }
  for (const std::string& bug : flags.bugs) config.add_bug(bug);
  if (!flags.name.empty()) config.set_name(flags.name);
  if (flags.threads != 0) config.set_threads(flags.threads);
  if (config.listen().empty()) config.add_listen("tcp://127.0.0.1:3260");
  return config;
}

// Waits for SIGINT or SIGTERM, which were blocked before any thread began.
void WaitForEnd(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
}

absl::StatusOr<int> Serve(const TargetFlags& flags) {
  PUSHPULL_ASSIGN_OR_RETURN(const v1::TargetConfig config, MakeConfig(flags));
  PUSHPULL_ASSIGN_OR_RETURN(target::TargetOptions options, MakeTargetOptions(config));
  options.node.seed = flags.seed;
  std::vector<fabric::Address> addresses;
  for (const std::string& text : config.listen()) {
    PUSHPULL_ASSIGN_OR_RETURN(const TargetUri uri, ParseListenUri(text));
    addresses.push_back(uri.address);
  }

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const std::string name = options.node.name;
  std::vector<std::unique_ptr<fabric::LoopThread>> threads;
  std::vector<fabric::Loop*> loops;
  for (uint32_t i = 0; i < std::max<uint32_t>(config.threads(), 1); ++i) {
    threads.push_back(std::make_unique<fabric::LoopThread>());
    loops.push_back(threads.back()->loop());
  }
  fabric::TcpNetwork network;
  PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<target::Target> target,
                            target::Target::Create(std::move(options), &network, loops));
  absl::Status listening;
  for (const fabric::Address& address : addresses) {
    absl::StatusOr<fabric::Address> bound;
    threads[0]->Call([&] { bound = target->Listen(address); });
    if (!bound.ok()) {
      listening = absl::FailedPreconditionError(bound.status().message());
      break;
    }
    std::printf("ready tcp://%s/%s\n", bound->ToString().c_str(), name.c_str());
  }
  std::fflush(stdout);
  if (listening.ok()) WaitForEnd(signals);

  std::promise<void> stopped;
  target->Shutdown([&] {
    target.reset();
    stopped.set_value();
  });
  stopped.get_future().wait();
  if (!listening.ok()) return listening;
  return conformance::kExitAsExpected;
}

}  // namespace

void AddTargetCommand(CLI::App* app, int* exit_code) {
  CLI::App* target = app->add_subcommand("target", "Serves the reference target.");
  auto flags = std::make_shared<TargetFlags>();
  target->add_option("--listen", flags->listen,
                     "tcp://HOST[:PORT]; port 0 lets the kernel choose (default: "
                     "tcp://127.0.0.1:3260). One line `ready URI` each once it accepts");
  target->add_option("--lun", flags->luns,
                     "ram:SIZE, file:PATH[,direct][,ro], null:SIZE, pattern:SIZE, "
                     "slow:MILLISECONDS,SPEC; the first is LUN 0");
  target->add_option("--config", flags->config_file,
                     "a TargetConfig as textproto; the command line wins over it");
  target->add_option("--name", flags->name, "the target's iSCSI name");
  target->add_option("--threads", flags->threads, "loops that sessions are spread over")
      ->check(CLI::Range(1, 1024));
  target->add_option("--bug", flags->bugs, "give it this named defect");
  target->add_flag("--list-bugs", flags->list_bugs, "the named defects, with what each breaks");
  target->add_option("--seed", flags->seed, "decides all that is left to chance")
      ->capture_default_str();
  target->footer("Example: pushpull target --lun ram:256M --listen tcp://127.0.0.1:0");
  target->callback([flags, exit_code] {
    if (flags->list_bugs) {
      *exit_code = ListBugs();
      return;
    }
    const absl::StatusOr<int> code = Serve(*flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
