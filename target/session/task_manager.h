// Task management functions of one session (RFC 7143 §11.5, §11.6), with the standard semantics of
// aborts of several tasks (§4.2.3.3) or, where that was agreed, FastAbort's (§4.2.3.4).

#ifndef TARGET_SESSION_TASK_MANAGER_H_
#define TARGET_SESSION_TASK_MANAGER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "target/pdu/request.h"
#include "target/scsi/device_server.h"
#include "target/session/iscsi_task.h"

namespace pushpull::target {

class Session;

class TaskManager {
 public:
  explicit TaskManager(Session* session) : session_(session) {}

  // A request came: in its order, or at once where it is immediate.
  void Deliver(IscsiTask* task);

  // Something happened that a function may wait for: commands came, data came, tasks ended.
  void Progress();

  // A SCSI task of this session ended; `aborted`: without a response.
  void OnTaskEnded(IscsiTask* task, bool aborted);

  // Whether a function only waits for tasks that are being ended.
  bool answers_soon() const;

  // The tasks of the session end: no function is answered any more.
  void Abandon() { running_.clear(); }

 private:
  enum class Phase : uint8_t {
    kWaitingForCommands,  // with a lower CmdSN (§4.2.3.3 b)
    kWaitingForData,      // that affected tasks have asked for (§4.2.3.3 a)
    kInDevice,
    kWaitingForTasks,  // affected ones whose response is being sent
    kAborting,         // ABORT TASK: for its task's end
  };
  struct Function {
    TaskRef task;  // the request
    TaskManagementRequest request;
    Phase phase = Phase::kWaitingForCommands;
    TaskRef referenced;  // ABORT TASK
  };

  void AbortTask(IscsiTask* task, const TaskManagementRequest& request);
  TaskManagementResponseCode AbortMissing(const TaskManagementRequest& request);
  void BeginGroup(IscsiTask* task, const TaskManagementRequest& request);
  // Whether it went on; it may be gone then.
  bool Advance(size_t index);
  void StartInDevice(Function& function);
  void OnDeviceDone(IscsiTask* request, TaskManagementResult result);
  void MarkCovered(const Function& function);
  void EndOutsideDevice(const Function& function);
  bool Covers(const TaskManagementRequest& request, const IscsiTask& request_task,
              const IscsiTask& task) const;
  bool WaitsForData() const;
  bool CommandsAreMissing(const TaskManagementRequest& request) const;
  template <typename Predicate>
  bool AnyCovered(const Function& function, Predicate predicate) const;
  bool TakesAllLuns(const TaskManagementRequest& request) const;
  void PlugNumbers(const TaskManagementRequest& request);
  void Respond(IscsiTask* task, TaskManagementResponseCode code);
  void Send(IscsiTask* task, TaskManagementResponseCode code);
  // Ends the running function at `index` with this answer.
  void Complete(size_t index, TaskManagementResponseCode code);

  Session* const session_;
  std::vector<Function> running_;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_TASK_MANAGER_H_
