// NOP, Text, SNACK, unknown PDUs, Reject (RFC 7143 §11.10, §11.16 to §11.19), and digests (§7.8).

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class RequestsTest : public ::testing::Test {
 protected:
  void Start(Pairs keys = {}, RigOptions options = {}) {
    rig_ = std::make_unique<Rig>(options);
    a_ = std::make_unique<Initiator>(rig_.get());
    a_->Login({std::move(keys)});
    a_->ClearUnitAttentions();
  }
  Initiator& a() { return *a_; }
  NopOut Ping(bool immediate = true) {
    NopOut ping;
    ping.immediate = immediate;
    ping.initiator_task_tag = a().NextTag();
    return ping;
  }

  int64_t Errors(Reason reason) {
    return rig_->target().Sum(
        [reason](const Counters& counters) { return counters.Errors(reason); });
  }

  std::unique_ptr<Rig> rig_;
  std::unique_ptr<Initiator> a_;
};

// ---- NOP ----------------------------------------------------------------------------------------

TEST_F(RequestsTest, PingsAreEchoed) {
  for (const bool digests : {false, true}) {
    Start({{"MaxRecvDataSegmentLength", "4096"},
           {"HeaderDigest", digests ? "CRC32C" : "None"},
           {"DataDigest", digests ? "CRC32C" : "None"}});
    for (const size_t size : {0, 1, 2, 3, 4, 512, 4095, 4096, 5000}) {
      for (const bool immediate : {true, false}) {
        const NopOut ping = Ping(immediate);
        const ByteVector data = Pattern(size);
        a().Send(ping, data);
        ByteVector echo;
        const auto answer = a().ExpectNopIn(&echo);
        EXPECT_EQ(answer.initiator_task_tag, ping.initiator_task_tag);
        EXPECT_EQ(answer.target_transfer_tag, kNoTag);
        EXPECT_EQ(answer.exp_cmd_sn, a().cmd_sn);
        EXPECT_EQ(echo, ByteVector(data.begin(), data.begin() + std::min<size_t>(size, 4096)));
      }
    }
  }
}

TEST_F(RequestsTest, NopOutsThatAskForNothing) {
  Start();
  NopOut nop;
  nop.immediate = true;
  a().Send(nop);
  EXPECT_TRUE(a().Silent());
  nop.target_transfer_tag = 0xdeadbeef;
  a().Send(nop);
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kInvalidPduField);
  nop.target_transfer_tag = kNoTag;
  nop.immediate = false;
  a().Send(nop);
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kProtocolError);
  --a().cmd_sn;
  EXPECT_TRUE(a().Alive());
}

// ---- Text ---------------------------------------------------------------------------------------

TEST_F(RequestsTest, TextChangesWhatIsInForce) {
  Start({{"MaxRecvDataSegmentLength", "512"}});
  TextRequest text;
  text.immediate = true;
  text.initiator_task_tag = a().NextTag();
  const std::string keys = Keys{{{"MaxRecvDataSegmentLength", "1024"}}}.Encode();
  a().Send(text, ByteVector(keys.begin(), keys.end()));
  const auto answer = a().Expect<TextResponse>(Opcode::kTextResponse);
  EXPECT_TRUE(answer.final);
  EXPECT_EQ(answer.initiator_task_tag, text.initiator_task_tag);
  EXPECT_EQ(answer.target_transfer_tag, kNoTag);
  a().Send(Read10(a(), 0, 4));
  ByteVector data;
  a().ExpectDataIn(&data);
  EXPECT_EQ(data.size(), 1024u);
  EXPECT_TRUE(a().ExpectDataIn().status_present);
}

TEST_F(RequestsTest, ATextMayFollowTheLastAnswerAtOnce) {
  Start();
  for (int i = 0; i < 3; ++i) {
    TextRequest text;
    text.immediate = true;
    text.initiator_task_tag = a().NextTag();
    a().Send(text);  // acknowledges the last answer, and no other status is in between
    EXPECT_EQ(a().Expect<TextResponse>(Opcode::kTextResponse).initiator_task_tag,
              text.initiator_task_tag);
  }
}

// RFC7143-6.2-d: the next request acknowledges the response to the last one.
TEST_F(RequestsTest, OneTextResponseIsOutstanding) {
  Start();
  TextRequest text;
  text.immediate = true;
  text.initiator_task_tag = a().NextTag();
  a().Send(text);
  a().Expect<TextResponse>(Opcode::kTextResponse);
  TextRequest hasty = text;
  hasty.initiator_task_tag = a().NextTag();
  hasty = a().Number(hasty);
  --hasty.exp_stat_sn;
  a().SendAsIs(hasty);
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kProtocolError);
  text.initiator_task_tag = a().NextTag();
  a().Send(text);
  EXPECT_EQ(a().Expect<TextResponse>(Opcode::kTextResponse).initiator_task_tag,
            text.initiator_task_tag);
}

