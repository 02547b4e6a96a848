#include "tools/pushpull/run_options.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/secret_file.h"
#include "base/shell_quote.h"
#include "base/status.h"
#include "tools/endpoints/uri.h"
#include "tools/pushpull/numbers.h"

namespace pushpull::tools {
namespace {

// Everything else is in the replay line: an option that is new is, too, unless it is put here.
constexpr std::pair<std::string_view, std::string_view> kNotReplayed[] = {
    {"--help", "says what there is and plays nothing"},
    {"--only", "the replay line names its one case by itself"},
    {"--exclude", "there is one case only"},
    {"--shard", "there is one case only"},
    {"--max-suite-version", "chooses cases, and says nothing of how one goes"},
    {"--jobs", "there is one case only; the ISID that its job had is in the line"},
    {"--first", "the fuzzer names the one sequence that it means"},
    {"--runs", "likewise"},
    {"--time", "one sequence takes as long as it takes"},
    {"--max-plays", "bounds a search, and there is nothing more to be sought"},
    {"--isid", "the runner adds the ISID that the case was played with"},
    {"--out", "a replay must not write over the results that it comes from"},
    {"--fix-profile", "a replay must not rewrite the profile"},
    {"--color", "changes how results look, not what they are"},
};

absl::StatusOr<std::array<uint8_t, 6>> ParseIsid(const std::string& text) {
  std::array<uint8_t, 6> isid;
  const bool hex = text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (text.size() != 12 || !hex) {
    return absl::InvalidArgumentError(
        absl::StrCat("--isid \"", text, "\": write six bytes as 12 hexadecimal digits"));
  }
  const std::string bytes = absl::HexStringToBytes(text);
  std::copy(bytes.begin(), bytes.end(), isid.begin());
  if (isid[0] >> 6 == 3) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--isid ", text, ": a first digit of c to f is a reserved type (RFC 7143 §11.12.5)"));
  }
  return isid;
}

// What no target may let in says nothing of a target (RFC 7143 §4.2.7.2, §4.2.7.3).
absl::Status CheckInitiatorName(const std::string& name) {
  const std::string type = name.substr(0, 4);
  if ((type == "iqn." || type == "eui." || type == "naa.") && name.size() <= 223) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--initiator-name \"", name,
                   "\": an iSCSI name begins with iqn., eui. or naa., and has 223 bytes at most"));
}

absl::Status ParseScratch(const RunFlags& flags, conformance::PlaySettings* settings) {
  if (flags.scratch_lba.empty()) return absl::OkStatus();
  const std::vector<std::string> parts = absl::StrSplit(flags.scratch_lba, '-');
  uint64_t from = 0, to = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &from) || !absl::SimpleAtoi(parts[1], &to)) {
    return absl::InvalidArgumentError(absl::StrCat("--scratch-lba \"", flags.scratch_lba,
                                                   "\": write FROM-TO, such as 4096-8191"));
  }
  if (from > to) {
    return absl::InvalidArgumentError(absl::StrCat("--scratch-lba \"", flags.scratch_lba,
                                                   "\": the first block comes after the ",
                                                   "last: ", to, "-", from, "?"));
  }
  if (to - from < conformance::kScratchBlocks - 1) {
    return absl::InvalidArgumentError(absl::StrCat("--scratch-lba \"", flags.scratch_lba,
                                                   "\": the cases need ",
                                                   conformance::kScratchBlocks, " blocks"));
  }
  settings->scratch_lba = from;
  settings->scratch_last_lba = to;
  return absl::OkStatus();
}

absl::Status ReadChap(const RunFlags& flags, initiator_sim::ChapCredentials* chap) {
  chap->user = flags.chap_user;
  chap->mutual_user = flags.chap_mutual_user;
  if (flags.chap_user.empty() != flags.chap_secret_file.empty()) {
    return absl::InvalidArgumentError("--chap-user and --chap-secret-file go together");
  }
  if (flags.chap_mutual_user.empty() != flags.chap_mutual_secret_file.empty()) {
    return absl::InvalidArgumentError(
        "--chap-mutual-user and --chap-mutual-secret-file go together");
  }
  if (!flags.chap_mutual_user.empty() && flags.chap_user.empty()) {
    return absl::InvalidArgumentError(
        "--chap-mutual-user is for both directions: --chap-user and --chap-secret-file are needed");
  }
  if (!flags.chap_secret_file.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(chap->secret, base::ReadSecretFile(flags.chap_secret_file));
  }
  if (!flags.chap_mutual_secret_file.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(chap->mutual_secret,
                              base::ReadSecretFile(flags.chap_mutual_secret_file));
  }
  if (!chap->secret.empty() && chap->secret == chap->mutual_secret) {
    return absl::InvalidArgumentError(
        "--chap-secret-file and --chap-mutual-secret-file hold the same secret, which RFC 7143 "
        "§9.2.1 forbids: give each direction one of its own");
  }
  return absl::OkStatus();
}

