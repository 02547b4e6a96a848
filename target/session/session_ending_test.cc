// Sessions whose end waits for a command that the store doesn't let go.

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/session/testing/rig.h"
#include "target/session/testing/scripted_store.h"

namespace pushpull::target::testing {
namespace {

constexpr uint64_t kHeldLun = 1;

// By the number of loops.
class SessionEndingTest : public ::testing::TestWithParam<size_t> {
 protected:
  SessionEndingTest()
      : rig_({.network = {}, .node = {}, .bugs = {}, .loops = GetParam(), .lun1 = store_}),
        a_(&rig_) {
    a_.Login();
    a_.ClearUnitAttentions(Lun(kHeldLun));
    store_->holds = true;
    a_.Send(Read10(a_, 0, 1, Lun(kHeldLun)));
    rig_.Elapse(absl::Milliseconds(1));
    EXPECT_EQ(store_->held(), 1u);
  }
  ~SessionEndingTest() override { store_->Release(); }

  size_t DropSessions() {
    size_t count = 0;
    rig_.target().Announce({.kind = AsyncRequest::Kind::kDropSession},
                           [&count](size_t done) { count = done; });
    rig_.Elapse(absl::Milliseconds(1));
    return count;
  }
  // Its answer comes when it has its place.
  void SendLogin(Initiator& initiator) {
    const std::string keys = initiator.LoginKeys().Encode();
    initiator.SendPdu(
        {.bhs = initiator.MakeLogin().Encode(), .ahs = {}, .data = {keys.begin(), keys.end()}});
    EXPECT_TRUE(initiator.Silent(absl::Milliseconds(10)));
  }
  static int StatusOf(const std::optional<Received>& pdu) {
    if (!pdu.has_value() || pdu->opcode() != Opcode::kLoginResponse) return -1;
    const LoginResponse response = LoginResponse::Decode(BhsView(pdu->bhs));
    return response.status_class << 8 | response.status_detail;
  }

  const std::shared_ptr<ScriptedStore> store_ = std::make_shared<ScriptedStore>();
  Rig rig_;
  Initiator a_;
};

TEST_P(SessionEndingTest, ItIsDroppedOnce) {
  EXPECT_EQ(DropSessions(), 1u);
  EXPECT_EQ(rig_.Get(Count::kSessions), 1);
  EXPECT_EQ(DropSessions(), 0u);
}

// RFC 7143 §6.3.4: the session must be there, and is for nobody any more.
TEST_P(SessionEndingTest, ItTakesNoConnection) {
  DropSessions();
  Initiator b(&rig_);
  b.tsih = a_.tsih;
  b.cmd_sn = a_.cmd_sn;
  const auto refused = b.LoginWith(b.MakeLogin(), b.LoginKeys());
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status_class << 8 | refused->status_detail, 0x020a);
}

// A login that waits isn't blind meanwhile: nobody gets a session.
TEST_P(SessionEndingTest, WhoGoesWhileItWaitsIsSeenToGo) {
  for (const bool in_order : {false, true}) {
    Initiator b(&rig_);
    SendLogin(b);
    ASSERT_EQ(rig_.Get(Count::kLogins), 1) << "it waits";
    const int64_t failed = rig_.Get(Count::kLoginsFailed);
    if (in_order) {
      b.Disconnect();
    } else {
      b.Reset();
    }
    rig_.Elapse(absl::Milliseconds(10));
    EXPECT_EQ(rig_.Get(Count::kLogins), 0) << in_order;
    EXPECT_EQ(rig_.Get(Count::kLoginsFailed), failed + 1) << in_order;
  }
  store_->Release();
  EXPECT_TRUE(rig_.RunUntilUnused());
  EXPECT_EQ(rig_.Get(Count::kSessionsOpened), 1);
}

// RFC 7143 §6.3.5: the new one begins when the old one is over.
TEST_P(SessionEndingTest, ItsSuccessorWaits) {
  Initiator b(&rig_);
  SendLogin(b);
  EXPECT_TRUE(a_.WaitForClose());
  store_->Release();
  EXPECT_EQ(StatusOf(b.Next()), 0);
  EXPECT_EQ(rig_.Get(Count::kSessions), 1);
}

TEST_P(SessionEndingTest, ItsSuccessorMayGo) {
  Initiator b(&rig_);
  SendLogin(b);
  b.Reset();
  store_->Release();
  EXPECT_TRUE(rig_.RunUntilUnused());
}

TEST_P(SessionEndingTest, ItsSuccessorHasNoMoreTimeThanAnyLogin) {
  Initiator b(&rig_);
  SendLogin(b);
  EXPECT_TRUE(b.WaitForClose(absl::Seconds(16)));
  EXPECT_EQ(rig_.Get(Count::kLogins), 0);
  store_->Release();
  EXPECT_TRUE(rig_.RunUntilUnused());
}

// Of several only the last one is wanted.
TEST_P(SessionEndingTest, ItsSuccessorIsReplaced) {
  Initiator b(&rig_), c(&rig_), d(&rig_);
  SendLogin(b);
  SendLogin(c);
  EXPECT_TRUE(b.WaitForClose());
  SendLogin(d);
  EXPECT_TRUE(c.WaitForClose());
  store_->Release();
  EXPECT_EQ(StatusOf(d.Next()), 0);
  EXPECT_TRUE(d.Alive());
  EXPECT_EQ(rig_.Get(Count::kSessions), 1);
}

TEST_P(SessionEndingTest, ItsSuccessorIsRefusedByAStop) {
  Initiator b(&rig_);
  SendLogin(b);
  bool stopped = false;
  rig_.Stop(absl::Seconds(10), [&stopped] { stopped = true; });
  EXPECT_EQ(StatusOf(b.Next()), 0x0301);
  b.Disconnect();
  rig_.Elapse(absl::Seconds(1));
  EXPECT_FALSE(stopped) << "a session is left";
  store_->Release();
  rig_.world().RunUntil([&stopped] { return stopped; }, {.time = absl::Seconds(1)});
  EXPECT_TRUE(stopped);
}

// The answer to a logout waits for the session's end; a successor doesn't leave the time for it.
TEST_P(SessionEndingTest, ALogoutIsCutShortByASuccessor) {
  LogoutRequest logout;
  logout.immediate = true;
  logout.initiator_task_tag = a_.NextTag();
  a_.Send(logout);
  EXPECT_TRUE(a_.Silent(absl::Milliseconds(10)));
  Initiator b(&rig_);
  SendLogin(b);
  EXPECT_TRUE(a_.WaitForClose());
  EXPECT_FALSE(a_.Next().has_value());
  store_->Release();
  EXPECT_EQ(StatusOf(b.Next()), 0);
}

TEST_P(SessionEndingTest, ALogoutIsAnsweredAtTheEnd) {
  LogoutRequest logout;
  logout.immediate = true;
  logout.initiator_task_tag = a_.NextTag();
  a_.Send(logout);
  EXPECT_TRUE(a_.Silent());
  store_->Release();
  EXPECT_EQ(a_.ExpectLogout().response, LogoutResponseCode::kClosed);
  EXPECT_TRUE(a_.WaitForClose());
}

INSTANTIATE_TEST_SUITE_P(Loops, SessionEndingTest, ::testing::Values(1, 2));

}  // namespace
}  // namespace pushpull::target::testing
