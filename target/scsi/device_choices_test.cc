// What SPC-4 and SAM-5 leave to a device, chosen otherwise than usual.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/scsi/testing/bench.h"

namespace pushpull::target {
namespace {

constexpr char kTur[] = "00 00 00 00 00 00";
constexpr char kInquiry[] = "12 00 00 01 00 00";
constexpr char kPages[] = "12 01 00 01 00 00";
constexpr char kControlPage[] = "1a 08 0a 00 ff 00";
constexpr char kDefaultControlPage[] = "1a 08 8a 00 ff 00";
constexpr char kDSense = 0x04;

TEST(DeviceChoicesTest, SenseIsInDescriptorFormatByDefault) {
  DeviceChoices choices;
  choices.descriptor_sense = true;
  Bench bench({{0, "ram:1M"}}, 1, {}, choices);
  Nexus* const nexus = bench.Open();
  EXPECT_EQ(bench.Do(nexus, "ff 00 00 00 00 00").sense_data.at(0), 0x72);
  for (const char* page : {kControlPage, kDefaultControlPage}) {
    EXPECT_EQ(bench.Do(nexus, page).data.at(4 + 2) & kDSense, kDSense) << page;
  }
}

TEST(DeviceChoicesTest, InquiryDataHaveOtherLengths) {
  for (const uint8_t bytes : {36, 74, 96, 254}) {
    DeviceChoices choices;
    choices.inquiry_bytes = bytes;
    choices.vendor_bytes_set = true;
    Bench bench({{0, "ram:1M"}}, 1, {}, choices);
    const std::vector<uint8_t> data = bench.Do(bench.Open(), kInquiry).data;
    ASSERT_EQ(data.size(), bytes);
    EXPECT_EQ(data[4], bytes - 5);
    EXPECT_TRUE(bytes <= 36 || data[36] != 0);
    EXPECT_TRUE(bytes <= 96 || data[96] != 0);
  }
}

TEST(DeviceChoicesTest, VendorsHavePagesOfTheirOwn) {
  DeviceChoices choices;
  choices.vendor_pages = {0xc0, 0xd7};
  Bench bench({{0, "ram:1M"}}, 1, {}, choices);
  Nexus* const nexus = bench.Open();
  const std::vector<uint8_t> pages = bench.Do(nexus, kPages).data;
  ASSERT_GE(pages.size(), 2u);
  EXPECT_EQ((std::vector<uint8_t>(pages.end() - 2, pages.end())),
            (std::vector<uint8_t>{0xc0, 0xd7}));
  EXPECT_TRUE(std::is_sorted(pages.begin() + 4, pages.end())) << "SPC-4 §7.8.14";
  EXPECT_EQ(bench.Do(nexus, "12 01 c0 01 00 00").data, (std::vector<uint8_t>{0, 0xc0, 0, 0}));
  EXPECT_EQ(bench.Do(nexus, "12 01 d7 01 00 00").data.size(), 4u + 0x17);
  EXPECT_EQ(bench.Do(nexus, "12 01 c1 01 00 00").sense, "5/24/00");
}

TEST(DeviceChoicesTest, MoreIsToldBehindAReset) {
  DeviceChoices choices;
  choices.behind_reset = {{0x2a, 0x01}, {0x3f, 0x0e}};
  Bench bench({{0, "ram:1M"}}, 1, {}, choices);
  Nexus* const nexus = bench.Open("iqn.2026-11.org.example:one", /*fresh=*/true);
  for (const char* due : {"6/29/00", "6/2a/01", "6/3f/0e", ""}) {
    EXPECT_EQ(bench.Do(nexus, kTur).sense, due);
  }
  bool done = false;
  bench.server().ManageTasks(nexus, TaskManagement::kLogicalUnitReset, 0, {},
                             [&](TaskManagementResult) { done = true; });
  bench.world().RunUntil([&] { return done; });
  for (const char* due : {"6/29/03", "6/2a/01", "6/3f/0e", ""}) {
    EXPECT_EQ(bench.Do(nexus, kTur).sense, due);
  }
}

TEST(DeviceChoicesTest, SeedsChooseAllOfIt) {
  bool descriptor = false, fixed = false, shortest = false, longest = false, pages = false,
       attentions = false, none = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const DeviceChoices choices = VaryDevice(seed);
    (choices.descriptor_sense ? descriptor : fixed) = true;
    shortest |= choices.inquiry_bytes == 36;
    longest |= choices.inquiry_bytes > 96;
    pages |= choices.vendor_pages.size() > 1;
    (choices.behind_reset.empty() ? none : attentions) = true;
    EXPECT_TRUE(std::ranges::is_sorted(choices.vendor_pages));
    for (const uint8_t page : choices.vendor_pages) EXPECT_GE(page, 0xc0);
    EXPECT_GE(choices.inquiry_bytes, 36);
  }
  EXPECT_TRUE(descriptor && fixed && shortest && longest && pages && attentions && none);
}

}  // namespace
}  // namespace pushpull::target
