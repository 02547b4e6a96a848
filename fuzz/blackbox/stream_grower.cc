#include "fuzz/blackbox/stream_grower.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/random_pdu.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::fuzz {
namespace {

using replay::Direction;
using replay::Parameters;

constexpr size_t kBhs = 48;
constexpr uint64_t kMostPieces = 6;
constexpr size_t kMostBytes = size_t{64} << 10;
// Places in a header (RFC 7143 §11.2.1).
constexpr size_t kTotalAhsLength = 4;
constexpr size_t kDataSegmentLength = 5;

void AddDigest(base::Bytes of, bool wrong, std::vector<uint8_t>* bytes) {
  uint8_t digest[4];
  base::StoreBe32(digest, initiator_sim::DigestOf(of) ^ (wrong ? 1 : 0));
  bytes->insert(bytes->end(), std::begin(digest), std::end(digest));
}

StreamPiece PieceOf(base::Bytes head, base::Bytes data) {
  return {.head = {head.begin(), head.end()}, .data = {data.begin(), data.end()}};
}

void SetDataLength(size_t length, StreamPiece* piece) {
  if (piece->head.size() < kBhs) return;
  base::StoreBe24(&piece->head[kDataSegmentLength], static_cast<uint32_t>(length));
}

void Resize(size_t length, base::Random* random, StreamPiece* piece) {
  piece->SetData(length);
  for (size_t i = 0; i < length; ++i) piece->data[i] = static_cast<uint8_t>(random->Next());
}

size_t LengthOf(const Parameters& parameters, base::Random* random) {
  const size_t limit = parameters.max_recv_data_segment_length;
  const size_t lengths[] = {0, 1, 2, 3, 4, 5, 48, 511, 512, 513, limit - 1, limit, limit + 1};
  return lengths[random->Below(std::size(lengths))];
}

void ChangeHead(const Parameters& parameters, bool ahs, base::Random* random, StreamPiece* piece) {
  if (piece->head.size() < kBhs) return;
  switch (random->Below(6)) {
    case 0:
      piece->head[0] = static_cast<uint8_t>(random->Next());
      return;
    case 1:
      piece->head[1] ^= static_cast<uint8_t>(1 << random->Below(8));
      return;
    case 2: {
      // What is said and what comes part.
      constexpr std::array<uint8_t, 5> kWords = {0, 1, 2, 12, 255};
      if (ahs) piece->head[kTotalAhsLength] = kWords[random->Below(kWords.size())];
      return;
    }
    case 3: {
      const uint32_t now = base::LoadBe24(&piece->head[kDataSegmentLength]);
      const uint32_t lengths[] = {0, 1, now + 1, now - 1, now + 4, now * 2, 0xffffff, 48};
      return SetDataLength(lengths[random->Below(std::size(lengths))] & 0xffffff, piece);
    }
    case 4:
      return SetDataLength(LengthOf(parameters, random), piece);
    default:
      piece->head[random->Below(piece->head.size())] ^= static_cast<uint8_t>(1 << random->Below(8));
  }
}

// Whether the receiver takes it, and it isn't too long to be played often.
bool Fits(const replay::Trace& trace, const StreamOptions& options) {
  const bool direction =
      trace.direction == Direction::kToTarget ? options.to_target : options.to_initiator;
  return direction && (options.header_digest || !trace.parameters.header_digest) &&
         (options.data_digest || !trace.parameters.data_digest) &&
         (options.login || trace.parameters.login_pdus == 0) && !trace.bytes.empty() &&
         trace.bytes.size() <= kMostBytes;
}

}  // namespace

void StreamPiece::SetData(size_t length) {
  data.assign((length + 3) / 4 * 4, 0);
  SetDataLength(length, this);
}

replay::Trace Stream::ToTrace(std::string name) const {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const StreamPiece& piece = pieces[i];
    const bool plain = i < parameters.login_pdus;
    bytes.insert(bytes.end(), piece.head.begin(), piece.head.end());
    if (parameters.header_digest && !plain && piece.head.size() >= kBhs) {
      AddDigest(piece.head, piece.header_digest_wrong, &bytes);
    }
    bytes.insert(bytes.end(), piece.data.begin(), piece.data.end());
    if (parameters.data_digest && !plain && !piece.data.empty()) {
      AddDigest(piece.data, piece.data_digest_wrong, &bytes);
    }
  }
  bytes.resize(std::min(bytes.size(), kMostBytes));
  // Something has to come.
  bytes.resize(bytes.size() - std::min(cut_off, bytes.empty() ? 0 : bytes.size() - 1));
  return replay::MakeTrace(std::move(name), direction, parameters, std::move(bytes));
}

