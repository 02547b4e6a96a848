// CmdSN, the command window, and StatSN (RFC 7143 §4.2.2).

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

NopOut Ping(Initiator& a, bool immediate = true) {
  NopOut ping;
  ping.immediate = immediate;
  ping.initiator_task_tag = a.NextTag();
  return ping;
}

class NumbersTest : public ::testing::Test {
 protected:
  void Start(RigOptions options = {}) {
    rig_ = std::make_unique<Rig>(options);
    a_ = std::make_unique<Initiator>(rig_.get());
    a_->Login();
    a_->ClearUnitAttentions();
  }
  Initiator& a() { return *a_; }

  std::unique_ptr<Rig> rig_;
  std::unique_ptr<Initiator> a_;
};

TEST_F(NumbersTest, CommandsRunInTheOrderOfTheirNumbers) {
  Start();
  const ByteVector data = Pattern(512);
  ScsiCommand write = Write10(a(), 0, 1);
  write.data_segment_length = 512;
  write.attr = TaskAttributeCode::kOrdered;
  write = a().Number(write);
  ScsiCommand read = Read10(a(), 0, 1);
  read.attr = TaskAttributeCode::kOrdered;
  a().Send(read);  // one ahead
  EXPECT_TRUE(a().Silent());
  a().SendAsIs(write, data);
  EXPECT_EQ(a().ExpectScsiResponse().initiator_task_tag, write.initiator_task_tag);
  ByteVector got;
  EXPECT_EQ(a().ExpectDataIn(&got).initiator_task_tag, read.initiator_task_tag);
  EXPECT_EQ(got, data);
}

TEST_F(NumbersTest, ExpCmdSnHasNoHoles) {
  Start();
  const uint32_t hole = a().cmd_sn++;
  a().Send(TestUnitReady(a()));
  a().Send(TestUnitReady(a()));
  a().Send(Ping(a()));
  EXPECT_EQ(a().ExpectNopIn().exp_cmd_sn, hole);
  ScsiCommand late = TestUnitReady(a());
  late.cmd_sn = hole;
  a().SendAsIs(late);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(a().ExpectScsiResponse().status, 0);
  EXPECT_EQ(a().exp_cmd_sn, hole + 3);
}

TEST_F(NumbersTest, ManyEarlyCommandsComeOutInOrder) {
  Start();
  std::vector<ScsiCommand> commands;
  for (int i = 0; i < 20; ++i) commands.push_back(a().Number(TestUnitReady(a())));
  for (int i = 19; i > 0; --i) a().SendAsIs(commands[i]);
  EXPECT_TRUE(a().Silent());
  a().SendAsIs(commands[0]);
  for (const ScsiCommand& command : commands) {
    EXPECT_EQ(a().ExpectScsiResponse().initiator_task_tag, command.initiator_task_tag);
  }
}

TEST_F(NumbersTest, WhatIsOutsideOfTheWindowIsIgnored) {
  Start();
  for (const uint32_t cmd_sn : {a().max_cmd_sn + 1, a().exp_cmd_sn - 1, a().exp_cmd_sn - 1000,
                                a().exp_cmd_sn + 0x7fffffff, a().exp_cmd_sn + 0x80000000}) {
    ScsiCommand command = TestUnitReady(a());
    command.cmd_sn = cmd_sn;
    a().SendAsIs(command);
    EXPECT_TRUE(a().Silent(absl::Milliseconds(100))) << cmd_sn;
  }
  // With data too: it is taken and forgotten.
  ScsiCommand write = Write10(a(), 0, 1);
  write.cmd_sn = a().exp_cmd_sn - 1;
  a().SendAsIs(write, Pattern(512));
  EXPECT_TRUE(a().Silent());
  EXPECT_EQ(rig_->Get(Count::kCommandsIgnored), 6);
  EXPECT_EQ(a().Run(TestUnitReady(a())).status, 0);
  EXPECT_EQ(rig_->Medium()[1], 0);
}

