#include "target/rx/byte_source.h"

#include <algorithm>
#include <cstring>

namespace pushpull::target {

void ByteSource::Cut() {
  const size_t left = view_.size() - end_;
  end_ += next_cut_ < schedule_.cuts.size() ? std::min(schedule_.cuts[next_cut_], left) : left;
  ++next_cut_;
}

bool ByteSource::Wait() {
  if (!schedule_.not_yet_before_each_chunk) return false;
  waited_ = !waited_;
  return waited_;
}

Obtained ByteSource::Obtain(Chunk /*kind*/, size_t size) {
  if (Wait()) return {Obtained::Answer::kNotYet};
  if (end_ - begin_ < size) {
    waited_ = false;
    if (cuts_ && !exhausted()) {
      Cut();
      return {Obtained::Answer::kNotYet};
    }
    if (!schedule_.ends) return {Obtained::Answer::kNotYet};
    return {Obtained::Answer::kEnded, {view_.data() + begin_, end_ - begin_}};
  }
  begin_ += size;
  return {Obtained::Answer::kReady, {view_.data() + begin_ - size, size}};
}

Obtained ByteSource::ObtainData(std::span<const base::MutableBytes> into, size_t size) {
  const size_t first = into.empty() ? size : std::min(size, into.front().size());
  const size_t n = std::clamp<size_t>(end_ - begin_, 1, first);
  const Obtained got = Obtain(Chunk::kData, n);
  if (got.answer != Obtained::Answer::kReady || into.empty()) return got;
  std::memcpy(into.front().data(), got.bytes.data(), n);
  return {Obtained::Answer::kReady, into.front().first(n)};
}

}  // namespace pushpull::target
