// Task management (RFC 7143 §4.2.3, §11.5, §11.6).

#include <algorithm>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

using Code = TaskManagementResponseCode;
using Function = TaskManagementFunction;

class TmfTest : public ::testing::Test {
 protected:
  explicit TmfTest(RigOptions options = {}) : rig_(std::move(options)), a_(&rig_) {
    a_.Login();
    for (const uint32_t lun : {0, 1, 2}) a_.ClearUnitAttentions(Lun(lun));
  }
  std::unique_ptr<Initiator> Other() {
    auto other = std::make_unique<Initiator>(&rig_, "iqn.2026-11.org.pushpull:other");
    other->Login();
    for (const uint32_t lun : {0, 1, 2}) other->ClearUnitAttentions(Lun(lun));
    return other;
  }
  TaskManagementRequest Abort(const ScsiCommand& command, uint32_t ref_cmd_sn) {
    TaskManagementRequest abort = Tmf(a_, Function::kAbortTask, command.lun);
    abort.referenced_task_tag = command.initiator_task_tag;
    abort.ref_cmd_sn = ref_cmd_sn;
    return abort;
  }

  Rig rig_;
  Initiator a_;
};

// ---- ABORT TASK
// -----------------------------------------------------------------------------------

TEST_F(TmfTest, AbortsATaskThatWaitsForData) {
  const ScsiCommand write = Write10(a_, 0, 16);
  a_.Send(write);
  const R2t r2t = a_.ExpectR2t();
  a_.Send(Abort(write, a_.cmd_sn - 1));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  EXPECT_EQ(rig_.Get(Count::kTasks), 0);
  // Its data is taken and forgotten.
  a_.Answer(r2t, Pattern(8192), 1000);
  EXPECT_TRUE(a_.Silent());
  EXPECT_EQ(rig_.Medium()[1], 0);
  EXPECT_EQ(a_.Run(TestUnitReady(a_)).status, 0);
  // Behind its end the tag is unknown again.
  DataOut stray;
  stray.initiator_task_tag = write.initiator_task_tag;
  stray.target_transfer_tag = r2t.target_transfer_tag;
  a_.Send(stray);
  EXPECT_EQ(a_.ExpectReject().reason, RejectReason::kInvalidPduField);
}

TEST_F(TmfTest, AbortsARunningTask) {
  const ScsiCommand read = Read10(a_, 0, 1, Lun(2));
  a_.Send(read);
  EXPECT_TRUE(a_.Silent(absl::Milliseconds(100)));
  a_.Send(Abort(read, a_.cmd_sn - 1));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  EXPECT_TRUE(a_.Silent(absl::Seconds(3)));
}

TEST_F(TmfTest, AbortsATaskThatWaitsForItsTurn) {
  const ScsiCommand missing = a_.Number(TestUnitReady(a_));
  const ScsiCommand early = TestUnitReady(a_);
  a_.Send(early);
  a_.Send(Abort(early, a_.cmd_sn - 1));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  a_.SendAsIs(missing);
  EXPECT_EQ(a_.ExpectScsiResponse().initiator_task_tag, missing.initiator_task_tag);
  EXPECT_EQ(a_.exp_cmd_sn, a_.cmd_sn) << "the aborted one was received";
  EXPECT_TRUE(a_.Silent());
}

// RFC 7143 §7.11, §11.6.1 b.
TEST_F(TmfTest, AbortOfACommandThatNeverCamePlugsTheHole) {
  const uint32_t hole = a_.cmd_sn++;
  const ScsiCommand next = TestUnitReady(a_);
  a_.Send(next);
  EXPECT_TRUE(a_.Silent());
  ScsiCommand lost = TestUnitReady(a_);
  a_.Send(Abort(lost, hole));
  // The one behind the hole runs; its response may come before or behind the other.
  bool complete = false;
  bool ran = false;
  for (int i = 0; i < 2; ++i) {
    const auto pdu = a_.Next();
    ASSERT_TRUE(pdu.has_value());
    if (pdu->opcode() == Opcode::kTaskManagementResponse) {
      complete =
          TaskManagementResponse::Decode(BhsView(pdu->bhs)).response == Code::kFunctionComplete;
    } else {
      ran = BhsView(pdu->bhs).initiator_task_tag() == next.initiator_task_tag;
    }
  }
  EXPECT_TRUE(complete);
  EXPECT_TRUE(ran);
  EXPECT_EQ(a_.exp_cmd_sn, a_.cmd_sn);
  // The command comes late: it is a duplicate.
  lost.cmd_sn = hole;
  a_.SendAsIs(lost);
  EXPECT_TRUE(a_.Silent());
}

