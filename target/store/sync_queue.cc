#include "target/store/sync_queue.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "target/store/file_request.h"

namespace pushpull::target {

SyncQueue::SyncQueue(int fd, IoEngine* engine) : engine_(engine) {
  kind = Kind::kSync;
  this->fd = fd;
}

void SyncQueue::Add(Io* io) {
  {
    std::lock_guard lock(mutex_);
    if (!covered_.empty()) {
      waiting_.push_back(io);
      return;
    }
    covered_.push_back(io);
  }
  engine_->Start(this);
}

void SyncQueue::Fail(const absl::Status& status) {
  std::lock_guard lock(mutex_);
  if (!lost_.ok()) return;
  lost_ = absl::Status(status.code(),
                       absl::StrCat("what was written before may be lost: ", status.message()));
}

void SyncQueue::OnResult(int64_t result) {
  if (result == -EINTR || result == -EAGAIN) return engine_->Start(this);
  if (result < 0) Fail(FileErrorStatus(static_cast<int>(-result)));
  std::vector<Io*> done;
  absl::Status status;
  bool more;
  {
    std::lock_guard lock(mutex_);
    status = lost_;
    done.swap(covered_);
    covered_.swap(waiting_);
    more = !covered_.empty();
  }
  // Before `done`: with the last of them the store may go.
  if (more) engine_->Start(this);
  for (Io* io : done) {
    io->loop->Post([io, status] { FinishIo(io, status); });
  }
}

}  // namespace pushpull::target
