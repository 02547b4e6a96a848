// One session that writes and reads back, and knows what each of its blocks has to hold.

#ifndef TOOLS_LOAD_SESSION_WORKER_H_
#define TOOLS_LOAD_SESSION_WORKER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/random.h"
#include "tools/load/client.h"

namespace pushpull::tools {

// What went wrong, from all threads.
class Faults {
 public:
  static constexpr size_t kKept = 20;

  void Add(std::string what) {
    const std::lock_guard lock(mutex_);
    ++count_;
    if (kept_.size() < kKept) kept_.push_back(std::move(what));
  }
  // The reason of others, which may be there already: told before them.
  void AddReason(std::string what) {
    const std::lock_guard lock(mutex_);
    ++count_;
    kept_.insert(kept_.begin(), std::move(what));
    if (kept_.size() > kKept) kept_.pop_back();
  }
  uint64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  std::vector<std::string> kept() const {
    const std::lock_guard lock(mutex_);
    return kept_;
  }

 private:
  mutable std::mutex mutex_;
  uint64_t count_ = 0;
  std::vector<std::string> kept_;
};

struct WorkerConfig {
  uint32_t number = 0;     // of the session
  uint64_t first_lba = 0;  // its own blocks, of which it uses depth * kPlaces * io_blocks
  uint32_t block_bytes = 512;
  uint32_t io_blocks = 8;
  uint32_t depth = 4;
  std::optional<uint64_t> commands;  // then it is finished
  uint64_t seed = 1;
};

// All but commands() and last_answer() on its loop.
class SessionWorker {
 public:
  static constexpr uint32_t kPlaces = 4;  // that each of `depth` commands moves between

  SessionWorker(fabric::Network* network, fabric::Loop* loop, ClientIdentity identity,
                const WorkerConfig& config, Faults* faults);

  void Open(const fabric::Address& address, Client::Done done);
  // `finished` is called once all commands are done, and it has logged out.
  void Start(absl::AnyInvocable<void()> finished);
  // No further command is begun.
  void Stop() { stopping_ = true; }

  // When a command of it ended last; InfiniteFuture while none is under way.
  absl::Time last_answer() const {
    return absl::FromUnixNanos(last_answer_ns_.load(std::memory_order_relaxed));
  }
  uint64_t commands() const { return commands_.load(std::memory_order_relaxed); }

 private:
  struct Lane {
    uint64_t first_lba = 0;
    std::vector<uint32_t> generations = std::vector<uint32_t>(kPlaces);
  };

  void Step(size_t lane);
  void Write(size_t lane, uint32_t place);
  void Read(size_t lane, uint32_t place);
  bool Took(const absl::StatusOr<Client::Answer>& answer, std::string_view what);
  void NoteProgress();
  void LaneEnds();
  std::string Name() const;

  const WorkerConfig config_;
  Faults* const faults_;
  Client client_;
  base::Random random_;
  std::vector<Lane> lanes_;
  size_t lanes_running_ = 0;
  bool stopping_ = false;
  uint64_t begun_ = 0;
  std::atomic<uint64_t> commands_{0};
  std::atomic<int64_t> last_answer_ns_{INT64_MAX};
  absl::AnyInvocable<void()> finished_;
};

}  // namespace pushpull::tools

#endif  // TOOLS_LOAD_SESSION_WORKER_H_
