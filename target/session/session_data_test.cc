// SCSI commands and their data (RFC 7143 §11.3, §11.4, §11.7, §11.8).

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class DataTest : public ::testing::Test {
 protected:
  void Start(Pairs keys = {}, RigOptions options = {}) {
    rig_ = std::make_unique<Rig>(options);
    a_ = std::make_unique<Initiator>(rig_.get());
    a_->Login({std::move(keys)});
    a_->ClearUnitAttentions();
  }
  Initiator& a() { return *a_; }
  bool MediumHas(const ByteVector& bytes, size_t at = 0) {
    return std::equal(bytes.begin(), bytes.end(), rig_->Medium().begin() + at);
  }
  DataOut Unsolicited(const ScsiCommand& command, uint32_t offset, bool final) {
    DataOut out;
    out.initiator_task_tag = command.initiator_task_tag;
    out.buffer_offset = offset;
    out.final = final;
    return out;
  }

  std::unique_ptr<Rig> rig_;
  std::unique_ptr<Initiator> a_;
};

// ---- reads --------------------------------------------------------------------------------------

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

// ---- writes -------------------------------------------------------------------------------------

TEST_F(DataTest, UnsolicitedDataThenR2ts) {
  Start({{"InitialR2T", "No"},
         {"FirstBurstLength", "2048"},
         {"MaxBurstLength", "4096"},
         {"MaxOutstandingR2T", "2"}});
  const ByteVector data = Pattern(12288);
  ScsiCommand write = Write10(a(), 0, 24);
  write.final = false;
  write.data_segment_length = 512;
  a().Send(write, ByteVector(data.begin(), data.begin() + 512));
  a().Send(Unsolicited(write, 512, false), ByteVector(data.begin() + 512, data.begin() + 1000));
  DataOut last = Unsolicited(write, 1000, true);
  last.data_sn = 1;
  EXPECT_TRUE(a().Silent());
  a().Send(last, ByteVector(data.begin() + 1000, data.begin() + 2048));
  const R2t first = a().ExpectR2t();
  EXPECT_EQ(first.buffer_offset, 2048u);
  EXPECT_EQ(first.desired_data_transfer_length, 4096u);
  EXPECT_EQ(first.r2t_sn, 0u);
  EXPECT_EQ(first.initiator_task_tag, write.initiator_task_tag);
  const R2t second = a().ExpectR2t();
  EXPECT_EQ(second.buffer_offset, 6144u);
  EXPECT_EQ(second.r2t_sn, 1u);
  EXPECT_NE(second.target_transfer_tag, first.target_transfer_tag);
  EXPECT_TRUE(a().Silent()) << "MaxOutstandingR2T";
  a().Answer(first, data, 1500);
  const R2t third = a().ExpectR2t();
  EXPECT_EQ(third.buffer_offset, 10240u);
  EXPECT_EQ(third.desired_data_transfer_length, 2048u);
  EXPECT_EQ(third.r2t_sn, 2u);
  a().Answer(second, data);
  a().Answer(third, data);
  EXPECT_EQ(a().ExpectScsiResponse().status, 0);
  EXPECT_TRUE(MediumHas(data));
}

TEST_F(DataTest, R2tCarriesTheLun) {
  Start();
  a().ClearUnitAttentions(Lun(300));
  a().Send(Write10(a(), 0, 1, Lun(300)));
  const R2t r2t = a().ExpectR2t();
  EXPECT_EQ(r2t.lun, Lun(300));
  EXPECT_EQ(r2t.lun >> 56, 0x41) << "flat space addressing";
  a().Answer(r2t, Pattern(512));
  EXPECT_EQ(a().ExpectScsiResponse().status, 0);
}

TEST_F(DataTest, UnsolicitedDataBeforeItsCommandsTurn) {
  Start({{"InitialR2T", "No"}});
  const ScsiCommand missing = a().Number(TestUnitReady(a()));
  const ByteVector data = Pattern(1024);
  ScsiCommand write = Write10(a(), 0, 2);
  write.final = false;
  a().Send(write);
  a().Send(Unsolicited(write, 0, true), data);
  EXPECT_TRUE(a().Silent());
  a().SendAsIs(missing);
  a().ExpectScsiResponse();
  EXPECT_EQ(a().ExpectScsiResponse().status, 0);
  EXPECT_TRUE(MediumHas(data));
}

