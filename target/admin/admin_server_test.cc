#include "target/admin/admin_server.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/random.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

constexpr char kName[] = "iqn.2026-11.org.pushpull:a";

// Somebody at the socket, which is an address of the simulated network here.
class Asker {
 public:
  Asker(Rig* rig, const fabric::Address& address) : rig_(rig) {
    rig->network().Connect(rig->world().NewLoop(), address,
                           [this](absl::StatusOr<std::unique_ptr<fabric::Stream>> stream) {
                             stream_ = *std::move(stream);
                             stream_->SetHandlers([this] { Read(); }, [] {});
                           });
    rig->world().RunUntil([this] { return stream_ != nullptr; });
  }
  void Send(const std::string& text) {
    std::string bytes = text;
    const iovec buffer{bytes.data(), bytes.size()};
    stream_->TryWrite({&buffer, 1});
  }
  // All that is answered, to its end; nothing if it doesn't end.
  std::optional<std::string> Answer(absl::Duration limit = absl::Seconds(60)) {
    rig_->world().RunUntil([this] { return ended_; }, {.time = limit});
    if (!ended_) return std::nullopt;
    return answer_;
  }
  fabric::Stream& stream() { return *stream_; }

 private:
  void Read() {
    char bytes[4096];
    const iovec buffer{bytes, sizeof bytes};
    while (true) {
      const fabric::IoResult result = stream_->TryRead({&buffer, 1});
      if (result.kind == fabric::IoResult::Kind::kWouldBlock) return;
      ended_ = result.kind != fabric::IoResult::Kind::kBytes;
      if (ended_) return;
      answer_.append(bytes, result.bytes);
    }
  }

  Rig* const rig_;
  std::unique_ptr<fabric::Stream> stream_;
  std::string answer_;
  bool ended_ = false;
};

class AdminServerTest : public ::testing::Test {
 protected:
  AdminServerTest() : loop_(rig_.world().NewLoop()) {
    AdminOptions options;
    options.max_connections = 4;
    options.stop = [this](std::optional<absl::Duration> timeout) {
      return !std::exchange(stopped_, timeout.value_or(absl::Seconds(77))).has_value();
    };
    options.log = base::Logger(base::LogLevel::kInfo, [this](const base::LogLine& line) {
      log_.push_back(base::ToString(line));
    });
    server_ = std::make_unique<AdminServer>(&rig_.target(), loop_, std::move(options));
    auto listener = rig_.network().Listen(
        loop_, {"192.0.2.9", 80},
        [this](std::unique_ptr<fabric::Stream> stream) { server_->Accept(std::move(stream)); });
    listener_ = *std::move(listener);
  }

  std::string Ask(const std::string& request) {
    Asker asker(&rig_, listener_->address());
    asker.Send(request + " HTTP/1.0\r\n\r\n");
    const std::string answer = asker.Answer().value_or("no answer");
    asker.stream().Close();
    rig_.Elapse(absl::Seconds(1));
    EXPECT_EQ(server_->connections(), 0u);
    return answer;
  }
  static bool Has(const std::string& text, const std::string& part) {
    EXPECT_TRUE(absl::StrContains(text, part)) << part << " is not in\n" << text;
    return absl::StrContains(text, part);
  }

  Rig rig_{{.network = {}, .node = {}, .bugs = {}, .loops = 2}};
  fabric::Loop* loop_;
  std::optional<absl::Duration> stopped_;
  std::vector<std::string> log_;
  std::unique_ptr<AdminServer> server_;
  std::unique_ptr<fabric::Listener> listener_;
};

TEST_F(AdminServerTest, CountersAreTold) {
  Initiator a(&rig_, kName);
  a.Login();
  a.ClearUnitAttentions();
  a.Send(NopOut{.immediate = true, .target_transfer_tag = 7});  // of no ping
  a.ExpectReject();
  const std::string json = Ask("GET /counters");
  Has(json, "HTTP/1.0 200 OK");
  Has(json, "\"sessions\": 1");
  Has(json, "\"Login Request\": 1");
  Has(json, "\"rejects_sent\": 1");
  Has(json, "\"invalid_pdu_field\": 1");
  Has(json, "\"slots_held\": 0");
  const std::string text = Ask("GET /metrics");
  Has(text, "Content-Type: text/plain; version=0.0.4");
  Has(text, "# TYPE pushpull_target_sessions gauge\npushpull_target_sessions 1\n");
  Has(text, "# TYPE pushpull_target_pdus_received_total counter\n");
  Has(text, "pushpull_target_pdus_received_total{opcode=\"Login Request\"} 1\n");
  Has(text, "pushpull_target_rejects_sent_total{reason=\"invalid_pdu_field\"} 1\n");
  Has(text, "pushpull_target_protocol_errors_total{reason=\"header_digest\"} 0\n");
}

