// SCSI commands and their Data-Out. (RFC 7143 §4.2.5.2, §11.3, §11.7)

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/monitor/request.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::kReservedTag;

// How much a command may send unasked; nullopt: not known.
std::optional<uint64_t> UnsolicitedLimit(const Agreed& agreed, uint64_t edtl) {
  if (!agreed.first_burst_length.has_value()) return std::nullopt;
  return std::min(*agreed.first_burst_length, edtl);
}

void CheckFlags(const Context& c, const v1::ScsiCommand& r) {
  const uint64_t edtl = r.expected_data_transfer_length();
  const uint64_t immediate = c.data().size();
  if (!r.write() && !r.final()) c.Report(RuleId::kICommandFinal, "F is 0 where W is 0");
  if (r.write() && !r.final() && immediate > 0 && immediate == edtl) {
    c.Report(RuleId::kICommandFinal, "F is 0 where all data comes with the command");
  }
  if (!r.read() && !r.write() && edtl > 0) {
    c.Report(RuleId::kICommandDirection,
             absl::StrCat("R and W are 0 with Expected Data Transfer Length ", edtl));
  }
  if (r.attr() > v1::ACA) {
    c.Report(RuleId::kICommandDirection, absl::StrCat("task attribute ", r.attr()));
  }
  if (r.read() && r.write() && !BidirectionalReadLength(c.pdu).has_value()) {
    c.Report(RuleId::kIBidirectionalLength, "R and W are 1, and no AHS says how much is read");
  }
}

// On iSER all solicited data goes by RDMA, which isn't to be seen here.
void CheckSequence(const Context& c, const Task& task, const R2tState& r2t) {
  const v1::DataOut& data = c.pdu.data_out();
  const uint64_t size = c.data().size();
  const uint64_t end = data.buffer_offset() + size;
  if (task.lun_bytes != data.lun_bytes()) {
    c.Report(RuleId::kIDataOutTag, absl::StrFormat("LUN is 0x%x, that of the R2T is 0x%x",
                                                   data.lun_bytes(), task.lun_bytes));
  }
  if (data.data_sn() != r2t.next_data_sn) {
    c.Report(RuleId::kIDataSnContiguous,
             absl::StrCat("DataSN is ", data.data_sn(), ", not ", r2t.next_data_sn));
  }
  const bool in_order = c.session.agreed.data_pdu_in_order.value_or(false);
  const uint64_t due = r2t.offset + r2t.sent;
  if (data.buffer_offset() < r2t.offset || end > r2t.offset + r2t.length ||
      (in_order && data.buffer_offset() != due)) {
    c.Report(RuleId::kIDataOutOffset,
             absl::StrCat("bytes ", data.buffer_offset(), " to ", end, ", where the R2T asked for ",
                          r2t.offset, " to ", r2t.offset + r2t.length, ", of which ", r2t.sent,
                          " came"));
    return;
  }
  const uint64_t sent = r2t.sent + size;
  if (!data.final() && sent >= r2t.length) {
    c.Report(RuleId::kIDataOutFinal, "F is 0 in the last Data-Out that the R2T asked for");
  }
  if (data.final() && sent < r2t.length && !c.session.sender.aborted) {
    c.Report(RuleId::kIR2tHonoured,
             absl::StrCat("F is 1 after ", sent, " of ", r2t.length, " bytes"));
  }
}

void CheckSolicited(const Context& c, const Task& task) {
  const v1::DataOut& data = c.pdu.data_out();
  const auto r2t =
      std::find_if(task.outstanding.begin(), task.outstanding.end(),
                   [&data](const R2tState& r) { return r.tag == data.target_transfer_tag(); });
  if (r2t == task.outstanding.end()) {
    c.Report(RuleId::kIDataOutTag,
             absl::StrFormat("no R2T with Target Transfer Tag 0x%x is open for this task",
                             data.target_transfer_tag()));
    return;
  }
  if (r2t != task.outstanding.begin()) {
    c.Report(RuleId::kIR2tOrder, absl::StrFormat("answers the R2T 0x%x, where 0x%x came before",
                                                 r2t->tag, task.outstanding.front().tag));
  }
  CheckSequence(c, task, *r2t);
}

