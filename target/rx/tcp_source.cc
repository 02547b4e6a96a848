#include "target/rx/tcp_source.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace pushpull::target {
namespace {

// Places that one read may go to, beside the read-ahead buffer.
constexpr size_t kMaxPlaces = 31;

// Data that was read ahead is copied a second time, into its place. From so many bytes of it in one
// PDU on that costs more than the calls that reading ahead saves...
constexpr size_t kTooMuchAhead = 2048;
// ...and so little is read ahead from then on: the next PDU's header and what small data it has.
constexpr size_t kLittleAhead = 112;

}  // namespace

void TcpSource::NeedBuffer() {
  if (!buffer_) buffer_ = buffers_->Take();
}

void TcpSource::GiveBuffer() {
  if (buffer_) buffers_->Give(std::exchange(buffer_, nullptr));
  begin_ = end_ = 0;
}

Obtained::Answer TcpSource::AnswerOf(const fabric::IoResult& result) {
  switch (result.kind) {
    case fabric::IoResult::Kind::kBytes:
      return Obtained::Answer::kReady;
    case fabric::IoResult::Kind::kWouldBlock:
      // Until there is more, others can use the buffer.
      if (begin_ == end_ || bugs_.Has(Bug::kRxPartialChunkDropped)) GiveBuffer();
      return Obtained::Answer::kNotYet;
    case fabric::IoResult::Kind::kEnd:
      return Obtained::Answer::kEnded;
    case fabric::IoResult::Kind::kError:
      error_ = result.error;
      return Obtained::Answer::kEnded;
  }
  return Obtained::Answer::kEnded;
}

Obtained::Answer TcpSource::Fill(size_t size) {
  NeedBuffer();
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ + size > buffers_->buffer_bytes()) {
    const size_t left_behind = bugs_.Has(Bug::kRxReadAheadMovedShort) ? 1 : 0;
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_ - left_behind);
    end_ -= begin_;
    begin_ = 0;
  }
  while (end_ - begin_ < size) {
    const size_t wanted = size - (end_ - begin_);
    const iovec rest{buffer_.get() + end_,
                     std::clamp(ahead_, wanted, buffers_->buffer_bytes() - end_)};
    const fabric::IoResult result = stream_->TryRead({&rest, 1});
    if (const auto answer = AnswerOf(result); answer != Obtained::Answer::kReady) return answer;
    end_ += result.bytes;
    // Small PDUs follow one another: the more of them in one call the better.
    if (result.bytes == rest.iov_len) ahead_ = std::min(2 * ahead_, buffers_->buffer_bytes());
  }
  return Obtained::Answer::kReady;
}

Obtained TcpSource::ObtainAfterRead(size_t size) {
  const auto answer = Fill(size);
  if (answer == Obtained::Answer::kReady) return {answer, TakeBuffered(size)};
  if (!buffer_) return {answer};
  return {answer, {buffer_.get() + begin_, end_ - begin_}};
}

Obtained::Answer TcpSource::ReadStraight(std::span<const base::MutableBytes> into) {
  NeedBuffer();
  begin_ = end_ = 0;
  std::array<iovec, kMaxPlaces + 1> vector;
  size_t count = 0;
  size_t wanted = 0;
  for (const base::MutableBytes place : into) {
    if (count == kMaxPlaces) break;
    vector[count++] = {place.data(), place.size()};
    wanted += place.size();
  }
  vector[count++] = {buffer_.get(), ahead_};
  const fabric::IoResult result = stream_->TryRead({vector.data(), count});
  if (const auto answer = AnswerOf(result); answer != Obtained::Answer::kReady) return answer;
  landed_ = std::min(result.bytes, wanted);
  end_ = bugs_.Has(Bug::kRxReadAheadTailLost) ? 0 : result.bytes - landed_;
  return Obtained::Answer::kReady;
}

Obtained TcpSource::ObtainData(std::span<const base::MutableBytes> into, size_t size) {
  if (into.empty()) {  // to be discarded
    if (begin_ == end_) {
      if (const auto answer = Fill(1); answer != Obtained::Answer::kReady) return {answer};
    }
    return {Obtained::Answer::kReady, TakeBuffered(std::min(size, end_ - begin_))};
  }
  const base::MutableBytes place = into.front();
  if (landed_ == 0) {
    if (begin_ != end_) {
      const size_t n = std::min(place.size(), end_ - begin_);
      if (n > kTooMuchAhead) ahead_ = std::min(kLittleAhead, buffers_->buffer_bytes());
      std::memcpy(place.data(), TakeBuffered(n).data(), n);
      return {Obtained::Answer::kReady, place.first(n)};
    }
    if (const auto answer = ReadStraight(into); answer != Obtained::Answer::kReady) {
      return {answer};
    }
  }
  const size_t n = std::min(place.size(), landed_);
  landed_ -= n;
  return {Obtained::Answer::kReady, place.first(n)};
}

bool TcpSource::HasEnded() {
  NeedBuffer();
  while (end_ < buffers_->buffer_bytes()) {
    const iovec rest{buffer_.get() + end_, buffers_->buffer_bytes() - end_};
    const fabric::IoResult result = stream_->TryRead({&rest, 1});
    const Obtained::Answer answer = AnswerOf(result);
    if (answer != Obtained::Answer::kReady) return answer == Obtained::Answer::kEnded;
    end_ += result.bytes;
  }
  return false;
}

}  // namespace pushpull::target
