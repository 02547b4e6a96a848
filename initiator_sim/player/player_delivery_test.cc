// How bytes are delivered: cuts, joins, PDUs that are cut short, and what the tap is told.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/pdu/pattern.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kLogin[] = "epilogue: NOTHING step { login { unit_attention: LEFT } } ";

// Leaves commands unanswered, so that a scenario's steps go on by themselves.
void Mute(PlayerTestBed* bed) {
  bed->target.on_pdu = [](TestTarget::Connection&, const v1::Pdu& pdu) {
    return !pdu.has_login_request();
  };
}

// Collects the sizes of all writes and whole PDUs that were sent.
class WriteSizes : public Tap {
 public:
  void OnBytes(const TapConnection&, absl::Time, Direction direction, base::Bytes bytes) override {
    if (direction != Direction::kToTarget) return;
    sizes.push_back(bytes.size());
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  void OnPdu(const TapPdu& pdu) override {
    if (pdu.direction != Direction::kToTarget) return;
    ++pdus;
    if (pdu.misbehaving) ++misbehaving;
  }
  void Clear() { *this = WriteSizes(); }

  std::vector<size_t> sizes;
  std::vector<uint8_t> all;
  size_t pdus = 0;
  size_t misbehaving = 0;
};

// The sizes of the writes after the login.
std::vector<size_t> Writes(const std::string& steps, const std::string& splits = "none") {
  PlayerTestBed bed;
  Mute(&bed);
  WriteSizes tap;
  bed.options.tap = &tap;
  const auto schedule = SplitSchedule::Parse(splits);
  EXPECT_TRUE(schedule.ok());
  bed.options.splits = *schedule;
  const PlayResult result = bed.Play(kLogin + steps);
  EXPECT_EQ(VerdictOf(result), "PASS");
  size_t login = 0;
  for (const SeenPdu& one : bed.target.seen) {
    if (one.pdu.has_login_request()) login += one.bytes.size();
  }
  std::vector<size_t> sizes;
  for (const size_t size : tap.sizes) {
    if (login >= size) {
      login -= size;
    } else {
      sizes.push_back(size);
    }
  }
  return sizes;
}

TEST(PlayerDeliveryTest, BytesAreCutAsTheStepSays) {
  const std::string ping = "pdu { nop_out {} data { raw: \"abcdefgh\" } }";
  const auto with = [&](const std::string& delivery) {
    return absl::StrCat("step { send { ", ping, " } delivery { ", delivery, " } }");
  };
  EXPECT_THAT(Writes(with("")), ElementsAre(56));
  EXPECT_THAT(Writes(with("cut: 1 cut: 47 cut: 48")), ElementsAre(1, 46, 1, 8));
  EXPECT_THAT(Writes(with("cut: 56 cut: 57")), ElementsAre(56)) << "beyond the end";
  EXPECT_THAT(Writes(with("every: 20")), ElementsAre(20, 20, 16));
  EXPECT_THAT(Writes(with("every: 20 cut: 30")), ElementsAre(20, 10, 10, 16));
  // Held back, and in one write with the next step's beginning.
  EXPECT_THAT(Writes(with("join_next: true") + with("cut: 10")), ElementsAre(66, 46));
  EXPECT_THAT(Writes(with("join_next: true cut: 50") + with("join_next: true") + with("")),
              ElementsAre(50, 118));
  // Several PDUs of a step: cuts count from the first one's first byte.
  EXPECT_THAT(Writes(absl::StrCat("step { send { count: 3 ", ping, " } delivery { cut: 60 } }")),
              ElementsAre(56, 4, 52, 56));
  EXPECT_THAT(Writes(absl::StrCat("step { send { count: 3 ", ping, " } delivery { every: 100 } }")),
              ElementsAre(56, 44, 12, 56));
  // The run's own schedule, where the step says nothing.
  EXPECT_THAT(Writes(absl::StrCat("step { send { ", ping, " } }"), "mss:30"), ElementsAre(30, 26));
  EXPECT_THAT(Writes(with("cut: 1"), "mss:30"), ElementsAre(1, 55));
  EXPECT_THAT(Writes(absl::StrCat("step { send { ", ping, " } }"), "bytes"), SizeIs(56));
}

TEST(PlayerDeliveryTest, WhatIsHeldBackForNobodyGoesAtTheEnd) {
  const std::string held =
      "step { send { pdu { nop_out {} data { raw: \"abcdefgh\" } } } delivery { join_next: true } "
      "}";
  EXPECT_THAT(Writes(held), ElementsAre(56));
  EXPECT_THAT(Writes(held + held), ElementsAre(112));

  // Also where an epilogue follows; its ping is a write of its own.
  PlayerTestBed bed;
  WriteSizes tap;
  bed.options.tap = &tap;
  EXPECT_EQ(VerdictOf(bed.Play("step { login { unit_attention: LEFT } }"
                               "step { send { task: \"p\" pdu { nop_out { initiator_task_tag: "
                               "0xffffffff } immediate: true } } delivery { join_next: true } }")),
            "PASS");
  ASSERT_THAT(bed.target.Seen(v1::Pdu::kNopOut), SizeIs(2));
  EXPECT_THAT(tap.sizes, testing::IsSupersetOf({size_t{48}, size_t{48}, size_t{48}}))
      << "this ping, the epilogue's, the logout";
}

// A write that the network takes in parts: each PDU is told when its own last byte went.
TEST(PlayerDeliveryTest, TheTapTellsEachPduOfAWriteAsItGoes) {
  PlayerTestBed bed(1, fabric::SimOptions::Both({.max_write_bytes = 60}));
  Mute(&bed);
  class Order : public Tap {
   public:
    void OnBytes(const TapConnection&, absl::Time, Direction direction,
                 base::Bytes bytes) override {
      if (direction == Direction::kToTarget) sent += bytes.size();
    }
    void OnPdu(const TapPdu& pdu) override {
      if (pdu.decoded->pdu.has_nop_out()) told_at.push_back(sent);
      if (pdu.decoded->pdu.has_login_request()) login = sent;
    }
    size_t sent = 0, login = 0;
    std::vector<size_t> told_at;
  } tap;
  bed.options.tap = &tap;
  bed.Play(std::string(kLogin) +
           "step { send { pdu { nop_out {} } } delivery { join_next: true } }"
           "step { send { pdu { nop_out {} } } delivery { join_next: true } }"
           "step { send { pdu { nop_out {} } } }");
  EXPECT_THAT(tap.told_at, ElementsAre(tap.login + 60, tap.login + 120, tap.login + 144));
}

// What is there beyond the PDU's own lengths may come later than the answer to it.
TEST(PlayerDeliveryTest, TheTapTellsAPduOnceThePeerHasItWhole) {
  PlayerTestBed bed;
  Mute(&bed);
  class Told : public Tap {
   public:
    void OnBytes(const TapConnection&, absl::Time, Direction direction,
                 base::Bytes bytes) override {
      if (direction == Direction::kToTarget) sent += bytes.size();
    }
    void OnPdu(const TapPdu& pdu) override {
      if (pdu.decoded->pdu.has_nop_out()) told_at.push_back(sent);
      if (pdu.decoded->pdu.has_login_request()) login = sent;
    }
    size_t sent = 0, login = 0;
    std::vector<size_t> told_at;
  } tap;
  bed.options.tap = &tap;
  bed.Play(std::string(kLogin) +
           "step { send { pdu { nop_out {} pad: \"0123456789abcdef\" } }"
           " delivery { cut: 20 cut: 48 cut: 60 } }");
  EXPECT_THAT(tap.told_at, ElementsAre(tap.login + 48));
}

TEST(PlayerDeliveryTest, ConnectionsMayStayForWhatStillComes) {
  for (const bool linger : {false, true}) {
    PlayerTestBed bed(1, fabric::SimOptions::Both({.min_latency = absl::Milliseconds(1),
                                                   .max_latency = absl::Milliseconds(1)}));
    class Answers : public Tap {
     public:
      void OnPdu(const TapPdu& pdu) override { pings += pdu.decoded->pdu.has_nop_in(); }
      int pings = 0;
    } tap;
    bed.options.tap = &tap;
    if (linger) bed.options.linger = absl::Milliseconds(10);
    EXPECT_EQ(VerdictOf(bed.Play(std::string(kLogin) + "step { send { pdu { nop_out {} } } }")),
              "PASS");
    EXPECT_EQ(tap.pings, linger ? 1 : 0);
  }
}

TEST(PlayerDeliveryTest, ConnectionsStayNoLongerThanForAnswersThatAreDue) {
  const absl::Duration latency = absl::Milliseconds(1);
  // What no task waits for may be answered at any time.
  const struct {
    bool answered, named;
  } kCases[] = {{false, true}, {true, true}, {true, false}};
  for (const auto& [answered, named] : kCases) {
    PlayerTestBed bed(1,
                      fabric::SimOptions::Both({.min_latency = latency, .max_latency = latency}));
    if (!answered) Mute(&bed);
    class Answers : public Tap {
     public:
      void OnPdu(const TapPdu& pdu) override { pings += pdu.decoded->pdu.has_nop_in(); }
      int pings = 0;
    } tap;
    bed.options.tap = &tap;
    bed.options.linger = absl::Seconds(10);
    bed.options.linger_for_answers_only = true;
    const absl::Time begin = bed.options.loop->Now();
    bed.Play(absl::StrCat(kLogin, "step { send { ", named ? "task: 'p' " : "",
                          "pdu { nop_out {} } } }"));
    EXPECT_EQ(tap.pings, answered ? 1 : 0);
    EXPECT_EQ(bed.options.loop->Now() - begin < absl::Seconds(1), answered && named);
  }
}

TEST(PlayerDeliveryTest, TheTapTellsMisbehaviour) {
  PlayerTestBed bed;
  Mute(&bed);
  WriteSizes tap;
  bed.options.tap = &tap;
  bed.Play(std::string(kLogin) +
           "step { send { pdu { nop_out {} } } }"
           "step { send { pdu { nop_out {} } misbehaviour: CMD_SN_GAP } }"
           "step { send { pdu { nop_out {} patch { xor: \"\\001\" } } } }");
  EXPECT_EQ(tap.pdus, 4u);
  EXPECT_EQ(tap.misbehaving, 2u);
}

TEST(PlayerDeliveryTest, TruncatedPdusEndTheDirection) {
  PlayerTestBed bed;
  WriteSizes tap;
  bed.options.tap = &tap;
  // The target sees the end within the PDU, and closes.
  EXPECT_EQ(VerdictOf(bed.Play(std::string(kLogin) +
                               "step { send { pdu { nop_out {} data { raw: \"abcd\" } } "
                               "misbehaviour: TRUNCATED } } step { expect_closed {} }")),
            "PASS");
  EXPECT_EQ(tap.sizes.back(), 51u);
  EXPECT_THAT(bed.target.Seen(v1::Pdu::kNopOut), SizeIs(0));

  PlayerTestBed lying;
  WriteSizes lie;
  lying.options.tap = &lie;
  EXPECT_EQ(VerdictOf(lying.Play(std::string(kLogin) +
                                 "step { send { pdu { nop_out {} data { raw: \"abcd\" } } "
                                 "misbehaviour: DATA_SEGMENT_LENGTH_LIES } } "
                                 "step { expect_closed {} }")),
            "PASS");
  EXPECT_EQ(lie.all[lie.all.size() - 45], 8) << "DataSegmentLength; there are 4 bytes";
}

// Nor does what is sent after it, such as the answer to a target's ping, make such a PDU whole.
TEST(PlayerDeliveryTest, NothingFollowsATruncatedPdu) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    PlayerTestBed bed(seed,
                      fabric::SimOptions::Both({.random_writes = true, .write_block_percent = 60}));
    EXPECT_EQ(VerdictOf(bed.Play(std::string(kLogin) +
                                 "step { send { pdu { nop_out {} data { raw: \"abcd\" } } "
                                 "misbehaviour: TRUNCATED } } step { send { pdu { nop_out {} } } } "
                                 "step { expect_closed {} }")),
              "PASS");
    EXPECT_THAT(bed.target.Seen(v1::Pdu::kNopOut), SizeIs(0)) << seed;
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
