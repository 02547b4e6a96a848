// The mode pages (SPC-4 §7.5, SBC-3 §6.5): what MODE SENSE reports and MODE SELECT changes.

#ifndef TARGET_SCSI_COMMANDS_MODE_PAGES_H_
#define TARGET_SCSI_COMMANDS_MODE_PAGES_H_

#include <cstdint>
#include <span>

#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/logical_unit.h"

namespace pushpull::target::commands {

// SPC-4 §6.11.1, PC.
enum class PageControl : uint8_t {
  kCurrent = 0,
  kChangeable = 1,  // a mask of the bits that MODE SELECT may change
  kDefault = 2,
  kSaved = 3,
};

struct ModePage {
  uint8_t code;
  uint8_t subpage;
  // Everything of the page, its header included.
  void (*add)(const LogicalUnit& unit, PageControl control, ParameterData* data);
};

// By ascending page and subpage code.
std::span<const ModePage> AllModePages();

// Takes over what of a page (as `add` lays it out) is changeable. True if anything changed.
bool ApplyModePage(LogicalUnit& unit, const ModePage& page, base::Bytes bytes);

// DEVICE-SPECIFIC PARAMETER of the mode parameter header (SBC-3 §6.5.1): WP and DPOFUA.
uint8_t DeviceSpecificParameter(const LogicalUnit& unit);

// The block descriptor, of 8 bytes or, with LONGLBA, 16 (SBC-3 §6.5.2).
void AddBlockDescriptor(const LogicalUnit& unit, bool long_lba, ParameterData* data);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_MODE_PAGES_H_
