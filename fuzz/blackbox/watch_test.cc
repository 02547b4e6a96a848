#include "fuzz/blackbox/watch.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "conformance/tap/tap_feeder.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::fuzz {
namespace {

v1::Pdu Parse(const std::string& text) {
  v1::Pdu pdu;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &pdu)) << text;
  return pdu;
}

constexpr char kAsk[] = "login_request {}";
constexpr char kThrough[] = "login_response { transit: true next_stage: FULL_FEATURE_PHASE }";
constexpr char kPing[] = "nop_out {}";
constexpr char kPong[] = "nop_in {}";
constexpr char kBye[] = "logout_request {}";
constexpr char kGone[] = "logout_response {}";

// Of one connection.
class Talk {
 public:
  explicit Talk(const std::vector<std::string>& pdus = {}) {
    for (const std::string& pdu : pdus) Say(pdu);
  }
  void Say(const std::string& text) { feeder_.Send(id_, Parse(text)); }
  void SayBytes(bool to_target, size_t size) {
    std::vector<uint8_t> bytes(size);
    if (!bytes.empty()) bytes[0] = to_target ? 0x1c : 0x3c;
    feeder_.Send(id_,
                 to_target ? conformance::TapFeeder::Direction::kToTarget
                           : conformance::TapFeeder::Direction::kToInitiator,
                 bytes);
  }
  void Close(bool by_peer) { feeder_.Close(id_, by_peer); }
  conformance::TapFeeder& feeder() { return feeder_; }
  const Watch& watch() const { return watch_; }

 private:
  Watch watch_;
  conformance::TapFeeder feeder_{{&watch_}};
  uint32_t id_ = feeder_.Open("c1");
};

