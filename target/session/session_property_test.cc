// What must hold however the bytes are cut, whenever a connection breaks, and for many at once.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

// A dialogue that visits most of a session, written so that it goes on whatever it is answered.
// All that the target said, in order.
class Dialogue {
 public:
  explicit Dialogue(Rig* rig) : a_(rig) {}

  std::vector<Received> Run() {
    const std::string keys = LoginText();
    Say(a_.MakeLogin(), ByteVector(keys.begin(), keys.end()));
    if (!Hear()) return heard_;
    a_.SetDigests(true, true);
    for (const bool healthy : {Commands(), Writes(), Requests(), Errors(), Logout()}) {
      if (!healthy) break;
    }
    return heard_;
  }

 private:
  std::string LoginText() {
    Keys keys = a_.LoginKeys();
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::string>>{{"HeaderDigest", "CRC32C"},
                                                          {"DataDigest", "CRC32C"},
                                                          {"InitialR2T", "No"},
                                                          {"FirstBurstLength", "512"},
                                                          {"MaxBurstLength", "1024"},
                                                          {"MaxRecvDataSegmentLength", "512"}}) {
      keys.pairs.emplace_back(key, value);
    }
    return keys.Encode();
  }

  template <typename Pdu>
  void Say(const Pdu& pdu, ByteVector data = {}) {
    a_.SendAsIs(pdu, std::move(data));
  }
  // One more PDU of the target; an R2T is answered. False at the end.
  bool Hear() {
    auto pdu = a_.Next(absl::Seconds(2));
    if (!pdu.has_value()) return false;
    heard_.push_back(*std::move(pdu));
    if (heard_.back().opcode() == Opcode::kR2t) {
      a_.Answer(R2t::Decode(BhsView(heard_.back().bhs)), data_, 300);
    }
    return true;
  }
  // Until the answer to a command.
  bool HearAll() {
    while (Hear()) {
      const Opcode opcode = heard_.back().opcode();
      if (opcode == Opcode::kR2t) continue;
      if (opcode == Opcode::kDataIn && !DataIn::Decode(BhsView(heard_.back().bhs)).status_present) {
        continue;
      }
      return true;
    }
    return false;
  }

  bool Commands() {
    for (int i = 0; i < 2; ++i) {
      a_.Send(TestUnitReady(a_));
      if (!HearAll()) return false;
    }
    a_.Send(Inquiry(a_, 36, 100));
    return HearAll();
  }
  bool Writes() {
    ScsiCommand write = Write10(a_, 3, 3);
    write.data_segment_length = 100;
    write.final = false;
    a_.Send(write, ByteVector(data_.begin(), data_.begin() + 100));
    DataOut out;
    out.initiator_task_tag = write.initiator_task_tag;
    out.buffer_offset = 100;
    a_.Send(out, ByteVector(data_.begin() + 100, data_.begin() + 512));
    if (!HearAll()) return false;
    a_.Send(Read10(a_, 3, 3));
    return HearAll();
  }
  bool Requests() {
    a_.Send(NopOut{.immediate = true, .initiator_task_tag = a_.NextTag()}, Pattern(33));
    if (!HearAll()) return false;
    a_.Send(Tmf(a_, TaskManagementFunction::kAbortTaskSet));
    if (!HearAll()) return false;
    TextRequest text;
    text.initiator_task_tag = a_.NextTag();
    const std::string keys = Keys{{{"MaxRecvDataSegmentLength", "1024"}}}.Encode();
    a_.Send(text, ByteVector(keys.begin(), keys.end()));
    return HearAll();
  }
  bool Errors() {
    Outgoing unknown;
    unknown.bhs[0] = 0x5d;
    unknown.data = Pattern(50);
    a_.SendPdu(unknown);
    if (!HearAll()) return false;
    a_.SendPdu({.bhs = a_.Number(NopOut{.immediate = true, .initiator_task_tag = 99}).Encode(),
                .ahs = {},
                .data = Pattern(50),
                .corrupt_data_digest = true});
    if (!HearAll()) return false;
    a_.Send(Read10(a_, 0xffffff00, 1));
    return HearAll();
  }
  bool Logout() {
    a_.Send(Write10(a_, 0, 1));  // leaves an R2T open
    if (!HearOne()) return false;
    LogoutRequest logout;
    logout.initiator_task_tag = a_.NextTag();
    a_.Send(logout);
    return HearAll();
  }
  bool HearOne() {
    auto pdu = a_.Next(absl::Seconds(2));
    if (pdu.has_value()) heard_.push_back(*std::move(pdu));
    return pdu.has_value();
  }

  Initiator a_;
  const ByteVector data_ = Pattern(1536);
  std::vector<Received> heard_;
};

std::string Describe(const std::vector<Received>& pdus) {
  std::string text;
  for (const Received& pdu : pdus) {
    text += std::string(OpcodeName(pdu.opcode())) + ' ' +
            std::string(reinterpret_cast<const char*>(pdu.bhs.data()), pdu.bhs.size()) +
            pdu.text() + '\n';
  }
  return text;
}

RigOptions Fixed() {
  RigOptions options;
  options.node.seed = 7;
  return options;
}

