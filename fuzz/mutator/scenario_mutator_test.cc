#include "fuzz/mutator/scenario_mutator.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace pushpull::fuzz {
namespace {

constexpr std::string_view kScenario = R"(
step { login {} }
step { send { task: "w" pdu { scsi_command { write: true cdb { write { lba: 3 blocks: 8 } } } } } }
step { serve_r2ts { task: "w" } }
step { send { task: "n" pdu { nop_out {} data { raw: "ping" } } } }
step { connection: "b" login { session: "b" } }
step { connection: "b" logout {} }
)";

v1::Scenario Base() {
  v1::Scenario scenario;
  EXPECT_TRUE(FromText({}, kScenario, &scenario));
  return scenario;
}

// The scenario after one mutation of a kind that could be done.
v1::Scenario After(Mutation mutation, uint64_t seed) {
  const ScenarioMutator mutator;
  v1::Scenario scenario = Base();
  base::Random random(seed);
  EXPECT_TRUE(mutator.Apply(mutation, &scenario, &random)) << ToString(mutation);
  return scenario;
}

std::multiset<std::string> StepsOf(const v1::Scenario& scenario) {
  std::multiset<std::string> steps;
  for (const v1::Step& step : scenario.step()) steps.insert(step.SerializeAsString());
  return steps;
}

TEST(ScenarioMutatorTest, GrowsByOneStep) {
  std::set<v1::Step::ActionCase> actions;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const v1::Scenario grown = After(Mutation::kGrow, seed);
    ASSERT_EQ(grown.step_size(), Base().step_size() + 1);
    const auto before = StepsOf(Base());
    for (const v1::Step& step : grown.step()) {
      if (!before.contains(step.SerializeAsString())) actions.insert(step.action_case());
    }
  }
  EXPECT_GT(actions.size(), 12u);
}

TEST(ScenarioMutatorTest, DropsSteps) {
  std::set<int> sizes;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    sizes.insert(After(Mutation::kDrop, seed).step_size());
  }
  EXPECT_EQ(sizes, (std::set<int>{2, 3, 4, 5}));
}

TEST(ScenarioMutatorTest, DuplicatesAStepOfItsOwn) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto steps = StepsOf(After(Mutation::kDuplicate, seed));
    const auto before = StepsOf(Base());
    EXPECT_EQ(steps.size(), before.size() + 1);
    EXPECT_EQ(std::set<std::string>(steps.begin(), steps.end()),
              std::set<std::string>(before.begin(), before.end()));
  }
}

TEST(ScenarioMutatorTest, SwapsTwoSteps) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const v1::Scenario swapped = After(Mutation::kSwap, seed);
    EXPECT_EQ(StepsOf(swapped), StepsOf(Base()));
    EXPECT_NE(swapped.SerializeAsString(), Base().SerializeAsString());
  }
}

TEST(ScenarioMutatorTest, CrossesOverWithAnother) {
  const ScenarioMutator mutator;
  v1::Scenario other;
  ASSERT_TRUE(FromText({}, "step { probe { data: 'another' } }", &other));
  bool kept_all = false;
  bool cut_off = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    v1::Scenario scenario = Base();
    base::Random random(seed);
    mutator.CrossOver(other, &scenario, &random);
    EXPECT_TRUE(StepsOf(scenario).contains(other.step(0).SerializeAsString()));
    kept_all = kept_all || scenario.step_size() == Base().step_size() + 1;
    cut_off = cut_off || scenario.step_size() < Base().step_size();
  }
  EXPECT_TRUE(kept_all);
  EXPECT_TRUE(cut_off);
}

TEST(ScenarioMutatorTest, ChoosesAmongTheVariablesThatThereAre) {
  static constexpr uint64_t kNumbers[] = {3, 4};
  constexpr NamedNumbers kVariables[] = {{"one", kNumbers}, {"other", kNumbers}};
  const ScenarioMutator mutator({.variables = kVariables});
  v1::Scenario scenario = Base();
  base::Random random(1);
  std::set<std::string> names;
  std::set<uint64_t> numbers;
  std::set<int> sizes;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(mutator.Apply(Mutation::kLet, &scenario, &random));
    sizes.insert(scenario.let_size());
    for (const v1::Variable& variable : scenario.let()) {
      names.insert(variable.name());
      numbers.insert(variable.number());
    }
  }
  EXPECT_EQ(names, (std::set<std::string>{"one", "other"}));
  EXPECT_EQ(sizes, (std::set<int>{0, 1, 2}));  // each once at the most
  EXPECT_TRUE(numbers.contains(3) && numbers.contains(4) && numbers.size() > 2);
  v1::Scenario same = Base();
  EXPECT_FALSE(ScenarioMutator().Apply(Mutation::kLet, &same, &random));
}