TEST_F(RequestsTest, AWrongContinuationIsRejected) {
  Start();
  TextRequest text;
  text.immediate = true;
  text.initiator_task_tag = a().NextTag();
  text.target_transfer_tag = 0x12345678;
  a().Send(text);
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kInvalidPduField);
  EXPECT_TRUE(a().Alive());
}

// ---- what is rejected ---------------------------------------------------------------------------

// RFC7143-7.3-b
TEST_F(RequestsTest, OpcodesThatNobodyHas) {
  Start();
  for (int opcode = 0; opcode < 64; ++opcode) {
    if (IsAssignedRequest(static_cast<Opcode>(opcode)) && opcode != 3) continue;
    for (const size_t size : {0, 100}) {
      SCOPED_TRACE(::testing::Message() << opcode << " " << size);
      Outgoing pdu;
      pdu.bhs[0] = static_cast<uint8_t>(opcode);
      pdu.bhs[1] = 0x80;
      base::StoreBe32(pdu.bhs.data() + 16, 77);
      base::StoreBe32(pdu.bhs.data() + 24, a().cmd_sn);
      pdu.data = Pattern(size);
      a().SendPdu(pdu);
      ByteVector header;
      const auto reject = a().ExpectReject(&header);
      EXPECT_EQ(reject.reason, opcode >= 0x20 || opcode == 3 ? RejectReason::kProtocolError
                                                             : RejectReason::kCommandNotSupported);
      EXPECT_EQ(reject.initiator_task_tag, kNoTag);
      EXPECT_EQ(reject.exp_cmd_sn, a().cmd_sn) << "its number wasn't received";
      SetDataSegmentLength(pdu.bhs, static_cast<uint32_t>(size));
      EXPECT_EQ(header, ByteVector(pdu.bhs.begin(), pdu.bhs.end()));
    }
  }
  EXPECT_EQ(a().Run(TestUnitReady(a())).status, 0);
}

TEST_F(RequestsTest, RejectHasTheAhsToo) {
  Start();
  ScsiCommand command = TestUnitReady(a());
  command.attr = static_cast<TaskAttributeCode>(7);
  const ByteVector ahs = {0, 2, 1, 0, 0xaa, 0, 0, 0};
  a().SendPdu({.bhs = a().Number(command).Encode(), .ahs = ahs, .data = {}});
  ByteVector header;
  a().ExpectReject(&header);
  ASSERT_EQ(header.size(), 56u);
  EXPECT_TRUE(std::equal(ahs.begin(), ahs.end(), header.begin() + 48));
}

// RFC 7143 §11.17: as much of it as the initiator takes.
TEST_F(RequestsTest, ARejectFitsTheInitiator) {
  Start({{"MaxRecvDataSegmentLength", "512"}});
  ScsiCommand command = TestUnitReady(a());
  command.attr = static_cast<TaskAttributeCode>(7);
  ByteVector ahs(600, 0x5a);
  ahs[0] = 2;
  ahs[1] = 85;  // 597 bytes behind the first three
  ahs[2] = 1;
  a().SendPdu({.bhs = a().Number(command).Encode(), .ahs = ahs, .data = {}});
  ByteVector header;
  a().ExpectReject(&header);
  EXPECT_EQ(header.size(), 512u);
}

// The header that a Reject brings back is the one that came, however long it waits.
TEST_F(RequestsTest, RejectsThatWaitKeepTheirHeaders) {
  constexpr uint32_t kRejects = 60;
  Start();
  a().StopReading();
  const ByteVector data = Pattern(8192);
  for (int i = 0; i < 100; ++i) a().Send(Ping(/*immediate=*/false), data);
  for (uint32_t i = 0; i < kRejects; ++i) {
    SnackRequest snack{.type = SnackType::kStatus};
    snack.initiator_task_tag = 1000 + i;
    a().Send(snack);
  }
  rig_->Elapse(absl::Milliseconds(10));
  a().ReadOn();
  uint32_t next = 1000;
  while (next < 1000 + kRejects) {
    const auto pdu = a().Next();
    ASSERT_TRUE(pdu.has_value());
    if (pdu->opcode() == Opcode::kNopIn) {
      ASSERT_EQ(pdu->data, data);
      continue;
    }
    ASSERT_EQ(pdu->opcode(), Opcode::kReject);
    ASSERT_EQ(pdu->data.size(), kBhsBytes);
    EXPECT_EQ(base::LoadBe32(pdu->data.data() + 16), next++);
  }
}

// RFC7143-11.16.1-a
TEST_F(RequestsTest, SnacksAreRejected) {
  Start();
  a().Send(SnackRequest{.type = SnackType::kRData});
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kSnackReject);
  a().Send(SnackRequest{.type = SnackType::kStatus});
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kSnackReject);
  a().Send(SnackRequest{.type = static_cast<SnackType>(9)});
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kProtocolError);
}