TEST_F(AdminServerTest, SessionsAreListed) {
  EXPECT_TRUE(Has(Ask("GET /sessions"), "{\"sessions\": []}"));
  Initiator a(&rig_, kName);
  a.Login({{{"MaxBurstLength", "4096"}, {"FirstBurstLength", "512"}}});
  const std::string json = Ask("GET /sessions");
  Has(json, absl::StrCat("\"initiator\": \"", kName, "\""));
  Has(json, "\"isid\": \"800000000001\"");
  Has(json, "\"MaxBurstLength\": 4096");
  Has(json, "\"transport\": \"tcp\"");
}

TEST_F(AdminServerTest, EventsAreSent) {
  Initiator a(&rig_, kName);
  a.Login();
  Has(Ask("POST /logout?within_s=3"), "{\"sessions\": 1}");
  const auto event = a.Expect<AsyncMessage>(Opcode::kAsyncMessage);
  EXPECT_EQ(event.async_event, AsyncEvent::kLogoutRequest);
  EXPECT_EQ(event.parameter3, 3);
  Has(Ask("POST /drop-session?tsih=4711"), "404");
  EXPECT_FALSE(a.closed());
  Has(Ask("POST /drop-session?tsih=1"), "{\"sessions\": 1}");
  EXPECT_EQ(a.Expect<AsyncMessage>(Opcode::kAsyncMessage).async_event,
            AsyncEvent::kSessionDropNotification);
  Has(Ask("POST /logout"), "{\"sessions\": 0}");
}

TEST_F(AdminServerTest, AStopIsPassedOn) {
  Has(Ask("POST /stop?timeout_s=5"), "200 OK");
  EXPECT_EQ(stopped_, absl::Seconds(5));
  Has(Ask("POST /stop"), "409");
}

TEST_F(AdminServerTest, WhatIsWrongIsSaid) {
  const std::pair<const char*, const char*> rows[] = {
      {"GET /nothing", "404"},
      {"GET /logout", "405"},
      {"GET /stop", "405"},
      {"POST /sessions", "405"},
      {"POST /logout?tsih=x", "400"},
      {"POST /logout?tsih=65536", "400"},
      {"POST /logout?tsih=-1", "400"},
      {"POST /logout?tsih=", "400"},
      {"POST /logout?who=me", "400"},
      {"POST /drop-session?within_s=1", "400"},
      {"POST /stop?timeout_s=soon", "400"},
      {"nonsense", "400"},
  };
  for (const auto& [request, status] : rows) {
    SCOPED_TRACE(request);
    const std::string answer = Ask(request);
    Has(answer, absl::StrCat("HTTP/1.0 ", status));
    Has(answer, "{\"error\": \"");
  }
  EXPECT_FALSE(stopped_.has_value());
}

TEST_F(AdminServerTest, EachCommandHasItsParameters) {
  for (const char* command : {"/logout", "/negotiate", "/drop-connection", "/drop-session"}) {
    const bool has_time = !absl::StartsWith(command, "/drop");
    const std::pair<std::string, std::string> rows[] = {
        {"", "200 OK"},  // there is nobody to tell
        {"?tsih=65535", "404"},
        {"?tsih=65536", "400"},
        {"?tsih=", "400"},
        {"?tsih=+1", "400"},
        {"?connection=65536", "404"},
        {"?connection=18446744073709551616", "400"},
        {"?tsih=1&connection=1", "404"},
        {"?within_s=65535", has_time ? "200 OK" : "400"},
        {"?within_s=65536", "400"},
        {"?tsih=1&other=1", "400"},
    };
    for (const auto& [parameters, status] : rows) {
      EXPECT_TRUE(Has(Ask(absl::StrCat("POST ", command, parameters)), status))
          << command << parameters;
    }
    const std::string refused = Ask(absl::StrCat("POST ", command, "?other=1"));
    EXPECT_EQ(absl::StrContains(refused, "and within_s"), has_time) << refused;
    Has(Ask(absl::StrCat("GET ", command)), "405");
  }
  Has(Ask("GET /stop"), "405");
  Has(Ask("POST /stop?timeout_s=65536"), "400");
  Has(Ask("POST /stop?other=1"), "400");
  Has(Ask("POST /counters"), "405");
  Has(Ask("POST /nothing"), "404");
  EXPECT_FALSE(stopped_.has_value());
  Has(Ask("POST /stop?timeout_s=65535"), "200 OK");
  EXPECT_EQ(stopped_, absl::Seconds(65535));
}

