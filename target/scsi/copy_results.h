// What RECEIVE COPY RESULTS tells of copies that have ended (SPC-4 §6.24; SPC-3 §6.17.2 says when
// it goes).

#ifndef TARGET_SCSI_COPY_RESULTS_H_
#define TARGET_SCSI_COPY_RESULTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

namespace pushpull::target {

class Nexus;

struct CopyResult {
  const Nexus* nexus = nullptr;
  uint8_t list_id = 0;
  bool ok = false;
  uint16_t segments = 0;  // that were processed
  uint64_t bytes = 0;
};

// From any thread. Beyond kMost the oldest is forgotten.
class CopyResults {
 public:
  static constexpr size_t kMost = 32;

  void Remember(const CopyResult& result) {
    std::lock_guard lock(mutex_);
    ForgetLocked(result.nexus, result.list_id);
    if (results_.size() == kMost) results_.pop_front();
    results_.push_back(result);
  }

  // Which is told once (SPC-4 §6.24).
  std::optional<CopyResult> Take(const Nexus* nexus, uint8_t list_id) {
    std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(results_, [&](const CopyResult& result) {
      return result.nexus == nexus && result.list_id == list_id;
    });
    if (found == results_.end()) return std::nullopt;
    const CopyResult result = *found;
    results_.erase(found);
    return result;
  }

  // Of a copy whose name another one has now.
  void Forget(const Nexus* nexus, uint8_t list_id) {
    std::lock_guard lock(mutex_);
    ForgetLocked(nexus, list_id);
  }

  // The unit was reset.
  void Clear() {
    std::lock_guard lock(mutex_);
    results_.clear();
  }

  // All of a nexus, which is gone.
  void Forget(const Nexus* nexus) {
    std::lock_guard lock(mutex_);
    ForgetLocked(nexus, std::nullopt);
  }

 private:
  void ForgetLocked(const Nexus* nexus, std::optional<uint8_t> list_id) {
    std::erase_if(results_, [&](const CopyResult& result) {
      return result.nexus == nexus && result.list_id == list_id.value_or(result.list_id);
    });
  }

  std::mutex mutex_;
  std::deque<CopyResult> results_;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_COPY_RESULTS_H_
