// pushpull load

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/secret_file.h"
#include "base/status.h"
#include "conformance/report/verdict.h"
#include "tools/endpoints/uri.h"
#include "tools/load/load.h"
#include "tools/load/peers.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/descriptors.h"
#include "tools/pushpull/interrupt.h"
#include "tools/pushpull/numbers.h"

namespace pushpull::tools {
namespace {

struct LoadFlags {
  std::string target;
  std::string chap_secret_file, chap_mutual_secret_file;
  bool allow_writes = false;
  double seconds = 10;
  double answer_within_s = 10;
  std::optional<uint64_t> commands;
  std::optional<int> watched_pid;
  LoadOptions options;
};

std::string AllKinds() {
  return absl::StrJoin(PeerKinds(), ", ", [](std::string* out, const PeerKind& kind) {
    absl::StrAppend(out, std::string(kind.name));
  });
}

absl::Status TakePeers(LoadOptions* options) {
  std::vector<std::string> kinds;
  for (const std::string& kind : options->peers) {
    if (kind == "all") {
      for (const PeerKind& known : PeerKinds()) kinds.emplace_back(known.name);
    } else if (IsPeerKind(kind)) {
      kinds.push_back(kind);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--peers ", kind, ": there are ", AllKinds(), ", and all"));
    }
  }
  options->peers = std::move(kinds);
  return absl::OkStatus();
}

absl::StatusOr<LoadOptions> OptionsOf(const LoadFlags& flags) {
  LoadOptions options = flags.options;
  PUSHPULL_ASSIGN_OR_RETURN(const TargetUri uri, ParseTargetUri(flags.target));
  if (uri.kind != TargetUri::Kind::kTcp || uri.target_name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--target ", flags.target,
                     ": load goes over TCP, to a target that is named: "
                     "tcp://HOST[:PORT]/IQN[/LUN]"));
  }
  if (!flags.allow_writes) {
    return absl::InvalidArgumentError(
        "the sessions write over the LUN: all data there is lost. If it may be, give "
        "--allow-writes");
  }
  options.address = uri.address;
  options.target_name = uri.target_name;
  options.lun = uri.lun.value_or(0);
  options.time = absl::Seconds(flags.seconds);
  options.commands = flags.commands;
  options.watched_pid = flags.watched_pid;
  options.answer_within = absl::Seconds(flags.answer_within_s);
  PUSHPULL_RETURN_IF_ERROR(TakePeers(&options));
  if (options.sessions == 0 && options.peers.empty() && options.drops == 0) {
    return absl::InvalidArgumentError(
        "--sessions 0 leaves nothing to do: give sessions, or connections to --drops");
  }
  if (options.sessions == 0 && !options.peers.empty()) {
    return absl::InvalidArgumentError("--peers needs others to take from: --sessions above 0");
  }
  if (options.commands.has_value() && !options.peers.empty()) {
    return absl::InvalidArgumentError("--peers compares rates: give --seconds, not --commands");
  }
  // A connection each; loops and the process's own are a few.
  const uint64_t peers = options.peers.empty() ? 0 : options.peers_of_a_kind;
  PUSHPULL_RETURN_IF_ERROR(
      NeedDescriptors(uint64_t{options.sessions} + peers + 4 * options.threads + 32));
  initiator_sim::ChapCredentials& chap = options.chap;
  if (chap.user.empty() != flags.chap_secret_file.empty() ||
      chap.mutual_user.empty() != flags.chap_mutual_secret_file.empty()) {
    return absl::InvalidArgumentError(
        "--chap-user and --chap-secret-file go together, and so do "
        "--chap-mutual-user and --chap-mutual-secret-file");
  }
  if (!chap.user.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(chap.secret, base::ReadSecretFile(flags.chap_secret_file));
  }
  if (!chap.mutual_user.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(chap.mutual_secret,
                              base::ReadSecretFile(flags.chap_mutual_secret_file));
  }
  return options;
}

