// Sends and receives on every maker.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/rdma_fixture.h"
#include "fabric/rdma/rdma_makers.h"
#include "fabric/rdma/work.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

using testing::AnyOf;

class RdmaMessageTest : public RdmaTest {};

TEST_P(RdmaMessageTest, ArriveInOrderInTheReceivesOrder) {
  MakePair();
  for (uint64_t i = 0; i < 16; ++i) {
    ASSERT_TRUE(client_->Send(i, "message " + std::to_string(i)).ok());
  }
  RunUntil([&] { return server_->receives.size() == 16 && client_->sends.size() == 16; });
  for (size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(server_->receives[i].id, i);
    EXPECT_EQ(server_->receives[i].status, RdmaStatus::kSuccess);
    EXPECT_FALSE(server_->receives[i].invalidated);
    EXPECT_EQ(server_->Received(i), "message " + std::to_string(i));
    EXPECT_EQ(client_->sends[i].id, i);
    EXPECT_EQ(client_->sends[i].op, RdmaOp::kSend);
    EXPECT_EQ(client_->sends[i].status, RdmaStatus::kSuccess);
  }
}

TEST_P(RdmaMessageTest, ArriveFromManySegmentsInMany) {
  queues_.max_receive_segments = 3;
  server_receives_ = 0;
  MakePair();
  const RdmaSegment into[] = {server_->inbox->Segment(100, 3), server_->inbox->Segment(0, 0),
                              server_->inbox->Segment(200, 50)};
  ASSERT_TRUE(server_->connection->PostReceive({.id = 7, .segments = into}).ok());
  client_->outbox->Put(0, "abcdefghij");
  const RdmaSegment from[] = {client_->outbox->Segment(8, 2), client_->outbox->Segment(0, 4)};
  ASSERT_TRUE(client_->connection->PostSend({.op = RdmaOp::kSend, .segments = from}).ok());
  RunUntil([&] { return server_->receives.size() == 1; });
  EXPECT_EQ(server_->receives[0].byte_len, 6u);
  EXPECT_EQ(server_->receives[0].id, 7u);
  EXPECT_EQ(server_->inbox->Get(100, 3), "ija");
  EXPECT_EQ(server_->inbox->Get(200, 3), "bcd");
}

TEST_P(RdmaMessageTest, MayBeEmpty) {
  MakePair();
  ASSERT_TRUE(client_->connection->PostSend({.op = RdmaOp::kSend, .id = 1}).ok());
  RunUntil([&] { return server_->receives.size() == 1; });
  EXPECT_EQ(server_->receives[0].byte_len, 0u);
}

TEST_P(RdmaMessageTest, InlineBytesAreTakenAtOnce) {
  queues_.max_inline_bytes = 64;
  MakePair();
  ASSERT_GE(client_->connection->limits().max_inline_bytes, 64u);
  std::string text = "not registered anywhere";
  const RdmaSegment segment = {reinterpret_cast<uint8_t*>(text.data()),
                               static_cast<uint32_t>(text.size()), 0};
  for (int i = 0; i < 3; ++i) {
    text[0] = static_cast<char>('0' + i);
    ASSERT_TRUE(
        client_->connection
            ->PostSend({.op = RdmaOp::kSend, .inline_data = true, .segments = {&segment, 1}})
            .ok());
  }
  text.assign(text.size(), '?');
  RunUntil([&] { return server_->receives.size() == 3; });
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(server_->Received(i), std::to_string(i) + "ot registered anywhere");
  }
}

