#include "target/scsi/commands/vital_product_data.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "base/check.h"

namespace pushpull::target::commands {
namespace {

// ---- 83h: device identification (SPC-4 §7.8.5) -----------------------------------------------

enum CodeSet : uint8_t { kBinary = 1, kAscii = 2, kUtf8 = 3 };
enum Association : uint8_t { kOfUnit = 0, kOfPort = 1, kOfTarget = 2 };
enum DesignatorType : uint8_t {
  kT10Vendor = 1,
  kNaa = 3,
  kRelativePort = 4,
  kPortGroup = 5,
  kScsiName = 8,
};

constexpr uint8_t kProtocolIscsi = 5;  // SPC-4 §7.6.1

void AddDesignator(ParameterData* data, CodeSet code_set, Association association,
                   DesignatorType type, const ParameterData& designator) {
  // PIV and the protocol identifier only say something of ports and target devices.
  const bool has_protocol = association != kOfUnit;
  data->Add8(static_cast<uint8_t>((has_protocol ? kProtocolIscsi << 4 : 0) | code_set));
  data->Add8(static_cast<uint8_t>((has_protocol ? 0x80 : 0) | association << 4 | type));
  data->Add8(0);
  CHECK_LE(designator.size(), 255u);
  data->Add8(static_cast<uint8_t>(designator.size()));
  data->Add(designator.bytes());
}

// Ends with a zero, and is a multiple of four bytes long (SPC-4 §7.8.5.11).
ParameterData ScsiName(const std::string& name) {
  ParameterData text;
  text.Add(base::AsBytes(name));
  text.AddZeros(4 - text.size() % 4);
  return text;
}

// FNV-1a: the same name on every machine.
uint64_t Hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

// NAA 3h, locally assigned (SPC-4 §7.8.5.6.4): nobody has given this project an OUI.
uint64_t LocallyAssignedName(const LogicalUnit& unit) {
  return uint64_t{3} << 60 | Hash(unit.device().target_name + "/" + unit.serial()) >> 4;
}

void AddUnitDesignators(const LogicalUnit& unit, ParameterData* data) {
  ParameterData naa;
  naa.Add64(LocallyAssignedName(unit));
  AddDesignator(data, kBinary, kOfUnit, kNaa, naa);
  ParameterData vendor;
  vendor.AddText(kVendor, 8);
  vendor.Add(base::AsBytes(unit.serial()));
  AddDesignator(data, kAscii, kOfUnit, kT10Vendor, vendor);
  AddDesignator(data, kUtf8, kOfUnit, kScsiName,
                ScsiName(absl::StrFormat("naa.%016x", LocallyAssignedName(unit))));
}

// RFC 7143 §4.4.1: the port is the target's name, ",t,0x" and its portal group tag.
void AddPortDesignators(const LogicalUnit& unit, const Nexus& nexus, ParameterData* data) {
  const uint16_t tag = nexus.id().target_portal_group_tag;
  const std::string& name = unit.device().target_name;
  ParameterData relative;
  relative.AddZeros(2);
  relative.Add16(tag);
  AddDesignator(data, kBinary, kOfPort, kRelativePort, relative);
  ParameterData group;
  group.AddZeros(2);
  group.Add16(tag);
  AddDesignator(data, kBinary, kOfPort, kPortGroup, group);
  const BugSet& bugs = unit.device().bugs;
  const int named_tag = tag + (bugs.Has(Bug::kPortNameOtherGroup) ? 1 : 0);
  AddDesignator(data, kUtf8, kOfPort, kScsiName,
                ScsiName(absl::StrFormat("%s,t,0x%04x", name, named_tag)));
  const size_t last = data->size();
  AddDesignator(data, kUtf8, kOfTarget, kScsiName,
                ScsiName(bugs.Has(Bug::kDeviceNameOther) ? name + ".disk" : name));
  if (bugs.Has(Bug::kScsiDesignatorLength)) {
    data->Set8(last + 3, static_cast<uint8_t>(data->size() - last));
  }
}

void AddDeviceIdentification(const LogicalUnit& unit, const Nexus& nexus, ParameterData* data) {
  if (unit.kind() == kBlockDevice) AddUnitDesignators(unit, data);
  AddPortDesignators(unit, nexus, data);
}

// ---- the other pages -------------------------------------------------------------------------

void AddSerialNumber(const LogicalUnit& unit, const Nexus& /*nexus*/, ParameterData* data) {
  data->Add(base::AsBytes(unit.serial()));
}

// SPC-4 §7.8.7.
void AddExtendedInquiry(const LogicalUnit& unit, const Nexus& /*nexus*/, ParameterData* data) {
  data->Add8(0);
  data->Add8(0x07);                                  // HEADSUP, ORDSUP, SIMPSUP
  data->Add8(unit.has_volatile_cache() ? 0x01 : 0);  // V_SUP
  data->Add8(0);
  data->AddZeros(64 - data->size());
}

// SBC-3 §6.6.4.
void AddBlockLimits(const LogicalUnit& unit, const Nexus& /*nexus*/, ParameterData* data) {
  constexpr uint32_t kGranularityBytes = 4096;
  constexpr uint32_t kOptimalBytes = 1 << 20;
  data->Add8(0);
  data->Add8(0xff);  // MAXIMUM COMPARE AND WRITE LENGTH
  data->Add16(static_cast<uint16_t>(kGranularityBytes / unit.block_size()));
  data->Add32(unit.max_transfer_blocks());
  data->Add32(kOptimalBytes / unit.block_size());
  data->AddZeros(4);
  const bool unmaps = unit.can_unmap();
  data->Add32(unmaps ? unit.max_unmap_blocks() : 0);
  data->Add32(unmaps ? LogicalUnit::kMaxUnmapRanges : 0);
  const uint32_t granularity = unmaps ? unit.store()->unmap_granularity_bytes() : 0;
  data->Add32(unmaps ? std::max(granularity / unit.block_size(), 1u) : 0);
  data->Add32(unmaps ? 0x8000'0000 | unit.lowest_aligned_lba() : 0);  // UGAVALID, the alignment
  data->Add64(unit.max_write_same_blocks());
  data->Add32(unit.max_atomic_blocks());  // without alignment, granularity, or boundaries
  data->AddZeros(64 - data->size());
}

// SBC-3 §6.6.2.
void AddCharacteristics(const LogicalUnit& /*unit*/, const Nexus& /*nexus*/, ParameterData* data) {
  data->Add16(0x0001);  // doesn't rotate
  data->AddZeros(1);
  // WABEREQ, WACEREQ: what was erased can be read without a write (as zeros). The latter isn't
  // there.
  data->Add8(0x40);
  data->AddZeros(64 - data->size());
}

// SBC-3 §6.6.5. No thresholds, and nothing can be anchored.
void AddProvisioning(const LogicalUnit& unit, const Nexus& /*nexus*/, ParameterData* data) {
  data->Add8(0);
  data->Add8(unit.can_unmap() ? 0xe4 : 0);  // LBPU, LBPWS, LBPWS10, LBPRZ
  data->Add8(unit.can_unmap() ? 0x02 : 0);  // thin; else fully provisioned
  data->Add8(0);
}

void AddSupportedPages(const LogicalUnit& unit, const Nexus& nexus, ParameterData* data);

struct Page {
  uint8_t code;
  uint8_t units;  // UnitKinds
  void (*add)(const LogicalUnit& unit, const Nexus& nexus, ParameterData* data);
};

constexpr Page kPages[] = {
    {0x00, kAnyUnit, AddSupportedPages},
    {0x80, kBlockDevice, AddSerialNumber},
    {0x83, kBlockDevice | kWellKnownUnit, AddDeviceIdentification},
    {0x86, kBlockDevice, AddExtendedInquiry},
    {0xb0, kBlockDevice, AddBlockLimits},
    {0xb1, kBlockDevice, AddCharacteristics},
    {0xb2, kBlockDevice, AddProvisioning},
};

void AddSupportedPages(const LogicalUnit& unit, const Nexus& /*nexus*/, ParameterData* data) {
  for (const Page& page : kPages) {
    const bool one_more = page.code == 0xb0 && unit.device().bugs.Has(Bug::kScsiPageListedNotThere);
    if (one_more) data->Add8(0x88);
    if ((page.units & unit.kind()) != 0) data->Add8(page.code);
  }
  if (unit.kind() == kBlockDevice) data->Add(unit.device().choices.vendor_pages);
}

bool HasVendorPage(const LogicalUnit& unit, uint8_t code) {
  const std::vector<uint8_t>& pages = unit.device().choices.vendor_pages;
  return unit.kind() == kBlockDevice && std::ranges::count(pages, code) > 0;
}

void AddVendorPage(uint8_t code, ParameterData* data) { data->AddFill(code, code & 0x3f); }

const Page* FindPage(const LogicalUnit& unit, uint8_t code) {
  for (const Page& page : kPages) {
    if (page.code == code && (page.units & unit.kind()) != 0) return &page;
  }
  return nullptr;
}

}  // namespace

uint8_t PeripheralByte(const LogicalUnit& unit) {
  switch (unit.kind()) {
    case kWellKnownUnit:
      return 0x1e;
    case kBlockDevice:
      return 0x00;
    default:
      return unit.device().bugs.Has(Bug::kScsiAbsentUnitIsDisk) ? 0x00 : 0x7f;
  }
}

bool HasVitalProductDataPage(const LogicalUnit& unit, uint8_t page) {
  return FindPage(unit, page) != nullptr || HasVendorPage(unit, page);
}

ParameterData VitalProductData(const LogicalUnit& unit, const Nexus& nexus, uint8_t page) {
  const Page* found = FindPage(unit, page);
  ParameterData data;
  data.Add8(PeripheralByte(unit));
  data.Add8(page);
  data.Add16(0);
  if (found != nullptr) {
    found->add(unit, nexus, &data);
  } else {
    CHECK(HasVendorPage(unit, page)) << "page " << int{page};
    AddVendorPage(page, &data);
  }
  const size_t uncounted = unit.device().bugs.Has(Bug::kScsiPageLengthCountsHeader) ? 0 : 4;
  data.Set16(2, static_cast<uint16_t>(data.size() - uncounted));
  return data;
}

}  // namespace pushpull::target::commands
