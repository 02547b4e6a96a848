// What a hostile target sends to the simulated initiator: however the bytes come the PDUs are the
// same, and whatever they say of numbers, texts and sense is taken without harm. An input is
//   1 byte   bit 0 header digests, bit 1 data digests, bits 4-7 the longest data segment: 2^(8+n)
//   1 byte   how many lengths of pieces follow, which are used again and again
//   ...      the lengths
//   ...      the stream

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/pdu/framer.h"
#include "initiator_sim/pdu/scsi.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/session/session.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {
namespace {

struct Read {
  std::vector<Frame> frames;
  std::optional<FramingError> error;
  size_t pending = 0;
};

Read Receive(base::Bytes stream, base::Bytes lengths, Digests digests, uint32_t limit) {
  Read read;
  Framer framer(limit);
  framer.set_digests(digests);
  for (size_t at = 0, piece = 0; at < stream.size(); ++piece) {
    size_t length = stream.size() - at;
    if (!lengths.empty()) {
      length = std::min<size_t>(length, std::max<size_t>(lengths[piece % lengths.size()], 1));
    }
    framer.Append(stream.subspan(at, length));
    at += length;
    while (auto frame = framer.Next()) read.frames.push_back(*std::move(frame));
    CHECK_LE(framer.pending(), size_t{limit} + 2048 + length);
    if (framer.error().has_value()) break;
  }
  read.error = framer.error();
  read.pending = framer.pending();
  return read;
}

void CheckAlike(const Read& whole, const Read& cut) {
  CHECK_EQ(whole.frames.size(), cut.frames.size());
  for (size_t i = 0; i < whole.frames.size(); ++i) {
    CHECK(whole.frames[i].bytes == cut.frames[i].bytes);
    CHECK_EQ(whole.frames[i].stream_offset, cut.frames[i].stream_offset);
  }
  CHECK_EQ(whole.error.has_value(), cut.error.has_value());
  if (!whole.error.has_value()) {
    CHECK_EQ(whole.pending, cut.pending);
    return;
  }
  CHECK_EQ(whole.error->reason, cut.error->reason);
  CHECK_EQ(whole.error->stream_offset, cut.error->stream_offset);
}

void Believe(const std::vector<Frame>& frames) {
  Session session;
  ConnectionState connection;
  for (const Frame& frame : frames) {
    const v1::Pdu& pdu = frame.decoded.pdu;
    Absorb(pdu, &session, &connection);
    if (pdu.has_login_response()) AbsorbLoginResponse(pdu, &session, &connection);
    (void)TextOf(pdu);
    (void)MayComeAtAnyTime(pdu);
    (void)FullText(pdu);
    const std::string data = DataBytes(pdu.data()).value_or("");
    (void)ParseSense(base::AsBytes(data));
    CHECK_NE(session.AllocateTag(), 0xffffffffu);
  }
}

void Check(base::Bytes input) {
  if (input.size() < 2) return;
  const Digests digests{(input[0] & 1) != 0, (input[0] & 2) != 0};
  const uint32_t limit = std::min<uint32_t>(1u << (8 + (input[0] >> 4)), kMaxDataSegmentLength);
  const size_t count = std::min<size_t>(input[1], input.size() - 2);
  const base::Bytes lengths = input.subspan(2, count);
  const base::Bytes stream = input.subspan(2 + count);
  const Read whole = Receive(stream, {}, digests, limit);
  CheckAlike(whole, Receive(stream, lengths, digests, limit));
  Believe(whole.frames);
}

}  // namespace
}  // namespace pushpull::initiator_sim

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pushpull::initiator_sim::Check({data, size});
  return 0;
}