TEST_F(TmfTest, AbortOfWhatDoesNotExist) {
  const ScsiCommand done = TestUnitReady(a_);
  a_.Run(done);
  a_.Send(Abort(done, a_.cmd_sn - 1));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kTaskDoesNotExist);
  a_.Send(Abort(TestUnitReady(a_), a_.exp_cmd_sn - 100));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kTaskDoesNotExist);
  // Within the window, but not before the request itself: it can't be on its way (§11.6.1 b).
  for (const uint32_t behind : {0u, 5u}) {
    a_.Send(Abort(TestUnitReady(a_), a_.cmd_sn + behind));
    EXPECT_EQ(a_.ExpectTmf().response, Code::kTaskDoesNotExist) << behind;
  }
  // A task of another logical unit isn't this one.
  const ScsiCommand write = Write10(a_, 0, 1);
  a_.Send(write);
  const R2t r2t = a_.ExpectR2t();
  TaskManagementRequest abort = Abort(write, a_.cmd_sn - 1);
  abort.lun = Lun(1);
  a_.Send(abort);
  EXPECT_EQ(a_.ExpectTmf().response, Code::kTaskDoesNotExist);
  a_.Answer(r2t, Pattern(512));
  EXPECT_EQ(a_.ExpectScsiResponse().status, 0);
}

// RFC7143-11.5.1-d
TEST_F(TmfTest, TaskManagementIsNotAborted) {
  a_.Send(Write10(a_, 0, 16));
  const R2t r2t = a_.ExpectR2t();
  const TaskManagementRequest reset = Tmf(a_, Function::kLogicalUnitReset);
  a_.Send(reset);
  TaskManagementRequest abort = Tmf(a_, Function::kAbortTask);
  abort.immediate = false;
  abort.referenced_task_tag = reset.initiator_task_tag;
  a_.Send(abort);
  auto response = a_.ExpectTmf();
  EXPECT_EQ(response.initiator_task_tag, abort.initiator_task_tag);
  EXPECT_EQ(response.response, Code::kFunctionRejected);
  a_.Answer(r2t, Pattern(8192));
  response = a_.ExpectTmf();
  EXPECT_EQ(response.initiator_task_tag, reset.initiator_task_tag);
  EXPECT_EQ(response.response, Code::kFunctionComplete);
}

// RFC7143-11.5.1-b: requests of every kind that is numbered.
TEST_F(TmfTest, AbortsWhateverElseWaitsForItsTurn) {
  const ScsiCommand missing = a_.Number(TestUnitReady(a_));
  NopOut ping;
  ping.initiator_task_tag = a_.NextTag();
  TextRequest text;
  text.initiator_task_tag = a_.NextTag();
  LogoutRequest logout;
  logout.initiator_task_tag = a_.NextTag();
  const uint32_t first = a_.cmd_sn;
  a_.Send(ping);
  a_.Send(text);
  a_.Send(logout);
  for (const uint32_t tag :
       {ping.initiator_task_tag, text.initiator_task_tag, logout.initiator_task_tag}) {
    TaskManagementRequest abort = Tmf(a_, Function::kAbortTask);
    abort.referenced_task_tag = tag;
    abort.ref_cmd_sn = first + tag - ping.initiator_task_tag;
    a_.Send(abort);
    EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  }
  a_.SendAsIs(missing);
  EXPECT_EQ(a_.ExpectScsiResponse().initiator_task_tag, missing.initiator_task_tag);
  EXPECT_EQ(a_.exp_cmd_sn, a_.cmd_sn) << "they were received";
  EXPECT_TRUE(a_.Silent()) << "none of them is answered";
}

