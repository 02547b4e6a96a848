// Vital product data pages (SPC-4 §7.8, SBC-3 §6.6), and who the unit says it is.

#ifndef TARGET_SCSI_COMMANDS_VITAL_PRODUCT_DATA_H_
#define TARGET_SCSI_COMMANDS_VITAL_PRODUCT_DATA_H_

#include <cstdint>
#include <string_view>

#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/nexus.h"

namespace pushpull::target::commands {

inline constexpr std::string_view kVendor = "PUSHPULL";
inline constexpr std::string_view kProduct = "REFERENCE DISK";
inline constexpr std::string_view kRevision = "0001";

// Peripheral qualifier and device type (SPC-4 §6.6.2): a block device, a well-known logical unit,
// or nothing at this LUN.
uint8_t PeripheralByte(const LogicalUnit& unit);

bool HasVitalProductDataPage(const LogicalUnit& unit, uint8_t page);

// `page` must be one that the unit has.
ParameterData VitalProductData(const LogicalUnit& unit, const Nexus& nexus, uint8_t page);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_VITAL_PRODUCT_DATA_H_
