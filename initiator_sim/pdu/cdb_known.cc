// What an initiator reads out of a CDB: the name, the blocks, the amount of data.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

using Direction = CdbTransfer::Direction;

// How the length field counts.
enum class Unit : uint8_t {
  kBytes,
  kBlocks,
  kTwiceBlocks,  // COMPARE AND WRITE: what to compare, then what to write
  kOneBlock,     // WRITE SAME: one block however long the range is
  kByteCheck,    // VERIFY: by BYTCHK nothing, the blocks, or one block
  kFixed,        // no field: `length_size` bytes always
  kNone,
};

struct Known {
  uint8_t operation_code;
  int service_action;  // -1: the command has none
  const char* name;
  Direction direction;
  Unit unit;
  uint8_t length_at;    // byte of the length field
  uint8_t length_size;  // in bytes
  uint8_t lba_at;
  uint8_t lba_size;  // 0: no LBA
};

constexpr Direction kIn = Direction::kRead;
constexpr Direction kOut = Direction::kWrite;

constexpr Known kKnown[] = {
    {0x00, -1, "TEST UNIT READY", Direction::kNone, Unit::kNone, 0, 0, 0, 0},
    {0x03, -1, "REQUEST SENSE", kIn, Unit::kBytes, 4, 1, 0, 0},
    {0x08, -1, "READ(6)", kIn, Unit::kBlocks, 4, 1, 1, 3},
    {0x0a, -1, "WRITE(6)", kOut, Unit::kBlocks, 4, 1, 1, 3},
    {0x12, -1, "INQUIRY", kIn, Unit::kBytes, 3, 2, 0, 0},
    {0x15, -1, "MODE SELECT(6)", kOut, Unit::kBytes, 4, 1, 0, 0},
    {0x16, -1, "RESERVE(6)", Direction::kNone, Unit::kNone, 0, 0, 0, 0},
    {0x17, -1, "RELEASE(6)", Direction::kNone, Unit::kNone, 0, 0, 0, 0},
    {0x1a, -1, "MODE SENSE(6)", kIn, Unit::kBytes, 4, 1, 0, 0},
    {0x1b, -1, "START STOP UNIT", Direction::kNone, Unit::kNone, 0, 0, 0, 0},
    {0x1c, -1, "RECEIVE DIAGNOSTIC RESULTS", kIn, Unit::kBytes, 3, 2, 0, 0},
    {0x1d, -1, "SEND DIAGNOSTIC", kOut, Unit::kBytes, 3, 2, 0, 0},
    {0x1e, -1, "PREVENT ALLOW MEDIUM REMOVAL", Direction::kNone, Unit::kNone, 0, 0, 0, 0},
    {0x25, -1, "READ CAPACITY(10)", kIn, Unit::kFixed, 0, 8, 0, 0},
    {0x28, -1, "READ(10)", kIn, Unit::kBlocks, 7, 2, 2, 4},
    {0x2a, -1, "WRITE(10)", kOut, Unit::kBlocks, 7, 2, 2, 4},
    {0x2e, -1, "WRITE AND VERIFY(10)", kOut, Unit::kBlocks, 7, 2, 2, 4},
    {0x2f, -1, "VERIFY(10)", kOut, Unit::kByteCheck, 7, 2, 2, 4},
    {0x34, -1, "PRE-FETCH(10)", Direction::kNone, Unit::kNone, 7, 2, 2, 4},
    {0x35, -1, "SYNCHRONIZE CACHE(10)", Direction::kNone, Unit::kNone, 7, 2, 2, 4},
    {0x3b, -1, "WRITE BUFFER", kOut, Unit::kBytes, 6, 3, 0, 0},
    {0x3c, -1, "READ BUFFER", kIn, Unit::kBytes, 6, 3, 0, 0},
    {0x41, -1, "WRITE SAME(10)", kOut, Unit::kOneBlock, 7, 2, 2, 4},
    {0x42, -1, "UNMAP", kOut, Unit::kBytes, 7, 2, 0, 0},
    {0x48, -1, "SANITIZE", kOut, Unit::kBytes, 7, 2, 0, 0},
    {0x4d, -1, "LOG SENSE", kIn, Unit::kBytes, 7, 2, 0, 0},
    {0x55, -1, "MODE SELECT(10)", kOut, Unit::kBytes, 7, 2, 0, 0},
    {0x5a, -1, "MODE SENSE(10)", kIn, Unit::kBytes, 7, 2, 0, 0},
    {0x5e, -1, "PERSISTENT RESERVE IN", kIn, Unit::kBytes, 7, 2, 0, 0},
    {0x5f, -1, "PERSISTENT RESERVE OUT", kOut, Unit::kBytes, 5, 4, 0, 0},
    {0x7f, 0x09, "READ(32)", kIn, Unit::kBlocks, 28, 4, 12, 8},
    {0x7f, 0x0a, "VERIFY(32)", kOut, Unit::kByteCheck, 28, 4, 12, 8},
    {0x7f, 0x0b, "WRITE(32)", kOut, Unit::kBlocks, 28, 4, 12, 8},
    {0x7f, 0x0c, "WRITE AND VERIFY(32)", kOut, Unit::kBlocks, 28, 4, 12, 8},
    {0x7f, 0x0d, "WRITE SAME(32)", kOut, Unit::kOneBlock, 28, 4, 12, 8},
    {0x83, -1, "EXTENDED COPY", kOut, Unit::kBytes, 10, 4, 0, 0},
    {0x84, -1, "RECEIVE COPY RESULTS", kIn, Unit::kBytes, 10, 4, 0, 0},
    {0x88, -1, "READ(16)", kIn, Unit::kBlocks, 10, 4, 2, 8},
    {0x89, -1, "COMPARE AND WRITE", kOut, Unit::kTwiceBlocks, 13, 1, 2, 8},
    {0x8a, -1, "WRITE(16)", kOut, Unit::kBlocks, 10, 4, 2, 8},
    {0x8b, -1, "ORWRITE(16)", kOut, Unit::kBlocks, 10, 4, 2, 8},
    {0x8e, -1, "WRITE AND VERIFY(16)", kOut, Unit::kBlocks, 10, 4, 2, 8},
    {0x8f, -1, "VERIFY(16)", kOut, Unit::kByteCheck, 10, 4, 2, 8},
    {0x90, -1, "PRE-FETCH(16)", Direction::kNone, Unit::kNone, 10, 4, 2, 8},
    {0x91, -1, "SYNCHRONIZE CACHE(16)", Direction::kNone, Unit::kNone, 10, 4, 2, 8},
    {0x93, -1, "WRITE SAME(16)", kOut, Unit::kOneBlock, 10, 4, 2, 8},
    {0x9c, -1, "WRITE ATOMIC(16)", kOut, Unit::kBlocks, 12, 2, 2, 8},
    {0x9e, 0x10, "READ CAPACITY(16)", kIn, Unit::kBytes, 10, 4, 0, 0},
    {0x9e, 0x12, "GET LBA STATUS", kIn, Unit::kBytes, 10, 4, 2, 8},
    {0xa0, -1, "REPORT LUNS", kIn, Unit::kBytes, 6, 4, 0, 0},
    {0xa3, 0x0a, "REPORT TARGET PORT GROUPS", kIn, Unit::kBytes, 6, 4, 0, 0},
    {0xa3, 0x0c, "REPORT SUPPORTED OPERATION CODES", kIn, Unit::kBytes, 6, 4, 0, 0},
    {0xa3, 0x0d, "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", kIn, Unit::kBytes, 6, 4, 0, 0},
    {0xa8, -1, "READ(12)", kIn, Unit::kBlocks, 6, 4, 2, 4},
    {0xaa, -1, "WRITE(12)", kOut, Unit::kBlocks, 6, 4, 2, 4},
    {0xae, -1, "WRITE AND VERIFY(12)", kOut, Unit::kBlocks, 6, 4, 2, 4},
    {0xaf, -1, "VERIFY(12)", kOut, Unit::kByteCheck, 6, 4, 2, 4},
};

