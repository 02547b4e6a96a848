#include "fuzz/codecs/readings.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"

namespace pushpull::codecs {
namespace {

class Differences {
 public:
  template <typename A, typename B>
  void Compare(const char* field, A target, B initiator) {
    const auto a = static_cast<uint64_t>(target);
    const auto b = static_cast<uint64_t>(initiator);
    if (a == b) return;
    absl::StrAppend(&text_, text_.empty() ? "" : "; ", field, ": the target reads ", a,
                    ", the initiator ", b);
  }
  void Compare(const char* field, const std::string& target, const std::string& initiator) {
    if (target == initiator) return;
    absl::StrAppend(&text_, text_.empty() ? "" : "; ", field, " differs");
  }
  void Add(const char* difference) {
    absl::StrAppend(&text_, text_.empty() ? "" : "; ", difference);
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

template <typename Array>
std::string Text(const Array& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

// ---- requests ------------------------------------------------------------------------------

void Compare(const target::NopOut& t, const v1::NopOut& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
}

void Compare(const target::ScsiCommand& t, const v1::ScsiCommand& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("read", t.read, i.read());
  out->Compare("write", t.write, i.write());
  out->Compare("attr", t.attr, i.attr());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("expected_data_transfer_length", t.expected_data_transfer_length,
               i.expected_data_transfer_length());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
  // The initiator joins a CDB with its extension in an AHS.
  out->Compare("cdb", Text(t.cdb), i.cdb().raw().substr(0, t.cdb.size()));
}

void Compare(const target::TaskManagementRequest& t, const v1::TaskManagementRequest& i,
             Differences* out) {
  out->Compare("function", t.function, i.function());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("referenced_task_tag", t.referenced_task_tag, i.referenced_task_tag());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
  out->Compare("ref_cmd_sn", t.ref_cmd_sn, i.ref_cmd_sn());
  out->Compare("exp_data_sn", t.exp_data_sn, i.exp_data_sn());
}

void Compare(const target::LoginRequest& t, const v1::LoginRequest& i, Differences* out) {
  out->Compare("transit", t.transit, i.transit());
  out->Compare("text_continue", t.text_continue, i.text_continue());
  out->Compare("current_stage", t.current_stage, i.current_stage());
  out->Compare("next_stage", t.next_stage, i.next_stage());
  out->Compare("version_max", t.version_max, i.version_max());
  out->Compare("version_min", t.version_min, i.version_min());
  out->Compare("tsih", t.tsih, i.tsih());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("cid", t.cid, i.cid());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
  out->Compare("isid", Text(t.isid), i.isid());
}

void Compare(const target::TextRequest& t, const v1::TextRequest& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("text_continue", t.text_continue, i.text_continue());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
}

void Compare(const target::DataOut& t, const v1::DataOut& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
  out->Compare("data_sn", t.data_sn, i.data_sn());
  out->Compare("buffer_offset", t.buffer_offset, i.buffer_offset());
}

void Compare(const target::LogoutRequest& t, const v1::LogoutRequest& i, Differences* out) {
  out->Compare("reason", t.reason, i.reason());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("cid", t.cid, i.cid());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
}

void Compare(const target::SnackRequest& t, const v1::SnackRequest& i, Differences* out) {
  out->Compare("type", t.type, i.type());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
  out->Compare("beg_run", t.beg_run, i.beg_run());
  out->Compare("run_length", t.run_length, i.run_length());
}

// ---- responses -----------------------------------------------------------------------------

void Compare(const target::NopIn& t, const v1::NopIn& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("stat_sn", t.stat_sn, i.stat_sn());
  out->Compare("exp_cmd_sn", t.exp_cmd_sn, i.exp_cmd_sn());
  out->Compare("max_cmd_sn", t.max_cmd_sn, i.max_cmd_sn());
}

void Compare(const target::ScsiResponse& t, const v1::ScsiResponse& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("bidirectional_read_overflow", t.bidirectional_read_overflow,
               i.bidirectional_read_overflow());
  out->Compare("bidirectional_read_underflow", t.bidirectional_read_underflow,
               i.bidirectional_read_underflow());
  out->Compare("residual_overflow", t.residual_overflow, i.residual_overflow());
  out->Compare("residual_underflow", t.residual_underflow, i.residual_underflow());
  out->Compare("response", t.response, i.response());
  out->Compare("status", t.status, i.status());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("snack_tag", t.snack_tag, i.snack_tag());
  out->Compare("stat_sn", t.stat_sn, i.stat_sn());
  out->Compare("exp_cmd_sn", t.exp_cmd_sn, i.exp_cmd_sn());
  out->Compare("max_cmd_sn", t.max_cmd_sn, i.max_cmd_sn());
  out->Compare("exp_data_sn", t.exp_data_sn, i.exp_data_sn());
  out->Compare("bidirectional_read_residual_count", t.bidirectional_read_residual_count,
               i.bidirectional_read_residual_count());
  out->Compare("residual_count", t.residual_count, i.residual_count());
}

void Compare(const target::TaskManagementResponse& t, const v1::TaskManagementResponse& i,
             Differences* out) {
  out->Compare("response", t.response, i.response());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("stat_sn", t.stat_sn, i.stat_sn());
  out->Compare("exp_cmd_sn", t.exp_cmd_sn, i.exp_cmd_sn());
  out->Compare("max_cmd_sn", t.max_cmd_sn, i.max_cmd_sn());
}

void Compare(const target::LoginResponse& t, const v1::LoginResponse& i, Differences* out) {
  out->Compare("transit", t.transit, i.transit());
  out->Compare("text_continue", t.text_continue, i.text_continue());
  out->Compare("current_stage", t.current_stage, i.current_stage());
  out->Compare("next_stage", t.next_stage, i.next_stage());
  out->Compare("version_max", t.version_max, i.version_max());
  out->Compare("version_active", t.version_active, i.version_active());
  out->Compare("tsih", t.tsih, i.tsih());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("stat_sn", t.stat_sn, i.stat_sn());
  out->Compare("exp_cmd_sn", t.exp_cmd_sn, i.exp_cmd_sn());
  out->Compare("max_cmd_sn", t.max_cmd_sn, i.max_cmd_sn());
  out->Compare("status_class", t.status_class, i.status_class());
  out->Compare("status_detail", t.status_detail, i.status_detail());
  out->Compare("isid", Text(t.isid), i.isid());
}

void Compare(const target::TextResponse& t, const v1::TextResponse& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("text_continue", t.text_continue, i.text_continue());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("stat_sn", t.stat_sn, i.stat_sn());
  out->Compare("exp_cmd_sn", t.exp_cmd_sn, i.exp_cmd_sn());
  out->Compare("max_cmd_sn", t.max_cmd_sn, i.max_cmd_sn());
}

void Compare(const target::DataIn& t, const v1::DataIn& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("acknowledge", t.acknowledge, i.acknowledge());
  out->Compare("status_present", t.status_present, i.status_present());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("exp_cmd_sn", t.exp_cmd_sn, i.exp_cmd_sn());
  out->Compare("max_cmd_sn", t.max_cmd_sn, i.max_cmd_sn());
  out->Compare("data_sn", t.data_sn, i.data_sn());
  out->Compare("buffer_offset", t.buffer_offset, i.buffer_offset());
  if (!t.status_present) return;  // without S these mean nothing (RFC 7143 §11.7.3)
  out->Compare("residual_overflow", t.residual_overflow, i.residual_overflow());
  out->Compare("residual_underflow", t.residual_underflow, i.residual_underflow());
  out->Compare("status", t.status, i.status());
  out->Compare("stat_sn", t.stat_sn, i.stat_sn());
  out->Compare("residual_count", t.residual_count, i.residual_count());
}

void Compare(const target::LogoutResponse& t, const v1::LogoutResponse& i, Differences* out) {
  out->Compare("response", t.response, i.response());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("stat_sn", t.stat_sn, i.stat_sn());
  out->Compare("exp_cmd_sn", t.exp_cmd_sn, i.exp_cmd_sn());
  out->Compare("max_cmd_sn", t.max_cmd_sn, i.max_cmd_sn());
  out->Compare("time2wait", t.time2wait, i.time2wait());
  out->Compare("time2retain", t.time2retain, i.time2retain());
}

void Compare(const target::R2t& t, const v1::R2t& i, Differences* out) {
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("stat_sn", t.stat_sn, i.stat_sn());
  out->Compare("exp_cmd_sn", t.exp_cmd_sn, i.exp_cmd_sn());
  out->Compare("max_cmd_sn", t.max_cmd_sn, i.max_cmd_sn());
  out->Compare("r2t_sn", t.r2t_sn, i.r2t_sn());
  out->Compare("buffer_offset", t.buffer_offset, i.buffer_offset());
  out->Compare("desired_data_transfer_length", t.desired_data_transfer_length,
               i.desired_data_transfer_length());
}

void Compare(const target::AsyncMessage& t, const v1::AsyncMessage& i, Differences* out) {
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("stat_sn", t.stat_sn, i.stat_sn());
  out->Compare("exp_cmd_sn", t.exp_cmd_sn, i.exp_cmd_sn());
  out->Compare("max_cmd_sn", t.max_cmd_sn, i.max_cmd_sn());
  out->Compare("async_event", t.async_event, i.async_event());
  out->Compare("async_vcode", t.async_vcode, i.async_vcode());
  out->Compare("parameter1", t.parameter1, i.parameter1());
  out->Compare("parameter2", t.parameter2, i.parameter2());
  out->Compare("parameter3", t.parameter3, i.parameter3());
}

void Compare(const target::Reject& t, const v1::Reject& i, Differences* out) {
  out->Compare("reason", t.reason, i.reason());
  out->Compare("stat_sn", t.stat_sn, i.stat_sn());
  out->Compare("exp_cmd_sn", t.exp_cmd_sn, i.exp_cmd_sn());
  out->Compare("max_cmd_sn", t.max_cmd_sn, i.max_cmd_sn());
  out->Compare("data_sn_or_r2t_sn", t.data_sn_or_r2t_sn, i.data_sn_or_r2t_sn());
}

template <typename T, typename I>
void CompareKind(const target::Bhs& bhs, const v1::Pdu& pdu, const I& kind, Differences* out) {
  const T decoded = T::Decode(target::BhsView(bhs));
  out->Compare("total_ahs_length", decoded.total_ahs_length, pdu.total_ahs_length());
  out->Compare("data_segment_length", decoded.data_segment_length, pdu.data_segment_length());
  Compare(decoded, kind, out);
  const target::Bhs written = decoded.Encode();
  if (T::Decode(target::BhsView(written)) != decoded) out->Add("the target writes something else");
}

}  // namespace

std::string CompareReadings(const target::Bhs& bhs, const v1::Pdu& pdu) {
  Differences out;
  const target::BhsView view(bhs);
  switch (pdu.kind_case()) {
    case v1::Pdu::kNopOut:
      CompareKind<target::NopOut>(bhs, pdu, pdu.nop_out(), &out);
      break;
    case v1::Pdu::kScsiCommand:
      CompareKind<target::ScsiCommand>(bhs, pdu, pdu.scsi_command(), &out);
      break;
    case v1::Pdu::kTaskManagementRequest:
      CompareKind<target::TaskManagementRequest>(bhs, pdu, pdu.task_management_request(), &out);
      break;
    case v1::Pdu::kLoginRequest:
      CompareKind<target::LoginRequest>(bhs, pdu, pdu.login_request(), &out);
      break;
    case v1::Pdu::kTextRequest:
      CompareKind<target::TextRequest>(bhs, pdu, pdu.text_request(), &out);
      break;
    case v1::Pdu::kDataOut:
      CompareKind<target::DataOut>(bhs, pdu, pdu.data_out(), &out);
      break;
    case v1::Pdu::kLogoutRequest:
      CompareKind<target::LogoutRequest>(bhs, pdu, pdu.logout_request(), &out);
      break;
    case v1::Pdu::kSnackRequest:
      CompareKind<target::SnackRequest>(bhs, pdu, pdu.snack_request(), &out);
      break;
    case v1::Pdu::kNopIn:
      CompareKind<target::NopIn>(bhs, pdu, pdu.nop_in(), &out);
      break;
    case v1::Pdu::kScsiResponse:
      CompareKind<target::ScsiResponse>(bhs, pdu, pdu.scsi_response(), &out);
      break;
    case v1::Pdu::kTaskManagementResponse:
      CompareKind<target::TaskManagementResponse>(bhs, pdu, pdu.task_management_response(), &out);
      break;
    case v1::Pdu::kLoginResponse:
      CompareKind<target::LoginResponse>(bhs, pdu, pdu.login_response(), &out);
      break;
    case v1::Pdu::kTextResponse:
      CompareKind<target::TextResponse>(bhs, pdu, pdu.text_response(), &out);
      break;
    case v1::Pdu::kDataIn:
      CompareKind<target::DataIn>(bhs, pdu, pdu.data_in(), &out);
      break;
    case v1::Pdu::kLogoutResponse:
      CompareKind<target::LogoutResponse>(bhs, pdu, pdu.logout_response(), &out);
      break;
    case v1::Pdu::kR2T:
      CompareKind<target::R2t>(bhs, pdu, pdu.r2t(), &out);
      break;
    case v1::Pdu::kAsyncMessage:
      CompareKind<target::AsyncMessage>(bhs, pdu, pdu.async_message(), &out);
      break;
    case v1::Pdu::kReject:
      CompareKind<target::Reject>(bhs, pdu, pdu.reject(), &out);
      break;
    default:  // no PDU of RFC 7143: there is nothing to read but the opcode
      out.Compare("opcode", static_cast<uint8_t>(view.opcode()), bhs[0] & 0x3f);
      break;
  }
  return out.Take();
}

}  // namespace pushpull::codecs
