#include "target/scsi/commands/mode_sense.h"

#include "base/bytes.h"
#include "target/scsi/commands/mode_pages.h"
#include "target/scsi/commands/parameter_data.h"

namespace pushpull::target::commands {
namespace {

// All pages with both block descriptors are well below.
constexpr uint64_t kMaxModeBytes = 255;

constexpr uint8_t kAllPages = 0x3f;
constexpr uint8_t kAllSubpages = 0xff;

struct Fields {
  bool ten;  // MODE SENSE (10)
  bool no_block_descriptors;
  bool long_lba;
  PageControl control;
  uint8_t page;
  uint8_t subpage;
  uint16_t allocation_length;
};

Fields FieldsOf(const Task& task) {
  const uint8_t* cdb = task.cdb.data();
  Fields fields{};
  fields.ten = cdb[0] == 0x5a;
  fields.no_block_descriptors = (cdb[1] & 0x08) != 0;
  fields.long_lba = (cdb[1] & 0x10) != 0;
  fields.control = static_cast<PageControl>(cdb[2] >> 6);
  fields.page = cdb[2] & 0x3f;
  fields.subpage = cdb[3];
  fields.allocation_length = fields.ten ? base::LoadBe16(cdb + 7) : cdb[4];
  return fields;
}

// SPC-4 §6.11.1: 3Fh/00h is all pages, 3Fh/FFh these and their subpages, xx/FFh one page with its
// subpages.
bool Selects(const Fields& fields, const ModePage& page) {
  if (fields.page != kAllPages && fields.page != page.code) return false;
  return fields.subpage == kAllSubpages || fields.subpage == page.subpage;
}

bool SelectsAny(const Fields& fields) {
  if (fields.page == kAllPages && fields.subpage != 0 && fields.subpage != kAllSubpages) {
    return false;
  }
  for (const ModePage& page : AllModePages()) {
    if (Selects(fields, page)) return true;
  }
  return false;
}

bool KnowsPage(uint8_t code) {
  if (code == kAllPages) return true;
  for (const ModePage& page : AllModePages()) {
    if (page.code == code) return true;
  }
  return false;
}

PageControl ControlFor(const LogicalUnit& unit, PageControl asked) {
  const BugSet& bugs = unit.device().bugs;
  const bool as_current =
      (asked == PageControl::kDefault && bugs.Has(Bug::kScsiModeDefaultsFollow)) ||
      (asked == PageControl::kChangeable && bugs.Has(Bug::kScsiModeChangeableAsCurrent));
  return as_current ? PageControl::kCurrent : asked;
}

}  // namespace

Prepared PrepareModeSense(const LogicalUnit& /*unit*/, const Task& task) {
  const Fields fields = FieldsOf(task);
  if (!KnowsPage(fields.page)) return InvalidField(2, 5);
  if (!SelectsAny(fields)) return InvalidField(3);
  if (fields.control == PageControl::kSaved) return sense::kSavingParametersNotSupported;
  return DataIn(fields.allocation_length, kMaxModeBytes);
}

Step ExecuteModeSense(LogicalUnit& unit, Task& task) {
  const Fields fields = FieldsOf(task);
  ParameterData data;
  data.AddZeros(fields.ten ? 8 : 4);
  const size_t header = data.size();
  if (!fields.no_block_descriptors) AddBlockDescriptor(unit, fields.long_lba, &data);
  const size_t descriptors = data.size() - header;
  const PageControl control = ControlFor(unit, fields.control);
  for (const ModePage& page : AllModePages()) {
    if (!Selects(fields, page)) continue;
    const size_t at = data.size();
    page.add(unit, control, &data);
    const bool last = page.code == 0x1c && unit.device().bugs.Has(Bug::kScsiModePageLength);
    if (last) data.Set8(at + 1, static_cast<uint8_t>(data.size() - at));
  }
  if (fields.ten) {
    data.Set16(0, static_cast<uint16_t>(data.size() - 2));
    data.Set8(3, DeviceSpecificParameter(unit));
    data.Set8(4, fields.long_lba && descriptors != 0 ? 0x01 : 0);
    data.Set16(6, static_cast<uint16_t>(descriptors));
  } else {
    const size_t uncounted = unit.device().bugs.Has(Bug::kScsiModeDataLength) ? 0 : 1;
    data.Set8(0, static_cast<uint8_t>(data.size() - uncounted));
    data.Set8(2, DeviceSpecificParameter(unit));
    data.Set8(3, static_cast<uint8_t>(descriptors));
  }
  return Reply(task, data.bytes(), fields.allocation_length);
}

}  // namespace pushpull::target::commands
