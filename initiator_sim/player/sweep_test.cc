#include "initiator_sim/player/sweep.h"

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace pushpull::initiator_sim {
namespace {

v1::Scenario Parse(const std::string& text) {
  v1::Scenario scenario;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &scenario));
  return scenario;
}

TEST(SweepTest, RowsAreMergedIntoTheStepsTheyName) {
  const auto instances = ExpandSweep(Parse(R"(
    id: "a/b" cite: "R1"
    let { name: "x" number: 1 } let { name: "y" number: 2 }
    sweep {
      row { name: "one" let { name: "x" number: 10 } cite: "R2" kills: "bug" }
      row { name: "two" step { name: "s" timeout_ms: 5 login { cmd_sn: 9 key { name: "B" } } } }
    }
    step { name: "s" login { cid: 3 key { name: "A" } } }
    step { probe {} }
  )"));
  ASSERT_TRUE(instances.ok());
  ASSERT_EQ(instances->size(), 2u);
  const v1::Scenario& one = (*instances)[0].scenario;
  EXPECT_EQ(one.id(), "a/b#one");
  EXPECT_FALSE(one.has_sweep());
  ASSERT_EQ(one.let_size(), 2) << "a row's variable stands instead of the scenario's";
  EXPECT_EQ(one.let(0).number(), 10u);
  EXPECT_EQ(one.cite_size(), 2);
  EXPECT_EQ(one.kills(0), "bug");
  const v1::Scenario& two = (*instances)[1].scenario;
  EXPECT_EQ((*instances)[1].row, 1u);
  EXPECT_EQ(two.let(0).number(), 1u);
  ASSERT_EQ(two.step_size(), 2);
  EXPECT_EQ(two.step(0).timeout_ms(), 5u);
  EXPECT_EQ(two.step(0).login().cid(), 3u);
  EXPECT_EQ(two.step(0).login().cmd_sn(), 9u);
  EXPECT_EQ(two.step(0).login().key_size(), 2);
}

TEST(SweepTest, WithoutASweepThereIsOne) {
  const auto instances = ExpandSweep(Parse("id: \"a\" step { probe {} }"));
  ASSERT_TRUE(instances.ok());
  ASSERT_EQ(instances->size(), 1u);
  EXPECT_EQ((*instances)[0].scenario.id(), "a");
  EXPECT_EQ((*instances)[0].row, 0u);
}

// What one row changes, the others and the rest of the scenario don't see.
TEST(SweepTest, RowsDontSeeEachOther) {
  const auto instances = ExpandSweep(Parse(R"(
    id: "a" cite: "R1" kills: "first"
    let { name: "x" number: 1 }
    sweep {
      row { name: "one" let { name: "z" number: 3 } let { name: "z" number: 4 }
            step { name: "t" login { cid: 9 } } step { name: "s" login { cid: 8 } } }
      row { name: "two" let { name: "x" text: "t" } kills: "second" }
      row { name: "" }
    }
    step { login { cid: 1 } }
    step { name: "s" login { cid: 2 } }
    step { name: "t" login { cid: 3 } }
  )"));
  ASSERT_TRUE(instances.ok());
  ASSERT_EQ(instances->size(), 3u);
  const std::vector<std::vector<uint32_t>> cids = {{1, 8, 9}, {1, 2, 3}, {1, 2, 3}};
  for (size_t i = 0; i < cids.size(); ++i) {
    const SweepInstance& one = (*instances)[i];
    EXPECT_EQ(one.row, i);
    ASSERT_EQ(one.scenario.step_size(), 3);
    for (int s = 0; s < 3; ++s) {
      EXPECT_EQ(one.scenario.step(s).login().cid(), cids[i][static_cast<size_t>(s)]) << i;
    }
  }
  const v1::Scenario& first = (*instances)[0].scenario;
  ASSERT_EQ(first.let_size(), 2) << "a new one stands behind the scenario's";
  EXPECT_EQ(first.let(0).number(), 1u);
  EXPECT_EQ(first.let(1).name(), "z");
  EXPECT_EQ(first.let(1).number(), 4u) << "the last of a name holds";
  EXPECT_EQ(first.kills_size(), 1);
  const v1::Scenario& second = (*instances)[1].scenario;
  ASSERT_EQ(second.let_size(), 1);
  EXPECT_EQ(second.let(0).text(), "t");
  EXPECT_FALSE(second.let(0).has_number());
  EXPECT_EQ(second.kills_size(), 2);
  EXPECT_EQ((*instances)[2].scenario.id(), "a#");
  EXPECT_EQ((*instances)[2].scenario.cite_size(), 1);
}

TEST(SweepTest, ASweepWithoutRowsHasNoInstance) {
  const auto instances = ExpandSweep(Parse("id: \"a\" sweep {} step { probe {} }"));
  ASSERT_TRUE(instances.ok());
  EXPECT_TRUE(instances->empty());
}

TEST(SweepTest, AStepThatIsntThereIsAnError) {
  EXPECT_FALSE(ExpandSweep(Parse("sweep { row { name: \"r\" step { name: \"x\" } } }")).ok());
  EXPECT_FALSE(ExpandSweep(Parse("sweep { row { name: \"r\" step {} } } step { probe {} }")).ok());
}

}  // namespace
}  // namespace pushpull::initiator_sim
