// The target over the simulated RDMA network, whatever its timing.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"

namespace pushpull::target {
namespace {

// Any timing of the network: the same bytes, and each read whole when its response comes.
fabric::SimRdmaOptions Rough() {
  fabric::SimRdmaDirection direction;
  direction.max_latency = absl::Milliseconds(1);
  direction.max_read_delay = absl::Milliseconds(1);
  direction.late_write_percent = 50;
  fabric::SimRdmaOptions options = fabric::SimRdmaOptions::Both(direction);
  options.max_completion_delay = absl::Milliseconds(1);
  options.random_batches = true;
  options.shuffle_completions = true;
  return options;
}
class IserSeedTest : public IserTest, public ::testing::WithParamInterface<uint64_t> {
 protected:
  IserSeedTest() : IserTest(GetParam(), Rough()) {}

  // So many commands at a time, each with a part of the buffer; what was sent to it last is
  // compared where `compare` is set.
  void Transfer(uint8_t opcode, bool compare) {
    const uint32_t first = tag_ + 1;
    for (uint32_t i = 0; i < kParts; ++i) {
      const size_t at = i * kPart;
      const bool write = opcode == 0x2a;
      const ByteVector immediate = write ? ByteVector(At(at), At(at) + i * 512) : ByteVector();
      IserControl control;
      (write ? control.write : control.read) = Buffer(at + immediate.size());
      Send(Command(opcode, i * 200, kPart / 512), immediate, control);
    }
    for (uint32_t i = 0; i < kParts; ++i) {
      const auto got = Next();
      ASSERT_TRUE(got.has_value());
      const Bhs bhs = got->bhs();
      ASSERT_EQ(BhsView(bhs).opcode(), Opcode::kScsiResponse);
      ASSERT_EQ(ScsiResponse::Decode(BhsView(bhs)).status, 0);
      if (!compare) continue;
      const uint32_t part = BhsView(bhs).initiator_task_tag() - first;
      ASSERT_LT(part, kParts);
      const ByteVector expected = Pattern(kPart, static_cast<uint8_t>(part));
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), At(part * kPart))) << part;
    }
  }

  static constexpr uint32_t kParts = 8;
  static constexpr size_t kPart = 160 * 512;
};

TEST_P(IserSeedTest, WhatIsWrittenIsReadBack) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  for (uint32_t i = 0; i < kParts; ++i) {
    std::ranges::copy(Pattern(kPart, static_cast<uint8_t>(i)), At(i * kPart));
  }
  ASSERT_NO_FATAL_FAILURE(Transfer(0x2a, false));
  std::fill(At(0), At(kBuffer), 0);
  ASSERT_NO_FATAL_FAILURE(Transfer(0x28, true));
  EXPECT_TRUE(GuardsAreWhole());
}
INSTANTIATE_TEST_SUITE_P(Seeds, IserSeedTest, ::testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace pushpull::target
