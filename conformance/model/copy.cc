// EXTENDED COPY (LID1), and what RECEIVE COPY RESULTS tells of it. (SPC-4 §6.4, §6.18, §6.24; the
// latter in the form that SPC-3 §6.17 has, too)
//
// What the reference target chooses (docs/TARGET.md): all of a list is looked at before anything is
// copied; within a unit nothing is overwritten before it was read.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "conformance/model/command_table.h"
#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

constexpr size_t kHeader = 16, kCscd = 32, kSegment = 28;
// MAXIMUM CSCD COUNT, MAXIMUM SEGMENT COUNT, MAXIMUM DESCRIPTOR LIST LENGTH.
constexpr size_t kMostCscds = 16, kMostSegments = 16;
constexpr size_t kMostDescriptorBytes = kMostCscds * kCscd + kMostSegments * kSegment;
constexpr uint64_t kMostListBytes = kHeader + 2 * kMostDescriptorBytes;
constexpr size_t kMostResults = 32;

struct Segment {
  Unit* from;
  Unit* to;
  uint64_t from_lba;
  uint64_t to_lba;
  uint64_t blocks;
};

// Whose T10 vendor ID based designator it is (SPC-4 §7.8.5.4). Null: nobody's.
Unit* FindNamed(Turn& turn, size_t at) {
  constexpr uint8_t kAscii = 2, kOfUnit = 0, kT10Vendor = 1;
  const std::vector<uint8_t>& list = turn.data;
  if ((list[at + 4] & 0x0f) != kAscii || (list[at + 5] & 0x3f) != (kOfUnit << 4 | kT10Vendor)) {
    return nullptr;
  }
  const auto begin = list.begin() + static_cast<int64_t>(at + 8);
  const std::string name(begin, begin + list[at + 7]);
  for (Unit& unit : *turn.units) {
    if (name == unit.traits.vendor + unit.traits.serial) return &unit;
  }
  return nullptr;
}

// An identification descriptor CSCD descriptor (SPC-4 §6.4.5.1). Null: nothing that can be reached.
Unit* ReadCscd(Turn& turn, size_t at) {
  constexpr uint8_t kIdentification = 0xe4;
  const std::vector<uint8_t>& list = turn.data;
  if (list[at] != kIdentification) turn.Fault(kUnknownCscd);
  if ((list[at + 1] & 0xc0) != 0) turn.Fault(kBadList);  // LU ID TYPE
  if ((list[at + 1] & 0x20) != 0) return nullptr;        // NUL
  if ((list[at + 1] & 0x1f) != 0) turn.Fault(kBadList);  // no disk
  if (list[at + 7] > 20) turn.Fault(kBadList);           // longer than its place
  if (turn.failed()) return nullptr;
  Unit* unit = FindNamed(turn, at);
  if (unit == nullptr) return nullptr;
  const uint64_t block = Number(list, at + 29, 3);
  if (block != 0 && block != unit->traits.block_size) turn.Fault(kBadList);
  return unit;
}

// SPC-4 §6.4.3.
bool ReadHeader(Turn& turn) {
  const std::vector<uint8_t>& list = turn.data;
  if (list.size() < kHeader) {
    turn.Fault(kListLength);
    return false;
  }
  const uint8_t usage = list[1] >> 3 & 3;
  if (usage == 1 || (usage == 3 && list[0] != 0)) turn.Fault(kBadList);
  // What was kept of an earlier one of this name is no more (SPC-4 §6.24).
  if (usage == 0 || usage == 2) turn.unit->ForgetCopy(turn.nexus, list[0]);
  const uint64_t cscds = Number(list, 2, 2), segments = Number(list, 8, 4);
  if (Number(list, 12, 4) != 0) turn.Fault(kTooMuchInlineData);
  if (cscds + segments > kMostDescriptorBytes) turn.Fault(kListLength);
  if (kHeader + cscds + segments > list.size()) turn.Fault(kListLength);
  if (cscds % kCscd != 0) turn.Fault(kBadList);
  if (cscds > kMostCscds * kCscd) turn.Fault(kTooManyCscds);
  return !turn.failed();
}

// The form of the segment descriptors, which are of the kind block to block (SPC-4 §6.4.6.4).
void CheckSegments(Turn& turn, size_t at, size_t end) {
  constexpr uint8_t kBlockToBlock = 0x02;
  if (end - at > kMostSegments * kSegment) turn.Fault(kTooManySegments);
  for (; at < end; at += kSegment) {
    if (turn.data[at] != kBlockToBlock) return turn.Fault(kUnknownSegment);
    if (end - at < kSegment) return turn.Fault(kListLength);
    if (Number(turn.data, at + 2, 2) != kSegment - 4) turn.Fault(kBadList);
  }
}

bool Within(const Unit& unit, uint64_t lba, uint64_t blocks) {
  return lba <= unit.traits.blocks && blocks <= unit.traits.blocks - lba;
}