// ---- several tasks
// --------------------------------------------------------------------------------

// RFC7143-11.5.1-c, 4.2.3.3-a: nobody offered TaskReporting.
TEST_F(TmfTest, GroupAbortsWaitForTheDataThatWasAskedFor) {
  for (const Function function : {Function::kAbortTaskSet, Function::kClearTaskSet,
                                  Function::kLogicalUnitReset, Function::kTargetWarmReset}) {
    SCOPED_TRACE(static_cast<int>(function));
    a_.Send(Write10(a_, 0, 16));
    const R2t r2t = a_.ExpectR2t();
    a_.Send(Tmf(a_, function));
    EXPECT_TRUE(a_.Silent());
    a_.Answer(r2t, Pattern(8192), 1024);
    EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
    EXPECT_TRUE(a_.Silent());
    EXPECT_EQ(rig_.Medium()[1], 0) << "an aborted write wrote";
    a_.ClearUnitAttentions();
  }
}

// RFC7143-4.2.3.3-c, 11.6.1-a
TEST_F(TmfTest, GroupAbortsWaitForEarlierCommands) {
  for (const Function function : {Function::kAbortTaskSet, Function::kLogicalUnitReset}) {
    SCOPED_TRACE(static_cast<int>(function));
    const ScsiCommand missing = a_.Number(Write10(a_, 0, 1));
    const ScsiCommand early = Write10(a_, 1, 1);
    a_.Send(early);
    a_.Send(Tmf(a_, function));
    EXPECT_TRUE(a_.Silent());
    a_.SendAsIs(missing);
    // Both writes now ask for data, or are ended before they do.
    std::optional<Received> pdu = a_.Next();
    while (pdu.has_value() && pdu->opcode() == Opcode::kR2t) {
      a_.Answer(R2t::Decode(BhsView(pdu->bhs)), Pattern(512));
      pdu = a_.Next();
    }
    ASSERT_TRUE(pdu.has_value());
    EXPECT_EQ(pdu->opcode(), Opcode::kTaskManagementResponse);
    EXPECT_EQ(rig_.Get(Count::kTasks), 0);
    a_.ClearUnitAttentions();
  }
}

// RFC7143-4.2.3.3-d
TEST_F(TmfTest, ResetsDontWaitForCommandsOfOthers) {
  const auto b = Other();
  ++b->cmd_sn;  // never comes
  b->Send(Write10(*b, 1, 1));
  a_.Send(Tmf(a_, Function::kLogicalUnitReset));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  EXPECT_TRUE(b->Silent());
}

TEST_F(TmfTest, TargetResetsPlugTheNumbers) {
  const uint32_t hole = a_.cmd_sn++;
  a_.Send(Write10(a_, 1, 1));
  a_.Send(Tmf(a_, Function::kTargetWarmReset));
  std::optional<Received> pdu = a_.Next();
  while (pdu.has_value() && pdu->opcode() == Opcode::kR2t) {
    a_.Answer(R2t::Decode(BhsView(pdu->bhs)), Pattern(1024));
    pdu = a_.Next();
  }
  ASSERT_TRUE(pdu.has_value());
  EXPECT_EQ(pdu->opcode(), Opcode::kTaskManagementResponse);
  EXPECT_EQ(a_.exp_cmd_sn, a_.cmd_sn);
  ScsiCommand late = TestUnitReady(a_);
  late.cmd_sn = hole;
  a_.SendAsIs(late);
  EXPECT_TRUE(a_.Silent());
}

