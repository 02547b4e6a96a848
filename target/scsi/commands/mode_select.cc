#include "target/scsi/commands/mode_select.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "target/scsi/commands/blocks.h"
#include "target/scsi/commands/mode_pages.h"
#include "target/scsi/commands/parameter_data.h"

namespace pushpull::target::commands {
namespace {

// No list of all pages is longer; more is a mistake.
constexpr uint16_t kMaxListBytes = 4096;

bool IsTen(const Task& task) { return task.cdb[0] == 0x55; }

uint16_t ListLength(const Task& task) {
  return IsTen(task) ? base::LoadBe16(&task.cdb[7]) : task.cdb[4];
}

struct Change {
  const ModePage* page;
  base::Bytes bytes;
};

// The block descriptor may only say what is so: units aren't formatted anew. 0 blocks, or all, mean
// no change (SBC-3 §6.5.2).
base::Result<void, Sense> CheckDescriptor(const LogicalUnit& unit, base::Bytes descriptor,
                                          uint16_t at) {
  const bool long_lba = descriptor.size() == 16;
  const uint64_t blocks =
      long_lba ? base::LoadBe64(descriptor.data()) : base::LoadBe32(descriptor.data());
  const bool same = blocks == 0 || blocks == unit.blocks() ||
                    (!long_lba && blocks == std::min<uint64_t>(unit.blocks(), UINT32_MAX));
  if (!same) return InvalidParameter(at);
  const auto length_at = static_cast<uint16_t>(long_lba ? 12 : 5);
  const uint32_t length =
      long_lba ? base::LoadBe32(&descriptor[12]) : base::LoadBe24(&descriptor[5]);
  if (length != unit.block_size()) return InvalidParameter(static_cast<uint16_t>(at + length_at));
  return {};
}

// The mode parameter header (SPC-4 §7.5.5). Answers where the pages begin.
base::Result<size_t, Sense> CheckHeader(const LogicalUnit& unit, const Task& task,
                                        base::Bytes list) {
  const size_t header = IsTen(task) ? 8 : 4;
  if (list.size() < header) return sense::kParameterListLengthError;
  const uint16_t type_at = IsTen(task) ? 2 : 1;
  if (list[type_at] != 0) return InvalidParameter(type_at);
  const bool long_lba = IsTen(task) && (list[4] & 0x01) != 0;
  const size_t descriptors = IsTen(task) ? base::LoadBe16(&list[6]) : list[3];
  if (descriptors != 0 && descriptors != (long_lba ? 16u : 8u)) {
    return InvalidParameter(IsTen(task) ? 6 : 3);
  }
  if (list.size() < header + descriptors) return sense::kParameterListLengthError;
  if (descriptors != 0) {
    PUSHPULL_TRY(
        CheckDescriptor(unit, list.subspan(header, descriptors), static_cast<uint16_t>(header)));
  }
  return header + descriptors;
}

// Nothing but changeable bits may differ from what is so now.
base::Result<void, Sense> CheckPage(const LogicalUnit& unit, const ModePage& page,
                                    base::Bytes bytes, size_t at) {
  ParameterData current, changeable;
  page.add(unit, PageControl::kCurrent, &current);
  page.add(unit, PageControl::kChangeable, &changeable);
  const size_t header = page.subpage == 0 ? 2 : 4;
  // A wrong length stands before the parameters themselves.
  if (bytes.size() != current.size())
    return InvalidParameter(static_cast<uint16_t>(at + header - 1));
  for (size_t i = header; i < bytes.size(); ++i) {
    const int wrong = (bytes[i] ^ current.bytes()[i]) & ~changeable.bytes()[i];
    if (wrong == 0) continue;
    const auto bit = static_cast<uint8_t>(31 - __builtin_clz(static_cast<unsigned>(wrong)));
    return InvalidParameter(static_cast<uint16_t>(at + i), bit);
  }
  return {};
}

// One page from the front of `list`.
base::Result<Change, Sense> ParsePage(const LogicalUnit& unit, base::Bytes list, size_t at) {
  const base::Bytes rest = list.subspan(at);
  if (rest.size() < 2) return sense::kParameterListLengthError;
  const uint8_t code = rest[0] & 0x3f;
  const bool has_subpage = (rest[0] & 0x40) != 0;
  if (has_subpage && rest.size() < 4) return sense::kParameterListLengthError;
  const uint8_t subpage = has_subpage ? rest[1] : 0;
  const size_t bytes = has_subpage ? 4u + base::LoadBe16(&rest[2]) : 2u + rest[1];
  const auto pages = AllModePages();
  const auto page = std::find_if(pages.begin(), pages.end(), [&](const ModePage& p) {
    return p.code == code && p.subpage == subpage && (p.subpage != 0) == has_subpage;
  });
  if (page == pages.end()) return InvalidParameter(static_cast<uint16_t>(at), 5);
  if (rest.size() < bytes && !unit.device().bugs.Has(Bug::kModePageLengthTrusted)) {
    return sense::kParameterListLengthError;
  }
  const base::Bytes all(rest.data(), bytes);
  PUSHPULL_TRY(CheckPage(unit, *page, all, at));
  return Change{&*page, all};
}

base::Result<std::vector<Change>, Sense> Parse(const LogicalUnit& unit, const Task& task,
                                               base::Bytes list) {
  PUSHPULL_TRY_ASSIGN(size_t at, CheckHeader(unit, task, list));
  std::vector<Change> changes;
  while (at < list.size()) {
    PUSHPULL_TRY_ASSIGN(const Change change, ParsePage(unit, list, at));
    changes.push_back(change);
    at += change.bytes.size();
  }
  return changes;
}

}  // namespace

Prepared PrepareModeSelect(const LogicalUnit& /*unit*/, const Task& task) {
  const bool page_format = (task.cdb[1] & 0x10) != 0;
  const bool save_pages = (task.cdb[1] & 0x01) != 0;
  if (!page_format) return InvalidField(1, 4);
  if (save_pages) return InvalidField(1, 0);
  if (ListLength(task) > kMaxListBytes) return InvalidField(7);
  return DataOut(ListLength(task));
}

Step ExecuteModeSelect(LogicalUnit& unit, Task& task) {
  if (ListLength(task) == 0) return Step::Good();
  const std::vector<uint8_t> list = ParameterList(task);
  const auto changes = Parse(unit, task, list);
  const bool takes_all = unit.device().bugs.Has(Bug::kScsiModeSelectTakesAll);
  if (!changes.ok()) return takes_all ? Step::Good() : Step::Fail(changes.error());
  bool changed = false;
  for (const Change& change : *changes) changed |= ApplyModePage(unit, *change.page, change.bytes);
  const BugSet& bugs = unit.device().bugs;
  const Nexus* const untold = bugs.Has(Bug::kScsiModeSelectTellsItself) ? nullptr : task.nexus;
  if (changed && !bugs.Has(Bug::kScsiModeSelectTellsNobody)) {
    unit.EstablishForOthers(untold, sense::kModeParametersChanged);
  }
  // SBC-3 §6.5.5: from now on every write that was answered is on the medium, earlier ones too.
  const bool keeps = unit.device().bugs.Has(Bug::kWriteCacheOffKeepsData);
  return changed && !keeps ? FlushUnlessCached(unit, task) : Step::Good();
}

Step ResumeModeSelect(LogicalUnit& /*unit*/, Task& /*task*/, const absl::Status& status) {
  return status.ok() ? Step::Good() : Step::Fail(WriteFailure(status));
}

}  // namespace pushpull::target::commands
