// Each defect on demand of the session shows on the wire, and the target without it is right.

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

using Code = TaskManagementResponseCode;
using Function = TaskManagementFunction;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// A target that may have the defect, and an initiator that is logged in.
class Ground {
 public:
  explicit Ground(std::optional<Bug> bug, uint32_t depth = 128, Pairs keys = {}) {
    RigOptions options;
    if (bug.has_value()) options.bugs.push_back(*bug);
    options.node.queue_depth = depth;
    rig = std::make_unique<Rig>(options);
    a = std::make_unique<Initiator>(rig.get());
    a->Login({std::move(keys)});
    a->ClearUnitAttentions();
  }

  // What comes within a while: opcodes and tags are looked at.
  std::optional<Received> Next() { return a->Next(absl::Milliseconds(200)); }
  bool Silent() { return a->Silent(absl::Milliseconds(200)); }
  NopOut Ping() { return NopOut{.immediate = true, .initiator_task_tag = a->NextTag()}; }
  // The status of a command, or nothing.
  std::optional<int> Status(const ScsiCommand& command) {
    while (auto pdu = Next()) {
      const BhsView bhs(pdu->bhs);
      if (bhs.initiator_task_tag() != command.initiator_task_tag) continue;
      if (pdu->opcode() == Opcode::kScsiResponse) return ScsiResponse::Decode(bhs).status;
      if (pdu->opcode() == Opcode::kDataIn && DataIn::Decode(bhs).status_present) {
        return DataIn::Decode(bhs).status;
      }
    }
    return std::nullopt;
  }
  R2t StartWrite(uint16_t blocks = 16, uint64_t lun = 0) {
    write = Write10(*a, 0, blocks, lun);
    a->Send(write);
    return a->ExpectR2t();
  }
  DataOut Answer(const R2t& r2t) {
    DataOut out;
    out.lun = r2t.lun;
    out.initiator_task_tag = r2t.initiator_task_tag;
    out.target_transfer_tag = r2t.target_transfer_tag;
    out.buffer_offset = r2t.buffer_offset;
    return out;
  }
  std::unique_ptr<Initiator> Other() {
    auto other = std::make_unique<Initiator>(rig.get(), "iqn.2026-11.org.pushpull:other");
    other->Login();
    other->ClearUnitAttentions();
    return other;
  }
  Code TmfResult(const TaskManagementRequest& request) {
    a->Send(request);
    while (auto pdu = Next()) {
      if (pdu->opcode() == Opcode::kTaskManagementResponse) {
        return TaskManagementResponse::Decode(BhsView(pdu->bhs)).response;
      }
    }
    return static_cast<Code>(0xee);  // none
  }

  std::unique_ptr<Rig> rig;
  std::unique_ptr<Initiator> a;
  ScsiCommand write;
};

// Whether the wrong thing was seen.
using Check = std::function<bool(std::optional<Bug>)>;

struct Row {
  Bug bug;
  Check check;
};

bool StatusGap(std::optional<Bug> bug) {
  Ground g(bug);
  for (int i = 0; i < 20; ++i) {
    const uint32_t next = g.a->exp_stat_sn;
    g.a->Send(TestUnitReady(*g.a));
    if (g.a->ExpectScsiResponse().stat_sn != next) return true;
  }
  return false;
}