// An immediate command has the number of the one behind it: only the order in which they came tells
// whether it was there before the request.
TEST_F(TmfTest, ImmediateCommandsAreAffectedIfTheyCameBefore) {
  ScsiCommand before = Write10(a_, 0, 1);
  before.immediate = true;
  a_.Send(before);
  const R2t r2t = a_.ExpectR2t();
  a_.Send(Tmf(a_, Function::kAbortTaskSet));
  EXPECT_TRUE(a_.Silent());
  a_.Answer(r2t, Pattern(512));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  EXPECT_TRUE(a_.Silent());
  EXPECT_EQ(rig_.Medium()[1], 0);
}

TEST_F(TmfTest, ImmediateCommandsThatCameBehindAreSpared) {
  a_.Send(Write10(a_, 0, 1));
  const R2t r2t = a_.ExpectR2t();
  a_.Send(Tmf(a_, Function::kAbortTaskSet));
  ScsiCommand behind = Write10(a_, 1, 1);
  behind.immediate = true;
  a_.Send(behind);
  const R2t its_r2t = a_.ExpectR2t();
  a_.Answer(r2t, Pattern(512));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  a_.Answer(its_r2t, Pattern(512));
  EXPECT_EQ(a_.ExpectScsiResponse().initiator_task_tag, behind.initiator_task_tag);
}

// One that came before a request, and has a higher number, is behind it all the same.
TEST_F(TmfTest, ImmediateCommandsOfHigherNumbersAreSpared) {
  const TaskManagementRequest abort = [this] {
    TaskManagementRequest request = Tmf(a_, Function::kAbortTaskSet);
    request.immediate = false;
    return a_.Number(request);
  }();
  ScsiCommand write = Write10(a_, 0, 1);
  write.immediate = true;
  a_.Send(write);
  const R2t r2t = a_.ExpectR2t();
  a_.SendAsIs(abort);
  EXPECT_EQ(a_.ExpectTmf().initiator_task_tag, abort.initiator_task_tag);
  a_.Answer(r2t, Pattern(512));
  EXPECT_EQ(a_.ExpectScsiResponse().initiator_task_tag, write.initiator_task_tag);
}

// All that wait for their turn, and not just the first of them.
TEST_F(TmfTest, AResetEndsAllThatWaitForTheirTurn) {
  const ScsiCommand missing = a_.Number(TestUnitReady(a_));
  for (int i = 0; i < 3; ++i) a_.Send(Write10(a_, 0, 1));
  TaskManagementRequest reset = Tmf(a_, Function::kLogicalUnitReset);
  reset.cmd_sn = missing.cmd_sn;
  a_.SendAsIs(reset);
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  EXPECT_EQ(rig_.Get(Count::kTasks), 0);
  a_.SendAsIs(missing);
  EXPECT_EQ(a_.ExpectScsiResponse().initiator_task_tag, missing.initiator_task_tag);
  EXPECT_TRUE(a_.Silent());
  EXPECT_EQ(a_.exp_cmd_sn, a_.cmd_sn);
}

TEST_F(TmfTest, FunctionsAreAnsweredEachInItsTime) {
  a_.Send(Write10(a_, 0, 1));
  const R2t r2t = a_.ExpectR2t();
  const TaskManagementRequest waits = Tmf(a_, Function::kAbortTaskSet);
  a_.Send(waits);
  EXPECT_TRUE(a_.Silent());
  const ScsiCommand read = Read10(a_, 0, 1, Lun(2));
  a_.Send(read);  // for a second
  TaskManagementRequest quick = Tmf(a_, Function::kClearTaskSet, Lun(2));
  quick.immediate = false;  // the slot of another immediate one isn't free
  a_.Send(quick);
  EXPECT_EQ(a_.ExpectTmf().initiator_task_tag, quick.initiator_task_tag);
  EXPECT_TRUE(a_.Silent()) << "the first still waits for its data";
  a_.Answer(r2t, Pattern(512));
  EXPECT_EQ(a_.ExpectTmf().initiator_task_tag, waits.initiator_task_tag);
}