// A field of `size` bytes; bytes beyond the end count as 0.
uint64_t Number(base::Bytes cdb, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = at; i < at + size; ++i) value = value << 8 | (i < cdb.size() ? cdb[i] : 0);
  return value;
}

const Known* Find(base::Bytes cdb) {
  if (cdb.empty()) return nullptr;
  // Variable-length CDBs have a service action of two bytes, others one of five bits.
  const uint64_t action = cdb[0] == 0x7f ? Number(cdb, 8, 2) : Number(cdb, 1, 1) & 0x1f;
  for (const Known& known : kKnown) {
    if (known.operation_code != cdb[0]) continue;
    if (known.service_action < 0 || static_cast<uint64_t>(known.service_action) == action) {
      return &known;
    }
  }
  return nullptr;
}

bool IsSixByte(const Known& known) { return known.lba_size == 3; }

// The length field, where 0 in a six-byte READ or WRITE says 256.
uint64_t LengthField(const Known& known, base::Bytes cdb) {
  const uint64_t length = Number(cdb, known.length_at, known.length_size);
  return IsSixByte(known) && length == 0 ? 256 : length;
}

uint64_t LbaField(const Known& known, base::Bytes cdb) {
  const uint64_t lba = Number(cdb, known.lba_at, known.lba_size);
  return IsSixByte(known) ? lba & 0x1fffff : lba;
}

