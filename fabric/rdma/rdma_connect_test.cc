// Connections on every maker: how they begin, are refused, and end.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/rdma_fixture.h"
#include "fabric/rdma/rdma_makers.h"
#include "fabric/rdma/work.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

class RdmaConnectTest : public RdmaTest {
 protected:
  // Establishes a connection that is going to be refused.
  void ExpectRefused(const Address& address, RdmaRefusal::Kind kind) {
    client_ = OpenEnd(address);
    ASSERT_NE(client_, nullptr);
    ASSERT_TRUE(client_->PostReceive(0).ok());
    client_->connection->Establish(client_options_, client_.get());
    RunUntil([&] { return client_->refused.has_value() || client_->established; });
    ASSERT_TRUE(client_->refused.has_value());
    EXPECT_EQ(client_->refused->kind, kind) << client_->refused->Message();
    EXPECT_EQ(client_->PostReceive(1).code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(client_->receives.empty());
  }
};

TEST_P(RdmaConnectTest, ExchangesPrivateDataAndDepths) {
  const std::string question = "private question";
  const std::string answer = "and its answer, which may be longer than the question: up to 196";
  client_options_.private_data = base::AsBytes(question);
  client_options_.initiator_depth = 3;
  client_options_.responder_resources = 5;
  server_options_.private_data = base::AsBytes(answer);
  server_options_.initiator_depth = 4;
  server_options_.responder_resources = 2;
  std::string asked;
  Address peer_address;
  listener_ = Listen([&](std::unique_ptr<RdmaRequest> request) {
    asked = std::string(base::AsText(request->peer().private_data));
    peer_address = request->peer_address();
    EXPECT_EQ(request->peer().initiator_depth, 5);
    EXPECT_EQ(request->peer().responder_resources, 3);
    request->Open(maker_->loop(), queues_, [this](auto connection) {
      ASSERT_TRUE(connection.ok()) << connection.status();
      server_ = std::make_unique<RdmaPeerEnd>(*std::move(connection));
      server_->connection->Establish(server_options_, server_.get());
    });
  });
  client_ = OpenEnd(listener_->address());
  ASSERT_NE(client_, nullptr);
  client_->connection->Establish(client_options_, client_.get());
  RunUntil([&] { return client_->established && server_ != nullptr && server_->established; });
  // Perhaps filled up with zeros.
  EXPECT_EQ(asked.substr(0, question.size()), question);
  EXPECT_EQ(asked.find_first_not_of('\0', question.size()), std::string::npos);
  EXPECT_EQ(client_->private_data.substr(0, answer.size()), answer);
  EXPECT_EQ(client_->private_data.find_first_not_of('\0', answer.size()), std::string::npos);
  EXPECT_EQ(client_->depths.initiator_depth, 2);
  EXPECT_EQ(client_->depths.responder_resources, 4);
  EXPECT_EQ(server_->depths.initiator_depth, 4);
  EXPECT_EQ(server_->depths.responder_resources, 2);
  EXPECT_EQ(client_->connection->peer(), listener_->address());
  EXPECT_EQ(server_->connection->peer(), client_->connection->local());
  EXPECT_EQ(peer_address, client_->connection->local());
  EXPECT_EQ(server_->connection->local(), client_->connection->peer());
}

TEST_P(RdmaConnectTest, AcceptsNoMoreReadsThanThePeerOffers) {
  client_options_.initiator_depth = 1;
  client_options_.responder_resources = 2;
  MakePair();
  EXPECT_EQ(server_->depths.initiator_depth, 2);
  EXPECT_EQ(server_->depths.responder_resources, 1);
}

TEST_P(RdmaConnectTest, TakesPrivateDataOfEveryLength) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{4}, kRdmaRequestPrivateBytes}) {
    const std::string data(size, 'x');
    client_options_.private_data = base::AsBytes(data);
    std::string asked;
    std::unique_ptr<RdmaRequest> held;
    listener_ = Listen([&](std::unique_ptr<RdmaRequest> request) {
      asked = std::string(base::AsText(request->peer().private_data));
      held = std::move(request);
    });
    client_ = OpenEnd(listener_->address());
    ASSERT_NE(client_, nullptr);
    client_->connection->Establish(client_options_, client_.get());
    RunUntil([&] { return held != nullptr; });
    EXPECT_EQ(asked.substr(0, size), data);
    held.reset();
    RunUntil([&] { return client_->refused.has_value(); });
  }
}

