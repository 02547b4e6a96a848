// What a session chooses by --legal-variation: each choice shows under some seed, and no other.

#include <cstdint>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

constexpr uint64_t kSeeds = 60;

RigOptions Varied(uint64_t seed) {
  RigOptions options;
  options.seed = seed;
  options.node.seed = 2 * seed + 1;  // under which no unit attentions come in between
  options.node.legal_variation = seed;
  options.node.plain_text = true;
  return options;
}

// The next PDU that answers something.
std::optional<Received> NextAnswer(Initiator& a) {
  while (true) {
    const std::optional<Received> got = a.Next();
    if (!got.has_value()) return got;
    const bool unasked =
        got->opcode() == Opcode::kAsyncMessage ||
        (got->opcode() == Opcode::kNopIn && BhsView(got->bhs).initiator_task_tag() == kNoTag);
    if (!unasked) return got;
  }
}

// RFC 7143 §7.7.
TEST(SessionVariationTest, AFormatErrorIsRejectedOrEndsTheSession) {
  int rejected = 0, ended = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Rig rig(Varied(seed));
    Initiator a(&rig);
    a.Login();
    ScsiCommand command = TestUnitReady(a);
    command.initiator_task_tag = kNoTag;
    command.immediate = true;
    a.Send(command);
    const std::optional<Received> answer = NextAnswer(a);
    if (answer.has_value()) {
      EXPECT_EQ(answer->opcode(), Opcode::kReject) << seed;
      EXPECT_FALSE(a.closed()) << seed;
      ++rejected;
    } else {
      EXPECT_TRUE(a.closed()) << seed;
      ++ended;
    }
  }
  EXPECT_GT(rejected, 5);
  EXPECT_GT(ended, 5);
}

// RFC 7143 §11.2.1.2: an opcode is no format error.
TEST(SessionVariationTest, AnUnknownOpcodeIsAlwaysRejected) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Rig rig(Varied(seed));
    Initiator a(&rig);
    a.Login();
    NopOut unknown{.immediate = true, .initiator_task_tag = 1};
    Outgoing pdu{.bhs = a.Number(unknown).Encode(), .ahs = {}, .data = {}};
    pdu.bhs[0] = 0x40 | 0x0b;
    a.SendPdu(pdu);
    const std::optional<Received> answer = NextAnswer(a);
    ASSERT_TRUE(answer.has_value()) << seed;
    EXPECT_EQ(answer->opcode(), Opcode::kReject) << seed;
  }
}

// RFC 7143 §4.2.2.1: MaxCmdSN = ExpCmdSN - 1 behind an answer, and no other answer that opens it.
TEST(SessionVariationTest, AClosedWindowIsOpenedUnasked) {
  int closed = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RigOptions options = Varied(seed);
    options.node.queue_depth = 2;
    Rig rig(options);
    Initiator a(&rig);
    a.Login();
    for (int i = 0; i < 20; ++i) {
      a.Send(TestUnitReady(a));
      ASSERT_TRUE(NextAnswer(a).has_value()) << seed;
      if (a.max_cmd_sn != a.exp_cmd_sn - 1) continue;
      ++closed;
      while (a.max_cmd_sn == a.exp_cmd_sn - 1) {
        const std::optional<Received> news = a.Next(absl::Milliseconds(40));
        ASSERT_TRUE(news.has_value()) << "it stays closed under seed " << seed;
      }
    }
  }
  EXPECT_GT(closed, 5);
}

// RFC 7143 §11.4.7.
TEST(SessionVariationTest, AResponseMayHaveDataWithoutSense) {
  int with = 0, without = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Rig rig(Varied(seed));
    Initiator a(&rig);
    a.Login();
    a.Send(TestUnitReady(a));
    ASSERT_TRUE(NextAnswer(a).has_value()) << seed;  // the unit attention
    a.Send(TestUnitReady(a));
    const std::optional<Received> good = NextAnswer(a);
    ASSERT_TRUE(good.has_value()) << seed;
    (good->data.empty() ? without : with) += 1;
    if (good->data.empty()) continue;
    ASSERT_GT(good->data.size(), 2u);
    EXPECT_EQ(good->data[0] + good->data[1], 0) << "SenseLength";
  }
  EXPECT_GT(with, 3);
  EXPECT_GT(without, 3);
}

