// A ping as the barrier of a wait: a step gives up on what isn't there when it is answered.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using ::testing::StartsWith;
using Connection = TestTarget::Connection;

constexpr char kCommand[] =
    R"(epilogue: NOTHING step { login { unit_attention: LEFT } }
       step { send { task: "r" pdu { scsi_command { cdb { test_unit_ready {} } } } } }
       step { expect { task: "r" one_of { pdu { scsi_response {} } } } })";

PlayerTestBed* NewBed() {
  auto* const bed = new PlayerTestBed();
  bed->options.step_timeout = absl::Seconds(4);
  bed->options.ask_after = absl::Milliseconds(10);
  return bed;
}

TEST(PlayerAskTest, WhatWasPassedOverIsNotWaitedFor) {
  const std::unique_ptr<PlayerTestBed> bed(NewBed());
  bed->target.on_pdu = [](Connection&, const v1::Pdu& pdu) { return pdu.has_scsi_command(); };
  const absl::Time begin = bed->world.now();
  EXPECT_THAT(VerdictOf(bed->Play(kCommand)),
              StartsWith("FAIL: nothing came, though the target lives: awaiting SCSI Response"));
  EXPECT_LT(bed->world.now() - begin, absl::Seconds(1));
  const std::vector<v1::Pdu> pings = bed->target.Seen(v1::Pdu::kNopOut);
  ASSERT_EQ(pings.size(), 1u);
  EXPECT_TRUE(pings[0].immediate());
}

TEST(PlayerAskTest, WhatComesBeforeTheAnswerIsInTime) {
  const std::unique_ptr<PlayerTestBed> bed(NewBed());
  std::optional<v1::Pdu> held;
  bed->target.on_pdu = [&](Connection& c, const v1::Pdu& pdu) {
    if (pdu.has_scsi_command()) held = pdu;
    if (pdu.has_nop_out()) c.target->Respond(c, *held, v1::GOOD);
    return pdu.has_scsi_command();
  };
  EXPECT_EQ(VerdictOf(bed->Play(kCommand)), "PASS");
}

// Each time that something came it is asked anew.
TEST(PlayerAskTest, AStepThatGoesOnIsNotCutShort) {
  const std::unique_ptr<PlayerTestBed> bed(NewBed());
  int pings = 0;
  std::optional<v1::Pdu> held;
  bed->target.on_pdu = [&](Connection& c, const v1::Pdu& pdu) {
    if (pdu.has_scsi_command()) held = pdu;
    if (pdu.has_nop_out() && ++pings == 1) {
      v1::Pdu other;
      other.mutable_nop_in()->set_initiator_task_tag(0xffffffff);
      other.mutable_nop_in()->set_target_transfer_tag(0xffffffff);
      c.Send(std::move(other));
    } else if (pdu.has_nop_out()) {
      c.target->Respond(c, *held, v1::GOOD);
    }
    return pdu.has_scsi_command();
  };
  EXPECT_EQ(VerdictOf(bed->Play(kCommand)), "PASS");
  EXPECT_EQ(pings, 2);
}

// Where nobody answers pings, or none may be sent, there is the step's time, and nothing more.
TEST(PlayerAskTest, ADeadTargetTakesTheStepsTime) {
  const std::unique_ptr<PlayerTestBed> bed(NewBed());
  bed->target.on_pdu = [](Connection& c, const v1::Pdu&) { return c.full_feature; };
  absl::Time begin = bed->world.now();
  EXPECT_THAT(VerdictOf(bed->Play(kCommand)), StartsWith("TIMEOUT: nothing came in time"));
  EXPECT_LT(bed->world.now() - begin, absl::Seconds(5));
  EXPECT_GE(bed->world.now() - begin, absl::Seconds(4));

  const std::unique_ptr<PlayerTestBed> login(NewBed());
  login->target.on_pdu = [](Connection&, const v1::Pdu&) { return true; };
  begin = login->world.now();
  EXPECT_THAT(VerdictOf(login->Play("epilogue: NOTHING step { login {} }")), StartsWith("TIMEOUT"));
  EXPECT_EQ(login->world.now() - begin, absl::Seconds(4));
  EXPECT_EQ(login->target.connections.size(), 1u);
}

}  // namespace
}  // namespace pushpull::initiator_sim