TEST_F(RequestsTest, TheReservedTagNamesNoTask) {
  Start();
  ScsiCommand command = TestUnitReady(a());
  command.initiator_task_tag = kNoTag;
  a().Send(command);
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kInvalidPduField);
  --a().cmd_sn;
  TaskManagementRequest tmf = Tmf(a(), TaskManagementFunction::kAbortTaskSet);
  tmf.initiator_task_tag = kNoTag;
  a().Send(tmf);
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kInvalidPduField);
  EXPECT_TRUE(a().Alive());
}

// RFC7143-7.7-a, 11.14.2-a
TEST_F(RequestsTest, PdusOfImpossibleFormEndTheSession) {
  for (int i = 0; i < 7; ++i) {
    SCOPED_TRACE(i);
    Start();
    Outgoing pdu;
    if (i == 6) {
      pdu.bhs = a().Number(SnackRequest{.type = SnackType::kStatus}).Encode();
      pdu.data = Pattern(4);
    } else if (i >= 4) {
      LogoutRequest logout;
      logout.initiator_task_tag = a().NextTag();
      pdu.bhs = a().Number(logout).Encode();
      if (i == 4) pdu.data = Pattern(4);
      if (i == 5) pdu.ahs = {0, 1, 1, 0};
    } else if (i == 0) {
      pdu.bhs = a().Number(Tmf(a(), TaskManagementFunction::kAbortTaskSet)).Encode();
      pdu.data = Pattern(4);
    } else if (i == 1) {
      pdu.bhs = a().Number(Ping()).Encode();
      pdu.ahs = {0, 1, 1, 0};
    } else if (i == 2) {
      pdu.bhs = a().Number(TestUnitReady(a())).Encode();
      pdu.ahs = {0, 99, 1, 0};  // beyond TotalAHSLength
    } else {
      pdu.bhs = a().Number(DataOut{}).Encode();
      pdu.ahs = {0, 1, 1, 0};
    }
    a().SendPdu(pdu);
    EXPECT_TRUE(a().WaitForClose(absl::Seconds(1)));
    EXPECT_EQ(rig_->Get(Count::kSessions), 0);
  }
}

TEST_F(RequestsTest, ASegmentBeyondTheTargetsLimitEndsTheSession) {
  Start();
  NopOut ping = Ping();
  ping.data_segment_length = 262145;
  a().SendAsIs(a().Number(ping));
  EXPECT_TRUE(a().WaitForClose(absl::Seconds(1)));
}

TEST_F(RequestsTest, ReservedBitsAreIgnored) {
  Start();
  const NopOut ping = Ping();
  Outgoing pdu{.bhs = a().Number(ping).Encode(), .ahs = {}, .data = {}};
  pdu.bhs[0] |= 0x80;
  pdu.bhs[1] |= 0x7f;
  pdu.bhs[2] = pdu.bhs[3] = 0xff;
  std::fill(pdu.bhs.begin() + 32, pdu.bhs.end(), 0xff);
  a().SendPdu(pdu);
  EXPECT_EQ(a().ExpectNopIn().initiator_task_tag, ping.initiator_task_tag);
}

// ---- digests ------------------------------------------------------------------------------------

TEST_F(RequestsTest, AWrongHeaderDigestEndsTheConnection) {
  Start({{"HeaderDigest", "CRC32C"}});
  const ByteVector data = Pattern(512);
  ScsiCommand write = Write10(a(), 0, 1);
  write.data_segment_length = 512;
  a().SendPdu(
      {.bhs = a().Number(write).Encode(), .ahs = {}, .data = data, .corrupt_header_digest = true});
  EXPECT_TRUE(a().WaitForClose(absl::Seconds(1)));
  EXPECT_FALSE(a().Next().has_value());
  EXPECT_EQ(rig_->Medium()[1], 0);
  EXPECT_EQ(rig_->Get(Count::kDigestErrors), 1);
  EXPECT_EQ(rig_->Get(Count::kSessions), 1) << "it can be reinstated";
  EXPECT_EQ(Errors(Reason::kHeaderDigest), 1);
}

// RFC7143-7.3-b
TEST_F(RequestsTest, AWrongDataDigestOfACommand) {
  Start({{"DataDigest", "CRC32C"}});
  const ByteVector data = Pattern(512);
  ScsiCommand write = Write10(a(), 0, 1);
  write.data_segment_length = 512;
  const Bhs bhs = a().Number(write).Encode();
  a().SendPdu({.bhs = bhs, .ahs = {}, .data = data, .corrupt_data_digest = true});
  const auto reject = a().ExpectReject();
  EXPECT_EQ(reject.reason, RejectReason::kDataDigestError);
  EXPECT_EQ(reject.exp_cmd_sn, write.cmd_sn == 0 ? a().cmd_sn - 1 : 0);
  a().SendPdu({.bhs = bhs, .ahs = {}, .data = data});  // the same again
  EXPECT_EQ(a().ExpectScsiResponse().status, 0);
  EXPECT_TRUE(std::equal(data.begin(), data.end(), rig_->Medium().begin()));
}