// SAM-5 §5.14: of seeds in a row one has some in the middle of its sessions, and not without end.
TEST(SessionVariationTest, UnitAttentionsComeInBetween) {
  int attentions = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (const bool any : {true, false}) {
      RigOptions options = Varied(seed);
      options.node.seed = any ? 2 * seed : 2 * seed + 2;
      Rig rig(options);
      Initiator a(&rig);
      a.Login();
      int told = 0;
      for (int i = 0; i < 200; ++i) {
        a.Send(TestUnitReady(a));
        const std::optional<Received> answer = NextAnswer(a);
        ASSERT_TRUE(answer.has_value()) << seed;
        told += i > 0 && answer->bhs[3] != 0;  // the status
        while (a.max_cmd_sn == a.exp_cmd_sn - 1) {
          ASSERT_TRUE(a.Next(absl::Milliseconds(40)).has_value()) << seed;
        }
      }
      EXPECT_LE(told, any ? 3 : 0) << seed;
      attentions += told;
    }
  }
  EXPECT_GT(attentions, 60);
}

// RFC 7143 §13.12: who takes the default needs not say so.
TEST(SessionVariationTest, ADefaultSegmentNeedsNoDeclaration) {
  constexpr char kKey[] = "MaxRecvDataSegmentLength=";
  for (const uint32_t bytes : {8192u, 4096u}) {
    for (const bool declares : {true, false}) {
      RigOptions options;
      options.node.limits.max_recv_data_segment_length = bytes;
      options.node.limits.declares_default_segment = declares;
      Rig rig(options);
      Initiator a(&rig);
      const bool declared = a.Login().find(kKey) != std::string::npos;
      EXPECT_EQ(declared, declares || bytes != 8192) << bytes;
      EXPECT_TRUE(a.Alive());
    }
  }
}

// No answer of independent requests waits for another's.
TEST(SessionVariationTest, ATextResponseIsOvertaken) {
  int in_order = 0, overtaken = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Rig rig(Varied(seed));
    Initiator a(&rig);
    a.Login();
    TextRequest text;
    text.immediate = true;
    text.final = true;
    text.initiator_task_tag = a.NextTag();
    const std::string keys("SendTargets=\0", 13);
    a.Send(text, ByteVector(keys.begin(), keys.end()));
    a.Send(TestUnitReady(a));
    const std::optional<Received> first = NextAnswer(a);
    ASSERT_TRUE(first.has_value()) << seed;
    (first->opcode() == Opcode::kTextResponse ? in_order : overtaken) += 1;
  }
  EXPECT_GT(in_order, 5);
  EXPECT_GT(overtaken, 5);
}

// Answers that are kept back end with the connection: the rig looks for what is left of them.
TEST(SessionVariationTest, AConnectionEndsAmongAnswersThatAreKeptBack) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Rig rig(Varied(seed));
    Initiator a(&rig);
    a.Login();
    for (int i = 0; i < 4; ++i) {
      a.Send(NopOut{.immediate = false, .initiator_task_tag = a.NextTag()});
      a.Send(TestUnitReady(a));
    }
    rig.Elapse(absl::Microseconds(100));
    a.Reset();
    ASSERT_TRUE(rig.RunUntilUnused()) << seed;
  }
}

// Nothing says how soon a connection ends behind the Logout Response, nor how soon that comes.
TEST(SessionVariationTest, ALogoutTakesItsTime) {
  int late_answers = 0, late_ends = 0, at_once = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Rig rig(Varied(seed));
    Initiator a(&rig);
    a.Login();
    LogoutRequest logout;
    logout.immediate = true;
    logout.initiator_task_tag = a.NextTag();
    const absl::Time asked = rig.Now();
    a.Send(logout);
    const std::optional<Received> answer = NextAnswer(a);
    ASSERT_TRUE(answer.has_value()) << seed;
    EXPECT_EQ(answer->opcode(), Opcode::kLogoutResponse);
    const absl::Time answered = rig.Now();
    ASSERT_TRUE(a.WaitForClose(absl::Seconds(1))) << seed;
    constexpr absl::Duration kLate = absl::Milliseconds(1);
    late_answers += answered - asked > kLate ? 1 : 0;
    late_ends += rig.Now() - answered > kLate ? 1 : 0;
    at_once += rig.Now() - asked < kLate ? 1 : 0;
  }
  EXPECT_GT(late_answers, 0);
  EXPECT_GT(late_ends, 5);
  EXPECT_GT(at_once, 5);
}

}  // namespace
}  // namespace pushpull::target::testing
