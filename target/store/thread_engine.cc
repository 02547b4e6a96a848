#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/check.h"
#include "target/store/io_engine.h"

namespace pushpull::target {
namespace {

int64_t RunOnce(const FileOperation& operation) {
  const auto count = static_cast<int>(operation.buffers.size());
  const auto offset = static_cast<off_t>(operation.offset);
  const iovec* buffers = operation.buffers.data();
  switch (operation.kind) {
    case FileOperation::Kind::kRead:
      return preadv(operation.fd, buffers, count, offset);
    case FileOperation::Kind::kWrite:
      return pwritev(operation.fd, buffers, count, offset);
    case FileOperation::Kind::kDurableWrite:
      return pwritev2(operation.fd, buffers, count, offset, RWF_DSYNC);
    case FileOperation::Kind::kSync:
      return fdatasync(operation.fd);
    case FileOperation::Kind::kPunch:
      return fallocate(operation.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                       static_cast<off_t>(operation.bytes));
  }
  return -1;
}

int64_t Run(const FileOperation& operation) {
  while (true) {
    const int64_t result = RunOnce(operation);
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

class ThreadEngine final : public IoEngine {
 public:
  explicit ThreadEngine(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
  }

  ~ThreadEngine() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    CHECK(queue_.empty()) << "operations are still in flight";
  }

  void Start(FileOperation* operation) override {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(operation);
    }
    wake_.notify_one();
  }

 private:
  void Work() {
    while (true) {
      FileOperation* operation;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        operation = queue_.front();
        queue_.pop_front();
      }
      operation->OnResult(Run(*operation));
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::deque<FileOperation*> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<IoEngine> MakeThreadEngine(int threads) {
  return std::make_unique<ThreadEngine>(threads);
}

}  // namespace pushpull::target
