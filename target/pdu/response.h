// The PDUs that a target sends (RFC 7143 §11), as plain structs. What request.h says of its structs
// holds for these. StatSN, ExpCmdSN, MaxCmdSN and DataSegmentLength are filled in by the sender
// (target/tx) over what Encode() wrote.

#ifndef TARGET_PDU_RESPONSE_H_
#define TARGET_PDU_RESPONSE_H_

#include <cstdint>

#include "target/pdu/bhs.h"
#include "target/pdu/codes.h"
#include "target/pdu/request.h"

namespace pushpull::target {

struct NopIn {  // §11.19
  bool final = true;
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t target_transfer_tag = kNoTag;
  uint32_t stat_sn = 0;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static NopIn Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const NopIn&, const NopIn&) = default;
};

struct ScsiResponse {  // §11.4
  bool final = true;
  bool bidirectional_read_overflow = false;   // o
  bool bidirectional_read_underflow = false;  // u
  bool residual_overflow = false;             // O
  bool residual_underflow = false;            // U
  ScsiResponseCode response = ScsiResponseCode::kCommandCompletedAtTarget;
  uint8_t status = 0;             // SAM's status code
  uint16_t status_qualifier = 0;  // RFC 7144 §5.2.1
  uint32_t initiator_task_tag = kNoTag;
  uint32_t snack_tag = 0;
  uint32_t stat_sn = 0;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  uint32_t exp_data_sn = 0;
  uint32_t bidirectional_read_residual_count = 0;  // bytes
  uint32_t residual_count = 0;                     // bytes
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static ScsiResponse Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const ScsiResponse&, const ScsiResponse&) = default;
};

struct TaskManagementResponse {  // §11.6
  bool final = true;
  TaskManagementResponseCode response = TaskManagementResponseCode::kFunctionComplete;
  uint32_t additional_response_information = 0;  // 24 bits, RFC 7144 §6.4.3
  uint32_t initiator_task_tag = kNoTag;
  uint32_t stat_sn = 0;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static TaskManagementResponse Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const TaskManagementResponse&, const TaskManagementResponse&) = default;
};

struct LoginResponse {         // §11.13
  bool transit = false;        // T
  bool text_continue = false;  // C
  Stage current_stage = Stage::kSecurityNegotiation;
  Stage next_stage = Stage::kSecurityNegotiation;
  uint8_t version_max = 0;
  uint8_t version_active = 0;
  Isid isid = {};
  uint16_t tsih = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t stat_sn = 0;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  uint8_t status_class = 0;
  uint8_t status_detail = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static LoginResponse Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const LoginResponse&, const LoginResponse&) = default;
};

struct TextResponse {  // §11.11
  bool final = true;
  bool text_continue = false;  // C
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t target_transfer_tag = kNoTag;
  uint32_t stat_sn = 0;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static TextResponse Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const TextResponse&, const TextResponse&) = default;
};

struct DataIn {  // §11.7
  bool final = true;
  bool acknowledge = false;         // A
  bool residual_overflow = false;   // O, with S
  bool residual_underflow = false;  // U, with S
  bool status_present = false;      // S
  uint8_t status = 0;               // with S
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t target_transfer_tag = kNoTag;
  uint32_t stat_sn = 0;  // with S
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  uint32_t data_sn = 0;
  uint32_t buffer_offset = 0;   // bytes
  uint32_t residual_count = 0;  // bytes, with S
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static DataIn Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const DataIn&, const DataIn&) = default;
};

struct LogoutResponse {  // §11.15
  bool final = true;
  LogoutResponseCode response = LogoutResponseCode::kClosed;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t stat_sn = 0;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  uint16_t time2wait = 0;    // seconds
  uint16_t time2retain = 0;  // seconds
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static LogoutResponse Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const LogoutResponse&, const LogoutResponse&) = default;
};

struct R2t {  // §11.8
  bool final = true;
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t target_transfer_tag = kNoTag;
  uint32_t stat_sn = 0;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  uint32_t r2t_sn = 0;
  uint32_t buffer_offset = 0;                 // bytes
  uint32_t desired_data_transfer_length = 0;  // bytes
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static R2t Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const R2t&, const R2t&) = default;
};

struct AsyncMessage {  // §11.9
  bool final = true;
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;  // always kNoTag
  uint32_t stat_sn = 0;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  AsyncEvent async_event = AsyncEvent::kScsiAsyncEvent;
  uint8_t async_vcode = 0;
  uint16_t parameter1 = 0;
  uint16_t parameter2 = 0;
  uint16_t parameter3 = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static AsyncMessage Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const AsyncMessage&, const AsyncMessage&) = default;
};

struct Reject {  // §11.17
  bool final = true;
  RejectReason reason = RejectReason::kProtocolError;
  uint32_t initiator_task_tag = kNoTag;  // always kNoTag
  uint32_t stat_sn = 0;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  uint32_t data_sn_or_r2t_sn = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static Reject Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const Reject&, const Reject&) = default;
};

}  // namespace pushpull::target

#endif  // TARGET_PDU_RESPONSE_H_