TEST_P(RdmaMessageTest, QueuesRefuseWhatTheyCannotHold) {
  queues_.max_sends = 8;
  queues_.max_receives = 16;
  queues_.max_inline_bytes = 16;
  MakePair();
  const RdmaLimits& limits = client_->connection->limits();
  EXPECT_GE(limits.max_sends, 8u);
  const std::vector<RdmaSegment> segments(limits.max_send_segments + 1,
                                          client_->outbox->Segment(0, 1));
  EXPECT_EQ(client_->connection->PostSend({.op = RdmaOp::kSend, .segments = segments}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->connection->PostReceive({.id = 0, .segments = segments}).code(),
            absl::StatusCode::kInvalidArgument);
  const RdmaSegment big = client_->outbox->Segment(0, limits.max_inline_bytes + 1);
  EXPECT_EQ(client_->connection
                ->PostSend({.op = RdmaOp::kSend, .inline_data = true, .segments = {&big, 1}})
                .code(),
            absl::StatusCode::kInvalidArgument);
  // All or nothing.
  const RdmaWork work = {.op = RdmaOp::kSend};
  EXPECT_EQ(client_->connection->PostSends(std::vector(limits.max_sends + 1, work)).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(client_->connection->PostReceives(std::vector<RdmaReceive>(limits.max_receives)).code(),
            absl::StatusCode::kResourceExhausted);
  maker_->Settle();
  EXPECT_TRUE(server_->receives.empty());
}

TEST_P(RdmaMessageTest, UnsignalledRequestsLeaveTheQueueWithALaterSignalledOne) {
  queues_.max_sends = 4;
  MakePair();
  const uint32_t room = client_->connection->limits().max_sends;
  ASSERT_LE(room, RdmaPeerEnd::kSlots);
  for (int round = 0; round < 3; ++round) {
    server_->receives.clear();
    client_->sends.clear();
    for (uint64_t i = 0; i < room; ++i) {
      ASSERT_TRUE(client_->Send(i, "x", /*signalled=*/i + 1 == room).ok()) << i;
    }
    EXPECT_EQ(client_->Send(0, "x").code(), absl::StatusCode::kResourceExhausted);
    for (size_t got = 0; got < room;) {
      RunUntil([&] { return server_->receives.size() > got; });
      for (; got < server_->receives.size(); ++got) {
        ASSERT_TRUE(server_->PostReceive(server_->receives[got].id).ok());
      }
    }
    RunUntil([&] { return !client_->sends.empty(); });
    ASSERT_EQ(client_->sends.size(), 1u);
    EXPECT_EQ(client_->sends[0].id, room - 1);
  }
}

TEST_P(RdmaMessageTest, BatchesCompletions) {
  queues_.max_batch = 3;
  MakePair();
  std::vector<RdmaWork> works;
  const RdmaSegment segment = client_->outbox->Segment(0, 5);
  for (uint64_t i = 0; i < 16; ++i) {
    works.push_back({.op = RdmaOp::kSend, .id = i, .segments = {&segment, 1}});
  }
  ASSERT_TRUE(client_->connection->PostSends(works).ok());
  RunUntil([&] { return server_->receives.size() == 16 && client_->sends.size() == 16; });
  EXPECT_LE(server_->largest_batch, 3u);
  EXPECT_GE(server_->batches, 6u);
}

TEST_P(RdmaMessageTest, WaitForAReceive) {
  server_receives_ = 0;
  MakePair();
  ASSERT_TRUE(client_->Send(0, "patience").ok());
  maker_->Settle();
  EXPECT_TRUE(client_->sends.empty());
  EXPECT_FALSE(client_->ended.has_value());
  ASSERT_TRUE(server_->PostReceive(0).ok());
  RunUntil([&] { return server_->receives.size() == 1 && client_->sends.size() == 1; });
  EXPECT_EQ(server_->Received(0), "patience");
  EXPECT_EQ(client_->sends[0].status, RdmaStatus::kSuccess);
}

TEST_P(RdmaMessageTest, FailWhenNoReceiveComesInTime) {
  server_receives_ = 0;
  server_options_.rnr_retry_count = 1;
  MakePair();
  ASSERT_TRUE(client_->Send(0, "no patience").ok());
  ASSERT_TRUE(client_->Send(1, "behind it").ok());
  RunUntilBothEnded();
  ASSERT_EQ(client_->sends.size(), 2u);
  EXPECT_EQ(client_->sends[0].status, RdmaStatus::kRnrRetryExceeded);
  EXPECT_EQ(client_->sends[0].op, RdmaOp::kSend);
  EXPECT_EQ(client_->sends[1].status, RdmaStatus::kFlushed);
  EXPECT_EQ(client_->sends[1].id, 1u);
  EXPECT_EQ(*client_->ended, RdmaEnd::kFailed);
  EXPECT_EQ(*server_->ended, RdmaEnd::kPeerDisconnected);
}

TEST_P(RdmaMessageTest, FailWhenTheReceiveIsTooShort) {
  server_receives_ = 0;
  MakePair();
  const RdmaSegment small = server_->inbox->Segment(0, 9);
  ASSERT_TRUE(server_->connection->PostReceive({.id = 5, .segments = {&small, 1}}).ok());
  ASSERT_TRUE(server_->PostReceive(6).ok());
  server_->inbox->Put(9, "#");
  ASSERT_TRUE(client_->Send(0, "ten bytes!").ok());
  RunUntilBothEnded();
  ASSERT_EQ(server_->receives.size(), 2u);
  EXPECT_EQ(server_->receives[0].id, 5u);
  EXPECT_THAT(server_->receives[0].status,
              AnyOf(RdmaStatus::kLocalLength, RdmaStatus::kLocalOperation));  // rxe: the second
  EXPECT_EQ(server_->receives[1].status, RdmaStatus::kFlushed);
  EXPECT_EQ(server_->inbox->Get(9, 1), "#");
  ASSERT_EQ(client_->sends.size(), 1u);
  EXPECT_THAT(client_->sends[0].status,
              AnyOf(RdmaStatus::kRemoteInvalidRequest, RdmaStatus::kRemoteOperation));
  EXPECT_EQ(*client_->ended, RdmaEnd::kFailed);
}

TEST_P(RdmaMessageTest, FailWithoutTheMemorysKey) {
  const auto no_local_right = AnyOf(RdmaStatus::kLocalProtection, RdmaStatus::kLocalOperation);
  for (const bool by_sender : {true, false}) {
    server_receives_ = by_sender ? 1 : 0;
    MakePair();
    if (!by_sender) {
      RdmaSegment wrong = server_->inbox->Segment(0, 100);
      wrong.local_key ^= 0x5500;
      ASSERT_TRUE(server_->connection->PostReceive({.id = 0, .segments = {&wrong, 1}}).ok());
    }
    RdmaSegment from = client_->outbox->Segment(0, 10);
    if (by_sender) from.local_key ^= 0x5500;
    ASSERT_TRUE(client_->connection->PostSend({.op = RdmaOp::kSend, .segments = {&from, 1}}).ok());
    RunUntilBothEnded();
    if (by_sender) {
      ASSERT_EQ(client_->sends.size(), 1u);
      EXPECT_THAT(client_->sends[0].status, no_local_right);
    } else {
      ASSERT_EQ(server_->receives.size(), 1u);
      EXPECT_THAT(server_->receives[0].status, no_local_right);
    }
  }
}

TEST_P(RdmaMessageTest, FailPastTheMemorysEnd) {
  MakePair();
  RdmaSegment from = client_->outbox->Segment(client_->outbox->bytes.size() - 10, 10);
  from.length = 11;
  ASSERT_TRUE(client_->connection->PostSend({.op = RdmaOp::kSend, .segments = {&from, 1}}).ok());
  RunUntilBothEnded();
  EXPECT_THAT(client_->sends.at(0).status,
              AnyOf(RdmaStatus::kLocalProtection, RdmaStatus::kLocalOperation));
}

TEST_P(RdmaMessageTest, AreFoundByPollingToo) {
  queues_.polling = RdmaPolling::kBusy;
  MakePair();
  ASSERT_TRUE(client_->Send(0, "busy").ok());
  RunUntil([&] { return server_->receives.size() == 1 && client_->sends.size() == 1; });
  EXPECT_EQ(server_->Received(0), "busy");
  server_->connection->Disconnect();
  RunUntilBothEnded();
}

// Both ends send without pause, as many as there are receives for.
TEST_P(RdmaMessageTest, KeepOrderUnderLoad) {
  constexpr uint64_t kMessages = 600;
  MakePair();
  base::Random random(77);
  struct Side {
    RdmaPeerEnd* end;
    uint64_t sent = 0;
    uint64_t done = 0;  // sends seen complete
    uint64_t received = 0;
    uint64_t credit = 16;  // receives that the other end has free
    Side* other = nullptr;
  };
  Side sides[2] = {{client_.get()}, {server_.get()}};
  sides[0].other = &sides[1];
  sides[1].other = &sides[0];
  const auto text = [](uint64_t n) {
    return std::to_string(n) + std::string(n * 37 % 200, static_cast<char>('a' + n % 26));
  };
  const auto pump = [&](Side& side) {
    while (side.sent < kMessages && side.credit > 0 && side.sent - side.done < 64) {
      ASSERT_TRUE(side.end->Send(side.sent % 64, text(side.sent)).ok());
      ++side.sent;
      --side.credit;
    }
  };
  for (Side& side : sides) {
    side.end->on_completions = [&, own = &side] {
      RdmaPeerEnd& end = *own->end;
      own->done += end.sends.size();
      end.sends.clear();
      for (size_t i = 0; i < end.receives.size(); ++i) {
        ASSERT_EQ(end.receives[i].status, RdmaStatus::kSuccess);
        ASSERT_EQ(end.Received(i), text(own->received));
        ++own->received;
        ASSERT_TRUE(end.PostReceive(end.receives[i].id).ok());
        ++own->other->credit;
      }
      end.receives.clear();
      pump(*own);
      // The other's credit may have grown while it was idle.
      if (random.Chance(50)) pump(*own->other);
    };
    pump(side);
  }
  RunUntil([&] {
    pump(sides[0]);
    pump(sides[1]);
    return HasFatalFailure() || (sides[0].received == kMessages && sides[1].received == kMessages &&
                                 sides[0].done == kMessages && sides[1].done == kMessages);
  });
  EXPECT_EQ(sides[0].received, kMessages);
  EXPECT_EQ(sides[1].received, kMessages);
}

INSTANTIATE_TEST_SUITE_P(Makers, RdmaMessageTest, testing::ValuesIn(AllRdmaMakers()), KindName);

}  // namespace
}  // namespace pushpull::fabric
