// What SCSI parameter data says of ports, devices and versions.
// (RFC 7143 §4.4.2, RFC 7144 §4.2; SPC-4 §6.4.2, §6.15.5, §7.6.4, §7.8.5)

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "base/text.h"
#include "conformance/monitor/context.h"

namespace pushpull::conformance::monitor {
namespace {

constexpr size_t kCdbAt = 32;  // in the BHS (RFC 7143 §11.3)
constexpr size_t kCdbBytes = 16;
constexpr size_t kMaxKept = 65536;
constexpr uint8_t kInquiry = 0x12;
constexpr uint8_t kReserveIn = 0x5e;
constexpr uint8_t kReserveOut = 0x5f;
constexpr uint8_t kReadFullStatus = 3;
constexpr uint8_t kProtocolIscsi = 5;
constexpr uint16_t kVersionBase = 0x0960;
constexpr uint16_t kVersionLast = 0x097f;

uint8_t ByteAt(std::string_view data, size_t at) { return static_cast<uint8_t>(data[at]); }
uint16_t Be16At(std::string_view data, size_t at) {
  return base::LoadBe16(base::AsBytes(data).data() + at);
}
uint32_t Be32At(std::string_view data, size_t at) {
  return base::LoadBe32(base::AsBytes(data).data() + at);
}

bool SameName(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(base::ToAbsl(a), base::ToAbsl(b));
}

// "NAME,t,0xTAG" ends in ",t,0x" (or 0X) and these digits.
bool EndsIn(std::string_view text, char label, std::string_view digits) {
  if (text.size() < digits.size() + 5) return false;
  const std::string_view mark = text.substr(text.size() - digits.size() - 5, 5);
  return mark[0] == ',' && mark[1] == label && mark[2] == ',' && mark[3] == '0' &&
         (mark[4] == 'x' || mark[4] == 'X') &&
         SameName(text.substr(text.size() - digits.size()), digits);
}

std::string Quote(std::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(base::ToAbsl(text)), "\"");
}

// ---- INQUIRY -----------------------------------------------------------------------------------

void CheckVersions(const Context& c, std::string_view data) {
  constexpr size_t kFirst = 58, kEnd = 74;
  const std::optional<uint64_t>& level = c.session.agreed.negotiated_protocol_level;
  if (!level.has_value() || data.size() < 5) return;
  const size_t end = std::min({data.size(), kEnd, size_t{ByteAt(data, 4)} + 5});
  for (size_t at = kFirst; at + 2 <= end; at += 2) {
    const uint16_t version = Be16At(data, at);
    if (version < kVersionBase || version > kVersionLast || version == kVersionBase + *level) {
      continue;
    }
    c.Report(RuleId::kVersionDescriptor,
             absl::StrFormat("the version descriptor of iSCSI is %04xh, and iSCSIProtocolLevel "
                             "came to %d",
                             version, *level));
    return;
  }
}

void CheckPortName(const Context& c, std::string_view name, bool ended) {
  const std::optional<uint64_t>& tag = c.session.portal_group_tag;
  if (!tag.has_value()) return;
  const std::string digits = absl::StrFormat("%04x", *tag);
  const std::string_view target = c.session.target_name;
  const bool right = ended && name.size() == target.size() + digits.size() + 5 &&
                     SameName(name.substr(0, target.size()), target) && EndsIn(name, 't', digits);
  if (right) return;
  c.Report(RuleId::kScsiPortName,
           absl::StrCat("the target port is called ", Quote(name), ended ? "" : " without a NUL",
                        ", not \"", base::ToAbsl(target), ",t,0x", digits, "\""));
}

void CheckDeviceName(const Context& c, std::string_view name, bool ended) {
  if (ended && SameName(name, c.session.target_name)) return;
  c.Report(RuleId::kScsiDeviceName, absl::StrCat("the target device is called ", Quote(name),
                                                 ended ? "" : " without a NUL"));
}

void CheckDesignators(const Context& c, std::string_view data) {
  constexpr uint8_t kScsiNameString = 8;
  if (data.size() < 4 || ByteAt(data, 1) != 0x83) return;
  data = data.substr(4, Be16At(data, 2));
  while (data.size() >= 4 && data.size() >= size_t{4} + ByteAt(data, 3)) {
    const std::string_view designator = data.substr(4, ByteAt(data, 3));
    const bool of_iscsi = (ByteAt(data, 1) & 0x80) == 0 || ByteAt(data, 0) >> 4 == kProtocolIscsi;
    const int association = (ByteAt(data, 1) >> 4) & 3;
    const bool is_name = (ByteAt(data, 1) & 0x0f) == kScsiNameString;
    data.remove_prefix(size_t{4} + designator.size());
    if (!of_iscsi || !is_name) continue;
    const size_t end = std::min(designator.find('\0'), designator.size());
    const std::string_view name = designator.substr(0, end);
    // A device with ports of several protocols may have other names, too.
    if (!name.starts_with("iqn.") &&
        !SameName(name.substr(0, c.session.target_name.size()), c.session.target_name)) {
      continue;
    }
    if (association == 1) CheckPortName(c, name, end < designator.size());
    if (association == 2) CheckDeviceName(c, name, end < designator.size());
  }
}

// ---- PERSISTENT RESERVE IN, READ FULL STATUS ---------------------------------------------------

std::string IsidDigits(const std::string& isid) {
  std::string digits;
  for (const char byte : isid) absl::StrAppendFormat(&digits, "%02x", static_cast<uint8_t>(byte));
  return digits;
}

void CheckTransportIds(const Context& c, std::string_view data, uint64_t lun) {
  constexpr size_t kHeader = 8, kDescriptor = 24;
  if (data.size() < kHeader) return;
  const size_t length = Be32At(data, 4);
  const bool whole = data.size() - kHeader >= length;
  data = data.substr(kHeader, length);
  const std::string& name = c.session.initiator_name;
  const std::string isid = IsidDigits(c.session.isid);
  bool found = false, named = false;
  while (data.size() >= kDescriptor) {
    const size_t size = Be32At(data, 20);
    if (size > data.size() - kDescriptor) return;
    const std::string_view id = data.substr(kDescriptor, size);
    data.remove_prefix(kDescriptor + size);
    // FORMAT CODE 01b: the port's name. With 00b it is the device's, which tells no ports apart.
    if (id.size() < 4 || (ByteAt(id, 0) & 0x0f) != kProtocolIscsi || ByteAt(id, 0) >> 6 != 1) {
      continue;
    }
    const std::string_view port = id.substr(4, id.substr(4).find('\0'));
    const size_t comma = port.find(',');
    if (!SameName(port.substr(0, comma), name)) continue;
    constexpr size_t kMark = 5, kDigits = 12;
    if (port.size() != name.size() + kMark + kDigits || port.size() + 4 >= id.size() ||
        !EndsIn(port, 'i', port.substr(port.size() - kDigits)) ||
        !std::ranges::all_of(port.substr(port.size() - kDigits), absl::ascii_isxdigit)) {
      return c.Report(RuleId::kTransportIdName,
                      absl::StrCat("an initiator port is called ", Quote(port)));
    }
    named = true;
    found |= SameName(port.substr(port.size() - kDigits), isid);
  }
  if (whole && named && !found && c.session.registered_luns.contains(lun)) {
    c.Report(RuleId::kTransportIdName,
             absl::StrCat("no registered port has this session's ISID, 0x", isid));
  }
}

}  // namespace