void DeclareChoice(CLI::App* run, RunFlags* flags) {
  run->add_option("--only", flags->only, "cases whose id matches this glob, or with this tag")
      ->allow_extra_args(false);
  run->add_option("--exclude", flags->exclude, "not the cases whose id matches, or with this tag")
      ->allow_extra_args(false);
  run->add_option("--level", flags->level, "how far to judge")
      ->transform(CLI::IsMember({"must", "should", "may"}, CLI::ignore_case))
      ->capture_default_str();
  run->add_flag("--strict", flags->strict, "WARN (a SHOULD was missed) fails the run");
  run->add_flag("--fix-profile", flags->fix_profile,
                "rewrite the profile: add what fails, drop what is stale");
  run->add_option("--shard", flags->shard, "I/N: only each N-th case, from the I-th");
  run->add_option(
         "--max-suite-version", flags->max_suite_version,
         "no case that came later than this version of the suites, of which 1 is the first")
      ->transform(WholeNumber(1, UINT32_MAX));
  run->add_option("--suites", flags->suites,
                  "a folder of scenarios instead of the built-in suites");
}

void DeclarePlay(CLI::App* run, RunFlags* flags) {
  run->add_flag("--allow-writes", flags->allow_writes,
                "cases may change blocks of the LUN: the data there is lost");
  run->add_option("--scratch-lba", flags->scratch_lba, "FROM-TO: only these blocks are changed");
  run->add_option("--splits", flags->splits,
                  "how what is sent is cut: none, bytes, mss:N, fields, random:SEED:N")
      ->capture_default_str();
  run->add_option("--step-timeout-s", flags->step_timeout_s, "how long a step waits")
      ->transform(DecimalNumber(0.001, 86400))
      ->capture_default_str();
  run->add_option("--timeout-scale", flags->timeout_scale, "all time limits times this")
      ->transform(DecimalNumber(0.01, 1000))
      ->capture_default_str();
}

void DeclareInitiator(CLI::App* run, RunFlags* flags) {
  run->add_option("--initiator-name", flags->initiator_name, "InitiatorName")
      ->capture_default_str();
  run->add_option("--isid", flags->isid, "ISID of the first session, 12 hexadecimal digits");
  run->add_option("--bind", flags->bind, "the address to connect from");
  run->add_option("--iser-dialect", flags->iser_dialect,
                  "how iSER is spoken where RFC 7145 and Linux differ (embedded-iser: follows)")
      ->check(CLI::IsMember({"rfc7145", "linux"}))
      ->capture_default_str();
  run->add_option("--chap-user", flags->chap_user,
                  "CHAP_N of the initiator (an embedded target then asks for it)");
  run->add_option("--chap-secret-file", flags->chap_secret_file, "its secret, one line");
  run->add_option("--chap-mutual-user", flags->chap_mutual_user, "CHAP_N of the target");
  run->add_option("--chap-mutual-secret-file", flags->chap_mutual_secret_file, "its secret");
}

void DeclareTarget(CLI::App* command, RunFlags* flags) {
  command
      ->add_option("--target", flags->targets,
                   absl::StrCat(TargetForms(true), ". A second one is another portal"))
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--profile", flags->profile,
                      "what is known of this target: expected failures, commands");
}

void DeclareTreatment(CLI::App* command, RunFlags* flags) {
  DeclarePlay(command, flags);
  DeclareInitiator(command, flags);
  command->add_option("--bug", flags->bugs, "a named defect of the embedded target")
      ->allow_extra_args(false);
  command
      ->add_option("--legal-variation", flags->legal_variation,
                   "the embedded target chooses by this seed all that the RFCs leave to it")
      ->transform(WholeNumber(0, UINT64_MAX));
  command->add_option("--seed", flags->seed, "decides all that is left to chance")
      ->transform(WholeNumber(0, UINT64_MAX))
      ->capture_default_str();
}

std::string NameOf(const CLI::Option& option) {
  return option.get_lnames().empty() ? "" : absl::StrCat("--", option.get_lnames()[0]);
}

}  // namespace

void DeclareTargetOptions(CLI::App* command, RunFlags* flags) {
  DeclareTarget(command, flags);
  DeclareTreatment(command, flags);
}

