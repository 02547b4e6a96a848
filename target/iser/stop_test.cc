// The target's end in order, over iSER: as over TCP (target/session/stop_test.cc).

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"

namespace pushpull::target {
namespace {

class IserStopTest : public IserTest {
 protected:
  void Stop(absl::Duration timeout) {
    worker_->node().BeginStop();
    worker_->Drain(timeout, [this] { drained_ = true; });
  }
  // The next PDU is an Async Message of this kind.
  void ExpectEvent(AsyncEvent kind, uint16_t parameter3) {
    const std::optional<Received> got = Next();
    ASSERT_TRUE(got.has_value());
    const Bhs bhs = got->bhs();
    ASSERT_EQ(BhsView(bhs).opcode(), Opcode::kAsyncMessage);
    const AsyncMessage message = AsyncMessage::Decode(BhsView(bhs));
    EXPECT_EQ(message.async_event, kind);
    EXPECT_EQ(message.parameter3, parameter3);
  }
  bool Drained(absl::Duration within) {
    world_.RunUntil([this] { return drained_; }, {.time = within});
    return drained_;
  }

  bool drained_ = false;
};

TEST_F(IserStopTest, WhoLogsOutIsServedUntilThen) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  Stop(absl::Seconds(30));
  ASSERT_NO_FATAL_FAILURE(ExpectEvent(AsyncEvent::kLogoutRequest, 30));
  // What comes meanwhile is done, in the initiator's memory, too.
  Send(Command(0x28, 0, 64), {}, {.read = Buffer(0)});
  ASSERT_NO_FATAL_FAILURE(ExpectGood());
  EXPECT_FALSE(drained_);
  LogoutRequest logout;
  logout.initiator_task_tag = ++tag_;
  Send(logout);
  const std::optional<Received> got = Next();
  ASSERT_TRUE(got.has_value());
  const Bhs bhs = got->bhs();
  EXPECT_EQ(BhsView(bhs).opcode(), Opcode::kLogoutResponse);
  connection_->Disconnect();
  EXPECT_TRUE(Drained(absl::Seconds(2)));
  EXPECT_EQ(worker_->counters().Get(Count::kSessions), 0);
}

TEST_F(IserStopTest, WhoStaysIsToldAndDropped) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  Stop(absl::Seconds(1));
  ASSERT_NO_FATAL_FAILURE(ExpectEvent(AsyncEvent::kLogoutRequest, 1));
  const std::optional<Received> got = Next();
  ASSERT_TRUE(got.has_value());
  const Bhs bhs = got->bhs();
  ASSERT_EQ(BhsView(bhs).opcode(), Opcode::kAsyncMessage);
  EXPECT_EQ(AsyncMessage::Decode(BhsView(bhs)).async_event, AsyncEvent::kSessionDropNotification);
  EXPECT_TRUE(Drained(absl::Seconds(3)));
  EXPECT_EQ(worker_->counters().Get(Count::kSessions), 0);
}

TEST_F(IserStopTest, NobodyElseGetsIn) {
  Connect(IserDialect::kLinux);
  Stop(absl::Seconds(1));
  SendLogin();
  EXPECT_FALSE(Next().has_value()) << "its connection ended before its login began";
  EXPECT_TRUE(Drained(absl::Seconds(5)));
}

}  // namespace
}  // namespace pushpull::target
