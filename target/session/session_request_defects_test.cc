// Each defect on demand of the session shows on the wire, and the target without it is right.
// Here: requests, logout and task management.

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
    {Bug::kPingSlotsLost,
     [](auto bug) {
       Ground g(bug);
       for (int i = 0; i < 128; ++i) {
         g.a->Send(g.Ping());
         g.a->ExpectNopIn();
       }
       g.a->Send(g.Ping());
       return g.Silent();
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
    {Bug::kReservedBitsRefused,
     [](auto bug) {
       Ground g(bug);
       ScsiCommand command = TestUnitReady(*g.a);
       command.priority = 15;
       g.a->Send(command);
       return g.Next()->opcode() != Opcode::kScsiResponse;
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
    {Bug::kConnectionBeyondMax,
     [](auto bug) {
       Ground g(bug);
       Initiator b(g.rig.get());
       b.tsih = g.a->tsih;
       b.cid = 2;
       const auto response = b.LoginWith(b.MakeLogin(), b.LoginKeys());
       return response.has_value() && response->status_class == 0;
     }},
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

TEST(SessionRequestDefectsTest, Requests) { CheckAll(kRequests); }
TEST(SessionRequestDefectsTest, LoginAndLogout) { CheckAll(kLogout); }
TEST(SessionRequestDefectsTest, TaskManagement) { CheckAll(kTaskManagement); }

}  // namespace
}  // namespace pushpull::target::testing
