#include "conformance/scenario/lint.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "conformance/scenario/lint_steps.h"
#include "initiator_sim/player/sweep.h"

namespace pushpull::conformance {
namespace {

using base::ToAbsl;

bool IsName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+';
  });
}

class Linter {
 public:
  Linter(const ScenarioFile& file, const LintOptions& options)
      : file_(file),
        scenario_(file.scenario),
        options_(options),
        judged_(!options.recording && !file.scenario.has_trace()) {}

  std::vector<LintError> Run() {
    LintHead();
    LintSweep();
    LintSteps();
    std::sort(errors_.begin(), errors_.end(), [](const LintError& a, const LintError& b) {
      return std::tie(a.line, a.rule, a.message) < std::tie(b.line, b.rule, b.message);
    });
    return std::move(errors_);
  }

 private:
  void Say(uint32_t line, std::string_view rule, std::string message) {
    // Rows of a sweep show the same fault again and again.
    for (const LintError& error : errors_) {
      if (error.line == line && error.rule == rule && error.message == message) return;
    }
    errors_.push_back({file_.path, line, std::string(rule), std::move(message)});
  }

  void LintHead() {
    if (!options_.id.empty() && scenario_.id() != options_.id) {
      Say(file_.FieldLine("id"), "id",
          absl::StrCat("id is \"", scenario_.id(), "\", but the file stands at \"", options_.id,
                       "\"; make them equal"));
    }
    if (!options_.recording) {
      Require(scenario_.title().empty(), "title", "one sentence: what a target that passes does");
      Require(scenario_.why().empty(), "why", "what a failure means to a user");
    }
    if (judged_) {
      Require(scenario_.cite().empty() && scenario_.level() != v1::ROBUSTNESS, "cite",
              "the rows of the catalogue that it judges");
      Require(scenario_.level() == v1::LEVEL_UNSPECIFIED, "level",
              "MUST, SHOULD, MAY or ROBUSTNESS");
      Require(scenario_.since() == 0, "since", "the suite version that brings it");
    }
    if (scenario_.has_fabric() && scenario_.needs().transport() != v1::ISER_ONLY) {
      Say(file_.FieldLine("fabric"), "needs_transport",
          "it changes the link of an RDMA device; say needs { transport: ISER_ONLY }");
    }
    if (scenario_.step().empty() && scenario_.trace().tail().empty())
      Say(1, "no_steps", "the scenario has no steps");
    for (const std::string& cite : scenario_.cite()) LintCite(cite, file_.FieldLine("cite"));
    for (const std::string& kill : scenario_.kills()) LintKill(kill, file_.FieldLine("kills"));
    LintVariables(scenario_.let(), file_.FieldLine("let"));
  }

  void Require(bool missing, std::string_view field, std::string_view what) {
    if (!missing) return;
    Say(1, "missing_field", absl::StrCat("there is no ", ToAbsl(field), "; say ", ToAbsl(what)));
  }

  void LintCite(const std::string& cite, uint32_t line) {
    if (options_.requirements == nullptr || options_.requirements->contains(cite)) return;
    Say(line, "unknown_cite",
        absl::StrCat("cites \"", cite,
                     "\", which the catalogue doesn't have; look it up with "
                     "`pushpull list --requirements`"));
  }

  void LintKill(const std::string& kill, uint32_t line) {
    if (options_.mutants == nullptr || options_.mutants->contains(kill)) return;
    Say(line, "unknown_kill",
        absl::StrCat("kills \"", kill,
                     "\", which the reference target doesn't have; look it up "
                     "with `pushpull target --list-bugs`"));
  }

