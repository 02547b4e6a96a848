#include "tools/pushpull/run_setup.h"

#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/shell_quote.h"
#include "base/status.h"
#include "conformance/runner/profile.h"
#include "conformance/scenario/scenario_file.h"
#include "initiator_sim/iser/dialect.h"
#include "tools/endpoints/endpoints.h"
#include "tools/endpoints/uri.h"
#include "tools/pushpull/descriptors.h"
#include "tools/pushpull/run_parts.h"

namespace pushpull::tools {

using conformance::Case;

std::string LinkTool(const RunFlags& flags) {
  const char* const tool = std::getenv("PUSHPULL_RDMA_LINK");
  const auto uri = ParseTargetUri(flags.targets[0]);
  const bool over_it = uri.ok() && uri->kind == TargetUri::Kind::kIser;
  return tool != nullptr && over_it ? tool : "";
}

absl::StatusOr<Case> SanityCase() {
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<conformance::ScenarioFile> files,
                            conformance::BuiltInSuites());
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<Case> cases, conformance::Expand(files));
  conformance::Selection selection;
  selection.only = {"sanity/alive"};
  cases = conformance::Select(std::move(cases), selection);
  if (cases.size() != 1) return absl::InternalError("the suites have no sanity/alive");
  return std::move(cases[0]);
}

absl::StatusOr<std::unique_ptr<conformance::EndpointFactory>> MakeFactory(
    const RunFlags& flags, const conformance::PlaySettings& settings) {
  std::vector<TargetUri> uris;
  for (const std::string& text : flags.targets) {
    PUSHPULL_ASSIGN_OR_RETURN(TargetUri uri, ParseTargetUri(text));
    uris.push_back(std::move(uri));
  }
  PUSHPULL_RETURN_IF_ERROR(RefuseNoEffect(flags, uris));
  EndpointOptions options;
  options.bugs = flags.bugs;
  options.bind = flags.bind;
  options.legal_variation = flags.legal_variation;
  options.initiator_name = settings.initiator_name;
  options.chap = settings.chap;
  options.iser_dialect = initiator_sim::FindIserDialect(flags.iser_dialect)
                             .value_or(initiator_sim::IserDialect::kRfc7145);
  return MakeEndpointFactory(uris, options);
}

absl::StatusOr<conformance::RunOptions> MakeRunOptions(const RunFlags& flags) {
  conformance::RunOptions options;
  PUSHPULL_RETURN_IF_ERROR(NeedDescriptors(DescriptorsOfCases(flags.jobs)));
  PUSHPULL_ASSIGN_OR_RETURN(options.play, MakeSettings(flags));
  PUSHPULL_ASSIGN_OR_RETURN(const TargetUri first, ParseTargetUri(flags.targets[0]));
  options.lun = first.lun;
  options.portals = flags.targets.size();
  options.strict = flags.strict;
  options.allow_writes = flags.allow_writes;
  options.jobs = flags.jobs;
  if (!flags.shard.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(options.shard, ParseShard(flags.shard));
  }
  options.seed = flags.seed;
  options.replay_command = flags.replay_command;
  options.commands.before_case = flags.before_case;
  options.commands.after_case = flags.after_case;
  options.commands.target = flags.targets[0];
  options.commands.link = LinkTool(flags);
  if (!options.commands.link.empty()) {
    for (const char* change : {"cut", "mend", "down", "up"}) {
      options.commands.hooks[absl::StrCat("link_", change)] =
          absl::StrCat(base::ShellQuoted(options.commands.link), " ", change);
    }
  }
  return options;
}

void UseProfile(const v1::Profile& profile, const RunFlags& flags,
                conformance::RunOptions* options) {
  options->lacks.assign(profile.lacks().begin(), profile.lacks().end());
  for (const v1::Reading& reading : profile.reading()) {
    options->play.readings[reading.ambiguity()] = reading.choice();
  }
  options->known_rules = KnownRules(profile);
  if (profile.has_step_timeout_ms() && !flags.step_timeout_given) {
    options->play.step_timeout =
        absl::Milliseconds(profile.step_timeout_ms()) * flags.timeout_scale;
  }
  options->commands.restart = profile.restart_command();
  for (const v1::HookCommand& hook : profile.hook()) {
    options->commands.hooks[hook.hook()] = hook.command();
  }
  if (profile.has_command_timeout_ms()) {
    options->commands.limit =
        absl::Milliseconds(profile.command_timeout_ms()) * flags.timeout_scale;
  }
}

absl::Status ReadProfileInto(const RunFlags& flags, conformance::RunOptions* options) {
  if (flags.profile.empty()) return absl::OkStatus();
  PUSHPULL_ASSIGN_OR_RETURN(const auto files, conformance::BuiltInSuites());
  conformance::ProfileVocabulary vocabulary;
  vocabulary.Add(files);
  PUSHPULL_ASSIGN_OR_RETURN(const conformance::ProfileFile profile,
                            conformance::LoadProfile(flags.profile, vocabulary));
  UseProfile(profile.profile, flags, options);
  return absl::OkStatus();
}

}  // namespace pushpull::tools
