// The nexuses of one target that are open, for who has to tell them something.

#ifndef TARGET_SCSI_OPEN_NEXUSES_H_
#define TARGET_SCSI_OPEN_NEXUSES_H_

#include <mutex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"

namespace pushpull::target {

class Nexus;

// From any thread.
class OpenNexuses {
 public:
  using Waiter = absl::AnyInvocable<void(Nexus*)>;

  void Add(Nexus* nexus) {
    std::lock_guard lock(mutex_);
    all_.insert(nexus);
    for (Waiter& waiter : std::exchange(waiters_, {})) waiter(nexus);
  }

  // When it returns, nobody visits it any more.
  void Remove(Nexus* nexus) {
    std::lock_guard lock(mutex_);
    all_.erase(nexus);
  }

  // None is opened or goes meanwhile; `visit` takes no lock but those of units and nexuses.
  template <typename Visit>
  void ForEach(Visit visit) {
    std::lock_guard lock(mutex_);
    for (Nexus* nexus : all_) visit(nexus);
  }

  // The first that `fits`, which is called as `visit` is above. Where none does, `waiter` gets the
  // next one that is opened, within Add().
  template <typename Fits>
  void FindOrWait(Fits fits, Waiter waiter) {
    std::lock_guard lock(mutex_);
    for (Nexus* nexus : all_) {
      if (fits(nexus)) return;
    }
    waiters_.push_back(std::move(waiter));
  }

 private:
  std::mutex mutex_;
  absl::flat_hash_set<Nexus*> all_;
  std::vector<Waiter> waiters_;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_OPEN_NEXUSES_H_
