// PDUs as people read them, in logs and failures.

#ifndef INITIATOR_SIM_PDU_TEXT_H_
#define INITIATOR_SIM_PDU_TEXT_H_

#include <cstdint>
#include <string>

#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

// A PDU that came or went, in one line: "SCSI Response ITT 0x5 CHECK_CONDITION, ILLEGAL_REQUEST
// 20h/00h, StatSN 7 ExpCmdSN 3 MaxCmdSN 34". What is 0 and says nothing then (reserved tags, flags,
// residuals) is left out.
std::string Summary(const v1::Pdu& pdu);

// A PDU that a scenario names, in one line: what is set, under its field's name.
std::string DescribeExpected(const v1::Pdu& pdu);

// All fields that are set, one a line, then the data as keys, sense or a hex dump (of the first 256
// bytes). Lines begin with `indent` and end in "\n".
std::string FullText(const v1::Pdu& pdu, const std::string& indent = "");

// The status of a Login Response, class << 8 | detail, with its name: "0x0203 (Not found)".
// (RFC 7143 §11.13.5)
std::string DescribeLoginStatus(uint32_t status);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_TEXT_H_