struct Violation {
  const char* what;
  Pairs keys;
  uint32_t immediate;
  bool final;
  uint32_t unsolicited;  // in one Data-Out with F; 0 for none
  std::string sense;     // "" for GOOD
};

TEST_F(DataTest, UnsolicitedDataByTheRules) {
  const Violation cases[] = {
      {"both", {{"InitialR2T", "No"}}, 512, false, 1536, ""},
      {"immediate only", {}, 1024, true, 0, ""},
      {"immediate data not allowed", {{"ImmediateData", "No"}}, 512, true, 0, "b/0c/0c"},
      {"nothing allowed",
       {{"InitialR2T", "Yes"}, {"ImmediateData", "No"}},
       0,
       false,
       2048,
       "b/0c/0c"},
      {"InitialR2T=Yes", {{"InitialR2T", "Yes"}}, 0, false, 2048, "b/0c/0c"},
      {"immediate beyond FirstBurstLength",
       {{"FirstBurstLength", "512"}},
       1024,
       true,
       0,
       "b/0c/0c"},
      {"more than FirstBurstLength",
       {{"InitialR2T", "No"}, {"FirstBurstLength", "1024"}},
       512,
       false,
       1024,
       "b/0c/0d"},
      {"less than FirstBurstLength",
       {{"InitialR2T", "No"}, {"FirstBurstLength", "1024"}},
       0,
       false,
       512,
       "b/0c/0d"},
      {"less than all", {{"InitialR2T", "No"}}, 0, false, 512, ""},
  };
  const ByteVector data = Pattern(2048);
  for (const Violation& c : cases) {
    SCOPED_TRACE(c.what);
    Start(c.keys);
    ScsiCommand write = Write10(a(), 0, 4);
    write.final = c.final;
    write.data_segment_length = c.immediate;
    a().Send(write, ByteVector(data.begin(), data.begin() + c.immediate));
    if (c.unsolicited > 0) {
      EXPECT_TRUE(a().Silent(absl::Milliseconds(10))) << "F is due";
      const auto begin = data.begin() + c.immediate;
      a().Send(Unsolicited(write, c.immediate, true),
               ByteVector(begin, begin + std::min<uint32_t>(c.unsolicited, 2048 - c.immediate)));
    }
    std::optional<Received> pdu = a().Next();
    ASSERT_TRUE(pdu.has_value());
    if (pdu->opcode() == Opcode::kReject) pdu = a().Next();
    ASSERT_TRUE(pdu.has_value());
    if (pdu->opcode() == Opcode::kR2t) {
      a().Answer(R2t::Decode(BhsView(pdu->bhs)), data);
      pdu = a().Next();
      ASSERT_TRUE(pdu.has_value());
    }
    ASSERT_EQ(pdu->opcode(), Opcode::kScsiResponse);
    const auto response = ScsiResponse::Decode(BhsView(pdu->bhs));
    Initiator::Outcome outcome;
    outcome.sense = pdu->data;
    EXPECT_EQ(response.status == 0 ? "" : outcome.SenseCode(), c.sense);
    EXPECT_EQ(MediumHas(data), c.sense.empty());
    EXPECT_EQ(a().Run(TestUnitReady(a())).status, 0);
  }
}

