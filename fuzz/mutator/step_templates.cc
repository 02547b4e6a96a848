#include "fuzz/mutator/step_templates.h"

#include <google/protobuf/text_format.h>

#include <string_view>

#include "base/check.h"

namespace pushpull::fuzz {
namespace {

constexpr std::string_view kSteps[] = {
    // Connections and logins.
    "connect {}",
    "login {}",
    "login { discovery: true }",
    "login { chap {} }",
    "login { key { name: 'HeaderDigest' value: 'CRC32C' }"
    " key { name: 'DataDigest' value: 'CRC32C' } }",
    "login { key { name: 'ImmediateData' value: 'No' } key { name: 'InitialR2T' value: 'Yes' } }",
    "login { key { name: 'MaxRecvDataSegmentLength' value: '512' } one_key_per_request: true }",
    "login { key { name: 'MaxBurstLength' value: '4096' }"
    " key { name: 'FirstBurstLength' value: '1024' } }",
    "login { until: LOGIN_OPERATIONAL_NEGOTIATION with_security_stage: true }",
    "send { task: 't0' identity_keys: true pdu { login_request { transit: true"
    " current_stage: LOGIN_OPERATIONAL_NEGOTIATION next_stage: FULL_FEATURE_PHASE } } }",
    "send { task: 't0' identity_keys: true pdu { login_request { text_continue: true"
    " current_stage: SECURITY_NEGOTIATION } data { keys { key { name: 'AuthMethod'"
    " value: 'CHAP' } } } } }",
    "close {}",
    "close { how: RST }",
    "close { how: FIN_WRITE_ONLY }",
    "logout {}",
    "send { task: 't0' pdu { logout_request { reason: CLOSE_CONNECTION cid: 1 } } }",
    // Pings and texts.
    "probe {}",
    "send { task: 't0' pdu { nop_out {} data { raw: 'ping' } immediate: true } }",
    "send { task: 't0' pdu { nop_out {} data { pattern { length: 9000 } } } }",
    "send { pdu { nop_out { initiator_task_tag: 0xffffffff } } }",
    "send { task: 't0' pdu { text_request {} data { keys { key { name: 'SendTargets'"
    " value: 'All' } } } } }",
    "send { task: 't0' pdu { text_request { final: false text_continue: true }"
    " data { text: 'X-org.example.a=1' } } }",
    "text_until_final { task: 't0' data { keys { key { name: 'MaxRecvDataSegmentLength'"
    " value: '1024' } } } }",
    // Commands: played by a driver, or each PDU by itself.
    "command { cdb { test_unit_ready {} } }",
    "command { cdb { read { lba: 1 blocks: 8 } } }",
    "command { cdb { write { lba: 1 blocks: 8 } } }",
    "command { cdb { read_capacity { size: 16 } } }",
    "command { cdb { mode_sense { page_code: 63 } } }",
    "send { task: 't0' pdu { scsi_command { read: true cdb { read { blocks: 200 } } } } }",
    "send { task: 't0' pdu { scsi_command { write: true cdb { write { blocks: 200 } } } } }",
    "send { task: 't0' pdu { scsi_command { read: true expected_data_transfer_length: 4096"
    " cdb { request_sense {} } } } }",
    "send { task: 't0' pdu { scsi_command { read: true expected_data_transfer_length: 255"
    " cdb { raw: '\\022\\001\\203\\000\\377' } } } }",
    "send { task: 't0' pdu { scsi_command { write: true expected_data_transfer_length: 24"
    " cdb { raw: '\\025\\020\\000\\000\\030' } } data { raw: '\\000\\000\\000\\000\\010\\022' } } "
    "}",
    "send { task: 't0' pdu { scsi_command { write: true expected_data_transfer_length: 24"
    " cdb { raw: '\\137\\000\\000\\000\\000\\000\\000\\000\\030' } } data { raw: '\\000' } } }",
    "send { task: 't0' pdu { scsi_command { cdb { raw: '0123456789abcdef0123456789abcdef' } } } }",
    "send { task: 't0' pdu { scsi_command {} ahs { ahs_length: 17 ahs_type: 1 specific:"
    " '\\0000123456789abcdef' } } }",
    "send { task: 't0' count: 4 pdu { scsi_command { read: true cdb { read { blocks: 16 } } } } }",
    "serve_r2ts { task: 't0' }",
    "serve_r2ts { task: 't0' stop_after_r2ts: 1 deviate: DATA_SN_GAP }",
    "gather_data_in { task: 't0' }",
    "send { task: 't0' pdu { data_out {} } }",
    "send { task: 't0' pdu { data_out { final: true buffer_offset: 0 }"
    " data { pattern { length: 512 } } } }",
    "expect { task: 't0' one_of { pdu { r2t {} } } }",
    "expect { one_of { pdu {} } }",
    // Task management and recovery.
    "send { task: 't1' refers_to: 't0' pdu { task_management_request { function: ABORT_TASK }"
    " immediate: true } }",
    "send { task: 't1' pdu { task_management_request { function: ABORT_TASK_SET }"
    " immediate: true } }",
    "send { task: 't1' pdu { task_management_request { function: LOGICAL_UNIT_RESET } } }",
    "send { task: 't1' pdu { task_management_request { function: TARGET_COLD_RESET } } }",
    "send { task: 't0' pdu { snack_request {} } }",
    "send { pdu { raw { bhs: '\\037\\200' } } }",
    // Time.
    "elapse { milliseconds: 1 }",
    "elapse { milliseconds: 30000 }",
    "elapse { negotiated_key: 'DefaultTime2Retain' }",
    "trigger { hook: 'async_logout' }",
    "trigger { hook: 'async_drop_connection' }",
    "trigger { hook: 'async_drop_session' }",
    "trigger { hook: 'async_negotiate' argument { name: 'within_s' number: 3 } }",
    "acknowledge { hold: true }",
    "acknowledge {}",
};

constexpr std::string_view kIserSteps[] = {
    "hello {}",
    "login { no_hello: true key { name: 'iSERHelloRequired' value: 'Yes' } }",
    "login { key { name: 'InitiatorRecvDataSegmentLength' value: '512' } }",
    "register { buffer: 'b' length: 65536 remote_read: true remote_write: true }",
    "register { buffer: 'b' length: 512 remote_read: true }",
    "send { task: 't0' pdu { scsi_command { write: true cdb { write { blocks: 8 } } } }"
    " iser { write_buffer: 'b' } }",
    "send { task: 't0' pdu { scsi_command { read: true cdb { read { blocks: 8 } } } }"
    " iser { read_buffer: 'b' } }",
    "send { task: 't0' pdu { nop_out {} } iser { length: 40 } }",
    "send { task: 't0' iser { message: '\\021\\000\\000\\000' } pdu { nop_out {} } }",
    "send { task: 't0' pdu { nop_out {} } iser { header_or: '\\017' } }",
    "withhold_receives { keep: 1 }",
    "withhold_receives { release: true }",
    "disconnect {}",
    "disconnect { abrupt: true }",
    "connect { private_data: '\\000\\000\\000\\000' }",
    "connect { responder_resources: 0 }",
};

// Of a target that the fuzzer makes.
constexpr std::string_view kOwnTargetSteps[] = {
    "trigger { hook: 'stop' argument { name: 'within_s' number: 5 } }",
    "trigger { hook: 'describe' }",
    "login { key { name: 'InitiatorName' value: 'iqn.2026-11.org.example:denied' } }",
    "login { key { name: 'InitiatorName' value: 'iqn.2026-11.org.example:moved' } }",
};

void Add(std::string_view text, std::vector<v1::Step>* steps) {
  CHECK(google::protobuf::TextFormat::ParseFromString(std::string(text), &steps->emplace_back()))
      << text;
}

}  // namespace

std::vector<v1::Step> StepTemplates(bool iser, bool own_target) {
  std::vector<v1::Step> steps;
  for (const std::string_view text : kSteps) Add(text, &steps);
  if (iser) {
    for (const std::string_view text : kIserSteps) Add(text, &steps);
  }
  if (own_target) {
    for (const std::string_view text : kOwnTargetSteps) Add(text, &steps);
  }
  return steps;
}

}  // namespace pushpull::fuzz
