#include "initiator_sim/player/ram_disk.h"

#include <algorithm>
#include <optional>

#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

constexpr uint64_t kBlocks = 32768;
constexpr uint64_t kMaxTransferBlocks = 16384;

std::string Be(uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}

struct BlockRange {
  uint64_t lba = 0;
  uint64_t blocks = 0;
};

// LBA and length of the commands that have both, by the size that the operation code's group says
// (SPC-4 §4.2.5.1).
std::optional<BlockRange> RangeOf(base::Bytes cdb) {
  if (cdb.empty()) return std::nullopt;
  switch (cdb[0] >> 5) {
    case 0:
      if (cdb.size() < 6) return std::nullopt;
      return BlockRange{base::LoadBe24(&cdb[1]) & 0x1fffffu, cdb[4] == 0 ? 256u : cdb[4]};
    case 1:
    case 2:
      if (cdb.size() < 10) return std::nullopt;
      return BlockRange{base::LoadBe32(&cdb[2]), base::LoadBe16(&cdb[7])};
    case 5:
      if (cdb.size() < 12) return std::nullopt;
      return BlockRange{base::LoadBe32(&cdb[2]), base::LoadBe32(&cdb[6])};
    case 4:
      if (cdb.size() < 16) return std::nullopt;
      return BlockRange{base::LoadBe64(&cdb[2]), base::LoadBe32(&cdb[10])};
    default:
      return std::nullopt;
  }
}

bool IsRead(uint8_t code) { return code == 0x08 || code == 0x28 || code == 0xa8 || code == 0x88; }
bool IsWrite(uint8_t code) { return code == 0x0a || code == 0x2a || code == 0xaa || code == 0x8a; }

std::string Cut(std::string data, size_t allocation_length) {
  if (data.size() > allocation_length) data.resize(allocation_length);
  return data;
}

}  // namespace

RamDisk::Result RamDisk::Fail(v1::SenseKey key, uint8_t asc, uint8_t ascq) const {
  v1::SenseData sense;
  sense.set_response_code(0x70);
  sense.set_sense_key(key);
  sense.set_additional_sense_code(asc);
  sense.set_additional_sense_code_qualifier(ascq);
  return {.status = v1::CHECK_CONDITION, .data = {}, .sense = EncodeSense(sense)};
}

uint64_t RamDisk::WriteLength(base::Bytes cdb) const {
  const std::optional<BlockRange> range = RangeOf(cdb);
  if (!range || !IsWrite(cdb[0]) || range->blocks > kMaxTransferBlocks) return 0;
  return range->blocks * block_size_;
}

RamDisk::Result RamDisk::Inquiry(base::Bytes cdb, bool present) const {
  const size_t allocation = base::LoadBe16(&cdb[3]);
  if ((cdb[1] & 1) == 0) {
    std::string data(36, ' ');
    data[0] = present ? '\x00' : '\x7f';
    data[1] = '\0';
    data[2] = '\x06';  // SPC-4
    data[3] = '\x02';
    data[4] = '\x1f';
    data[5] = data[6] = '\0';
    data[7] = '\x02';  // CmdQue
    std::string_view("PUSHPULL").copy(&data[8], 8);
    std::string_view("SCRIPTED TARGET").copy(&data[16], 15);
    std::string_view("1").copy(&data[32], 1);
    return {.data = Cut(std::move(data), allocation)};
  }
  std::string page;
  switch (cdb[2]) {
    case 0x00:
      page = std::string("\x00\x80\x83", 3);
      break;
    case 0x80:
      page = "PP000001";
      break;
    case 0x83: {
      const std::string id = "PUSHPULLscripted";
      page = std::string("\x02\x01\x00", 3) + Be(id.size(), 1) + id;  // T10 vendor ID, ASCII
      break;
    }
    default:
      return Fail(v1::ILLEGAL_REQUEST, 0x24, 0x00);
  }
  std::string data = Be(0, 1) + Be(cdb[2], 1) + Be(page.size(), 2) + page;
  return {.data = Cut(std::move(data), allocation)};
}

RamDisk::Result RamDisk::Read(uint64_t lba, uint64_t blocks) const {
  Result result;
  result.data.resize(blocks * block_size_);
  for (uint64_t i = 0; i < blocks; ++i) {
    const auto it = blocks_.find(lba + i);
    if (it == blocks_.end()) continue;
    std::copy(it->second.begin(), it->second.end(),
              result.data.begin() + static_cast<ptrdiff_t>(i * block_size_));
  }
  return result;
}

RamDisk::Result RamDisk::Write(uint64_t lba, uint64_t blocks, std::string_view data) {
  for (uint64_t i = 0; i < blocks && (i + 1) * block_size_ <= data.size(); ++i) {
    blocks_[lba + i] = std::string(data.substr(i * block_size_, block_size_));
  }
  return {};
}

RamDisk::Result RamDisk::Execute(uint64_t lun, base::Bytes cdb, std::string_view data) {
  if (cdb.size() < 6) return Fail(v1::ILLEGAL_REQUEST, 0x20, 0x00);
  const uint8_t code = cdb[0];
  if (code == 0x12) return Inquiry(cdb, lun == 0);
  if (code == 0xa0) {  // REPORT LUNS
    if (cdb.size() < 12) return Fail(v1::ILLEGAL_REQUEST, 0x24, 0x00);
    return {.data = Cut(Be(8, 4) + Be(0, 4) + Be(0, 8), base::LoadBe32(&cdb[6]))};
  }
  if (lun != 0) return Fail(v1::ILLEGAL_REQUEST, 0x25, 0x00);
  if (IsRead(code) || IsWrite(code)) {
    const std::optional<BlockRange> range = RangeOf(cdb);
    if (!range || range->blocks > kMaxTransferBlocks) return Fail(v1::ILLEGAL_REQUEST, 0x24, 0x00);
    if (range->lba > kBlocks || range->blocks > kBlocks - range->lba) {
      return Fail(v1::ILLEGAL_REQUEST, 0x21, 0x00);
    }
    return IsRead(code) ? Read(range->lba, range->blocks) : Write(range->lba, range->blocks, data);
  }
  switch (code) {
    case 0x00:  // TEST UNIT READY
    case 0x1b:  // START STOP UNIT
    case 0x35:  // SYNCHRONIZE CACHE
    case 0x91:
    case 0x2f:  // VERIFY
    case 0x8f:
      return {};
    case 0x03:  // REQUEST SENSE
      return {.data = Cut(Fail(v1::NO_SENSE, 0, 0).sense, cdb[4])};
    case 0x1a:  // MODE SENSE: the header alone
      return {.data = Cut(std::string("\x03\x00\x00\x00", 4), cdb[4])};
    case 0x5a:
      if (cdb.size() < 10) break;
      return {.data =
                  Cut(std::string("\x00\x06\x00\x00\x00\x00\x00\x00", 8), base::LoadBe16(&cdb[7]))};
    case 0x25:  // READ CAPACITY
      return {.data = Be(kBlocks - 1, 4) + Be(block_size_, 4)};
    case 0x9e:
      if (cdb.size() < 16 || (cdb[1] & 0x1f) != 0x10) break;
      return {.data = Cut(Be(kBlocks - 1, 8) + Be(block_size_, 4) + std::string(20, '\0'),
                          base::LoadBe32(&cdb[10]))};
    default:
      break;
  }
  return Fail(v1::ILLEGAL_REQUEST, 0x20, 0x00);
}

}  // namespace pushpull::initiator_sim
