// One I_T nexus: an initiator port, this target's port, and the loop that their session lives on.

#ifndef TARGET_SCSI_NEXUS_H_
#define TARGET_SCSI_NEXUS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "fabric/loop.h"
#include "target/scsi/device_server.h"
#include "target/scsi/sense.h"
#include "target/scsi/task_abort.h"

namespace pushpull::target {

class LogicalUnit;

class Nexus {
 public:
  Nexus(NexusId id, fabric::Loop* loop, uint8_t iscsi_protocol_level,
        const Sense& first_attention = sense::kPowerOnOrReset)
      : id_(std::move(id)),
        loop_(loop),
        iscsi_protocol_level_(iscsi_protocol_level),
        first_attention_(first_attention) {}

  const NexusId& id() const { return id_; }
  fabric::Loop* loop() const { return loop_; }
  uint8_t iscsi_protocol_level() const { return iscsi_protocol_level_; }

  // What is pending for it on each unit that doesn't know it yet. A unit comes to know a nexus when
  // that first uses it, or when there is more to be told: a target may have thousands of units.
  const Sense& first_attention() const { return first_attention_; }
  void AddKnownTo(LogicalUnit* unit) const {
    std::lock_guard lock(mutex_);
    known_to_.push_back(unit);
  }
  std::vector<LogicalUnit*> known_to() const {
    std::lock_guard lock(mutex_);
    return known_to_;
  }

  // CloseNexus was called. From any thread.
  bool closing() const { return is_closing_.load(std::memory_order_acquire); }

  // From the loop alone: what goes on after the task that began it has ended, and must end before
  // the nexus may go.
  void BeginBackground() { ++background_; }
  void EndBackground() {
    if (--background_ == 0 && closing_ != nullptr) closing_->Release();
  }

 private:
  friend class DeviceServer;

  NexusId id_;
  fabric::Loop* loop_;
  const uint8_t iscsi_protocol_level_;
  const Sense first_attention_;
  mutable std::mutex mutex_;  // the last of all that are held at once
  mutable std::vector<LogicalUnit*> known_to_;
  int background_ = 0;
  std::shared_ptr<TaskAbort> closing_;
  std::atomic<bool> is_closing_{false};
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_NEXUS_H_