// RFC7143-7.8-d, 11.4.7.2-c, 11.17.1-b, -c
TEST_F(RequestsTest, AWrongDataDigestOfADataOut) {
  Start({{"DataDigest", "CRC32C"}, {"MaxBurstLength", "1024"}, {"FirstBurstLength", "512"}});
  const ByteVector data = Pattern(2048);
  a().Send(Write10(a(), 0, 4));
  const R2t r2t = a().ExpectR2t();
  DataOut out;
  out.lun = r2t.lun;
  out.initiator_task_tag = r2t.initiator_task_tag;
  out.target_transfer_tag = r2t.target_transfer_tag;
  out.final = false;
  a().SendPdu({.bhs = a().Number(out).Encode(),
               .ahs = {},
               .data = ByteVector(data.begin(), data.begin() + 512),
               .corrupt_data_digest = true});
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kDataDigestError);
  EXPECT_TRUE(a().Silent()) << "F is due";
  out.data_sn = 1;
  out.buffer_offset = 512;
  out.final = true;
  a().Send(out, ByteVector(data.begin() + 512, data.begin() + 1024));
  ByteVector sense;
  EXPECT_EQ(a().ExpectScsiResponse(&sense).status, 2);
  Initiator::Outcome outcome;
  outcome.sense = sense;
  EXPECT_EQ(outcome.SenseCode(), "b/47/05");
  EXPECT_EQ(rig_->Medium()[1], 0);
}

TEST_F(RequestsTest, AWrongDataDigestOfAPingOrText) {
  Start({{"DataDigest", "CRC32C"}});
  a().SendPdu({.bhs = a().Number(Ping()).Encode(),
               .ahs = {},
               .data = Pattern(100),
               .corrupt_data_digest = true});
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kDataDigestError);
  TextRequest text;
  text.immediate = true;
  text.initiator_task_tag = a().NextTag();
  a().SendPdu({.bhs = a().Number(text).Encode(),
               .ahs = {},
               .data = Pattern(100),
               .corrupt_data_digest = true});
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kDataDigestError);
  EXPECT_TRUE(a().Alive());
}

// ---- tap ----------------------------------------------------------------------------------------

// RFC7143-11.2.1.6-a
TEST_F(RequestsTest, TheTapSeesBothDirections) {
  struct Seen {
    bool sent;
    Opcode opcode;
    size_t bytes;
    bool operator==(const Seen&) const = default;
  };
  std::vector<Seen> seen;
  RigOptions options;
  options.node.tap = [&seen](const TapPdu& pdu) {
    size_t bytes = 0;
    for (const base::Bytes piece : pdu.data) bytes += piece.size();
    seen.push_back({pdu.sent, pdu.bhs.opcode(), bytes});
    EXPECT_EQ(pdu.bhs.data_segment_length(), bytes);
  };
  Start({}, options);
  seen.clear();
  a().Run(Write10(a(), 0, 1), Pattern(512));
  a().Run(Read10(a(), 0, 2));
  const std::vector<Seen> expected = {
      {false, Opcode::kScsiCommand, 0}, {true, Opcode::kR2t, 0},
      {false, Opcode::kDataOut, 512},   {true, Opcode::kScsiResponse, 0},
      {false, Opcode::kScsiCommand, 0}, {true, Opcode::kDataIn, 1024},
  };
  EXPECT_TRUE(seen == expected);
  EXPECT_EQ(rig_->Get(Count::kPdusSent), static_cast<int64_t>(3 + 3));
}

TEST_F(RequestsTest, PdusAreCountedByKind) {
  Start();
  const auto sum = [this](auto one) { return rig_->target().Sum(one); };
  a().Send(Ping());
  a().ExpectNopIn();
  a().Send(SnackRequest{.type = SnackType::kStatus});
  a().ExpectReject();
  EXPECT_EQ(sum([](const Counters& c) { return c.Received(Opcode::kNopOut); }), 1);
  EXPECT_EQ(sum([](const Counters& c) { return c.Received(Opcode::kSnackRequest); }), 1);
  EXPECT_EQ(sum([](const Counters& c) { return c.Sent(Opcode::kNopIn); }), 1);
  EXPECT_EQ(sum([](const Counters& c) { return c.Rejects(RejectReason::kSnackReject); }), 1);
}

}  // namespace
}  // namespace pushpull::target::testing
