#include "initiator_sim/player/sweep.h"

#include <string>

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
}

TEST(SweepTest, AStepThatIsntThereIsAnError) {
  EXPECT_FALSE(ExpandSweep(Parse("sweep { row { name: \"r\" step { name: \"x\" } } }")).ok());
  EXPECT_FALSE(ExpandSweep(Parse("sweep { row { name: \"r\" step {} } } step { probe {} }")).ok());
}

}  // namespace
}  // namespace pushpull::initiator_sim
