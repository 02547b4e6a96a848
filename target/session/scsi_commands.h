// SCSI commands of one session: from their delivery over the transfer of their data to the
// response (RFC 7143 §11.3, §11.4, §11.7, §11.8).

#ifndef TARGET_SESSION_SCSI_COMMANDS_H_
#define TARGET_SESSION_SCSI_COMMANDS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "fabric/loop.h"
#include "target/pdu/protocol_error.h"
#include "target/pdu/request.h"
#include "target/rx/placement.h"
#include "target/rx/slot.h"
#include "target/session/iscsi_task.h"
#include "target/tx/out_pdu.h"

namespace pushpull::target {

class Connection;
class Session;

class ScsiCommands {
 public:
  explicit ScsiCommands(Session* session);

  // The header of a command came: makes `task` of it and says where its immediate data goes. Or
  // why it is refused.
  std::optional<ProtocolError> Begin(IscsiTask* task, const PduSlot& pdu, Placement& placement);

  // It is this command's turn (RFC 7143 §4.2.2.1).
  void Deliver(IscsiTask* task);

  // The header of a Data-Out of `task` came; its data was received; or it was refused.
  void PlaceDataOut(IscsiTask* task, const DataOut& header, Placement& placement);
  // On a transport that leaves data in the slot: keeps it there, or copies it.
  void KeepData(IscsiTask* task, const SlotRef& pdu, bool in_slot);
  void OnDataOut(IscsiTask* task, const DataOut& header, bool intact);

  // The transport has read what an R2T would have asked for (Connection::GetData()). The task may
  // have ended meanwhile.
  static void OnDataRead(IscsiTask* task, const WriteFlow::Request& request);

  // Ends a command of which the initiator hears nothing more, wherever it is.
  void Abandon(IscsiTask* task);
  // Asks the device server to abort it; OnDeviceDone tells how it ended.
  void Abort(IscsiTask* task);

  // The device server is done with a task, whose session may have ended.
  static void OnDeviceDone(IscsiTask* task);

  // TxQueue: the next Data-In.
  bool NextDataIn(IscsiTask* task, OutPdu& pdu);

  // Chunks of buffers were given back.
  void OnMemoryReleased(uint64_t bytes);

  // The session ends.
  void LeaveLine();

  // The memory of all sessions is used up, and this one has some of it: no more commands are
  // promised meanwhile; and nothing is read, unless data is due. What waits is woken.
  bool MustHold();
  bool MustPause();

 private:
  void Advance(IscsiTask* task);
  void Request(IscsiTask* task);
  void SendR2t(IscsiTask* task, const WriteFlow::Request& request);
  void Execute(IscsiTask* task);
  bool GatherIn(IscsiTask* task, uint32_t bytes);
  void GatherOut(IscsiTask* task, uint32_t bytes);
  DataMover* MoverFor(IscsiTask* task, uint32_t bytes) const;
  void AddPiecesInBuffer(IscsiTask* task, uint32_t offset, uint32_t bytes);
  uint32_t AddPiecesOfUnsolicited(IscsiTask* task, uint32_t bytes);
  uint32_t AddPiecesInSlot(IscsiTask* task, const PduSlot& pdu, uint32_t bytes);
  void FailTask(IscsiTask* task);
  void RememberOpenTransfers(IscsiTask* task);

  // ---- scsi_memory.cc ----
  // Makes the task's buffer as large as this: what it takes was taken from the budget.
  void Enlarge(IscsiTask* task, uint32_t total_bytes);
  // The same for data that comes unasked. False: there is no room, and the command will fail.
  bool GrowForPromised(IscsiTask* task, uint32_t total_bytes);
  // The same if the session's limit allows it; if not, Advance() is called when it may.
  bool TakeMemory(IscsiTask* task, uint32_t total_bytes);
  bool MayExceed(const IscsiTask* task) const;
  bool Borrow(IscsiTask* task, uint32_t total_bytes);
  void StartLoanTimer();
  void CallIn();
  void RetryWaiting();
  void RetryNow();
  void AwaitBudget();

  // ---- scsi_responses.cc ----
  // Has a unit attention come in between, where the session varies what is legal.
  void TellAttention(const Task& scsi);
  void Respond(IscsiTask* task);
  void Answer(IscsiTask* task);
  void SendResponse(IscsiTask* task);
  static void LogSense(const IscsiTask& task);
  void VarySense(IscsiTask* task, OutPdu& pdu);
  static void AddResponseData(IscsiTask* task, std::string_view data, OutPdu& pdu);

  Session* const session_;
  uint64_t memory_in_use_ = 0;
  bool waiting_for_memory_ = false;  // whoever it is: RetryWaiting() when some comes free
  bool awaits_budget_ = false;       // stands in the budget's list
  bool in_line_ = false;             // stands in the line for a loan
  bool wants_loan_ = false;          // and was told to wait since RetryNow() began
  fabric::Timer loan_timer_;         // while commands of it have what was lent
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_SCSI_COMMANDS_H_
