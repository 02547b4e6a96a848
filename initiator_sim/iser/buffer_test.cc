#include "initiator_sim/iser/buffer.h"

#include <gtest/gtest.h>

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
  EXPECT_FALSE(buffer->MakeBind(&work));
}

TEST_F(IserBufferTest, AKeyThatIsTooShortHasNoGuards) {
  const std::unique_ptr<IserBuffer> buffer = Make(64, 10);
  fabric::RdmaWork work;
  ASSERT_TRUE(buffer->MakeBind(&work));
  EXPECT_EQ(work.bound.size(), 10u);
  EXPECT_EQ(work.bound.data(), buffer->data().data());
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
