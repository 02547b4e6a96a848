#include "target/pdu/request.h"

#include <algorithm>

#include "target/pdu/codec.h"

namespace pushpull::target {

using codec::Bit;
using codec::kContinue;
using codec::kFinal;
using codec::Load16;
using codec::Load32;
using codec::Store16;
using codec::Store32;
using codec::Store64;

NopOut NopOut::Decode(BhsView bhs) {
  NopOut pdu;
  pdu.immediate = bhs.immediate();
  pdu.final = bhs.final();
  pdu.lun = bhs.lun();
  pdu.initiator_task_tag = bhs.initiator_task_tag();
  pdu.target_transfer_tag = bhs.target_transfer_tag();
  pdu.cmd_sn = bhs.cmd_sn();
  pdu.exp_stat_sn = bhs.exp_stat_sn();
  codec::ReadLengths(bhs, pdu);
  return pdu;
}

Bhs NopOut::Encode() const {
  Bhs bhs = codec::Start(*this, Opcode::kNopOut, immediate, Bit(final, kFinal));
  Store64(bhs, 8, lun);
  Store32(bhs, 16, initiator_task_tag);
  Store32(bhs, 20, target_transfer_tag);
  Store32(bhs, 24, cmd_sn);
  Store32(bhs, 28, exp_stat_sn);
  return bhs;
}

ScsiCommand ScsiCommand::Decode(BhsView bhs) {
  ScsiCommand pdu;
  pdu.immediate = bhs.immediate();
  pdu.final = bhs.final();
  pdu.read = (bhs.flags() & 0x40) != 0;
  pdu.write = (bhs.flags() & 0x20) != 0;
  pdu.attr = static_cast<TaskAttributeCode>(bhs.flags() & 0x07);
  pdu.priority = bhs.data()[2] >> 4;
  pdu.lun = bhs.lun();
  pdu.initiator_task_tag = bhs.initiator_task_tag();
  pdu.expected_data_transfer_length = Load32(bhs, 20);
  pdu.cmd_sn = bhs.cmd_sn();
  pdu.exp_stat_sn = bhs.exp_stat_sn();
  std::copy_n(bhs.data() + 32, pdu.cdb.size(), pdu.cdb.begin());
  codec::ReadLengths(bhs, pdu);
  return pdu;
}

Bhs ScsiCommand::Encode() const {
  Bhs bhs = codec::Start(*this, Opcode::kScsiCommand, immediate,
                         static_cast<uint8_t>(Bit(final, kFinal) | Bit(read, 0x40) |
                                              Bit(write, 0x20) | static_cast<uint8_t>(attr)));
  bhs[2] = static_cast<uint8_t>(priority << 4);
  Store64(bhs, 8, lun);
  Store32(bhs, 16, initiator_task_tag);
  Store32(bhs, 20, expected_data_transfer_length);
  Store32(bhs, 24, cmd_sn);
  Store32(bhs, 28, exp_stat_sn);
  std::copy(cdb.begin(), cdb.end(), bhs.begin() + 32);
  return bhs;
}

TaskManagementRequest TaskManagementRequest::Decode(BhsView bhs) {
  TaskManagementRequest pdu;
  pdu.immediate = bhs.immediate();
  pdu.final = bhs.final();
  pdu.function = static_cast<TaskManagementFunction>(bhs.flags() & 0x7f);
  pdu.lun = bhs.lun();
  pdu.initiator_task_tag = bhs.initiator_task_tag();
  pdu.referenced_task_tag = Load32(bhs, 20);
  pdu.cmd_sn = bhs.cmd_sn();
  pdu.exp_stat_sn = bhs.exp_stat_sn();
  pdu.ref_cmd_sn = Load32(bhs, 32);
  pdu.exp_data_sn = Load32(bhs, 36);
  codec::ReadLengths(bhs, pdu);
  return pdu;
}

Bhs TaskManagementRequest::Encode() const {
  Bhs bhs = codec::Start(*this, Opcode::kTaskManagementRequest, immediate,
                         static_cast<uint8_t>(Bit(final, kFinal) | static_cast<uint8_t>(function)));
  Store64(bhs, 8, lun);
  Store32(bhs, 16, initiator_task_tag);
  Store32(bhs, 20, referenced_task_tag);
  Store32(bhs, 24, cmd_sn);
  Store32(bhs, 28, exp_stat_sn);
  Store32(bhs, 32, ref_cmd_sn);
  Store32(bhs, 36, exp_data_sn);
  return bhs;
}

LoginRequest LoginRequest::Decode(BhsView bhs) {
  LoginRequest pdu;
  pdu.immediate = bhs.immediate();
  pdu.transit = bhs.final();
  pdu.text_continue = (bhs.flags() & kContinue) != 0;
  pdu.current_stage = static_cast<Stage>(bhs.flags() >> 2 & 3);
  pdu.next_stage = static_cast<Stage>(bhs.flags() & 3);
  pdu.version_max = bhs.data()[2];
  pdu.version_min = bhs.data()[3];
  std::copy_n(bhs.data() + 8, pdu.isid.size(), pdu.isid.begin());
  pdu.tsih = Load16(bhs, 14);
  pdu.initiator_task_tag = bhs.initiator_task_tag();
  pdu.cid = Load16(bhs, 20);
  pdu.cmd_sn = bhs.cmd_sn();
  pdu.exp_stat_sn = bhs.exp_stat_sn();
  codec::ReadLengths(bhs, pdu);
  return pdu;
}

Bhs LoginRequest::Encode() const {
  Bhs bhs = codec::Start(*this, Opcode::kLoginRequest, immediate,
                         static_cast<uint8_t>(Bit(transit, kFinal) | Bit(text_continue, kContinue) |
                                              static_cast<uint8_t>(current_stage) << 2 |
                                              static_cast<uint8_t>(next_stage)));
  bhs[2] = version_max;
  bhs[3] = version_min;
  std::copy(isid.begin(), isid.end(), bhs.begin() + 8);
  Store16(bhs, 14, tsih);
  Store32(bhs, 16, initiator_task_tag);
  Store16(bhs, 20, cid);
  Store32(bhs, 24, cmd_sn);
  Store32(bhs, 28, exp_stat_sn);
  return bhs;
}

TextRequest TextRequest::Decode(BhsView bhs) {
  TextRequest pdu;
  pdu.immediate = bhs.immediate();
  pdu.final = bhs.final();
  pdu.text_continue = (bhs.flags() & kContinue) != 0;
  pdu.lun = bhs.lun();
  pdu.initiator_task_tag = bhs.initiator_task_tag();
  pdu.target_transfer_tag = bhs.target_transfer_tag();
  pdu.cmd_sn = bhs.cmd_sn();
  pdu.exp_stat_sn = bhs.exp_stat_sn();
  codec::ReadLengths(bhs, pdu);
  return pdu;
}

Bhs TextRequest::Encode() const {
  Bhs bhs = codec::Start(*this, Opcode::kTextRequest, immediate,
                         static_cast<uint8_t>(Bit(final, kFinal) | Bit(text_continue, kContinue)));
  Store64(bhs, 8, lun);
  Store32(bhs, 16, initiator_task_tag);
  Store32(bhs, 20, target_transfer_tag);
  Store32(bhs, 24, cmd_sn);
  Store32(bhs, 28, exp_stat_sn);
  return bhs;
}

DataOut DataOut::Decode(BhsView bhs) {
  DataOut pdu;
  pdu.immediate = bhs.immediate();
  pdu.final = bhs.final();
  pdu.lun = bhs.lun();
  pdu.initiator_task_tag = bhs.initiator_task_tag();
  pdu.target_transfer_tag = bhs.target_transfer_tag();
  pdu.exp_stat_sn = bhs.exp_stat_sn();
  pdu.data_sn = bhs.data_sn();
  pdu.buffer_offset = bhs.buffer_offset();
  codec::ReadLengths(bhs, pdu);
  return pdu;
}

Bhs DataOut::Encode() const {
  Bhs bhs = codec::Start(*this, Opcode::kDataOut, immediate, Bit(final, kFinal));
  Store64(bhs, 8, lun);
  Store32(bhs, 16, initiator_task_tag);
  Store32(bhs, 20, target_transfer_tag);
  Store32(bhs, 28, exp_stat_sn);
  Store32(bhs, 36, data_sn);
  Store32(bhs, 40, buffer_offset);
  return bhs;
}

LogoutRequest LogoutRequest::Decode(BhsView bhs) {
  LogoutRequest pdu;
  pdu.immediate = bhs.immediate();
  pdu.final = bhs.final();
  pdu.reason = static_cast<LogoutReason>(bhs.flags() & 0x7f);
  pdu.initiator_task_tag = bhs.initiator_task_tag();
  pdu.cid = Load16(bhs, 20);
  pdu.cmd_sn = bhs.cmd_sn();
  pdu.exp_stat_sn = bhs.exp_stat_sn();
  codec::ReadLengths(bhs, pdu);
  return pdu;
}

Bhs LogoutRequest::Encode() const {
  Bhs bhs = codec::Start(*this, Opcode::kLogoutRequest, immediate,
                         static_cast<uint8_t>(Bit(final, kFinal) | static_cast<uint8_t>(reason)));
  Store32(bhs, 16, initiator_task_tag);
  Store16(bhs, 20, cid);
  Store32(bhs, 24, cmd_sn);
  Store32(bhs, 28, exp_stat_sn);
  return bhs;
}

SnackRequest SnackRequest::Decode(BhsView bhs) {
  SnackRequest pdu;
  pdu.immediate = bhs.immediate();
  pdu.final = bhs.final();
  pdu.type = static_cast<SnackType>(bhs.flags() & 0x0f);
  pdu.lun = bhs.lun();
  pdu.initiator_task_tag = bhs.initiator_task_tag();
  pdu.target_transfer_tag = bhs.target_transfer_tag();
  pdu.exp_stat_sn = bhs.exp_stat_sn();
  pdu.beg_run = Load32(bhs, 40);
  pdu.run_length = Load32(bhs, 44);
  codec::ReadLengths(bhs, pdu);
  return pdu;
}

Bhs SnackRequest::Encode() const {
  Bhs bhs = codec::Start(*this, Opcode::kSnackRequest, immediate,
                         static_cast<uint8_t>(Bit(final, kFinal) | static_cast<uint8_t>(type)));
  Store64(bhs, 8, lun);
  Store32(bhs, 16, initiator_task_tag);
  Store32(bhs, 20, target_transfer_tag);
  Store32(bhs, 28, exp_stat_sn);
  Store32(bhs, 40, beg_run);
  Store32(bhs, 44, run_length);
  return bhs;
}

}  // namespace pushpull::target
