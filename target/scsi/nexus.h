// One I_T nexus: an initiator port, this target's port, and the loop that their session lives on.

#ifndef TARGET_SCSI_NEXUS_H_
#define TARGET_SCSI_NEXUS_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "fabric/loop.h"
#include "target/scsi/device_server.h"
#include "target/scsi/task_abort.h"

namespace pushpull::target {

class Nexus {
 public:
  Nexus(NexusId id, fabric::Loop* loop, uint8_t iscsi_protocol_level)
      : id_(std::move(id)), loop_(loop), iscsi_protocol_level_(iscsi_protocol_level) {}

  const NexusId& id() const { return id_; }
  fabric::Loop* loop() const { return loop_; }
  uint8_t iscsi_protocol_level() const { return iscsi_protocol_level_; }

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
  int background_ = 0;
  std::shared_ptr<TaskAbort> closing_;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_NEXUS_H_
