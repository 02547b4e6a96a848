#include "target/session/session.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "base/check.h"
#include "base/serial.h"

namespace pushpull::target {

Session::Session(Worker* worker, SessionId id, uint16_t tsih, const LoginResult& login)
    : worker_(worker),
      id_(id),
      tsih_(tsih),
      identity_(login.identity),
      parameters_(login.session),
      variation_(worker->node().VariationOf(/*session=*/true, id)),
      window_(login.cmd_sn, worker->node().options().queue_depth, worker->node().bugs()),
      next_delivery_(login.cmd_sn),
      next_transfer_tag_(static_cast<uint32_t>(worker->random().Next())),
      scsi_(this),
      task_manager_(this),
      delayed_(worker->loop()),
      retain_timer_(worker->loop()),
      window_timer_(worker->loop()) {
  counters().Add(Count::kSessions);
  counters().Add(Count::kSessionsOpened);
  if (is_discovery()) return;
  const NexusId nexus{identity_.initiator_name, identity_.isid,
                      worker->node().options().target_portal_group_tag};
  DeviceServer& device = node().device();
  nexus_ = device.OpenNexus(nexus, worker->loop(), parameters_.iscsi_protocol_level);
  for (const uint64_t lun : node().TakeCleared(nexus)) {
    device.EstablishUnitAttention(nexus_, lun, sense::kCommandsClearedByIscsi);
  }
}

Session::~Session() {
  CHECK(nexus_ == nullptr && connection_ == nullptr);
  counters().Add(Count::kSessions, -1);
  // What is still being sent keeps a task's memory; the session isn't needed for that.
  for (IscsiTask* task = oldest_; task != nullptr; task = task->newer) task->session = nullptr;
}

// ---- connections ------------------------------------------------------------------------------

SessionWindow::ConnectionId Session::Attach(Connection* connection, uint16_t cid) {
  if (connection_ != nullptr) {
    Connection* const old = connection_;
    LoseConnection();
    old->Close();
  }
  retain_timer_.Cancel();
  connection_ = connection;
  node().registry().SetConnections(id_, {cid});
  return window_.Join(connection->pledge());
}

// The connection is no part of the session any more; RFC 7143 §7.6: its tasks end.
void Session::LoseConnection() {
  Connection* const lost = std::exchange(connection_, nullptr);
  task_termination_.Clear();
  async_events_.Clear();
  const std::vector<uint64_t> luns = EndTasks(lost);
  if (!node().Has(Bug::kLogoutNoUnitAttention)) {
    for (const uint64_t lun : luns) {
      node().device().EstablishUnitAttention(nexus_, lun, sense::kCommandsClearedByIscsi);
    }
  }
  window_.Leave(lost->window_id());
  lost->DetachFromSession();
  node().registry().SetConnections(id_, {});
}

void Session::OnConnectionClosed(Connection* connection) {
  CHECK(connection == connection_);
  if (ending_) {  // a logout was under way
    window_.Leave(connection->window_id());
    connection_ = nullptr;
    connection->DetachFromSession();
    return;
  }
  if (is_discovery()) return End({}, "its connection ended");
  LoseConnection();
  WaitForReinstatement();
}

void Session::WaitForReinstatement() {
  absl::Duration kept =
      absl::Seconds(parameters_.default_time2wait) + absl::Seconds(parameters_.default_time2retain);
  if (Has(Bug::kSessionStateKept)) kept = absl::Hours(24);
  if (kept == absl::ZeroDuration() || node().stopping()) return End({}, "its connection ended");
  retain_timer_.Start(kept, [this] { End({}, "it wasn't reinstated in time"); });
}

void Session::DropConnection(std::optional<OutPdu> last) {
  if (connection_ == nullptr || ending_) return;
  if (is_discovery()) {
    return EndInOrder(std::move(last), node().stopping() ? "the target is being stopped"
                                                         : "dropped by the administrator");
  }
  Connection* const dropped = connection_;
  LoseConnection();
  if (last.has_value()) dropped->Send(*std::move(last));
  dropped->Finish();
  WaitForReinstatement();
}

// ---- the end ----------------------------------------------------------------------------------

void Session::EndInOrder(std::optional<OutPdu> last, std::string_view why) {
  if (ending_) return;
  BeginEnd(why);
  Connection* const dropped = std::exchange(connection_, nullptr);
  if (dropped == nullptr) return;
  window_.Leave(dropped->window_id());
  dropped->DetachFromSession();
  if (last.has_value()) dropped->Send(*std::move(last));
  dropped->Finish();
}

void Session::End(absl::AnyInvocable<void()> done, std::string_view why) {
  if (done) on_end_.push_back(std::move(done));
  if (ending_) {
    // Nobody waits for the answer to a logout any more.
    if (Connection* const connection = connection_; connection != nullptr) connection->Close();
    return;
  }
  BeginEnd(why);
  if (Connection* const connection = std::exchange(connection_, nullptr); connection != nullptr) {
    window_.Leave(connection->window_id());
    connection->DetachFromSession();
    connection->Close();
  }
}

void Session::EndForLogout(absl::AnyInvocable<void()> logged_out) {
  on_logged_out_ = std::move(logged_out);
  BeginEnd("logged out");
}

void Session::BeginEnd(std::string_view why) {
  ending_ = true;
  if (node().log().Logs(base::LogLevel::kInfo)) {
    base::LogFields fields;
    fields.Add("tsih", tsih_).Add("initiator", identity_.initiator_name).Add("why", why);
    node().log().Write(base::LogLevel::kInfo, worker_->loop()->Now(), "session_end", fields);
  }
  retain_timer_.Cancel();
  async_events_.Clear();
  delayed_.Clear();
  scsi_.LeaveLine();
  const std::vector<uint64_t> luns = EndTasks(nullptr);
  node().registry().SetConnections(id_, {});
  const auto closed = [worker = worker_, id = id_] {
    if (Session* const session = worker->FindSession(id)) session->OnNexusClosed();
  };
  if (nexus_ == nullptr) return worker_->loop()->Post(closed);
  if (!luns.empty() && !Has(Bug::kLogoutNoUnitAttention)) {
    node().RememberCleared(
        {identity_.initiator_name, identity_.isid, node().options().target_portal_group_tag}, luns);
  }
  node().device().CloseNexus(nexus_, closed);
}

void Session::OnNexusClosed() {
  nexus_ = nullptr;
  if (on_logged_out_ && connection_ != nullptr) std::exchange(on_logged_out_, nullptr)();
  if (Connection* const connection = std::exchange(connection_, nullptr); connection != nullptr) {
    window_.Leave(connection->window_id());
    connection->DetachFromSession();
  }
  std::vector<absl::AnyInvocable<void()>> on_end = std::move(on_end_);
  Worker* const worker = worker_;
  worker->node().registry().Release(id_);
  worker->RemoveSession(id_);  // destroys this
  for (auto& done : on_end) done();
}

// Ends the tasks of a connection (null: all). The logical units whose commands were under way.
std::vector<uint64_t> Session::EndTasks(Connection* connection) {
  task_manager_.Abandon();
  std::vector<uint64_t> luns;
  for (IscsiTask* task = oldest_; task != nullptr;) {
    // Ending a task may free it, but no other one.
    IscsiTask* const next = task->newer;
    if (task->state != TaskState::kDone && task->state != TaskState::kArriving &&
        (connection == nullptr || task->connection == connection)) {
      const bool early = task->state == TaskState::kEarly;
      if (early) {
        // Its number is open again (RFC 7143 §11.14).
        early_.erase(task->cmd_sn);
        if (window_.Discard(task->window_id, task->cmd_sn)) task->holds_number = false;
      } else if (task->opcode == Opcode::kScsiCommand && std::ranges::count(luns, task->lun) == 0) {
        luns.push_back(task->lun);
      }
      if (connection != nullptr && Has(Bug::kLostTasksAnswered)) AnswerLate(*task);
      if (Has(Bug::kSlotFreedTwice)) SlotRef::GiveBackTwice(task->slot);
      FinishSilently(task);
    }
    task = next;
  }
  return luns;
}

// ---- tasks ------------------------------------------------------------------------------------

TaskRef Session::NewTask(Connection& connection, BhsView bhs) {
  TaskRef task = worker_->tasks().Take();
  task->session = this;
  task->connection = &connection;
  task->window_id = connection.window_id();
  task->opcode = bhs.opcode();
  task->immediate = bhs.immediate();
  task->initiator_task_tag = bhs.initiator_task_tag();
  task->cmd_sn = bhs.cmd_sn();
  task->lun = bhs.lun();
  task->arrival = next_arrival_++;
  task->older = newest_;
  task->newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = task.get();
  newest_ = task.get();
  return task;
}

void Session::Forget(IscsiTask* task) {
  (task->older != nullptr ? task->older->newer : oldest_) = task->newer;
  (task->newer != nullptr ? task->newer->older : newest_) = task->older;
  task->older = task->newer = nullptr;
  task->session = nullptr;
  if (task->opcode == Opcode::kScsiCommand) scsi_.OnMemoryReleased(task->buffer.capacity());
}

IscsiTask* Session::FindTask(uint32_t initiator_task_tag) {
  const auto found = tasks_.find(initiator_task_tag);
  return found == tasks_.end() ? nullptr : found->second;
}

void Session::Finish(IscsiTask* task) {
  if (task->state == TaskState::kDone) return;
  const TaskRef keep = std::move(task->self);
  task->state = TaskState::kDone;
  if (FindTask(task->initiator_task_tag) == task && !Has(Bug::kTaskTagKept)) {
    tasks_.erase(task->initiator_task_tag);
  }
  if (task->holds_number) {
    task->holds_number = false;
    if (task->immediate) {
      window_.GiveImmediate(task->window_id, task->immediate_slot);
    } else {
      window_.Give(task->window_id);
    }
  }
  // While the device server has it, the store may still look into its slots.
  if (!task->device_ref) {
    task->slot = SlotRef();
    task->held.clear();
  }
}

void Session::FinishSilently(IscsiTask* task) {
  const TaskRef keep(task);
  if (task->opcode == Opcode::kScsiCommand) scsi_.Abandon(task);
  Finish(task);
}

uint32_t Session::NextTransferTag() {
  if (next_transfer_tag_ == kNoTag) ++next_transfer_tag_;
  const uint32_t number = next_transfer_tag_++;
  if (variation_ == nullptr) return number;
  const uint32_t tag = variation_->session.TransferTag(number);
  return tag != kNoTag ? tag : NextTransferTag();
}

void Session::AnswerLater(IscsiTask* task, absl::AnyInvocable<void()> answer) {
  absl::AnyInvocable<void()> late = [this, answer = std::move(answer)]() mutable {
    answer();
    AfterAsyncWork();
  };
  absl::Duration delay = variation_->delays.OfAnswer();
  if (task->opcode == Opcode::kTextRequest) {  // an exchange goes on request by request
    const absl::Time now = worker_->loop()->Now();
    text_due_ = std::max(now + delay, text_due_);
    delay = text_due_ - now;
  }
  if (!delayed_.Add(task, delay, late)) late();
}

SessionInfo Session::Info() {
  SessionInfo info;
  info.tsih = tsih_;
  info.initiator_name = identity_.initiator_name;
  info.isid = identity_.isid;
  info.parameters = parameters_;
  info.exp_cmd_sn = window_.exp_cmd_sn();
  info.max_cmd_sn = window_.max_cmd_sn();
  info.tasks = tasks_.size();
  info.logout_requested = async_events_.logout_requested();
  if (connection_ == nullptr) return info;
  ConnectionInfo connection = connection_->Info();
  connection.slots_held = window_.slots_held(connection_->window_id());
  info.connections.push_back(std::move(connection));
  return info;
}

// ---- numbers ----------------------------------------------------------------------------------

TxQueue::Numbers Session::Numbers() {
  if (variation_ != nullptr) {
    window_.Limit(variation_->session.Window(node().options().queue_depth));
    // What the login promised stays so.
    if (std::exchange(window_told_, true)) CloseWindowForAWhile();
  }
  HoldWindow();
  const SessionWindow::Numbers numbers = window_.Advertise();
  TxQueue::Numbers told{numbers.exp_cmd_sn + immediates_counted_, numbers.max_cmd_sn};
  if (Has(Bug::kMaxCmdSnBelowExp) && told.max_cmd_sn == told.exp_cmd_sn - 1) --told.max_cmd_sn;
  return told;
}

// Where memory is short a command at a time is promised to who holds none.
void Session::HoldWindow() {
  const bool is_short = node().buffer_budget().used_up();
  const bool full = window_.max_cmd_sn() + 1 == window_.exp_cmd_sn();
  const bool stays_closed = full && next_arrival_ > 1 && Has(Bug::kClosedWindowStays);
  window_.Hold(window_closed_ || stays_closed || (is_short && scsi_.MustHold()));
  if (is_short) {
    window_.Limit(1);
  } else if (variation_ == nullptr) {
    window_.Limit(node().options().queue_depth);
  }
}

// In a Discovery session no NOP-In could open it again.
void Session::CloseWindowForAWhile() {
  if (window_closed_ || ending_ || is_discovery()) return;
  const absl::Duration closed = variation_->session.ClosedFor();
  if (closed == absl::ZeroDuration()) return;
  window_closed_ = true;
  window_timer_.Start(closed, [this] { OpenWindow(); });
}

void Session::OpenWindow() {
  window_closed_ = false;
  // Where the initiator has no room for a PDU that it doesn't expect, it is told later.
  constexpr absl::Duration kAgain = absl::Milliseconds(5);
  if (!TellWindow()) window_timer_.Start(kAgain, [this] { OpenWindow(); });
}

bool Session::TellWindow() {
  if (ending_ || connection_ == nullptr || is_discovery()) return true;
  HoldWindow();
  if (!window_.has_room_news() || Has(Bug::kWindowNeverReopened)) return true;
  OutPdu pdu;
  pdu.bhs = NopIn{}.Encode();
  pdu.stat_sn = StatSnUse::kCurrent;
  return connection_->Send(std::move(pdu));
}

void Session::AfterAsyncWork() {
  // The answer to task management will tell it soon.
  if (connection_ == nullptr || task_manager_.answers_soon()) return;
  if (connection_->tx().empty()) TellWindow();
}

void Session::DeliverInOrder() {
  while (next_delivery_ != window_.exp_cmd_sn()) {
    const auto found = early_.find(next_delivery_++);
    if (found == early_.end()) continue;  // aborted before it came
    IscsiTask* const task = found->second;
    early_.erase(found);
    Deliver(task);
    if (ending_) return;
  }
}

void Session::AbandonEarly(IscsiTask* task) {
  if (task->state == TaskState::kEarly && !Has(Bug::kAbortedEarlyKept)) early_.erase(task->cmd_sn);
}

// ---- defects: answers to tasks that have ended --------------------------------------------------

// For a defect.
void Session::AnswerLate(const IscsiTask& task) {
  if (task.opcode == Opcode::kScsiCommand) late_.push_back(task.initiator_task_tag);
}

// For a defect.
void Session::SendLate(Connection* connection) {
  if (late_.empty()) return;
  for (const uint32_t tag : std::exchange(late_, {})) {
    ScsiResponse response;
    response.initiator_task_tag = tag;
    response.status = static_cast<uint8_t>(ScsiStatus::kTaskAborted);
    OutPdu pdu;
    pdu.bhs = response.Encode();
    connection->Send(std::move(pdu));
  }
}

bool Session::SkipNumber(uint32_t cmd_sn) {
  if (!window_.Skip(cmd_sn)) return false;
  DeliverInOrder();
  return true;
}

}  // namespace pushpull::target
