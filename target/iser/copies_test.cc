// How often the bytes of a command are copied on their way between the initiator's memory and a
// store in memory: immediate and unsolicited data once, from the slot into the store; what RDMA
// moves, not at all.

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"
#include "target/session/counters.h"

namespace pushpull::target {
namespace {

struct Moved {
  uint64_t copied;  // by the store
  int64_t from_slots;
  int64_t spilled;
  int64_t staged;
  int64_t in_place;
  friend bool operator==(const Moved&, const Moved&) = default;
};
std::ostream& operator<<(std::ostream& os, const Moved& moved) {
  return os << "copied " << moved.copied << ", from slots " << moved.from_slots << ", spilled "
            << moved.spilled << ", staged " << moved.staged << ", in place " << moved.in_place;
}

class IserCopiesTest : public IserTest {
 protected:
  void LogIn() {
    ASSERT_NO_FATAL_FAILURE(IserTest::LogIn());
    before_ = Now();
  }
  Moved Now() const {
    const Counters& counters = worker_->counters();
    return {store_->bytes_copied(), counters.Get(Count::kBytesFromSlots),
            counters.Get(Count::kBytesSpilled), counters.Get(Count::kBytesStaged),
            counters.Get(Count::kBytesInPlace)};
  }
  // Since the login.
  Moved Since() const {
    const Moved now = Now();
    return {now.copied - before_.copied, now.from_slots - before_.from_slots,
            now.spilled - before_.spilled, now.staged - before_.staged,
            now.in_place - before_.in_place};
  }
  // A write of 64 blocks: so much comes with the command, so much in Data-Out, the rest by RDMA.
  void Write(size_t immediate, size_t unsolicited) {
    const ByteVector data = Pattern(64 * 512);
    std::ranges::copy(data, At(0));
    ScsiCommand write = Command(0x2a, 1, 64);
    write.final = unsolicited == 0;
    const auto begin = data.begin();
    const auto end_of_immediate = begin + static_cast<ptrdiff_t>(immediate);
    IserControl control;
    const size_t sent = immediate + unsolicited;
    if (sent < data.size()) control.write = Buffer(sent);  // as Linux has it
    Send(write, {begin, end_of_immediate}, control);
    size_t offset = immediate;
    for (uint32_t data_sn = 0; offset < sent; ++data_sn) {
      const size_t bytes = std::min<size_t>(8192, sent - offset);
      DataOut out;
      out.initiator_task_tag = tag_;
      out.data_sn = data_sn;
      out.buffer_offset = static_cast<uint32_t>(offset);
      out.final = offset + bytes == sent;
      const auto from = begin + static_cast<ptrdiff_t>(offset);
      Send(out, {from, from + static_cast<ptrdiff_t>(bytes)});
      offset += bytes;
    }
    ASSERT_NO_FATAL_FAILURE(ExpectGood());
    EXPECT_TRUE(std::equal(data.begin(), data.end(), store_->Memory().begin() + 512));
  }

  Moved before_ = {};
};

TEST_F(IserCopiesTest, ReadsAreWrittenFromTheStore) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  const ByteVector data = Pattern(300 * 512);
  std::ranges::copy(data, store_->Memory().begin() + 8 * 512);
  Send(Command(0x28, 8, 300), {}, {.read = Buffer(0)});
  ASSERT_NO_FATAL_FAILURE(ExpectGood());
  EXPECT_TRUE(std::equal(data.begin(), data.end(), At(0)));
  EXPECT_EQ(Since(), (Moved{0, 0, 0, 0, 300 * 512}));
}

TEST_F(IserCopiesTest, SolicitedWritesAreReadIntoTheStore) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  ASSERT_NO_FATAL_FAILURE(Write(0, 0));
  EXPECT_EQ(Since(), (Moved{0, 0, 0, 0, 64 * 512}));
}

TEST_F(IserCopiesTest, ImmediateDataIsCopiedOnce) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  ASSERT_NO_FATAL_FAILURE(Write(8192, 0));
  EXPECT_EQ(Since(), (Moved{8192, 8192, 0, 0, 64 * 512 - 8192}));
}

TEST_F(IserCopiesTest, UnsolicitedDataIsCopiedOnce) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  ASSERT_NO_FATAL_FAILURE(Write(4096, 12288));
  EXPECT_EQ(Since(), (Moved{16384, 16384, 0, 0, 64 * 512 - 16384}));
}

