// Data-In, with or without status. (RFC 7143 §11.7)

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/monitor/context.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::kReservedTag;

void CheckFlagsAndTag(const Context& c, const Task* task) {
  const v1::DataIn& data = c.pdu.data_in();
  if (data.status_present() && !data.final()) {
    c.Report(RuleId::kStatusOnlyWithFinal, "S is 1 and F is 0");
  }
  const uint32_t ttt = data.target_transfer_tag();
  if (!data.acknowledge()) {
    if (ttt != kReservedTag && ttt != 0) {
      c.Report(RuleId::kTagOnlyWithAcknowledge,
               absl::StrFormat("Target Transfer Tag 0x%x with A=0", ttt));
    }
    // Reserved; the command's own, which many send, misleads nobody.
    if (data.lun_bytes() != 0 && task != nullptr && data.lun_bytes() != task->lun_bytes) {
      c.Report(RuleId::kUnusedFields,
               absl::StrFormat("LUN is 0x%016x where it doesn't apply", data.lun_bytes()));
    }
  } else {
    if (c.session.agreed.error_recovery_level == 0u) {
      c.Report(RuleId::kNoAcknowledgeAtLevel0, "A is 1 at ErrorRecoveryLevel 0");
    }
    const bool lun_fits = task == nullptr || task->lun_bytes == data.lun_bytes();
    if (ttt == kReservedTag || !lun_fits) {
      c.Report(RuleId::kAcknowledgeNamesTag,
               absl::StrFormat("A is 1 with Target Transfer Tag 0x%x and LUN 0x%016x", ttt,
                               data.lun_bytes()));
    }
  }
  if (!data.final() && c.data().size() % 4 != 0) {
    c.Report(RuleId::kDataInWholeWords,
             absl::StrCat("F is 0 with ", c.data().size(), " bytes of data"));
  }
}

void CheckStatus(const Context& c, const Task* task) {
  const v1::DataIn& data = c.pdu.data_in();
  const auto status = static_cast<uint32_t>(data.status());
  // GOOD, CONDITION MET, INTERMEDIATE, INTERMEDIATE-CONDITION MET (A2).
  const bool good = status == 0x00 || status == 0x04 || status == 0x10 || status == 0x14;
  if (!good) {
    c.Report(RuleId::kDataInStatusGood, absl::StrFormat("status 0x%02x in a Data-In", status));
  }
  if (task != nullptr && task->read && task->write) {
    c.Report(RuleId::kBidirectionalStatus, "status of a bidirectional command in a Data-In");
  }
  CheckResidual(c,
                {.overflow = data.residual_overflow(),
                 .underflow = data.residual_underflow(),
                 .count = data.residual_count(),
                 .status = status},
                task);
}

void CheckOrder(const Context& c, const Task& task) {
  const uint64_t offset = c.pdu.data_in().buffer_offset();
  const Agreed& agreed = c.session.agreed;
  const bool judged =
      task.sequence_open ? agreed.data_pdu_in_order == true : agreed.data_sequence_in_order == true;
  const uint64_t before = task.sequence_open ? task.sequence_end : task.data_in_end;
  if (!judged || c.data().empty() || offset >= before) return;
  c.Report(RuleId::kDataInOrder, absl::StrCat("Buffer Offset is ", offset, ", but data up to ",
                                              before, " was sent before"));
}

void CheckData(const Context& c, Task* task) {
  const v1::DataIn& data = c.pdu.data_in();
  const uint64_t size = c.data().size();
  const uint64_t end = data.buffer_offset() + size;
  if (data.data_sn() != task->next_input_sn) {
    c.Report(RuleId::kDataSnContiguous,
             absl::StrCat("DataSN is ", data.data_sn(), ", not ", task->next_input_sn));
  }
  task->next_input_sn = data.data_sn() + 1;
  CheckOrder(c, *task);
  task->sequence_bytes += size;
  const std::optional<uint64_t> limit = c.session.agreed.max_burst_length;
  if (limit.has_value() && task->sequence_bytes > *limit) {
    c.Report(RuleId::kDataInBurstLimit,
             absl::StrCat("a sequence goes on to ", task->sequence_bytes,
                          " bytes: F was due at MaxBurstLength, ", *limit));
    task->sequence_bytes = 0;  // once for each sequence
  }
  ++task->data_ins;
  task->data_in_bytes += size;
  task->data_in_end = std::max(task->data_in_end, end);
  task->sequence_end = std::max(task->sequence_end, end);
  task->sequence_open = !data.final();
  if (!data.final()) return;
  task->sequence_bytes = 0;
  task->sequence_end = 0;
}

}  // namespace

void CheckDataIn(const Context& c, Task* task) {
  const v1::DataIn& data = c.pdu.data_in();
  CheckFlagsAndTag(c, task);
  if (task != nullptr) {
    const uint64_t end = data.buffer_offset() + uint64_t{c.data().size()};
    if (end > task->read_edtl) {
      c.Report(RuleId::kDataInWithinEdtl,
               absl::StrCat("data up to ", end, " of an Expected Data Transfer Length of ",
                            task->read_edtl));
    }
    if (!task->resent) CheckData(c, task);
    TakeNamingData(c, task);
  }
  if (!data.status_present()) return;
  CheckStatus(c, task);
  if (task == nullptr) return;
  CheckAcknowledged(c, *task);
  if (data.status() == v1::GOOD) CheckNames(c, *task);
  EndTask(c, DoneTask::How::kResponse, data.initiator_task_tag());
}

}  // namespace pushpull::conformance::monitor