void TakeNamingCdb(const Context& c, Task* task) {
  if (c.tap.bytes.size() < kCdbAt + kCdbBytes) return;
  const std::string_view cdb = base::AsText(base::Bytes(c.tap.bytes)).substr(kCdbAt, kCdbBytes);
  const uint8_t code = ByteAt(cdb, 0);
  const bool vital = (ByteAt(cdb, 1) & 1) != 0;
  const bool inquiry = code == kInquiry && ByteAt(cdb, 2) == (vital ? 0x83 : 0);
  const bool full_status = code == kReserveIn && (ByteAt(cdb, 1) & 0x1f) == kReadFullStatus;
  if (inquiry || full_status || code == kReserveOut || IsListCdb(cdb)) {
    task->naming_cdb = std::string(cdb);
  }
  // The key that it will have registered.
  if (code == kReserveOut && c.data().size() >= 16) task->naming_data = c.data();
}

void TakeNamingData(const Context& c, Task* task) {
  if (task->naming_cdb.empty() || ByteAt(task->naming_cdb, 0) == kReserveOut) return;
  const size_t at = c.pdu.data_in().buffer_offset();
  if (at > kMaxKept || c.data().size() > kMaxKept - at) return;
  std::string& data = task->naming_data;
  if (data.size() < at + c.data().size()) data.resize(at + c.data().size());
  std::copy(c.data().begin(), c.data().end(), data.begin() + static_cast<std::ptrdiff_t>(at));
}

void CheckNames(const Context& c, const Task& task) {
  if (task.naming_cdb.empty() || c.session.initiator_name.empty() || c.session.discovery) return;
  const std::string_view cdb = task.naming_cdb;
  if (ByteAt(cdb, 0) == kReserveOut) {
    const int action = ByteAt(cdb, 1) & 0x1f;
    const bool registers = action == 0 || action == 6;
    if (!registers || task.naming_data.size() < 16) return;
    const std::string_view key = std::string_view(task.naming_data).substr(8, 8);
    if (std::ranges::count(key, '\0') < 8) {
      c.session.registered_luns.insert(task.lun_bytes);
    } else {
      c.session.registered_luns.erase(task.lun_bytes);
    }
    return;
  }
  // What came out of order, twice or not at all is judged elsewhere.
  if (task.resent || task.data_in_bytes != task.naming_data.size()) return;
  if (!c.session.agreed.rdma && task.read && !task.write) CheckLists(c, task);
  const bool full_status =
      ByteAt(cdb, 0) == kReserveIn && (ByteAt(cdb, 1) & 0x1f) == kReadFullStatus;
  if (!full_status && ByteAt(cdb, 0) != kInquiry) return;
  if (ByteAt(cdb, 0) == kReserveIn) return CheckTransportIds(c, task.naming_data, task.lun_bytes);
  if ((ByteAt(cdb, 1) & 1) != 0) return CheckDesignators(c, task.naming_data);
  CheckVersions(c, task.naming_data);
}

bool MayUnregisterOthers(const Context& c) {
  if (!c.pdu.has_scsi_command() || c.tap.bytes.size() < kCdbAt + kCdbBytes) return false;
  const uint8_t code = c.tap.bytes[kCdbAt];
  const int action = c.tap.bytes[kCdbAt + 1] & 0x1f;
  return code == kReserveOut && action != 0 && action != 1 && action != 2 && action != 6;
}

}  // namespace pushpull::conformance::monitor