const Row kNumbers[] = {
    {Bug::kStatSnSkips, StatusGap},
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

const Row kRequests[] = {
    {Bug::kNopInDataDropped,
     [](auto bug) {
       Ground g(bug);
       g.a->Send(g.Ping(), Pattern(16));
       ByteVector echo;
       g.a->ExpectNopIn(&echo);
       return echo != Pattern(16);
     }},
    {Bug::kNopInItt,
     [](auto bug) {
       Ground g(bug);
       const NopOut ping = g.Ping();
       g.a->Send(ping);
       return g.a->ExpectNopIn().initiator_task_tag != ping.initiator_task_tag;
     }},
    {Bug::kNopInUnasked,
     [](auto bug) {
       Ground g(bug);
       g.a->Send(NopOut{.immediate = true});
       return !g.Silent();
     }},
    {Bug::kStatSnPerNopInPing,
     [](auto bug) {
       Ground g(bug, 1);
       g.StartWrite();
       const auto b = g.Other();
       b->Send(Tmf(*b, Function::kLogicalUnitReset));
       b->ExpectTmf();
       const uint32_t told = g.a->ExpectNopIn().stat_sn;
       g.a->Send(TestUnitReady(*g.a));
       return g.a->ExpectScsiResponse().stat_sn != told;
     }},
    {Bug::kNopInBeyondMaxRecv,
     [](auto bug) {
       Ground g(bug, 128, {{"MaxRecvDataSegmentLength", "512"}});
       g.a->Send(g.Ping(), Pattern(600));
       ByteVector echo;
       g.a->ExpectNopIn(&echo);
       return echo.size() != 512;
     }},
    {Bug::kRejectHeaderMissing,
     [](auto bug) {
       Ground g(bug);
       g.a->Send(SnackRequest{});
       ByteVector header;
       g.a->ExpectReject(&header);
       return header.size() != 48;
     }},
    {Bug::kRejectReasonWrong,
     [](auto bug) {
       Ground g(bug);
       g.a->Send(SnackRequest{});
       return g.a->ExpectReject().reason != RejectReason::kSnackReject;
     }},
    {Bug::kRejectEndsTask,
     [](auto bug) {
       Ground g(bug);
       const R2t r2t = g.StartWrite(1);
       DataOut out = g.Answer(r2t);
       out.buffer_offset = 512;
       g.a->Send(out, Pattern(512));
       g.a->ExpectReject();
       return !g.Status(g.write).has_value();
     }},
    {Bug::kRejectCountsCmdSn,
     [](auto bug) {
       Ground g(bug);
       Outgoing unknown;
       unknown.bhs[0] = 0x1c;
       base::StoreBe32(unknown.bhs.data() + 24, g.a->cmd_sn);
       g.a->SendPdu(unknown);
       return g.a->ExpectReject().exp_cmd_sn != g.a->cmd_sn;
     }},
    {Bug::kUnknownOpcodeIgnored,
     [](auto bug) {
       Ground g(bug);
       Outgoing unknown;
       unknown.bhs[0] = 0x5c;
       g.a->SendPdu(unknown);
       return g.Silent();
     }},
    {Bug::kReservedItt,
     [](auto bug) {
       Ground g(bug);
       ScsiCommand command = TestUnitReady(*g.a);
       command.initiator_task_tag = kNoTag;
       g.a->Send(command);
       return g.Next()->opcode() != Opcode::kReject;
     }},
    {Bug::kDataDigestUnchecked,
     [](auto bug) {
       Ground g(bug, 128, {{"DataDigest", "CRC32C"}});
       g.a->SendPdu({.bhs = g.a->Number(g.Ping()).Encode(),
                     .ahs = {},
                     .data = Pattern(4),
                     .corrupt_data_digest = true});
       return g.Next()->opcode() != Opcode::kReject;
     }},
    {Bug::kHeaderDigestUnchecked,
     [](auto bug) {
       Ground g(bug, 128, {{"HeaderDigest", "CRC32C"}});
       g.a->SendPdu({.bhs = g.a->Number(g.Ping()).Encode(),
                     .ahs = {},
                     .data = {},
                     .corrupt_header_digest = true});
       return g.Next().has_value();
     }},
};

LogoutRequest Logout(Initiator& a, LogoutReason reason, uint16_t cid) {
  LogoutRequest logout;
  logout.immediate = true;
  logout.reason = reason;
  logout.cid = cid;
  logout.initiator_task_tag = a.NextTag();
  return logout;
}

bool UnitAttentionAfterLogoutMissing(std::optional<Bug> bug) {
  Ground g(bug);
  g.StartWrite();
  g.a->Send(Logout(*g.a, LogoutReason::kCloseSession, 1));
  g.a->ExpectLogout();
  Initiator again(g.rig.get());
  again.Login();
  for (int i = 0; i < 4; ++i) {
    if (again.Run(TestUnitReady(again)).SenseCode() == "6/47/7f") return false;
  }
  return true;
}

const Row kLogout[] = {
    {Bug::kLogoutKeepsConnection,
     [](auto bug) {
       Ground g(bug);
       g.a->Send(Logout(*g.a, LogoutReason::kCloseSession, 1));
       g.a->ExpectLogout();
       return !g.a->WaitForClose(absl::Seconds(1));
     }},
    {Bug::kLogoutUnknownCidClosed,
     [](auto bug) {
       Ground g(bug);
       g.a->Send(Logout(*g.a, LogoutReason::kCloseConnection, 99));
       return g.a->ExpectLogout().response != LogoutResponseCode::kCidNotFound;
     }},
    {Bug::kLogoutRecoveryAccepted,
     [](auto bug) {
       Ground g(bug);
       g.a->Send(Logout(*g.a, LogoutReason::kRemoveConnectionForRecovery, 1));
       return g.a->ExpectLogout().response != LogoutResponseCode::kConnectionRecoveryNotSupported;
     }},
    {Bug::kLogoutNoUnitAttention, UnitAttentionAfterLogoutMissing},
    {Bug::kLoginKeepsConnection,
     [](auto bug) {
       Ground g(bug);
       Initiator b(g.rig.get());
       b.target_name = "iqn.2026-11.org.pushpull:nobody";
       b.LoginWith(b.MakeLogin(), b.LoginKeys());
       return !b.WaitForClose(absl::Seconds(1));
     }},
    {Bug::kUnknownTargetAccepted,
     [](auto bug) {
       Ground g(bug);
       Initiator b(g.rig.get(), "iqn.2026-11.org.pushpull:other");
       b.target_name = "iqn.2026-11.org.pushpull:nobody";
       return b.LoginWith(b.MakeLogin(), b.LoginKeys())->status_class == 0;
     }},
    {Bug::kReinstatementKeepsOld,
     [](auto bug) {
       Ground g(bug);
       Initiator b(g.rig.get());
       b.Login();
       return !g.a->WaitForClose(absl::Seconds(1));
     }},
    {Bug::kReinstatementByIsidAlone,
     [](auto bug) {
       Ground g(bug);
       const auto b = g.Other();
       return g.a->WaitForClose(absl::Milliseconds(200));
     }},
};

TaskManagementRequest Abort(Ground& g, uint32_t tag, uint32_t ref_cmd_sn) {
  TaskManagementRequest abort = Tmf(*g.a, Function::kAbortTask);
  abort.referenced_task_tag = tag;
  abort.ref_cmd_sn = ref_cmd_sn;
  return abort;
}

// Whether ABORT TASK SET of LUN 0 ends a write of a third party or of another logical unit.
bool AbortSetEnds(std::optional<Bug> bug, bool other_nexus) {
  Ground g(bug);
  const auto b = g.Other();
  Initiator& owner = other_nexus ? *b : *g.a;
  owner.ClearUnitAttentions(Lun(1));
  const ScsiCommand write = Write10(owner, 0, 1, other_nexus ? 0 : Lun(1));
  owner.Send(write);
  const R2t r2t = owner.ExpectR2t();
  g.a->Send(Tmf(*g.a, Function::kAbortTaskSet));
  // The defect makes it wait for that write's data; or not even that.
  g.rig->Elapse(absl::Milliseconds(100));
  owner.Answer(r2t, Pattern(512));
  while (auto pdu = owner.Next(absl::Milliseconds(200))) {
    if (BhsView(pdu->bhs).initiator_task_tag() == write.initiator_task_tag) return false;
  }
  return true;
}

const Row kTaskManagement[] = {
    {Bug::kAbortTaskClaimsComplete,
     [](auto bug) {
       Ground g(bug);
       return g.TmfResult(Abort(g, 0x7777, g.a->exp_cmd_sn - 50)) != Code::kTaskDoesNotExist;
     }},
    {Bug::kAbortTaskStillResponds,
     [](auto bug) {
       Ground g(bug);
       const R2t r2t = g.StartWrite(1);
       g.a->Send(Abort(g, r2t.initiator_task_tag, g.a->cmd_sn - 1));
       g.a->ExpectTmf();
       g.a->Answer(r2t, Pattern(512));
       return g.Status(g.write).has_value();
     }},
    {Bug::kAbortTaskIgnoresRefCmdSn,
     [](auto bug) {
       Ground g(bug);
       const uint32_t hole = g.a->cmd_sn++;
       g.a->Send(Abort(g, 0x7777, hole));
       return g.a->ExpectTmf().exp_cmd_sn != g.a->cmd_sn;
     }},
    {Bug::kAbortTaskOnTaskManagement,
     [](auto bug) {
       Ground g(bug);
       g.StartWrite();
       const TaskManagementRequest reset = Tmf(*g.a, Function::kLogicalUnitReset);
       g.a->Send(reset);
       TaskManagementRequest abort = Abort(g, reset.initiator_task_tag, g.a->cmd_sn);
       abort.immediate = false;
       return g.TmfResult(abort) != Code::kFunctionRejected;
     }},
    {Bug::kAbortSetTakesAllLuns, [](auto bug) { return AbortSetEnds(bug, false); }},
    {Bug::kAbortSetTakesAllNexuses, [](auto bug) { return AbortSetEnds(bug, true); }},
    {Bug::kAbortSetTakesLater,
     [](auto bug) {
       Ground g(bug);
       const R2t r2t = g.StartWrite(1);
       g.a->Send(Tmf(*g.a, Function::kAbortTaskSet));
       const ScsiCommand later = Write10(*g.a, 1, 1);
       g.a->Send(later);
       const R2t later_r2t = g.a->ExpectR2t();
       g.a->Answer(r2t, Pattern(512));
       g.rig->Elapse(absl::Milliseconds(100));
       g.a->Answer(later_r2t, Pattern(512));
       return !g.Status(later).has_value();
     }},
    {Bug::kAbortSetNoWaitForData,
     [](auto bug) {
       Ground g(bug);
       g.StartWrite();
       return g.TmfResult(Tmf(*g.a, Function::kAbortTaskSet)) == Code::kFunctionComplete;
     }},
    {Bug::kAbortSetNoWaitForCommands,
     [](auto bug) {
       Ground g(bug);
       ++g.a->cmd_sn;
       return g.TmfResult(Tmf(*g.a, Function::kAbortTaskSet)) == Code::kFunctionComplete;
     }},
    {Bug::kLunResetUnanswered,
     [](auto bug) {
       Ground g(bug);
       return g.TmfResult(Tmf(*g.a, Function::kLogicalUnitReset)) != Code::kFunctionComplete;
     }},
    {Bug::kLunResetNoUnitAttention,
     [](auto bug) {
       Ground g(bug);
       const auto b = g.Other();
       g.TmfResult(Tmf(*g.a, Function::kLogicalUnitReset));
       return b->Run(TestUnitReady(*b)).status == 0;
     }},
    {Bug::kTmfUnknownLun,
     [](auto bug) {
       Ground g(bug);
       return g.TmfResult(Tmf(*g.a, Function::kLogicalUnitReset, Lun(255))) !=
              Code::kLunDoesNotExist;
     }},
    {Bug::kTmfUnknownFunction,
     [](auto bug) {
       Ground g(bug);
       return g.TmfResult(Tmf(*g.a, static_cast<Function>(13))) != Code::kFunctionNotSupported;
     }},
};

void CheckAll(std::span<const Row> rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(BugName(row.bug));
    EXPECT_FALSE(row.check(std::nullopt)) << "seen without the defect";
    if (kBugsEnabled) EXPECT_TRUE(row.check(row.bug)) << "not seen with the defect";
  }
}

TEST(SessionDefectsTest, Numbers) { CheckAll(kNumbers); }
TEST(SessionDefectsTest, DataIn) { CheckAll(kDataIn); }
TEST(SessionDefectsTest, DataOut) { CheckAll(kDataOut); }
TEST(SessionDefectsTest, Requests) { CheckAll(kRequests); }
TEST(SessionDefectsTest, LoginAndLogout) { CheckAll(kLogout); }
TEST(SessionDefectsTest, TaskManagement) { CheckAll(kTaskManagement); }

}  // namespace
}  // namespace pushpull::target::testing
