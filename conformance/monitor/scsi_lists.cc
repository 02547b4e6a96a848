// Whether SCSI parameter data is as long as it says, and the lists in it are whole.
// (SPC-4 §4.3.5.6, §6.6, §6.11, §6.15, §6.33, §7.5, §7.8)

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "conformance/monitor/context.h"

namespace pushpull::conformance::monitor {
namespace {

enum OperationCode : uint8_t {
  kInquiry = 0x12,
  kModeSense6 = 0x1a,
  kModeSense10 = 0x5a,
  kReserveIn = 0x5e,
  kReportLuns = 0xa0,
  kMaintenanceIn = 0xa3,
};
constexpr int kReportPortGroups = 0x0a;
constexpr int kReadKeys = 0, kReadReservation = 1, kReadFullStatus = 3;

uint8_t ByteAt(std::string_view data, size_t at) { return static_cast<uint8_t>(data[at]); }
uint16_t Be16At(std::string_view data, size_t at) {
  return base::LoadBe16(base::AsBytes(data).data() + at);
}
uint32_t Be32At(std::string_view data, size_t at) {
  return base::LoadBe32(base::AsBytes(data).data() + at);
}

uint8_t CodeOf(std::string_view cdb) { return ByteAt(cdb, 0); }
int ActionOf(std::string_view cdb) { return ByteAt(cdb, 1) & 0x1f; }
bool IsVital(std::string_view cdb) { return (ByteAt(cdb, 1) & 1) != 0; }

uint64_t AllocationLength(std::string_view cdb) {
  switch (CodeOf(cdb)) {
    case kInquiry:
      return Be16At(cdb, 3);
    case kModeSense6:
      return ByteAt(cdb, 4);
    case kModeSense10:
    case kReserveIn:
      return Be16At(cdb, 7);
    default:
      return Be32At(cdb, 6);
  }
}

// A number of `bytes` at `at`, and what isn't counted by it.
struct LengthField {
  size_t at, bytes, uncounted;
};

std::optional<LengthField> LengthFieldOf(std::string_view cdb) {
  switch (CodeOf(cdb)) {
    case kInquiry:
      return IsVital(cdb) ? LengthField{2, 2, 4} : LengthField{4, 1, 5};
    case kModeSense6:
      return LengthField{0, 1, 1};
    case kModeSense10:
      return LengthField{0, 2, 2};
    case kReserveIn:
      if (ActionOf(cdb) > kReadFullStatus || ActionOf(cdb) == 2) return std::nullopt;
      return LengthField{4, 4, 8};
    case kReportLuns:
      return LengthField{0, 4, 8};
    case kMaintenanceIn:
      if (ActionOf(cdb) != kReportPortGroups) return std::nullopt;
      return LengthField{0, 4, 4};
    default:
      return std::nullopt;
  }
}

// All that there is, by the data's own account; nullopt: they don't reach so far.
std::optional<uint64_t> TotalOf(std::string_view cdb, std::string_view data) {
  const std::optional<LengthField> field = LengthFieldOf(cdb);
  if (!field.has_value() || data.size() < field->at + field->bytes) return std::nullopt;
  const uint64_t counted = field->bytes == 1   ? ByteAt(data, field->at)
                           : field->bytes == 2 ? Be16At(data, field->at)
                                               : Be32At(data, field->at);
  return counted + field->uncounted;
}

// ---- lists: what is wrong with one, or nothing -------------------------------------------------

std::string WrongPageList(std::string_view pages) {
  for (size_t i = 1; i < pages.size(); ++i) {
    if (ByteAt(pages, i) <= ByteAt(pages, i - 1)) {
      return absl::StrFormat("page %02xh behind %02xh", ByteAt(pages, i), ByteAt(pages, i - 1));
    }
  }
  if (pages.empty() || pages[0] != 0) return "the page of supported pages isn't among them";
  return "";
}

// Of a designator whose type says how long it is (SPC-4 §7.8.5).
bool IsDesignatorLength(int type, size_t length) {
  switch (type) {
    case 2:  // EUI-64 based
      return length == 8 || length == 12 || length == 16;
    case 3:  // NAA
      return length == 8 || length == 16;
    case 4:  // relative port, port group, logical unit group
    case 5:
    case 6:
      return length == 4;
    default:
      return true;
  }
}

std::string WrongDesignators(std::string_view list) {
  constexpr size_t kHeader = 4;
  while (!list.empty()) {
    if (list.size() < kHeader) return absl::StrCat(list.size(), " bytes behind the last one");
    const size_t length = ByteAt(list, 3);
    if (list.size() - kHeader < length) {
      return absl::StrCat("one of ", length, " bytes, of which ", list.size() - kHeader,
                          " are there");
    }
    const int type = ByteAt(list, 1) & 0x0f;
    if (!IsDesignatorLength(type, length)) {
      return absl::StrCat("one of type ", type, " that has ", length, " bytes");
    }
    list.remove_prefix(kHeader + length);
  }
  return "";
}

std::string WrongModePages(std::string_view data, bool ten) {
  const size_t header = ten ? 8 : 4;
  if (data.size() < header) return "no whole header";
  const size_t descriptors = ten ? Be16At(data, 6) : ByteAt(data, 3);
  if (data.size() - header < descriptors) return "no whole block descriptor";
  data.remove_prefix(header + descriptors);
  while (data.size() >= 2) {
    const bool sub = (ByteAt(data, 0) & 0x40) != 0;
    if (sub && data.size() < 4) break;
    const size_t length = sub ? 4u + Be16At(data, 2) : 2u + ByteAt(data, 1);
    if (length > data.size()) {
      return absl::StrFormat("page %02xh of %d bytes, of which %d are there",
                             ByteAt(data, 0) & 0x3f, length, data.size());
    }
    data.remove_prefix(length);
  }
  return data.empty() ? "" : absl::StrCat(data.size(), " bytes behind the last page");
}

std::string WrongLuns(std::string_view list) {
  constexpr size_t kLun = 8;
  if (list.size() % kLun != 0) return absl::StrCat(list.size(), " bytes of LUNs");
  for (size_t at = 0; at < list.size(); at += kLun) {
    for (size_t before = 0; before < at; before += kLun) {
      if (list.substr(at, kLun) == list.substr(before, kLun)) {
        return absl::StrCat("one LUN twice, as number ", before / kLun, " and ", at / kLun);
      }
    }
  }
  return "";
}

// `data`: all that there is.
std::string WrongList(std::string_view cdb, std::string_view data) {
  switch (CodeOf(cdb)) {
    case kInquiry:
      if (!IsVital(cdb)) return "";
      if (ByteAt(data, 1) != ByteAt(cdb, 2)) {
        return absl::StrFormat("page %02xh, where %02xh was asked for", ByteAt(data, 1),
                               ByteAt(cdb, 2));
      }
      if (ByteAt(cdb, 2) == 0x00) return WrongPageList(data.substr(4));
      return ByteAt(cdb, 2) == 0x83 ? WrongDesignators(data.substr(4)) : "";
    case kModeSense6:
    case kModeSense10:
      return WrongModePages(data, CodeOf(cdb) == kModeSense10);
    case kReportLuns:
      // Of very many the length alone is judged.
      return data.size() > 8 + 8 * 512 ? "" : WrongLuns(data.substr(8));
    case kReserveIn: {
      const size_t length = data.size() - 8;
      if (ActionOf(cdb) == kReadKeys && length % 8 != 0) return "keys that aren't whole";
      if (ActionOf(cdb) == kReadReservation && length != 0 && length != 16) {
        return absl::StrCat("a reservation of ", length, " bytes");
      }
      return "";
    }
    default:
      return "";
  }
}

}  // namespace

bool IsListCdb(std::string_view cdb) { return LengthFieldOf(cdb).has_value(); }

void CheckLists(const Context& c, const Task& task) {
  const std::string_view cdb = task.naming_cdb, data = task.naming_data;
  const uint64_t allocation = AllocationLength(cdb);
  const std::optional<uint64_t> total = TotalOf(cdb, data);
  const uint64_t most = std::min(allocation, total.value_or(allocation));
  if (data.size() > most) {
    return c.Report(RuleId::kScsiLengthRight,
                    absl::StrCat(data.size(), " bytes came; ALLOCATION LENGTH is ", allocation,
                                 total.has_value() ? absl::StrCat(", and there are ", *total) : "",
                                 " by the data's own length"));
  }
  if (!total.has_value()) return;
  const uint64_t due = std::min(most, task.read_edtl);
  if (data.size() < due) {
    return c.Report(
        RuleId::kScsiLengthRight,
        absl::StrCat(data.size(), " bytes came of ", *total,
                     " that there are by the data's own length, where there is room for ", due));
  }
  if (data.size() != *total) return;
  const std::string wrong = WrongList(cdb, data);
  if (!wrong.empty()) {
    c.Report(RuleId::kScsiListWhole,
             absl::StrFormat("the answer to %02xh has %s", CodeOf(cdb), wrong));
  }
}

}  // namespace pushpull::conformance::monitor