TEST_F(DataTest, WrongDataOut) {
  struct Case {
    const char* what;
    void (*change)(DataOut&, ByteVector&);
    int reject;         // reason, -1 for none
    const char* sense;  // of the write that follows; "" for GOOD
  };
  const Case cases[] = {
      {"unknown task", [](DataOut& d, ByteVector&) { d.initiator_task_tag += 7; }, 9, ""},
      {"unknown transfer tag", [](DataOut& d, ByteVector&) { d.target_transfer_tag += 7; }, 9, ""},
      {"other LUN", [](DataOut& d, ByteVector&) { d.lun = Lun(1); }, 9, "b/0c/0d"},
      {"offset before", [](DataOut& d, ByteVector&) { d.buffer_offset -= 512; }, 9, "b/0c/0d"},
      {"offset behind", [](DataOut& d, ByteVector&) { d.buffer_offset += 512; }, 9, "b/0c/0d"},
      {"offset wraps", [](DataOut& d, ByteVector&) { d.buffer_offset = 0xfffffff0; }, 9, "b/0c/0d"},
      {"too long", [](DataOut&, ByteVector& data) { data.resize(4097); }, 9, "b/0c/0d"},
      {"DataSN", [](DataOut& d, ByteVector&) { d.data_sn = 1; }, -1, "b/47/05"},
      {"too short", [](DataOut&, ByteVector& data) { data.resize(100); }, -1, "b/0c/0d"},
      {"unsolicited", [](DataOut& d, ByteVector&) { d.target_transfer_tag = kNoTag; }, 4,
       "b/0c/0c"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Start();
    ScsiCommand write = Write10(a(), 0, 9);
    write.data_segment_length = 512;
    const ByteVector data = Pattern(9 * 512);
    a().Send(write, ByteVector(data.begin(), data.begin() + 512));
    const R2t r2t = a().ExpectR2t();
    DataOut out;
    out.lun = r2t.lun;
    out.initiator_task_tag = r2t.initiator_task_tag;
    out.target_transfer_tag = r2t.target_transfer_tag;
    out.buffer_offset = 512;
    ByteVector bytes(data.begin() + 512, data.end());
    c.change(out, bytes);
    a().Send(out, bytes);
    if (c.reject >= 0) {
      ByteVector header;
      EXPECT_EQ(static_cast<int>(a().ExpectReject(&header).reason), c.reject);
      EXPECT_EQ(header.size(), 48u);
    }
    // Where that Data-Out didn't count, or didn't end the sequence, the right one comes now.
    if (c.reject >= 0 && (std::string(c.sense).empty() || out.target_transfer_tag == kNoTag)) {
      a().Answer(r2t, data);
    }
    ByteVector sense;
    const auto response = a().ExpectScsiResponse(&sense);
    Initiator::Outcome outcome;
    outcome.sense = sense;
    EXPECT_EQ(response.status == 0 ? "" : outcome.SenseCode(), c.sense);
    EXPECT_EQ(MediumHas(data), std::string(c.sense).empty());
    EXPECT_TRUE(a().Silent(absl::Milliseconds(10)));
    EXPECT_EQ(a().Run(TestUnitReady(a())).status, 0);
  }
}

TEST_F(DataTest, EmptyDataOutsAreTaken) {
  Start();
  const ByteVector data = Pattern(1024);
  a().Send(Write10(a(), 0, 2));
  const R2t r2t = a().ExpectR2t();
  DataOut out;
  out.lun = r2t.lun;
  out.initiator_task_tag = r2t.initiator_task_tag;
  out.target_transfer_tag = r2t.target_transfer_tag;
  out.final = false;
  a().Send(out);
  out.data_sn = 1;
  a().Send(out, data);
  EXPECT_TRUE(a().Silent()) << "F is due";
  out.data_sn = 2;
  out.buffer_offset = 1024;
  out.final = true;
  a().Send(out);
  EXPECT_EQ(a().ExpectScsiResponse().status, 0);
  EXPECT_TRUE(MediumHas(data));
}

TEST_F(DataTest, PdusOfASequenceInAnyOrder) {
  Start({{"DataPDUInOrder", "No"}}, [] {
    RigOptions options;
    options.node.limits.data_pdu_in_order = false;
    return options;
  }());
  const ByteVector data = Pattern(2048);
  a().Send(Write10(a(), 0, 4));
  const R2t r2t = a().ExpectR2t();
  DataOut out;
  out.lun = r2t.lun;
  out.initiator_task_tag = r2t.initiator_task_tag;
  out.target_transfer_tag = r2t.target_transfer_tag;
  for (const uint32_t offset : {1024u, 0u, 1536u, 512u}) {
    out.buffer_offset = offset;
    out.final = offset == 512;
    a().Send(out, ByteVector(data.begin() + offset, data.begin() + offset + 512));
    ++out.data_sn;
  }
  EXPECT_EQ(a().ExpectScsiResponse().status, 0);
  EXPECT_TRUE(MediumHas(data));
}

// RFC 7143 §11.4.2: an error waits for the data that is under way.
TEST_F(DataTest, AnErrorWaitsForTheLastF) {
  Start({{"InitialR2T", "No"}});
  ScsiCommand write = Write10(a(), 0xffffff00, 4);
  write.final = false;
  a().Send(write);
  EXPECT_TRUE(a().Silent());
  a().Send(Unsolicited(write, 0, false), Pattern(1024));
  EXPECT_TRUE(a().Silent());
  DataOut last = Unsolicited(write, 1024, true);
  last.data_sn = 1;
  a().Send(last, Pattern(1024));
  EXPECT_EQ(a().Finish(write).SenseCode(), "5/21/00");
}

TEST_F(DataTest, FormatErrorsEndTheSession) {
  struct Case {
    const char* what;
    void (*change)(ScsiCommand&);
  };
  const Case cases[] = {
      {"W=0 and F=0", [](ScsiCommand& c) { c.write = false, c.read = true, c.final = false; }},
      {"R=W=0 with EDTL", [](ScsiCommand& c) { c.write = false; }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Start();
    ScsiCommand command = Write10(a(), 0, 1);
    c.change(command);
    a().Send(command);
    EXPECT_TRUE(a().WaitForClose(absl::Seconds(1)));
    EXPECT_EQ(rig_->Get(Count::kSessions), 0);
  }
}

TEST_F(DataTest, ReservedAttributesAreRejected) {
  Start();
  ScsiCommand command = TestUnitReady(a());
  command.attr = static_cast<TaskAttributeCode>(5);
  a().Send(command);
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kProtocolError);
  --a().cmd_sn;
  EXPECT_EQ(a().Run(TestUnitReady(a())).status, 0);
}

TEST_F(DataTest, DataWithACommandThatTakesNone) {
  Start();
  ScsiCommand read = Read10(a(), 0, 1);
  read.data_segment_length = 512;
  a().Send(read, Pattern(512));
  EXPECT_EQ(a().Finish(read).SenseCode(), "b/0c/0c");
  // A write bit on a command without data: what comes is taken and forgotten.
  ScsiCommand tur = TestUnitReady(a());
  tur.write = true;
  tur.expected_data_transfer_length = 512;
  tur.data_segment_length = 512;
  a().Send(tur, Pattern(512));
  const auto outcome = a().Finish(tur);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.underflow);
  EXPECT_EQ(outcome.residual, 512u);
}