Segment ReadSegment(Turn& turn, const std::vector<Unit*>& cscds, size_t at) {
  const std::vector<uint8_t>& list = turn.data;
  const uint64_t from = Number(list, at + 4, 2), to = Number(list, at + 6, 2);
  Segment segment{from < cscds.size() ? cscds[from] : nullptr,
                  to < cscds.size() ? cscds[to] : nullptr, Number(list, at + 12, 8),
                  Number(list, at + 20, 8), Number(list, at + 10, 2)};
  if (segment.from == nullptr || segment.to == nullptr) {
    turn.Fault(kCscdNotReachable);
    return segment;
  }
  Unit& source = *segment.from;
  Unit& destination = *segment.to;
  if (source.traits.block_size != destination.traits.block_size) turn.Fault(kCopyAborted);
  // What a READ and a WRITE of this nexus would be refused for.
  const bool reads =
      !source.stopped && !source.sanitizing && !IsKeptOff(source, turn, Against::kExclusive);
  const bool writes = !destination.stopped && !destination.sanitizing &&
                      !destination.IsProtected() && !IsKeptOff(destination, turn, Against::kAny);
  if (!reads || !writes) turn.Fault(kThirdPartyFailed);
  if (!Within(source, segment.from_lba, segment.blocks)) turn.Fault(kCopyAborted);
  if (!Within(destination, segment.to_lba, segment.blocks)) turn.Fault(kCopyAborted);
  return segment;
}

void Copy(const Segment& segment) {
  const uint64_t block = segment.from->traits.block_size;
  const auto begin = segment.from->bytes.begin() + static_cast<int64_t>(segment.from_lba * block);
  const std::vector<uint8_t> data(begin, begin + static_cast<int64_t>(segment.blocks * block));
  std::copy(data.begin(), data.end(),
            segment.to->bytes.begin() + static_cast<int64_t>(segment.to_lba * block));
  std::fill_n(segment.to->mapped.begin() + static_cast<int64_t>(segment.to_lba), segment.blocks,
              true);
}

}  // namespace

void ExtendedCopy(Turn& turn) {
  const uint64_t length = turn.Field(10, 4);
  if (length > kMostListBytes) turn.Fault(kListLength);
  if (turn.failed()) return;
  turn.Take(length);
  if (length == 0) return turn.Good();
  if (turn.data.size() < length) return turn.Fault(kListLength);
  if (!ReadHeader(turn)) return;
  const size_t first = kHeader + Number(turn.data, 2, 2);
  const size_t end = first + Number(turn.data, 8, 4);
  std::vector<Unit*> cscds;
  for (size_t at = kHeader; at < first; at += kCscd) cscds.push_back(ReadCscd(turn, at));
  CheckSegments(turn, first, end);
  if (turn.failed()) return;
  std::vector<Segment> segments;
  for (size_t at = first; at < end; at += kSegment) {
    segments.push_back(ReadSegment(turn, cscds, at));
  }
  if (turn.failed()) return;
  turn.Good();
  CopyResult result{turn.nexus, turn.data[0], static_cast<uint16_t>(segments.size()), 0};
  for (const Segment& segment : segments) {
    Copy(segment);
    result.bytes += segment.blocks * segment.from->traits.block_size;
  }
  if ((turn.data[1] >> 3 & 3) != 0) return;  // LIST ID USAGE: nothing is to be kept
  std::vector<CopyResult>& kept = turn.unit->copies;
  if (kept.size() == kMostResults) kept.erase(kept.begin());
  kept.push_back(result);
}

// It is told once.
void ReceiveCopyStatus(Turn& turn) {
  constexpr uint8_t kDone = 1, kKibibytes = 1;
  std::vector<CopyResult>& kept = turn.unit->copies;
  const auto found = std::find_if(kept.begin(), kept.end(), [&](const CopyResult& copy) {
    return copy.nexus == turn.nexus && copy.list_id == turn.cdb[2];
  });
  if (found == kept.end()) turn.Fault(kBadCdb);
  if (turn.failed()) return;
  std::vector<uint8_t> data;
  Append(&data, 8, 4);
  Append(&data, kDone, 1);
  Append(&data, found->segments, 2);
  Append(&data, kKibibytes, 1);
  Append(&data, found->bytes / 1024, 4);
  kept.erase(found);
  turn.Answer(std::move(data), turn.Field(10, 4));
}

void ReceiveCopyParameters(Turn& turn) {
  if (turn.failed()) return;
  const uint32_t block = turn.unit->traits.block_size;
  std::vector<uint8_t> data(4);
  Append(&data, 0x0100'0000, 4);  // SNLID
  Append(&data, kMostCscds, 2);
  Append(&data, kMostSegments, 2);
  Append(&data, kMostDescriptorBytes, 4);
  Append(&data, 0xffff * block, 4);  // what NUMBER OF BLOCKS can say
  data.resize(data.size() + 12);     // no inline data, nothing held, no streams
  const size_t concurrent = data.size();
  Append(&data, 0, 5);  // how many at once: its own matter
  Append(&data, static_cast<uint64_t>(std::countr_zero(block)), 1);
  Append(&data, 0, 5);
  data.insert(data.end(), {2, 0x02, 0xe4});
  Put(&data, 0, data.size() - 4, 4);
  std::vector<uint8_t> varies(data.size());
  std::fill_n(varies.begin() + static_cast<int64_t>(concurrent) + 2, 3, uint8_t{0xff});
  turn.Answer(std::move(data), turn.Field(10, 4), std::move(varies));
}

}  // namespace pushpull::conformance::model
