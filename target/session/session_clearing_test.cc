// What is cleared when sessions and connections end, come back, and are reset (RFC 7143 §6.3.5,
// §7.15, Appendix E.1).

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

using Function = TaskManagementFunction;

LogoutRequest Logout(Initiator& a) {
  LogoutRequest logout;
  logout.reason = LogoutReason::kCloseSession;
  logout.cid = 1;
  logout.initiator_task_tag = a.NextTag();
  return logout;
}

// ---- the tables of Appendix E.1 -----------------------------------------------------------------

enum class Event {
  kConnectionFailure,
  kSessionTimeout,
  kReinstatement,
  kLogout,
  kLogicalUnitReset,
  kWarmReset,
  kColdReset,
};

struct Row {
  const char* name;
  Event event;
  int64_t tasks;       // of the session that are left (columns IT, IC, CT, ST)
  bool session_stays;  // its parameters and its CmdSN (SS, CS)
  bool connection_stays;
  const char* attention;  // of LUN 0, for the next command
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

const Row kRows[] = {
    {"ConnectionFailure", Event::kConnectionFailure, 0, true, false, "6/47/7f"},
    {"SessionTimeout", Event::kSessionTimeout, 0, false, false, "6/29/07"},
    {"Reinstatement", Event::kReinstatement, 0, false, false, "6/29/07"},
    {"Logout", Event::kLogout, 0, false, false, "6/29/07"},
    {"LogicalUnitReset", Event::kLogicalUnitReset, 1, true, true, "6/29/03"},
    {"WarmReset", Event::kWarmReset, 0, true, true, "6/29/03"},
    {"ColdReset", Event::kColdReset, 0, false, false, "6/29/07"},
};

class ClearingTest : public ::testing::TestWithParam<Row> {
 protected:
  ClearingTest() : a_(&rig_), other_(&rig_, "iqn.2026-11.org.pushpull:other") {
    a_.Login({{{"MaxBurstLength", "4096"}, {"FirstBurstLength", "512"}}});
    other_.Login();
    for (const uint32_t lun : {0, 1}) {
      a_.ClearUnitAttentions(Lun(lun));
      other_.ClearUnitAttentions(Lun(lun));
    }
  }

  void Reset(Function function) {
    other_.Send(Tmf(other_, function));
    EXPECT_EQ(other_.ExpectTmf().response, TaskManagementResponseCode::kFunctionComplete);
  }

  void Happen(Event event) {
    switch (event) {
      case Event::kConnectionFailure:
        a_.Reset();
        return rig_.Elapse(absl::Seconds(1));
      case Event::kSessionTimeout:
        a_.Reset();
        return rig_.Elapse(absl::Seconds(60));
      case Event::kReinstatement:
        return;             // by the login that follows
      case Event::kLogout:  // not immediate: the place for that is taken
        a_.Send(Logout(a_));
        a_.ExpectLogout();
        return;
      case Event::kLogicalUnitReset:
        return Reset(Function::kLogicalUnitReset);
      case Event::kWarmReset:
        return Reset(Function::kTargetWarmReset);
      case Event::kColdReset:
        Reset(Function::kTargetColdReset);
        return rig_.Elapse(absl::Seconds(1));
    }
  }

