// A fabric::Stream for tests, without a loop: reads answer what a script says, writes are kept.

#ifndef TARGET_RX_SCRIPTED_STREAM_H_
#define TARGET_RX_SCRIPTED_STREAM_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "fabric/stream.h"

namespace pushpull::target {

class ScriptedStream final : public fabric::Stream {
 public:
  // A read gets bytes of one piece at most; between two pieces it would block once.
  void AddPiece(base::Bytes bytes) { pieces_.emplace_back(bytes.begin(), bytes.end()); }
  // Behind the last piece: the peer's end, or an error; else it would block for ever.
  void End() { end_ = {fabric::IoResult::Kind::kEnd}; }
  void Break() { end_ = {fabric::IoResult::Kind::kError, 0, ECONNRESET}; }

  // Writes take up to so many bytes in each of the following calls; then they would block until the
  // next AllowWrites. Without this they take all.
  void AllowWrites(std::vector<size_t> sizes) {
    allowed_.assign(sizes.begin(), sizes.end());
    limited_ = true;
  }
  void BreakWrites() { writes_break_ = true; }

  fabric::IoResult TryRead(std::span<const iovec> buffers) override {
    ++reads_;
    if (blocked_ || pieces_.empty()) {
      blocked_ = false;
      return pieces_.empty() ? end_ : fabric::IoResult{fabric::IoResult::Kind::kWouldBlock};
    }
    std::vector<uint8_t>& piece = pieces_.front();
    size_t moved = 0;
    for (const iovec& buffer : buffers) {
      const size_t n = std::min(buffer.iov_len, piece.size() - moved);
      if (n > 0) std::memcpy(buffer.iov_base, piece.data() + moved, n);
      moved += n;
    }
    piece.erase(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(moved));
    if (piece.empty()) {
      pieces_.pop_front();
      blocked_ = !pieces_.empty();
    }
    return {fabric::IoResult::Kind::kBytes, moved};
  }

  fabric::IoResult TryWrite(std::span<const iovec> buffers) override {
    ++writes_;
    if (writes_break_) return {fabric::IoResult::Kind::kError, 0, EPIPE};
    size_t room = std::numeric_limits<size_t>::max();
    if (limited_) {
      if (allowed_.empty()) return {fabric::IoResult::Kind::kWouldBlock};
      room = allowed_.front();
      allowed_.pop_front();
    }
    size_t moved = 0;
    for (const iovec& buffer : buffers) {
      const size_t n = std::min(buffer.iov_len, room - moved);
      const auto* bytes = static_cast<const uint8_t*>(buffer.iov_base);
      written_.insert(written_.end(), bytes, bytes + n);
      moved += n;
    }
    return {fabric::IoResult::Kind::kBytes, moved};
  }

  const std::vector<uint8_t>& written() const { return written_; }
  std::vector<uint8_t> TakeWritten() { return std::exchange(written_, {}); }
  size_t reads() const { return reads_; }
  size_t writes() const { return writes_; }

  void SetHandlers(fabric::Task /*readable*/, fabric::Task /*writable*/) override {}
  void ShutdownWrite() override {}
  void Close() override {}
  void Abort() override {}
  fabric::Address local() const override { return {}; }
  fabric::Address peer() const override { return {}; }

 private:
  std::deque<std::vector<uint8_t>> pieces_;
  bool blocked_ = false;
  fabric::IoResult end_ = {fabric::IoResult::Kind::kWouldBlock};
  std::vector<uint8_t> written_;
  std::deque<size_t> allowed_;
  bool limited_ = false;
  bool writes_break_ = false;
  size_t reads_ = 0;
  size_t writes_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_SCRIPTED_STREAM_H_
