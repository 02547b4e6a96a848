// Steps that adapt to the target's limits, or ask for more than it has.

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using testing::StartsWith;

TEST(PlayerLimitsTest, Require) {
  const struct {
    std::string require;
    std::string verdict;
  } kCases[] = {
      {"value: \"window\" at_least: 3", "PASS"},
      {"value: \"window\" at_least: 4", "SKIP: needs window at least 4, but it is 3"},
      {"value: \"window\" at_most: 3", "PASS"},
      {"value: \"window\" at_most: 2 why: \"so\"", "SKIP: needs window at most 2, but it is 3: so"},
      {"value: \"block_size\" at_least: 512 at_most: 512", "PASS"},
      {"value: \"target_name\" at_least: 1", "ERROR: require: \"target_name\" is no number"},
      {"value: \"no_such\" at_least: 1", "ERROR: value \"no_such\""},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    bed.target.window = 3;
    EXPECT_THAT(VerdictOf(bed.Play(absl::StrCat("step { login { unit_attention: LEFT } } ",
                                                "step { require { ", one.require, " } }"))),
                StartsWith(one.verdict))
        << one.require;
  }
}

TEST(PlayerLimitsTest, AsManyCommandsAsTheWindowHasRoomFor) {
  for (const uint32_t window : {1u, 3u, 5u, 16u}) {
    PlayerTestBed bed;
    bed.target.window = window;
    EXPECT_EQ(VerdictOf(bed.Play(
                  "step { login {} } step { send { task: \"w\" count: 5 within_window: true "
                  "pdu { scsi_command { cdb { write { blocks: 1 } } } } } }"
                  "step { expect { task: \"w\" count: 5 one_of { pdu { r2t {} } } } }"
                  "epilogue: NOTHING")),
              "PASS")
        << window;
    // One more is the TEST UNIT READY of the login.
    EXPECT_THAT(bed.target.Seen(v1::Pdu::kScsiCommand), SizeIs(1 + std::min(window, 5u)));
  }
}

// Its R2Ts ask for 4096 bytes.
constexpr char kWrite[] =
    "step { login {} } step { send { task: \"w\" pdu { scsi_command { cdb { write { blocks: 16 } } "
    "} "
    "} write_data { pattern { seed: 2 } } } }";

// Offset, length and F of each Data-Out.
std::vector<std::string> DataOuts(const TestTarget& target) {
  std::vector<std::string> outs;
  for (const v1::Pdu& pdu : target.Seen(v1::Pdu::kDataOut)) {
    outs.push_back(absl::StrCat(pdu.data_out().buffer_offset(), "+",
                                DataBytes(pdu.data()).value_or("").size(),
                                pdu.data_out().final() ? " F" : ""));
  }
  return outs;
}

TEST(PlayerLimitsTest, AnR2tThatWasTakenIsAnsweredFirst) {
  PlayerTestBed bed;
  EXPECT_EQ(
      VerdictOf(bed.Play(absl::StrCat(
          kWrite, "step { expect { task: \"w\" one_of { pdu { r2t {} } } } }",
          "step { send { task: \"w\" pdu { data_out { final: false } data { raw: \"\" } } } }",
          "step { serve_r2ts { task: \"w\" at_least_r2ts: 2 } }",
          "step { expect { task: \"w\" one_of { pdu { scsi_response { status: GOOD } } } } }"))),
      "PASS");
  EXPECT_THAT(DataOuts(bed.target), ElementsAre("0+0", "0+4096 F", "4096+4096 F"));
}

TEST(PlayerLimitsTest, TooMuchAndTooLittleAtTheEndOfTheSequence) {
  const struct {
    const char* deviate;
    const char* segment;
    std::vector<std::string> outs;
  } kCases[] = {
      {"LESS_DATA_THAN_R2T", "8192", {"0+3584 F"}},
      {"LESS_DATA_THAN_R2T", "3000", {"0+3000", "3000+584 F"}},
      {"LESS_DATA_THAN_R2T", "2048", {"0+2048", "2048+1536 F"}},
      {"MORE_DATA_THAN_R2T", "8192", {"0+4608 F"}},
      {"MORE_DATA_THAN_R2T", "3000", {"0+3000", "3000+1608 F"}},
      {"MORE_DATA_THAN_R2T", "2048", {"0+2048", "2048+2048", "4096+512 F"}},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    for (auto& [name, value] : bed.target.login_keys) {
      if (name == "MaxRecvDataSegmentLength") value = one.segment;
    }
    bed.Play(absl::StrCat(kWrite, "step { serve_r2ts { task: \"w\" stop_after_r2ts: 1 deviate: ",
                          one.deviate, " } } step { probe {} } epilogue: NOTHING"));
    EXPECT_EQ(DataOuts(bed.target), one.outs) << one.deviate << " " << one.segment;
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
