#include "initiator_sim/pdu/framer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pushpull::initiator_sim {

void Framer::Append(base::Bytes bytes) {
  if (error_.has_value()) return;
  // What was returned is dropped only once it is the larger part: each byte is moved at most once
  // on average.
  if (begin_ > buffer_.size() / 2) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(begin_));
    begin_ = 0;
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::optional<Frame> Framer::Next() {
  if (error_.has_value() || pending() < kBhsSize) return std::nullopt;
  const base::Bytes there = pending_bytes();
  const uint32_t data_segment_length = base::LoadBe24(&there[5]);
  if (data_segment_length > max_data_segment_length_) {
    Fail(absl::StrCat("DataSegmentLength ", data_segment_length, " is above the limit of ",
                      max_data_segment_length_),
         "RFC 7143 §11.2.1.6");
    return std::nullopt;
  }
  const PduLayout layout = LayoutOf(there, digests_);
  if (there.size() < layout.end) return std::nullopt;

  Frame frame;
  frame.bytes.assign(there.begin(), there.begin() + static_cast<ptrdiff_t>(layout.end));
  frame.stream_offset = stream_offset_;
  frame.decoded = Decode(frame.bytes, digests_);
  begin_ += layout.end;
  stream_offset_ += layout.end;
  return frame;
}

void Framer::Fail(std::string reason, std::string section) {
  error_ = FramingError{std::move(reason), std::move(section), stream_offset_};
}

}  // namespace pushpull::initiator_sim
