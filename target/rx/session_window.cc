#include "target/rx/session_window.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/check.h"
#include "base/serial.h"

namespace pushpull::target {

SessionWindow::SessionWindow(uint32_t first_cmd_sn, uint32_t max_window, const BugSet& bugs)
    : max_window_(max_window),
      mask_(std::bit_ceil(max_window) - 1),
      received_(size_t{mask_} + 1),
      exp_cmd_sn_(first_cmd_sn),
      told_exp_cmd_sn_(first_cmd_sn),
      max_cmd_sn_(first_cmd_sn - 1),
      bugs_(bugs) {
  CHECK_GT(max_window, 0u);
  CHECK_LE(max_window, base::kSerialHalf / 2);
}

SessionWindow::ConnectionId SessionWindow::Join(const Pledge& pledge) {
  const uint64_t kept = uint64_t{kKeptForImmediates} + kKeptForReception +
                        pledge.further_immediate_slots + pledge.unsolicited_data_slots;
  CHECK_GT(pledge.slots, kept) << "no slot is left for the window";
  Connection connection;
  connection.capacity = static_cast<uint32_t>(pledge.slots - kept);
  connection.further_free = pledge.further_immediate_slots;
  connections_.push_back(connection);
  return static_cast<ConnectionId>(connections_.size() - 1);
}

SessionWindow::Connection* SessionWindow::Find(ConnectionId connection) {
  CHECK_LT(connection, connections_.size());
  Connection& found = connections_[connection];
  return found.present ? &found : nullptr;
}

void SessionWindow::Leave(ConnectionId connection) {
  if (Connection* leaving = Find(connection)) leaving->present = false;
}

uint32_t SessionWindow::slots_held(ConnectionId connection) const {
  CHECK_LT(connection, connections_.size());
  return connections_[connection].held;
}

uint32_t SessionWindow::FewestFree() const {
  uint32_t fewest = std::numeric_limits<uint32_t>::max();
  bool any = false;
  for (const Connection& connection : connections_) {
    if (!connection.present) continue;
    fewest = std::min(fewest, connection.free());
    any = true;
  }
  return any ? fewest : 0;
}

uint32_t SessionWindow::Best() const {
  if (holds_) return max_cmd_sn_;
  const uint64_t window = std::min<uint64_t>(uint64_t{early_} + FewestFree(), limit_);
  return base::SerialMax(max_cmd_sn_, exp_cmd_sn_ - 1 + static_cast<uint32_t>(window));
}

SessionWindow::Numbers SessionWindow::Advertise() {
  max_cmd_sn_ = Best();
  if (bugs_.Has(Bug::kRxWindowGoesBack) && received_since_told_ > 1) {
    max_cmd_sn_ -= std::min(max_cmd_sn_ + 1 - exp_cmd_sn_, received_since_told_);
  }
  received_since_told_ = 0;
  told_exp_cmd_sn_ = exp_cmd_sn_;
  return {exp_cmd_sn_, max_cmd_sn_};
}

void SessionWindow::Mark(uint32_t cmd_sn) {
  received_[cmd_sn & mask_] = true;
  ++early_;
  while (IsMarked(exp_cmd_sn_)) {
    received_[exp_cmd_sn_ & mask_] = false;
    --early_;
    ++exp_cmd_sn_;
  }
}

SessionWindow::Verdict SessionWindow::Receive(ConnectionId connection, uint32_t cmd_sn) {
  Connection* from = Find(connection);
  CHECK(from != nullptr) << "connection " << connection << " has left";
  if (!base::SerialInWindow(cmd_sn, exp_cmd_sn_, max_cmd_sn_)) return Verdict::kOutside;
  if (IsMarked(cmd_sn)) return Verdict::kDuplicate;
  ++from->held;
  if (bugs_.Has(Bug::kRxWindowGoesBack)) ++received_since_told_;
  const bool in_order = cmd_sn == exp_cmd_sn_;
  Mark(cmd_sn);
  return in_order ? Verdict::kInOrder : Verdict::kEarly;
}

void SessionWindow::Give(ConnectionId connection) {
  Connection* to = Find(connection);
  if (to == nullptr) return;
  CHECK_GT(to->held, 0u);
  if (bugs_.Has(Bug::kRxWindowSlotLost) && to->held == to->capacity) return;
  --to->held;
}

bool SessionWindow::Discard(ConnectionId connection, uint32_t cmd_sn) {
  if (!base::SerialInWindow(cmd_sn, exp_cmd_sn_, max_cmd_sn_) || !IsMarked(cmd_sn)) return false;
  received_[cmd_sn & mask_] = false;
  --early_;
  Give(connection);
  return true;
}

bool SessionWindow::Skip(uint32_t cmd_sn) {
  if (!base::SerialInWindow(cmd_sn, exp_cmd_sn_, max_cmd_sn_) || IsMarked(cmd_sn)) return false;
  Mark(cmd_sn);
  return true;
}

SessionWindow::ImmediateSlot SessionWindow::TakeImmediate(ConnectionId connection,
                                                          bool task_management) {
  Connection* from = Find(connection);
  CHECK(from != nullptr) << "connection " << connection << " has left";
  bool& kept = task_management ? from->task_management_used : from->other_used;
  if (!kept) {
    kept = true;
    return task_management ? ImmediateSlot::kKeptForTaskManagement : ImmediateSlot::kKeptForOther;
  }
  if (from->further_free > 0) {
    --from->further_free;
    return ImmediateSlot::kKeptFurther;
  }
  // Any other may have a slot that isn't promised.
  if (from->free() > Promised()) {
    ++from->held;
    return ImmediateSlot::kOrdinary;
  }
  return ImmediateSlot::kRefused;
}

void SessionWindow::GiveImmediate(ConnectionId connection, ImmediateSlot slot) {
  Connection* to = Find(connection);
  if (to == nullptr) return;
  switch (slot) {
    case ImmediateSlot::kRefused:
      return;
    case ImmediateSlot::kKeptForTaskManagement:
      CHECK(to->task_management_used);
      if (bugs_.Has(Bug::kRxWindowImmediateLost) && to->other_used) return;
      to->task_management_used = false;
      return;
    case ImmediateSlot::kKeptForOther:
      CHECK(to->other_used);
      to->other_used = false;
      return;
    case ImmediateSlot::kKeptFurther:
      ++to->further_free;
      return;
    case ImmediateSlot::kOrdinary:
      Give(connection);
      return;
  }
}

}  // namespace pushpull::target