  void LintVariables(const google::protobuf::RepeatedPtrField<v1::Variable>& variables,
                     uint32_t line) {
    std::set<std::string> names;
    for (const v1::Variable& variable : variables) {
      if (!IsName(variable.name())) {
        Say(line, "bad_name",
            absl::StrCat("let: \"", variable.name(),
                         "\" is no name; letters, "
                         "digits, _ - and + make one"));
      }
      if (!names.insert(variable.name()).second) {
        Say(line, "duplicate_value", absl::StrCat("let: \"", variable.name(), "\" stands twice"));
      }
      if (variable.value_case() == v1::Variable::VALUE_NOT_SET) {
        Say(line, "duplicate_value", absl::StrCat("let: \"", variable.name(), "\" has no value"));
      }
    }
  }

  void LintSweep() {
    if (!scenario_.has_sweep()) return;
    if (scenario_.sweep().row().empty()) {
      Say(file_.FieldLine("sweep"), "no_rows", "the sweep has no rows, so nothing is played");
    }
    std::set<std::string> names;
    for (int i = 0; i < scenario_.sweep().row_size(); ++i) {
      const v1::SweepRow& row = scenario_.sweep().row(i);
      const uint32_t line = file_.RowLine(static_cast<size_t>(i));
      if (!IsName(row.name())) {
        Say(line, "bad_name",
            absl::StrCat("row \"", row.name(),
                         "\": a row needs a name of letters, "
                         "digits, _ - and +, which is a part of the result's id"));
      }
      if (!names.insert(row.name()).second) {
        Say(line, "duplicate_row",
            absl::StrCat("row name \"", row.name(), "\" stands twice; give each its own"));
      }
      for (const std::string& cite : row.cite()) LintCite(cite, line);
      for (const std::string& kill : row.kills()) LintKill(kill, line);
      LintVariables(row.let(), line);
      for (const v1::Step& step : row.step()) LintRowStep(row, step, line);
    }
  }

  void LintRowStep(const v1::SweepRow& row, const v1::Step& change, uint32_t line) {
    for (const v1::Step& step : scenario_.step()) {
      if (change.name().empty() || step.name() != change.name()) continue;
      if (change.action_case() != v1::Step::ACTION_NOT_SET &&
          step.action_case() != v1::Step::ACTION_NOT_SET &&
          step.action_case() != change.action_case()) {
        Say(line, "row_step",
            absl::StrCat("row \"", row.name(), "\" turns step \"", change.name(),
                         "\" into another action; rows change steps, they don't "
                         "replace them"));
      }
      return;
    }
    Say(line, "row_step",
        absl::StrCat("row \"", row.name(), "\" changes step \"", change.name(),
                     "\", which isn't there; name a step of the scenario"));
  }

  void LintSteps() {
    const auto instances = initiator_sim::ExpandSweep(scenario_);
    if (!instances.ok()) return;  // LintSweep has said why
    bool judges = scenario_.epilogue() != v1::NOTHING && scenario_.role() == v1::INITIATOR;
    bool writes = false;
    for (const initiator_sim::SweepInstance& instance : *instances) {
      StepLinter steps(instance.scenario, options_.requirements,
                       [&](size_t step, std::string_view rule, std::string message) {
                         Say(file_.StepLine(step), rule, std::move(message));
                       });
      steps.Run(judged_ && !scenario_.cite().empty());
      judges = judges || steps.judges();
      writes = writes || steps.writes();
    }
    if (!judges && judged_) {
      Say(1, "judges_nothing",
          "nothing in it can fail, whatever the target does; add an expect, or "
          "an epilogue");
    }
    if (writes && !scenario_.needs().writes() && !scenario_.has_trace()) {
      Say(file_.FieldLine("needs"), "needs_writes",
          "it sends commands that change blocks; say needs { writes: true }");
    }
  }

  const ScenarioFile& file_;
  const v1::Scenario& scenario_;
  const LintOptions& options_;
  const bool judged_;  // it is a case: neither a recording nor a trace
  std::vector<LintError> errors_;
};

}  // namespace

std::string LintError::ToString() const {
  return absl::StrCat(file, ":", line, ": ", message, " [", rule, "]");
}

std::vector<LintError> Lint(const ScenarioFile& file, const LintOptions& options) {
  return Linter(file, options).Run();
}

}  // namespace pushpull::conformance
