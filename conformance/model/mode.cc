// Mode pages: MODE SENSE and MODE SELECT. (SPC-4 §6.9 to §6.12, §7.5; SBC-3 §6.5)

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

enum PageControl : uint64_t { kCurrent = 0, kChangeable = 1, kDefault = 2, kSaved = 3 };

constexpr uint64_t kAllPages = 0x3f, kAllSubpages = 0xff;

struct Page {
  uint8_t code;
  uint8_t subpage;
  std::vector<uint8_t> bytes;  // whole, with its header
};

// With what `control` asks for; headers are the same in all of them.
std::vector<Page> PagesOf(const Unit& unit, uint64_t control) {
  const auto bit = [&](uint8_t mask, bool current, bool by_default, bool changeable) -> uint8_t {
    const bool set = control == kCurrent ? current : control == kDefault ? by_default : changeable;
    return set ? mask : 0;
  };
  const auto fixed = [&](uint8_t value) -> uint8_t { return control == kChangeable ? 0 : value; };
  std::vector<Page> pages;
  pages.push_back({0x01, 0, {0x01, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}});
  Page caching = {0x08, 0, std::vector<uint8_t>(20)};
  const bool cache = unit.traits.volatile_cache;
  caching.bytes[0] = 0x08;
  caching.bytes[1] = 0x12;
  caching.bytes[2] = bit(0x04, unit.write_cache, cache, cache);
  pages.push_back(caching);
  Page control_page = {0x0a, 0, {0x0a, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
  // GLTSD; D_SENSE. Unrestricted reordering. SWP. BUSY TIMEOUT PERIOD without limit.
  control_page.bytes[2] = fixed(0x02) | bit(0x04, unit.descriptor_sense, false, true);
  control_page.bytes[3] = fixed(0x10);
  control_page.bytes[4] = bit(0x08, unit.software_write_protect, false, true);
  control_page.bytes[8] = control_page.bytes[9] = fixed(0xff);
  pages.push_back(control_page);
  Page extension = {0x0a, 1, std::vector<uint8_t>(32)};
  extension.bytes[0] = 0x4a;
  extension.bytes[1] = 0x01;
  extension.bytes[3] = 0x1c;
  pages.push_back(extension);
  pages.push_back({0x1c, 0, {0x1c, 0x0a, fixed(0x08), 0, 0, 0, 0, 0, 0, 0, 0, 0}});  // DEXCPT
  return pages;
}

std::vector<uint8_t> BlockDescriptor(const UnitTraits& traits, bool is_long) {
  std::vector<uint8_t> bytes;
  if (is_long) {
    Append(&bytes, traits.blocks, 8);
    Append(&bytes, 0, 4);
  } else {
    Append(&bytes, std::min<uint64_t>(traits.blocks, UINT32_MAX), 4);
  }
  Append(&bytes, traits.block_size, 4);
  return bytes;
}

bool DescriptorIsSo(const UnitTraits& traits, const std::vector<uint8_t>& list, size_t at,
                    bool is_long) {
  const uint64_t blocks = Number(list, at, is_long ? 8 : 4);
  const uint64_t all = is_long ? traits.blocks : std::min<uint64_t>(traits.blocks, UINT32_MAX);
  const uint64_t length = is_long ? Number(list, at + 12, 4) : Number(list, at + 5, 3);
  return (blocks == 0 || blocks == all || blocks == traits.blocks) && length == traits.block_size;
}

// What a page would change, after all of it was found right.
bool Apply(Unit& unit, const std::vector<uint8_t>& bytes) {
  const auto set = [](bool* parameter, bool value) {
    return std::exchange(*parameter, value) != value;
  };
  if ((bytes[0] & 0x7f) == 0x08) return set(&unit.write_cache, (bytes[2] & 0x04) != 0);
  if ((bytes[0] & 0x7f) != 0x0a) return false;
  const bool sense = set(&unit.descriptor_sense, (bytes[2] & 0x04) != 0);
  const bool protect = set(&unit.software_write_protect, (bytes[4] & 0x08) != 0);
  return sense || protect;
}

// The pages of a list from `at` on. False: there is a fault.
bool ReadPages(const Unit& unit, const std::vector<uint8_t>& list, size_t at,
               std::vector<std::vector<uint8_t>>* pages) {
  const std::vector<Page> current = PagesOf(unit, kCurrent);
  const std::vector<Page> changeable = PagesOf(unit, kChangeable);
  while (at < list.size()) {
    const size_t left = list.size() - at;
    const bool has_subpage = (list[at] & 0x40) != 0;
    if (left < (has_subpage ? 4u : 2u)) return false;
    const uint8_t subpage = has_subpage ? list[at + 1] : 0;
    const uint64_t size = has_subpage ? 4 + Number(list, at + 2, 2) : 2u + list[at + 1];
    const auto page = std::find_if(current.begin(), current.end(), [&](const Page& each) {
      return each.code == (list[at] & 0x3f) && each.subpage == subpage &&
             has_subpage == (each.subpage != 0);
    });
    if (page == current.end() || size != page->bytes.size() || left < size) return false;
    const Page& mask = changeable[static_cast<size_t>(page - current.begin())];
    for (size_t i = has_subpage ? 4 : 2; i < size; ++i) {
      if (((list[at + i] ^ page->bytes[i]) & ~mask.bytes[i]) != 0) return false;
    }
    const auto begin = list.begin() + static_cast<int64_t>(at);
    pages->emplace_back(begin, begin + static_cast<int64_t>(size));
    at += size;
  }
  return true;
}

}  // namespace

void ModeSense(Turn& turn) {
  const Unit& unit = *turn.unit;
  const bool ten = turn.cdb[0] == 0x5a;
  const bool is_long = turn.Bit(1, 4) && ten;
  const uint64_t control = turn.cdb[2] >> 6;
  const uint64_t code = turn.cdb[2] & 0x3f;
  const uint64_t subpage = turn.cdb[3];
  const uint64_t allocation = ten ? turn.Field(7, 2) : turn.Field(4, 1);
  std::vector<uint8_t> data(ten ? 8 : 4);
  std::vector<uint8_t> descriptor;
  if (!turn.Bit(1, 3)) descriptor = BlockDescriptor(unit.traits, is_long);
  data.insert(data.end(), descriptor.begin(), descriptor.end());
  bool any = false;
  const bool reserved = code == kAllPages && subpage != 0 && subpage != kAllSubpages;
  for (const Page& page : PagesOf(unit, control)) {
    if (code != kAllPages && code != page.code) continue;
    if (subpage != kAllSubpages && subpage != page.subpage) continue;
    data.insert(data.end(), page.bytes.begin(), page.bytes.end());
    any = true;
  }
  if (!any || reserved) turn.Fault(kBadCdb);
  if (control == kSaved) turn.Fault(kNothingIsSaved);
  if (turn.failed()) return;
  // WP, DPOFUA.
  const bool protects = unit.traits.read_only || unit.software_write_protect;
  const uint8_t specific = (protects ? 0x80 : 0) | 0x10;
  if (ten) {
    Put(&data, 0, data.size() - 2, 2);
    data[3] = specific;
    data[4] = is_long && !descriptor.empty() ? 1 : 0;
    Put(&data, 6, descriptor.size(), 2);
  } else {
    data[0] = static_cast<uint8_t>(data.size() - 1);
    data[2] = specific;
    data[3] = static_cast<uint8_t>(descriptor.size());
  }
  turn.Answer(std::move(data), allocation);
}

void ModeSelect(Turn& turn) {
  Unit& unit = *turn.unit;
  const bool ten = turn.cdb[0] == 0x55;
  const uint64_t length = ten ? turn.Field(7, 2) : turn.Field(4, 1);
  if (!turn.Bit(1, 4) || turn.Bit(1, 0)) turn.Fault(kBadCdb);  // PF, SP
  if (length > 4096) turn.Fault(kBadCdb);                      // longer than all pages
  if (turn.failed()) return;
  turn.Take(length);
  if (length == 0) return turn.Good();
  // Which of two faults of a list is told is open, and where one is the rest can't be read.
  const auto refuse = [&] {
    turn.Fault(kBadList);
    turn.Fault(kListLength);
  };
  const std::vector<uint8_t>& list = turn.data;
  const size_t header = ten ? 8 : 4;
  if (list.size() < header) return refuse();
  const bool is_long = ten && (list[4] & 1) != 0;
  const uint64_t descriptors = ten ? Number(list, 6, 2) : list[3];
  if (list[ten ? 2 : 1] != 0) return refuse();  // MEDIUM TYPE
  if (descriptors != 0) {
    if (descriptors != (is_long ? 16u : 8u) || list.size() < header + descriptors) return refuse();
    if (!DescriptorIsSo(unit.traits, list, header, is_long)) return refuse();
  }
  std::vector<std::vector<uint8_t>> pages;
  if (!ReadPages(unit, list, header + descriptors, &pages)) return refuse();
  bool changed = false;
  for (const std::vector<uint8_t>& page : pages) changed |= Apply(unit, page);
  if (changed) unit.TellOthers(turn.nexus, kModeChanged);
  turn.Good();
}

}  // namespace pushpull::conformance::model
