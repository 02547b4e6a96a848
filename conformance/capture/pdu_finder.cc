#include "conformance/capture/pdu_finder.h"

#include <algorithm>

#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/figure.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::Digests;
using initiator_sim::Direction;
using initiator_sim::kBhsSize;
using initiator_sim::PduLayout;

constexpr size_t kSearched = size_t{1} << 20;  // bytes in which the first PDU must begin
constexpr size_t kEnough = 4;                  // PDUs in a row
constexpr size_t kMostPdus = 64;
// Bytes whose digests one search computes at the most: bytes that are made for it would otherwise
// cost the square of their length.
constexpr size_t kMaxWork = size_t{64} << 20;
// A guess needn't believe in more data than any implementation takes by default.
constexpr uint32_t kLikelyDataSegmentLength = uint32_t{4} << 20;

enum class DataRule : uint8_t { kNone, kAny };

// F (bit 0 of byte 1) is always 1, and whether there can be data. (RFC 7143 §11)
struct Likely {
  bool final_always;
  DataRule data;
};

Likely LikelyOf(initiator_sim::PduKind kind) {
  switch (kind) {
    case v1::Pdu::kTaskManagementRequest:
    case v1::Pdu::kTaskManagementResponse:
    case v1::Pdu::kLogoutRequest:
    case v1::Pdu::kLogoutResponse:
    case v1::Pdu::kSnackRequest:
    case v1::Pdu::kR2T:
      return {true, DataRule::kNone};
    case v1::Pdu::kNopOut:
    case v1::Pdu::kNopIn:
    case v1::Pdu::kScsiResponse:
    case v1::Pdu::kAsyncMessage:
    case v1::Pdu::kReject:
      return {true, DataRule::kAny};
    default:
      return {false, DataRule::kAny};
  }
}

uint32_t DigestAt(base::Bytes bytes, size_t at) { return base::LoadBe32(&bytes[at]); }

// The size of the PDU that `bytes` begin with; 0: they don't look like one. kCut: it looks like
// one, but goes on beyond the end.
constexpr size_t kCut = ~size_t{0};
size_t PduAt(base::Bytes bytes, Direction direction, Digests digests, size_t* work) {
  if (bytes.size() < kBhsSize) return kCut;
  if (!LooksLikeHeader(bytes.first(kBhsSize), direction)) return 0;
  const PduLayout layout = initiator_sim::LayoutOf(bytes, digests);
  if (digests.header_digest) {
    if (bytes.size() < layout.data) return kCut;
    *work += layout.header_digest;
    if (initiator_sim::DigestOf(bytes.first(layout.header_digest)) !=
        DigestAt(bytes, layout.header_digest)) {
      return 0;
    }
  }
  if (bytes.size() < layout.end) return kCut;
  if (layout.data_digest != layout.end) {
    *work += layout.data_digest - layout.data;
    const base::Bytes data = bytes.subspan(layout.data, layout.data_digest - layout.data);
    if (initiator_sim::DigestOf(data) != DigestAt(bytes, layout.data_digest)) return 0;
  }
  return layout.end;
}

// How many PDUs follow one another; 0 where that is too few to believe in.
size_t PdusFrom(base::Bytes bytes, Direction direction, Digests digests, size_t* work) {
  size_t pdus = 0;
  while (pdus < kMostPdus && !bytes.empty()) {
    const size_t size = PduAt(bytes, direction, digests, work);
    if (size == 0) return pdus >= kEnough || (digests.header_digest && pdus > 0) ? pdus : 0;
    if (size == kCut) break;
    ++pdus;
    bytes = bytes.subspan(size);
  }
  return pdus;
}

}  // namespace

bool LooksLikeHeader(base::Bytes bhs, Direction direction) {
  if (bhs.size() < kBhsSize || (bhs[0] & 0x80) != 0) return false;
  const uint8_t opcode = bhs[0] & 0x3f;
  const bool immediate = (bhs[0] & 0x40) != 0;
  const initiator_sim::PduKind kind = initiator_sim::KindOf(opcode);
  if (kind == v1::Pdu::kRaw) return false;
  if (initiator_sim::IsRequest(kind) != (direction == Direction::kToTarget)) return false;
  if (immediate && (direction == Direction::kToInitiator || kind == v1::Pdu::kDataOut)) {
    return false;
  }
  const initiator_sim::Bhs& reserved = initiator_sim::ReservedMask(kind);
  for (size_t i = 0; i < kBhsSize; ++i) {
    if ((bhs[i] & reserved[i]) != 0) return false;
  }
  const Likely likely = LikelyOf(kind);
  const uint32_t data_segment_length = base::LoadBe24(&bhs[5]);
  if (likely.final_always && (bhs[1] & 0x80) == 0) return false;
  if (likely.data == DataRule::kNone && data_segment_length != 0) return false;
  // Only SCSI Commands have AHS (RFC 7143 §11.2.2.1).
  if (kind != v1::Pdu::kScsiCommand && bhs[4] != 0) return false;
  return data_segment_length <= kLikelyDataSegmentLength;
}

bool BeginsWithLogin(base::Bytes stream) {
  return stream.size() >= kBhsSize && (stream[0] & 0x3f) == 0x03 &&
         LooksLikeHeader(stream.first(kBhsSize), Direction::kToTarget);
}

std::optional<FoundPdus> FindPdus(base::Bytes bytes, Direction direction, Digests digests) {
  size_t work = 0;
  const size_t last = std::min(bytes.size(), kSearched);
  for (size_t begin = 0; begin < last && work < kMaxWork; ++begin) {
    const size_t pdus = PdusFrom(bytes.subspan(begin), direction, digests, &work);
    if (pdus > 0) return FoundPdus{begin, pdus};
  }
  return std::nullopt;
}

Guess GuessPdus(base::Bytes to_target, base::Bytes to_initiator) {
  Guess best;
  for (const Digests digests :
       {Digests{false, false}, Digests{false, true}, Digests{true, false}, Digests{true, true}}) {
    Guess guess;
    guess.digests = digests;
    guess.to_target = FindPdus(to_target, Direction::kToTarget, digests);
    guess.to_initiator = FindPdus(to_initiator, Direction::kToInitiator, digests);
    if (guess.pdus() > best.pdus()) best = guess;
  }
  return best;
}

}  // namespace pushpull::conformance
