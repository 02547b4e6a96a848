#include "target/variation/data_in_plan.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/check.h"

namespace pushpull::target {
namespace {

// However small the parts may be, a read is in not many more than this.
constexpr uint32_t kSequences = 6;
constexpr uint32_t kPieces = 24;

}  // namespace

DataInPlan::DataInPlan(uint32_t bytes, const DataInOrder& order, base::Random random, bool empty)
    : pdu_in_order_(order.pdu_in_order),
      least_piece_(std::max(4u, (bytes / kPieces) & ~3u)),
      empty_(empty),
      random_(random) {
  CHECK_GT(bytes, 0u);
  const uint32_t least = std::min(order.max_burst_length, std::max(1u, bytes / kSequences));
  const bool whole = random_.Chance(40);
  for (uint32_t from = 0; from < bytes;) {
    const uint32_t left = bytes - from;
    uint32_t length = std::min(order.max_burst_length, left);
    if (!whole) length = std::min(length, static_cast<uint32_t>(random_.Between(least, left)));
    sequences_.push_back({from, length});
    from += length;
  }
  if (!order.sequence_in_order) Shuffle(sequences_);
}

void DataInPlan::Shuffle(std::deque<Range>& ranges) {
  for (size_t left = ranges.size(); left > 1; --left) {
    std::swap(ranges[left - 1], ranges[random_.Below(left)]);
  }
}

// Whole words, but for the one that goes last (RFC 7143 §11.7.7).
void DataInPlan::CutIntoPieces(Range sequence, uint32_t max_segment_bytes) {
  const uint32_t most = std::max(4u, max_segment_bytes & ~3u);
  const bool whole = random_.Chance(30);
  while (sequence.length > max_segment_bytes || (!whole && sequence.length > least_piece_)) {
    const uint32_t least = std::min(least_piece_, most);
    uint32_t length = whole ? most : static_cast<uint32_t>(random_.Between(least, most)) & ~3u;
    length = std::min(length, sequence.length & ~3u);
    if (length == sequence.length || length == 0) break;
    pieces_.push_back({sequence.from, length});
    sequence.from += length;
    sequence.length -= length;
  }
  // RFC 7143 §11.7.7: to be avoided, but legal.
  if (empty_ && !pieces_.empty() && random_.Chance(10)) {
    const auto at = pieces_.begin() + static_cast<std::ptrdiff_t>(random_.Below(pieces_.size()));
    pieces_.insert(at, {at->from, 0});
  }
  // The odd bytes stay last, whatever comes before them.
  if (!pdu_in_order_) Shuffle(pieces_);
  pieces_.push_back(sequence);
}

DataInPlan::Piece DataInPlan::Next(uint32_t max_segment_bytes) {
  if (pieces_.empty()) {
    CHECK(!sequences_.empty());
    CutIntoPieces(sequences_.front(), max_segment_bytes);
    sequences_.pop_front();
  }
  Range& front = pieces_.front();
  Range piece = front;
  if (piece.length > max_segment_bytes) {  // the limit was lowered meanwhile
    piece.length = max_segment_bytes & ~3u;
    front.from += piece.length;
    front.length -= piece.length;
  } else {
    pieces_.pop_front();
  }
  const bool final = pieces_.empty();
  return {piece.from, piece.length, final, final && sequences_.empty()};
}

}  // namespace pushpull::target
