// A store that keeps what would change it waiting, until it is let through.

#ifndef FUZZ_STREAMS_GATE_STORE_H_
#define FUZZ_STREAMS_GATE_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "target/store/store.h"

namespace pushpull::streams {

class GateStore final : public target::Store {
 public:
  explicit GateStore(std::unique_ptr<target::Store> behind) : behind_(std::move(behind)) {}

  bool closed() const { return closed_; }
  // Whether anything waits.
  bool holds() const { return !held_.empty(); }
  void Close() { closed_ = true; }
  // What waited goes on, on its loop.
  void Open() {
    closed_ = false;
    for (target::Io* io : std::exchange(held_, {})) {
      io->loop->Post([this, io] {
        if (auto status = behind_->Submit(io)) target::FinishIo(io, *std::move(status));
      });
    }
  }

  std::optional<absl::Status> Submit(target::Io* io) override {
    if (!closed_ || io->op == target::Io::Op::kRead) return behind_->Submit(io);
    held_.push_back(io);
    return std::nullopt;
  }
  uint64_t size_bytes() const override { return behind_->size_bytes(); }
  bool read_only() const override { return behind_->read_only(); }
  bool has_volatile_cache() const override { return behind_->has_volatile_cache(); }
  bool can_unmap() const override { return behind_->can_unmap(); }
  uint32_t unmap_granularity_bytes() const override { return behind_->unmap_granularity_bytes(); }
  Extent ExtentAt(uint64_t offset) const override { return behind_->ExtentAt(offset); }
  base::MutableBytes Memory() override { return behind_->Memory(); }

 private:
  const std::unique_ptr<target::Store> behind_;
  bool closed_ = false;
  std::vector<target::Io*> held_;
};

}  // namespace pushpull::streams

#endif  // FUZZ_STREAMS_GATE_STORE_H_