// The device has these pages' addresses: were they exchanged for others, it would go on with the
// old ones. So they are overwritten.
TEST_F(IserCopiesTest, WhatIsUnmappedKeepsItsPages) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  ASSERT_NO_FATAL_FAILURE(Write(0, 0));
  ByteVector list(24);
  list[1] = 22;
  list[3] = 16;
  list[19] = 128;  // all of the blocks from 0 on
  ScsiCommand unmap = Command(0x42, 0, 0);
  unmap.read = false;
  unmap.write = true;
  unmap.expected_data_transfer_length = 24;
  unmap.cdb = {0x42, 0, 0, 0, 0, 0, 0, 0, 24};
  Send(unmap, list);
  ASSERT_NO_FATAL_FAILURE(ExpectGood());
  const base::MutableBytes unmapped = store_->Memory().first(128 * 512);
  std::vector<unsigned char> pages(unmapped.size() / 4096);
  ASSERT_EQ(mincore(unmapped.data(), unmapped.size(), pages.data()), 0);
  for (size_t i = 0; i <= 64 / 8; ++i) EXPECT_EQ(pages[i] & 1, 1) << "page " << i << " is gone";
  EXPECT_TRUE(std::ranges::all_of(unmapped, [](uint8_t byte) { return byte == 0; }));
  EXPECT_FALSE(store_->ExtentAt(0).mapped);
  ASSERT_NO_FATAL_FAILURE(Write(0, 0));
}

// Blocks that no whole one came for stay as they are: RDMA reads nothing beyond them.
TEST_F(IserCopiesTest, HalfABlockIsNotTouched) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  std::ranges::fill(store_->Memory().first(4096), uint8_t{0x77});
  ScsiCommand write = Command(0x2a, 0, 2);
  write.expected_data_transfer_length = 700;
  Send(write, {}, {.write = Buffer(0)});
  ASSERT_TRUE(Next().has_value());
  EXPECT_EQ(store_->Memory()[511], 0xee);
  EXPECT_EQ(store_->Memory()[512], 0x77);
}

// Other data than blocks goes through a registered buffer.
TEST_F(IserCopiesTest, ParametersAreStaged) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  ScsiCommand inquiry = Command(0x12, 0, 0);
  inquiry.read = true;
  inquiry.expected_data_transfer_length = 96;
  inquiry.cdb = {0x12, 0, 0, 0, 96};
  Send(inquiry, {}, {.read = Buffer(0)});
  ASSERT_NO_FATAL_FAILURE(ExpectGood());
  EXPECT_EQ(Since(), (Moved{0, 0, 0, 96, 0}));
  EXPECT_EQ(*At(4), 91) << "the additional length";
}

// While slots are short, unsolicited data is copied out of them, and the write is right all the
// same.
TEST_F(IserCopiesTest, SlotsAreGivenBackWhereTheyAreShort) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  std::vector<uint32_t> tags;
  const ByteVector data = Pattern(16384);
  // As many commands as the window takes, each waiting for the rest of its data.
  for (uint32_t i = 0; i < 15; ++i) {
    ScsiCommand write = Command(0x2a, i * 32, 32);
    write.final = false;
    Send(write);
    tags.push_back(tag_);
  }
  for (uint32_t sn = 0; sn < 16; ++sn) {
    for (const uint32_t tag : tags) {
      DataOut out;
      out.initiator_task_tag = tag;
      out.data_sn = sn;
      out.buffer_offset = sn * 1024;
      out.final = sn == 15;
      const auto from = data.begin() + sn * 1024;
      Send(out, {from, from + 1024});
    }
    world_.RunFor(absl::Milliseconds(10));
  }
  for (size_t i = 0; i < tags.size(); ++i) ASSERT_TRUE(Next().has_value());
  for (uint32_t i = 0; i < 15; ++i) {
    EXPECT_TRUE(std::equal(data.begin(), data.end(), store_->Memory().begin() + i * 16384)) << i;
  }
  const Moved moved = Since();
  EXPECT_GT(moved.spilled, 0);
  EXPECT_GT(moved.from_slots, 0);
  EXPECT_EQ(moved.spilled + moved.from_slots, 15 * 16384);
}

}  // namespace
}  // namespace pushpull::target
