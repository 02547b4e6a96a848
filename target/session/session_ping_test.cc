// The target's own pings: who is asked, and who is given up.

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

RigOptions Pinging(absl::Duration interval = absl::Seconds(5)) {
  RigOptions options;
  options.node.ping_interval = interval;
  return options;
}

// RFC7143-11.19.3-a
TEST(SessionPingTest, ASilentConnectionIsAskedAndGivenUp) {
  Rig rig(Pinging());
  Initiator a(&rig);
  a.Login();
  for (int i = 0; i < 3; ++i) {
    const auto ping = a.ExpectNopIn();
    EXPECT_EQ(ping.initiator_task_tag, kNoTag);
    EXPECT_NE(ping.target_transfer_tag, kNoTag);
    EXPECT_EQ(ping.lun, 0u);
    EXPECT_EQ(ping.stat_sn, a.exp_stat_sn) << "the next StatSN, without advancing it";
    NopOut answer;
    answer.immediate = true;
    answer.lun = ping.lun;
    answer.target_transfer_tag = ping.target_transfer_tag;
    a.Send(answer);
  }
  a.ExpectNopIn();
  EXPECT_TRUE(a.WaitForClose());
}

// RFC 7143 §7.14: it is the silent ones that are asked.
TEST(SessionPingTest, WhoTalksIsNotAsked) {
  Rig rig(Pinging());
  Initiator a(&rig);
  a.Login();
  a.ClearUnitAttentions();
  for (int i = 0; i < 10; ++i) {
    a.Send(TestUnitReady(a));
    a.ExpectScsiResponse();
    EXPECT_TRUE(a.Silent(absl::Seconds(3)));
  }
}

TEST(SessionPingTest, WhoTalksAndDoesNotAnswerIsThere) {
  Rig rig(Pinging());
  Initiator a(&rig);
  a.Login();
  a.ClearUnitAttentions();
  const NopIn ping = a.ExpectNopIn();
  EXPECT_NE(ping.target_transfer_tag, kNoTag);
  for (int i = 0; i < 10; ++i) {
    a.Send(TestUnitReady(a));
    a.ExpectScsiResponse();
    EXPECT_TRUE(a.Silent(absl::Seconds(3)));
  }
}

// RFC 7143 §11.18.2: a tag is answered once.
TEST(SessionPingTest, AnAnswerIsTakenOnce) {
  Rig rig(Pinging());
  Initiator a(&rig);
  a.Login();
  NopOut answer;
  answer.immediate = true;
  answer.target_transfer_tag = a.ExpectNopIn().target_transfer_tag;
  a.Send(answer);
  EXPECT_TRUE(a.Silent());
  a.Send(answer);
  EXPECT_EQ(a.ExpectReject().reason, RejectReason::kInvalidPduField);
}

// What it says can't be heard meanwhile.
TEST(SessionPingTest, WhoIsNotReadIsNotGivenUp) {
  constexpr uint32_t kBlocks = 512;
  RigOptions options = Pinging(absl::Milliseconds(200));
  options.node.buffer_bytes = 256 << 10;
  Rig rig(options);
  Initiator a(&rig);
  a.Login();
  a.ClearUnitAttentions(Lun(2));
  const ScsiCommand slow = Read10(a, 0, kBlocks, Lun(2));  // takes a second, and all memory
  a.Send(slow);
  rig.Elapse(absl::Milliseconds(10));
  NopOut nop;
  nop.immediate = true;
  a.Send(nop);  // isn't read
  EXPECT_EQ(a.Finish(slow).status, 0);
  EXPECT_FALSE(a.closed());
}

// Who has logged out has the time for its own end, whatever it was asked before.
TEST(SessionPingTest, WhoHasLoggedOutIsNotGivenUp) {
  RigOptions options = Pinging(absl::Seconds(1));
  options.node.close_timeout = absl::Seconds(10);
  Rig rig(options);
  Initiator a(&rig);
  a.Login();
  a.ExpectNopIn();
  LogoutRequest logout;
  logout.immediate = true;
  logout.initiator_task_tag = a.NextTag();
  a.Send(logout);
  a.ExpectLogout();
  rig.Elapse(absl::Seconds(9));
  EXPECT_EQ(rig.Get(Count::kConnections), 1);
  rig.Elapse(absl::Seconds(2));
  EXPECT_EQ(rig.Get(Count::kConnections), 0);
}

}  // namespace
}  // namespace pushpull::target::testing
