// How an initiator speaks iSER where RFC 7145 and what Linux does differ.

#ifndef INITIATOR_SIM_ISER_DIALECT_H_
#define INITIATOR_SIM_ISER_DIALECT_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace pushpull::initiator_sim {

enum class IserDialect : uint8_t {
  // As the text has it: Login PDUs are Sends without an iSER header (§5.1), the Write Base Offset
  // is
  // what TaggedBufferForSolicitedDataOnly says (§6.9), all keys of §6 are declared, and receives
  // are
  // as large as InitiatorRecvDataSegmentLength promises (§6.5). Says nothing to the connection
  // manager beyond whether its keys may be invalidated.
  kRfc7145,
  // As Linux's ib_iser: an iSER header before each PDU, Login PDUs too; the Write Base Offset is
  // where solicited data begin; three keys only; receives of 128 bytes of data in the Full Feature
  // Phase, whatever was declared.
  kLinux,
};

inline constexpr std::string_view ToString(IserDialect dialect) {
  return dialect == IserDialect::kLinux ? "linux" : "rfc7145";
}
inline constexpr std::optional<IserDialect> FindIserDialect(std::string_view name) {
  if (name == "rfc7145") return IserDialect::kRfc7145;
  if (name == "linux") return IserDialect::kLinux;
  return std::nullopt;
}

// What a receive of Linux's initiator holds of a data segment.
inline constexpr uint32_t kLinuxReceiveBytes = 128;

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_ISER_DIALECT_H_