Stream StreamOf(const replay::Trace& trace) {
  Stream stream;
  stream.direction = trace.direction;
  stream.parameters = trace.parameters;
  const base::Bytes bytes = trace.bytes;
  for (const replay::PduBorders& pdu : trace.pdus) {
    stream.pieces.push_back(
        PieceOf(bytes.subspan(pdu.begin, pdu.ahs_end() - pdu.begin),
                bytes.subspan(pdu.header_digest_end, pdu.pad_end - pdu.header_digest_end)));
  }
  if (trace.has_tail()) {
    stream.pieces.push_back(PieceOf(trace.tail().first(std::min(trace.tail().size(), kBhs)),
                                    trace.tail().subspan(std::min(trace.tail().size(), kBhs))));
  }
  return stream;
}

StreamGrower::StreamGrower(const std::vector<replay::Trace>& seeds, const StreamOptions& options)
    : options_(options) {
  for (const replay::Trace& seed : seeds) {
    if (Fits(seed, options)) seeds_.push_back(StreamOf(seed));
  }
}

StreamPiece StreamGrower::AnyPiece(Direction direction, base::Random* random) const {
  const bool to_target = direction == Direction::kToTarget;
  const uint64_t first = to_target ? v1::Pdu::kNopOut : v1::Pdu::kNopIn;
  const uint64_t last = to_target ? v1::Pdu::kSnackRequest : v1::Pdu::kReject;
  const bool raw = random->Chance(4);
  v1::Pdu pdu = initiator_sim::RandomPdu(
      raw ? v1::Pdu::kRaw : static_cast<initiator_sim::PduKind>(random->Between(first, last)),
      random);
  if (!options_.ahs) pdu.clear_ahs();
  pdu.clear_header_digest();
  pdu.clear_data_digest();
  const auto encoded = initiator_sim::Encode(pdu, {});
  CHECK(encoded.ok()) << encoded.status();
  const base::Bytes bytes = encoded->bytes;
  const size_t head = kBhs + size_t{bytes[kTotalAhsLength]} * 4;
  return PieceOf(bytes.first(head), bytes.subspan(head));
}

Stream StreamGrower::Fresh(base::Random* random) const {
  Stream stream;
  const bool either = options_.to_target && options_.to_initiator;
  const bool to_target = either ? random->Chance(50) : options_.to_target;
  stream.direction = to_target ? Direction::kToTarget : Direction::kToInitiator;
  stream.parameters.header_digest = options_.header_digest && random->Chance(30);
  stream.parameters.data_digest = options_.data_digest && random->Chance(30);
  if (random->Chance(15)) stream.parameters.max_recv_data_segment_length = 512;
  if (options_.login && random->Chance(15)) stream.parameters.login_pdus = random->Between(1, 2);
  for (uint64_t i = random->Between(1, kMostPieces); i > 0; --i) {
    stream.pieces.push_back(AnyPiece(stream.direction, random));
  }
  return stream;
}

void StreamGrower::Change(Stream* stream, base::Random* random) const {
  std::vector<StreamPiece>& pieces = stream->pieces;
  const size_t at = random->Below(pieces.size());
  const auto place = pieces.begin() + static_cast<ptrdiff_t>(at);
  switch (random->Below(11)) {
    case 0:
      if (pieces.size() > 1) pieces.erase(place);
      return;
    case 1:
      pieces.push_back(StreamPiece(pieces[at]));
      return;
    case 2:
      std::swap(pieces[at], pieces[random->Below(pieces.size())]);
      return;
    case 3:
      pieces.insert(place, AnyPiece(stream->direction, random));
      return;
    case 4:
    case 5:
      return ChangeHead(stream->parameters, options_.ahs, random, &pieces[at]);
    case 6:
      return Resize(LengthOf(stream->parameters, random), random, &pieces[at]);
    case 7:
      // Empty, and the next PDU at once: where receivers lose their place.
      return Resize(0, random, &pieces[at]);
    case 8:
      if (!pieces[at].data.empty()) {
        pieces[at].data[random->Below(pieces[at].data.size())] ^= 0x80;
      }
      return;
    case 9:
      (random->Chance(50) ? pieces[at].header_digest_wrong : pieces[at].data_digest_wrong) = true;
      return;
    default:
      stream->cut_off = random->Between(1, random->Chance(70) ? 60 : 700);
  }
}

Stream StreamGrower::Make(uint64_t number) const {
  // As of sequences: neighbours must not be alike, nor those of one number under two seeds.
  base::Random random = base::Random(options_.seed ^ (number * 0xd1342543de82ef95)).Fork();
  Stream stream =
      !seeds_.empty() && random.Chance(50) ? seeds_[random.Below(seeds_.size())] : Fresh(&random);
  for (uint64_t i = random.Below(4); i > 0; --i) Change(&stream, &random);
  return stream;
}

}  // namespace pushpull::fuzz