uint64_t ByteCheckBlocks(base::Bytes cdb, uint64_t blocks) {
  const size_t at = cdb[0] == 0x7f ? 10 : 1;
  switch (Number(cdb, at, 1) >> 1 & 3) {
    case 1:
      return blocks;
    case 3:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

CdbTransfer TransferOf(base::Bytes cdb, uint32_t block_length) {
  const Known* known = Find(cdb);
  if (known == nullptr) return {};
  const uint64_t length = LengthField(*known, cdb);
  uint64_t bytes = 0;
  switch (known->unit) {
    case Unit::kBytes:
      bytes = length;
      break;
    case Unit::kBlocks:
      bytes = length * block_length;
      break;
    case Unit::kTwiceBlocks:
      bytes = 2 * length * block_length;
      break;
    case Unit::kOneBlock: {
      // NDOB of WRITE SAME(16) and (32): no data at all.
      const bool no_data = cdb[0] != 0x41 && (Number(cdb, cdb[0] == 0x7f ? 10 : 1, 1) & 1) != 0;
      bytes = no_data ? 0 : block_length;
      break;
    }
    case Unit::kByteCheck:
      bytes = ByteCheckBlocks(cdb, length) * block_length;
      break;
    case Unit::kFixed:
      bytes = known->length_size;
      break;
    case Unit::kNone:
      break;
  }
  return {bytes == 0 ? Direction::kNone : known->direction, bytes};
}

std::string DescribeCdb(base::Bytes cdb) {
  const Known* known = Find(cdb);
  if (known == nullptr) {
    return cdb.empty() ? "no CDB" : absl::StrFormat("operation code 0x%02x", cdb[0]);
  }
  std::string text = known->name;
  if (known->operation_code == 0x12 && (Number(cdb, 1, 1) & 1) != 0) {
    absl::StrAppendFormat(&text, " page 0x%02x", Number(cdb, 2, 1));
  }
  if (known->operation_code == 0x1a || known->operation_code == 0x5a) {
    absl::StrAppendFormat(&text, " page 0x%02x", Number(cdb, 2, 1) & 0x3f);
  }
  if (known->lba_size != 0) absl::StrAppendFormat(&text, " LBA 0x%x", LbaField(*known, cdb));
  if (known->unit == Unit::kFixed || known->length_size == 0) return text;
  absl::StrAppend(&text, known->lba_size != 0 ? " blocks " : " length ", LengthField(*known, cdb));
  return text;
}

}  // namespace pushpull::initiator_sim
