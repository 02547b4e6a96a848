// The sense data of a SCSI Response where the length is the target's to choose (SPC-4 §4.5).

#include <algorithm>
#include <cstdint>
#include <set>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

constexpr uint64_t kSeeds = 60;

RigOptions Varied(uint64_t seed) {
  RigOptions options;
  options.node.seed = 2 * seed + 1;  // under which no unit attentions come in between
  options.node.legal_variation = seed;
  return options;
}

// The SenseLength and what follows it, of the first command's unit attention.
ByteVector SenseOf(uint64_t seed) {
  Rig rig(Varied(seed));
  Initiator a(&rig);
  LoginRequest login = a.MakeLogin();
  std::string text;
  auto response = a.LoginWith(login, a.LoginKeys(), &text);
  // It may take a few requests more.
  while (response.has_value() && response->status_class == 0 &&
         !(response->transit && response->next_stage == Stage::kFullFeaturePhase)) {
    response = a.LoginWith(login, {});
  }
  a.Send(TestUnitReady(a));
  while (const auto got = a.Next()) {
    if (got->opcode() == Opcode::kScsiResponse) return got->data;
  }
  return {};
}

TEST(SessionSenseTest, FixedFormatMayBeLonger) {
  constexpr size_t kDefined = 18;
  std::set<size_t> lengths;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const ByteVector data = SenseOf(seed);
    ASSERT_GE(data.size(), 2 + kDefined);
    const size_t bytes = base::LoadBe16(data.data());
    ASSERT_GE(data.size(), 2 + bytes) << "SenseLength";
    EXPECT_EQ(data[2], 0x70);
    EXPECT_EQ(data[4], 6) << "UNIT ATTENTION";
    EXPECT_EQ(data[2 + 7], bytes - 8) << "ADDITIONAL SENSE LENGTH";
    EXPECT_TRUE(std::all_of(data.begin() + 2 + kDefined, data.begin() + 2 + bytes,
                            [](uint8_t byte) { return byte == 0; }));
    lengths.insert(bytes);
  }
  EXPECT_TRUE(lengths.contains(kDefined));
  EXPECT_GT(lengths.size(), 5u);
}

}  // namespace
}  // namespace pushpull::target::testing