void DeclareRunOptions(CLI::App* run, RunFlags* flags) {
  DeclareTarget(run, flags);
  DeclareChoice(run, flags);
  DeclareTreatment(run, flags);
  run->add_option("--jobs", flags->jobs, "cases at a time")
      ->transform(WholeNumber(1, 256))
      ->capture_default_str();
  run->add_option("--before-case", flags->before_case,
                  "a command for the shell before each case; its failure is an ERROR");
  run->add_option("--after-case", flags->after_case, "likewise after each case");
  run->add_option("--out", flags->out, "the folder for result.json, junit.xml and wire logs");
  run->add_option("--color", flags->color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

std::string_view NotReplayed(std::string_view option) {
  for (const auto& [name, reason] : kNotReplayed) {
    if (name == option) return reason;
  }
  return "";
}

std::string ReplayCommand(const CLI::App& run) { return ReplayCommand(run, run.get_name()); }

std::string ReplayCommand(const CLI::App& from, const std::string& run) {
  std::string command = absl::StrCat("pushpull ", run);
  for (const CLI::Option* option : from.get_options()) {
    if (option->get_positional()) continue;
    const std::string name = NameOf(*option);
    if (!NotReplayed(name).empty()) continue;
    // The seed stands there always: its default may be another one day.
    if (option->count() == 0 && name == "--seed") {
      absl::StrAppend(&command, " --seed ", option->get_default_str());
    }
    if (option->count() == 0) continue;
    if (option->get_items_expected_max() == 0) {
      absl::StrAppend(&command, " ", name);
      continue;
    }
    for (const std::string& value : option->results()) {
      absl::StrAppend(&command, " ", name, " ", base::ShellQuoted(value));
    }
  }
  return command;
}

absl::StatusOr<conformance::PlaySettings> MakeSettings(const RunFlags& flags) {
  conformance::PlaySettings settings;
  PUSHPULL_RETURN_IF_ERROR(CheckInitiatorName(flags.initiator_name));
  settings.initiator_name = flags.initiator_name;
  if (!flags.isid.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(settings.isid, ParseIsid(flags.isid));
  }
  PUSHPULL_RETURN_IF_ERROR(ParseScratch(flags, &settings));
  settings.iser_dialect = initiator_sim::FindIserDialect(flags.iser_dialect)
                              .value_or(initiator_sim::IserDialect::kRfc7145);
  PUSHPULL_ASSIGN_OR_RETURN(settings.splits, initiator_sim::SplitSchedule::Parse(flags.splits));
  settings.step_timeout = absl::Seconds(flags.step_timeout_s * flags.timeout_scale);
  PUSHPULL_RETURN_IF_ERROR(ReadChap(flags, &settings.chap));
  return settings;
}

absl::Status RefuseNoEffect(const RunFlags& flags, const std::vector<TargetUri>& targets) {
  for (const TargetUri& target : targets) {
    const TargetUri::Kind kind = target.kind;
    const bool remote = kind == TargetUri::Kind::kTcp || kind == TargetUri::Kind::kIser;
    const bool iser = kind == TargetUri::Kind::kIser || kind == TargetUri::Kind::kEmbeddedIser;
    if (remote && !flags.scratch_lba.empty() && !flags.allow_writes) {
      return absl::InvalidArgumentError(
          "--scratch-lba says where blocks may be changed, but without --allow-writes none is: "
          "give that too, or leave --scratch-lba out");
    }
    if (flags.iser_dialect_given && !iser) {
      return absl::InvalidArgumentError(absl::StrCat("--iser-dialect is about iSER, and ",
                                                     target.text,
                                                     " is reached over TCP: leave it out, "
                                                     "or give an iser:// target"));
    }
    if (flags.splits != "none" && iser) {
      return absl::InvalidArgumentError(
          absl::StrCat("--splits ", flags.splits, ": over iSER (", target.text,
                       ") a PDU comes whole, there is "
                       "nothing to cut: leave it out, or test over TCP"));
    }
  }
  if (flags.fix_profile && flags.profile.empty()) {
    return absl::InvalidArgumentError("--fix-profile needs a --profile to rewrite");
  }
  return absl::OkStatus();
}

absl::StatusOr<conformance::Shard> ParseShard(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  conformance::Shard shard;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &shard.index) ||
      !absl::SimpleAtoi(parts[1], &shard.count) || shard.index == 0 || shard.index > shard.count) {
    return absl::InvalidArgumentError(
        absl::StrCat("--shard \"", text, "\": write I/N with 1 <= I <= N, such as 2/4"));
  }
  return shard;
}

}  // namespace pushpull::tools
