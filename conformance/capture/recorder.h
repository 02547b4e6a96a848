// Goes through a captured session and writes the scenario's steps, always knowing what the player
// will know when it plays them. Internal to conformance/capture.

#ifndef CONFORMANCE_CAPTURE_RECORDER_H_
#define CONFORMANCE_CAPTURE_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "conformance/capture/record.h"
#include "conformance/capture/recorded_pdu.h"
#include "conformance/capture/session_trace.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/session/session.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::conformance {

// What the player will know of a task when it plays the steps that were recorded so far.
struct RecordedTask {
  struct R2t {
    uint32_t tag;
    int step;  // that expects it
    uint64_t begin;
    uint64_t end;
    uint64_t sent;
  };

  std::string name;
  v1::Pdu request;  // all fields
  uint32_t cmd_sn = 0;
  uint64_t lun_bytes = 0;
  bool ended = false;
  std::vector<R2t> r2ts;
  uint64_t response_lun_bytes = 0;
  uint32_t transfer_tag = initiator_sim::kReservedTag;
  uint64_t sent_length = 0;
  uint32_t data_sn = 0;
  std::vector<v1::Pdu> data_in;

  bool of_blocks() const { return ReadsBlocks(request) || WritesBlocks(request); }
};

class Recorder {
 public:
  Recorder(const SessionTrace& session, const RecordOptions& options)
      : trace_(session), options_(options) {}

  absl::StatusOr<v1::Scenario> Run();

 private:
  absl::Status Check() const;
  void PutHead();
  // The LUN of most commands is the run's own.
  void CountLuns();
  v1::Step* AddStep() { return scenario_.add_step(); }
  RecordedTask* TaskOf(uint32_t tag);

  // ---- what was sent -------------------------------------------------------------------------

  void Request(const CapturedPdu& captured, const v1::Pdu& full);
  // The task that a request begins or goes on with, and its tag; null where it has no name.
  RecordedTask* PutTask(const v1::Pdu& full, uint32_t tag, v1::Send* send);
  std::string NameOf(const v1::Pdu& full);
  // CmdSN and ExpStatSN, where they aren't what is due.
  void PutNumbers(const v1::Pdu& full, v1::Send* send);
  // `computed`: what the player puts where there is none.
  static void PutLun(const v1::Pdu& full, uint64_t computed, v1::Pdu* pdu);
  void PutCommand(const v1::Pdu& full, v1::Step* step);
  // The transfer tag of `full`; `computed` is what the player puts.
  void PutTransferTag(const v1::Pdu& full, uint32_t computed, RecordedTask* task, v1::Send* send);
  void PutDataOut(const v1::Pdu& full, RecordedTask* task, v1::Send* send);
  void PutLogin(const v1::Pdu& full, v1::Send* send);
  void PutTaskManagement(const v1::Pdu& full, v1::Send* send);

  // ---- what came -------------------------------------------------------------------------------

  void Response(const v1::Pdu& full);
  static bool IsGood(const v1::Pdu& full);
  void Enter(const v1::Pdu& full, RecordedTask* task);
  v1::Alternative* AddExpect(const RecordedTask* task);
  // Data of a read up to its end, whatever PDUs another target makes of it. `last` has the status.
  void ExpectData(RecordedTask* task, const v1::Pdu& last);
  void ExpectReject(const v1::Pdu& full);
  void PutEnd();

  const SessionTrace& trace_;
  const RecordOptions options_;
  v1::Scenario scenario_;
  uint64_t lun_bytes_ = 0;
  std::deque<RecordedTask> tasks_;
  std::map<uint32_t, RecordedTask*> tags_;
  RecordedTask unnamed_;
  // What the player knows.
  std::optional<uint32_t> cmd_sn_;
  initiator_sim::Session session_;
  initiator_sim::ConnectionState state_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_RECORDER_H_
