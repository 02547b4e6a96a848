// SCSI commands that write, their data (RFC 7143 §11.3, §11.7, §11.8), and what data cost.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/data_fixture.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

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

// RFC7143-4.2.5.2-b: nobody has to check that the order is the commands' own; each gets its data.
TEST_F(DataTest, UnsolicitedDataOfTwoInAnotherOrder) {
  Start({{"InitialR2T", "No"}});
  const ByteVector data = Pattern(2048);
  ScsiCommand writes[2] = {Write10(a(), 0, 2), Write10(a(), 2, 2)};
  for (ScsiCommand& write : writes) {
    write.final = false;
    a().Send(write);
  }
  a().Send(Unsolicited(writes[1], 0, true), ByteVector(data.begin() + 1024, data.end()));
  EXPECT_EQ(a().ExpectScsiResponse().initiator_task_tag, writes[1].initiator_task_tag);
  a().Send(Unsolicited(writes[0], 0, true), ByteVector(data.begin(), data.begin() + 1024));
  EXPECT_EQ(a().ExpectScsiResponse().initiator_task_tag, writes[0].initiator_task_tag);
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

// RFC7143-7.9-a: DataSN.
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

// RFC7143-11.7.6-c
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

// RFC7143-11.3.1-a
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
  command.attr = TaskAttributeCode::kAca;  // the last one that there is
  a().Send(command);
  a().ExpectScsiResponse();
  EXPECT_EQ(a().Run(TestUnitReady(a())).status, 0);
}

// RFC 7143 §10.7: data of a task that has ended is forgotten, but a later one's is its own.
TEST_F(DataTest, ATagThatIsUsedAgainHasDataOfItsOwn) {
  Start({{"InitialR2T", "No"}});
  ScsiCommand write = Write10(a(), 0, 2);
  write.final = false;
  a().Send(write);
  TaskManagementRequest abort = Tmf(a(), TaskManagementFunction::kAbortTask);
  abort.referenced_task_tag = write.initiator_task_tag;
  a().Send(abort);
  a().ExpectTmf();
  a().ClearUnitAttentions(Lun(2));
  ScsiCommand read = Read10(a(), 0, 1, Lun(2));  // takes a second
  read.initiator_task_tag = write.initiator_task_tag;
  a().Send(read);
  a().Send(Unsolicited(write, 0, /*final=*/true), Pattern(1024));
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kInvalidPduField);
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
