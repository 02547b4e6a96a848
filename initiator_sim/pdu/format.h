// How single fields are written, alike in summaries and in differences. Internal to
// initiator_sim/pdu.

#ifndef INITIATOR_SIM_PDU_FORMAT_H_
#define INITIATOR_SIM_PDU_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"

namespace pushpull::initiator_sim {

// The value of a scalar field of any type as a number; strings and messages are 0.
uint64_t FieldNumber(const google::protobuf::Message& message,
                     const google::protobuf::FieldDescriptor* field);

// "CHECK_CONDITION (0x2)", "0x5" for tags, "7" for counters, "\"text\"", "0x0a0b" for bytes.
std::string FormatField(const google::protobuf::Message& message,
                        const google::protobuf::FieldDescriptor* field);

// "0x" and two digits a byte; beyond `limit` bytes "..." and the length.
std::string FormatBytes(std::string_view bytes, size_t limit = 32);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_FORMAT_H_
