// A request of the initiator from its arrival until nothing of it is needed any more
// (RFC 7143 §4.2.2.1: "iSCSI considers a task to be instantiated in response to every request").

#ifndef TARGET_SESSION_ISCSI_TASK_H_
#define TARGET_SESSION_ISCSI_TASK_H_

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "target/pdu/codes.h"
#include "target/pdu/opcode.h"
#include "target/rx/session_window.h"
#include "target/rx/slot.h"
#include "target/scsi/task.h"
#include "target/session/buffer_budget.h"
#include "target/session/counters.h"
#include "target/session/data_buffer.h"
#include "target/session/read_flow.h"
#include "target/session/write_flow.h"
#include "target/tx/tx_queue.h"

namespace pushpull::target {

class Connection;
class IscsiTask;
class Session;
class TaskPool;

enum class TaskState : uint8_t {
  kArriving,    // its data segment is still being received
  kEarly,       // commands with a lower CmdSN are missing
  kGathering,   // delivered; its data, or room for it, is under way
  kExecuting,   // with the device server
  kDraining,    // its end is known, but Data-Out is still due (RFC 7143 §11.4.2)
  kResponding,  // its data is being sent; the status follows
  kWaiting,     // task management or logout: for other tasks
  kDone,        // ended for the initiator; held by what still uses its memory
};

// Keeps a task's memory. Its loop's thread only.
class TaskRef {
 public:
  TaskRef() = default;
  explicit TaskRef(IscsiTask* task);
  TaskRef(const TaskRef& other) : TaskRef(other.task_) {}
  TaskRef(TaskRef&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  TaskRef& operator=(TaskRef other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~TaskRef();

  IscsiTask* get() const { return task_; }
  IscsiTask* operator->() const { return task_; }
  IscsiTask& operator*() const { return *task_; }
  explicit operator bool() const { return task_ != nullptr; }

 private:
  IscsiTask* task_ = nullptr;
};

// From a TaskPool. SCSI commands use all of it, other requests the first part.
class IscsiTask final : public DataInProducer {
 public:
  IscsiTask(TaskPool* pool, uint32_t index);
  IscsiTask(const IscsiTask&) = delete;
  IscsiTask& operator=(const IscsiTask&) = delete;
  ~IscsiTask() = default;

  // ---- every request ----
  Session* session = nullptr;        // null when it has ended
  Connection* connection = nullptr;  // the one that it came on; null when that has ended
  TaskState state = TaskState::kArriving;
  Opcode opcode = Opcode::kNopOut;
  bool immediate = false;
  bool holds_number = false;  // its slot counts in the command window
  uint32_t initiator_task_tag = kNoTag;
  uint32_t cmd_sn = 0;
  uint64_t lun = 0;
  uint64_t arrival = 0;  // rises with each request of a session
  SessionWindow::ConnectionId window_id = 0;
  SessionWindow::ImmediateSlot immediate_slot = SessionWindow::ImmediateSlot::kRefused;
  SlotRef slot;
  TaskRef self;  // from its arrival in the window until it ended for the initiator

  // The session's list of its tasks, in the order of arrival.
  IscsiTask* older = nullptr;
  IscsiTask* newer = nullptr;

  // ---- SCSI commands ----
  bool read = false;          // R
  bool write = false;         // W
  bool data_out_due = false;  // `write_flow` is in use
  bool waits_for_memory = false;
  bool abort_asked = false;     // by task management of this session
  uint32_t expected_bytes = 0;  // EDTL
  uint32_t bidirectional_read_bytes = 0;
  Task scsi;
  TaskRef device_ref;  // while `scsi` is in a task set
  WriteFlow write_flow;
  ReadFlow read_flow;
  DataBuffer buffer;
  uint64_t lent_bytes = 0;  // of `buffer`: beyond what all sessions share (BufferBudget)
  absl::Time lent_at;
  // Advertised by the initiator where the transport moves data by itself: the addresses of the
  // first byte that it receives and of the first that it sends, immediate data included.
  RemoteMemory remote_in;
  RemoteMemory remote_out;
  std::optional<uint32_t> invalidate_key;  // with the response
  uint32_t placed_offset = 0;              // in the command's data: of the last Data-Out
  // Data-Out PDUs whose data stays where the transport put it, in the order of their offsets. (The
  // command's own is in `slot`.)
  struct HeldData {
    uint32_t offset;
    SlotRef pdu;
  };
  std::vector<HeldData> held;
  uint32_t spilled_end = 0;              // unsolicited data in `buffer` ends here
  DataMover* mover = nullptr;            // its solicited data, or its read data, moves in place
  absl::InlinedVector<iovec, 8> pieces;  // of `buffer` or `slot`, for `scsi`
  std::array<uint8_t, 2 + kMaxSenseBytes> sense;  // the response's data segment

  bool bidirectional() const { return read && write; }
  // What the initiator expects to send, and to receive.
  uint32_t expected_out() const { return write ? expected_bytes : 0; }
  uint32_t expected_in() const {
    if (!read) return 0;
    return write ? bidirectional_read_bytes : expected_bytes;
  }

  bool NextDataIn(OutPdu& pdu) override;

 private:
  friend class TaskPool;
  friend class TaskRef;

  TaskPool* const pool_;
  const uint32_t index_;
  uint32_t references_ = 0;
};

// The tasks of one loop: allocated when first needed, and reused.
class TaskPool {
 public:
  // Both outlive the pool.
  TaskPool(Counters* counters, BufferBudget* budget) : counters_(counters), budget_(budget) {}
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;
  ~TaskPool();

  TaskRef Take();
  size_t in_use() const { return tasks_.size() - idle_.size(); }

 private:
  friend class TaskRef;

  void Give(IscsiTask* task);

  Counters* const counters_;
  BufferBudget* const budget_;
  std::vector<std::unique_ptr<IscsiTask>> tasks_;
  std::vector<uint32_t> idle_;
};

inline TaskRef::TaskRef(IscsiTask* task) : task_(task) {
  if (task_ != nullptr) ++task_->references_;
}

inline TaskRef::~TaskRef() {
  if (task_ != nullptr && --task_->references_ == 0) task_->pool_->Give(task_);
}

}  // namespace pushpull::target

#endif  // TARGET_SESSION_ISCSI_TASK_H_
