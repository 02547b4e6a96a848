// Tells an initiator that others have ended its tasks (RFC 7143 §4.2.3.4 d, §4.2.3.5, §11.9.1 event
// 5), where its session has TaskReporting=FastAbort. Its transfers stay open until it has answered.

#ifndef TARGET_SESSION_TASK_TERMINATION_H_
#define TARGET_SESSION_TASK_TERMINATION_H_

#include <cstdint>
#include <vector>

#include "target/pdu/request.h"

namespace pushpull::target {

class Connection;
class IscsiTask;
class Session;

class TaskTermination {
 public:
  explicit TaskTermination(Session* session) : session_(session) {}

  // Another session's task management has ended this task.
  void OnEndedByOther(const IscsiTask& task);

  // Sends what there is to tell: one message for each logical unit.
  void Tell();

  // It may be the answer to one of them.
  void OnNopOut(Connection& connection, const NopOut& nop);

  // The connection is gone, and its transfers with it.
  void Clear();

 private:
  struct Told {
    uint64_t lun;
    uint32_t stat_sn;
    uint64_t last_arrival;  // of the tasks up to then
    bool again;             // later ones have been ended since
  };

  Session* const session_;
  bool posted_ = false;
  std::vector<uint64_t> luns_;  // to be told
  std::vector<Told> told_;      // not answered yet
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_TASK_TERMINATION_H_
