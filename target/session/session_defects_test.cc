// Each defect on demand of the session shows on the wire, and the target without it is right.
// Here: numbers and data; of requests see session_request_defects_test.cc.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/defects.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

// Whether StatSN goes astray within so many commands.
bool StatusGap(std::optional<Bug> bug, int commands) {
  Ground g(bug);
  for (int i = 0; i < commands; ++i) {
    const uint32_t next = g.a->exp_stat_sn;
    g.a->Send(TestUnitReady(*g.a));
    if (g.a->ExpectScsiResponse().stat_sn != next) return true;
  }
  return false;
}

const Row kNumbers[] = {
    {Bug::kStatSnSkips, [](auto bug) { return StatusGap(bug, 20); }},
    {Bug::kStatSnSkipsLate, [](auto bug) { return StatusGap(bug, 300); }},
    {Bug::kStatSnNotAdvanced,
     [](auto bug) {
       Ground g(bug);
       const uint32_t next = g.a->exp_stat_sn;
       g.a->Send(SnackRequest{});
       g.a->ExpectReject();
       g.a->Send(TestUnitReady(*g.a));
       return g.a->ExpectScsiResponse().stat_sn != next + 1;
     }},
    {Bug::kStatSnByR2t,
     [](auto bug) {
       Ground g(bug);
       const uint32_t next = g.a->exp_stat_sn;
       g.StartWrite();
       g.a->Send(g.Ping());
       return g.a->ExpectNopIn().stat_sn != next;
     }},
    {Bug::kExpCmdSnCountsImmediate,
     [](auto bug) {
       Ground g(bug);
       g.a->Send(g.Ping());
       return g.a->ExpectNopIn().exp_cmd_sn != g.a->cmd_sn;
     }},
    {Bug::kExpCmdSnSkipsHole,
     [](auto bug) {
       Ground g(bug);
       const uint32_t hole = g.a->cmd_sn++;
       g.a->Send(TestUnitReady(*g.a));
       g.a->Send(g.Ping());
       while (auto pdu = g.Next()) {
         if (pdu->opcode() == Opcode::kNopIn) break;
       }
       return g.a->exp_cmd_sn != hole;
     }},
    {Bug::kTaskTag16Bits,
     [](auto bug) {
       Ground g(bug);
       g.StartWrite();
       ScsiCommand command = TestUnitReady(*g.a);
       command.initiator_task_tag = g.write.initiator_task_tag ^ 0x10000;
       g.a->Send(command);
       return g.Next().value().opcode() == Opcode::kReject;
     }},
    {Bug::kMaxCmdSnBelowExp,
     [](auto bug) {
       Ground g(bug, 1);
       const R2t r2t = g.StartWrite();
       return r2t.max_cmd_sn != r2t.exp_cmd_sn - 1;
     }},
    {Bug::kCommandAboveWindowExecuted,
     [](auto bug) {
       Ground g(bug);
       ScsiCommand command = TestUnitReady(*g.a);
       command.cmd_sn = g.a->max_cmd_sn + 1;
       g.a->SendAsIs(command);
       return g.Status(command).has_value();
     }},
    {Bug::kOldCmdSnExecuted,
     [](auto bug) {
       Ground g(bug);
       ScsiCommand command = TestUnitReady(*g.a);
       command.cmd_sn = g.a->exp_cmd_sn - 1;
       g.a->SendAsIs(command);
       return g.Status(command).has_value();
     }},
    {Bug::kDuplicateCmdSnExecuted,
     [](auto bug) {
       Ground g(bug);
       ++g.a->cmd_sn;
       const ScsiCommand early = g.a->Number(TestUnitReady(*g.a));
       g.a->SendAsIs(early);
       g.a->SendAsIs(early);
       return g.Status(early).has_value();
     }},
    {Bug::kCmdSnOrderIgnored,
     [](auto bug) {
       Ground g(bug);
       ++g.a->cmd_sn;
       const ScsiCommand early = TestUnitReady(*g.a);
       g.a->Send(early);
       return g.Status(early).has_value();
     }},
    {Bug::kCmdSnComparedUnsigned,
     [](auto bug) {
       RigOptions options;
       if (bug.has_value()) options.bugs.push_back(*bug);
       Rig rig(options);
       Initiator a(&rig);
       a.cmd_sn = 0xffffffff;
       a.Login();
       a.Send(TestUnitReady(a));
       return !a.Next(absl::Milliseconds(200)).has_value();
     }},
    {Bug::kWindowNeverReopened,
     [](auto bug) {
       Ground g(bug, 1);
       g.StartWrite();
       const auto b = g.Other();
       b->Send(Tmf(*b, Function::kLogicalUnitReset));
       b->ExpectTmf();
       return g.Silent();
     }},
};

