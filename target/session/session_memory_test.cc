// The memory that a session's data may take, and what goes on while it is used up.

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/session/data_buffer.h"
#include "target/session/testing/data_fixture.h"

namespace pushpull::target::testing {
namespace {

constexpr uint32_t kChunk = BufferPool::kLargeBytes;
constexpr uint32_t kBlocks = kChunk / 512;

class SessionMemoryTest : public DataTest {
 protected:
  void StartWith(uint64_t session_bytes, uint64_t all_bytes) {
    RigOptions options;
    options.node.session_buffer_bytes = session_bytes;
    options.node.buffer_bytes = all_bytes;
    Start({{"MaxBurstLength", "131072"}, {"FirstBurstLength", "8192"}, {"InitialR2T", "No"}},
          options);
    a().ClearUnitAttentions(Lun(2));
  }
  // All memory that there is, for a second.
  void UseUp() {
    ScsiCommand read = Read10(a(), 0, 2 * kBlocks, Lun(2));
    read.immediate = true;
    a().Send(read);
    rig_->Elapse(absl::Milliseconds(1));
    ASSERT_EQ(rig_->Get(Count::kBufferBytes), 2 * kChunk);
  }
  int64_t Received() { return rig_->Get(Count::kPdusReceived); }
};

TEST_F(SessionMemoryTest, IsUsedUpToTheLimit) {
  StartWith(2 * kChunk, 1 << 30);
  const ByteVector data = Pattern(kChunk);
  ScsiCommand writes[] = {Write10(a(), 0, kBlocks), Write10(a(), 0, kBlocks),
                          Write10(a(), 0, kBlocks)};
  for (const ScsiCommand& write : writes) a().Send(write);
  const R2t first = a().ExpectR2t();
  EXPECT_EQ(a().ExpectR2t().initiator_task_tag, writes[1].initiator_task_tag);
  EXPECT_TRUE(a().Silent()) << "the third waits";
  a().Answer(first, data, 8192);
  EXPECT_EQ(a().ExpectScsiResponse().initiator_task_tag, first.initiator_task_tag);
  EXPECT_EQ(a().ExpectR2t().initiator_task_tag, writes[2].initiator_task_tag);
}

// Where there is some left, but not enough, what another session gives back is for who waits.
TEST_F(SessionMemoryTest, WhatOthersGiveBackIsUsed) {
  StartWith(1 << 30, 2 * kChunk + kChunk / 2);
  Initiator b(rig_.get(), "iqn.2026-11.org.pushpull:other");
  b.Login({{{"MaxBurstLength", "131072"}}});
  b.ClearUnitAttentions();
  b.Send(Write10(b, 0, kBlocks));
  b.ExpectR2t();
  a().Send(Write10(a(), 0, kBlocks));
  a().ExpectR2t();
  const ScsiCommand waiting = Write10(a(), 0, kBlocks);
  a().Send(waiting);
  EXPECT_TRUE(a().Silent());
  b.Reset();
  EXPECT_EQ(a().ExpectR2t().initiator_task_tag, waiting.initiator_task_tag);
}

// Whoever has none of it yet gets on, a command at a time.
TEST_F(SessionMemoryTest, NewSessionsArePromisedOneCommand) {
  StartWith(1 << 30, 2 * kChunk);
  UseUp();
  Initiator b(rig_.get(), "iqn.2026-11.org.pushpull:other");
  b.Login();
  EXPECT_EQ(b.max_cmd_sn, b.cmd_sn);
  b.ClearUnitAttentions();
  EXPECT_EQ(b.max_cmd_sn, b.cmd_sn);
}

// ---- what is read all the same, as it sets memory free --------------------------------------

TEST_F(SessionMemoryTest, WithoutDataThatIsDueNothingIsRead) {
  StartWith(1 << 30, 2 * kChunk);
  UseUp();
  const int64_t before = Received();
  a().Send(NopOut{.immediate = true});
  rig_->Elapse(absl::Milliseconds(100));
  EXPECT_EQ(Received(), before);
}

TEST_F(SessionMemoryTest, TheRestOfACommandIsRead) {
  StartWith(1 << 30, 2 * kChunk);
  ScsiCommand read = Read10(a(), 0, 2 * kBlocks, Lun(2));
  ScsiCommand write = Write10(a(), 0, 8);
  write.data_segment_length = 4096;
  ByteVector bytes = a().Encode({.bhs = a().Number(read).Encode(), .ahs = {}, .data = {}});
  const ByteVector more =
      a().Encode({.bhs = a().Number(write).Encode(), .ahs = {}, .data = Pattern(4096)});
  bytes.insert(bytes.end(), more.begin(), more.end());
  const int64_t before = Received();
  a().SendBytes({bytes.data(), bytes.size() - 1000});
  rig_->Elapse(absl::Milliseconds(10));
  EXPECT_EQ(Received(), before + 1);
  a().SendBytes({bytes.data() + bytes.size() - 1000, 1000});
  EXPECT_EQ(a().ExpectScsiResponse().initiator_task_tag, write.initiator_task_tag);
}

// Of a write that has failed, and of one whose turn hasn't come.
TEST_F(SessionMemoryTest, UnsolicitedDataIsRead) {
  for (const bool early : {false, true}) {
    SCOPED_TRACE(early);
    StartWith(1 << 30, 2 * kChunk);
    if (early) ++a().cmd_sn;
    ScsiCommand write = Write10(a(), early ? 0 : 0xffffff00, 8);
    write.final = false;
    a().Send(write);
    UseUp();
    const int64_t before = Received();
    a().Send(Unsolicited(write, 0, /*final=*/true), Pattern(4096));
    rig_->Elapse(absl::Milliseconds(100));
    EXPECT_EQ(Received(), before + 1);
  }
}

}  // namespace
}  // namespace pushpull::target::testing
