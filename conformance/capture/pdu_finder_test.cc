#include "conformance/capture/pdu_finder.h"

#include <gtest/gtest.h>

#include <string>

#include "initiator_sim/pdu/codec.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::Digests;
using initiator_sim::Direction;

std::string Encoded(const v1::Pdu& pdu, Digests digests = {}) {
  return std::string(base::AsText(initiator_sim::Encode(pdu, digests)->bytes));
}

v1::Pdu Ping(const std::string& data) {
  v1::Pdu pdu;
  pdu.mutable_nop_out()->set_initiator_task_tag(7);
  pdu.mutable_data()->set_raw(data);
  return pdu;
}

TEST(PduFinderTest, Headers) {
  const std::string right = Encoded(Ping(""));
  EXPECT_TRUE(LooksLikeHeader(base::AsBytes(right), Direction::kToTarget));
  EXPECT_FALSE(LooksLikeHeader(base::AsBytes(right), Direction::kToInitiator));
  EXPECT_FALSE(LooksLikeHeader(base::AsBytes(right).first(47), Direction::kToTarget));
  EXPECT_FALSE(LooksLikeHeader(base::AsBytes(std::string(48, '\0')), Direction::kToTarget));
  struct Wrong {
    size_t at;
    char value;
  };
  // Reserved bit, unknown opcode, no F, reserved byte, an AHS, too much data.
  for (const Wrong& wrong : {Wrong{0, '\x80'}, Wrong{0, '\x0b'}, Wrong{1, '\0'}, Wrong{2, '\1'},
                             Wrong{4, '\1'}, Wrong{5, '\x41'}}) {
    std::string header = right;
    header[wrong.at] = wrong.value;
    EXPECT_FALSE(LooksLikeHeader(base::AsBytes(header), Direction::kToTarget)) << wrong.at;
  }
  EXPECT_FALSE(BeginsWithLogin(base::AsBytes(right)));
  v1::Pdu login;
  login.mutable_login_request()->set_transit(true);
  EXPECT_TRUE(BeginsWithLogin(base::AsBytes(Encoded(login))));
}

TEST(PduFinderTest, SeveralInARow) {
  const std::string ping = Encoded(Ping("abc"));
  const std::string before(100, 'x');
  const auto find = [](const std::string& bytes, Digests digests = {}) {
    return FindPdus(base::AsBytes(bytes), Direction::kToTarget, digests);
  };
  // Four of them, whatever follows; fewer up to the end; but not fewer before other bytes.
  const auto found = find(before + ping + ping + ping + ping + before);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->begin, 100u);
  EXPECT_EQ(found->pdus, 4u);
  EXPECT_EQ(find(before + ping + ping.substr(0, 20))->begin, 100u);
  EXPECT_FALSE(find(before + ping + ping + ping + before).has_value());
  // A right header digest is enough.
  const Digests digests{.header_digest = true};
  EXPECT_EQ(find(before + Encoded(Ping("abc"), digests) + before, digests)->begin, 100u);
  std::string wrong = Encoded(Ping("abc"), digests);
  wrong[50] ^= 1;
  EXPECT_FALSE(find(before + wrong + before, digests).has_value());
}

TEST(PduFinderTest, DigestsAreThoseThatFitBothDirections) {
  v1::Pdu answer;
  answer.mutable_nop_in()->set_initiator_task_tag(7);
  answer.mutable_data()->set_raw("abc");
  for (const Digests digests :
       {Digests{false, false}, Digests{false, true}, Digests{true, false}, Digests{true, true}}) {
    std::string to_target;
    std::string to_initiator;
    for (int i = 0; i < 5; ++i) {
      // Requests without data say nothing of data digests: the answers do.
      to_target += Encoded(Ping(""), digests);
      to_initiator += Encoded(answer, digests);
    }
    const Guess guess = GuessPdus(base::AsBytes(to_target), base::AsBytes(to_initiator));
    EXPECT_EQ(guess.digests, digests);
    EXPECT_EQ(guess.pdus(), 10u);
    // Alone they leave it open: then there are none.
    EXPECT_EQ(GuessPdus(base::AsBytes(to_target), {}).digests,
              (Digests{digests.header_digest, false}));
  }
  EXPECT_EQ(GuessPdus({}, {}).pdus(), 0u);
}

}  // namespace
}  // namespace pushpull::conformance
