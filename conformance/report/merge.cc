#include "conformance/report/merge.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "conformance/report/verdict.h"

namespace pushpull::conformance {
namespace {

// From harmless to grave: one failed case matters less than a target that wasn't reached.
int Gravity(int32_t exit_code) {
  switch (exit_code) {
    case kExitAsExpected:
      return 0;
    case kExitUnexpectedVerdict:
      return 1;
    case kExitNothingMatched:
      return 2;
    case kExitTargetUnreachable:
      return 3;
    default:
      return 4;
  }
}

void AddLeftOut(const v1::RunResult& part, v1::RunResult* all) {
  for (const v1::LeftOut& left : part.left_out()) {
    auto* const known = all->mutable_left_out();
    const auto found =
        std::find_if(known->begin(), known->end(),
                     [&left](const v1::LeftOut& other) { return other.reason() == left.reason(); });
    if (found == known->end()) {
      *known->Add() = left;
    } else {
      found->set_cases(found->cases() + left.cases());
    }
  }
}

void AddPart(const v1::RunResult& part, v1::RunResult* all) {
  all->mutable_result()->MergeFrom(part.result());
  all->mutable_profile_complaint()->MergeFrom(part.profile_complaint());
  all->mutable_warning()->MergeFrom(part.warning());
  AddLeftOut(part, all);
  all->set_seconds(all->seconds() + part.seconds());
  for (const auto& [verdict, count] : part.totals().by_verdict()) {
    (*all->mutable_totals()->mutable_by_verdict())[verdict] += count;
  }
  all->mutable_totals()->set_unexpected(all->totals().unexpected() + part.totals().unexpected());
  if (Gravity(part.exit_code()) > Gravity(all->exit_code())) all->set_exit_code(part.exit_code());
  if (all->run_error().empty()) all->set_run_error(part.run_error());
}

// What an option was given, as often as it was.
std::vector<std::string> ValuesOf(std::string_view option, const v1::RunResult& run) {
  std::vector<std::string> values;
  for (int i = 0; i < run.argument_size(); ++i) {
    const std::string_view word = run.argument(i);
    if (word == option && i + 1 < run.argument_size()) {
      values.push_back(run.argument(i + 1));
    } else if (word.starts_with(option) && word.substr(option.size()).starts_with('=')) {
      values.emplace_back(word.substr(option.size() + 1));
    }
  }
  return values;
}

// "I/N"; "" for a run that is no shard.
std::string ShardOf(const v1::RunResult& run) {
  const std::vector<std::string> values = ValuesOf("--shard", run);
  return values.empty() ? "" : values.back();
}

// What decides which cases there are, and how they are judged.
absl::Status CheckSameOptions(const v1::RunResult& first, const v1::RunResult& run) {
  for (const char* option : {"--only", "--exclude", "--suites", "--max-suite-version", "--seed",
                             "--bug", "--legal-variation", "--splits", "--profile"}) {
    if (ValuesOf(option, first) == ValuesOf(option, run)) continue;
    return absl::InvalidArgumentError(absl::StrCat("shards ", ShardOf(first), " and ", ShardOf(run),
                                                   " were played with another ", option,
                                                   ": they are no parts of one run"));
  }
  return absl::OkStatus();
}

// A job that was lost has left no folder, and nothing else tells of the cases that it had.
absl::Status CheckShards(const std::vector<v1::RunResult>& runs, v1::RunResult* all) {
  std::set<uint64_t> there;
  uint64_t parts = 0;
  for (const v1::RunResult& run : runs) {
    const std::vector<std::string> shard = absl::StrSplit(ShardOf(run), '/');
    uint64_t one = 0, of = 0;
    if (shard.size() != 2 || !absl::SimpleAtoi(shard[0], &one) ||
        !absl::SimpleAtoi(shard[1], &of)) {
      continue;
    }
    if (parts != 0 && of != parts) {
      return absl::InvalidArgumentError(
          absl::StrCat("one is a shard of ", parts, ", another of ", of, ": no parts of one run"));
    }
    PUSHPULL_RETURN_IF_ERROR(CheckSameOptions(runs[0], run));
    parts = of;
    there.insert(one);
  }
  if (there.size() >= parts) return absl::OkStatus();
  uint64_t missing = 1;
  while (there.contains(missing)) ++missing;
  all->set_run_error(absl::StrCat(all->run_error(), all->run_error().empty() ? "" : "; ", "only ",
                                  there.size(), " of ", parts, " shards are there: missing is ",
                                  missing, "/", parts,
                                  parts - there.size() > 1 ? " and others" : ""));
  if (all->exit_code() == kExitAsExpected) all->set_exit_code(kExitUnexpectedVerdict);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::RunResult> Merge(const std::vector<v1::RunResult>& runs) {
  if (runs.empty()) return absl::InvalidArgumentError("there is no run to merge");
  v1::RunResult all;
  all.set_schema_version(runs[0].schema_version());
  all.set_tool_version(runs[0].tool_version());
  all.set_started(runs[0].started());
  all.set_target(runs[0].target());
  all.set_target_identity(runs[0].target_identity());
  all.set_seed(runs[0].seed());
  all.set_profile(runs[0].profile());
  *all.mutable_argument() = runs[0].argument();
  std::set<std::string> ids;
  for (const v1::RunResult& part : runs) {
    if (part.target() != all.target()) {
      return absl::InvalidArgumentError(
          absl::StrCat("these are runs of ", all.target(), " and of ", part.target(),
                       ", no parts of one; side by side they stand without --merge"));
    }
    for (const v1::CaseResult& result : part.result()) {
      if (!ids.insert(result.id()).second) {
        return absl::InvalidArgumentError(
            absl::StrCat(result.id(), " was played in two of the runs: they are no shards of one"));
      }
    }
    AddPart(part, &all);
  }
  PUSHPULL_RETURN_IF_ERROR(CheckShards(runs, &all));
  return all;
}

}  // namespace pushpull::conformance
