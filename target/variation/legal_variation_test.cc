#include "target/variation/legal_variation.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/negotiation/text.h"
#include "target/variation/target_choices.h"

namespace pushpull::target {
namespace {

constexpr uint64_t kSeeds = 300;

TEST(LegalVariationTest, TheSameSeedChoosesTheSame) {
  LegalVariation one(7), other(7), third(8);
  EXPECT_EQ(one.login.InitialStatSn(), other.login.InitialStatSn());
  EXPECT_EQ(one.session.TransferTag(3), other.session.TransferTag(3));
  EXPECT_NE(one.session.TransferTag(3), third.session.TransferTag(3));
}

TEST(LegalVariationTest, StatSnBeginsAtTheWrapAtZeroAndAnywhere) {
  bool wraps = false, turns = false, zero = false, anywhere = false;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const uint32_t first = LegalVariation(seed).login.InitialStatSn();
    const bool near_wrap = first >= 0xfffffff0;
    const bool near_turn = first >= 0x7ffffff0 && first < 0x80000000;
    wraps |= near_wrap;
    turns |= near_turn;
    zero |= first == 0;
    anywhere |= first != 0 && !near_wrap && !near_turn;
  }
  EXPECT_TRUE(wraps && turns && zero && anywhere);
}

TEST(LegalVariationTest, AWindowIsNeverClosedNorWiderThanItMayBe) {
  std::set<uint32_t> windows;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    LegalVariation varied(seed);
    for (int i = 0; i < 50; ++i) windows.insert(varied.session.Window(5));
    EXPECT_EQ(varied.session.Window(1), 1u);
  }
  EXPECT_EQ(windows, (std::set<uint32_t>{1, 2, 3, 4, 5}));
}

TEST(LegalVariationTest, AWindowThatIsClosedOpensSoon) {
  int sessions = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    LegalVariation varied(seed);
    bool closes = false;
    for (int i = 0; i < 100; ++i) {
      const absl::Duration closed = varied.session.ClosedFor();
      closes |= closed > absl::ZeroDuration();
      EXPECT_LE(closed, absl::Milliseconds(20));
    }
    sessions += closes ? 1 : 0;
  }
  EXPECT_GT(sessions, 50);
  EXPECT_LT(sessions, 250) << "there are targets whose window is never closed";
}

TEST(LegalVariationTest, TransferTagsDiffer) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const LegalVariation varied(seed);
    std::set<uint32_t> tags;
    for (uint32_t i = 0; i < 1000; ++i) tags.insert(varied.session.TransferTag(i));
    EXPECT_EQ(tags.size(), 1000u);
  }
}

// A login's text comes in few parts more than it needs, and none of them is empty.
TEST(LegalVariationTest, TextInParts) {
  std::set<size_t> counts;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    LegalVariation varied(seed);
    size_t left = 300, parts = 0;
    for (; left > 0; ++parts) {
      const size_t part = std::min(left, varied.login.Part(left, 8192));
      ASSERT_GT(part, 0u);
      left -= part;
    }
    counts.insert(parts);
  }
  EXPECT_EQ(counts, (std::set<size_t>{1, 2, 3, 4}));
}

std::vector<std::string> Sorted(std::string_view text) {
  std::vector<std::string> pairs;
  const auto parsed = ParseText(text);
  for (const KeyValue& pair : *parsed) {
    pairs.push_back(std::string(pair.key) + "=" + std::string(pair.value));
  }
  std::ranges::sort(pairs);
  return pairs;
}

std::string Text(const std::vector<std::string>& pairs) {
  std::string text;
  for (const std::string& pair : pairs) text += pair + std::string(1, '\0');
  return text;
}

TEST(TextFormTest, OnlyOrderAndNumbersChange) {
  const std::string words = Text({"HeaderDigest=None,CRC32C", "InitialR2T=Yes", "TargetAlias=10",
                                  "MaxBurstLength=Reject", "X-a=12"});
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::string varied = LegalVariation(seed).login.Written(words);
    EXPECT_EQ(Sorted(varied), Sorted(words));
    orders.insert(varied);
  }
  EXPECT_GT(orders.size(), 50u);
}

TEST(TextFormTest, NumbersInAnyNotation) {
  std::set<std::string> lengths, tags;
  for (uint64_t seed = 0; seed < 10 * kSeeds; ++seed) {
    LegalVariation varied(seed);
    lengths.insert(varied.login.Written(Text({"MaxBurstLength=2748"})));
    tags.insert(varied.login.Written(Text({"TargetPortalGroupTag=1"})));
  }
  for (const char* value : {"2748", "0xabc", "0xABC", "0XaBc", "0x00abc"}) {
    EXPECT_TRUE(lengths.contains(Text({std::string("MaxBurstLength=") + value}))) << value;
  }
  EXPECT_EQ(tags, (std::set<std::string>{Text({"TargetPortalGroupTag=1"}),
                                         Text({"TargetPortalGroupTag=0x0001"}),
                                         Text({"TargetPortalGroupTag=0X0001"})}));
}

