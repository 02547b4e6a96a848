// Whatever the network and the target do, a play ends, and a right target passes.

#include <string>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "fabric/loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

constexpr char kScenario[] = R"(
  step { login {} }
  step { send { task: "w" pdu { scsi_command { cdb { write { lba: 8 blocks: 24 } } } }
                write_data { pattern { seed: 5 } } } }
  step { send { task: "p" count: 3 pdu { nop_out {} } } delivery { join_next: true } }
  step { send { task: "q" pdu { nop_out {} } } }
  step { serve_r2ts { task: "w" } }
  step { expect { all_of { task: "w" pdu { scsi_response { status: GOOD } } }
                  all_of { task: "q" pdu { nop_in {} } } } }
  step { expect { task: "p" count: 3 one_of { pdu { nop_in {} } } } }
  step { command { cdb { read { lba: 8 blocks: 24 } } expect_data { pattern { seed: 5 } } } }
  step { check_blocks { lba: 8 data { pattern { seed: 5 length: 12288 } } } }
)";

TEST(PlayerRobustTest, CutsDelaysAndBackPressureChangeNothing) {
  fabric::SimDirection rough;
  rough.random_reads = true;
  rough.random_writes = true;
  rough.read_block_percent = 30;
  rough.write_block_percent = 30;
  rough.buffer_bytes = 700;
  rough.max_latency = absl::Milliseconds(20);
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    PlayerTestBed bed(seed, {.to_acceptor = rough, .to_connector = rough});
    bed.options.splits =
        *SplitSchedule::Parse(seed % 2 == 0 ? absl::StrCat("random:", seed, ":5") : "fields");
    EXPECT_EQ(VerdictOf(bed.Play(kScenario)), "PASS") << "seed " << seed;
  }
}

TEST(PlayerRobustTest, AFaultAtAnyByteEndsThePlay) {
  for (const auto kind : {fabric::SimFault::Kind::kReset, fabric::SimFault::Kind::kEnd,
                          fabric::SimFault::Kind::kStall}) {
    for (uint64_t at = 0; at < 2000; at += 149) {
      fabric::SimOptions options;
      options.to_connector.fault = {.kind = kind, .at_byte = at};
      PlayerTestBed bed(at + 1, options);
      const PlayResult result = bed.Play(kScenario);
      EXPECT_TRUE(result.verdict == v1::FAIL || result.verdict == v1::TIMEOUT)
          << VerdictOf(result) << " at " << at;
      EXPECT_FALSE(result.failure.message().empty());
      // Of a stall it is told what never came, where a new connection gets so far as to log in.
      EXPECT_TRUE(result.verdict == v1::FAIL || kind == fabric::SimFault::Kind::kStall)
          << VerdictOf(result);
    }
  }
}

// A PDU that a target could send, with fields at random.
v1::Pdu RandomResponse(base::Random* random, const v1::Pdu& request) {
  v1::Pdu pdu;
  const uint32_t tag =
      random->Chance(80) ? InitiatorTaskTagOf(request) : static_cast<uint32_t>(random->Next());
  switch (random->Below(8)) {
    case 0:
      pdu.mutable_nop_in()->set_initiator_task_tag(tag);
      pdu.mutable_nop_in()->set_target_transfer_tag(static_cast<uint32_t>(random->Next()));
      break;
    case 1:
      pdu.mutable_scsi_response()->set_initiator_task_tag(tag);
      pdu.mutable_data()->set_raw(std::string(random->Below(9), '\x7f'));
      break;
    case 2:
      pdu.mutable_r2t()->set_initiator_task_tag(tag);
      pdu.mutable_r2t()->set_buffer_offset(static_cast<uint32_t>(random->Below(20000)));
      pdu.mutable_r2t()->set_desired_data_transfer_length(
          static_cast<uint32_t>(random->Below(20000)));
      break;
    case 3:
      pdu.mutable_data_in()->set_initiator_task_tag(tag);
      pdu.mutable_data_in()->set_buffer_offset(static_cast<uint32_t>(random->Below(20000)));
      pdu.mutable_data_in()->set_status_present(random->Chance(30));
      pdu.mutable_data()->set_raw(std::string(random->Below(3000), 'd'));
      break;
    case 4:
      pdu.mutable_text_response()->set_initiator_task_tag(tag);
      break;
    case 5:
      pdu.mutable_reject()->set_reason(v1::PROTOCOL_ERROR);
      pdu.mutable_data()->set_raw(std::string(random->Below(60), 'r'));
      break;
    case 6: {
      v1::LoginResponse* response = pdu.mutable_login_response();
      response->set_initiator_task_tag(tag);
      response->set_transit(random->Chance(60));
      response->set_text_continue(random->Chance(20));
      response->set_current_stage(static_cast<v1::Stage>(random->Below(4)));
      response->set_next_stage(static_cast<v1::Stage>(random->Below(4)));
      pdu.mutable_data()->set_raw(
          std::string("MaxBurstLength=0\0AuthMethod=CHAP\0=", random->Below(35)));
      break;
    }
    default:
      pdu.mutable_async_message()->set_async_event(v1::LOGOUT_REQUEST);
      break;
  }
  return pdu;
}

