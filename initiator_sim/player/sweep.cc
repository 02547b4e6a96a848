#include "initiator_sim/player/sweep.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace pushpull::initiator_sim {
namespace {

v1::Step* FindStep(v1::Scenario* scenario, const std::string& name) {
  for (v1::Step& step : *scenario->mutable_step()) {
    if (!name.empty() && step.name() == name) return &step;
  }
  return nullptr;
}

// A row's variable stands instead of the scenario's of the same name.
void SetVariable(v1::Scenario* scenario, const v1::Variable& variable) {
  for (v1::Variable& old : *scenario->mutable_let()) {
    if (old.name() == variable.name()) {
      old = variable;
      return;
    }
  }
  *scenario->add_let() = variable;
}

}  // namespace

absl::StatusOr<std::vector<SweepInstance>> ExpandSweep(const v1::Scenario& scenario) {
  std::vector<SweepInstance> instances;
  if (!scenario.has_sweep()) {
    instances.push_back({.scenario = scenario, .row = 0});
    return instances;
  }
  v1::Scenario base = scenario;
  base.clear_sweep();
  for (int i = 0; i < scenario.sweep().row_size(); ++i) {
    const v1::SweepRow& row = scenario.sweep().row(i);
    SweepInstance instance{.scenario = base, .row = static_cast<size_t>(i)};
    v1::Scenario& one = instance.scenario;
    one.set_id(absl::StrCat(scenario.id(), "#", row.name()));
    for (const v1::Variable& variable : row.let()) SetVariable(&one, variable);
    one.mutable_cite()->MergeFrom(row.cite());
    one.mutable_kills()->MergeFrom(row.kills());
    for (const v1::Step& change : row.step()) {
      v1::Step* step = FindStep(&one, change.name());
      if (step == nullptr) {
        return absl::InvalidArgumentError(absl::StrCat("row \"", row.name(), "\" changes step \"",
                                                       change.name(), "\", which isn't there"));
      }
      step->MergeFrom(change);
    }
    instances.push_back(std::move(instance));
  }
  return instances;
}

}  // namespace pushpull::initiator_sim
