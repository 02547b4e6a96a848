// Plays that go well: logins, reads, writes, on a network that cuts and delays at will.

#include <string>

#include "gtest/gtest.h"
#include "initiator_sim/pdu/pattern.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

std::string PatternBytes(uint64_t seed, uint64_t offset, size_t length) {
  std::string bytes(length, '\0');
  FillPattern(seed, offset, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

TEST(PlayerBasicTest, LoginPingLogout) {
  PlayerTestBed bed;
  const PlayResult result = bed.Play("step { login {} }");
  EXPECT_EQ(VerdictOf(result), "PASS");
  EXPECT_EQ(result.steps_played, 1u);
  EXPECT_EQ(bed.target.Seen(v1::Pdu::kLoginRequest).size(), 1u);
  EXPECT_EQ(bed.target.Seen(v1::Pdu::kNopOut).size(), 1u);
  EXPECT_EQ(bed.target.Seen(v1::Pdu::kLogoutRequest).size(), 1u);
}

TEST(PlayerBasicTest, ReadComparesData) {
  PlayerTestBed bed;
  bed.target.disk.replace(512 * 3, 4096, PatternBytes(9, 0, 4096));
  EXPECT_EQ(VerdictOf(bed.Play(R"(
    step { login {} }
    step { command { cdb { read { lba: 3 blocks: 8 } } expect_data { pattern { seed: 9 } } } }
  )")),
            "PASS");
}

TEST(PlayerBasicTest, WriteServesR2tsAndCheckBlocksSeesIt) {
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play(R"(
    step { login {} }
    step { send { task: "w" pdu { scsi_command { cdb { write { lba: 8 blocks: 24 } } } }
                  write_data { pattern { seed: 5 } } } }
    step { serve_r2ts { task: "w" } }
    step { expect { task: "w" one_of { pdu { scsi_response { status: GOOD } } } } }
    step { check_blocks { lba: 8 data { pattern { seed: 5 length: 12288 } } } }
  )")),
            "PASS");
  EXPECT_EQ(bed.target.disk.substr(8 * 512, 12288), PatternBytes(5, 0, 12288));
}

}  // namespace
}  // namespace pushpull::initiator_sim
