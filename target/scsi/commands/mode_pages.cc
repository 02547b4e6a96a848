#include "target/scsi/commands/mode_pages.h"

#include <algorithm>

#include "base/bytes.h"

namespace pushpull::target::commands {
namespace {

constexpr uint8_t kWce = 0x04;     // caching page, byte 2
constexpr uint8_t kDSense = 0x04;  // control page, byte 2
constexpr uint8_t kSwp = 0x08;     // control page, byte 4

// A parameter's bit as the page control wants it.
uint8_t Bit(uint8_t mask, PageControl control, bool current, bool changeable, bool by_default) {
  const bool value = control == PageControl::kCurrent      ? current
                     : control == PageControl::kChangeable ? changeable
                                                           : by_default;
  return value ? mask : 0;
}

// What can't be changed is 0 in the mask.
uint8_t Fixed(uint8_t value, PageControl control) {
  return control == PageControl::kChangeable ? 0 : value;
}

void AddErrorRecovery(const LogicalUnit& /*unit*/, PageControl /*control*/, ParameterData* data) {
  data->Add8(0x01);
  data->Add8(0x0a);
  data->AddZeros(10);
}

void AddCaching(const LogicalUnit& unit, PageControl control, ParameterData* data) {
  const bool cache = unit.has_volatile_cache();
  data->Add8(0x08);
  data->Add8(0x12);
  data->Add8(Bit(kWce, control, unit.parameters().write_cache, cache, cache));
  data->AddZeros(17);
}

void AddControl(const LogicalUnit& unit, PageControl control, ParameterData* data) {
  const UnitParameters& parameters = unit.parameters();
  data->Add8(0x0a);
  data->Add8(0x0a);
  // One task set for all nexuses; GLTSD.
  data->Add8(Fixed(0x02, control) | Bit(kDSense, control, parameters.descriptor_sense, true,
                                        unit.device().choices.descriptor_sense));
  // Unrestricted reordering: SIMPLE commands run as their data comes. QERR = 00b.
  data->Add8(Fixed(0x10, control));
  data->Add8(Bit(kSwp, control, parameters.software_write_protect, true, false));
  data->Add8(0);  // TAS = 0: aborted commands get no status
  data->AddZeros(2);
  data->Add16(control == PageControl::kChangeable ? 0 : 0xffff);  // busy without a limit
  data->Add16(0);
}

void AddControlExtension(const LogicalUnit& /*unit*/, PageControl /*control*/,
                         ParameterData* data) {
  data->Add8(0x4a);  // SPF
  data->Add8(0x01);
  data->Add16(0x001c);
  data->AddZeros(28);
}

void AddInformationalExceptions(const LogicalUnit& /*unit*/, PageControl control,
                                ParameterData* data) {
  data->Add8(0x1c);
  data->Add8(0x0a);
  data->Add8(Fixed(0x08, control));  // DEXCPT
  data->AddZeros(9);
}

constexpr ModePage kPages[] = {
    {0x01, 0x00, AddErrorRecovery},
    {0x08, 0x00, AddCaching},
    {0x0a, 0x00, AddControl},
    {0x0a, 0x01, AddControlExtension},
    {0x1c, 0x00, AddInformationalExceptions},
};

bool Take(std::atomic<bool>* parameter, bool value) { return parameter->exchange(value) != value; }

}  // namespace

std::span<const ModePage> AllModePages() { return kPages; }

bool ApplyModePage(LogicalUnit& unit, const ModePage& page, base::Bytes bytes) {
  UnitParameters& parameters = unit.parameters();
  if (page.code == 0x08) return Take(&parameters.write_cache, (bytes[2] & kWce) != 0);
  if (page.code != 0x0a || page.subpage != 0) return false;
  bool changed = Take(&parameters.descriptor_sense, (bytes[2] & kDSense) != 0);
  changed |= Take(&parameters.software_write_protect, (bytes[4] & kSwp) != 0);
  return changed;
}

uint8_t DeviceSpecificParameter(const LogicalUnit& unit) {
  const bool untold = unit.device().bugs.Has(Bug::kScsiWriteProtectUntold);
  return static_cast<uint8_t>((unit.write_protected() && !untold ? 0x80 : 0) | 0x10);
}

void AddBlockDescriptor(const LogicalUnit& unit, bool long_lba, ParameterData* data) {
  if (long_lba) {
    data->Add64(unit.blocks());
    data->AddZeros(4);
  } else {
    data->Add32(static_cast<uint32_t>(std::min<uint64_t>(unit.blocks(), UINT32_MAX)));
  }
  // The short form has a reserved byte and three of length, the long one four: the same for all
  // block sizes that there are.
  data->Add32(unit.block_size());
}

}  // namespace pushpull::target::commands
