// The PDUs that the initiator doesn't expect and has room for so many of: Async Message, Reject,
// and NOP-In that answers nothing (RFC 7145 §8.1.2).

#ifndef TARGET_SESSION_UNEXPECTED_PDUS_H_
#define TARGET_SESSION_UNEXPECTED_PDUS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/serial.h"
#include "target/pdu/bhs.h"
#include "target/pdu/codes.h"
#include "target/pdu/opcode.h"

namespace pushpull::target {

class UnexpectedPdus {
 public:
  static bool Counts(BhsView bhs) {
    return bhs.opcode() == Opcode::kReject || bhs.opcode() == Opcode::kAsyncMessage ||
           (bhs.opcode() == Opcode::kNopIn && bhs.initiator_task_tag() == kNoTag);
  }
  static bool IsPing(BhsView bhs) {
    return bhs.opcode() == Opcode::kNopIn && bhs.target_transfer_tag() != kNoTag;
  }

  // MaxOutstandingUnexpectedPDUs of the initiator; 0: no limit.
  void SetLimit(uint32_t limit) { limit_ = limit; }
  bool limited() const { return limit_ != 0; }
  // How many more may go now.
  uint32_t room() const {
    return outstanding_.size() < limit_ ? limit_ - static_cast<uint32_t>(outstanding_.size()) : 0;
  }

  // One with this StatSN goes; of a ping, its tag.
  void Add(uint32_t stat_sn, uint32_t target_transfer_tag) {
    outstanding_.push_back({stat_sn, target_transfer_tag});
  }
  void Acknowledge(uint32_t exp_stat_sn) {
    std::erase_if(outstanding_, [exp_stat_sn](const Pdu& pdu) {
      return base::SerialGreater(exp_stat_sn, pdu.stat_sn);
    });
  }
  void RetirePing(uint32_t target_transfer_tag) {
    std::erase_if(outstanding_, [target_transfer_tag](const Pdu& pdu) {
      return pdu.target_transfer_tag == target_transfer_tag;
    });
  }

 private:
  struct Pdu {
    uint32_t stat_sn;
    uint32_t target_transfer_tag;
  };

  uint32_t limit_ = 0;
  std::vector<Pdu> outstanding_;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_UNEXPECTED_PDUS_H_
