#include "fuzz/mutator/scenario_mutator.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fuzz/mutator/field_change.h"
#include "fuzz/mutator/step_templates.h"

namespace pushpull::fuzz {
namespace {

using Steps = google::protobuf::RepeatedPtrField<v1::Step>;

size_t AnyStep(const v1::Scenario& scenario, base::Random* random) {
  return random->Below(static_cast<uint64_t>(scenario.step_size()));
}

// Puts `step` before the one at `index`.
void Insert(v1::Step step, size_t index, v1::Scenario* scenario) {
  Steps* const steps = scenario->mutable_step();
  *steps->Add() = std::move(step);
  for (int i = steps->size() - 1; i > static_cast<int>(index); --i) steps->SwapElements(i, i - 1);
}

bool Drop(v1::Scenario* scenario, base::Random* random) {
  if (scenario->step_size() < 2) return false;
  const size_t first = AnyStep(*scenario, random);
  const auto left = static_cast<size_t>(scenario->step_size()) - first;
  const size_t most = random->Chance(75) ? 1 : 4;
  const auto count = static_cast<int>(random->Between(1, std::min(most, left)));
  scenario->mutable_step()->DeleteSubrange(static_cast<int>(first), count);
  return true;
}

bool Duplicate(v1::Scenario* scenario, base::Random* random) {
  if (scenario->step_size() == 0) return false;
  const size_t from = AnyStep(*scenario, random);
  v1::Step copy = scenario->step(static_cast<int>(from));
  const size_t to = random->Chance(60) ? from + 1 : AnyStep(*scenario, random);
  Insert(std::move(copy), to, scenario);
  return true;
}

bool Swap(v1::Scenario* scenario, base::Random* random) {
  if (scenario->step_size() < 2) return false;
  const size_t a = AnyStep(*scenario, random);
  size_t b = AnyStep(*scenario, random);
  if (a == b) b = (b + 1) % static_cast<size_t>(scenario->step_size());
  scenario->mutable_step()->SwapElements(static_cast<int>(a), static_cast<int>(b));
  return true;
}

// Steps of `other` from some place on, up to a few, behind some place of `scenario`.
bool Splice(const v1::Scenario& other, bool keep_rest, v1::Scenario* scenario,
            base::Random* random) {
  if (other.step_size() == 0) return false;
  const auto at =
      static_cast<size_t>(random->Below(static_cast<uint64_t>(scenario->step_size()) + 1));
  const size_t first = AnyStep(other, random);
  const auto left = static_cast<size_t>(other.step_size()) - first;
  const size_t count = random->Between(1, std::min<size_t>(left, 8));
  std::vector<v1::Step> steps;
  for (size_t i = 0; i < count; ++i) steps.push_back(other.step(static_cast<int>(first + i)));
  if (!keep_rest) {
    scenario->mutable_step()->DeleteSubrange(static_cast<int>(at),
                                             scenario->step_size() - static_cast<int>(at));
  }
  for (size_t i = 0; i < count; ++i) Insert(std::move(steps[i]), at + i, scenario);
  return true;
}

// What is bound to what: fields of requests, and the values near which they are worth looking at.
// "*" stands for a task of the scenario.
struct Aim {
  std::string_view field;
  std::string_view from;
};
constexpr std::array<Aim, 23> kAims = {{
    {"cmd_sn", "cmd_sn"},
    {"cmd_sn", "exp_cmd_sn"},
    {"cmd_sn", "max_cmd_sn"},
    {"cmd_sn", "task.*.cmd_sn"},
    {"exp_stat_sn", "exp_stat_sn"},
    {"ref_cmd_sn", "cmd_sn"},
    {"ref_cmd_sn", "task.*.cmd_sn"},
    {"referenced_task_tag", "task.*.initiator_task_tag"},
    {"initiator_task_tag", "task.*.initiator_task_tag"},
    {"target_transfer_tag", "task.*.target_transfer_tag"},
    {"lun_bytes", "task.*.lun_bytes"},
    {"buffer_offset", "task.*.buffer_offset"},
    {"buffer_offset", "task.*.expected_data_transfer_length"},
    {"buffer_offset", "task.*.sent_length"},
    {"data_sn", "task.*.data_sn"},
    {"beg_run", "task.*.data_in_count"},
    {"run_length", "task.*.data_in_count"},
    {"expected_data_transfer_length", "negotiated.FirstBurstLength"},
    {"expected_data_transfer_length", "negotiated.MaxBurstLength"},
    {"data.pattern.length", "negotiated.MaxRecvDataSegmentLength"},
    {"data.pattern.length", "negotiated.FirstBurstLength"},
    {"data.pattern.length", "task.*.desired_data_transfer_length"},
    {"cid", "cid"},
}};
constexpr std::array<int64_t, 14> kDistances = {
    0, 0, 0, 1, -1, 2, -2, 3, 4, -4, 512, 64, int64_t{1} << 31, -512};

// The request's message, where the PDU is one.
const google::protobuf::Message* KindOf(const v1::Pdu& pdu) {
  const auto& descriptor = *pdu.GetDescriptor();
  const auto* const kind =
      pdu.GetReflection()->GetOneofFieldDescriptor(pdu, descriptor.FindOneofByName("kind"));
  return kind == nullptr ? nullptr : &pdu.GetReflection()->GetMessage(pdu, kind);
}

bool AimAt(const Names& names, v1::Send* send, base::Random* random) {
  const google::protobuf::Message* const kind = KindOf(send->pdu());
  std::vector<Aim> aims;
  for (const Aim& aim : kAims) {
    if (aim.from.find('*') != std::string_view::npos && names.tasks.empty()) continue;
    const bool of_data = aim.field.starts_with("data.");
    const bool has = of_data ? send->pdu().data().has_pattern()
                             : kind != nullptr && kind->GetDescriptor()->FindFieldByName(
                                                      std::string(aim.field)) != nullptr;
    if (has) aims.push_back(aim);
  }
  if (aims.empty()) return false;
  const Aim& aim = aims[random->Below(aims.size())];
  std::string from(aim.from);
  if (const size_t star = from.find('*'); star != std::string::npos) {
    from.replace(star, 1, names.tasks[random->Below(names.tasks.size())]);
  }
  // A second binding of a field would replace the first.
  v1::Binding* binding = nullptr;
  for (v1::Binding& there : *send->mutable_bind()) {
    if (there.field() == aim.field) binding = &there;
  }
  if (binding == nullptr) binding = send->add_bind();
  binding->set_field(std::string(aim.field));
  binding->set_from(std::move(from));
  binding->set_add(kDistances[random->Below(kDistances.size())]);
  return true;
}

std::vector<v1::Send*> SendsOf(v1::Scenario* scenario) {
  std::vector<v1::Send*> sends;
  for (v1::Step& step : *scenario->mutable_step()) {
    if (step.has_send()) sends.push_back(step.mutable_send());
  }
  return sends;
}

bool AimSomewhere(v1::Scenario* scenario, base::Random* random) {
  const std::vector<v1::Send*> sends = SendsOf(scenario);
  if (sends.empty()) return false;
  return AimAt(NamesIn(*scenario), sends[random->Below(sends.size())], random);
}

bool ChangeSomeField(v1::Scenario* scenario, base::Random* random) {
  if (scenario->step_size() == 0) return false;
  const Names names = NamesIn(*scenario);
  const auto step = static_cast<int>(AnyStep(*scenario, random));
  return ChangeField(names, scenario->mutable_step(step), random);
}

bool ChangeSomeBytes(v1::Scenario* scenario, base::Random* random) {
  if (scenario->step_size() == 0) return false;
  const std::vector<v1::Send*> sends = SendsOf(scenario);
  if (!sends.empty() && random->Chance(40)) {
    v1::Patch* const patch = sends[random->Below(sends.size())]->mutable_pdu()->add_patch();
    patch->set_offset(static_cast<uint32_t>(random->Below(random->Chance(85) ? 48 : 600)));
    patch->set_after_digests(random->Chance(20));
    const auto byte = static_cast<char>(random->Below(256));
    if (random->Chance(50)) {
      patch->set_replace(std::string(random->Between(1, 4), byte));
    } else {
      patch->set_xor_(std::string(1, static_cast<char>(1 << random->Below(8))));
    }
    return true;
  }
  // From a step on: not all have bytes.
  const size_t first = AnyStep(*scenario, random);
  for (int i = 0; i < scenario->step_size(); ++i) {
    const auto step = (first + static_cast<size_t>(i)) % static_cast<size_t>(scenario->step_size());
    if (ChangeBytes(scenario->mutable_step(static_cast<int>(step)), random)) return true;
  }
  return false;
}

bool ChangeCut(v1::Scenario* scenario, base::Random* random) {
  if (scenario->step_size() == 0) return false;
  v1::Delivery* const delivery =
      scenario->mutable_step(static_cast<int>(AnyStep(*scenario, random)))->mutable_delivery();
  switch (random->Below(5)) {
    case 0: {
      const auto cut = static_cast<uint32_t>(random->Between(1, random->Chance(80) ? 60 : 9000));
      auto* const cuts = delivery->mutable_cut();
      if (std::find(cuts->begin(), cuts->end(), cut) == cuts->end()) cuts->Add(cut);
      std::sort(cuts->begin(), cuts->end());
      return true;
    }
    case 1:
      delivery->set_every(static_cast<uint32_t>(random->Between(0, 64)));
      return true;
    case 2:
      delivery->set_join_next(!delivery->join_next());
      return true;
    case 3:
      delivery->set_push_with_next(!delivery->push_with_next());
      return true;
    default:
      delivery->Clear();
      return true;
  }
}

// Mostly steps and meaning, seldom bytes and cuts.
Mutation AnyMutation(base::Random* random) {
  constexpr std::array<std::pair<Mutation, uint32_t>, 10> kWeights = {{
      {Mutation::kGrow, 20},
      {Mutation::kDrop, 10},
      {Mutation::kDuplicate, 8},
      {Mutation::kSwap, 7},
      {Mutation::kSplice, 3},
      {Mutation::kAim, 17},
      {Mutation::kField, 22},
      {Mutation::kBytes, 6},
      {Mutation::kCut, 4},
      {Mutation::kLet, 3},
  }};
  uint64_t draw = random->Below(100);
  for (const auto& [mutation, weight] : kWeights) {
    if (draw < weight) return mutation;
    draw -= weight;
  }
  return Mutation::kGrow;
}

}  // namespace

std::string_view ToString(Mutation mutation) {
  switch (mutation) {
    case Mutation::kGrow:
      return "grow";
    case Mutation::kDrop:
      return "drop";
    case Mutation::kDuplicate:
      return "duplicate";
    case Mutation::kSwap:
      return "swap";
    case Mutation::kSplice:
      return "splice";
    case Mutation::kAim:
      return "aim";
    case Mutation::kField:
      return "field";
    case Mutation::kBytes:
      return "bytes";
    case Mutation::kCut:
      return "cut";
    case Mutation::kLet:
      return "let";
  }
  return "?";
}

ScenarioMutator::ScenarioMutator(MutatorOptions options)
    : options_(options), templates_(StepTemplates(options.iser, !options.variables.empty())) {}

bool ScenarioMutator::Grow(v1::Scenario* scenario, base::Random* random) const {
  const Names names = NamesIn(*scenario);
  v1::Step step = templates_[random->Below(templates_.size())];
  // On a connection that there is, most often the last step's.
  if (scenario->step_size() > 0 && random->Chance(70)) {
    const auto neighbour = static_cast<int>(AnyStep(*scenario, random));
    step.set_connection(scenario->step(neighbour).connection());
  } else if (random->Chance(30)) {
    step.set_connection(TextOf(Meaning::kConnectionName, names, random));
  }
  const std::string task = TextOf(Meaning::kTaskName, names, random);
  const std::string other = TextOf(Meaning::kTaskName, names, random);
  if (step.has_send() && !step.send().task().empty()) {
    step.mutable_send()->set_task(task);
    if (!step.send().refers_to().empty()) step.mutable_send()->set_refers_to(other);
  } else if (step.has_serve_r2ts()) {
    step.mutable_serve_r2ts()->set_task(task);
  } else if (step.has_gather_data_in()) {
    step.mutable_gather_data_in()->set_task(task);
  } else if (step.has_text_until_final()) {
    step.mutable_text_until_final()->set_task(task);
  } else if (step.has_expect() && !step.expect().task().empty()) {
    step.mutable_expect()->set_task(task);
  } else if (step.has_command()) {
    step.mutable_command()->set_task(random->Chance(50) ? task : "");
  }
  if (step.has_send() && random->Chance(15)) {
    const auto* const kinds = v1::Misbehaviour_descriptor();
    const int count = options_.iser ? kinds->value_count() : kinds->value_count() - 8;
    const auto kind = static_cast<int>(random->Below(static_cast<uint64_t>(count)));
    step.mutable_send()->set_misbehaviour(
        static_cast<v1::Misbehaviour>(kinds->value(kind)->number()));
  }
  // More often behind what is there: what comes before the login is soon known.
  const auto size = static_cast<uint64_t>(scenario->step_size());
  const uint64_t at = random->Chance(50) ? size : random->Below(size + 1);
  Insert(std::move(step), at, scenario);
  return true;
}

bool ScenarioMutator::Let(v1::Scenario* scenario, base::Random* random) const {
  if (options_.variables.empty()) return false;
  const NamedNumbers& chosen = options_.variables[random->Below(options_.variables.size())];
  auto* const variables = scenario->mutable_let();
  const auto named =
      std::find_if(variables->begin(), variables->end(),
                   [&](const v1::Variable& variable) { return variable.name() == chosen.name; });
  const bool there = named != variables->end();
  if (there && random->Chance(40)) {
    variables->erase(named);
    return true;
  }
  v1::Variable* const variable = there ? &*named : variables->Add();
  variable->set_name(std::string(chosen.name));
  variable->set_number(random->Chance(90) ? chosen.numbers[random->Below(chosen.numbers.size())]
                                          : random->Below(1 << 20));
  return true;
}

bool ScenarioMutator::Apply(Mutation mutation, v1::Scenario* scenario, base::Random* random) const {
  switch (mutation) {
    case Mutation::kGrow:
      return Grow(scenario, random);
    case Mutation::kDrop:
      return Drop(scenario, random);
    case Mutation::kDuplicate:
      return Duplicate(scenario, random);
    case Mutation::kSwap:
      return Swap(scenario, random);
    case Mutation::kSplice:
      return Splice(v1::Scenario(*scenario), /*keep_rest=*/true, scenario, random);
    case Mutation::kAim:
      return AimSomewhere(scenario, random);
    case Mutation::kField:
      return ChangeSomeField(scenario, random);
    case Mutation::kBytes:
      return ChangeSomeBytes(scenario, random);
    case Mutation::kCut:
      return ChangeCut(scenario, random);
    case Mutation::kLet:
      return Let(scenario, random);
  }
  return false;
}

std::vector<Mutation> ScenarioMutator::Mutate(v1::Scenario* scenario, base::Random* random) const {
  std::vector<Mutation> done;
  uint64_t count = 1;
  while (count < 6 && random->Chance(40)) ++count;
  while (done.size() < count) {
    const Mutation mutation = AnyMutation(random);
    if (Apply(mutation, scenario, random)) done.push_back(mutation);
  }
  Tame(options_, scenario);
  return done;
}

void ScenarioMutator::CrossOver(const v1::Scenario& other, v1::Scenario* scenario,
                                base::Random* random) const {
  Splice(other, /*keep_rest=*/random->Chance(50), scenario, random);
  Tame(options_, scenario);
}

}  // namespace pushpull::fuzz