TEST(SessionPropertyTest, CutsDontChangeTheAnswers) {
  std::vector<Received> expected;
  {
    Rig rig(Fixed());
    expected = Dialogue(&rig).Run();
  }
  ASSERT_EQ(expected.back().opcode(), Opcode::kLogoutResponse);
  ASSERT_GE(expected.size(), 17u);
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    base::Random random(seed);
    RigOptions options = Fixed();
    options.seed = seed;
    fabric::SimDirection direction;
    if (random.Chance(50)) direction.max_read_bytes = random.Between(1, 60);
    if (random.Chance(50)) direction.max_write_bytes = random.Between(1, 60);
    direction.random_reads = random.Chance(50);
    direction.random_writes = random.Chance(50);
    direction.read_block_percent = random.Below(101);
    direction.write_block_percent = random.Below(60);
    direction.buffer_bytes = random.Chance(30) ? random.Between(1, 200) : 65536;
    direction.max_latency = absl::Milliseconds(random.Below(3));
    options.network = fabric::SimOptions::Both(direction);
    options.network.spurious_wake_percent = random.Below(50);
    options.loops = random.Between(1, 3);
    Rig rig(options);
    const auto heard = Dialogue(&rig).Run();
    EXPECT_EQ(Describe(heard) == Describe(expected), true) << "seed " << seed;
  }
}

TEST(SessionPropertyTest, ABreakAtAnyByteLeavesNothing) {
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  {
    Rig rig(Fixed());
    Dialogue(&rig).Run();
    bytes_in = rig.network().connection(0).to_acceptor.bytes_written;
    bytes_out = rig.network().connection(0).to_connector.bytes_written;
  }
  ASSERT_GT(bytes_in, 2000u);
  using Kind = fabric::SimFault::Kind;
  for (const auto& [kind, step] : {std::pair(Kind::kReset, 1), std::pair(Kind::kEnd, 5)}) {
    for (uint64_t at = 0; at < bytes_in; at += step) {
      RigOptions options = Fixed();
      options.network.to_acceptor.fault = {kind, at};
      Rig rig(options);
      Dialogue(&rig).Run();
      ASSERT_TRUE(rig.RunUntilUnused()) << "byte " << at << " of " << bytes_in;
    }
  }
  for (uint64_t at = 0; at < bytes_out; at += 11) {
    RigOptions options = Fixed();
    options.network.to_connector.fault = {Kind::kReset, at};
    Rig rig(options);
    Dialogue(&rig).Run();
    ASSERT_TRUE(rig.RunUntilUnused()) << "byte " << at << " of " << bytes_out;
  }
}

TEST(SessionPropertyTest, AThousandConnections) {
  RigOptions options;
  options.loops = 4;
  Rig rig(options);
  std::vector<std::unique_ptr<Initiator>> all;
  for (int i = 0; i < 1000; ++i) {
    all.push_back(std::make_unique<Initiator>(&rig));
    all.back()->isid[4] = static_cast<uint8_t>(i >> 8);
    all.back()->isid[5] = static_cast<uint8_t>(i);
    all.back()->Login();
  }
  EXPECT_EQ(rig.Get(Count::kSessions), 1000);
  for (auto& initiator : all) initiator->Send(Read10(*initiator, 0, 8));
  for (auto& initiator : all) EXPECT_EQ(initiator->ExpectScsiResponse().status, 2);
  for (auto& initiator : all) initiator->Send(Read10(*initiator, 0, 8));
  for (auto& initiator : all) EXPECT_TRUE(initiator->ExpectDataIn().status_present);
  for (auto& initiator : all) initiator->Reset();
  EXPECT_TRUE(rig.RunUntilUnused());
}

// A peer that doesn't read what it asked for costs a bounded amount of memory, and no time.
TEST(SessionPropertyTest, ASlowReaderIsHeldByTheBound) {
  RigOptions options;
  options.network.to_connector.buffer_bytes = 4096;
  options.node.session_buffer_bytes = 1 << 20;
  Rig rig(options);
  Initiator a(&rig);
  a.Login();
  a.ClearUnitAttentions();
  a.StopReading();
  for (int i = 0; i < 100; ++i) a.Send(Read10(a, 0, 512));
  for (int i = 0; i < 1000; ++i) {
    a.Send(NopOut{.immediate = true, .initiator_task_tag = a.NextTag()}, Pattern(4096));
  }
  rig.Elapse(absl::Seconds(10));
  EXPECT_LE(rig.Get(Count::kBufferBytes), (1 << 20) + (256 << 10));
  EXPECT_LT(rig.Get(Count::kPdusReceived), 1000);
  Initiator b(&rig, "iqn.2026-11.org.pushpull:other");
  b.Login();
  EXPECT_TRUE(b.Alive());
  a.ReadOn();
  int statuses = 0;
  int pings = 0;
  while (const auto pdu = a.Next(absl::Seconds(1))) {
    if (pdu->opcode() == Opcode::kNopIn) ++pings;
    if (pdu->opcode() == Opcode::kDataIn && DataIn::Decode(BhsView(pdu->bhs)).status_present) {
      ++statuses;
    }
  }
  EXPECT_EQ(statuses, 100);
  EXPECT_EQ(pings, 1000);
}

}  // namespace
}  // namespace pushpull::target::testing
