// A session in its Full Feature Phase: an I_T nexus with its command numbering and its tasks
// (RFC 7143 §4.2.5). Connections come and go; today there is one at a time.
//
// The parts: this class orders requests and knows the tasks; ScsiCommands moves their data and
// answers; TaskManager runs task management; requests.cc has the small ones (NOP, Text, Logout,
// SNACK) and Reject.

#ifndef TARGET_SESSION_SESSION_H_
#define TARGET_SESSION_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "fabric/loop.h"
#include "target/login/login.h"
#include "target/rx/placement.h"
#include "target/rx/session_window.h"
#include "target/rx/slot.h"
#include "target/session/async_events.h"
#include "target/session/connection.h"
#include "target/session/delayed_answers.h"
#include "target/session/iscsi_task.h"
#include "target/session/scsi_commands.h"
#include "target/session/session_info.h"
#include "target/session/task_manager.h"
#include "target/session/task_termination.h"
#include "target/session/worker.h"
#include "target/tx/out_pdu.h"
#include "target/variation/legal_variation.h"

namespace pushpull::target {

class Session {
 public:
  Session(Worker* worker, SessionId id, uint16_t tsih, const LoginResult& login);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  Worker& worker() { return *worker_; }
  Node& node() { return worker_->node(); }
  Counters& counters() { return worker_->counters(); }
  bool Has(Bug bug) const { return worker_->node().Has(bug); }

  SessionId id() const { return id_; }
  uint16_t tsih() const { return tsih_; }
  const LoginIdentity& identity() const { return identity_; }
  const SessionParameters& parameters() const { return parameters_; }
  bool is_discovery() const { return parameters_.session_type == SessionType::kDiscovery; }
  Nexus* nexus() { return nexus_; }
  bool ending() const { return ending_; }
  ScsiCommands& scsi() { return scsi_; }
  TaskManager& task_manager() { return task_manager_; }
  TaskTermination& task_termination() { return task_termination_; }
  AsyncEvents& async_events() { return async_events_; }
  SessionWindow& window() { return window_; }
  // Null where nothing varies.
  LegalVariation* variation() { return variation_.get(); }
  // Calls `answer` at once; or, where that varies, after a while, unless `task` has ended by then.
  template <typename Answer>
  void AnswerSoon(IscsiTask* task, Answer answer) {
    if (variation_ == nullptr) return answer();
    AnswerLater(task, std::move(answer));
  }
  // Null while the session waits for its connection to be reinstated.
  Connection* connection() { return connection_; }

  // A connection's login is done. The one that was there before is ended (RFC 7143 §6.3.4).
  SessionWindow::ConnectionId Attach(Connection* connection, uint16_t cid);
  // A connection ended. Without any the session is kept for DefaultTime2Wait + DefaultTime2Retain
  // seconds (RFC 7143 §7.5).
  void OnConnectionClosed(Connection* connection);

  // Ends the session: its tasks without further notice, its connection, its nexus. `done` is called
  // once nothing is left, at which point the session is destroyed. May be called again.
  // `why`: for the log, "reinstated".
  void End(absl::AnyInvocable<void()> done, std::string_view why);
  // The same, but its connection ends in order: behind what is queued, and `last`.
  void EndInOrder(std::optional<OutPdu> last, std::string_view why);
  // Its connection ends likewise; then it is with the session as OnConnectionClosed() says.
  void DropConnection(std::optional<OutPdu> last);
  // A logout closes it: tasks and nexus end, then `logged_out` is called, the connection lives on.
  void EndForLogout(absl::AnyInvocable<void()> logged_out);

  SessionInfo Info();

  // ---- from its connection ----
  void Place(Connection& connection, const PduSlot& pdu, Placement& placement);
  void OnPdu(Connection& connection, SlotRef pdu);
  // What a PDU that goes out now says.
  TxQueue::Numbers Numbers();
  // Nothing is queued: a window that has grown must be told (RFC 7143 §11.4.11).
  bool TellWindow();
  // The same, after something happened that no PDU had caused.
  void AfterAsyncWork();