TEST_F(NumbersTest, DuplicatesInTheWindowAreIgnored) {
  Start();
  ScsiCommand first = a().Number(TestUnitReady(a()));
  ScsiCommand second = a().Number(TestUnitReady(a()));
  a().SendAsIs(second);
  a().SendAsIs(second);
  ScsiCommand other_tag = second;
  other_tag.initiator_task_tag = a().NextTag();
  a().SendAsIs(other_tag);
  a().SendAsIs(first);
  EXPECT_EQ(a().ExpectScsiResponse().initiator_task_tag, first.initiator_task_tag);
  EXPECT_EQ(a().ExpectScsiResponse().initiator_task_tag, second.initiator_task_tag);
  EXPECT_TRUE(a().Silent());
}

// RFC7143-4.2.2.1-l
TEST_F(NumbersTest, ATagInUseIsRejected) {
  Start();
  ScsiCommand write = Write10(a(), 0, 16);
  const ScsiCommand numbered = a().Number(write);
  a().SendAsIs(numbered);
  const R2t r2t = a().ExpectR2t();
  a().SendAsIs(numbered);  // a retry
  EXPECT_TRUE(a().Silent());
  ScsiCommand again = TestUnitReady(a());
  again.initiator_task_tag = write.initiator_task_tag;
  a().Send(again);
  EXPECT_EQ(a().ExpectReject().reason, RejectReason::kTaskInProgress);
  EXPECT_EQ(a().exp_cmd_sn, a().cmd_sn - 1) << "a rejected command wasn't received";
  --a().cmd_sn;
  a().Answer(r2t, Pattern(8192));
  EXPECT_EQ(a().ExpectScsiResponse().status, 0);
  EXPECT_EQ(a().Run(TestUnitReady(a())).status, 0);
}

TEST_F(NumbersTest, ImmediateRequestsUseNoNumber) {
  Start();
  for (int i = 0; i < 10; ++i) {
    a().Send(Ping(a()));
    EXPECT_EQ(a().ExpectNopIn().exp_cmd_sn, a().cmd_sn);
  }
  ScsiCommand immediate = TestUnitReady(a());
  immediate.immediate = true;
  EXPECT_EQ(a().Run(immediate).status, 0);
  EXPECT_EQ(a().exp_cmd_sn, a().cmd_sn);
  EXPECT_EQ(a().Run(TestUnitReady(a())).status, 0);
}

TEST_F(NumbersTest, NumbersWrap) {
  rig_ = std::make_unique<Rig>();
  a_ = std::make_unique<Initiator>(rig_.get());
  a().cmd_sn = 0xfffffff0;
  a().Login();
  a().ClearUnitAttentions();
  for (int i = 0; i < 200; ++i) ASSERT_EQ(a().Run(TestUnitReady(a())).status, 0);
  EXPECT_EQ(a().exp_cmd_sn, a().cmd_sn);
  EXPECT_LT(a().exp_cmd_sn, 1000u);
}

// RFC 7143 §4.2.2.1: one immediate task management request and one other are always taken.
TEST_F(NumbersTest, AFullWindowStillTakesImmediateRequests) {
  RigOptions options;
  options.node.queue_depth = 4;
  Start(options);
  std::vector<R2t> r2ts;
  std::vector<ScsiCommand> writes;
  for (int i = 0; i < 4; ++i) {
    writes.push_back(Write10(a(), i, 1));
    a().Send(writes.back());
    r2ts.push_back(a().ExpectR2t());
  }
  EXPECT_EQ(a().max_cmd_sn, a().exp_cmd_sn - 1) << "the window is closed";
  ScsiCommand one_more = a().Number(TestUnitReady(a()));
  a().SendAsIs(one_more);
  EXPECT_TRUE(a().Silent());
  NopOut ping = Ping(a());
  ping.cmd_sn = a().max_cmd_sn + 1;
  a().SendAsIs(ping);
  EXPECT_EQ(a().ExpectNopIn().initiator_task_tag, ping.initiator_task_tag);
  TaskManagementRequest abort = Tmf(a(), TaskManagementFunction::kAbortTask);
  abort.referenced_task_tag = writes[0].initiator_task_tag;
  abort.cmd_sn = a().max_cmd_sn + 1;
  a().SendAsIs(abort);
  const auto aborted = a().ExpectTmf();
  EXPECT_EQ(aborted.response, TaskManagementResponseCode::kFunctionComplete);
  EXPECT_EQ(aborted.max_cmd_sn, aborted.exp_cmd_sn) << "one place is free again";
  for (int i = 1; i < 4; ++i) {
    a().Answer(r2ts[i], Pattern(512));
    EXPECT_EQ(a().ExpectScsiResponse().status, 0);
  }
  EXPECT_EQ(a().max_cmd_sn, a().exp_cmd_sn + 3);
}