TEST(TextFormTest, ChapInAnyNotation) {
  std::set<std::string> numbers, binaries;
  for (uint64_t seed = 0; seed < 10 * kSeeds; ++seed) {
    LegalVariation varied(seed);
    numbers.insert(varied.login.Written(Text({"CHAP_I=171"})));
    binaries.insert(varied.login.Written(Text({"CHAP_C=0xabff"})));
  }
  for (const char* value : {"171", "0xab", "0xAB", "0X0ab"}) {
    EXPECT_TRUE(numbers.contains(Text({std::string("CHAP_I=") + value}))) << value;
  }
  for (const char* value : {"0xabff", "0xABFF", "0xaBfF", "0bq/8=", "0Bq/8="}) {
    EXPECT_TRUE(binaries.contains(Text({std::string("CHAP_C=") + value}))) << value;
  }
  EXPECT_EQ(LegalVariation(1).login.Written(Text({"CHAP_C=none"})), Text({"CHAP_C=none"}));
}

TEST(TextFormTest, PlainTextStaysAsItIs) {
  const std::string text = Text({"HeaderDigest=None", "MaxBurstLength=2748", "CHAP_I=171"});
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    LegalVariation varied(seed, /*plain_text=*/true);
    ASSERT_EQ(varied.login.Written(text), text);
    ASSERT_EQ(varied.login.Part(300, 8192), 8192u);
    ASSERT_FALSE(varied.login.SendsPrivateKey());
  }
}

TEST(LegalVariationTest, PortalsInAnyOrderWithTheDefaultPortOrWithout) {
  struct Portal {
    std::string address;
  };
  std::set<std::string> all;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    std::vector<Portal> portals = {{"a:3260"}, {"[::1]:3260"}, {"b:13260"}};
    LegalVariation(seed).session.VaryPortals(portals);
    std::string text;
    for (const Portal& portal : portals) text += portal.address + " ";
    all.insert(text);
  }
  EXPECT_EQ(all.size(), 6u * 4);
  EXPECT_TRUE(all.contains("b:13260 [::1] a:3260 "));
}

TEST(TextFormTest, RdmaExtensionsStaysInFront) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::string varied = LegalVariation(seed).login.Written(
        Text({"InitialR2T=Yes", "RDMAExtensions=Yes", "MaxBurstLength=512"}));
    EXPECT_EQ(varied.find("RDMAExtensions"), 0u);
  }
}

TEST(UnaskedPdusTest, EventsAreVendorsAndTheirNumberIsBounded) {
  std::set<uint8_t> events;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    LegalVariation varied(seed);
    const UnaskedPdus::VendorEvent event = varied.unasked.Event();
    events.insert(event.event);
    if (!event.data.empty()) {
      ASSERT_GE(event.data.size(), 2u);
      EXPECT_EQ(event.data.substr(0, 2), std::string(2, '\0'));  // SenseLength
    }
    int alone = 0;
    while (varied.unasked.NextAlone().has_value() && alone < 1000) ++alone;
    EXPECT_EQ(alone, 24);
  }
  EXPECT_EQ(events.size(), 8u);
  EXPECT_EQ(*events.begin(), 248);
}

TEST(TargetChoicesTest, NothingIsGrantedThatWasNot) {
  TargetChoices few;
  few.queue_depth = 5;
  few.limits.max_burst_length = 30000;
  few.limits.first_burst_length = 700;
  few.limits.max_recv_data_segment_length = 512;
  few.limits.max_outstanding_r2t = 2;
  few.limits.initial_r2t = true;
  few.limits.immediate_data = few.limits.header_digest = few.limits.data_digest = false;
  std::set<uint32_t> depths;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const TargetChoices varied = VaryTarget(seed, few);
    depths.insert(varied.queue_depth);
    EXPECT_LE(varied.limits.max_burst_length, 30000u);
    EXPECT_EQ(varied.limits.first_burst_length, 700u);
    EXPECT_EQ(varied.limits.max_recv_data_segment_length, 512u);
    EXPECT_LE(varied.limits.max_outstanding_r2t, 2);
    EXPECT_TRUE(varied.limits.initial_r2t);
    EXPECT_FALSE(varied.limits.immediate_data || varied.limits.header_digest ||
                 varied.limits.data_digest);
  }
  EXPECT_EQ(depths, (std::set<uint32_t>{1, 2, 3, 4, 5}));
}

TEST(TargetChoicesTest, ADefaultSegmentIsDeclaredOrNot) {
  std::set<bool> declares;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    declares.insert(VaryTarget(seed, {}).limits.declares_default_segment);
  }
  EXPECT_EQ(declares.size(), 2u);
}

}  // namespace
}  // namespace pushpull::target
