// Data-Out sequences whose task has ended before they did: what still comes of them is discarded
// silently (RFC 7143 §10.7).

#ifndef TARGET_SESSION_STALE_TRANSFERS_H_
#define TARGET_SESSION_STALE_TRANSFERS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "target/pdu/codes.h"

namespace pushpull::target {

class StaleTransfers {
 public:
  // Beyond so many the oldest is forgotten: its data will be rejected.
  static constexpr size_t kMost = 1024;

  // `target_transfer_tag`: kNoTag for unsolicited data.
  void Add(uint32_t initiator_task_tag, uint32_t target_transfer_tag, uint64_t lun) {
    if (entries_.size() == kMost) entries_.erase(entries_.begin());
    entries_.push_back({initiator_task_tag, target_transfer_tag, lun});
  }

  // Nothing more comes for this logical unit (§4.2.3.4 g).
  void Forget(uint64_t lun) {
    std::erase_if(entries_, [lun](const Entry& entry) { return entry.lun == lun; });
  }

  // Whether a Data-Out belongs to one of them. `final` ends it.
  bool Takes(uint32_t initiator_task_tag, uint32_t target_transfer_tag, bool final) {
    const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
      return entry.Is(initiator_task_tag, target_transfer_tag);
    });
    if (found == entries_.end()) return false;
    if (final) entries_.erase(found);
    return true;
  }

  // A new command has this tag: unsolicited data is its own from now on.
  void Reuse(uint32_t initiator_task_tag) {
    std::erase_if(entries_,
                  [&](const Entry& entry) { return entry.Is(initiator_task_tag, kNoTag); });
  }

  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    uint32_t initiator_task_tag;
    uint32_t target_transfer_tag;
    uint64_t lun;

    bool Is(uint32_t task_tag, uint32_t transfer_tag) const {
      return initiator_task_tag == task_tag && target_transfer_tag == transfer_tag;
    }
  };
  std::vector<Entry> entries_;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_STALE_TRANSFERS_H_
