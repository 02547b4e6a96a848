// How an iSCSI target receives that was written for sockets alone, put over pushed messages: the
// benchmark's yardstick. A state machine that is driven by sizes asks its transport for "so many
// bytes to this address", so that a transport in whose buffer the whole PDU lies already has to
// copy all of it, part by part. (Written anew after the shape that the stgt mailing list weighed in
// 2007, when iSER was to be put under its receive function.)

#ifndef TARGET_RX_SIZE_DRIVEN_RECEIVER_H_
#define TARGET_RX_SIZE_DRIVEN_RECEIVER_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "target/pdu/bhs.h"

namespace pushpull::target {

class SizeDrivenReceiver {
 public:
  struct Task {
    Bhs bhs;
    std::array<uint8_t, kMaxAhsBytes> ahs;
    std::vector<uint8_t> data;  // keeps its memory from PDU to PDU
    size_t data_bytes = 0;
  };

  // Tasks that come round again after `tasks` PDUs.
  explicit SizeDrivenReceiver(size_t tasks) : tasks_(tasks) { Ask(State::kBhs, nullptr, 0); }

  // A message was pushed. Returns the task of its PDU, complete; null if it held less.
  const Task* OnMessage(base::Bytes message) {
    message_ = message;
    Task* const task = &tasks_[next_];
    Ask(State::kBhs, task->bhs.data(), kBhsBytes);
    while (true) {
      if (!DoRecv()) return nullptr;
      if (!Advance(task)) break;
    }
    if (++next_ == tasks_.size()) next_ = 0;
    return task;
  }

 private:
  enum class State { kBhs, kAhs, kData, kPad };

  void Ask(State state, uint8_t* to, size_t size) {
    state_ = state;
    to_ = to;
    left_ = size;
  }

  // The transport's "receive": as much as there is of what was asked for.
  bool DoRecv() {
    const size_t n = std::min(left_, message_.size());
    if (n > 0) std::memcpy(to_, message_.data(), n);
    message_ = message_.subspan(n);
    to_ += n;
    left_ -= n;
    return left_ == 0;
  }

  // Asks for the next part; false behind the last.
  bool Advance(Task* task) {
    const BhsView bhs(task->bhs);
    switch (state_) {
      case State::kBhs:
        if (bhs.ahs_bytes() > 0) {
          Ask(State::kAhs, task->ahs.data(), bhs.ahs_bytes());
          return true;
        }
        [[fallthrough]];
      case State::kAhs:
        task->data_bytes = bhs.data_segment_length();
        if (task->data_bytes == 0) return false;
        if (task->data.size() < task->data_bytes) task->data.resize(task->data_bytes);
        Ask(State::kData, task->data.data(), task->data_bytes);
        return true;
      case State::kData:
        if (bhs.pad_bytes() == 0 || message_.empty()) return false;
        Ask(State::kPad, pad_.data(), bhs.pad_bytes());
        return true;
      case State::kPad:
        return false;
    }
    return false;
  }

  std::vector<Task> tasks_;
  size_t next_ = 0;
  State state_ = State::kBhs;
  uint8_t* to_ = nullptr;
  size_t left_ = 0;
  base::Bytes message_;
  std::array<uint8_t, 4> pad_;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_SIZE_DRIVEN_RECEIVER_H_