TEST_F(NumbersTest, TooManyImmediateRequestsAreRejected) {
  RigOptions options;
  options.node.queue_depth = 2;
  Start(options);
  // Each holds its place until its data came.
  std::vector<ScsiCommand> writes;
  for (int i = 0; i < 4; ++i) {
    ScsiCommand write = Write10(a(), i, 1);
    write.immediate = true;
    a().Send(write);
  }
  int rejected = 0;
  int r2ts = 0;
  for (int i = 0; i < 4; ++i) {
    const auto pdu = a().Next();
    ASSERT_TRUE(pdu.has_value());
    if (pdu->opcode() == Opcode::kR2t) ++r2ts;
    if (pdu->opcode() != Opcode::kReject) continue;
    ++rejected;
    EXPECT_EQ(target::Reject::Decode(BhsView(pdu->bhs)).reason,
              RejectReason::kImmediateCommandReject);
  }
  EXPECT_GE(r2ts, 1);
  EXPECT_GE(rejected, 1);
  EXPECT_EQ(r2ts + rejected, 4);
}

// RFC 7143 §11.4.11.
// RFC7143-11.4.11-a
TEST_F(NumbersTest, AWindowThatOpensUnaskedIsTold) {
  RigOptions options;
  options.node.queue_depth = 1;
  Start(options);
  a().Send(Write10(a(), 0, 16));
  a().ExpectR2t();
  EXPECT_EQ(a().max_cmd_sn, a().exp_cmd_sn - 1);
  Initiator b(rig_.get(), "iqn.2026-11.org.pushpull:other");
  b.Login();
  b.ClearUnitAttentions();
  b.Send(Tmf(b, TaskManagementFunction::kLogicalUnitReset));
  EXPECT_EQ(b.ExpectTmf().response, TaskManagementResponseCode::kFunctionComplete);
  const auto news = a().ExpectNopIn();
  EXPECT_EQ(news.initiator_task_tag, kNoTag);
  EXPECT_EQ(news.target_transfer_tag, kNoTag);
  EXPECT_EQ(news.max_cmd_sn, news.exp_cmd_sn);
  EXPECT_EQ(news.stat_sn, a().exp_stat_sn);
  EXPECT_EQ(a().Run(TestUnitReady(a())).SenseCode(), "6/29/03");
}

// RFC7143-11.7.3-d
TEST_F(NumbersTest, StatusesAreNumberedWithoutGaps) {
  Start();
  const uint32_t first = a().exp_stat_sn;
  a().Send(TestUnitReady(a()));
  EXPECT_EQ(a().ExpectScsiResponse().stat_sn, first);
  a().Send(Ping(a()));
  EXPECT_EQ(a().ExpectNopIn().stat_sn, first + 1);
  a().Send(Read10(a(), 0, 1));
  EXPECT_EQ(a().ExpectDataIn().stat_sn, first + 2);
  a().Send(Write10(a(), 0, 1));
  const R2t r2t = a().ExpectR2t();
  EXPECT_EQ(r2t.stat_sn, first + 3) << "an R2T doesn't advance it";
  a().Answer(r2t, Pattern(512));
  EXPECT_EQ(a().ExpectScsiResponse().stat_sn, first + 3);
  a().Send(SnackRequest{.initiator_task_tag = kNoTag});
  EXPECT_EQ(a().ExpectReject().stat_sn, first + 4);
  a().Send(Tmf(a(), TaskManagementFunction::kClearAca));
  EXPECT_EQ(a().ExpectTmf().stat_sn, first + 5);
}

}  // namespace
}  // namespace pushpull::target::testing
