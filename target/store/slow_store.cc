#include "target/store/slow_store.h"

#include <utility>

namespace pushpull::target {

SlowStore::SlowStore(absl::Duration delay, std::unique_ptr<Store> behind)
    : delay_(delay), behind_(std::move(behind)) {}

std::optional<absl::Status> SlowStore::Submit(Io* io) {
  io->held_by = this;
  io->timer = io->loop->StartTimer(delay_, [this, io] {
    io->held_by = nullptr;
    io->timer = 0;
    if (std::optional<absl::Status> status = behind_->Submit(io)) FinishIo(io, *std::move(status));
  });
  return std::nullopt;
}

void SlowStore::Cancel(Io* io) {
  if (io->held_by != this) return behind_->Cancel(io);
  if (io->timer == 0) return;  // cancelled already
  io->loop->CancelTimer(io->timer);
  io->timer = 0;
  io->loop->Post([io] {
    io->held_by = nullptr;
    FinishIo(io, absl::CancelledError("given up while it was held"));
  });
}

}  // namespace pushpull::target
