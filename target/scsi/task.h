// One SCSI command on its way through a device server. Made to be a part of the transport's own
// task, pooled and reused.

#ifndef TARGET_SCSI_TASK_H_
#define TARGET_SCSI_TASK_H_

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/bytes.h"
#include "target/scsi/sense.h"
#include "target/store/store.h"

namespace pushpull::target {

class LogicalUnit;
class Nexus;
class TaskAbort;
class Task;
struct CommandEntry;

// Moves data between the medium's own memory and the initiator, without a copy on the way: a
// transport that can reach both.
class DataMover {
 public:
  // What of `task.work.io.buffers` lies in `task.medium`: to the initiator what was read (kIn),
  // from it what is to be written (kOut). Then, later and never within the call,
  // DeviceServer::OnMoved(). On the nexus's loop.
  virtual void Move(Task* task) = 0;
  // What was not begun need not be done. OnMoved() follows all the same.
  virtual void CancelMove(Task* task) = 0;

 protected:
  ~DataMover() = default;
};

// The base of what a command of several steps keeps between them.
struct CommandState {
  virtual ~CommandState() = default;
};

// With the values of iSCSI's ATTR (RFC 7143 §11.3.1); SAM-5 §8.7.
enum class TaskAttribute : uint8_t {
  kUntagged = 0,
  kSimple = 1,
  kOrdered = 2,
  kHeadOfQueue = 3,
  kAca = 4,
};

// SAM-5 §5.3.1.
enum class ScsiStatus : uint8_t {
  kGood = 0x00,
  kCheckCondition = 0x02,
  kConditionMet = 0x04,
  kBusy = 0x08,
  kReservationConflict = 0x18,
  kTaskSetFull = 0x28,
  kAcaActive = 0x30,
  kTaskAborted = 0x40,
};

enum class DataDirection : uint8_t {
  kNone,
  kIn,   // to the initiator
  kOut,  // from the initiator
};

// The transport fills the first part, calls DeviceServer::Prepare, provides `data`, calls
// DeviceServer::Execute, and reads the result. A task is used on its nexus's loop alone. Reset()
// makes it ready for another command.
class Task {
 public:
  static constexpr size_t kMaxCdbBytes = 32;

  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task();

  // ---- the command: the transport sets it before Prepare --------------------------------
  Nexus* nexus = nullptr;
  uint64_t lun = 0;  // the eight bytes of the LUN field as one big-endian number
  TaskAttribute attribute = TaskAttribute::kSimple;
  // Longer CDBs are cut to what fits; `cdb_bytes` stays their whole length.
  std::array<uint8_t, kMaxCdbBytes> cdb{};
  uint16_t cdb_bytes = 16;
  // CmdSN, or what else the transport's filters go by (ManageTasks). Means nothing here.
  uint64_t order = 0;

  // Called on the nexus's loop when a task for which Execute answered kPending has ended, or when
  // a task that was prepared was aborted (result.aborted). May free or Reset() the task. Kept by
  // Reset(), so that a pool sets it once.
  absl::AnyInvocable<void()> done;

  // ---- the data: the transport sets it after Prepare, before Execute ----------------------
  // kIn: where to put up to transfer_bytes; what doesn't fit is left out. kOut: what came; where it
  // is less than transfer_bytes, only its whole blocks are written. Lives until the task ends.
  std::span<const iovec> data;
  // Where parts of `data` lie in `medium`, each in its own place: who moves them. It lives until
  // the task ends.
  DataMover* mover = nullptr;

  // ---- what Prepare and Execute answer ----------------------------------------------------
  DataDirection direction = DataDirection::kNone;
  // What the CDB moves: exact for kOut and for reads of the medium; for other kIn commands the most
  // that it can be, until Execute made it exact. 0 after CHECK CONDITION. The residual that a
  // transport reports is the difference between it and what its initiator expected.
  uint64_t transfer_bytes = 0;
  // Where a command moves whole blocks as they are, and the medium is memory: all of it, and where
  // in it the command's first byte is. For transports that move data in place; empty else.
  struct Medium {
    base::MutableBytes all;
    uint64_t offset = 0;
    Store* store = nullptr;

    base::MutableBytes Place(uint64_t from, uint64_t bytes) const {
      return all.subspan(offset + from, bytes);
    }
  };
  Medium medium;

  struct Result {
    bool aborted = false;  // no status is due (TAS=0); all that follows means nothing
    ScsiStatus status = ScsiStatus::kGood;
    uint64_t data_in_bytes = 0;  // what was put into `data`: min(transfer_bytes, its size)
    uint8_t sense_bytes = 0;     // 0 unless status is CHECK CONDITION
    std::array<uint8_t, kMaxSenseBytes> sense_buffer{};

    base::Bytes sense() const { return {sense_buffer.data(), sense_bytes}; }
  };
  Result result;

  // For another command. Only when it isn't with the device server.
  void Reset();

  // From a Prepare that answered true until the task ended.
  bool in_task_set() const { return unit_ != nullptr; }

  // ---- for the commands while they run ------------------------------------------------------
  struct Work {
    Io io;
    std::vector<iovec> buffers;           // of `io`, where they aren't `data` itself
    std::unique_ptr<CommandState> state;  // what a command of several steps remembers
    Store* store = nullptr;               // of `io`, where it isn't the unit's own
  };
  Work work;

 private:
  friend class DeviceServer;
  friend class Exclusion;
  friend class LogicalUnit;
  friend class TaskSet;

  enum class State : uint8_t {
    kPrepared,  // the transport gathers its data
    kDormant,   // has its data, waits for other tasks (SAM-5 §8.8)
    kStarting,  // may run; its loop has been told
    kRunning,
  };

  // Guarded by the logical unit's mutex.
  State state_ = State::kPrepared;
  bool aborting_ = false;
  uint64_t serial_ = 0;      // never given twice: tells a task from a later one in the same memory
  uint64_t ready_ = 0;       // the order in which tasks came to have their data; 0: not yet
  uint64_t number_ = 0;      // TaskSet: in the queue
  bool behind_own_ = false;  // TaskSet: waits for an older one of its own nexus
  bool excludes_ = false;    // Exclusion: others that touch its blocks wait
  bool held_ = false;        // Exclusion: waits for others that touch its blocks
  Task* older_ = nullptr;
  Task* newer_ = nullptr;
  std::vector<std::shared_ptr<TaskAbort>> aborts_;  // who waits for its end

  // The nexus's loop alone.
  LogicalUnit* unit_ = nullptr;  // null unless it is in its task set
  const CommandEntry* command_ = nullptr;
  bool io_in_flight_ = false;
  bool moving_ = false;  // the mover is at work
  bool moved_ = false;   // it was
  bool cancelled_ = false;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_TASK_H_