TEST(WatchTest, SaysInWhichPhaseTheLastPduWasSent) {
  const struct {
    std::vector<std::string> pdus;
    const char* said;
  } kCases[] = {
      {{}, "before anything was sent"},
      {{kAsk}, "opcode 0x03 before the login"},
      {{kAsk, kThrough}, "opcode 0x03 before the login"},
      {{kAsk, "login_response {}", kAsk}, "opcode 0x03 in the login"},
      {{kAsk, "login_response { transit: true next_stage: LOGIN_OPERATIONAL_NEGOTIATION }", kAsk},
       "opcode 0x03 in the login"},
      {{kAsk, "login_response { next_stage: FULL_FEATURE_PHASE }", kPing},
       "opcode 0x00 in the login"},
      {{kAsk, "login_response { transit: true next_stage: FULL_FEATURE_PHASE status_class: 2 }",
        kPing},
       "opcode 0x00 in the login"},
      {{kAsk, kThrough, kPing}, "opcode 0x00 in the full feature phase"},
      {{kAsk, kThrough, kPing, kPong, "text_request {}"}, "opcode 0x04 in the full feature phase"},
      {{kAsk, kThrough, kBye}, "opcode 0x06 in the full feature phase"},
      {{kAsk, kThrough, kBye, kGone, kPing}, "opcode 0x00 after the logout"},
      // Nothing leads back.
      {{kAsk, kThrough, kBye, kGone, kThrough, kPing}, "opcode 0x00 after the logout"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Talk(c.pdus).watch().last_sent(), c.said);
}

// A state is the phase, what was sent, what came, and what that says.
TEST(WatchTest, CountsStates) {
  const auto states = [](const std::vector<std::string>& pdus) {
    return Talk(pdus).watch().states().size();
  };
  EXPECT_EQ(states({kAsk}), 0u);
  EXPECT_EQ(states({kAsk, kThrough}), 1u);
  EXPECT_EQ(states({kAsk, kThrough, kPing, kPong}), 2u);
  EXPECT_EQ(states({kAsk, kThrough, kPing, kPong, kPing, kPong}), 2u) << "the same again";
  EXPECT_EQ(states({kPing, kPong, kAsk, kThrough, kPing, kPong}), 3u) << "in another phase";
  EXPECT_EQ(states({kPing, kPong, kAsk, kPong}), 2u) << "after another request";
  EXPECT_EQ(states({kPing, kPong, kPing, kGone}), 2u) << "another answer";
  const std::pair<const char*, const char*> kTold[] = {
      {"scsi_response { status: GOOD }", "scsi_response { status: BUSY }"},
      {"task_management_response { response: FUNCTION_COMPLETE }",
       "task_management_response { response: FUNCTION_REJECTED }"},
      {"logout_response { response: CLOSED }", "logout_response { response: CLEANUP_FAILED }"},
      {"reject { reason: PROTOCOL_ERROR }", "reject { reason: SNACK_REJECT }"},
      {"login_response { status_class: 2 }", "login_response { status_class: 3 }"},
      {"login_response { status_class: 2 status_detail: 1 }",
       "login_response { status_class: 2 status_detail: 2 }"},
  };
  for (const auto& [one, other] : kTold) {
    EXPECT_EQ(states({kPing, one}), 1u) << one;
    const bool ends = std::string(one).starts_with("log");  // these lead to another phase, too
    if (!ends) {
      EXPECT_EQ(states({kPing, one, one, other}), 2u) << other;
    }
    Talk first({kPing, one}), second({kPing, other});
    EXPECT_NE(first.watch().states(), second.watch().states()) << other;
  }
  // What says nothing in those bits is one state.
  EXPECT_EQ(states({kPing, "data_in { data_sn: 1 }", "data_in { data_sn: 2 }"}), 1u);
}

TEST(WatchTest, EndsOfConnections) {
  const struct {
    std::vector<std::string> pdus;
    bool by_peer;
    bool lost;
    size_t states;
  } kCases[] = {
      {{}, true, true, 1},
      {{}, false, false, 0},
      {{kAsk, kThrough}, true, true, 2},
      {{kAsk, kThrough}, false, false, 1},
      {{kAsk, kThrough, kBye, kGone}, true, false, 3},
      {{kAsk, kThrough, kBye}, true, true, 2},
  };
  for (const auto& c : kCases) {
    Talk talk(c.pdus);
    talk.Close(c.by_peer);
    EXPECT_EQ(talk.watch().lost(), c.lost);
    EXPECT_EQ(talk.watch().states().size(), c.states);
  }
  // One that was lost stays so.
  Talk talk;
  talk.Close(true);
  const uint32_t next = talk.feeder().Open("c2");
  for (const char* pdu : {kAsk, kThrough, kBye, kGone}) talk.feeder().Send(next, Parse(pdu));
  talk.feeder().Close(next, true);
  EXPECT_TRUE(talk.watch().lost());
}

TEST(WatchTest, Answers) {
  EXPECT_FALSE(Talk({kPing}).watch().answered());
  EXPECT_TRUE(Talk({kPing, kPong}).watch().answered());
}

// 256 PDUs, and 64 for each that was sent; data and R2Ts are not counted.
TEST(WatchTest, PdusInProportion) {
  const auto told = [](int sent, int came, const char* what) {
    Talk talk;
    for (int i = 0; i < sent; ++i) talk.Say(kPing);
    for (int i = 0; i < came; ++i) talk.Say(what);
    return talk.watch().Disproportion();
  };
  EXPECT_EQ(told(0, 256, kPong), "");
  EXPECT_EQ(told(0, 257, kPong), "257 PDUs came for 0 that were sent");
  EXPECT_EQ(told(2, 256 + 2 * 64 + 2, kPong), "") << "each has 48 bytes, too";
  EXPECT_EQ(told(2, 256 + 2 * 64 + 3, kPong), "387 PDUs came for 2 that were sent");
  EXPECT_EQ(told(0, 300, "data_in {}"), "");
  EXPECT_EQ(told(0, 300, "r2t {}"), "");
}

// 1 MiB, 64 KiB for each PDU, as much as was sent, and twice what reads ask for.
TEST(WatchTest, BytesInProportion) {
  const size_t mebi = size_t{1} << 20;
  const auto told = [](const std::vector<std::string>& sent, size_t came) {
    Talk talk(sent);
    talk.SayBytes(/*to_target=*/false, came);
    return talk.watch().Disproportion();
  };
  EXPECT_EQ(told({}, mebi), "");
  EXPECT_EQ(told({}, mebi + 1),
            "1048577 bytes came for 0 that were sent and 0 that were asked for");
  EXPECT_EQ(told({kPing}, mebi + 65536 + 48), "");
  EXPECT_NE(told({kPing}, mebi + 65536 + 49), "");
  const std::string read = "scsi_command { read: true expected_data_transfer_length: 1000 }";
  EXPECT_EQ(told({read}, mebi + 65536 + 48 + 2000), "");
  EXPECT_EQ(told({read}, mebi + 65536 + 48 + 2001),
            "1116161 bytes came for 48 that were sent and 1000 that were asked for");
  const std::string write = "scsi_command { write: true expected_data_transfer_length: 1000 }";
  EXPECT_NE(told({write}, mebi + 65536 + 49), "");
  EXPECT_EQ(Talk({read, read}).watch().Disproportion(), "");
}

TEST(WatchTest, StandsPdusWithoutBytes) {
  Talk talk;
  talk.SayBytes(/*to_target=*/true, 0);
  talk.SayBytes(/*to_target=*/false, 0);
  EXPECT_TRUE(talk.watch().answered());
  EXPECT_EQ(talk.watch().last_sent(), "before anything was sent");
}

}  // namespace
}  // namespace pushpull::fuzz