const Row kDataIn[] = {
    {Bug::kDataInStatusWithSense,
     [](auto bug) {
       Ground g(bug);
       g.a->Send(Read10(*g.a, 0xffffff00, 1));
       return g.Next()->opcode() != Opcode::kScsiResponse;
     }},
    {Bug::kDataInTagGarbage,
     [](auto bug) {
       Ground g(bug);
       g.a->Send(Read10(*g.a, 0, 1));
       return g.a->ExpectDataIn().target_transfer_tag != kNoTag;
     }},
    {Bug::kDataInBeyondMaxRecv,
     [](auto bug) {
       Ground g(bug, 128, {{"MaxRecvDataSegmentLength", "512"}});
       g.a->Send(Read10(*g.a, 0, 4));
       ByteVector data;
       g.a->ExpectDataIn(&data);
       return data.size() > 512;
     }},
    {Bug::kExpDataSnWrong,
     [](auto bug) {
       Ground g(bug);
       ScsiCommand read = Read10(*g.a, 0, 1);
       read.write = true;
       read.expected_data_transfer_length = 0;
       g.a->SendPdu(
           {.bhs = g.a->Number(read).Encode(), .ahs = {0, 5, 2, 0, 0, 0, 2, 0}, .data = {}});
       g.a->ExpectDataIn();
       return g.a->ExpectScsiResponse().exp_data_sn != 1;
     }},
    {Bug::kResidualUnderflowMissing,
     [](auto bug) {
       Ground g(bug);
       return !g.a->Run(Inquiry(*g.a, 36, 100)).underflow;
     }},
    {Bug::kResidualOverflowMissing,
     [](auto bug) {
       Ground g(bug);
       ScsiCommand read = Read10(*g.a, 0, 2);
       read.expected_data_transfer_length = 512;
       return !g.a->Run(read).overflow;
     }},
    {Bug::kResidualCountWrong,
     [](auto bug) {
       Ground g(bug);
       return g.a->Run(Inquiry(*g.a, 36, 100)).residual != 64;
     }},
    {Bug::kSenseMissing,
     [](auto bug) {
       Ground g(bug);
       return g.a->Run(Read10(*g.a, 0xffffff00, 1)).sense.empty();
     }},
};

const Row kDataOut[] = {
    {Bug::kR2tReservedTag,
     [](auto bug) {
       Ground g(bug);
       return g.StartWrite().target_transfer_tag == kNoTag;
     }},
    {Bug::kR2tLunMissing,
     [](auto bug) {
       Ground g(bug);
       g.a->ClearUnitAttentions(Lun(1));
       return g.StartWrite(1, Lun(1)).lun != Lun(1);
     }},
    {Bug::kDataOutLunUnchecked,
     [](auto bug) {
       Ground g(bug);
       const R2t r2t = g.StartWrite(1);
       DataOut out = g.Answer(r2t);
       out.lun = Lun(1);
       g.a->Send(out, Pattern(512));
       return g.Status(g.write) == 0;
     }},
    {Bug::kDataOutTagUnchecked,
     [](auto bug) {
       Ground g(bug);
       const R2t r2t = g.StartWrite(1);
       DataOut out = g.Answer(r2t);
       out.target_transfer_tag += 5;
       g.a->Send(out, Pattern(512));
       return g.Status(g.write) == 0;
     }},
    {Bug::kDataOutOffsetUnchecked,
     [](auto bug) {
       Ground g(bug);
       const R2t r2t = g.StartWrite(2);
       DataOut out = g.Answer(r2t);
       out.buffer_offset = 512;
       out.final = false;
       g.a->Send(out, Pattern(512));
       return g.Silent();
     }},
    {Bug::kDataOutEmptyEndsSequence,
     [](auto bug) {
       Ground g(bug);
       const R2t r2t = g.StartWrite(1);
       DataOut out = g.Answer(r2t);
       out.final = false;
       g.a->Send(out);
       return !g.Silent();
     }},
    {Bug::kDataOutShortAccepted,
     [](auto bug) {
       Ground g(bug);
       const R2t r2t = g.StartWrite(2);
       g.a->Send(g.Answer(r2t), Pattern(512));
       return g.Status(g.write) == 0;
     }},
    {Bug::kErrorBeforeDataEnds,
     [](auto bug) {
       Ground g(bug, 128, {{"InitialR2T", "No"}});
       ScsiCommand write = Write10(*g.a, 0xffffff00, 1);
       write.final = false;
       g.a->Send(write);
       return g.Status(write).has_value();
     }},
    {Bug::kUnsolicitedWhenInitialR2t,
     [](auto bug) {
       Ground g(bug, 128, {{"InitialR2T", "Yes"}, {"ImmediateData", "No"}});
       ScsiCommand write = Write10(*g.a, 0, 1);
       write.data_segment_length = 512;
       g.a->Send(write, Pattern(512));
       return g.Status(write) == 0;
     }},
    {Bug::kImmediateDataBeyondFirstBurst,
     [](auto bug) {
       Ground g(bug, 128, {{"FirstBurstLength", "512"}});
       ScsiCommand write = Write10(*g.a, 0, 2);
       write.data_segment_length = 1024;
       g.a->Send(write, Pattern(1024));
       return g.Status(write) == 0;
     }},
};

TEST(SessionDefectsTest, Numbers) { CheckAll(kNumbers); }
TEST(SessionDefectsTest, DataIn) { CheckAll(kDataIn); }
TEST(SessionDefectsTest, DataOut) { CheckAll(kDataOut); }

}  // namespace
}  // namespace pushpull::target::testing