// What is left of a process once connections were dropped. The allocator keeps some of it.
bool Grew(const LoadReport& report) {
  if (report.drops == 0 || !report.before.has_value() || !report.after.has_value()) return false;
  const uint64_t room = (uint64_t{4} << 20) + report.drops * 256;
  return report.after->descriptors > report.before->descriptors ||
         report.after->threads > report.before->threads ||
         report.after->resident_bytes > report.before->resident_bytes + room;
}

// Where there is too little of it, none: chance alone would speak.
std::string Ratio(double with, double without, bool tells) {
  return tells && without > 0 ? absl::StrFormat("%.2f", with / without) : "-";
}

void PrintPeers(const LoadReport& report) {
  if (report.peers.empty()) return;
  const bool watched = report.peers.front().resident_growth.has_value();
  bool all_tell = true;
  std::printf("%-20s %10s %10s %6s%s\n", "commands a second", "without", "with", "ratio",
              watched ? "   target: us a command, with   ratio  grew by" : "");
  for (const LoadReport::PeerResult& peer : report.peers) {
    std::printf("%-20s %10.0f %10.0f %6s", peer.kind.c_str(), peer.without, peer.with,
                Ratio(peer.with, peer.without, peer.rates_tell).c_str());
    if (watched) {
      std::printf("%24.1f %6.1f  %6s  %.1f MiB", peer.cpu_us_without, peer.cpu_us_with,
                  Ratio(peer.cpu_us_with, peer.cpu_us_without, peer.times_tell).c_str(),
                  static_cast<double>(*peer.resident_growth) / (1 << 20));
    }
    std::printf("\n");
    all_tell &= peer.rates_tell && (!watched || peer.times_tell);
  }
  if (!all_tell) std::printf("-: too short to tell; give more --seconds\n");
}

int Print(const LoadOptions& options, const LoadReport& report) {
  const double seconds = absl::ToDoubleSeconds(report.time);
  const auto rate = seconds > 0 ? static_cast<double>(report.commands) / seconds : 0;
  if (options.sessions > 0) {
    std::printf("%llu %s of %u bytes by %u %s in %.1f s: %.0f a second%s\n",
                static_cast<unsigned long long>(report.commands),
                report.commands == 1 ? "command" : "commands", options.io_bytes, options.sessions,
                options.sessions == 1 ? "session" : "sessions", seconds, rate,
                report.faults == 0 ? ", all read back and compared" : "");
  }
  PrintPeers(report);
  if (report.drops > 0) {
    std::printf("%llu %s dropped\n", static_cast<unsigned long long>(report.drops),
                report.drops == 1 ? "connection" : "connections");
  }
  if (report.before.has_value() && report.after.has_value()) {
    std::printf("the target's process: %s %s, %s at the end\n", report.before->Describe().c_str(),
                report.drops > 0 ? "after the first of them" : "before the sessions' work",
                report.after->Describe().c_str());
  }
  for (const std::string& fault : report.first_faults) std::printf("FAULT %s\n", fault.c_str());
  if (report.faults > report.first_faults.size()) {
    std::printf("and %llu more\n",
                static_cast<unsigned long long>(report.faults - report.first_faults.size()));
  }
  const bool grew = Grew(report);
  if (grew) std::printf("FAULT the target's process grew while connections were dropped\n");
  return grew || report.faults > 0 ? conformance::kExitUnexpectedVerdict
                                   : conformance::kExitAsExpected;
}

absl::StatusOr<int> Play(const LoadFlags& flags) {
  PUSHPULL_ASSIGN_OR_RETURN(LoadOptions options, OptionsOf(flags));
  WatchInterrupts();
  options.interrupted = [] { return Interrupted() != 0; };
  options.tell = [](const std::string& what) {
    std::fprintf(stderr, "pushpull: %s\n", what.c_str());
  };
  PUSHPULL_ASSIGN_OR_RETURN(const LoadReport report, RunLoad(options));
  const int code = Print(options, report);
  return Interrupted() != 0 ? InterruptedExitCode() : code;
}

