// `send` steps as bytes, without a peer: unset fields take the values that are right if the other
// side answered nothing yet, or answered as a trace's numbers say.

#ifndef FUZZ_REPLAY_TRACE_ENCODER_H_
#define FUZZ_REPLAY_TRACE_ENCODER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "fuzz/replay/trace.h"
#include "initiator_sim/session/session.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::replay {

class TraceEncoder {
 public:
  // `role` says who sends.
  TraceEncoder(v1::Role role, const v1::Trace& numbers, const Parameters& parameters);

  // Appends the PDUs of one step (Send.count of them). INVALID_ARGUMENT where something can't be
  // computed without a peer, with what to write instead.
  absl::Status Send(const v1::Send& send, std::vector<uint8_t>* bytes);

 private:
  struct Task {
    v1::Pdu request;
    uint32_t tag = 0;
    uint64_t lun_bytes = 0;
    uint32_t cmd_sn = 0;
    uint32_t expected_length = 0;
    uint64_t sent_length = 0;  // data that went for it
    uint32_t data_sn = 0;
    uint32_t r2t_sn = 0;
    uint32_t transfer_tag = 0xffffffff;
    std::string write_data;  // from the task's beginning on
    bool write_pattern = true;
    v1::Pattern pattern;
  };

  absl::Status SendOne(const v1::Send& send, const std::string& name, std::vector<uint8_t>* bytes);
  absl::Status Refer(const v1::Send& send, v1::Pdu* pdu) const;
  absl::Status Complete(v1::Pdu* pdu, Task* task, bool new_task);
  absl::Status CompleteCommand(v1::Pdu* pdu);
  absl::Status CompleteDataOut(v1::Pdu* pdu, Task* task);
  void CompleteLogin(v1::LoginRequest* request);
  void CompleteResponse(v1::Pdu* pdu, Task* task);
  absl::Status Encode(v1::Pdu pdu, const v1::Send& send, Task* task, std::vector<uint8_t>* bytes);
  void Enter(const v1::Pdu& pdu, const v1::Send& send, Task* task);
  std::string DataAt(const Task& task, uint64_t offset, size_t length) const;

  const Parameters parameters_;
  const bool as_target_;
  initiator_sim::Session session_;  // CmdSN, tags, window
  uint32_t stat_sn_;                // the next of a target, or what an initiator expects
  uint32_t next_transfer_tag_ = 1;
  size_t sent_ = 0;  // PDUs
  bool ended_ = false;
  std::map<std::string, Task> tasks_;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_TRACE_ENCODER_H_