TEST(PlayerRobustTest, AnyTargetLetsThePlayEnd) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    PlayerTestBed bed(seed);
    base::Random random(seed);
    uint32_t calm = static_cast<uint32_t>(random.Below(12));  // requests that are answered well
    bed.target.on_pdu = [&](TestTarget::Connection& c, const v1::Pdu& pdu) {
      if (calm > 0) return --calm, false;
      switch (random.Below(10)) {
        case 0:
          c.Close();
          return true;
        case 1:
          return true;
        case 2: {
          std::vector<uint8_t> bytes(48 + random.Below(100));
          for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next());
          c.SendBytes(bytes);
          return true;
        }
        case 3:
          return false;
        default:
          for (uint64_t i = random.Below(4); i > 0; --i) c.Send(RandomResponse(&random, pdu));
          return random.Chance(50);
      }
    };
    const PlayResult result = bed.Play(kScenario);
    EXPECT_NE(result.verdict, v1::ERROR) << VerdictOf(result) << " seed " << seed;
    EXPECT_NE(result.verdict, v1::VERDICT_UNSPECIFIED);
    EXPECT_TRUE(result.verdict == v1::PASS || !result.failure.message().empty());
  }
}

TEST(PlayerRobustTest, ATargetThatNeverReadsEndsTheStep) {
  fabric::SimOptions options;
  options.to_acceptor.fault = {.kind = fabric::SimFault::Kind::kStall, .at_byte = 1000};
  options.to_acceptor.buffer_bytes = 4096;
  PlayerTestBed bed(1, options);
  EXPECT_EQ(VerdictOf(bed.Play("step { login {} } step { send { count: 200 pdu { nop_out {} "
                               "immediate: true data { pattern { length: 1000 } } } } }")),
            "FAIL: nothing came, though the target takes logins: awaiting the target to take the "
            "bytes of "
            "this step");
}

// What the target sends without end, each after a millisecond: to the limit of the step's time, or
// of what may come in it.
class FloodTest : public ::testing::Test {
 protected:
  // Begins with the READ, and answers nothing from then on.
  void Flood(const std::string& kind, absl::Duration pause, int at_once) {
    bed_.target.on_pdu = [this, kind, pause, at_once](TestTarget::Connection& c,
                                                      const v1::Pdu& pdu) {
      if (!pdu.scsi_command().read() || flooding_) return flooding_;
      flooding_ = true;
      request_ = pdu;
      SendMore(&c, kind, pause, at_once);
      return true;
    };
  }

  PlayResult Play() {
    return bed_.Play("step { login {} } step { command { cdb { read { lba: 0 blocks: 1 } } } }");
  }

  PlayerTestBed bed_;

 private:
  void SendMore(TestTarget::Connection* c, const std::string& kind, absl::Duration pause,
                int at_once) {
    for (int i = 0; i < at_once; ++i) c->Send(One(kind));
    timer_.Start(pause, [this, c, kind, pause, at_once] { SendMore(c, kind, pause, at_once); });
  }

