// What a target counts of its sessions, for those who watch it.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

class SessionCountersTest : public ::testing::Test {
 protected:
  // What a counter has grown by since the last time that it was asked.
  int64_t More(Count count) {
    int64_t& before = seen_[static_cast<size_t>(count)];
    return rig_.Get(count) - std::exchange(before, rig_.Get(count));
  }
  void LogIn(const Keys& keys = {}) {
    a_.Login(keys);
    a_.ClearUnitAttentions();
    for (size_t i = 0; i < kCounts; ++i) More(static_cast<Count>(i));
  }
  int64_t Errors(Reason reason) {
    return rig_.target().Sum(
        [reason](const Counters& counters) { return counters.Errors(reason); });
  }

  Rig rig_;
  Initiator a_{&rig_};
  std::vector<int64_t> seen_ = std::vector<int64_t>(kCounts);
};

TEST_F(SessionCountersTest, DataInBothDirections) {
  LogIn();
  ScsiCommand write = Write10(a_, 0, 3);
  write.data_segment_length = 512;
  a_.Run(write, Pattern(1536));
  EXPECT_EQ(More(Count::kDataBytesReceived), 1536) << "immediate and solicited";
  a_.Run(Read10(a_, 0, 5));
  EXPECT_EQ(More(Count::kDataBytesSent), 5 * 512);
  EXPECT_EQ(More(Count::kDataBytesReceived), 0);
  a_.Send(NopOut{.immediate = true, .initiator_task_tag = a_.NextTag()}, Pattern(100));
  a_.ExpectNopIn();
  EXPECT_EQ(More(Count::kDataBytesReceived), 0) << "a ping has no data of tasks";
}

TEST_F(SessionCountersTest, TasksThatBeganAndThatWereAborted) {
  LogIn();
  a_.Send(Write10(a_, 0, 1));
  a_.ExpectR2t();
  EXPECT_EQ(More(Count::kTasksStarted), 1);
  Initiator b(&rig_, "iqn.2026-11.org.pushpull:other");
  b.Login();
  b.Send(Tmf(b, TaskManagementFunction::kClearTaskSet));
  b.ExpectTmf();
  EXPECT_EQ(More(Count::kTasksStarted), 1) << "the function";
  EXPECT_EQ(More(Count::kTasksAborted), 1);
}

TEST_F(SessionCountersTest, CommandsThatWereIgnored) {
  LogIn();
  ScsiCommand command = TestUnitReady(a_);
  command.cmd_sn = a_.max_cmd_sn + 1;
  a_.SendAsIs(command);
  EXPECT_TRUE(a_.Silent());
  EXPECT_EQ(More(Count::kCommandsIgnored), 1);
  // Data of a task that has ended is no command.
  const ScsiCommand write = Write10(a_, 0, 1);
  a_.Send(write);
  const R2t r2t = a_.ExpectR2t();
  TaskManagementRequest abort = Tmf(a_, TaskManagementFunction::kAbortTask);
  abort.referenced_task_tag = write.initiator_task_tag;
  a_.Send(abort);
  a_.ExpectTmf();
  a_.Answer(r2t, Pattern(512));
  EXPECT_TRUE(a_.Silent());
  EXPECT_EQ(More(Count::kCommandsIgnored), 0);
  EXPECT_EQ(More(Count::kDataBytesReceived), 0);
}

TEST_F(SessionCountersTest, RefusalsByTheirReason) {
  LogIn();
  DataOut stray;
  stray.initiator_task_tag = 0x1234;
  a_.Send(stray);
  a_.ExpectReject();
  EXPECT_EQ(Errors(Reason::kUnknownTask), 1);
  const ScsiCommand read = Read10(a_, 0, 1, Lun(2));
  a_.ClearUnitAttentions(Lun(2));
  a_.Send(read);  // takes a second
  stray.initiator_task_tag = read.initiator_task_tag;
  a_.Send(stray);
  a_.ExpectReject();
  EXPECT_EQ(Errors(Reason::kUnknownTransferTag), 1);
  EXPECT_EQ(Errors(Reason::kUnknownTask), 1);
  EXPECT_EQ(More(Count::kRejectsSent), 2);
}

TEST_F(SessionCountersTest, DigestErrors) {
  LogIn({{{"DataDigest", "CRC32C"}}});
  a_.SetDigests(false, true);
  ScsiCommand write = Write10(a_, 0, 2);
  write.data_segment_length = 512;
  a_.SendPdu({.bhs = a_.Number(write).Encode(),
              .ahs = {},
              .data = Pattern(512),
              .corrupt_data_digest = true});
  --a_.cmd_sn;
  a_.ExpectReject();
  EXPECT_EQ(More(Count::kDigestErrors), 1);
  a_.Send(Write10(a_, 0, 1));
  const R2t r2t = a_.ExpectR2t();
  DataOut out;
  out.lun = r2t.lun;
  out.initiator_task_tag = r2t.initiator_task_tag;
  out.target_transfer_tag = r2t.target_transfer_tag;
  a_.SendPdu({.bhs = a_.Number(out).Encode(),
              .ahs = {},
              .data = Pattern(512),
              .corrupt_data_digest = true});
  a_.ExpectReject();
  EXPECT_EQ(More(Count::kDigestErrors), 1);
  a_.ExpectScsiResponse();
}

}  // namespace
}  // namespace pushpull::target::testing