// RFC7143-11.5.1-i
TEST_F(TmfTest, AbortTaskSetSparesOthers) {
  const auto b = Other();
  const ScsiCommand mine = Write10(a_, 0, 1);
  a_.Send(mine);
  const R2t my_r2t = a_.ExpectR2t();
  const ScsiCommand other_lun = Write10(a_, 0, 1, Lun(1));
  a_.Send(other_lun);
  const R2t lun1_r2t = a_.ExpectR2t();
  const ScsiCommand others = Write10(*b, 1, 1);
  b->Send(others);
  const R2t other_r2t = b->ExpectR2t();

  a_.Send(Tmf(a_, Function::kAbortTaskSet));
  // What comes behind it isn't its own, though it has the number of the request.
  const ScsiCommand later = Write10(a_, 2, 1);
  a_.Send(later);
  const R2t later_r2t = a_.ExpectR2t();
  EXPECT_EQ(later_r2t.initiator_task_tag, later.initiator_task_tag);
  EXPECT_TRUE(a_.Silent());
  a_.Answer(my_r2t, Pattern(512));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);

  a_.Answer(lun1_r2t, Pattern(512));
  EXPECT_EQ(a_.ExpectScsiResponse().initiator_task_tag, other_lun.initiator_task_tag);
  a_.Answer(later_r2t, Pattern(512 * 3));
  EXPECT_EQ(a_.ExpectScsiResponse().initiator_task_tag, later.initiator_task_tag);
  b->Answer(other_r2t, Pattern(512));
  EXPECT_EQ(b->ExpectScsiResponse().status, 0);
  EXPECT_EQ(b->Run(TestUnitReady(*b)).status, 0) << "no unit attention for others";
}

// RFC7143-4.2.3.2-b, -c, 4.2.3.3-g, 10.7-b, 11.5.1-e: one task set for all initiators (TST=0).
TEST_F(TmfTest, ClearTaskSetAndResetTakeAll) {
  for (const Function function : {Function::kClearTaskSet, Function::kLogicalUnitReset}) {
    SCOPED_TRACE(static_cast<int>(function));
    const auto b = Other();
    const ScsiCommand others = Write10(*b, 1, 1);
    b->Send(others);
    const R2t r2t = b->ExpectR2t();
    const ScsiCommand lun1 = Write10(*b, 1, 1, Lun(1));
    b->Send(lun1);
    const R2t lun1_r2t = b->ExpectR2t();
    a_.Send(Tmf(a_, function));
    EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
    // RFC 7143 §11.4.11: its place in the window is free again, and no response tells it.
    EXPECT_EQ(b->ExpectNopIn().initiator_task_tag, kNoTag);
    // Its data, asked for before, is taken silently.
    b->Answer(r2t, Pattern(1024));
    EXPECT_TRUE(b->Silent());
    EXPECT_EQ(b->Run(TestUnitReady(*b)).SenseCode(),
              function == Function::kClearTaskSet ? "6/2f/00" : "6/29/03");
    b->Answer(lun1_r2t, Pattern(1024));
    EXPECT_EQ(b->ExpectScsiResponse().initiator_task_tag, lun1.initiator_task_tag);
    a_.ClearUnitAttentions();
  }
}

// RFC7143-4.2.3.3-f
TEST_F(TmfTest, NoResponseOfAnAffectedTaskComesBehindTheTmfs) {
  // Running ones, and large reads whose data is being sent.
  std::vector<uint32_t> tags;
  for (int i = 0; i < 8; ++i) {
    const ScsiCommand slow = Read10(a_, 0, 1, Lun(2));
    tags.push_back(slow.initiator_task_tag);
    a_.Send(slow);
  }
  a_.Send(Tmf(a_, Function::kAbortTaskSet, Lun(2)));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  EXPECT_TRUE(a_.Silent(absl::Seconds(5)));

  for (int i = 0; i < 4; ++i) a_.Send(Read10(a_, 0, 4096));
  a_.Send(Tmf(a_, Function::kAbortTaskSet));
  int statuses = 0;
  while (const auto pdu = a_.Next()) {
    if (pdu->opcode() == Opcode::kTaskManagementResponse) break;
    if (DataIn::Decode(BhsView(pdu->bhs)).status_present) ++statuses;
  }
  if (const auto more = a_.Next(absl::Seconds(1))) {
    ADD_FAILURE() << "opcode " << static_cast<int>(more->opcode());
  }
  EXPECT_LE(statuses, 4);
  EXPECT_EQ(rig_.Get(Count::kTasks), 0);
}

