// A file's flushes: one fdatasync at a time, and none forgets what one before it lost.

#ifndef TARGET_STORE_SYNC_QUEUE_H_
#define TARGET_STORE_SYNC_QUEUE_H_

#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "target/store/io_engine.h"
#include "target/store/store.h"

namespace pushpull::target {

// Flushes that come while an fdatasync runs wait for the next one, which then covers all that was
// done before any of them came.
//
// The system tells of pages that it couldn't write once for each open file, and takes them for
// clean afterwards (fsync(2), "Errors"): a second fdatasync would say that all is well. So the
// first failure is the answer to all flushes from then on. `fd` is an open file of the queue's own,
// not one shared by dup(), so that no other operation is told in its stead.
class SyncQueue final : private FileOperation {
 public:
  SyncQueue(int fd, IoEngine* engine);

  // A kFlush. From any thread; `io->done` is called later.
  void Add(Io* io);

  // A write that was to be durable failed at the disk: earlier ones may be lost with it.
  void Fail(const absl::Status& status);

 private:
  void OnResult(int64_t result) override;

  IoEngine* const engine_;
  std::mutex mutex_;
  std::vector<Io*> waiting_;
  std::vector<Io*> covered_;  // by the one that runs; empty: none does
  absl::Status lost_;         // the first failure
};

}  // namespace pushpull::target

#endif  // TARGET_STORE_SYNC_QUEUE_H_
