// One I/O of a file store, which may take the engine several operations: the system may move less
// than it was asked for.

#ifndef TARGET_STORE_FILE_REQUEST_H_
#define TARGET_STORE_FILE_REQUEST_H_

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "target/store/io_engine.h"
#include "target/store/store.h"
#include "target/store/sync_queue.h"

namespace pushpull::target {

// What an errno value means (store.h).
absl::Status FileErrorStatus(int error);

// All but flushes. Deletes itself once the I/O is done.
class FileRequest final : public FileOperation {
 public:
  // `syncs` is told of durable writes that fail at the disk.
  FileRequest(Io* io, int fd, IoEngine* engine, SyncQueue* syncs);

  // Goes through aligned memory of its own. A read is rounded up to whole units of
  // offset_alignment. False: there is no memory.
  bool UseBounce(size_t memory_alignment, size_t offset_alignment);

  void Start();
  void OnResult(int64_t result) override;

 private:
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };

  // Cuts what was moved off the front.
  void Advance(uint64_t moved);
  void Finish(absl::Status status);

  Io* const io_;
  IoEngine* const engine_;
  SyncQueue* const syncs_;
  std::vector<iovec> left_;
  size_t first_ = 0;     // of left_, that has bytes to move
  uint64_t wanted_ = 0;  // bytes that the I/O is about
  uint64_t moved_ = 0;
  std::unique_ptr<uint8_t, Free> bounce_;
};

}  // namespace pushpull::target

#endif  // TARGET_STORE_FILE_REQUEST_H_
