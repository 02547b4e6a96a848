// The PDUs that an initiator sends (RFC 7143 §11), as plain structs.
//
// Decode() keeps every value as it came and judges nothing: reserved numbers, impossible flags and
// lengths are the receiver's to find. Encode() writes every field, and 0 where the RFC reserves.
// Fields have the RFC's names; `final` and others are the bits of byte 1. `lun` is the field's
// eight bytes (lun.h). `total_ahs_length` counts words, `data_segment_length` bytes without pad.

#ifndef TARGET_PDU_REQUEST_H_
#define TARGET_PDU_REQUEST_H_

#include <array>
#include <cstdint>

#include "target/pdu/bhs.h"
#include "target/pdu/codes.h"

namespace pushpull::target {

struct NopOut {  // §11.18
  bool immediate = false;
  bool final = true;
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t target_transfer_tag = kNoTag;
  uint32_t cmd_sn = 0;
  uint32_t exp_stat_sn = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static NopOut Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const NopOut&, const NopOut&) = default;
};

struct ScsiCommand {  // §11.3
  bool immediate = false;
  bool final = true;
  bool read = false;
  bool write = false;
  TaskAttributeCode attr = TaskAttributeCode::kUntagged;
  uint8_t priority = 0;  // RFC 7144 §5.1.1; to be ignored unless iSCSIProtocolLevel is 2 or more
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t expected_data_transfer_length = 0;  // bytes
  uint32_t cmd_sn = 0;
  uint32_t exp_stat_sn = 0;
  std::array<uint8_t, 16> cdb = {};
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static ScsiCommand Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const ScsiCommand&, const ScsiCommand&) = default;
};

struct TaskManagementRequest {  // §11.5
  bool immediate = false;
  bool final = true;
  TaskManagementFunction function = TaskManagementFunction::kAbortTask;
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t referenced_task_tag = kNoTag;
  uint32_t cmd_sn = 0;
  uint32_t exp_stat_sn = 0;
  uint32_t ref_cmd_sn = 0;
  uint32_t exp_data_sn = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static TaskManagementRequest Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const TaskManagementRequest&, const TaskManagementRequest&) = default;
};

using Isid = std::array<uint8_t, 6>;  // §11.12.5

struct LoginRequest {  // §11.12
  bool immediate = true;
  bool transit = false;        // T
  bool text_continue = false;  // C
  Stage current_stage = Stage::kSecurityNegotiation;
  Stage next_stage = Stage::kSecurityNegotiation;
  uint8_t version_max = 0;
  uint8_t version_min = 0;
  Isid isid = {};
  uint16_t tsih = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint16_t cid = 0;
  uint32_t cmd_sn = 0;
  uint32_t exp_stat_sn = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static LoginRequest Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const LoginRequest&, const LoginRequest&) = default;
};

struct TextRequest {  // §11.10
  bool immediate = false;
  bool final = true;
  bool text_continue = false;  // C
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t target_transfer_tag = kNoTag;
  uint32_t cmd_sn = 0;
  uint32_t exp_stat_sn = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static TextRequest Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const TextRequest&, const TextRequest&) = default;
};

struct DataOut {           // §11.7
  bool immediate = false;  // reserved here: Data-Out has no I bit
  bool final = true;
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t target_transfer_tag = kNoTag;
  uint32_t exp_stat_sn = 0;
  uint32_t data_sn = 0;
  uint32_t buffer_offset = 0;  // bytes
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static DataOut Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const DataOut&, const DataOut&) = default;
};

struct LogoutRequest {  // §11.14
  bool immediate = false;
  bool final = true;
  LogoutReason reason = LogoutReason::kCloseSession;
  uint32_t initiator_task_tag = kNoTag;
  uint16_t cid = 0;
  uint32_t cmd_sn = 0;
  uint32_t exp_stat_sn = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static LogoutRequest Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const LogoutRequest&, const LogoutRequest&) = default;
};

struct SnackRequest {      // §11.16
  bool immediate = false;  // reserved here: SNACK has no I bit
  bool final = true;
  SnackType type = SnackType::kDataOrR2t;
  uint64_t lun = 0;
  uint32_t initiator_task_tag = kNoTag;
  uint32_t target_transfer_tag = kNoTag;  // or SNACK Tag
  uint32_t exp_stat_sn = 0;
  uint32_t beg_run = 0;
  uint32_t run_length = 0;
  uint8_t total_ahs_length = 0;
  uint32_t data_segment_length = 0;

  static SnackRequest Decode(BhsView bhs);
  Bhs Encode() const;
  friend bool operator==(const SnackRequest&, const SnackRequest&) = default;
};

}  // namespace pushpull::target

#endif  // TARGET_PDU_REQUEST_H_