TEST_P(RdmaConnectTest, RefusesPrivateDataThatIsTooLong) {
  const std::string data(kRdmaRequestPrivateBytes + 1, 'x');
  listener_ = Listen([](std::unique_ptr<RdmaRequest>) {});
  client_options_.private_data = base::AsBytes(data);
  ExpectRefused(listener_->address(), RdmaRefusal::Kind::kFailed);
}

TEST_P(RdmaConnectTest, RefusesAReplyThatIsTooLong) {
  const std::string data(kRdmaReplyPrivateBytes + 1, 'x');
  server_options_.private_data = base::AsBytes(data);
  ListenAndAccept();
  ExpectRefused(listener_->address(), RdmaRefusal::Kind::kRejected);
  RunUntil([&] { return server_ != nullptr && server_->refused.has_value(); });
  ASSERT_TRUE(server_->refused.has_value());
  EXPECT_EQ(server_->refused->kind, RdmaRefusal::Kind::kFailed);
}

TEST_P(RdmaConnectTest, RejectsWithPrivateData) {
  const std::string reason = "no room";
  listener_ =
      Listen([&](std::unique_ptr<RdmaRequest> request) { request->Reject(base::AsBytes(reason)); });
  ExpectRefused(listener_->address(), RdmaRefusal::Kind::kRejected);
  EXPECT_EQ(client_->private_data.substr(0, reason.size()), reason);
}

TEST_P(RdmaConnectTest, RejectsByDroppingTheRequest) {
  listener_ = Listen([](std::unique_ptr<RdmaRequest>) {});
  ExpectRefused(listener_->address(), RdmaRefusal::Kind::kRejected);
}

TEST_P(RdmaConnectTest, RejectsByDestroyingTheConnectionBeforeItIsAccepted) {
  listener_ = Listen([&](std::unique_ptr<RdmaRequest> request) {
    request->Open(maker_->loop(), queues_,
                  [](auto connection) { ASSERT_TRUE(connection.ok()) << connection.status(); });
  });
  ExpectRefused(listener_->address(), RdmaRefusal::Kind::kRejected);
}

TEST_P(RdmaConnectTest, RejectsWhereTheQueuesCannotBe) {
  bool failed = false;
  listener_ = Listen([&](std::unique_ptr<RdmaRequest> request) {
    RdmaQueueOptions queues;
    queues.max_sends = 1 << 30;
    request->Open(maker_->loop(), queues, [&](auto connection) { failed = !connection.ok(); });
  });
  ExpectRefused(listener_->address(), RdmaRefusal::Kind::kRejected);
  RunUntil([&] { return failed; });
}

TEST_P(RdmaConnectTest, FindsNobody) {
  listener_ = Listen([](std::unique_ptr<RdmaRequest>) {});
  const Address address = listener_->address();
  listener_.reset();
  ExpectRefused(address, RdmaRefusal::Kind::kNoListener);
}

TEST_P(RdmaConnectTest, GivesUpWhenNobodyAnswers) {
  std::unique_ptr<RdmaRequest> held;
  listener_ = Listen([&](std::unique_ptr<RdmaRequest> request) { held = std::move(request); });
  client_options_.timeout = absl::Milliseconds(500);
  ExpectRefused(listener_->address(), RdmaRefusal::Kind::kTimedOut);
  if (held == nullptr) return;
  // Whoever answers now learns that it's too late, sooner or later.
  bool failed = false;
  held->Open(maker_->loop(), queues_, [&](auto connection) {
    failed = !connection.ok();
    if (failed) return;
    server_ = std::make_unique<RdmaPeerEnd>(*std::move(connection));
    server_options_.timeout = absl::Milliseconds(500);
    server_->connection->Establish(server_options_, server_.get());
  });
  RunUntil([&] { return failed || (server_ != nullptr && server_->refused.has_value()); });
}

