// Carries out file operations without blocking who starts them: by io_uring, or by threads where
// the kernel has none, or forbids it.

#ifndef TARGET_STORE_IO_ENGINE_H_
#define TARGET_STORE_IO_ENGINE_H_

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"

namespace pushpull::target {

class FileOperation {
 public:
  enum class Kind : uint8_t {
    kRead,
    kWrite,
    kDurableWrite,
    kSync,   // of the file's data, and of what is needed to find it
    kPunch,  // `bytes` from `offset` on become a hole; the file's size stays
  };

  virtual ~FileOperation() = default;

  Kind kind = Kind::kRead;
  int fd = -1;
  uint64_t offset = 0;
  uint64_t bytes = 0;              // kPunch
  std::span<const iovec> buffers;  // at most IOV_MAX

  // On a thread of the engine. `result`: the bytes that were moved, or an errno value, negative.
  // May start the operation again, or delete it.
  virtual void OnResult(int64_t result) = 0;
};

class IoEngine {
 public:
  virtual ~IoEngine() = default;  // waits for what was started
  // From any thread. The operation stays until OnResult.
  virtual void Start(FileOperation* operation) = 0;
};

absl::StatusOr<std::unique_ptr<IoEngine>> MakeUringEngine();
std::unique_ptr<IoEngine> MakeThreadEngine(int threads);

}  // namespace pushpull::target

#endif  // TARGET_STORE_IO_ENGINE_H_
