#include "target/session/read_flow.h"

#include <algorithm>

#include "base/check.h"

namespace pushpull::target {

ReadFlow::Piece ReadFlow::Next(uint32_t max_segment_bytes) {
  CHECK(!done());
  if (plan_ != nullptr) return NextOfPlan(max_segment_bytes);
  if (bugs_->Has(Bug::kDataInBeyondMaxRecv)) max_segment_bytes += 4;
  const uint32_t left = bytes_ - offset_;
  const uint32_t burst_left = std::min(max_burst_length_ - burst_bytes_, left);
  uint32_t length = std::min(max_segment_bytes, burst_left);
  if (length < burst_left) {
    // RFC 7143 §11.7.7: whole words, unless it ends a sequence. The RFC's smallest limit is 512.
    length &= ~3u;
    if (bugs_->Has(Bug::kDataInUnaligned)) --length;
  }
  const uint32_t offset = offset_;
  const uint32_t data_sn = next_data_sn_++;
  if (bugs_->Has(Bug::kDataSnLosesCarry)) next_data_sn_ &= 0xff;
  offset_ += length;
  burst_bytes_ += length;
  ++pieces_;
  const bool ends_burst = burst_bytes_ == max_burst_length_ || done();
  if (ends_burst) burst_bytes_ = 0;
  if (ends_burst && bugs_->Has(Bug::kDataSnPerSequence)) next_data_sn_ = 0;
  return {
      .from = offset,
      .length = length,
      .offset = OffsetToTell(offset),
      .data_sn = data_sn,
      .final = bugs_->Has(Bug::kDataInFinalMissing) ? done() : ends_burst,
      .last = done(),
  };
}

uint32_t ReadFlow::OffsetToTell(uint32_t offset) const {
  if (bugs_->Has(Bug::kDataInOffsetStuck)) return 0;
  return bugs_->Has(Bug::kDataInOffset16Bits) ? offset & 0xffff : offset;
}

ReadFlow::Piece ReadFlow::NextOfPlan(uint32_t max_segment_bytes) {
  const DataInPlan::Piece piece = plan_->Next(max_segment_bytes);
  offset_ += piece.length;
  ++pieces_;
  return {.from = piece.from,
          .length = piece.length,
          .offset = piece.from,
          .data_sn = next_data_sn_++,
          .final = piece.final,
          .last = piece.last};
}

ReadFlow::Piece ReadFlow::Empty() {
  CHECK(done());
  ++pieces_;
  return {.from = bytes_,
          .length = 0,
          .offset = bytes_,
          .data_sn = next_data_sn_++,
          .final = true,
          .last = true};
}

}  // namespace pushpull::target