TEST(ScenarioMutatorTest, AimsAtLiveValues) {
  std::map<std::string, std::set<std::string>> bound;
  std::set<int64_t> distances;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    const v1::Scenario changed = After(Mutation::kAim, seed);
    for (const v1::Step& step : changed.step()) {
      for (const v1::Binding& binding : step.send().bind()) {
        bound[binding.field()].insert(binding.from());
        distances.insert(binding.add());
      }
    }
  }
  EXPECT_TRUE(bound["cmd_sn"].contains("max_cmd_sn"));
  EXPECT_TRUE(bound["cmd_sn"].contains("task.w.cmd_sn"));
  EXPECT_TRUE(bound["target_transfer_tag"].contains("task.n.target_transfer_tag"));
  EXPECT_TRUE(bound["expected_data_transfer_length"].contains("negotiated.MaxBurstLength"));
  EXPECT_FALSE(bound.contains("referenced_task_tag"));  // no request has one
  EXPECT_TRUE(distances.contains(0) && distances.contains(1) && distances.contains(-1));
}

TEST(ScenarioMutatorTest, ChangesFieldsOfEachStepButNotWhatJudges) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const v1::Scenario changed = After(Mutation::kField, seed);
    EXPECT_EQ(changed.step_size(), Base().step_size());
    for (int i = 0; i < changed.step_size(); ++i) {
      if (changed.step(i).SerializeAsString() != Base().step(i).SerializeAsString()) {
        seen.insert(changed.step(i).SerializeAsString());
      }
      EXPECT_TRUE(changed.step(i).name().empty());
      EXPECT_EQ(changed.step(i).timeout_ms(), 0u);
      EXPECT_EQ(changed.step(i).gather_data_in().where_size(), 0);
    }
  }
  EXPECT_GT(seen.size(), 200u);
}

TEST(ScenarioMutatorTest, ChangesBytesOfDataAndOfTheWire) {
  bool data = false;
  bool wire = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const v1::Scenario changed = After(Mutation::kBytes, seed);
    for (const v1::Step& step : changed.step()) {
      wire = wire || step.send().pdu().patch_size() > 0;
      data = data || (step.send().task() == "n" && step.send().pdu().data().raw() != "ping");
    }
  }
  EXPECT_TRUE(data);
  EXPECT_TRUE(wire);
}

TEST(ScenarioMutatorTest, ChangesCuts) {
  bool cut = false;
  bool every = false;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const v1::Scenario changed = After(Mutation::kCut, seed);
    for (const v1::Step& step : changed.step()) {
      cut = cut || step.delivery().cut_size() > 0;
      every = every || step.delivery().every() > 0;
    }
  }
  EXPECT_TRUE(cut);
  EXPECT_TRUE(every);
}

// A chain of mutations: each result parses, is within its bounds, and is what its seed says.
TEST(ScenarioMutatorTest, ChainsParseStayTameAndAreTheirSeed) {
  for (const bool iser : {false, true}) {
    const MutatorOptions options{.iser = iser};
    const ScenarioMutator mutator(options);
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      v1::Scenario scenario = Base();
      v1::Scenario twin = Base();
      for (uint64_t i = 0; i < 300; ++i) {
        base::Random random(seed * 1000 + i);
        base::Random same(seed * 1000 + i);
        mutator.Mutate(&scenario, &random);
        mutator.Mutate(&twin, &same);
        const std::string text = ToText(scenario);
        ASSERT_EQ(text, ToText(twin));
        v1::Scenario read;
        ASSERT_TRUE(FromText(options, text, &read)) << text;
        ASSERT_EQ(ToText(read), text);
        ASSERT_EQ(read.SerializeAsString(), scenario.SerializeAsString());
        ASSERT_LE(scenario.step_size(), 48);
        for (const v1::Step& step : scenario.step()) {
          ASSERT_LE(step.send().count(), 40u);
          ASSERT_TRUE(iser || !step.has_hello());
          ASSERT_FALSE(step.has_accept());
        }
      }
    }
  }
}

TEST(ScenarioMutatorTest, GrowsFromNothing) {
  const ScenarioMutator mutator;
  v1::Scenario scenario;
  base::Random random(1);
  for (int i = 0; i < 50; ++i) mutator.Mutate(&scenario, &random);
  EXPECT_GT(scenario.step_size(), 0);
}

TEST(ScenarioMutatorTest, SeedsKeepWhatIsDone) {
  v1::Scenario scenario;
  ASSERT_TRUE(FromText({}, R"(
    id: "a/b" title: "t" why: "w" cite: "R" kills: "k"
    let { name: "x" number: 1 }
    step { name: "s" cite: "R" note: "n" send { pdu { nop_out {} } } }
    step { expect { one_of { pdu { nop_in {} } where { field: "stat_sn" eq: 1 } why: "y" } } }
    step { accept {} }
  )",
                       &scenario));
  v1::Scenario wanted;
  ASSERT_TRUE(FromText({}, R"(
    let { name: "x" number: 1 }
    step { send { pdu { nop_out {} } } }
    step { expect { one_of { pdu { nop_in {} } } } }
    epilogue: NOTHING
  )",
                       &wanted));
  EXPECT_EQ(ToText(SeedOf({}, scenario)), ToText(wanted));
}

TEST(ScenarioMutatorTest, RefusesWhatIsNoScenario) {
  v1::Scenario scenario;
  EXPECT_FALSE(FromText({}, "step { nonsense {} }", &scenario));
  EXPECT_FALSE(FromText({}, "\xff\xfe", &scenario));
  EXPECT_FALSE(FromText({.max_bytes = 10}, kScenario, &scenario));
}

}  // namespace
}  // namespace pushpull::fuzz
