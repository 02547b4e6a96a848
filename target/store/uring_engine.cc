#include <fcntl.h>
#include <liburing.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "target/store/io_engine.h"

namespace pushpull::target {
namespace {

class UringEngine final : public IoEngine {
 public:
  static constexpr unsigned kDepth = 256;

  explicit UringEngine(const io_uring& ring) : ring_(ring) {
    reaper_ = std::thread([this] { Reap(); });
  }

  ~UringEngine() override {
    {
      std::lock_guard lock(mutex_);
      CHECK(in_flight_ == 0 && waiting_.empty()) << "operations are still in flight";
      io_uring_prep_nop(NextEntry(nullptr));
      SubmitLocked();
    }
    reaper_.join();
    io_uring_queue_exit(&ring_);
  }

  void Start(FileOperation* operation) override {
    std::lock_guard lock(mutex_);
    if (in_flight_ == kDepth) {
      waiting_.push_back(operation);
      return;
    }
    StartLocked(operation);
  }

 private:
  io_uring_sqe* NextEntry(FileOperation* operation) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    CHECK(entry != nullptr) << "each entry is submitted at once";
    io_uring_sqe_set_data(entry, operation);
    return entry;
  }

  void StartLocked(FileOperation* operation) {
    ++in_flight_;
    io_uring_sqe* entry = NextEntry(operation);
    const int fd = operation->fd;
    const iovec* buffers = operation->buffers.data();
    const auto count = static_cast<unsigned>(operation->buffers.size());
    switch (operation->kind) {
      case FileOperation::Kind::kRead:
        io_uring_prep_readv(entry, fd, buffers, count, operation->offset);
        break;
      case FileOperation::Kind::kWrite:
        io_uring_prep_writev(entry, fd, buffers, count, operation->offset);
        break;
      case FileOperation::Kind::kDurableWrite:
        io_uring_prep_writev2(entry, fd, buffers, count, operation->offset, RWF_DSYNC);
        break;
      case FileOperation::Kind::kSync:
        io_uring_prep_fsync(entry, fd, IORING_FSYNC_DATASYNC);
        break;
      case FileOperation::Kind::kPunch:
        io_uring_prep_fallocate(entry, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                static_cast<off_t>(operation->offset),
                                static_cast<off_t>(operation->bytes));
        break;
    }
    // Preparing an entry clears its data in some versions of liburing.
    io_uring_sqe_set_data(entry, operation);
    SubmitLocked();
  }

  void SubmitLocked() {
    int submitted;
    do {
      submitted = io_uring_submit(&ring_);
      if (submitted < 0) std::this_thread::yield();
    } while (submitted == -EINTR || submitted == -EAGAIN || submitted == -EBUSY);
    CHECK_EQ(submitted, 1) << std::strerror(-submitted);
  }

  void Reap() {
    while (true) {
      io_uring_cqe* completion = nullptr;
      const int waited = io_uring_wait_cqe(&ring_, &completion);
      if (waited == -EINTR) continue;
      CHECK_EQ(waited, 0) << std::strerror(-waited);
      auto* operation = static_cast<FileOperation*>(io_uring_cqe_get_data(completion));
      const int result = completion->res;
      io_uring_cqe_seen(&ring_, completion);
      if (operation == nullptr) return;
      {
        // The kernel hands the operation over from one thread to another; the mutex tells the
        // compiler's and the sanitizers' memory model.
        std::lock_guard lock(mutex_);
        --in_flight_;
        if (!waiting_.empty()) {
          FileOperation* next = waiting_.front();
          waiting_.pop_front();
          StartLocked(next);
        }
      }
      operation->OnResult(result);
    }
  }

  io_uring ring_;
  std::mutex mutex_;
  unsigned in_flight_ = 0;
  std::deque<FileOperation*> waiting_;
  std::thread reaper_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<IoEngine>> MakeUringEngine() {
  io_uring ring;
  const int result = io_uring_queue_init(UringEngine::kDepth, &ring, 0);
  if (result < 0) {
    return absl::UnavailableError(
        absl::StrCat("io_uring can't be used here: ", std::strerror(-result)));
  }
  return std::make_unique<UringEngine>(ring);
}

}  // namespace pushpull::target
