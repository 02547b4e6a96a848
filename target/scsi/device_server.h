// The SCSI device behind a target: logical units, task sets, unit attentions, task management.
// It knows nothing of iSCSI but the names that identify its ports. (SAM-5, SPC-4, SBC-3)
//
// Sessions on several loops share it: every function may be called from any thread, with a nexus
// and its tasks from that nexus's own loop. Nothing that is passed in is called back within a call.
//
//   Nexus* nexus = server.OpenNexus({name, isid, tpgt}, loop);
//   ...
//   task->nexus = nexus; task->lun = ...; task->cdb = ...;
//   if (!server.Prepare(task)) return Respond(task);     // ended: status and sense are there
//   ... gather task->transfer_bytes of data, or make room for them ...
//   task->data = buffers;
//   if (server.Execute(task) == Execution::kEnded) Respond(task);  // else task->done() comes
//   ...
//   server.CloseNexus(nexus, [] { /* all its tasks have ended */ });

#ifndef TARGET_SCSI_DEVICE_SERVER_H_
#define TARGET_SCSI_DEVICE_SERVER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "fabric/loop.h"
#include "target/bugs/bugs.h"
#include "target/scsi/sense.h"
#include "target/scsi/task.h"
#include "target/store/store.h"
#include "target/variation/device_choices.h"

namespace pushpull::target {

// An initiator port and a target port, as iSCSI names them (RFC 7143 §4.4.1, §4.4.2).
struct NexusId {
  std::string initiator_name;
  std::array<uint8_t, 6> isid{};
  uint16_t target_portal_group_tag = 1;

  friend bool operator==(const NexusId&, const NexusId&) = default;
};

class ReservationStore;
struct ReservationState;

struct LogicalUnitOptions {
  uint16_t number = 0;        // 0 to 16383
  std::string serial;         // empty: made from the target's name and the number
  uint32_t block_size = 512;  // 512 or 4096
  bool read_only = false;     // also where the store is
  std::shared_ptr<Store> store;
  // Where persistent reservations outlive the target (APTPL), and what was there. Null: nowhere.
  std::shared_ptr<ReservationStore> reservations = {};
  std::shared_ptr<const ReservationState> restored = {};
  // That of the medium: 4096 with a block_size of 512 is 512e. Less than block_size: the same.
  uint32_t physical_block_size = 0;
  uint16_t lowest_aligned_lba = 0;  // the first block that begins a physical one
};

struct DeviceServerOptions {
  std::string target_name;  // IQN; VPD page 83h, and the seed of serial numbers and LU names
  BugSet bugs;
  DeviceChoices choices = {};
};

enum class Execution : uint8_t {
  kEnded,    // task->result is there; `done` isn't called
  kPending,  // `done` will be called
};

enum class TaskManagement : uint8_t {
  kAbortTaskSet,      // this nexus's tasks of one logical unit
  kClearTaskSet,      // all tasks of one logical unit
  kLogicalUnitReset,  // and its state
  kTargetReset,       // all logical units; warm or cold is the transport's matter
};

enum class TaskManagementResult : uint8_t {
  kComplete,
  kLogicalUnitDoesNotExist,
};

// Which of the issuing nexus's own tasks a function covers (RFC 7143 §11.5.1: only commands with a
// lower CmdSN). Called while the task set is locked: it may only look at the task.
using TaskFilter = absl::AnyInvocable<bool(const Task&)>;

class Nexus;

class DeviceServer {
 public:
  // Fails where the options contradict one another: two units with one number, a store whose size
  // is no multiple of the block size.
  static absl::StatusOr<std::unique_ptr<DeviceServer>> Create(
      DeviceServerOptions options, std::vector<LogicalUnitOptions> logical_units);

  // All nexuses must be closed, and their closing done.
  ~DeviceServer();
  DeviceServer(const DeviceServer&) = delete;
  DeviceServer& operator=(const DeviceServer&) = delete;

  // A session that entered its Full Feature Phase. Its first command on each logical unit is told
  // POWER ON, RESET, OR BUS DEVICE RESET OCCURRED; I_T NEXUS LOSS OCCURRED if the same nexus was
  // there before. `loop` is where the session lives, `iscsi_protocol_level` what iSCSIProtocolLevel
  // came to (RFC 7144 §7.1.1).
  Nexus* OpenNexus(NexusId id, fabric::Loop* loop, uint8_t iscsi_protocol_level = 1);

  // The session is no more: logout, time-out, reinstatement (RFC 7143 §6.3.5.1). Its tasks are
  // aborted (their `done` is called); then the nexus is gone, and `done` is called. In between no
  // further task may be prepared. It may be opened anew at once.
  void CloseNexus(Nexus* nexus, absl::AnyInvocable<void()> done);

  // Looks at LUN, CDB, and what the logical unit allows, before any buffer exists. True: the task
  // is in the task set, `direction` and `transfer_bytes` say what it moves (maybe nothing), and
  // Execute is due. False: it has ended with `result`.
  [[nodiscard]] bool Prepare(Task* task);

  // Runs a prepared task once older tasks allow it.
  [[nodiscard]] Execution Execute(Task* task);

  // Ends a task that was prepared, but not executed, with CHECK CONDITION and what the transport
  // has to say (sense::kIncorrectAmountOfData...). `done` isn't called. The result may be `aborted`
  // if another nexus aborted the task just before.
  void Fail(Task* task, const Sense& sense);

  // Aborts a prepared or executing task: `task->done` is called with result.aborted, after a
  // running I/O has ended. Nothing happens to a task that isn't in its task set.
  void Abort(Task* task);

  // task->mover is done with it. UNAVAILABLE: it couldn't. May end the task.
  void OnMoved(Task* task, const absl::Status& status);

  // `done` is called on the nexus's loop after the last affected task's `done` returned. `filter`
  // may be empty: all tasks.
  void ManageTasks(Nexus* nexus, TaskManagement function, uint64_t lun, TaskFilter filter,
                   absl::AnyInvocable<void(TaskManagementResult)> done);

  // A unit attention condition for one nexus (sense::kCommandsClearedByIscsi after a connection was
  // logged out with tasks). Does nothing for a LUN that doesn't exist.
  void EstablishUnitAttention(Nexus* nexus, uint64_t lun, const Sense& sense);

  // Whether a logical unit answers at this LUN (an eight-byte LUN as one big-endian number).
  bool HasLogicalUnit(uint64_t lun) const;

  // What is there, for logs and tests.
  size_t tasks_in_flight() const;

 private:
  struct Impl;
  explicit DeviceServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_DEVICE_SERVER_H_