void DeclareWork(CLI::App* load, LoadFlags* flags) {
  LoadOptions& options = flags->options;
  load->add_option("--sessions", options.sessions, "sessions at once; 0: none")
      ->transform(WholeNumber(0, 65535))
      ->capture_default_str();
  load->add_option("--depth", options.depth, "commands that each has under way")
      ->transform(WholeNumber(1, 1024))
      ->capture_default_str();
  load->add_option("--io-bytes", options.io_bytes, "that one command writes or reads")
      ->transform(WholeNumber(512, 8 << 20))
      ->capture_default_str();
  CLI::Option* const seconds =
      load->add_option("--seconds", flags->seconds,
                       "how long; with --peers, for each kind, half of it with them")
          ->transform(DecimalNumber(0.1, 1e6))
          ->capture_default_str();
  load->add_option("--commands", flags->commands, "of each session, instead of a time")
      ->transform(WholeNumber(1, UINT64_MAX))
      ->excludes(seconds);
  load->add_option("--threads", options.threads, "that they are spread over")
      ->transform(WholeNumber(1, 256))
      ->capture_default_str();
  load->add_option("--seed", options.seed, "decides all that is left to chance")
      ->transform(WholeNumber(0, UINT64_MAX))
      ->capture_default_str();
}

void DeclarePeers(CLI::App* load, LoadFlags* flags) {
  LoadOptions& options = flags->options;
  load->add_option("--drops", options.drops,
                   "connect and drop so often, at each stage from the TCP connection to Data-Out")
      ->transform(WholeNumber(0, UINT32_MAX));
  load->add_option("--peers", options.peers,
                   absl::StrCat("peers that take things from others, as often as you like: ",
                                AllKinds(), ", or all"))
      ->allow_extra_args(false);
  load->add_option("--peers-of-a-kind", options.peers_of_a_kind, "at once")
      ->transform(WholeNumber(1, 1024))
      ->capture_default_str();
  load->add_option("--watch-pid", flags->watched_pid,
                   "the target's process on this machine: it must not end, nor grow by dropped "
                   "connections")
      ->transform(WholeNumber(1, INT32_MAX));
  load->add_option("--answer-within-s", flags->answer_within_s,
                   "a session none of whose commands ends for so long has met a target that stalls")
      ->transform(DecimalNumber(0.1, 86400))
      ->capture_default_str();
}

}  // namespace

void AddLoadCommand(CLI::App* app, int* exit_code) {
  CLI::App* load = app->add_subcommand(
      "load", "Loads a target with sessions that verify what they read, and with bad peers.");
  auto flags = std::make_shared<LoadFlags>();
  load->add_option("--target", flags->target, "tcp://HOST[:PORT]/IQN[/LUN]")->required();
  load->add_flag("--allow-writes", flags->allow_writes, "the data on the LUN may be lost");
  DeclareWork(load, flags.get());
  DeclarePeers(load, flags.get());
  load->add_option("--initiator-name", flags->options.initiator_name, "who logs in")
      ->capture_default_str();
  load->add_option("--chap-user", flags->options.chap.user, "CHAP_N of the sessions");
  load->add_option("--chap-secret-file", flags->chap_secret_file,
                   "its secret: the first line of a file that only its owner may read");
  load->add_option("--chap-mutual-user", flags->options.chap.mutual_user,
                   "CHAP_N that the target must give");
  load->add_option("--chap-mutual-secret-file", flags->chap_mutual_secret_file, "its secret");
  load->footer(
      "Example: pushpull load --target tcp://127.0.0.1/iqn.2026-11.org.pushpull:reference "
      "--allow-writes --sessions 1024");
  load->callback([flags, exit_code] {
    const absl::StatusOr<int> code = Play(*flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
