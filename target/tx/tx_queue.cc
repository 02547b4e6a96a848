#include "target/tx/tx_queue.h"

#include <algorithm>

#include "base/check.h"

namespace pushpull::target {

TxQueue::TxQueue(const Limits& limits, StatSnCounter* stat_sn, AskNumbers numbers)
    : limits_(limits), stat_sn_(stat_sn), numbers_(std::move(numbers)) {
  CHECK_GT(limits.max_pdus, 0u);
}

void TxQueue::Number(OutPdu& pdu) {
  pdu.header_digest = header_digest_;
  pdu.data_digest = data_digest_;
  switch (pdu.stat_sn) {
    case StatSnUse::kNext:
      SetStatSn(pdu.bhs, stat_sn_->Take());
      break;
    case StatSnUse::kCurrent:
      SetStatSn(pdu.bhs, stat_sn_->next());
      break;
    case StatSnUse::kAsIs:
      break;
  }
}

void TxQueue::Append(OutPdu&& pdu) {
  Number(pdu);
  bytes_ += Cost(pdu);
  queued_.push_back(std::move(pdu));
}

bool TxQueue::Queue(OutPdu&& pdu) {
  if (full()) {
    space_wanted_ = true;
    return false;
  }
  QueueExempt(std::move(pdu));
  return true;
}

void TxQueue::QueueExempt(OutPdu&& pdu) {
  const bool idle = empty();
  Append(std::move(pdu));
  if (idle && on_work_) on_work_();
}

void TxQueue::Add(DataInProducer* producer) {
  const bool idle = empty();
  DCHECK(std::find(producers_.begin(), producers_.end(), producer) == producers_.end());
  // At the end of the present round: before the one whose turn it is.
  producers_.insert(producers_.begin() + static_cast<std::ptrdiff_t>(turn_), producer);
  if (++turn_ == producers_.size()) turn_ = 0;
  if (idle && on_work_) on_work_();
}

void TxQueue::Remove(DataInProducer* producer) {
  const auto found = std::find(producers_.begin(), producers_.end(), producer);
  if (found == producers_.end()) return;
  const auto index = static_cast<size_t>(found - producers_.begin());
  producers_.erase(found);
  if (index < turn_) --turn_;
  if (turn_ == producers_.size()) turn_ = 0;
}

void TxQueue::Produce(OutPdu& pdu) {
  DataInProducer* const producer = producers_[turn_];
  pdu = OutPdu();
  pdu.stat_sn = StatSnUse::kAsIs;
  const bool more = producer->NextDataIn(pdu);
  // It may have added or removed others, or itself.
  const auto found = std::find(producers_.begin(), producers_.end(), producer);
  if (found == producers_.end()) return;
  if (!more) {
    Remove(producer);
    return;
  }
  turn_ = static_cast<size_t>(found - producers_.begin()) + 1;
  if (turn_ == producers_.size()) turn_ = 0;
}

bool TxQueue::Next(OutPdu& pdu) {
  while (true) {
    if (!producers_.empty() && (queued_.empty() || queued_in_a_row_ >= kQueuedInARow)) {
      queued_in_a_row_ = 0;
      Produce(pdu);
      if (pdu.stat_sn != StatSnUse::kNext || queued_.empty()) {
        Number(pdu);
        break;
      }
      // Statuses go out in the order of their numbers: this one behind those that have theirs.
      Append(std::move(pdu));
      continue;
    }
    if (queued_.empty()) return false;
    ++queued_in_a_row_;
    pdu = queued_.pop_front();
    bytes_ -= Cost(pdu);
    break;
  }
  const size_t data_bytes = pdu.data_bytes();
  CHECK_LE(data_bytes, kMaxDataSegmentBytes);
  SetDataSegmentLength(pdu.bhs, static_cast<uint32_t>(data_bytes));
  const Numbers numbers = numbers_(BhsView(pdu.bhs));
  SetExpCmdSn(pdu.bhs, numbers.exp_cmd_sn);
  SetMaxCmdSn(pdu.bhs, numbers.max_cmd_sn);
  if (tap_) tap_(pdu);
  TellSpace();
  return true;
}

void TxQueue::TellSpace() {
  if (!space_wanted_ || queued_.size() > limits_.max_pdus / 2 || bytes_ > limits_.max_bytes / 2) {
    return;
  }
  space_wanted_ = false;
  if (on_space_) on_space_();
}

}  // namespace pushpull::target
