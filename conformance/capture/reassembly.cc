#include "conformance/capture/reassembly.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace pushpull::conformance {
namespace {

// No TCP window is larger (RFC 7323 §2.3): what claims to be further ahead belongs to no stream.
constexpr int64_t kMaxAhead = int64_t{1} << 30;

}  // namespace

void Reassembly::Start(uint32_t first_seq) {
  *this = Reassembly(limits_);
  first_seq_ = first_seq;
  tracker_.sequence_number(first_seq);
  started_ = true;
  stream_.from_start = true;
}

void Reassembly::Add(const Segment& segment) {
  if (!started_) {
    Start(segment.seq);
    stream_.from_start = false;
  }
  const int64_t ahead = static_cast<int32_t>(segment.seq - SeqAt(next_));
  if (ahead > kMaxAhead) return;
  const int64_t sent_end =
      static_cast<int64_t>(next_) + ahead + static_cast<int64_t>(segment.payload_size);
  if (segment.fin && !fin_.has_value() && sent_end >= static_cast<int64_t>(next_)) {
    fin_ = static_cast<uint64_t>(sent_end);
    fin_frame_ = segment.frame;
    fin_time_ = segment.time;
  }
  if (sent_end <= static_cast<int64_t>(next_)) return;  // sent again
  base::Bytes payload = segment.payload;
  const size_t old = ahead < 0 ? static_cast<size_t>(-ahead) : 0;
  payload = payload.subspan(std::min(old, payload.size()));
  const uint64_t begin = next_ + static_cast<uint64_t>(std::max<int64_t>(ahead, 0));
  const uint64_t end = begin + payload.size();
  if (end < static_cast<uint64_t>(sent_end) && truncated_.size() < limits_.waiting_segments) {
    uint64_t& known = truncated_[end];
    known = std::max(known, static_cast<uint64_t>(sent_end));
  }
  if (!payload.empty()) {
    const auto [it, added] = waiting_.try_emplace(begin, Waiting{end, segment.frame, segment.time});
    if (added || it->second.end < end) {
      waiting_bytes_ += end - (added ? begin : it->second.end);
      it->second = {end, segment.frame, segment.time};
      tracker_.process_payload(SeqAt(begin), {payload.begin(), payload.end()});
      Collect();
    }
  }
  PassTruncated();
  while (waiting_bytes_ > limits_.waiting_bytes || waiting_.size() > limits_.waiting_segments) {
    SkipTo(std::numeric_limits<uint64_t>::max(), false);
    PassTruncated();
  }
}

void Reassembly::Finish() {
  while (!waiting_.empty() || !truncated_.empty()) {
    SkipTo(truncated_.empty() ? std::numeric_limits<uint64_t>::max() : truncated_.begin()->first,
           false);
    PassTruncated();
  }
  if (!fin_.has_value()) return;
  SkipTo(*fin_, false);
  stream_.ended = true;
  stream_.end_frame = fin_frame_;
  stream_.end_time = fin_time_;
}

void Reassembly::Collect() {
  std::vector<uint8_t>& fresh = tracker_.payload();
  if (fresh.empty()) return;
  const uint64_t end = next_ + fresh.size();
  const size_t base = stream_.bytes.size();
  const uint64_t begin = next_;
  // As libtins does: of segments that overlap, the one that begins first.
  while (next_ < end && !waiting_.empty() && waiting_.begin()->first <= next_) {
    const auto first = waiting_.begin();
    const Waiting from = first->second;
    if (from.end > next_) {
      AddPiece(base + (next_ - begin), from);
      next_ = std::min(from.end, end);
    }
    waiting_bytes_ -= from.end - first->first;
    waiting_.erase(first);
  }
  next_ = end;
  while (!waiting_.empty() && waiting_.begin()->second.end <= next_) {
    waiting_bytes_ -= waiting_.begin()->second.end - waiting_.begin()->first;
    waiting_.erase(waiting_.begin());
  }
  stream_.bytes.insert(stream_.bytes.end(), fresh.begin(), fresh.end());
  fresh.clear();
}

void Reassembly::AddPiece(size_t begin, const Waiting& from) {
  if (!stream_.pieces.empty() && stream_.pieces.back().frame == from.frame) return;
  stream_.pieces.push_back({begin, from.frame, from.time});
}

void Reassembly::SkipTo(uint64_t at_most, bool truncated) {
  const uint64_t target = waiting_.empty() ? at_most : std::min(at_most, waiting_.begin()->first);
  if (target <= next_ || target == std::numeric_limits<uint64_t>::max()) return;
  const size_t at = stream_.bytes.size();
  // Where the capture begins within the stream, it may well begin here.
  if (at != 0 || stream_.from_start) {
    if (stream_.gaps.empty() || stream_.gaps.back().at != at) stream_.gaps.push_back({.at = at});
    stream_.gaps.back().missing += target - next_;
    stream_.gaps.back().truncated |= truncated;
  }
  next_ = target;
  tracker_.sequence_number(SeqAt(target));
  // An empty segment: libtins looks for what waits here.
  tracker_.process_payload(SeqAt(target), {});
  Collect();
}

void Reassembly::PassTruncated() {
  while (!truncated_.empty() && truncated_.begin()->first <= next_) {
    const uint64_t end = truncated_.begin()->second;
    truncated_.erase(truncated_.begin());
    while (end > next_) SkipTo(end, true);
  }
}

}  // namespace pushpull::conformance