// RFC7143-11.5.1-g
TEST_F(TmfTest, ColdResetEndsAllSessions) {
  const auto b = Other();
  a_.Send(Tmf(a_, Function::kTargetColdReset));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  EXPECT_TRUE(a_.WaitForClose(absl::Seconds(1)));
  EXPECT_TRUE(b->WaitForClose(absl::Seconds(1)));
  rig_.Elapse(absl::Milliseconds(1));
  EXPECT_EQ(rig_.Get(Count::kSessions), 0);
}

// RFC 7143 §7.6: nobody is left to answer.
TEST_F(TmfTest, FunctionsEndWithTheirConnection) {
  Initiator lost(&rig_, "iqn.2026-11.org.pushpull:lost");
  lost.Login({{{"DefaultTime2Retain", "20"}}});
  lost.ClearUnitAttentions();
  lost.Send(Write10(lost, 0, 1));
  lost.ExpectR2t();
  lost.Send(Tmf(lost, Function::kAbortTaskSet));
  EXPECT_TRUE(lost.Silent());
  lost.Reset();
  rig_.Elapse(absl::Milliseconds(1));

  Initiator back(&rig_, lost.name);
  back.isid = lost.isid;
  back.tsih = lost.tsih;
  back.cmd_sn = lost.cmd_sn;
  back.Login();
  back.ClearUnitAttentions();
  const TaskManagementRequest abort = Tmf(back, Function::kAbortTaskSet);
  back.Send(abort);
  EXPECT_EQ(back.ExpectTmf().initiator_task_tag, abort.initiator_task_tag);
  EXPECT_TRUE(back.Silent());
}

// ---- what is refused
// ------------------------------------------------------------------------------

// RFC7143-7.2.2-a; RFC7144-4.1-a: 9 to 12 are of iSCSIProtocolLevel 2.
TEST_F(TmfTest, Answers) {
  struct Case {
    int function;
    uint32_t lun;
    Code code;
  };
  const Case cases[] = {
      {2, 0, Code::kFunctionComplete},       {2, 255, Code::kLunDoesNotExist},
      {3, 0, Code::kFunctionNotSupported},   {4, 255, Code::kLunDoesNotExist},
      {5, 255, Code::kLunDoesNotExist},      {5, 300, Code::kFunctionComplete},
      {6, 255, Code::kFunctionComplete},     {8, 0, Code::kTaskAllegianceReassignmentNotSupported},
      {9, 0, Code::kFunctionNotSupported},   {12, 0, Code::kFunctionNotSupported},
      {0, 0, Code::kFunctionNotSupported},   {13, 0, Code::kFunctionNotSupported},
      {127, 0, Code::kFunctionNotSupported},
  };
  for (const Case& c : cases) {
    for (const bool immediate : {true, false}) {
      SCOPED_TRACE(::testing::Message() << c.function << " on " << c.lun);
      TaskManagementRequest request = Tmf(a_, static_cast<Function>(c.function), Lun(c.lun));
      request.immediate = immediate;
      a_.Send(request);
      const auto response = a_.ExpectTmf();
      EXPECT_EQ(response.response, c.code);
      EXPECT_EQ(response.initiator_task_tag, request.initiator_task_tag);
    }
  }
}

TEST_F(TmfTest, ARequestFarAheadIsRejected) {
  TaskManagementRequest request = Tmf(a_, Function::kAbortTaskSet);
  request.cmd_sn = a_.max_cmd_sn + 2;
  a_.SendAsIs(request);
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionRejected);
}

}  // namespace
}  // namespace pushpull::target::testing
