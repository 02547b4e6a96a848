// How RDMA Reads and Writes of several commands share a connection, and how they end with their
// commands (RFC 7145 §7.3.5, §7.3.6, §8.2).

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"

namespace pushpull::target {
namespace {

constexpr absl::Duration kLatency = absl::Milliseconds(1);
constexpr uint32_t kOperation = 64 << 10;

fabric::SimRdmaOptions Slow(uint32_t read_segments = 32) {
  fabric::SimRdmaOptions options;
  options.to_connector.min_latency = options.to_connector.max_latency = kLatency;
  // What is sent meanwhile overtakes a read.
  options.to_connector.min_read_delay = options.to_connector.max_read_delay = kLatency;
  options.device.max_read_segments = read_segments;
  return options;
}

// A target whose requests take a while, and what RDMA Reads and Writes it makes.
class TransfersTest : public IserTest, private fabric::SimRdmaLog {
 protected:
  explicit TransfersTest(const fabric::SimRdmaOptions& options = Slow()) : IserTest(1, options) {
    rdma_.set_log(this);
  }
  ~TransfersTest() override { rdma_.set_log(nullptr); }

  // The initiator serves so many reads at a time.
  void LogInWithIrd(uint16_t ird) {
    Connect(IserDialect::kRfc7145);
    ASSERT_EQ(Login({"iSERHelloRequired=Yes"}, /*header=*/false).status_class, 0);
    const IserHeaderBytes hello = BuildIserHeader(IserHello{.ird = ird});
    SendBytes({hello.begin(), hello.end()});
    ASSERT_TRUE(Next().has_value());
    ScsiCommand ready;
    ready.initiator_task_tag = 2;
    Send(ready);
    ASSERT_TRUE(Next().has_value());
    moved_.clear();
  }
  // Compares what the initiator sends with what is there.
  ScsiCommand Verify(uint32_t lba, uint16_t blocks) {
    ScsiCommand verify = Command(0x2f, lba, blocks);
    verify.write = true;
    verify.cdb[1] = 0x02;  // BYTCHK
    return verify;
  }
  TaskManagementRequest AbortOf(uint32_t tag) {
    TaskManagementRequest abort;
    abort.immediate = true;
    abort.function = TaskManagementFunction::kAbortTask;
    abort.initiator_task_tag = ++tag_;
    abort.referenced_task_tag = tag;
    return abort;
  }
  // The response of task management, which must be the next message.
  void ExpectComplete() {
    const auto got = Next();
    ASSERT_TRUE(got.has_value());
    ASSERT_EQ(BhsView(got->bhs()).opcode(), Opcode::kTaskManagementResponse);
    EXPECT_EQ(TaskManagementResponse::Decode(BhsView(got->bhs())).response,
              TaskManagementResponseCode::kFunctionComplete);
  }

  struct Moved {
    absl::Time time;
    uint64_t offset;  // in the initiator's buffer
    uint64_t length;
  };
  std::vector<Moved> moved_;

 private:
  void OnOperation(const fabric::SimRdmaOperation& operation) override {
    if (operation.op != fabric::RdmaOp::kRead && operation.op != fabric::RdmaOp::kWrite) return;
    moved_.push_back({operation.time, operation.offset, operation.length});
  }
};

// RFC7145-5.1.3
TEST_F(TransfersTest, NoMoreReadsAtATimeThanTheInitiatorServes) {
  for (const uint16_t ird : {1, 2}) {
    ASSERT_NO_FATAL_FAILURE(LogInWithIrd(ird));
    Send(Command(0x2a, 0, 8 * kOperation / 512), {}, {.write = Buffer(0)});
    ASSERT_NO_FATAL_FAILURE(ExpectGood());
    ASSERT_EQ(moved_.size(), 8u);
    for (size_t i = ird; i < moved_.size(); ++i) {
      EXPECT_GE(moved_[i].time - moved_[i - ird].time, kLatency) << i;
    }
    EXPECT_LT(moved_[7].time - moved_[0].time, 8 * 3 * kLatency / ird) << "as many as it serves";
  }
}

TEST_F(TransfersTest, NoneHasAllOfTheConnection) {
  ASSERT_NO_FATAL_FAILURE(LogInWithIrd(1));
  constexpr uint32_t kBytes = 4 * kOperation;
  Send(Command(0x2a, 0, kBytes / 512), {}, {.write = Buffer(0)});
  Send(Command(0x2a, kBytes / 512, kBytes / 512), {}, {.write = Buffer(kBytes)});
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Next().has_value());
  ASSERT_EQ(moved_.size(), 8u);
  for (size_t i = 1; i < moved_.size(); ++i) {
    EXPECT_EQ(moved_[i].length, kOperation);
    EXPECT_NE(moved_[i].offset / kBytes, moved_[i - 1].offset / kBytes) << "they take turns";
  }
}

// RFC 7145 §5.1.1: who serves no reads can only send what needs none.
TEST_F(TransfersTest, WithoutReadsOnlyUnsolicitedDataIsTaken) {
  ASSERT_NO_FATAL_FAILURE(LogInWithIrd(0));
  const ByteVector data = Pattern(1024);
  Send(Command(0x2a, 0, 2), data);
  ASSERT_NO_FATAL_FAILURE(ExpectGood());
  EXPECT_EQ(worker_->counters().Errors(Reason::kTransportHeader), 0);
  Send(Command(0x2a, 0, 64), {}, {.write = Buffer(0)});
  EXPECT_TRUE(EndsSilently());
  EXPECT_EQ(worker_->counters().Errors(Reason::kTransportHeader), 1);
}

// Less than was announced, and nowhere to read the rest.
TEST_F(TransfersTest, WhatWasNotSentCanNotBeReadFromNowhere) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  ScsiCommand write = Command(0x2a, 0, 4);
  write.final = false;
  Send(write);
  DataOut out;
  out.initiator_task_tag = tag_;
  out.final = true;
  Send(out, Pattern(512));
  EXPECT_TRUE(EndsSilently());
  EXPECT_TRUE(moved_.empty());
  EXPECT_EQ(worker_->counters().Errors(Reason::kTransportHeader), 1);
}

