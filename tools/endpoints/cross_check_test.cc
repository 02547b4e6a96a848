// Each way in which our two ends can differ is told: a judge of every embedded run that nobody else
// sees fail.

#include "tools/endpoints/cross_check.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "conformance/tap/tap_feeder.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<uint8_t> Bytes(const std::string& text) {
  v1::Pdu pdu;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &pdu)) << text;
  return initiator_sim::Encode(pdu, {})->bytes;
}

constexpr size_t kHeader = 48;
constexpr char kPing[] = "nop_out { initiator_task_tag: 1 } data { raw: 'abcdefgh' }";
constexpr char kPong[] = "nop_in { initiator_task_tag: 1 } data { raw: 'abcdefgh' }";
constexpr char kLong[] =
    "scsi_command { initiator_task_tag: 2 } ahs { ahs_type: 1 specific: '\\0abc' }";

class CrossCheckTest : public testing::Test {
 protected:
  // The initiator's end.
  void Initiator(bool sent, const std::vector<uint8_t>& bytes) {
    using Direction = conformance::TapFeeder::Direction;
    feeder_.Send(connection_, sent ? Direction::kToTarget : Direction::kToInitiator, bytes);
  }
  // The target's, which tells an AHS and its data (in pieces of three bytes) beside the header.
  void Target(bool sent, const std::vector<uint8_t>& bytes, const std::string& ahs = "",
              const std::string& data = "") {
    target::TapPdu pdu{.connection = 1,
                       .sent = sent,
                       .bhs = target::BhsView(bytes.data()),
                       .ahs = base::AsBytes(ahs),
                       .data = {}};
    for (size_t at = 0; at < data.size(); at += 3) {
      pdu.data.push_back(base::AsBytes(data).subspan(at, std::min<size_t>(3, data.size() - at)));
    }
    check_.target_tap()(pdu);
  }
  std::vector<std::string> Complaints() { return check_.Complaints(); }

  CrossCheck check_;
  conformance::TapFeeder feeder_{{&check_}};
  uint32_t connection_ = feeder_.Open("c1");
};

TEST_F(CrossCheckTest, IsSilentWhereBothSeeTheSame) {
  Initiator(true, Bytes(kPing));
  Target(false, Bytes(kPing), "", "abcdefgh");
  Initiator(false, Bytes(kPong));
  Target(true, Bytes(kPong), "", "abcdefgh");
  const std::vector<uint8_t> bytes = Bytes(kLong);
  Initiator(true, bytes);
  Target(false, bytes, std::string(base::AsText(base::Bytes(bytes).subspan(kHeader))));
  EXPECT_THAT(Complaints(), IsEmpty());
}

TEST_F(CrossCheckTest, TellsOtherData) {
  Initiator(true, Bytes(kPing));
  Target(false, Bytes(kPing), "", "abcdefgx");
  EXPECT_THAT(Complaints(), ElementsAre("our two ends differ:  the data differs"));
}

// One of the two codecs reads a field wrong.
TEST_F(CrossCheckTest, TellsOtherReadings) {
  const std::vector<uint8_t> bytes = Bytes(kPing);
  initiator_sim::DecodedPdu decoded = initiator_sim::Decode(bytes, {});
  decoded.pdu.mutable_nop_out()->set_cmd_sn(decoded.pdu.nop_out().cmd_sn() + 1);
  initiator_sim::TapPdu pdu;
  pdu.direction = initiator_sim::Direction::kToTarget;
  pdu.bytes = bytes;
  pdu.decoded = &decoded;
  check_.OnPdu(pdu);
  Target(false, bytes, "", "abcdefgh");
  EXPECT_THAT(Complaints(), ElementsAre(HasSubstr("cmd_sn")));
}

TEST_F(CrossCheckTest, TellsOtherAhss) {
  const std::vector<uint8_t> bytes = Bytes(kLong);
  const std::string ahs(base::AsText(base::Bytes(bytes).subspan(kHeader)));
  Initiator(true, bytes);
  Target(false, bytes, ahs.substr(0, ahs.size() - 1));
  Target(false, bytes);
  EXPECT_THAT(Complaints(), ElementsAre("our two ends differ:  the AHS differs",
                                        "our two ends differ:  the AHS differs"));
}

// One end takes what the other didn't send. What the target sent last may never be read.
TEST_F(CrossCheckTest, TellsHeadersThatWereNeverSent) {
  std::vector<uint8_t> other = Bytes(kPing);
  other[47] ^= 1;
  Initiator(true, Bytes(kPing));
  Target(false, other);
  Target(true, Bytes(kPong));
  EXPECT_THAT(Complaints(),
              ElementsAre("our two ends differ: the target took a header that was never sent"));
}

TEST_F(CrossCheckTest, DirectionsAreApart) {
  Initiator(false, Bytes(kPing));  // it came, and wasn't sent
  Target(false, Bytes(kPing), "", "abcdefgh");
  EXPECT_THAT(Complaints(), ElementsAre(HasSubstr("was never sent")));
}

// Headers may come again: one of those that were sent is it.
TEST_F(CrossCheckTest, OneOfThoseWithTheSameHeaderHasToAgree) {
  const std::vector<uint8_t> ping = Bytes(kPing);
  std::vector<uint8_t> again = ping;
  again[kHeader] = 'X';
  Initiator(true, ping);
  Initiator(true, again);
  Target(false, ping, "", "Xbcdefgh");
  Target(false, ping, "", "abcdefgh");
  EXPECT_THAT(Complaints(), IsEmpty());
  Target(false, ping, "", "Ybcdefgh");
  EXPECT_THAT(Complaints(), ElementsAre(HasSubstr("the data differs")));
}

// What the target discarded it has no data of; large data is left out at either end.
TEST_F(CrossCheckTest, DataThatIsntThereIsntCompared) {
  Initiator(true, Bytes(kPing));
  Target(false, Bytes(kPing));
  const size_t most = 64 * 1024;
  for (const size_t size : {most, most + 4}) {
    const std::vector<uint8_t> bytes =
        Bytes("nop_out { initiator_task_tag: 3 } data { pattern { length: " + std::to_string(size) +
              " } }");
    Initiator(true, bytes);
    Target(false, bytes, "", std::string(size, '\0'));
  }
  EXPECT_THAT(Complaints(), ElementsAre(HasSubstr("the data differs"))) << "of 64 KiB, not of more";
}

TEST_F(CrossCheckTest, WhatIsNoWholeHeaderIsPassedOver) {
  Initiator(true, std::vector<uint8_t>(kHeader - 1));
  EXPECT_THAT(Complaints(), IsEmpty());
  // Of a PDU whose lengths lie, the AHS is as much as came.
  std::vector<uint8_t> bytes = Bytes(kLong);
  bytes.resize(kHeader + 2);
  Initiator(true, bytes);
  EXPECT_THAT(Complaints(), IsEmpty());
}

}  // namespace
}  // namespace pushpull::tools