  // ---- for the parts ----
  IscsiTask* FindTask(uint32_t initiator_task_tag);
  bool FindAlikeTag(uint32_t initiator_task_tag) const;
  // Its request or its response is done as far as the initiator can see: its tag and its place in
  // the window are free.
  void Finish(IscsiTask* task);
  // Ends a task of which the initiator hears nothing more.
  void FinishSilently(IscsiTask* task);
  // From the pool: nothing holds the task any more.
  void Forget(IscsiTask* task);
  // The oldest task that may still be used by something.
  IscsiTask* oldest_task() { return oldest_; }
  // IscsiTask::arrival of the last one that came; 0 for none.
  uint64_t last_arrival() const { return next_arrival_ - 1; }
  uint32_t NextTransferTag();
  // RFC 7143 §11.17.
  void Reject(Connection& connection, const SlotRef& pdu, RejectReason reason);
  // A command that waits for its turn will be ended: its number stays received.
  void AbandonEarly(IscsiTask* task);
  // Delivers all commands that are in order now.
  void DeliverInOrder();
  // A number counts as received without its command (RFC 7143 §11.6.1 b).
  bool SkipNumber(uint32_t cmd_sn);
  // Whether commands wait for one that hasn't come.
  bool misses_commands() const { return !early_.empty(); }
  // Defects: this ended task is answered after all, behind the next response.
  void AnswerLate(const IscsiTask& task);
  void SendLate(Connection* connection);
  // Defects: whether 128 of what this is about are gone, each of which kept its place.
  bool HasUsedUp(Bug bug) { return Has(bug) && ++kept_places_ > 128; }

 private:
  // ---- session_receive.cc ----
  bool InWindow(uint32_t cmd_sn) const;
  std::optional<ProtocolError> CheckTag(BhsView bhs);
  void PlaceOrRefuse(Connection& connection, const PduSlot& pdu, Placement& placement);
  void PlaceCommand(Connection& connection, const PduSlot& pdu, Placement& placement);
  void PlaceDataOut(Connection& connection, const PduSlot& pdu, Placement& placement);
  void OnDataOut(Connection& connection, const SlotRef& pdu, IscsiTask* task, bool intact);
  void Refused(Connection& connection, const SlotRef& pdu);
  void Number(Connection& connection, SlotRef pdu, TaskRef task);
  bool RunsIgnored(SessionWindow::Verdict verdict, uint32_t cmd_sn) const;
  void Instantiate(const TaskRef& task, SlotRef pdu);

  // ---- requests.cc ----
  void Deliver(IscsiTask* task);
  void OnNopOut(Connection& connection, const SlotRef& pdu);
  void OnSnack(Connection& connection, const SlotRef& pdu);
  void AnswerPing(IscsiTask* task);
  void OnText(IscsiTask* task);
  void OnLogout(IscsiTask* task);
  void RespondToLogout(IscsiTask* task, LogoutResponseCode code);

  void HoldWindow();
  void CloseWindowForAWhile();
  void OpenWindow();
  void AnswerLater(IscsiTask* task, absl::AnyInvocable<void()> answer);
  TaskRef NewTask(Connection& connection, BhsView bhs);
  std::vector<uint64_t> EndTasks(Connection* connection);
  void LoseConnection();
  void WaitForReinstatement();
  void BeginEnd(std::string_view why);
  void OnNexusClosed();

  Worker* const worker_;
  const SessionId id_;
  const uint16_t tsih_;
  const LoginIdentity identity_;
  const SessionParameters parameters_;
  const std::unique_ptr<LegalVariation> variation_;
  Nexus* nexus_ = nullptr;  // none in a Discovery session
  Connection* connection_ = nullptr;

  SessionWindow window_;
  uint32_t next_delivery_;  // the CmdSN up to which commands were delivered
  absl::flat_hash_map<uint32_t, IscsiTask*> early_;  // by CmdSN: received, not delivered
  absl::flat_hash_map<uint32_t, IscsiTask*> tasks_;  // by Initiator Task Tag
  IscsiTask* oldest_ = nullptr;
  IscsiTask* newest_ = nullptr;
  uint64_t next_arrival_ = 1;
  std::vector<uint32_t> late_;  // AnswerLate(): Initiator Task Tags
  uint32_t next_transfer_tag_;
  uint32_t kept_places_ = 0;         // HasUsedUp()
  uint32_t immediates_counted_ = 0;  // Bug::kExpCmdSnCountsImmediate

  ScsiCommands scsi_;
  TaskManager task_manager_;
  TaskTermination task_termination_{this};
  AsyncEvents async_events_{this};

  DelayedAnswers delayed_;
  absl::Time text_due_ = absl::InfinitePast();  // the last delayed one

  fabric::Timer retain_timer_;
  fabric::Timer window_timer_;
  bool window_told_ = false;
  bool window_closed_ = false;  // by the variation, until window_timer_
  bool ending_ = false;
  std::vector<absl::AnyInvocable<void()>> on_end_;
  absl::AnyInvocable<void()> on_logged_out_;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_SESSION_H_
