#include "target/scsi/commands/extended_copy_list.h"

#include <algorithm>

#include "target/scsi/commands/fields.h"
#include "target/scsi/commands/vital_product_data.h"
#include "target/scsi/reservation_rules.h"

namespace pushpull::target::commands {
namespace {

constexpr uint8_t kIdentificationCscd = 0xe4;
constexpr uint8_t kBlockToBlock = 0x02;

// What comes of a reservation of somebody else's on a unit that isn't addressed itself.
constexpr ReservationRule kReading{
    0x28, {}, ReservationAccess::kReads, UnitReservationAccess::kConflicts};
constexpr ReservationRule kWriting{
    0x2a, {}, ReservationAccess::kWrites, UnitReservationAccess::kConflicts};

enum Usage : uint8_t { kKept = 0, kReservedUsage = 1, kNotKept = 2, kUnnamed = 3 };

// LIST ID USAGE.
uint8_t ListIdUsage(base::Bytes list) { return list[1] >> 3 & 0x03; }

Sense At(size_t byte, std::optional<uint8_t> bit = std::nullopt) {
  return InvalidParameter(static_cast<uint16_t>(byte), bit);
}

// Whether one of the unit's own designators (VPD page 83h) is this one.
bool IsNamed(const LogicalUnit& unit, const Nexus& nexus, base::Bytes designator) {
  const ParameterData page = VitalProductData(unit, nexus, 0x83);
  const base::Bytes all = page.bytes();
  for (size_t at = 4; at + 4 <= all.size(); at += 4u + all[at + 3]) {
    const base::Bytes own = all.subspan(at, 4u + all[at + 3]);
    const bool of_unit = (own[1] & 0x30) == 0;
    const bool same_kind =
        (own[0] & 0x0f) == (designator[0] & 0x0f) && (own[1] & 0x3f) == (designator[1] & 0x3f);
    if (of_unit && same_kind && std::ranges::equal(own.subspan(3), designator.subspan(3))) {
      return true;
    }
  }
  return false;
}

// An identification CSCD descriptor at `at`. Null: a unit that can't be reached, which only matters
// to segments that use it.
base::Result<LogicalUnit*, Sense> ParseCscd(const LogicalUnit& unit, const Nexus& nexus,
                                            base::Bytes list, size_t at) {
  constexpr size_t kDesignator = 4, kMaxDesignator = 20, kBlockLength = 29;
  const base::Bytes cscd = list.subspan(at, kCscdBytes);
  if (cscd[0] != kIdentificationCscd) return sense::kUnsupportedTargetDescriptor;
  if ((cscd[1] & 0xc0) != 0) return At(at + 1, 7);                       // LU ID TYPE
  if ((cscd[1] & 0x20) != 0) return static_cast<LogicalUnit*>(nullptr);  // NUL
  if ((cscd[1] & 0x1f) != 0) return At(at + 1, 4);                       // no disk
  const size_t length = cscd[kDesignator + 3];
  if (length > kMaxDesignator) return At(at + kDesignator + 3);
  const base::Bytes designator = cscd.subspan(kDesignator, 4 + length);
  for (LogicalUnit* candidate : unit.device().logical_units) {
    if (!IsNamed(*candidate, nexus, designator)) continue;
    const uint32_t block_length = base::LoadBe24(&cscd[kBlockLength]);
    if (block_length != 0 && block_length != candidate->block_size()) return At(at + kBlockLength);
    return candidate;
  }
  return static_cast<LogicalUnit*>(nullptr);
}

bool Refuses(const LogicalUnit& unit, const Nexus& nexus, const ReservationRule& rule) {
  return unit.parameters().stopped || unit.sanitizer().PendingSense().has_value() ||
         (unit.reservations().restricts() && unit.reservations().Conflicts(nexus, rule));
}

}  // namespace

bool MayCopy(const Nexus& nexus, const CopySegment& segment) {
  return !segment.to->write_protected() && !Refuses(*segment.from, nexus, kReading) &&
         !Refuses(*segment.to, nexus, kWriting);
}

namespace {

base::Result<CopySegment, Sense> ParseSegment(const Nexus& nexus,
                                              const std::vector<LogicalUnit*>& cscds,
                                              base::Bytes list, size_t at) {
  const base::Bytes segment = list.subspan(at, kSegmentBytes);
  const size_t from = base::LoadBe16(&segment[4]), to = base::LoadBe16(&segment[6]);
  const bool reachable =
      from < cscds.size() && to < cscds.size() && cscds[from] != nullptr && cscds[to] != nullptr;
  if (!reachable) return sense::kCopyTargetNotReachable;
  CopySegment copy;
  copy.from = cscds[from];
  copy.to = cscds[to];
  if (copy.from->block_size() != copy.to->block_size()) return sense::kCopyAborted;
  if (!MayCopy(nexus, copy)) return sense::kThirdPartyDeviceFailure;
  const uint64_t blocks = base::LoadBe16(&segment[10]);
  const uint64_t from_lba = base::LoadBe64(&segment[12]), to_lba = base::LoadBe64(&segment[20]);
  const auto within = [blocks](const LogicalUnit& unit, uint64_t lba) {
    return lba <= unit.blocks() && blocks <= unit.blocks() - lba;
  };
  if (!within(*copy.from, from_lba) || !within(*copy.to, to_lba)) return sense::kCopyAborted;
  copy.from_byte = from_lba * copy.from->block_size();
  copy.to_byte = to_lba * copy.to->block_size();
  copy.bytes = blocks * copy.from->block_size();
  const bool leaves_last = copy.from->device().bugs.Has(Bug::kScsiCopyLeavesLast);
  if (leaves_last && blocks > 0) copy.bytes -= copy.from->block_size();
  return copy;
}

struct Lengths {
  size_t cscds = 0;
  size_t segments = 0;
};

base::Result<Lengths, Sense> ParseHeader(base::Bytes list) {
  if (list.size() < kCopyHeaderBytes) return sense::kParameterListLengthError;
  const uint8_t usage = ListIdUsage(list);
  if (usage == kReservedUsage) return At(1, 4);
  if (usage == kUnnamed && list[0] != 0) return At(0);
  const size_t cscds = base::LoadBe16(&list[2]);
  const uint64_t segments = base::LoadBe32(&list[8]);
  if (base::LoadBe32(&list[12]) != 0) return sense::kInlineDataLengthExceeded;
  if (cscds + segments > kMaxDescriptorBytes) return sense::kParameterListLengthError;
  if (kCopyHeaderBytes + cscds + segments > list.size()) return sense::kParameterListLengthError;
  if (cscds % kCscdBytes != 0) return At(2);
  if (cscds > kMaxCscds * kCscdBytes) return sense::kTooManyTargetDescriptors;
  return Lengths{cscds, static_cast<size_t>(segments)};
}

}  // namespace

std::optional<uint8_t> NamedList(base::Bytes list) {
  if (list.size() < kCopyHeaderBytes) return std::nullopt;
  const uint8_t usage = ListIdUsage(list);
  if (usage == kReservedUsage || usage == kUnnamed) return std::nullopt;
  return list[0];
}

base::Result<CopyList, Sense> ParseCopyList(const LogicalUnit& unit, const Nexus& nexus,
                                            base::Bytes list) {
  PUSHPULL_TRY_ASSIGN(const Lengths lengths, ParseHeader(list));
  CopyList copy;
  copy.list_id = list[0];
  copy.keeps_result = ListIdUsage(list) == kKept;
  std::vector<LogicalUnit*> cscds;
  const size_t first_segment = kCopyHeaderBytes + lengths.cscds;
  for (size_t at = kCopyHeaderBytes; at < first_segment; at += kCscdBytes) {
    PUSHPULL_TRY_ASSIGN(LogicalUnit* const cscd, ParseCscd(unit, nexus, list, at));
    cscds.push_back(cscd);
  }
  const size_t end = first_segment + lengths.segments;
  for (size_t at = first_segment; at < end; at += kSegmentBytes) {
    if (list[at] != kBlockToBlock) {
      if (unit.device().bugs.Has(Bug::kScsiCopySegmentIgnored)) break;
      return sense::kUnsupportedSegmentDescriptor;
    }
    if (end - at < kSegmentBytes) return sense::kParameterListLengthError;
    if (base::LoadBe16(&list[at + 2]) != kSegmentBytes - 4) return At(at + 2);
    if (copy.segments.size() == kMaxSegments) return sense::kTooManySegmentDescriptors;
    copy.segments.emplace_back();
  }
  for (size_t i = 0; i < copy.segments.size(); ++i) {
    PUSHPULL_TRY_ASSIGN(copy.segments[i],
                        ParseSegment(nexus, cscds, list, first_segment + i * kSegmentBytes));
  }
  return copy;
}

}  // namespace pushpull::target::commands
