// R2T. (RFC 7143 §11.8)

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/monitor/context.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::kReservedTag;

void CheckTag(const Context& c) {
  const v1::R2t& r2t = c.pdu.r2t();
  const uint32_t tag = r2t.target_transfer_tag();
  if (tag == kReservedTag) {
    c.Report(RuleId::kR2tTagValid, "Target Transfer Tag is 0xffffffff");
    return;
  }
  for (const auto& [itt, task] : c.session.tasks) {
    if (task.connection != c.connection.id || task.resent) continue;
    const bool taken = std::any_of(task.outstanding.begin(), task.outstanding.end(),
                                   [tag](const R2tState& other) { return other.tag == tag; });
    if (!taken) continue;
    c.Report(RuleId::kR2tTagOwn,
             absl::StrFormat("Target Transfer Tag 0x%x is that of another R2T of Initiator Task "
                             "Tag 0x%x that isn't answered yet",
                             tag, itt));
    return;
  }
}

void CheckLength(const Context& c, const Task& task) {
  const v1::R2t& r2t = c.pdu.r2t();
  const uint64_t length = r2t.desired_data_transfer_length();
  const std::optional<uint64_t> limit = c.session.agreed.max_burst_length;
  if (length == 0) c.Report(RuleId::kR2tLength, "Desired Data Transfer Length is 0");
  if (limit.has_value() && length > *limit) {
    c.Report(RuleId::kR2tLength, absl::StrCat("Desired Data Transfer Length ", length,
                                              " is above MaxBurstLength ", *limit));
  }
  const uint64_t end = r2t.buffer_offset() + length;
  if (end > task.write_edtl) {
    c.Report(RuleId::kR2tWithinEdtl,
             absl::StrCat("asks for data up to ", end, " of an Expected Data Transfer Length of ",
                          task.write_edtl));
  }
}

// How much the initiator sends without being asked: what it did, or still must (§11.3.4).
uint64_t UnsolicitedEnd(const Context& c, const Task& task) {
  const std::optional<uint64_t> limit = c.session.agreed.first_burst_length;
  if (!task.unsolicited_follows || !limit.has_value()) return task.unsolicited_sent;
  return std::min(*limit, task.write_edtl);
}

void CheckOrder(const Context& c, const Task& task) {
  const Agreed& agreed = c.session.agreed;
  const uint64_t offset = c.pdu.r2t().buffer_offset();
  if (agreed.data_sequence_in_order != true) return;
  const bool first = task.r2ts == 0;
  const uint64_t due = first ? UnsolicitedEnd(c, task) : task.r2t_end;
  if (offset == due) return;
  if (offset < due) {
    // Above ErrorRecoveryLevel 0, that's recovery (§11.8).
    if (agreed.error_recovery_level != 0u) return;
    if (first) {
      c.Report(RuleId::kR2tNotForDataSent,
               absl::StrCat("asks for data from ", offset, ", but data up to ", due,
                            " comes unsolicited"));
      return;
    }
  }
  c.Report(RuleId::kR2tInOrder, absl::StrCat("Buffer Offset is ", offset, ", not ", due));
}

}  // namespace

void CheckR2t(const Context& c, Task* task) {
  const v1::R2t& r2t = c.pdu.r2t();
  CheckTag(c);
  if (task == nullptr) return;
  if (r2t.lun_bytes() != task->lun_bytes) {
    c.Report(RuleId::kR2tLun, absl::StrFormat("LUN 0x%016x of a command with LUN 0x%016x",
                                              r2t.lun_bytes(), task->lun_bytes));
  }
  CheckLength(c, *task);
  if (!task->resent) {
    if (r2t.r2t_sn() != task->next_input_sn) {
      c.Report(RuleId::kR2tSnContiguous,
               absl::StrCat("R2TSN is ", r2t.r2t_sn(), ", not ", task->next_input_sn));
    }
    task->next_input_sn = r2t.r2t_sn() + 1;
    CheckOrder(c, *task);
    const std::optional<uint64_t> limit = c.session.agreed.max_outstanding_r2t;
    if (limit.has_value() && task->outstanding.size() >= *limit) {
      c.Report(RuleId::kR2tOutstanding,
               absl::StrCat(task->outstanding.size() + 1,
                            " outstanding R2Ts with MaxOutstandingR2T ", *limit));
    }
  }
  ++task->r2ts;
  const uint64_t end = r2t.buffer_offset() + uint64_t{r2t.desired_data_transfer_length()};
  task->r2t_end = std::max(task->r2t_end, end);
  R2tState state;
  state.tag = r2t.target_transfer_tag();
  state.offset = r2t.buffer_offset();
  state.length = r2t.desired_data_transfer_length();
  task->outstanding.push_back(state);
}

}  // namespace pushpull::conformance::monitor
