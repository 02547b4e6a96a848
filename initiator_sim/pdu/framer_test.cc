#include "initiator_sim/pdu/framer.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "initiator_sim/pdu/random_pdu.h"

namespace pushpull::initiator_sim {
namespace {

std::vector<uint8_t> MustEncode(const v1::Pdu& pdu, Digests digests = {}) {
  absl::StatusOr<EncodedPdu> encoded = Encode(pdu, digests);
  EXPECT_TRUE(encoded.ok()) << encoded.status();
  return encoded.ok() ? encoded->bytes : std::vector<uint8_t>();
}

v1::Pdu Ping(const std::string& data) {
  v1::Pdu pdu;
  pdu.mutable_nop_out()->set_initiator_task_tag(1);
  pdu.mutable_data()->set_raw(data);
  return pdu;
}

TEST(Framer, FindsTheSamePdusWhateverTheCuts) {
  base::Random random(1);
  const Digests digests{.header_digest = true, .data_digest = true};
  std::vector<std::vector<uint8_t>> pdus;
  std::vector<uint8_t> stream;
  for (int i = 0; i < 40; ++i) {
    pdus.push_back(MustEncode(RandomPdu(&random), digests));
    stream.insert(stream.end(), pdus.back().begin(), pdus.back().end());
  }
  for (const size_t cut :
       {size_t{1}, size_t{3}, size_t{47}, size_t{48}, size_t{1000}, stream.size()}) {
    SCOPED_TRACE(cut);
    Framer framer;
    framer.set_digests(digests);
    std::vector<std::vector<uint8_t>> found;
    uint64_t offset = 0;
    for (size_t at = 0; at < stream.size(); at += cut) {
      framer.Append(base::Bytes(stream).subspan(at, std::min(cut, stream.size() - at)));
      while (std::optional<Frame> frame = framer.Next()) {
        EXPECT_EQ(frame->stream_offset, offset);
        EXPECT_TRUE(frame->decoded.header_digest_ok && frame->decoded.data_digest_ok);
        EXPECT_EQ(frame->decoded.flaw, "");
        offset += frame->bytes.size();
        found.push_back(std::move(frame->bytes));
      }
    }
    EXPECT_EQ(found, pdus);
    EXPECT_EQ(framer.pending(), 0u);
    EXPECT_EQ(framer.stream_offset(), stream.size());
  }
}

TEST(Framer, TakesDigestsUpBetweenTwoPdusOfOneRead) {
  const Digests both{.header_digest = true, .data_digest = true};
  std::vector<uint8_t> stream = MustEncode(Ping("before"));
  const std::vector<uint8_t> second = MustEncode(Ping("after"), both);
  stream.insert(stream.end(), second.begin(), second.end());

  Framer framer;
  framer.Append(stream);
  ASSERT_TRUE(framer.Next().has_value());
  framer.set_digests(both);
  const std::optional<Frame> frame = framer.Next();
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->bytes, second);
  EXPECT_TRUE(frame->decoded.pdu.has_data_digest());
}

TEST(Framer, SaysWhichDigestIsWrongAndGoesOn) {
  const Digests both{.header_digest = true, .data_digest = true};
  std::vector<uint8_t> wrong_header = MustEncode(Ping("data"), both);
  wrong_header[20] ^= 1;
  std::vector<uint8_t> wrong_data = MustEncode(Ping("data"), both);
  wrong_data[52] ^= 1;

  Framer framer;
  framer.set_digests(both);
  framer.Append(wrong_header);
  framer.Append(wrong_data);
  framer.Append(MustEncode(Ping("data"), both));
  const std::optional<Frame> first = framer.Next();
  const std::optional<Frame> second = framer.Next();
  const std::optional<Frame> third = framer.Next();
  ASSERT_TRUE(first.has_value() && second.has_value() && third.has_value());
  EXPECT_FALSE(first->decoded.header_digest_ok);
  EXPECT_TRUE(first->decoded.data_digest_ok);
  EXPECT_TRUE(second->decoded.header_digest_ok);
  EXPECT_FALSE(second->decoded.data_digest_ok);
  EXPECT_TRUE(third->decoded.header_digest_ok && third->decoded.data_digest_ok);
}

TEST(Framer, EndsAtAPduAboveItsLimit) {
  Framer framer(/*max_data_segment_length=*/100);
  framer.Append(MustEncode(Ping(std::string(100, 'x'))));
  EXPECT_TRUE(framer.Next().has_value());
  EXPECT_FALSE(framer.error().has_value());

  const std::vector<uint8_t> above = MustEncode(Ping(std::string(101, 'x')));
  framer.Append(base::Bytes(above).first(47));
  EXPECT_FALSE(framer.Next().has_value());
  EXPECT_FALSE(framer.error().has_value());
  framer.Append(base::Bytes(above).subspan(47, 1));
  EXPECT_FALSE(framer.Next().has_value());
  ASSERT_TRUE(framer.error().has_value());
  EXPECT_EQ(framer.error()->section, "RFC 7143 §11.2.1.6");
  EXPECT_EQ(framer.error()->stream_offset, 148u);

  // Nothing is held any more, however much comes.
  const size_t pending = framer.pending();
  framer.Append(above);
  EXPECT_EQ(framer.pending(), pending);
  EXPECT_FALSE(framer.Next().has_value());
}

TEST(Framer, ShowsWhatIsLeftAtTheEnd) {
  Framer framer;
  std::vector<uint8_t> ping = MustEncode(Ping("data"));
  ping.pop_back();
  framer.Append(ping);
  EXPECT_FALSE(framer.Next().has_value());
  EXPECT_EQ(framer.pending(), ping.size());
  EXPECT_EQ(framer.pending_bytes()[48], 'd');
}

}  // namespace
}  // namespace pushpull::initiator_sim