  Rig rig_;
  Initiator a_;
  Initiator other_;
};

// RFC7143-E.1-a
TEST_P(ClearingTest, IsWhatTheTablesSay) {
  const Row& row = GetParam();
  const ScsiCommand lost = Write10(a_, 0, 8);
  a_.Send(lost);
  const R2t lost_r2t = a_.ExpectR2t();
  ScsiCommand immediate = Write10(a_, 8, 8);
  immediate.immediate = true;
  a_.Send(immediate);
  const R2t immediate_r2t = a_.ExpectR2t();
  const ScsiCommand kept = Write10(a_, 0, 8, Lun(1));
  a_.Send(kept);
  const R2t kept_r2t = a_.ExpectR2t();

  Happen(row.event);
  std::unique_ptr<Initiator> comes_back;
  if (!row.connection_stays) {
    comes_back = std::make_unique<Initiator>(&rig_);
    comes_back->tsih = row.session_stays ? a_.tsih : 0;
    comes_back->cmd_sn = row.session_stays ? a_.cmd_sn : 7000;
    comes_back->Login();
    EXPECT_EQ(comes_back->exp_cmd_sn, comes_back->cmd_sn);
    while (const auto pdu = a_.Next(absl::Seconds(1))) {
      EXPECT_EQ(pdu->opcode(), Opcode::kNopIn) << "of a task that was cleared";
    }
    EXPECT_TRUE(a_.WaitForClose(absl::Seconds(1)));
  }
  Initiator& now = row.connection_stays ? a_ : *comes_back;
  EXPECT_EQ(rig_.Get(Count::kTasks), row.tasks);
  if (row.connection_stays) {
    EXPECT_EQ(now.ExpectNopIn().exp_cmd_sn, now.cmd_sn) << "the window has room again";
    // The tags of what was cleared mean nothing; their data is taken silently.
    now.Answer(lost_r2t, Pattern(4096));
    now.Answer(immediate_r2t, Pattern(4096));
    EXPECT_TRUE(now.Silent());
    if (row.tasks > 0) {
      now.Answer(kept_r2t, Pattern(4096));
      EXPECT_EQ(now.ExpectScsiResponse().initiator_task_tag, kept.initiator_task_tag);
    }
  }
  EXPECT_EQ(rig_.Medium()[1], 0) << "what was cleared wrote";
  EXPECT_EQ(now.Run(TestUnitReady(now)).SenseCode(), row.attention);
  now.ClearUnitAttentions();
  now.Send(Write10(now, 0, 16));
  EXPECT_EQ(now.ExpectR2t().desired_data_transfer_length, row.session_stays ? 4096u : 8192u);
}

INSTANTIATE_TEST_SUITE_P(Events, ClearingTest, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

// ---- reinstatement in each state ----------------------------------------------------------------

enum class State { kLoggingIn, kIdle, kWriting, kExecuting, kResetting, kLoggingOut, kLost };

class AnyStateTest : public ::testing::TestWithParam<State> {};

void Bring(Rig& rig, Initiator& a, State state) {
  if (state == State::kLoggingIn) {
    LoginRequest request = a.MakeLogin();
    request.transit = false;
    ASSERT_TRUE(a.LoginWith(request, a.LoginKeys()).has_value());
    return;
  }
  a.Login();
  a.ClearUnitAttentions();
  a.ClearUnitAttentions(Lun(2));
  if (state == State::kWriting || state == State::kResetting) {
    a.Send(Write10(a, 0, 16));
    a.ExpectR2t();
  }
  if (state == State::kResetting) a.Send(Tmf(a, Function::kLogicalUnitReset));
  if (state == State::kExecuting) a.Send(Read10(a, 0, 1, Lun(2)));
  if (state == State::kLoggingOut) {
    ++a.cmd_sn;  // never comes
    a.Send(Logout(a));
  }
  if (state == State::kLost) {
    a.Reset();
  } else {
    EXPECT_TRUE(a.Silent(absl::Milliseconds(10)));
  }
  rig.Elapse(absl::Milliseconds(10));
}

// RFC7143-7.15-a
TEST_P(AnyStateTest, ASessionIsReinstated) {
  Rig rig;
  Initiator a(&rig);
  Bring(rig, a, GetParam());
  Initiator b(&rig);
  b.Login();
  EXPECT_FALSE(a.Next(absl::Seconds(2)).has_value());
  if (GetParam() != State::kLoggingIn) {
    EXPECT_TRUE(a.WaitForClose(absl::Seconds(1)));
  }
  EXPECT_EQ(rig.Get(Count::kSessions), 1);
  b.ClearUnitAttentions();
  EXPECT_EQ(b.Run(Read10(b, 0, 1)).status, 0);
}

INSTANTIATE_TEST_SUITE_P(States, AnyStateTest,
                         ::testing::Values(State::kLoggingIn, State::kIdle, State::kWriting,
                                           State::kExecuting, State::kResetting, State::kLoggingOut,
                                           State::kLost));

}  // namespace
}  // namespace pushpull::target::testing
