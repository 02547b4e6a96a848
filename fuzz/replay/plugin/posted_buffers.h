// Buffers for pushed messages, each of which ends where memory ends: whoever reads beyond the bytes
// that were pushed dies of it, in every build.

#ifndef FUZZ_REPLAY_PLUGIN_POSTED_BUFFERS_H_
#define FUZZ_REPLAY_PLUGIN_POSTED_BUFFERS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "base/bytes.h"

namespace pushpull::replay {

class PostedBuffers {
 public:
  struct Posted {
    uint64_t id = 0;
    base::MutableBytes bytes;  // empty: no buffer is free
  };

  PostedBuffers() = default;
  PostedBuffers(const PostedBuffers&) = delete;
  PostedBuffers& operator=(const PostedBuffers&) = delete;
  ~PostedBuffers();

  // Room for `buffers` messages of at most `max_bytes` (1 or more) each. Keeps what is there where
  // that will do.
  absl::Status Reserve(size_t buffers, size_t max_bytes);

  // Takes back all, and has `buffers` of those reserved from now on.
  void Reset(size_t buffers);
  // Lends a buffer of 1 to max_bytes bytes, with the page behind its last byte not readable.
  Posted Lend(size_t bytes);
  // False where this buffer isn't lent. Its bytes are overwritten, so that who still looks at them
  // sees it.
  bool TakeBack(uint64_t id);

  size_t buffers() const { return limit_; }
  size_t lent() const { return lent_; }

 private:
  struct Buffer {
    uint8_t* end = nullptr;  // where the page that can't be read begins
    size_t lent_bytes = 0;   // 0: it is free
  };

  uint8_t* memory_ = nullptr;
  size_t mapped_bytes_ = 0;
  size_t room_ = 0;  // bytes of each buffer
  size_t limit_ = 0;
  size_t lent_ = 0;
  std::vector<Buffer> buffers_;
  std::vector<size_t> free_;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_PLUGIN_POSTED_BUFFERS_H_
