#include "target/pdu/response.h"

#include <algorithm>

#include "target/pdu/codec.h"

namespace pushpull::target {
namespace {

using codec::Bit;
using codec::kContinue;
using codec::kFinal;
using codec::Load16;
using codec::Load32;
using codec::Store16;
using codec::Store32;
using codec::Store64;

// Initiator Task Tag, StatSN, ExpCmdSN and MaxCmdSN: in the same place in every response.
template <typename Pdu>
void ReadCommon(BhsView bhs, Pdu& pdu) {
  pdu.initiator_task_tag = bhs.initiator_task_tag();
  pdu.stat_sn = Load32(bhs, 24);
  pdu.exp_cmd_sn = Load32(bhs, 28);
  pdu.max_cmd_sn = Load32(bhs, 32);
  codec::ReadLengths(bhs, pdu);
}

template <typename Pdu>
Bhs StartResponse(const Pdu& pdu, Opcode opcode, uint8_t flags) {
  Bhs bhs = codec::Start(pdu, opcode, /*immediate=*/false, flags);
  Store32(bhs, 16, pdu.initiator_task_tag);
  Store32(bhs, 24, pdu.stat_sn);
  Store32(bhs, 28, pdu.exp_cmd_sn);
  Store32(bhs, 32, pdu.max_cmd_sn);
  return bhs;
}

}  // namespace

NopIn NopIn::Decode(BhsView bhs) {
  NopIn pdu;
  ReadCommon(bhs, pdu);
  pdu.final = bhs.final();
  pdu.lun = bhs.lun();
  pdu.target_transfer_tag = bhs.target_transfer_tag();
  return pdu;
}

Bhs NopIn::Encode() const {
  Bhs bhs = StartResponse(*this, Opcode::kNopIn, Bit(final, kFinal));
  Store64(bhs, 8, lun);
  Store32(bhs, 20, target_transfer_tag);
  return bhs;
}

ScsiResponse ScsiResponse::Decode(BhsView bhs) {
  ScsiResponse pdu;
  ReadCommon(bhs, pdu);
  pdu.final = bhs.final();
  pdu.bidirectional_read_overflow = (bhs.flags() & 0x10) != 0;
  pdu.bidirectional_read_underflow = (bhs.flags() & 0x08) != 0;
  pdu.residual_overflow = (bhs.flags() & 0x04) != 0;
  pdu.residual_underflow = (bhs.flags() & 0x02) != 0;
  pdu.response = static_cast<ScsiResponseCode>(bhs.data()[2]);
  pdu.status = bhs.data()[3];
  pdu.status_qualifier = Load16(bhs, 8);
  pdu.snack_tag = Load32(bhs, 20);
  pdu.exp_data_sn = Load32(bhs, 36);
  pdu.bidirectional_read_residual_count = Load32(bhs, 40);
  pdu.residual_count = Load32(bhs, 44);
  return pdu;
}

Bhs ScsiResponse::Encode() const {
  Bhs bhs = StartResponse(
      *this, Opcode::kScsiResponse,
      static_cast<uint8_t>(Bit(final, kFinal) | Bit(bidirectional_read_overflow, 0x10) |
                           Bit(bidirectional_read_underflow, 0x08) | Bit(residual_overflow, 0x04) |
                           Bit(residual_underflow, 0x02)));
  bhs[2] = static_cast<uint8_t>(response);
  bhs[3] = status;
  Store16(bhs, 8, status_qualifier);
  Store32(bhs, 20, snack_tag);
  Store32(bhs, 36, exp_data_sn);
  Store32(bhs, 40, bidirectional_read_residual_count);
  Store32(bhs, 44, residual_count);
  return bhs;
}

TaskManagementResponse TaskManagementResponse::Decode(BhsView bhs) {
  TaskManagementResponse pdu;
  ReadCommon(bhs, pdu);
  pdu.final = bhs.final();
  pdu.response = static_cast<TaskManagementResponseCode>(bhs.data()[2]);
  pdu.additional_response_information = base::LoadBe24(bhs.data() + 8);
  return pdu;
}

Bhs TaskManagementResponse::Encode() const {
  Bhs bhs = StartResponse(*this, Opcode::kTaskManagementResponse, Bit(final, kFinal));
  bhs[2] = static_cast<uint8_t>(response);
  base::StoreBe24(bhs.data() + 8, additional_response_information);
  return bhs;
}

LoginResponse LoginResponse::Decode(BhsView bhs) {
  LoginResponse pdu;
  ReadCommon(bhs, pdu);
  pdu.transit = bhs.final();
  pdu.text_continue = (bhs.flags() & kContinue) != 0;
  pdu.current_stage = static_cast<Stage>(bhs.flags() >> 2 & 3);
  pdu.next_stage = static_cast<Stage>(bhs.flags() & 3);
  pdu.version_max = bhs.data()[2];
  pdu.version_active = bhs.data()[3];
  std::copy_n(bhs.data() + 8, pdu.isid.size(), pdu.isid.begin());
  pdu.tsih = Load16(bhs, 14);
  pdu.status_class = bhs.data()[36];
  pdu.status_detail = bhs.data()[37];
  return pdu;
}

Bhs LoginResponse::Encode() const {
  Bhs bhs =
      StartResponse(*this, Opcode::kLoginResponse,
                    static_cast<uint8_t>(Bit(transit, kFinal) | Bit(text_continue, kContinue) |
                                         static_cast<uint8_t>(current_stage) << 2 |
                                         static_cast<uint8_t>(next_stage)));
  bhs[2] = version_max;
  bhs[3] = version_active;
  std::copy(isid.begin(), isid.end(), bhs.begin() + 8);
  Store16(bhs, 14, tsih);
  bhs[36] = status_class;
  bhs[37] = status_detail;
  return bhs;
}

TextResponse TextResponse::Decode(BhsView bhs) {
  TextResponse pdu;
  ReadCommon(bhs, pdu);
  pdu.final = bhs.final();
  pdu.text_continue = (bhs.flags() & kContinue) != 0;
  pdu.lun = bhs.lun();
  pdu.target_transfer_tag = bhs.target_transfer_tag();
  return pdu;
}

Bhs TextResponse::Encode() const {
  Bhs bhs = StartResponse(*this, Opcode::kTextResponse,
                          static_cast<uint8_t>(Bit(final, kFinal) | Bit(text_continue, kContinue)));
  Store64(bhs, 8, lun);
  Store32(bhs, 20, target_transfer_tag);
  return bhs;
}

DataIn DataIn::Decode(BhsView bhs) {
  DataIn pdu;
  ReadCommon(bhs, pdu);
  pdu.final = bhs.final();
  pdu.acknowledge = (bhs.flags() & 0x40) != 0;
  pdu.residual_overflow = (bhs.flags() & 0x04) != 0;
  pdu.residual_underflow = (bhs.flags() & 0x02) != 0;
  pdu.status_present = (bhs.flags() & 0x01) != 0;
  pdu.status = bhs.data()[3];
  pdu.lun = bhs.lun();
  pdu.target_transfer_tag = bhs.target_transfer_tag();
  pdu.data_sn = bhs.data_sn();
  pdu.buffer_offset = bhs.buffer_offset();
  pdu.residual_count = Load32(bhs, 44);
  return pdu;
}

Bhs DataIn::Encode() const {
  Bhs bhs = StartResponse(
      *this, Opcode::kDataIn,
      static_cast<uint8_t>(Bit(final, kFinal) | Bit(acknowledge, 0x40) |
                           Bit(residual_overflow, 0x04) | Bit(residual_underflow, 0x02) |
                           Bit(status_present, 0x01)));
  bhs[3] = status;
  Store64(bhs, 8, lun);
  Store32(bhs, 20, target_transfer_tag);
  Store32(bhs, 36, data_sn);
  Store32(bhs, 40, buffer_offset);
  Store32(bhs, 44, residual_count);
  return bhs;
}

LogoutResponse LogoutResponse::Decode(BhsView bhs) {
  LogoutResponse pdu;
  ReadCommon(bhs, pdu);
  pdu.final = bhs.final();
  pdu.response = static_cast<LogoutResponseCode>(bhs.data()[2]);
  pdu.time2wait = Load16(bhs, 40);
  pdu.time2retain = Load16(bhs, 42);
  return pdu;
}

Bhs LogoutResponse::Encode() const {
  Bhs bhs = StartResponse(*this, Opcode::kLogoutResponse, Bit(final, kFinal));
  bhs[2] = static_cast<uint8_t>(response);
  Store16(bhs, 40, time2wait);
  Store16(bhs, 42, time2retain);
  return bhs;
}

R2t R2t::Decode(BhsView bhs) {
  R2t pdu;
  ReadCommon(bhs, pdu);
  pdu.final = bhs.final();
  pdu.lun = bhs.lun();
  pdu.target_transfer_tag = bhs.target_transfer_tag();
  pdu.r2t_sn = Load32(bhs, 36);
  pdu.buffer_offset = bhs.buffer_offset();
  pdu.desired_data_transfer_length = Load32(bhs, 44);
  return pdu;
}

Bhs R2t::Encode() const {
  Bhs bhs = StartResponse(*this, Opcode::kR2t, Bit(final, kFinal));
  Store64(bhs, 8, lun);
  Store32(bhs, 20, target_transfer_tag);
  Store32(bhs, 36, r2t_sn);
  Store32(bhs, 40, buffer_offset);
  Store32(bhs, 44, desired_data_transfer_length);
  return bhs;
}

AsyncMessage AsyncMessage::Decode(BhsView bhs) {
  AsyncMessage pdu;
  ReadCommon(bhs, pdu);
  pdu.final = bhs.final();
  pdu.lun = bhs.lun();
  pdu.async_event = static_cast<AsyncEvent>(bhs.data()[36]);
  pdu.async_vcode = bhs.data()[37];
  pdu.parameter1 = Load16(bhs, 38);
  pdu.parameter2 = Load16(bhs, 40);
  pdu.parameter3 = Load16(bhs, 42);
  return pdu;
}

Bhs AsyncMessage::Encode() const {
  Bhs bhs = StartResponse(*this, Opcode::kAsyncMessage, Bit(final, kFinal));
  Store64(bhs, 8, lun);
  bhs[36] = static_cast<uint8_t>(async_event);
  bhs[37] = async_vcode;
  Store16(bhs, 38, parameter1);
  Store16(bhs, 40, parameter2);
  Store16(bhs, 42, parameter3);
  return bhs;
}

Reject Reject::Decode(BhsView bhs) {
  Reject pdu;
  ReadCommon(bhs, pdu);
  pdu.final = bhs.final();
  pdu.reason = static_cast<RejectReason>(bhs.data()[2]);
  pdu.data_sn_or_r2t_sn = Load32(bhs, 36);
  return pdu;
}

Bhs Reject::Encode() const {
  Bhs bhs = StartResponse(*this, Opcode::kReject, Bit(final, kFinal));
  bhs[2] = static_cast<uint8_t>(reason);
  Store32(bhs, 36, data_sn_or_r2t_sn);
  return bhs;
}

}  // namespace pushpull::target