  v1::Pdu One(const std::string& kind) {
    v1::Pdu pdu;
    if (kind == "data_in") {
      pdu.mutable_data_in()->set_initiator_task_tag(InitiatorTaskTagOf(request_));
      pdu.mutable_data_in()->set_data_sn(data_sn_++);
      pdu.mutable_data_in()->set_final(false);
      pdu.mutable_data()->set_raw("");
    } else if (kind == "large") {
      pdu.mutable_nop_in()->set_target_transfer_tag(0xffffffff);
      pdu.mutable_data()->set_raw(std::string(8192, 'x'));
    } else {
      pdu.mutable_nop_in()->set_initiator_task_tag(0xffffffff);
      pdu.mutable_nop_in()->set_target_transfer_tag(kind == "ping" ? 7 : 0xffffffff);
    }
    return pdu;
  }

  fabric::Timer timer_{bed_.target.loop()};
  v1::Pdu request_;
  uint32_t data_sn_ = 0;
  bool flooding_ = false;
};

TEST_F(FloodTest, WhatKeepsStartingTheDeadlineAgainEndsWithTheStepsTime) {
  Flood("data_in", absl::Seconds(1), 1);
  const absl::Time start = bed_.options.loop->Now();
  EXPECT_THAT(VerdictOf(Play()), ::testing::StartsWith("TIMEOUT: PDUs keep coming"));
  EXPECT_LE(bed_.options.loop->Now() - start, 7 * bed_.options.step_timeout);
}

TEST_F(FloodTest, PingsEndWithTheStepsTime) {
  Flood("ping", absl::Seconds(1), 1);
  EXPECT_EQ(Play().verdict, v1::TIMEOUT);
}

TEST_F(FloodTest, TooManyPdusEndTheStep) {
  bed_.options.max_step_pdus = 1000;
  Flood("unsolicited", absl::Milliseconds(1), 100);
  const PlayResult result = Play();
  EXPECT_THAT(VerdictOf(result), ::testing::StartsWith("FAIL: a flood: more than 1000 PDUs"));
}

TEST_F(FloodTest, TooManyBytesEndTheStep) {
  bed_.options.max_step_bytes = 1 << 20;
  Flood("large", absl::Milliseconds(1), 100);
  EXPECT_THAT(VerdictOf(Play()), ::testing::StartsWith("FAIL: a flood: more than 1048576 bytes"));
}

TEST(PlayerRobustTest, HalfAPduIsTold) {
  for (const size_t length : {20, 60}) {
    PlayerTestBed bed;
    bed.target.on_pdu = [&](TestTarget::Connection& c, const v1::Pdu&) {
      if (!c.full_feature) return false;
      std::vector<uint8_t> bytes(length);
      bytes[0] = 0x20;  // NOP-In
      bytes[7] = 100;
      c.SendBytes(bytes);
      return true;
    };
    const PlayResult result = bed.Play("step { login {} } step { probe {} }");
    EXPECT_THAT(VerdictOf(result),
                ::testing::StartsWith("FAIL: a PDU began to come and never ended: awaiting"));
    const std::string& actual = result.failure.actual();
    EXPECT_THAT(actual, ::testing::StartsWith(
                            absl::StrCat("on c1: ", length, " bytes of an unfinished PDU")));
    EXPECT_EQ(actual.find("of 148:\nNOP-In\n") != std::string::npos, length == 60) << actual;
  }
}

TEST(PlayerRobustTest, AnEndWithinAPduIsTold) {
  PlayerTestBed bed;
  bed.target.on_pdu = [&](TestTarget::Connection& c, const v1::Pdu&) {
    if (!c.full_feature) return false;
    std::vector<uint8_t> bytes(50);
    bytes[0] = 0x20;
    bytes[7] = 100;
    c.SendBytes(bytes);
    c.Close();
    return true;
  };
  const PlayResult result = bed.Play("step { login {} } step { probe {} }");
  EXPECT_THAT(VerdictOf(result), ::testing::StartsWith("FAIL: connection c1 ended while awaiting"));
  EXPECT_THAT(result.failure.actual(),
              ::testing::StartsWith(
                  "the end of the connection (within a PDU, of which 50 bytes had come) after 50 "
                  "bytes of an unfinished PDU of 148:\nNOP-In\n"));
}

}  // namespace
}  // namespace pushpull::initiator_sim
