// A byte stream in memory into which the other side feeds what it wants read next.

#ifndef FUZZ_REPLAY_FED_STREAM_H_
#define FUZZ_REPLAY_FED_STREAM_H_

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/bytes.h"
#include "fabric/stream.h"

namespace pushpull::replay {

// Nothing is written to it, and nobody is called: readers poll.
class FedStream final : public fabric::Stream {
 public:
  // Begins anew, with nothing there. `bytes` live as long as they are read.
  void Restart(base::Bytes bytes, bool not_yet_before_each_read) {
    bytes_ = bytes;
    read_ = fed_ = 0;
    ended_ = refused_ = false;
    not_yet_before_each_read_ = not_yet_before_each_read;
  }
  void Feed(size_t bytes) { fed_ += bytes; }
  void End() { ended_ = true; }
  // The last read was answered "not yet" though there was something.
  bool refused() const { return refused_; }
  size_t bytes_read() const { return read_; }

  fabric::IoResult TryRead(std::span<const iovec> buffers) override {
    using Kind = fabric::IoResult::Kind;
    if (read_ == fed_ && !ended_) {
      refused_ = false;
      return {Kind::kWouldBlock};
    }
    if (not_yet_before_each_read_) {
      refused_ = !refused_;
      if (refused_) return {Kind::kWouldBlock};
    }
    if (read_ == fed_) return {Kind::kEnd};
    size_t moved = 0;
    for (const iovec& buffer : buffers) {
      const size_t n = std::min(buffer.iov_len, fed_ - read_);
      if (n == 0) continue;
      std::memcpy(buffer.iov_base, bytes_.data() + read_, n);
      read_ += n;
      moved += n;
    }
    return {Kind::kBytes, moved};
  }

  fabric::IoResult TryWrite(std::span<const iovec> /*buffers*/) override {
    return {fabric::IoResult::Kind::kError, 0, EPIPE};
  }
  void SetHandlers(fabric::Task /*readable*/, fabric::Task /*writable*/) override {}
  void ShutdownWrite() override {}
  void Close() override {}
  void Abort() override {}
  fabric::Address local() const override { return {}; }
  fabric::Address peer() const override { return {}; }

 private:
  base::Bytes bytes_;
  size_t read_ = 0;
  size_t fed_ = 0;
  bool ended_ = false;
  bool not_yet_before_each_read_ = false;
  bool refused_ = false;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_FED_STREAM_H_
