#include "tools/crash/sim_disk.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "target/store/store.h"

namespace pushpull::tools {

using target::FileOperation;
using Kind = FileOperation::Kind;

class SimDisk::Engine final : public target::IoEngine {
 public:
  explicit Engine(SimDisk* disk) : disk_(disk) {}
  void Start(FileOperation* operation) override { disk_->Start(operation); }

 private:
  SimDisk* const disk_;
};

SimDisk::SimDisk(fabric::SimWorld* world, uint64_t size_bytes, const DiskFaults& faults)
    : world_(world),
      lane_(world->NewLane()),
      faults_(faults),
      random_(world->ForkRandom()),
      sectors_(size_bytes / kSectorBytes) {
  CHECK_EQ(size_bytes % kSectorBytes, 0u);
}

std::unique_ptr<target::IoEngine> SimDisk::MakeEngine() { return std::make_unique<Engine>(this); }

void SimDisk::After(absl::Duration delay, fabric::Task task) {
  world_->Schedule(lane_, world_->now() + delay, nullptr, std::move(task));
}

// A sync takes longer than most writes: many come and go while it runs.
absl::Duration SimDisk::Delay(Kind kind) {
  const uint64_t most_us = kind == Kind::kSync ? 3000 : kind == Kind::kDurableWrite ? 1500 : 400;
  return absl::Nanoseconds(random_.Between(1000, most_us * 1000));
}

void SimDisk::Start(FileOperation* operation) {
  const absl::Duration delay = Delay(operation->kind);
  const uint64_t offset = operation->offset;
  switch (operation->kind) {
    case Kind::kRead:
      return After(delay, [this, operation] {
        Read(*operation);
        operation->OnResult(static_cast<int64_t>(target::IoBytes(operation->buffers)));
      });
    case Kind::kSync: {
      ++syncs_;
      const uint64_t since = ++clock_;
      if (faults_.sync_answered_early) {
        After(delay, [this, since] { Sync(since); });
        return After(absl::Microseconds(1), [operation] { operation->OnResult(0); });
      }
      return After(delay, [this, operation, since] {
        if (!faults_.sync_does_nothing) Sync(since);
        operation->OnResult(0);
      });
    }
    case Kind::kWrite:
    case Kind::kDurableWrite:
    case Kind::kPunch:
      break;
  }
  const bool hole = operation->kind == Kind::kPunch;
  const bool durable = operation->kind == Kind::kDurableWrite && !faults_.durable_write_is_plain;
  const uint64_t bytes = hole ? operation->bytes : target::IoBytes(operation->buffers);
  const int64_t result = hole ? 0 : static_cast<int64_t>(bytes);
  const uint64_t write = BeginWrite(*operation, bytes);
  if (faults_.writes_answered_early) {
    After(delay, [=, this] { EndWrite(write, offset, bytes, durable); });
    return After(absl::Microseconds(1), [operation, result] { operation->OnResult(result); });
  }
  After(delay, [=, this] {
    EndWrite(write, offset, bytes, durable);
    operation->OnResult(result);
  });
}

void SimDisk::Read(const FileOperation& operation) const {
  uint64_t at = operation.offset;
  for (const iovec& buffer : operation.buffers) {
    auto* to = static_cast<uint8_t*>(buffer.iov_base);
    for (size_t left = buffer.iov_len; left > 0;) {
      const uint64_t within = at % kSectorBytes;
      const size_t part = std::min<size_t>(left, kSectorBytes - within);
      const SectorRef& sector = sectors_.at(at / kSectorBytes).current;
      if (sector == nullptr) {
        std::memset(to, 0, part);
      } else {
        std::memcpy(to, sector->data() + within, part);
      }
      to += part;
      at += part;
      left -= part;
    }
  }
}

uint64_t SimDisk::BeginWrite(const FileOperation& operation, uint64_t bytes) {
  CHECK(operation.offset % kSectorBytes == 0 && bytes % kSectorBytes == 0);
  const uint64_t write = ++writes_;
  const bool hole = operation.kind == Kind::kPunch;
  std::vector<uint8_t> all;
  for (const iovec& buffer : operation.buffers) {
    const auto* begin = static_cast<const uint8_t*>(buffer.iov_base);
    all.insert(all.end(), begin, begin + buffer.iov_len);
  }
  for (uint64_t at = 0; at < bytes; at += kSectorBytes) {
    SectorRef sector;
    if (!hole) {
      auto copy = std::make_shared<Sector>();
      std::memcpy(copy->data(), &all[at], kSectorBytes);
      sector = std::move(copy);
    }
    sectors_.at((operation.offset + at) / kSectorBytes)
        .versions.push_back({write, kUnderWay, hole, std::move(sector)});
  }
  return write;
}

void SimDisk::EndWrite(uint64_t write, uint64_t offset, uint64_t bytes, bool durable) {
  const uint64_t now = ++clock_;
  for (uint64_t at = offset; at < offset + bytes; at += kSectorBytes) {
    State& state = sectors_[at / kSectorBytes];
    const auto found = std::find_if(state.versions.begin(), state.versions.end(),
                                    [write](const Version& v) { return v.write == write; });
    CHECK(found != state.versions.end());
    found->done_at = now;
    state.current = found->sector;
    if (!durable) continue;
    state.stable = found->sector;
    std::erase_if(state.versions, [](const Version& v) { return v.done_at != kUnderWay; });
  }
}

void SimDisk::Sync(uint64_t since) {
  for (State& state : sectors_) {
    const Version* newest = nullptr;
    for (const Version& version : state.versions) {
      if (version.done_at >= since || (version.hole && faults_.punch_lasts_not)) continue;
      if (newest == nullptr || version.done_at > newest->done_at) newest = &version;
    }
    if (newest == nullptr) continue;
    state.stable = newest->sector;
    const uint64_t done_at = newest->done_at;
    std::erase_if(state.versions, [done_at](const Version& v) { return v.done_at <= done_at; });
  }
}

std::vector<SimDisk::SectorRef> SimDisk::AfterPowerFailure(base::Random& random) const {
  // Nothing of the cache is left, some of it, or all that had come.
  const uint64_t kept = random.Below(4);
  const uint32_t percent = kept == 0 ? 0 : kept == 1 ? 100 : 50;
  std::vector<SectorRef> left;
  left.reserve(sectors_.size());
  for (const State& state : sectors_) {
    if (state.versions.empty() || !random.Chance(percent)) {
      left.push_back(state.stable);
    } else if (percent == 100) {
      left.push_back(state.current);
    } else {
      left.push_back(state.versions[random.Below(state.versions.size())].sector);
    }
  }
  return left;
}

}  // namespace pushpull::tools