void CheckUnsolicited(const Context& c, const Task& task) {
  const v1::DataOut& data = c.pdu.data_out();
  if (!task.unsolicited_follows) {
    c.Report(RuleId::kIUnsolicitedData, "unsolicited Data-Out, though F was 1 before");
    return;
  }
  if (data.data_sn() != task.next_unsolicited_sn) {
    c.Report(RuleId::kIDataSnContiguous,
             absl::StrCat("DataSN is ", data.data_sn(), ", not ", task.next_unsolicited_sn));
  }
  const bool in_order = c.session.agreed.data_pdu_in_order.value_or(false);
  if (in_order && data.buffer_offset() != task.unsolicited_sent) {
    c.Report(RuleId::kIDataOutOffset, absl::StrCat("Buffer Offset is ", data.buffer_offset(),
                                                   ", not ", task.unsolicited_sent));
  }
  const uint64_t sent = task.unsolicited_sent + c.data().size();
  const std::optional<uint64_t> limit = UnsolicitedLimit(c.session.agreed, task.write_edtl);
  if (sent > task.write_edtl) {
    c.Report(RuleId::kIDataWithinEdtl,
             absl::StrCat(sent, " bytes of unsolicited data, where all is ", task.write_edtl));
  } else if (limit.has_value() && sent > *limit) {
    c.Report(RuleId::kIFirstBurst,
             absl::StrCat(sent, " bytes of unsolicited data, where FirstBurstLength is ", *limit));
  } else if (limit.has_value() && !data.final() && sent == *limit) {
    c.Report(RuleId::kIDataOutFinal, "F is 0 in the last unsolicited Data-Out");
  } else if (limit.has_value() && data.final() && sent < *limit && !c.session.sender.aborted) {
    c.Report(RuleId::kIUnsolicitedTotal,
             absl::StrCat("F is 1 after ", sent, " of ", *limit, " bytes"));
  }
}

}  // namespace

void CheckCommand(const Context& c) {
  const v1::ScsiCommand& r = c.pdu.scsi_command();
  CheckFlags(c, r);
  const uint64_t edtl = r.expected_data_transfer_length();
  const uint64_t immediate = c.data().size();
  const Agreed& agreed = c.session.agreed;
  if (immediate > 0 && (!r.write() || agreed.immediate_data == false)) {
    c.Report(RuleId::kIImmediateData,
             absl::StrCat(immediate, " bytes of immediate data ",
                          r.write() ? "with ImmediateData=No" : "where W is 0"));
    return;
  }
  if (r.write() && !r.final() && agreed.initial_r2t == true) {
    c.Report(RuleId::kIUnsolicitedData, "F is 0 with InitialR2T=Yes");
  }
  if (immediate > edtl) {
    c.Report(RuleId::kIDataWithinEdtl,
             absl::StrCat(immediate, " bytes of immediate data, where all is ", edtl));
  } else if (agreed.first_burst_length.has_value() && immediate > *agreed.first_burst_length) {
    c.Report(RuleId::kIFirstBurst,
             absl::StrCat(immediate, " bytes of immediate data, where FirstBurstLength is ",
                          *agreed.first_burst_length));
  }
}

void CheckDataOut(const Context& c) {
  const v1::DataOut& data = c.pdu.data_out();
  const uint32_t tag = data.initiator_task_tag();
  const auto found = c.session.tasks.find(tag);
  if (found == c.session.tasks.end()) {
    // A response may have crossed it; and a task whose beginning wasn't seen isn't judged.
    const bool known = c.session.sender.next_cmd_sn.has_value() && !c.session.sender.aborted;
    if (known && !c.session.done.contains(tag)) {
      c.Report(RuleId::kIDataOutTask, absl::StrFormat("no task has Initiator Task Tag 0x%x", tag));
    }
    return;
  }
  const Task& task = found->second;
  if (task.resent || task.rejected || !c.session.sender.next_cmd_sn.has_value()) return;
  if (!task.write) {
    c.Report(RuleId::kIDataOutTask, absl::StrFormat("0x%x is no write", tag));
    return;
  }
  if (task.connection != c.connection.id) {
    c.Report(RuleId::kIDataOutTask,
             absl::StrCat("its command came on another connection, in frame ", task.frame));
    return;
  }
  if (data.target_transfer_tag() == kReservedTag) return CheckUnsolicited(c, task);
  CheckSolicited(c, task);
}

}  // namespace pushpull::conformance::monitor