// ---- memory and pace ----------------------------------------------------------------------------

TEST_F(DataTest, ManyLargeTransfersShareLittleMemory) {
  RigOptions options;
  options.node.session_buffer_bytes = 256 << 10;
  Start({{"MaxBurstLength", "65536"}, {"FirstBurstLength", "512"}}, options);
  const ByteVector data = Pattern(512 * 512);
  std::vector<ScsiCommand> commands;
  for (int i = 0; i < 16; ++i) {
    commands.push_back(i % 2 == 0 ? Write10(a(), i * 512, 512) : Read10(a(), i * 512, 512));
    a().Send(commands.back());
  }
  size_t done = 0;
  int64_t most = 0;
  while (done < commands.size()) {
    const auto pdu = a().Next();
    ASSERT_TRUE(pdu.has_value()) << done << " done";
    most = std::max(most, rig_->Get(Count::kBufferBytes));
    const BhsView bhs(pdu->bhs);
    if (pdu->opcode() == Opcode::kR2t) a().Answer(R2t::Decode(bhs), data, 65536);
    if (pdu->opcode() == Opcode::kScsiResponse) {
      EXPECT_EQ(ScsiResponse::Decode(bhs).status, 0);
      ++done;
    }
    if (pdu->opcode() == Opcode::kDataIn && DataIn::Decode(bhs).status_present) ++done;
  }
  EXPECT_LE(most, (256 << 10) + 512 * 512);
  EXPECT_EQ(rig_->Get(Count::kBufferBytes), 0);
}

TEST_F(DataTest, AClaimTakesNoMemory) {
  Start();
  for (int i = 0; i < 50; ++i) {
    ScsiCommand write = Write10(a(), i, 1);
    write.expected_data_transfer_length = 0xffffffff;
    a().Send(write);
    EXPECT_EQ(a().ExpectR2t().desired_data_transfer_length, 512u);
  }
  EXPECT_LE(rig_->Get(Count::kBufferBytes), 50 * 131072);
}

TEST_F(DataTest, ReadsTakeTurns) {
  Start({{"MaxRecvDataSegmentLength", "8192"}});
  const ScsiCommand large = Read10(a(), 0, 2048);
  const ScsiCommand small = Read10(a(), 0, 1);
  a().Send(large);
  a().Send(small);
  int before = 0;
  while (const auto pdu = a().Next()) {
    if (BhsView(pdu->bhs).initiator_task_tag() == small.initiator_task_tag) break;
    ++before;
  }
  EXPECT_LT(before, 64) << "of 128 Data-In of the large one";
  while (const auto pdu = a().Next()) {
    if (DataIn::Decode(BhsView(pdu->bhs)).status_present) break;
  }
}

}  // namespace
}  // namespace pushpull::target::testing
