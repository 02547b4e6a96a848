// What may happen while a login is under way: its peer goes, its session ends, the target stops.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

enum class Way { kNewSession, kSession, kConnection };  // or a reinstatement of either

// A session with a slow command, and another connection that is about to log in over it.
class LoginRaceTest : public ::testing::TestWithParam<Way> {
 protected:
  void Start() {
    rig_ = std::make_unique<Rig>(RigOptions{.network = {}, .node = {}, .bugs = {}, .loops = 2});
    a_ = std::make_unique<Initiator>(rig_.get());
    a_->Login();
    a_->ClearUnitAttentions(Lun(2));
    a_->Send(Read10(*a_, 0, 1, Lun(2)));  // takes a second
    b_ = std::make_unique<Initiator>(rig_.get());
    if (GetParam() == Way::kNewSession) b_->isid[5] = 2;
    if (GetParam() == Way::kConnection) {
      b_->tsih = a_->tsih;
      b_->cmd_sn = a_->cmd_sn;
    }
  }
  void SendLogin(Initiator& initiator) {
    const std::string keys = initiator.LoginKeys().Encode();
    initiator.SendPdu(
        {.bhs = initiator.MakeLogin().Encode(), .ahs = {}, .data = {keys.begin(), keys.end()}});
  }
  // Until so many events have happened. False: there were fewer, or it took a while.
  bool RunEvents(uint64_t events) {
    const uint64_t end = rig_->world().events_run() + events;
    rig_->world().RunUntil([&] { return rig_->world().events_run() >= end; },
                           {.time = absl::Seconds(2)});
    return rig_->world().events_run() >= end;
  }

  std::unique_ptr<Rig> rig_;
  std::unique_ptr<Initiator> a_, b_;
};

// The rig looks whether anything is left.
TEST_P(LoginRaceTest, ThePeerGoesAtAnyMoment) {
  bool more = true;
  for (uint64_t events = 0; more; ++events) {
    Start();
    SendLogin(*b_);
    more = RunEvents(events);
    b_->Reset();
    a_->Disconnect();
    ASSERT_TRUE(rig_->RunUntilUnused()) << "after " << events;
    b_.reset();
    a_.reset();
  }
}

TEST_P(LoginRaceTest, TheTargetStopsAtAnyMoment) {
  bool more = true;
  for (uint64_t events = 0; more; ++events) {
    Start();
    SendLogin(*b_);
    more = RunEvents(events);
    const absl::Time began = rig_->Now();
    std::optional<absl::Time> ended;
    rig_->Stop(absl::Seconds(3), [&] { ended = rig_->Now(); });
    rig_->world().RunUntil([&] { return ended.has_value(); }, {.time = absl::Seconds(60)});
    ASSERT_TRUE(ended.has_value()) << "after " << events;
    ASSERT_LE(*ended - began, absl::Milliseconds(4100)) << "after " << events;
    b_.reset();
    a_.reset();
  }
}

// RFC 7143 §6.3.4: a session takes a connection, or is there no more; then the login ends.
TEST_P(LoginRaceTest, ItsSessionIsDroppedAtAnyMoment) {
  bool more = true;
  for (uint64_t events = 0; more; ++events) {
    Start();
    SendLogin(*b_);
    more = RunEvents(events);
    const AsyncRequest drop{.kind = AsyncRequest::Kind::kDropSession, .tsih = a_->tsih};
    rig_->target().Announce(drop, [](size_t) {});
    rig_->Elapse(absl::Seconds(2));
    const auto answer = b_->Next();
    ASSERT_TRUE(answer.has_value()) << "after " << events;
    const LoginResponse response = LoginResponse::Decode(BhsView(answer->bhs));
    if (response.status_class == 0) {
      ASSERT_EQ(rig_->Get(Count::kSessions), b_->closed() ? 0 : 1) << "after " << events;
    } else {
      ASSERT_EQ(response.status_class << 8 | response.status_detail, 0x020a) << "after " << events;
    }
    b_->Disconnect();
    a_->Disconnect();
    ASSERT_TRUE(rig_->RunUntilUnused()) << "after " << events;
    b_.reset();
    a_.reset();
  }
}

INSTANTIATE_TEST_SUITE_P(All, LoginRaceTest,
                         ::testing::Values(Way::kNewSession, Way::kSession, Way::kConnection));

// RFC 7143 §6.3: nothing may follow the last Login Request before its answer. Where the connection
// has to go to another loop it can't take that along.
TEST(LoginOverTest, WhatFollowsTheLastRequestTooEarlyIsNotLost) {
  for (int i = 0; i < 2; ++i) {
    Rig rig({.network = {}, .node = {}, .bugs = {}, .loops = 2});
    Initiator a(&rig);
    a.Login();
    std::vector<std::unique_ptr<Initiator>> others;  // so that each loop has its turn
    for (int k = 0; k < i; ++k) others.push_back(std::make_unique<Initiator>(&rig));
    Initiator b(&rig);
    b.tsih = a.tsih;
    b.cmd_sn = a.cmd_sn;
    const std::string keys = b.LoginKeys().Encode();
    ByteVector bytes =
        b.Encode({.bhs = b.MakeLogin().Encode(), .ahs = {}, .data = {keys.begin(), keys.end()}});
    NopOut ping;
    ping.immediate = true;
    ping.cmd_sn = b.cmd_sn;
    ping.initiator_task_tag = 0x77;
    const ByteVector more = b.Encode({.bhs = ping.Encode(), .ahs = {}, .data = {}});
    bytes.insert(bytes.end(), more.begin(), more.end());
    b.SendBytes(bytes);
    // Either it is answered, or the connection ends.
    const auto login = b.Next();
    const auto answer = b.Next();
    EXPECT_TRUE(b.closed() || (login.has_value() && answer.has_value())) << i;
  }
}

}  // namespace
}  // namespace pushpull::target::testing