// What changes something is logged, with what was asked for; what is only read isn't.
TEST_F(AdminServerTest, CommandsAreLogged) {
  Ask("GET /counters");
  Ask("HEAD /sessions?tsih=1");
  EXPECT_TRUE(log_.empty());
  Ask("POST /stop?timeout_s=5");
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_TRUE(absl::EndsWith(log_[0], " info admin command=\"/stop\" parameter=\"timeout_s=5\""))
      << log_[0];
  Ask("POST /nothing");
  EXPECT_EQ(log_.size(), 2u);
}

TEST_F(AdminServerTest, WhoSendsNothingIsDropped) {
  Asker asker(&rig_, listener_->address());
  asker.Send("GET /coun");
  EXPECT_FALSE(asker.Answer(absl::Seconds(9)).has_value());
  EXPECT_EQ(asker.Answer(absl::Seconds(2)), "");
}

TEST_F(AdminServerTest, NoMoreThanItsConnections) {
  std::vector<std::unique_ptr<Asker>> askers;
  for (int i = 0; i < 20; ++i) {
    askers.push_back(std::make_unique<Asker>(&rig_, listener_->address()));
  }
  EXPECT_EQ(server_->connections(), 4u);
  Asker late(&rig_, listener_->address());
  const std::string answer = late.Answer().value_or("no answer");
  Has(answer, "HTTP/1.0 503 ");
  Has(answer, "too many are connected");
  for (auto& asker : askers) asker->stream().Close();
  rig_.Elapse(absl::Seconds(1));
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(AdminServerTest, WhoAsksNothingKeepsNobodyOut) {
  std::vector<std::unique_ptr<Asker>> holders;
  for (int i = 0; i < 3; ++i) {
    holders.push_back(std::make_unique<Asker>(&rig_, listener_->address()));
    rig_.Elapse(absl::Milliseconds(400));
  }
  Asker slow(&rig_, listener_->address());
  rig_.Elapse(absl::Milliseconds(10));
  ASSERT_EQ(server_->connections(), 4u);
  Asker asker(&rig_, listener_->address());
  asker.Send("GET /counters HTTP/1.0\r\n\r\n");
  Has(asker.Answer().value_or("no answer"), "HTTP/1.0 200 OK");
  // The first one had to go, and nobody else.
  EXPECT_EQ(holders[0]->Answer(absl::Milliseconds(100)), "");
  EXPECT_FALSE(holders[1]->Answer(absl::Milliseconds(10)).has_value());
  slow.Send("GET /counters HTTP/1.0\r\n\r\n");
  Has(slow.Answer().value_or("no answer"), "HTTP/1.0 200 OK");
}

TEST_F(AdminServerTest, RandomBytesDoNoHarm) {
  Initiator a(&rig_, kName);
  a.Login();
  const std::string whole =
      "POST /logout?tsih=9&within_s=%31 HTTP/1.0\r\nContent-Length: 3\r\n\r\na=b";
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    base::Random random(seed);
    std::string bytes = whole;
    for (uint64_t i = 0; i <= random.Below(6); ++i) {
      const size_t at = random.Below(bytes.size());
      if (random.Chance(50)) {
        bytes[at] = static_cast<char>(random.Next());
      } else {
        bytes.erase(at, random.Below(8));
      }
      if (bytes.empty()) bytes = "x";
    }
    Asker asker(&rig_, listener_->address());
    asker.Send(bytes);
    asker.stream().ShutdownWrite();
    EXPECT_TRUE(asker.Answer().has_value()) << seed;
    asker.stream().Close();
    rig_.Elapse(absl::Milliseconds(10));
  }
  EXPECT_TRUE(a.Alive());
  EXPECT_EQ(server_->connections(), 0u);
}

}  // namespace
}  // namespace pushpull::target::testing
