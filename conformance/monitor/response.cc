// SCSI Response, residuals, sense. (RFC 7143 §11.4)

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "conformance/monitor/context.h"

namespace pushpull::conformance::monitor {
namespace {

// What was moved of a command that ended GOOD, where that can be told: `moved` of `expected` bytes.
struct Moved {
  uint64_t moved = 0;
  uint64_t expected = 0;
};

std::optional<Moved> MovedBy(const Context& c, const Task* task) {
  // Data of RDMA isn't seen; data that was sent twice can't be counted.
  const bool countable = task != nullptr && !task->resent && !c.session.agreed.rdma &&
                         c.connection.phase == Phase::kFullFeature;
  if (!countable || (task->read && task->write)) return std::nullopt;
  if (task->read) return Moved{task->data_in_bytes, task->read_edtl};
  return Moved{task->unsolicited_sent + task->solicited_sent, task->write_edtl};
}

// Fixed or descriptor format; both have the length of what follows in byte 7 (SPC-3 §4.5).
void CheckSenseData(const Context& c, base::Bytes sense) {
  constexpr size_t kLengthByte = 7;
  const int code = sense[0] & 0x7f;
  if ((code < 0x70 || code > 0x73) && code != 0x7f) {
    c.Report(RuleId::kSenseResponseCode, absl::StrFormat("response code 0x%02x", code));
  }
  if (code < 0x70 || code > 0x73 || sense.size() <= kLengthByte) return;
  const size_t due = kLengthByte + 1 + sense[kLengthByte];
  if (due > sense.size()) {
    c.Report(
        RuleId::kSenseAdditionalLength,
        absl::StrCat("it has ", due, " bytes by its own length, SenseLength is ", sense.size()));
    return;
  }
  // Some fill up to a fixed length.
  const base::Bytes behind = sense.subspan(due);
  if (std::any_of(behind.begin(), behind.end(), [](uint8_t byte) { return byte != 0; })) {
    c.Report(RuleId::kSenseAdditionalLength,
             absl::StrCat("it has ", due, " bytes by its own length, and more behind them"));
  }
}

void CheckSense(const Context& c) {
  const v1::ScsiResponse& response = c.pdu.scsi_response();
  const std::string& data = c.data();
  const bool check_condition = response.response() == 0 && response.status() == v1::CHECK_CONDITION;
  if (data.empty()) {
    if (check_condition) {
      c.Report(RuleId::kSenseWithCheckCondition, "CHECK CONDITION without data");
    }
    return;
  }
  const size_t length = data.size() < 2 ? 0 : base::LoadBe16(base::AsBytes(data).data());
  if (data.size() < 2 || length > data.size() - 2) {
    c.Report(RuleId::kSenseLengthFits,
             absl::StrCat("SenseLength ", length, " in ", data.size(), " bytes of data"));
  } else if (check_condition && length == 0) {
    c.Report(RuleId::kSenseWithCheckCondition, "CHECK CONDITION with SenseLength 0");
  } else if (length > 0) {
    CheckSenseData(c, base::AsBytes(data).subspan(2, length));
  }
}

// Of SAM, those that it has made obsolete too.
bool IsStatus(uint32_t status) {
  constexpr std::array<uint32_t, 11> kAll = {0x00, 0x02, 0x04, 0x08, 0x10, 0x14,
                                             0x18, 0x22, 0x28, 0x30, 0x40};
  return std::find(kAll.begin(), kAll.end(), status) != kAll.end();
}

void CheckCodes(const Context& c) {
  const v1::ScsiResponse& r = c.pdu.scsi_response();
  const auto code = static_cast<uint32_t>(r.response());
  if (code > 1 && code < 0x80) {
    c.Report(RuleId::kResponseAssigned, absl::StrFormat("Response is 0x%02x", code));
  }
  const auto status = static_cast<uint32_t>(r.status());
  if (code == 0 && !IsStatus(status)) {
    c.Report(RuleId::kStatusAssigned, absl::StrFormat("Status is 0x%02x", status));
  }
  const bool flags = r.bidirectional_read_overflow() || r.bidirectional_read_underflow() ||
                     r.residual_overflow() || r.residual_underflow();
  if (code != 0 && flags) {
    c.Report(RuleId::kFailureHasNoFlags,
             absl::StrFormat("Response is 0x%02x with byte 1 0x%02x", code, c.tap.bytes[1]));
  }
  if (r.bidirectional_read_overflow() && r.bidirectional_read_underflow()) {
    c.Report(RuleId::kOverflowOrUnderflow, "o and u are both 1");
  }
  const std::optional<uint64_t> level = c.session.agreed.protocol_level;
  if (r.status_qualifier() != 0 && level.has_value() && *level < 2) {
    c.Report(RuleId::kLevel2Fields,
             absl::StrFormat("Status Qualifier is 0x%x at level %d", r.status_qualifier(), *level));
  }
}

void CheckExpDataSn(const Context& c, const Task* task) {
  const v1::ScsiResponse& r = c.pdu.scsi_response();
  const uint32_t is = r.exp_data_sn();
  if (r.response() != 0) {
    if (is != 0) {
      c.Report(RuleId::kExpDataSnCounts,
               absl::StrFormat("ExpDataSN is %d with Response 0x%02x", is, r.response()));
    }
    return;
  }
  if (task == nullptr || task->resent || c.session.agreed.rdma) return;
  const bool bidirectional = task->read && task->write;
  // RFC 3720 counted the R2Ts of bidirectional commands too.
  const bool right = is == task->data_ins || (bidirectional && is == task->data_ins + task->r2ts);
  if (right) return;
  c.Report(RuleId::kExpDataSnCounts,
           absl::StrCat("ExpDataSN is ", is, " after ", task->data_ins, " Data-In"));
}

void CheckSnackTag(const Context& c, const Task& task) {
  const uint32_t is = c.pdu.scsi_response().snack_tag();
  if (is == task.snack_tag.value_or(0)) return;
  if (!task.snack_tag.has_value()) {
    c.Report(RuleId::kUnusedFields, absl::StrFormat("SNACK Tag is 0x%x without R-Data SNACK", is));
    return;
  }
  // One with 0 may have been under way when the SNACK was sent.
  if (is == 0) return;
  c.Report(RuleId::kSnackTag, absl::StrFormat("SNACK Tag is 0x%x, not 0x%x", is, *task.snack_tag));
}

// o, u and Bidirectional Read Residual Count.
void CheckBidirectionalResidual(const Context& c, const Task& task) {
  const v1::ScsiResponse& r = c.pdu.scsi_response();
  const bool overflow = r.bidirectional_read_overflow();
  const bool underflow = r.bidirectional_read_underflow();
  if (overflow == underflow && overflow) return;  // said elsewhere
  if (!task.read || !task.write) {
    if (overflow || underflow) {
      c.Report(RuleId::kBidirectionalResidual,
               absl::StrCat(overflow ? "o" : "u", " is 1 of a command that isn't bidirectional"));
    }
    return;
  }
  if (task.resent || c.session.agreed.rdma || r.status() != v1::GOOD) return;
  const uint64_t missing = task.read_edtl - std::min(task.data_in_bytes, task.read_edtl);
  const uint32_t count = r.bidirectional_read_residual_count();
  const bool right =
      underflow ? count == missing && count > 0 : missing == 0 && (!overflow || count > 0);
  if (right) return;
  c.Report(RuleId::kBidirectionalResidual,
           absl::StrCat("o is ", overflow ? 1 : 0, ", u is ", underflow ? 1 : 0,
                        ", Bidirectional Read Residual Count is ", count, ", but ",
                        task.data_in_bytes, " of ", task.read_edtl, " bytes were read"));
}

}  // namespace

void CheckResidual(const Context& c, const Residual& residual, const Task* task) {
  if (residual.overflow && residual.underflow) {
    c.Report(RuleId::kOverflowOrUnderflow, "O and U are both 1");
    return;
  }
  const bool flagged = residual.overflow || residual.underflow;
  if (!flagged && residual.count != 0) {
    c.Report(RuleId::kResidualZeroWithoutFlag,
             absl::StrCat("Residual Count is ", residual.count, " with neither O nor U"));
  }
  if (flagged && residual.count == 0) {
    c.Report(RuleId::kResidualCountRight,
             absl::StrCat(residual.overflow ? "O" : "U", " with Residual Count 0"));
    return;
  }
  const std::optional<Moved> known = MovedBy(c, task);
  if (!known.has_value()) return;
  const auto [moved, expected] = *known;
  const std::string of = absl::StrCat(moved, " of ", expected, " bytes were transferred");
  if (residual.underflow) {
    // A device may take less of a write than it was sent, but nothing more.
    const uint64_t missing = expected - std::min(moved, expected);
    // Nor is it known of one that failed how much it was to move: but what was moved was meant.
    const bool least = residual.status == 0 ? residual.count >= missing : true;
    const bool right = least && residual.count <= (task->write ? expected : missing);
    if (!right) {
      c.Report(RuleId::kResidualCountRight,
               absl::StrCat("U with Residual Count ", residual.count, ", but ", of));
    }
    return;
  }
  if (moved < expected && residual.status == 0) {
    c.Report(RuleId::kResidualCountRight,
             absl::StrCat(residual.overflow ? "O is 1" : "U is 0", ", but only ", of));
  }
}

void CheckScsiResponse(const Context& c, Task* task) {
  const v1::ScsiResponse& r = c.pdu.scsi_response();
  CheckCodes(c);
  CheckSense(c);
  CheckExpDataSn(c, task);
  if (r.response() == 0) {
    CheckResidual(c,
                  {.overflow = r.residual_overflow(),
                   .underflow = r.residual_underflow(),
                   .count = r.residual_count(),
                   .status = static_cast<uint32_t>(r.status())},
                  task);
  }
  if (task == nullptr) return;
  if (r.response() == 0) CheckBidirectionalResidual(c, *task);
  CheckSnackTag(c, *task);
  if (task->sequence_open && r.response() == 0 && r.status() == v1::GOOD) {
    c.Report(RuleId::kDataInSequenceEnded, "the last Data-In of the command had F=0");
  }
  CheckAcknowledged(c, *task);
  if (r.response() == 0 && r.status() == v1::GOOD) CheckNames(c, *task);
  EndTask(c, DoneTask::How::kResponse, r.initiator_task_tag());
}

}  // namespace pushpull::conformance::monitor
