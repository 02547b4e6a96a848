#include "initiator_sim/pdu/figure.h"

#include <algorithm>
#include <vector>

namespace pushpull::initiator_sim {
namespace {

using v1::Pdu;

// Fields that stand at the same place in many figures, by their number in the kind's message.
consteval Field Flag(int number, uint8_t bit, uint64_t unset = 0) {
  return {number, 1, bit, 1, unset};
}
consteval Field Byte(int number, uint8_t byte) { return {number, byte, 0, 8, 0}; }
consteval Field Half(int number, uint8_t byte) { return {number, byte, 0, 16, 0}; }
consteval Field Word(int number, uint8_t byte, uint64_t unset = 0) {
  return {number, byte, 0, 32, unset};
}
consteval Field Final(int number) { return Flag(number, 0, 1); }
consteval Field Lun(int number) { return {number, 8, 0, 64, 0}; }
consteval Field Itt(int number, uint64_t unset = 0) { return Word(number, 16, unset); }
consteval Field Ttt(int number, uint64_t unset = kReservedTag) { return Word(number, 20, unset); }

// §11.18
constexpr Field kNopOut[] = {
    Final(v1::NopOut::kFinalFieldNumber),          Lun(v1::NopOut::kLunBytesFieldNumber),
    Itt(v1::NopOut::kInitiatorTaskTagFieldNumber), Ttt(v1::NopOut::kTargetTransferTagFieldNumber),
    Word(v1::NopOut::kCmdSnFieldNumber, 24),       Word(v1::NopOut::kExpStatSnFieldNumber, 28),
};

// §11.3; PRI: RFC 7144 §5.1
constexpr Field kScsiCommand[] = {
    Final(v1::ScsiCommand::kFinalFieldNumber),
    Flag(v1::ScsiCommand::kReadFieldNumber, 1),
    Flag(v1::ScsiCommand::kWriteFieldNumber, 2),
    {v1::ScsiCommand::kAttrFieldNumber, 1, 5, 3, 0},
    {v1::ScsiCommand::kPriorityFieldNumber, 2, 0, 4, 0},
    Lun(v1::ScsiCommand::kLunBytesFieldNumber),
    Itt(v1::ScsiCommand::kInitiatorTaskTagFieldNumber),
    Word(v1::ScsiCommand::kExpectedDataTransferLengthFieldNumber, 20),
    Word(v1::ScsiCommand::kCmdSnFieldNumber, 24),
    Word(v1::ScsiCommand::kExpStatSnFieldNumber, 28),
};

// §11.5
constexpr Field kTaskManagementRequest[] = {
    Final(v1::TaskManagementRequest::kFinalFieldNumber),
    {v1::TaskManagementRequest::kFunctionFieldNumber, 1, 1, 7, 0},
    Lun(v1::TaskManagementRequest::kLunBytesFieldNumber),
    Itt(v1::TaskManagementRequest::kInitiatorTaskTagFieldNumber),
    Word(v1::TaskManagementRequest::kReferencedTaskTagFieldNumber, 20, kReservedTag),
    Word(v1::TaskManagementRequest::kCmdSnFieldNumber, 24),
    Word(v1::TaskManagementRequest::kExpStatSnFieldNumber, 28),
    Word(v1::TaskManagementRequest::kRefCmdSnFieldNumber, 32),
    Word(v1::TaskManagementRequest::kExpDataSnFieldNumber, 36),
};

// §11.12 (the ISID stands in bytes 8 to 13)
constexpr Field kLoginRequest[] = {
    Flag(v1::LoginRequest::kTransitFieldNumber, 0),
    Flag(v1::LoginRequest::kTextContinueFieldNumber, 1),
    {v1::LoginRequest::kCurrentStageFieldNumber, 1, 4, 2, 0},
    {v1::LoginRequest::kNextStageFieldNumber, 1, 6, 2, 0},
    Byte(v1::LoginRequest::kVersionMaxFieldNumber, 2),
    Byte(v1::LoginRequest::kVersionMinFieldNumber, 3),
    Half(v1::LoginRequest::kTsihFieldNumber, 14),
    Itt(v1::LoginRequest::kInitiatorTaskTagFieldNumber),
    Half(v1::LoginRequest::kCidFieldNumber, 20),
    Word(v1::LoginRequest::kCmdSnFieldNumber, 24),
    Word(v1::LoginRequest::kExpStatSnFieldNumber, 28),
};

// §11.10
constexpr Field kTextRequest[] = {
    Final(v1::TextRequest::kFinalFieldNumber),
    Flag(v1::TextRequest::kTextContinueFieldNumber, 1),
    Lun(v1::TextRequest::kLunBytesFieldNumber),
    Itt(v1::TextRequest::kInitiatorTaskTagFieldNumber),
    Ttt(v1::TextRequest::kTargetTransferTagFieldNumber),
    Word(v1::TextRequest::kCmdSnFieldNumber, 24),
    Word(v1::TextRequest::kExpStatSnFieldNumber, 28),
};

// §11.7
constexpr Field kDataOut[] = {
    Final(v1::DataOut::kFinalFieldNumber),
    Lun(v1::DataOut::kLunBytesFieldNumber),
    Itt(v1::DataOut::kInitiatorTaskTagFieldNumber),
    Ttt(v1::DataOut::kTargetTransferTagFieldNumber),
    Word(v1::DataOut::kExpStatSnFieldNumber, 28),
    Word(v1::DataOut::kDataSnFieldNumber, 36),
    Word(v1::DataOut::kBufferOffsetFieldNumber, 40),
};

// §11.14
constexpr Field kLogoutRequest[] = {
    Final(v1::LogoutRequest::kFinalFieldNumber),
    {v1::LogoutRequest::kReasonFieldNumber, 1, 1, 7, 0},
    Itt(v1::LogoutRequest::kInitiatorTaskTagFieldNumber),
    Half(v1::LogoutRequest::kCidFieldNumber, 20),
    Word(v1::LogoutRequest::kCmdSnFieldNumber, 24),
    Word(v1::LogoutRequest::kExpStatSnFieldNumber, 28),
};

// §11.16
constexpr Field kSnackRequest[] = {
    Final(v1::SnackRequest::kFinalFieldNumber),
    {v1::SnackRequest::kTypeFieldNumber, 1, 4, 4, 0},
    Lun(v1::SnackRequest::kLunBytesFieldNumber),
    Itt(v1::SnackRequest::kInitiatorTaskTagFieldNumber),
    Ttt(v1::SnackRequest::kTargetTransferTagFieldNumber),
    Word(v1::SnackRequest::kExpStatSnFieldNumber, 28),
    Word(v1::SnackRequest::kBegRunFieldNumber, 40),
    Word(v1::SnackRequest::kRunLengthFieldNumber, 44),
};

// §11.19
constexpr Field kNopIn[] = {
    Final(v1::NopIn::kFinalFieldNumber),          Lun(v1::NopIn::kLunBytesFieldNumber),
    Itt(v1::NopIn::kInitiatorTaskTagFieldNumber), Ttt(v1::NopIn::kTargetTransferTagFieldNumber),
    Word(v1::NopIn::kStatSnFieldNumber, 24),      Word(v1::NopIn::kExpCmdSnFieldNumber, 28),
    Word(v1::NopIn::kMaxCmdSnFieldNumber, 32),
};

// §11.4; Status Qualifier: RFC 7144 §5.2
constexpr Field kScsiResponse[] = {
    Final(v1::ScsiResponse::kFinalFieldNumber),
    Flag(v1::ScsiResponse::kBidirectionalReadOverflowFieldNumber, 3),
    Flag(v1::ScsiResponse::kBidirectionalReadUnderflowFieldNumber, 4),
    Flag(v1::ScsiResponse::kResidualOverflowFieldNumber, 5),
    Flag(v1::ScsiResponse::kResidualUnderflowFieldNumber, 6),
    Byte(v1::ScsiResponse::kResponseFieldNumber, 2),
    Byte(v1::ScsiResponse::kStatusFieldNumber, 3),
    Half(v1::ScsiResponse::kStatusQualifierFieldNumber, 8),
    Itt(v1::ScsiResponse::kInitiatorTaskTagFieldNumber),
    Word(v1::ScsiResponse::kSnackTagFieldNumber, 20),
    Word(v1::ScsiResponse::kStatSnFieldNumber, 24),
    Word(v1::ScsiResponse::kExpCmdSnFieldNumber, 28),
    Word(v1::ScsiResponse::kMaxCmdSnFieldNumber, 32),
    Word(v1::ScsiResponse::kExpDataSnFieldNumber, 36),
    Word(v1::ScsiResponse::kBidirectionalReadResidualCountFieldNumber, 40),
    Word(v1::ScsiResponse::kResidualCountFieldNumber, 44),
};

// §11.6; Additional Response Information: RFC 7144 §6.4
constexpr Field kTaskManagementResponse[] = {
    Final(v1::TaskManagementResponse::kFinalFieldNumber),
    Byte(v1::TaskManagementResponse::kResponseFieldNumber, 2),
    {v1::TaskManagementResponse::kAdditionalResponseInformationFieldNumber, 8, 0, 24, 0},
    Itt(v1::TaskManagementResponse::kInitiatorTaskTagFieldNumber),
    Word(v1::TaskManagementResponse::kStatSnFieldNumber, 24),
    Word(v1::TaskManagementResponse::kExpCmdSnFieldNumber, 28),
    Word(v1::TaskManagementResponse::kMaxCmdSnFieldNumber, 32),
};

// §11.13 (the ISID stands in bytes 8 to 13)
constexpr Field kLoginResponse[] = {
    Flag(v1::LoginResponse::kTransitFieldNumber, 0),
    Flag(v1::LoginResponse::kTextContinueFieldNumber, 1),
    {v1::LoginResponse::kCurrentStageFieldNumber, 1, 4, 2, 0},
    {v1::LoginResponse::kNextStageFieldNumber, 1, 6, 2, 0},
    Byte(v1::LoginResponse::kVersionMaxFieldNumber, 2),
    Byte(v1::LoginResponse::kVersionActiveFieldNumber, 3),
    Half(v1::LoginResponse::kTsihFieldNumber, 14),
    Itt(v1::LoginResponse::kInitiatorTaskTagFieldNumber),
    Word(v1::LoginResponse::kStatSnFieldNumber, 24),
    Word(v1::LoginResponse::kExpCmdSnFieldNumber, 28),
    Word(v1::LoginResponse::kMaxCmdSnFieldNumber, 32),
    Byte(v1::LoginResponse::kStatusClassFieldNumber, 36),
    Byte(v1::LoginResponse::kStatusDetailFieldNumber, 37),
};

// §11.11
constexpr Field kTextResponse[] = {
    Final(v1::TextResponse::kFinalFieldNumber),
    Flag(v1::TextResponse::kTextContinueFieldNumber, 1),
    Lun(v1::TextResponse::kLunBytesFieldNumber),
    Itt(v1::TextResponse::kInitiatorTaskTagFieldNumber),
    Ttt(v1::TextResponse::kTargetTransferTagFieldNumber),
    Word(v1::TextResponse::kStatSnFieldNumber, 24),
    Word(v1::TextResponse::kExpCmdSnFieldNumber, 28),
    Word(v1::TextResponse::kMaxCmdSnFieldNumber, 32),
};

// §11.7
constexpr Field kDataIn[] = {
    Final(v1::DataIn::kFinalFieldNumber),
    Flag(v1::DataIn::kAcknowledgeFieldNumber, 1),
    Flag(v1::DataIn::kResidualOverflowFieldNumber, 5),
    Flag(v1::DataIn::kResidualUnderflowFieldNumber, 6),
    Flag(v1::DataIn::kStatusPresentFieldNumber, 7),
    Byte(v1::DataIn::kStatusFieldNumber, 3),
    Lun(v1::DataIn::kLunBytesFieldNumber),
    Itt(v1::DataIn::kInitiatorTaskTagFieldNumber),
    Ttt(v1::DataIn::kTargetTransferTagFieldNumber),
    Word(v1::DataIn::kStatSnFieldNumber, 24),
    Word(v1::DataIn::kExpCmdSnFieldNumber, 28),
    Word(v1::DataIn::kMaxCmdSnFieldNumber, 32),
    Word(v1::DataIn::kDataSnFieldNumber, 36),
    Word(v1::DataIn::kBufferOffsetFieldNumber, 40),
    Word(v1::DataIn::kResidualCountFieldNumber, 44),
};

// §11.15
constexpr Field kLogoutResponse[] = {
    Final(v1::LogoutResponse::kFinalFieldNumber),
    Byte(v1::LogoutResponse::kResponseFieldNumber, 2),
    Itt(v1::LogoutResponse::kInitiatorTaskTagFieldNumber),
    Word(v1::LogoutResponse::kStatSnFieldNumber, 24),
    Word(v1::LogoutResponse::kExpCmdSnFieldNumber, 28),
    Word(v1::LogoutResponse::kMaxCmdSnFieldNumber, 32),
    Half(v1::LogoutResponse::kTime2WaitFieldNumber, 40),
    Half(v1::LogoutResponse::kTime2RetainFieldNumber, 42),
};

// §11.8
constexpr Field kR2t[] = {
    Final(v1::R2t::kFinalFieldNumber),
    Lun(v1::R2t::kLunBytesFieldNumber),
    Itt(v1::R2t::kInitiatorTaskTagFieldNumber),
    Ttt(v1::R2t::kTargetTransferTagFieldNumber, 0),
    Word(v1::R2t::kStatSnFieldNumber, 24),
    Word(v1::R2t::kExpCmdSnFieldNumber, 28),
    Word(v1::R2t::kMaxCmdSnFieldNumber, 32),
    Word(v1::R2t::kR2TSnFieldNumber, 36),
    Word(v1::R2t::kBufferOffsetFieldNumber, 40),
    Word(v1::R2t::kDesiredDataTransferLengthFieldNumber, 44),
};

// §11.9
constexpr Field kAsyncMessage[] = {
    Final(v1::AsyncMessage::kFinalFieldNumber),
    Lun(v1::AsyncMessage::kLunBytesFieldNumber),
    Itt(v1::AsyncMessage::kInitiatorTaskTagFieldNumber, kReservedTag),
    Word(v1::AsyncMessage::kStatSnFieldNumber, 24),
    Word(v1::AsyncMessage::kExpCmdSnFieldNumber, 28),
    Word(v1::AsyncMessage::kMaxCmdSnFieldNumber, 32),
    Byte(v1::AsyncMessage::kAsyncEventFieldNumber, 36),
    Byte(v1::AsyncMessage::kAsyncVcodeFieldNumber, 37),
    Half(v1::AsyncMessage::kParameter1FieldNumber, 38),
    Half(v1::AsyncMessage::kParameter2FieldNumber, 40),
    Half(v1::AsyncMessage::kParameter3FieldNumber, 42),
};

// §11.17
constexpr Field kReject[] = {
    Final(v1::Reject::kFinalFieldNumber),
    Byte(v1::Reject::kReasonFieldNumber, 2),
    Itt(v1::Reject::kInitiatorTaskTagFieldNumber, kReservedTag),
    Word(v1::Reject::kStatSnFieldNumber, 24),
    Word(v1::Reject::kExpCmdSnFieldNumber, 28),
    Word(v1::Reject::kMaxCmdSnFieldNumber, 32),
    Word(v1::Reject::kDataSnOrR2TSnFieldNumber, 36),
};

struct Figure {
  PduKind kind;
  uint8_t opcode;
  const char* name;
  bool immediate;  // bit 1 of byte 0 is the I bit
  std::span<const Field> fields;
};

constexpr Figure kFigures[] = {
    {Pdu::kNopOut, 0x00, "NOP-Out", true, kNopOut},
    {Pdu::kScsiCommand, 0x01, "SCSI Command", true, kScsiCommand},
    {Pdu::kTaskManagementRequest, 0x02, "Task Management Request", true, kTaskManagementRequest},
    {Pdu::kLoginRequest, 0x03, "Login Request", true, kLoginRequest},
    {Pdu::kTextRequest, 0x04, "Text Request", true, kTextRequest},
    {Pdu::kDataOut, 0x05, "Data-Out", false, kDataOut},
    {Pdu::kLogoutRequest, 0x06, "Logout Request", true, kLogoutRequest},
    {Pdu::kSnackRequest, 0x10, "SNACK Request", false, kSnackRequest},
    {Pdu::kNopIn, 0x20, "NOP-In", false, kNopIn},
    {Pdu::kScsiResponse, 0x21, "SCSI Response", false, kScsiResponse},
    {Pdu::kTaskManagementResponse, 0x22, "Task Management Response", false,
     kTaskManagementResponse},
    {Pdu::kLoginResponse, 0x23, "Login Response", false, kLoginResponse},
    {Pdu::kTextResponse, 0x24, "Text Response", false, kTextResponse},
    {Pdu::kDataIn, 0x25, "Data-In", false, kDataIn},
    {Pdu::kLogoutResponse, 0x26, "Logout Response", false, kLogoutResponse},
    {Pdu::kR2T, 0x31, "R2T", false, kR2t},
    {Pdu::kAsyncMessage, 0x32, "Async Message", false, kAsyncMessage},
    {Pdu::kReject, 0x3f, "Reject", false, kReject},
};

const Figure* Find(PduKind kind) {
  for (const Figure& figure : kFigures) {
    if (figure.kind == kind) return &figure;
  }
  return nullptr;
}

void ClearBits(Bhs& mask, size_t first_bit, size_t width) {
  for (size_t bit = first_bit; bit < first_bit + width; ++bit) {
    mask[bit / 8] &= static_cast<uint8_t>(~(0x80 >> (bit % 8)));
  }
}

Bhs MakeReservedMask(const Figure& figure) {
  Bhs mask;
  mask.fill(0xff);
  ClearBits(mask, 2, 6);  // opcode
  if (figure.immediate) ClearBits(mask, 1, 1);
  ClearBits(mask, 32, 32);  // TotalAHSLength, DataSegmentLength
  for (const Field& field : figure.fields)
    ClearBits(mask, field.byte * 8u + field.bit, field.width);
  if (figure.kind == Pdu::kLoginRequest || figure.kind == Pdu::kLoginResponse) {
    ClearBits(mask, 8 * 8, 6 * 8);  // ISID
  }
  if (figure.kind == Pdu::kScsiCommand) ClearBits(mask, 32 * 8, 16 * 8);  // CDB
  return mask;
}

}  // namespace

std::span<const Field> FieldsOf(PduKind kind) {
  const Figure* figure = Find(kind);
  return figure == nullptr ? std::span<const Field>{} : figure->fields;
}

PduKind KindOf(uint8_t opcode) {
  for (const Figure& figure : kFigures) {
    if (figure.opcode == opcode) return figure.kind;
  }
  return Pdu::kRaw;
}

uint8_t OpcodeOf(PduKind kind) {
  const Figure* figure = Find(kind);
  return figure == nullptr ? uint8_t{0} : figure->opcode;
}

uint8_t OpcodeOf(const v1::Pdu& pdu) {
  if (pdu.has_opcode()) return static_cast<uint8_t>(pdu.opcode() & 0x3f);
  if (pdu.has_raw() && !pdu.raw().bhs().empty()) {
    return static_cast<uint8_t>(pdu.raw().bhs()[0]) & 0x3f;
  }
  return OpcodeOf(pdu.kind_case());
}

const char* NameOf(PduKind kind) {
  const Figure* figure = Find(kind);
  return figure == nullptr ? "PDU" : figure->name;
}

bool IsRequest(PduKind kind) {
  const Figure* figure = Find(kind);
  return figure != nullptr && figure->opcode < 0x20;
}

bool IsResponse(PduKind kind) {
  const Figure* figure = Find(kind);
  return figure != nullptr && figure->opcode >= 0x20;
}

const Bhs& ReservedMask(PduKind kind) {
  struct Masks {
    Bhs of[std::size(kFigures)];
    Bhs none{};
  };
  static const Masks masks = [] {
    Masks made;
    std::transform(std::begin(kFigures), std::end(kFigures), made.of, MakeReservedMask);
    return made;
  }();
  const Figure* figure = Find(kind);
  return figure == nullptr ? masks.none : masks.of[figure - kFigures];
}

uint32_t InitiatorTaskTagOf(const v1::Pdu& pdu) {
  switch (pdu.kind_case()) {
#define PUSHPULL_ITT(kind_name, field) \
  case Pdu::kind_name:                 \
    return pdu.field().has_initiator_task_tag() ? pdu.field().initiator_task_tag() : kReservedTag;
    PUSHPULL_ITT(kNopOut, nop_out)
    PUSHPULL_ITT(kScsiCommand, scsi_command)
    PUSHPULL_ITT(kTaskManagementRequest, task_management_request)
    PUSHPULL_ITT(kLoginRequest, login_request)
    PUSHPULL_ITT(kTextRequest, text_request)
    PUSHPULL_ITT(kDataOut, data_out)
    PUSHPULL_ITT(kLogoutRequest, logout_request)
    PUSHPULL_ITT(kSnackRequest, snack_request)
    PUSHPULL_ITT(kNopIn, nop_in)
    PUSHPULL_ITT(kScsiResponse, scsi_response)
    PUSHPULL_ITT(kTaskManagementResponse, task_management_response)
    PUSHPULL_ITT(kLoginResponse, login_response)
    PUSHPULL_ITT(kTextResponse, text_response)
    PUSHPULL_ITT(kDataIn, data_in)
    PUSHPULL_ITT(kLogoutResponse, logout_response)
    PUSHPULL_ITT(kR2T, r2t)
    PUSHPULL_ITT(kAsyncMessage, async_message)
    PUSHPULL_ITT(kReject, reject)
#undef PUSHPULL_ITT
    case Pdu::kRaw:
    case Pdu::KIND_NOT_SET:
      return kReservedTag;
  }
  return kReservedTag;
}

}  // namespace pushpull::initiator_sim