TEST_P(RdmaConnectTest, OpensRefuseQueuesThatCannotBe) {
  listener_ = Listen([](std::unique_ptr<RdmaRequest>) {});
  RdmaQueueOptions queues;
  queues.max_receives = 1 << 30;
  EXPECT_EQ(Open(listener_->address(), queues).status().code(), absl::StatusCode::kInvalidArgument);
  queues = {};
  queues.max_send_segments = 1 << 30;
  EXPECT_EQ(Open(listener_->address(), queues).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(RdmaConnectTest, DoesNotListenTwice) {
  listener_ = Listen([](std::unique_ptr<RdmaRequest>) {});
  ASSERT_NE(listener_, nullptr);
  EXPECT_NE(listener_->address().port, 0);
  EXPECT_EQ(network()
                .Listen(maker_->loop(), listener_->address(), [](std::unique_ptr<RdmaRequest>) {})
                .status()
                .code(),
            absl::StatusCode::kAlreadyExists);
  const Address address = listener_->address();
  listener_.reset();
  EXPECT_TRUE(network().Listen(maker_->loop(), address, [](std::unique_ptr<RdmaRequest>) {}).ok());
}

TEST_P(RdmaConnectTest, TellsBothEndsOfADisconnect) {
  for (const bool by_client : {true, false}) {
    MakePair();
    (by_client ? client_ : server_)->connection->Disconnect();
    EXPECT_FALSE(client_->ended.has_value() || server_->ended.has_value());
    RunUntilBothEnded();
    EXPECT_EQ(*client_->ended, by_client ? RdmaEnd::kDisconnected : RdmaEnd::kPeerDisconnected);
    EXPECT_EQ(*server_->ended, by_client ? RdmaEnd::kPeerDisconnected : RdmaEnd::kDisconnected);
    // All receives came back first, in their order.
    for (const RdmaPeerEnd* end : {client_.get(), server_.get()}) {
      ASSERT_EQ(end->receives.size(), 16u);
      for (size_t i = 0; i < 16; ++i) {
        EXPECT_EQ(end->receives[i].status, RdmaStatus::kFlushed);
        EXPECT_EQ(end->receives[i].id, i);
      }
    }
    EXPECT_EQ(client_->PostReceive(0).code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(client_->Send(0, "late").code(), absl::StatusCode::kFailedPrecondition);
    client_->connection->Disconnect();  // means nothing now
  }
}

TEST_P(RdmaConnectTest, FlushesWhatIsPostedBehindTheEnd) {
  MakePair();
  bool posted = false;
  server_->on_completions = [&] {
    if (std::exchange(posted, true)) return;
    EXPECT_TRUE(server_->PostReceive(100).ok());
    EXPECT_TRUE(server_->Send(101, "too late").ok());
  };
  client_->connection->Disconnect();
  RunUntilBothEnded();
  ASSERT_EQ(server_->receives.size(), 17u);
  EXPECT_EQ(server_->receives.back().id, 100u);
  EXPECT_EQ(server_->receives.back().status, RdmaStatus::kFlushed);
  ASSERT_EQ(server_->sends.size(), 1u);
  EXPECT_EQ(server_->sends[0].id, 101u);
  EXPECT_EQ(server_->sends[0].op, RdmaOp::kSend);
  EXPECT_EQ(server_->sends[0].status, RdmaStatus::kFlushed);
}

// Each place in which an owner may let go of its connection.
enum class Place { kOpened, kEstablishing, kOnEstablished, kOnCompletions, kOnDisconnected };

TEST_P(RdmaConnectTest, MayBeDestroyedAnywhere) {
  using enum Place;
  for (const bool client_goes : {true, false}) {
    for (const Place place :
         {kOpened, kEstablishing, kOnEstablished, kOnCompletions, kOnDisconnected}) {
      SCOPED_TRACE(testing::Message() << (client_goes ? "client" : "server") << " at place "
                                      << static_cast<int>(place));
      server_ = nullptr;
      bool gone = false;
      const auto arm = [&](RdmaPeerEnd* end) {
        const auto go = [&gone, end] {
          end->connection.reset();
          gone = true;
        };
        if (place == kOnEstablished) end->on_established = go;
        if (place == kOnCompletions) end->on_completions = go;
        if (place == kOnDisconnected) end->on_disconnected = go;
      };
      listener_ = Listen([&](std::unique_ptr<RdmaRequest> request) {
        request->Open(maker_->loop(), queues_, [&](auto connection) {
          // A client that has gone can be noticed here.
          ASSERT_TRUE(connection.ok() || client_goes) << connection.status();
          if (!connection.ok()) return;
          server_ = std::make_unique<RdmaPeerEnd>(*std::move(connection));
          for (uint64_t slot = 0; slot < 4; ++slot) ASSERT_TRUE(server_->PostReceive(slot).ok());
          if (!client_goes) arm(server_.get());
          if (place != kOpened || client_goes) {
            server_->connection->Establish(server_options_, server_.get());
          }
          if (!client_goes && (place == kOpened || place == kEstablishing)) {
            server_->connection.reset();
            gone = true;
          }
        });
      });
      client_ = OpenEnd(listener_->address());
      ASSERT_NE(client_, nullptr);
      for (uint64_t slot = 0; slot < 4; ++slot) ASSERT_TRUE(client_->PostReceive(slot).ok());
      if (client_goes) arm(client_.get());
      if (place != kOpened || !client_goes) {
        client_->connection->Establish(client_options_, client_.get());
      }
      if (client_goes && (place == kOpened || place == kEstablishing)) {
        client_->connection.reset();
        maker_->Settle();
        EXPECT_TRUE(server_ == nullptr || !server_->established || server_->ended.has_value());
        continue;
      }
      RdmaPeerEnd* const stays = client_goes ? nullptr : client_.get();
      RunUntil([&] {
        const bool both = client_->established && server_ != nullptr && server_->established;
        return gone || both || client_->refused.has_value();
      });
      if (place == kOnCompletions || place == kOnDisconnected) {
        // Its own sends, or its flushed receives.
        RdmaPeerEnd* const other = client_goes ? server_.get() : client_.get();
        other->connection->Disconnect();
        RunUntil([&] { return gone; });
      }
      RdmaPeerEnd* const left = stays != nullptr ? stays : server_.get();
      RunUntil([&] {
        return gone && (left == nullptr || left->refused.has_value() || left->ended.has_value());
      });
      EXPECT_TRUE(gone);
    }
  }
}

TEST_P(RdmaConnectTest, OutlivesListenerAndNetwork) {
  MakePair();
  listener_.reset();
  maker_->DestroyNetwork();
  ASSERT_TRUE(client_->Send(0, "still here").ok());
  RunUntil([&] { return server_->receives.size() == 1; });
  EXPECT_EQ(server_->Received(0), "still here");
  RdmaBuffer late(*server_->connection->domain(), 100, kAllRights);
  EXPECT_NE(late.memory, nullptr);
  client_->connection->Disconnect();
  RunUntilBothEnded();
}

size_t OpenFiles() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

TEST_P(RdmaConnectTest, ConnectsManyTimesAndLeaksNoFile) {
  ListenAndAccept();
  size_t files = 0;
  for (int i = 0; i < 30; ++i) {
    server_ = nullptr;
    client_ = OpenEnd(listener_->address());
    ASSERT_NE(client_, nullptr);
    ASSERT_TRUE(client_->PostReceive(0).ok());
    client_->connection->Establish(client_options_, client_.get());
    RunUntil([&] { return client_->established && server_ != nullptr && server_->established; });
    ASSERT_TRUE(client_->Send(0, "hello").ok());
    RunUntil([&] { return server_->receives.size() == 1 && client_->sends.size() == 1; });
    EXPECT_EQ(server_->Received(0), "hello");
    if (i == 5) files = OpenFiles();
  }
  EXPECT_EQ(OpenFiles(), files);
}

// A message can overtake the last word of the handshake. Who ends the connection then, before the
// kernel has handled that word, has it repeat its reply for a minute, and wait for an answer as
// long.
TEST_P(RdmaConnectTest, EndsAtTheFirstMessage) {
  constexpr int kRounds = 300;
  constexpr absl::Duration kLimit = absl::Seconds(15);
  bool destroy = false;
  bool server_over = false;
  listener_ = Listen([&](std::unique_ptr<RdmaRequest> request) {
    request->Open(maker_->loop(), queues_, [&](auto connection) {
      ASSERT_TRUE(connection.ok()) << connection.status();
      server_ = std::make_unique<RdmaPeerEnd>(*std::move(connection));
      ASSERT_TRUE(server_->PostReceive(0).ok());
      server_->on_completions = [&] {
        if (!destroy) return server_->connection->Disconnect();
        server_->connection.reset();
        server_over = true;
      };
      server_->on_disconnected = [&] { server_over = true; };
      server_->connection->Establish(server_options_, server_.get());
    });
  });
  for (int round = 0; round < kRounds; ++round) {
    const absl::Time begin = maker_->loop()->Now();
    destroy = round % 2 == 0;
    server_over = false;
    client_ = OpenEnd(listener_->address());
    ASSERT_NE(client_, nullptr);
    ASSERT_TRUE(client_->PostReceive(0).ok());
    client_->on_established = [&] { EXPECT_TRUE(client_->Send(0, "hello").ok()); };
    client_->connection->Establish(client_options_, client_.get());
    RunUntil([&] { return server_over && client_->ended.has_value(); });
    ASSERT_TRUE(server_over && client_->ended.has_value()) << "round " << round;
    server_.reset();
    client_.reset();
    ASSERT_LT(maker_->loop()->Now() - begin, kLimit) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Makers, RdmaConnectTest, testing::ValuesIn(AllRdmaMakers()), KindName);

}  // namespace
}  // namespace pushpull::fabric
