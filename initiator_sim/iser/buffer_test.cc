#include "initiator_sim/iser/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/sim_world.h"

namespace pushpull::initiator_sim {
namespace {

class IserBufferTest : public ::testing::Test {
 protected:
  std::unique_ptr<IserBuffer> Make(size_t length, std::optional<size_t> key_length = std::nullopt) {
    auto buffer =
        IserBuffer::Create(network_.domain("host").get(),
                           {.name = "b", .length = length, .seed = 7, .key_length = key_length});
    EXPECT_TRUE(buffer.ok()) << buffer.status();
    return *std::move(buffer);
  }

  fabric::SimWorld world_{1};
  fabric::SimRdmaNetwork network_{&world_};
};

TEST_F(IserBufferTest, SeesWhatIsWrittenOutside) {
  const std::unique_ptr<IserBuffer> buffer = Make(100);
  EXPECT_EQ(buffer->GuardDamage(), "");
  buffer->data()[0] ^= 1;
  buffer->data()[99] ^= 1;
  EXPECT_EQ(buffer->GuardDamage(), "");
  buffer->data().data()[100] ^= 1;
  EXPECT_NE(buffer->GuardDamage().find("1 bytes outside buffer b (100 bytes) were written: the "
                                       "first 0 behind its end"),
            std::string::npos)
      << buffer->GuardDamage();
  buffer->data().data()[-1] ^= 1;
  EXPECT_NE(buffer->GuardDamage().find("the first 1 before its beginning, the last 0 behind"),
            std::string::npos)
      << buffer->GuardDamage();
}

// From the first byte of the one guard to the last of the other, and how many.
TEST_F(IserBufferTest, SeesEachByteOfTheGuards) {
  const auto damage = [this](const std::vector<int64_t>& offsets) {
    const std::unique_ptr<IserBuffer> buffer = Make(100);
    for (const int64_t at : offsets) buffer->data().data()[at] ^= 1;
    return buffer->GuardDamage();
  };
  const std::string one = "1 bytes outside buffer b (100 bytes) were written: the first ";
  EXPECT_EQ(damage({-4096}), one + "4096 before its beginning");
  EXPECT_EQ(damage({-1}), one + "1 before its beginning");
  EXPECT_EQ(damage({100}), one + "0 behind its end");
  EXPECT_EQ(damage({100 + 4095}), one + "4095 behind its end");
  EXPECT_EQ(damage({-3, -2, 50, 101, 107}),
            "4 bytes outside buffer b (100 bytes) were written: the first 3 before its beginning, "
            "the last 7 behind its end");
  EXPECT_EQ(damage({102, 103}),
            "2 bytes outside buffer b (100 bytes) were written: the first 2 behind its end, "
            "the last 3 behind its end");
}

// Eight bytes together are a hole, or four at the end.
TEST_F(IserBufferTest, KnowsHolesFromChance) {
  const struct {
    size_t begin, end;            // what is asked about
    size_t hole_begin, hole_end;  // what wasn't written
    size_t found;
  } kCases[] = {
      {0, 64, 20, 27, 64},  // seven in the midst
      {0, 64, 20, 28, 20}, {0, 64, 20, 40, 20}, {0, 64, 0, 8, 0},    {0, 64, 0, 7, 64},
      {0, 64, 56, 64, 56}, {0, 64, 57, 64, 57}, {0, 64, 60, 64, 60}, {0, 64, 61, 64, 64},
      {8, 20, 0, 16, 8},   {8, 20, 0, 15, 20},  {8, 20, 14, 30, 14}, {8, 20, 17, 30, 20},
      {8, 12, 0, 64, 8},   {8, 12, 0, 11, 12},  {8, 12, 9, 64, 12},  {8, 11, 0, 64, 11},
      {8, 8, 0, 64, 8},    {8, 15, 8, 15, 8},   {8, 15, 9, 15, 9},   {0, 64, 64, 64, 64},
  };
  for (const auto& c : kCases) {
    const std::unique_ptr<IserBuffer> buffer = Make(64);
    for (size_t i = 0; i < 64; ++i) {
      if (i < c.hole_begin || i >= c.hole_end) buffer->data()[i] ^= 0x55;
    }
    EXPECT_EQ(buffer->FirstUnwritten(c.begin, c.end), c.found)
        << c.begin << " to " << c.end << ", hole " << c.hole_begin << " to " << c.hole_end;
    EXPECT_EQ(buffer->WrittenEnd(), c.hole_end == 64 ? c.hole_begin : 64u);
  }
}

TEST_F(IserBufferTest, TellsWhatWasWritten) {
  const std::unique_ptr<IserBuffer> buffer = Make(64);
  EXPECT_EQ(buffer->WrittenEnd(), 0u);
  EXPECT_EQ(buffer->FirstUnwritten(0, 64), 0u);
  for (size_t i = 0; i < 24; ++i) buffer->data()[i] ^= 0x55;
  EXPECT_EQ(buffer->WrittenEnd(), 24u);
  EXPECT_EQ(buffer->FirstUnwritten(0, 24), 24u);
  EXPECT_EQ(buffer->FirstUnwritten(0, 64), 24u);
  // A byte that happens to be what was there before is no hole.
  buffer->data()[10] ^= 0x55;
  EXPECT_EQ(buffer->FirstUnwritten(0, 24), 24u);
  // Four at the end are one.
  for (size_t i = 24; i < 60; ++i) buffer->data()[i] ^= 0x55;
  EXPECT_EQ(buffer->FirstUnwritten(0, 64), 60u);
  buffer->data()[60] ^= 0x55;
  EXPECT_EQ(buffer->FirstUnwritten(0, 64), 64u);
  buffer->data()[24] ^= 0x55;
  // And fewer may be as they were by chance.
  EXPECT_EQ(buffer->FirstUnwritten(24, 25), 25u);
}

TEST_F(IserBufferTest, BindsOnce) {
  const std::unique_ptr<IserBuffer> buffer = Make(64);
  fabric::RdmaWork work;
  const uint32_t next = buffer->next_key();
  ASSERT_TRUE(buffer->MakeBind(&work));
  EXPECT_EQ(work.op, fabric::RdmaOp::kBindWindow);
  EXPECT_EQ(work.bound.size(), 64 + 2 * IserBuffer::kGuardBytes);
  EXPECT_EQ(buffer->key(), next);
  EXPECT_EQ(buffer->next_key(), next);
  EXPECT_FALSE(work.signalled);
  EXPECT_EQ(work.rights, fabric::RdmaRights::kRemoteWrite);
  EXPECT_NE(work.window, nullptr);
  EXPECT_NE(work.memory, nullptr);
  EXPECT_FALSE(buffer->MakeBind(&work));
  EXPECT_FALSE(buffer->released());
  const std::unique_ptr<IserBuffer> gone = Make(64);
  gone->Release();
  EXPECT_FALSE(gone->MakeBind(&work));
}

TEST_F(IserBufferTest, AKeyThatIsTooShortHasNoGuards) {
  const std::unique_ptr<IserBuffer> buffer = Make(64, 10);
  fabric::RdmaWork work;
  ASSERT_TRUE(buffer->MakeBind(&work));
  EXPECT_EQ(work.bound.size(), 10u);
  EXPECT_EQ(work.bound.data(), buffer->data().data());
  const std::unique_ptr<IserBuffer> none = Make(64, 0);
  ASSERT_TRUE(none->MakeBind(&work));
  EXPECT_EQ(work.bound.size(), 1u) << "no region is empty";
}

TEST_F(IserBufferTest, OffsetsCountFromTheBuffer) {
  const std::unique_ptr<IserBuffer> buffer = Make(64);
  EXPECT_EQ(buffer->OffsetOf(buffer->address() + 3), 3);
  EXPECT_EQ(buffer->OffsetOf(buffer->address() - 3), -3);
  EXPECT_TRUE(buffer->Holds(buffer->data().data()));
  buffer->Release();
  EXPECT_TRUE(buffer->released());
}

}  // namespace
}  // namespace pushpull::initiator_sim
