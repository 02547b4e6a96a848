// The options of `pushpull run`, and the command line that plays one of its cases again.

#ifndef TOOLS_PUSHPULL_RUN_OPTIONS_H_
#define TOOLS_PUSHPULL_RUN_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "conformance/runner/play.h"
#include "conformance/runner/run.h"
#include "tools/endpoints/uri.h"

namespace pushpull::tools {

struct RunFlags {
  std::vector<std::string> targets = {"embedded:"};
  std::vector<std::string> only, exclude, bugs;
  std::string level = "may";
  std::string profile, scratch_lba, splits = "none", shard, isid, bind, out, suites;
  std::string before_case, after_case;
  std::string iser_dialect = "rfc7145";
  std::string color = "auto";
  std::string initiator_name = conformance::PlaySettings().initiator_name;
  std::string chap_user, chap_secret_file, chap_mutual_user, chap_mutual_secret_file;
  bool strict = false, allow_writes = false, fix_profile = false;
  uint32_t jobs = 1;
  uint32_t max_suite_version = UINT32_MAX;
  double step_timeout_s = 10, timeout_scale = 1;
  uint64_t seed = 1;
  std::optional<uint64_t> legal_variation;
  std::vector<std::string> arguments;  // as given, for the report
  bool step_timeout_given = false;     // the command line wins over the profile
  bool iser_dialect_given = false;
  std::string replay_command;  // made from them once they are parsed
};

void DeclareRunOptions(CLI::App* run, RunFlags* flags);
// Those of them that say which target is played against, as whom, and what may be done to it.
void DeclareTargetOptions(CLI::App* command, RunFlags* flags);

// Why the option ("--jobs") is never in a replay line; empty: it is, where it was given.
std::string_view NotReplayed(std::string_view option);

// The subcommand ("pushpull run") with every option of a parsed command line that changes what a
// case does, as a shell takes it. The case (--only) and its ISID are the runner's to add.
std::string ReplayCommand(const CLI::App& run);
// With the options of `from`, of which `run` has all that are replayed.
std::string ReplayCommand(const CLI::App& from, const std::string& run);

// What all cases of the run share. INVALID_ARGUMENT names the option.
absl::StatusOr<conformance::PlaySettings> MakeSettings(const RunFlags& flags);

// INVALID_ARGUMENT: an option that would change nothing, and why: the user means something else.
absl::Status RefuseNoEffect(const RunFlags& flags, const std::vector<TargetUri>& targets);

// "I/N"
absl::StatusOr<conformance::Shard> ParseShard(const std::string& text);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_RUN_OPTIONS_H_
