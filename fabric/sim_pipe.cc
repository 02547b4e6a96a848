#include "fabric/sim_pipe.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/check.h"
#include "base/random.h"
#include "fabric/byte_queue.h"
#include "fabric/sim_options.h"

namespace pushpull::fabric {
namespace {

// Half of the random cuts are this small: about a header.
constexpr size_t kSmallCut = 64;
constexpr uint64_t kHashFactor = 0x9e3779b97f4a7c15;  // odd: no size is lost

}  // namespace

SimPipe::SimPipe(const SimDirection& options, base::Random random, SimCounters* counters)
    : options_(options), random_(random), counters_(counters) {
  CHECK(options.buffer_bytes > 0 && options.max_read_bytes > 0 && options.max_write_bytes > 0)
      << "nothing would ever move";
  CHECK(options.min_latency <= options.max_latency);
  CHECK(std::is_sorted(options.read_cuts.begin(), options.read_cuts.end()));
  WaitAtCut();
}

void SimPipe::WaitAtCut() {
  const std::vector<uint64_t>& cuts = options_.read_cuts;
  for (; next_cut_ < cuts.size() && cuts[next_cut_] <= total_read_; ++next_cut_) ++cut_holds_;
}

size_t SimPipe::Draw(size_t most, bool random) {
  if (!random || most <= 1) return most;
  return random_.Between(1, random_.Chance(50) ? std::min(most, kSmallCut) : most);
}

size_t SimPipe::Write(std::span<const iovec> buffers) {
  size_t most = std::min(TotalSize(buffers), options_.max_write_bytes);
  CHECK_GT(most, 0u) << "a write of nothing";
  most = std::min(most, options_.buffer_bytes - std::min(options_.buffer_bytes, queue_.size()));
  if (most == 0 || std::exchange(write_hold_, false)) {
    ++counters_->blocked_writes;
    return 0;
  }
  const size_t size = Draw(most, options_.random_writes);
  queue_.Append(buffers, size);
  if (options_.reads_stop_at_writes) writes_.push_back(size);
  write_hold_ = random_.Chance(options_.write_block_percent);
  ++counters_->writes;
  counters_->bytes_written += size;
  return size;
}

void SimPipe::Arrive(size_t size) {
  size = std::min(size, in_flight());
  arrived_ += size;
  total_arrived_ += size;
}

void SimPipe::LoseSomeInFlight() { queue_.Truncate(arrived_ + random_.Between(0, in_flight())); }

void SimPipe::LoseAllInFlight() { queue_.Truncate(arrived_); }

absl::Duration SimPipe::DrawLatency() {
  const absl::Duration range = options_.max_latency - options_.min_latency;
  if (range == absl::ZeroDuration()) return options_.min_latency;
  return options_.min_latency + absl::Nanoseconds(random_.Between(
                                    0, static_cast<uint64_t>(absl::ToInt64Nanoseconds(range))));
}

size_t SimPipe::Read(std::span<const iovec> buffers) {
  size_t most = std::min(TotalSize(buffers), options_.max_read_bytes);
  CHECK_GT(most, 0u) << "a read of nothing";
  most = std::min(most, arrived_);
  if (most == 0) return 0;
  if (options_.reads_stop_at_writes) most = std::min(most, writes_.front());
  if (next_cut_ < options_.read_cuts.size()) {
    most = std::min<uint64_t>(most, options_.read_cuts[next_cut_] - total_read_);
  }
  const size_t size = Draw(most, options_.random_reads);
  queue_.Take(buffers, size);
  arrived_ -= size;
  if (options_.reads_stop_at_writes && (writes_.front() -= size) == 0) writes_.pop_front();
  read_hold_ = random_.Chance(options_.read_block_percent);
  total_read_ += size;
  WaitAtCut();
  ++counters_->reads;
  counters_->bytes_read += size;
  counters_->read_sizes_hash = (counters_->read_sizes_hash + size) * kHashFactor;
  return size;
}

bool SimPipe::TakeReadHold() {
  if (cut_holds_ == 0) return std::exchange(read_hold_, false);
  --cut_holds_;
  read_hold_ = false;
  return true;
}

void SimPipe::DiscardArrived() {
  total_read_ += arrived_;
  WaitAtCut();
  DropFront(std::exchange(arrived_, 0));
}

void SimPipe::DropFront(size_t size) {
  queue_.Drop(size);
  while (size > 0 && options_.reads_stop_at_writes) {
    const size_t part = std::min(size, writes_.front());
    size -= part;
    if ((writes_.front() -= part) == 0) writes_.pop_front();
  }
}

}  // namespace pushpull::fabric