// What was left of it is less than a block: nothing of that is written, or read.
TEST_F(TransfersTest, LessThanABlockIsNotRead) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  ScsiCommand write = Command(0x2a, 0, 2);
  write.expected_data_transfer_length = 700;
  Send(write, Pattern(512), {.write = Buffer(0)});
  ASSERT_TRUE(Next().has_value());
  EXPECT_TRUE(moved_.empty());
}

TEST_F(TransfersTest, MoreOperationsThanTheQueueHolds) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  for (int i = 0; i < 15; ++i) {
    if (i % 2 == 0) Send(Command(0x28, 0, 2048), {}, {.read = Buffer(0)});
    if (i % 2 == 1) Send(Command(0x2a, 2048, 2048), {}, {.write = Buffer(0)});
  }
  for (int i = 0; i < 15; ++i) {
    const auto got = Next();
    ASSERT_TRUE(got.has_value()) << i;
    EXPECT_EQ(BhsView(got->bhs()).opcode(), Opcode::kScsiResponse);
  }
}

// Through a buffer, behind what came with the command.
class StagedTransfersTest : public TransfersTest, public ::testing::WithParamInterface<uint32_t> {
 protected:
  StagedTransfersTest() : TransfersTest(Slow(GetParam())) {}
};

TEST_P(StagedTransfersTest, BelongBehindTheImmediateData) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  const ByteVector data = Pattern(600 * 512);
  std::ranges::copy(data, store_->Memory().begin() + 512);
  std::ranges::copy(data, At(0));
  for (const size_t immediate : {0, 8192}) {
    Send(Verify(1, 600), {data.begin(), data.begin() + static_cast<ptrdiff_t>(immediate)},
         {.write = Buffer(immediate)});
    ASSERT_NO_FATAL_FAILURE(ExpectGood());
  }
  store_->Memory()[600 * 512 + 511] ^= 1;
  Send(Verify(1, 600), {}, {.write = Buffer(0)});
  const auto got = Next();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(ScsiResponse::Decode(BhsView(got->bhs())).status, 2) << "the last byte differs";
}

// On iWARP a read has one segment.
INSTANTIATE_TEST_SUITE_P(Segments, StagedTransfersTest, ::testing::Values(1, 32));

// ---- ABORT TASK ---------------------------------------------------------------------------------

// What it has under way comes to its end, and nothing else begins; the answer waits for that, as
// the store's memory is being written.
TEST_F(TransfersTest, AnAbortWaitsForTheReadUnderWay) {
  ASSERT_NO_FATAL_FAILURE(LogInWithIrd(1));
  Send(Command(0x2a, 0, 8 * kOperation / 512), {}, {.write = Buffer(0)});
  const uint32_t tag = tag_;
  world_.RunFor(kLatency / 2);
  ASSERT_TRUE(moved_.empty());
  Send(AbortOf(tag));
  ASSERT_NO_FATAL_FAILURE(ExpectComplete());
  EXPECT_EQ(moved_.size(), 1u);
  world_.RunFor(20 * kLatency);
  EXPECT_EQ(moved_.size(), 1u);
}

TEST_F(TransfersTest, AnAbortOfWhatHasNotBegunIsAnsweredAtOnce) {
  for (const bool staged : {false, true}) {
    SCOPED_TRACE(staged);
    ASSERT_NO_FATAL_FAILURE(LogInWithIrd(1));
    constexpr uint32_t kBytes = 8 * kOperation;
    Send(Command(0x2a, 0, kBytes / 512), {}, {.write = Buffer(0)});
    const uint32_t first = tag_;
    Send(staged ? Verify(2048, 128) : Command(0x2a, 2048, 128), {}, {.write = Buffer(kBytes)});
    const uint32_t tag = tag_;
    world_.RunFor(kLatency / 2);
    Send(AbortOf(tag));
    ASSERT_NO_FATAL_FAILURE(ExpectComplete());
    EXPECT_LE(moved_.size(), 2u) << "the other one is still at it";
    const auto got = Next();
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(BhsView(got->bhs()).initiator_task_tag(), first);
    EXPECT_TRUE(std::ranges::all_of(moved_, [](const Moved& m) { return m.offset < kBytes; }));
  }
}

}  // namespace
}  // namespace pushpull::target
