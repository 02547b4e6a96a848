// SCSI commands that read, and their data (RFC 7143 §11.3, §11.4, §11.7).

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/data_fixture.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

TEST_F(DataTest, ReadsComeInSegmentsAndSequences) {
  Start({{"MaxRecvDataSegmentLength", "4096"},
         {"MaxBurstLength", "8192"},
         {"FirstBurstLength", "4096"}});
  const ByteVector data = Pattern(20 * 1024);
  std::ranges::copy(data, rig_->Medium().begin());
  a().Send(Read10(a(), 0, 40));
  ByteVector all;
  for (uint32_t i = 0; i < 5; ++i) {
    ByteVector piece;
    const auto in = a().ExpectDataIn(&piece);
    EXPECT_EQ(in.data_sn, i);
    EXPECT_EQ(in.buffer_offset, i * 4096);
    EXPECT_EQ(piece.size(), 4096u);
    EXPECT_EQ(in.final, i == 1 || i == 3 || i == 4);
    EXPECT_EQ(in.status_present, i == 4);
    EXPECT_FALSE(in.acknowledge);
    EXPECT_EQ(in.target_transfer_tag, kNoTag);
    all.insert(all.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(all, data);
}

TEST_F(DataTest, LargeReadsAndWritesOfAllForms) {
  const Pairs forms[] = {
      {},
      {{"InitialR2T", "No"}},
      {{"InitialR2T", "Yes"}, {"ImmediateData", "No"}},
      {{"MaxBurstLength", "512"}, {"FirstBurstLength", "512"}},
      {{"MaxBurstLength", "16777215"}, {"MaxRecvDataSegmentLength", "16777215"}},
      {{"MaxBurstLength", "3000"}, {"FirstBurstLength", "1000"}, {"MaxOutstandingR2T", "8"}},
      {{"DataPDUInOrder", "No"}, {"DataSequenceInOrder", "No"}},
      {{"HeaderDigest", "CRC32C"}, {"DataDigest", "CRC32C"}},
  };
  for (const Pairs& keys : forms) {
    SCOPED_TRACE(Keys{keys}.Encode());
    Start(keys);
    const ByteVector data = Pattern(300 * 512, 3);
    const auto written = a().Run(Write10(a(), 7, 300), data);
    EXPECT_EQ(written.status, 0) << written.SenseCode();
    EXPECT_EQ(written.residual, 0u);
    EXPECT_TRUE(MediumHas(data, 7 * 512));
    const auto read = a().Run(Read10(a(), 7, 300));
    EXPECT_EQ(read.status, 0);
    EXPECT_EQ(read.data, data);
  }
}

TEST_F(DataTest, Residuals) {
  Start();
  struct Case {
    const char* what;
    bool write;
    uint16_t blocks;
    uint32_t expected;
    bool overflow, underflow;
    uint32_t residual;
    size_t bytes;
  };
  const Case cases[] = {
      {"read, exact", false, 2, 1024, false, false, 0, 1024},
      {"read, over", false, 2, 512, true, false, 512, 512},
      {"read, under", false, 1, 1024, false, true, 512, 512},
      {"read, nothing expected", false, 1, 0, true, false, 512, 0},
      {"read, nothing asked", false, 0, 512, false, true, 512, 0},
      {"write, exact", true, 2, 1024, false, false, 0, 0},
      {"write, over", true, 2, 512, true, false, 512, 0},
      {"write, under", true, 1, 1024, false, true, 512, 0},
      {"write, nothing expected", true, 1, 0, true, false, 512, 0},
      {"write, nothing asked", true, 0, 512, false, true, 512, 0},
  };
  const ByteVector data = Pattern(4096);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    ScsiCommand command = c.write ? Write10(a(), 0, c.blocks) : Read10(a(), 0, c.blocks);
    command.expected_data_transfer_length = c.expected;
    const auto outcome = a().Run(command, data);
    EXPECT_EQ(outcome.status, 0) << outcome.SenseCode();
    EXPECT_EQ(outcome.overflow, c.overflow);
    EXPECT_EQ(outcome.underflow, c.underflow);
    EXPECT_EQ(outcome.residual, c.residual);
    EXPECT_EQ(outcome.data.size(), c.bytes);
  }
}

// RFC 7143 §11.4.5.2: of each direction.
TEST_F(DataTest, ResidualsOfBothDirections) {
  Start();
  for (const uint32_t expected : {1024u, 1536u, 2048u}) {
    SCOPED_TRACE(expected);
    ScsiCommand read = Read10(a(), 0, 3);
    read.write = true;
    read.expected_data_transfer_length = 512;
    read.data_segment_length = 512;  // of which nothing becomes
    ByteVector ahs = {0, 5, 2, 0, 0, 0, 0, 0};
    base::StoreBe32(ahs.data() + 4, expected);
    a().SendPdu({.bhs = a().Number(read).Encode(), .ahs = ahs, .data = Pattern(512)});
    size_t bytes = 0;
    std::optional<Received> pdu = a().Next();
    for (; pdu.has_value() && pdu->opcode() == Opcode::kDataIn; pdu = a().Next()) {
      bytes += pdu->data.size();
    }
    ASSERT_TRUE(pdu.has_value());
    const ScsiResponse response = ScsiResponse::Decode(BhsView(pdu->bhs));
    EXPECT_EQ(bytes, std::min(expected, 1536u));
    EXPECT_EQ(response.bidirectional_read_overflow, expected < 1536);
    EXPECT_EQ(response.bidirectional_read_underflow, expected > 1536);
    EXPECT_EQ(response.bidirectional_read_residual_count, expected == 1536 ? 0u : 512u);
    EXPECT_TRUE(response.residual_underflow);
    EXPECT_EQ(response.residual_count, 512u);
  }
}

// A command that says of no direction that it moves data has nowhere to move it.
TEST_F(DataTest, WithoutReadAndWriteAllIsOverflow) {
  Start();
  ScsiCommand read = Read10(a(), 0, 2);
  read.read = false;
  read.expected_data_transfer_length = 0;
  const auto outcome = a().Run(read);
  EXPECT_TRUE(outcome.overflow);
  EXPECT_EQ(outcome.residual, 1024u);
}

// RFC7143-11.4.5.3-c
TEST_F(DataTest, ResidualsOfAllocationLengths) {
  Start();
  auto outcome = a().Run(Inquiry(a(), 36, 255));
  EXPECT_TRUE(outcome.underflow);
  EXPECT_EQ(outcome.residual, 219u);
  outcome = a().Run(Inquiry(a(), 5, 5));
  EXPECT_FALSE(outcome.overflow || outcome.underflow) << "what SCSI cut is no overflow";
  EXPECT_EQ(outcome.data.size(), 5u);
  outcome = a().Run(Inquiry(a(), 0, 0));
  EXPECT_EQ(outcome.status, 0);
}

TEST_F(DataTest, ErrorsComeInAResponse) {
  Start();
  ScsiCommand read = Read10(a(), 0xffffff00, 1);
  a().Send(read);
  ByteVector data;
  const auto response = a().ExpectScsiResponse(&data);
  EXPECT_EQ(response.status, 2);
  EXPECT_EQ(response.exp_data_sn, 0u);
  EXPECT_TRUE(response.residual_underflow);
  EXPECT_EQ(response.residual_count, 512u);
  ASSERT_GE(data.size(), 20u);
  EXPECT_EQ(base::LoadBe16(data.data()), data.size() - 2);
  EXPECT_EQ(data[4] & 0xf, 5);
  EXPECT_EQ(data[14], 0x21);
}

TEST_F(DataTest, ExpDataSnCountsDataIn) {
  Start({{"MaxRecvDataSegmentLength", "512"}});
  // COMPARE: a bidirectional command gets its status in a response of its own.
  ScsiCommand read = Read10(a(), 0, 3);
  read.write = true;
  read.expected_data_transfer_length = 0;
  const uint8_t ahs[] = {0, 5, 2, 0, 0, 0, 6, 0};  // 1536 bytes
  a().SendPdu({.bhs = a().Number(read).Encode(), .ahs = ByteVector(ahs, ahs + 8), .data = {}});
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(a().ExpectDataIn().status_present);
  const auto response = a().ExpectScsiResponse();
  EXPECT_EQ(response.exp_data_sn, 3u);
  EXPECT_FALSE(response.bidirectional_read_overflow || response.bidirectional_read_underflow);
  EXPECT_FALSE(response.residual_overflow || response.residual_underflow);
}

// RFC7144-4.2-a
TEST_F(DataTest, InquiryTellsTheProtocolLevel) {
  for (const auto& [level, code] :
       {std::pair("", 0x61), std::pair("0", 0x60), std::pair("1", 0x61), std::pair("2", 0x61)}) {
    SCOPED_TRACE(level);
    Pairs keys;
    if (*level != 0) keys = {{"iSCSIProtocolLevel", level}};
    Start(keys);
    const auto inquiry = a().Run(Inquiry(a(), 96, 96));
    ASSERT_EQ(inquiry.data.size(), 96u);
    EXPECT_EQ(inquiry.data[64], 0x09);
    EXPECT_EQ(inquiry.data[65], code);
  }
}

// RFC7143-11.2.2.3-a
TEST_F(DataTest, LongCdbsComeInAnAhs) {
  Start();
  ScsiCommand read32 = TestUnitReady(a());
  read32.read = true;
  read32.expected_data_transfer_length = 512;
  read32.cdb[0] = 0x7f;  // variable length, READ(32)
  read32.cdb[7] = 24;
  base::StoreBe16(read32.cdb.data() + 8, 0x0009);
  ByteVector ahs = {0, 17, 1, 0};  // CDBLength - 15
  ahs.resize(20);
  ahs[4 + 12 + 3] = 1;  // transfer length, at byte 28
  std::fill_n(rig_->Medium().begin(), 512, 0x77);
  a().SendPdu({.bhs = a().Number(read32).Encode(), .ahs = ahs, .data = {}});
  const auto outcome = a().Finish(read32);
  // Run, or refused as a CDB of 32 bytes; never taken for one of 16.
  if (outcome.status == 0) {
    EXPECT_EQ(outcome.data, ByteVector(512, 0x77));
  } else {
    EXPECT_EQ(outcome.SenseCode(), "5/20/00");
  }
}

}  // namespace
}  // namespace pushpull::target::testing
