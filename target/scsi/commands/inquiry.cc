#include "target/scsi/commands/inquiry.h"

#include "base/bytes.h"
#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/commands/vital_product_data.h"
#include "target/scsi/nexus.h"

namespace pushpull::target::commands {
namespace {

// The longest page is 83h with two names of 223 bytes.
constexpr uint64_t kMaxInquiryBytes = 1024;

bool Evpd(const Task& task) { return (task.cdb[1] & 0x01) != 0; }
// ALLOCATION LENGTH.
uint64_t Limit(const LogicalUnit& unit, const Task& task) {
  const bool ignored = unit.device().bugs.Has(Bug::kScsiAllocationLengthIgnored);
  return ignored ? kMaxInquiryBytes : base::LoadBe16(&task.cdb[3]);
}

// SPC-4 §6.6.2.
ParameterData StandardData(const LogicalUnit& unit, const Nexus& nexus) {
  ParameterData data;
  data.Add8(PeripheralByte(unit));
  data.Add8(0);     // medium not removable
  data.Add8(0x06);  // SPC-4
  data.Add8(0x12);  // HISUP, response data format 2; no NormACA
  data.Add8(0);     // additional length
  // TPGS: reported and set; third-party copies; no protection information.
  data.Add8(unit.kind() == kBlockDevice ? 0x38 : 0);
  data.Add8(0);
  data.Add8(0x02);  // CMDQUE
  data.AddText(kVendor, 8);
  data.AddText(kProduct, 16);
  data.AddText(kRevision, 4);
  const DeviceChoices& choices = unit.device().choices;
  data.AddFill(choices.vendor_bytes_set ? 0xa5 : 0, 20);
  data.AddZeros(2);
  data.Add16(0x00a0);  // SAM-5
  data.Add16(0x0460);  // SPC-4
  data.Add16(0x04c0);  // SBC-3
  // iSCSI: RFC 7144 §4.2.
  const bool fixed = unit.device().bugs.Has(Bug::kVersionDescriptorFixed);
  data.Add16(static_cast<uint16_t>(0x0960 + (fixed ? 0 : nexus.iscsi_protocol_level())));
  data.AddZeros(96 - data.size());
  data.AddFill(choices.vendor_bytes_set ? 0x5a : 0, 254 - data.size());
  data.Cut(choices.inquiry_bytes);
  data.Set8(4, static_cast<uint8_t>(data.size() - 5));
  return data;
}

}  // namespace

Prepared PrepareInquiry(const LogicalUnit& unit, const Task& task) {
  const uint8_t page = task.cdb[2];
  if (Evpd(task) ? !HasVitalProductDataPage(unit, page) : page != 0) return InvalidField(2);
  return DataIn(Limit(unit, task), kMaxInquiryBytes);
}

Step ExecuteInquiry(LogicalUnit& unit, Task& task) {
  const ParameterData data = Evpd(task) ? VitalProductData(unit, *task.nexus, task.cdb[2])
                                        : StandardData(unit, *task.nexus);
  return Reply(task, data.bytes(), Limit(unit, task));
}

}  // namespace pushpull::target::commands
