#include "tools/crash/workload.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace pushpull::tools {
namespace {

constexpr uint64_t kBusyBlocks = 48;
constexpr uint32_t kMostBlocks = 12;

std::string Text(const std::vector<uint8_t>& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

// A CDB of 10 or 16 bytes with LBA and length where most commands have them.
std::vector<uint8_t> Cdb(uint8_t opcode, uint64_t lba, uint32_t blocks) {
  std::vector<uint8_t> cdb(16, 0);
  cdb[0] = opcode;
  switch (opcode >> 5) {
    case 4:
      base::StoreBe64(&cdb[2], lba);
      base::StoreBe32(&cdb[10], blocks);
      break;
    case 5:
      base::StoreBe32(&cdb[2], static_cast<uint32_t>(lba));
      base::StoreBe32(&cdb[6], blocks);
      break;
    default:
      base::StoreBe32(&cdb[2], static_cast<uint32_t>(lba));
      base::StoreBe16(&cdb[7], static_cast<uint16_t>(blocks));
      break;
  }
  return cdb;
}

}  // namespace

Workload::Workload(uint64_t blocks, base::Random random, bool seldom)
    : blocks_(blocks), seldom_(seldom), random_(random), ledger_(blocks) {}

Workload::Range Workload::AnyRange() {
  const uint64_t most = random_.Chance(80) ? kBusyBlocks : blocks_;
  const auto blocks = static_cast<uint32_t>(random_.Between(1, kMostBlocks));
  return {random_.Below(most - blocks + 1), blocks};
}

ClientCommand Workload::Next() {
  const uint64_t choice = random_.Below(100);
  if (choice < 40) return Write(/*fua=*/false);
  if (choice < 54) return Write(/*fua=*/true);
  if (choice < 64) return WriteSame();
  if (choice < 73) return Unmap();
  if (choice < 79 || (seldom_ && choice < 98)) return Read(/*fua=*/false);
  if (seldom_) return choice < 99 ? Read(/*fua=*/true) : Flush(/*immediate=*/false);
  if (choice < 84) return Read(/*fua=*/true);
  if (choice < 94) return Flush(/*immediate=*/false);
  if (choice < 97) return Flush(/*immediate=*/true);
  return TurnCache();
}

bool Workload::Good(v1::ScsiStatus status, bool unit_attention) {
  ++answered_;
  if (status == v1::GOOD) return true;
  if (!unit_attention && error_.empty()) {
    error_ = absl::StrCat("a command ended with status ", v1::ScsiStatus_Name(status));
  }
  return false;
}

std::function<void(v1::ScsiStatus, const std::string&, bool)> Workload::Writes(WriteId write,
                                                                               bool fua) {
  return [this, write, fua](v1::ScsiStatus status, const std::string&, bool unit_attention) {
    // What wasn't answered with GOOD counts as not answered: it may be there or not.
    if (!Good(status, unit_attention)) return;
    ledger_.Acknowledge(write, fua || cache_ == Cache::kOff);
  };
}

ClientCommand Workload::Write(bool fua) {
  const Range range = AnyRange();
  const WriteId write = ledger_.Begin(range.lba, range.blocks, /*zeros=*/false);
  static constexpr uint8_t kOpcodes[] = {0x2a, 0xaa, 0x8a};
  std::vector<uint8_t> cdb = Cdb(kOpcodes[random_.Below(3)], range.lba, range.blocks);
  if (fua) cdb[1] |= 0x08;
  ClientCommand command;
  command.cdb = Text(cdb);
  const std::string block = Text(Ledger::Content(write));
  for (uint32_t i = 0; i < range.blocks; ++i) command.data_out += block;
  command.done = Writes(write, fua);
  return command;
}

ClientCommand Workload::WriteSame() {
  const Range range = AnyRange();
  const bool zeros = random_.Chance(50);
  const bool unmap = random_.Chance(50);
  const WriteId write = ledger_.Begin(range.lba, range.blocks, zeros);
  const bool no_data = zeros && random_.Chance(50);
  std::vector<uint8_t> cdb =
      Cdb(no_data || random_.Chance(50) ? 0x93 : 0x41, range.lba, range.blocks);
  cdb[1] = static_cast<uint8_t>((unmap ? 0x08 : 0) | (no_data ? 0x01 : 0));
  ClientCommand command;
  command.cdb = Text(cdb);
  if (!no_data) {
    command.data_out =
        zeros ? std::string(Ledger::kBlockBytes, '\0') : Text(Ledger::Content(write));
  }
  command.done = Writes(write, /*fua=*/false);
  return command;
}

ClientCommand Workload::Unmap() {
  const auto count = random_.Between(1, 3);
  std::vector<uint8_t> list(8 + 16 * count, 0);
  base::StoreBe16(&list[0], static_cast<uint16_t>(list.size() - 2));
  base::StoreBe16(&list[2], static_cast<uint16_t>(list.size() - 8));
  std::vector<WriteId> writes;
  for (size_t i = 0; i < count; ++i) {
    const Range range = AnyRange();
    writes.push_back(ledger_.Begin(range.lba, range.blocks, /*zeros=*/true));
    base::StoreBe64(&list[8 + 16 * i], range.lba);
    base::StoreBe32(&list[16 + 16 * i], range.blocks);
  }
  ClientCommand command;
  std::vector<uint8_t> cdb = Cdb(0x42, 0, static_cast<uint32_t>(list.size()));
  command.cdb = Text(cdb);
  command.data_out = Text(list);
  command.done = [this, writes](v1::ScsiStatus status, const std::string&, bool unit_attention) {
    if (!Good(status, unit_attention)) return;
    for (const WriteId write : writes) ledger_.Acknowledge(write, cache_ == Cache::kOff);
  };
  return command;
}

ClientCommand Workload::Read(bool fua) {
  const Range range = AnyRange();
  std::vector<uint8_t> cdb = Cdb(0x28, range.lba, range.blocks);
  if (fua) cdb[1] |= 0x08;
  ClientCommand command;
  command.cdb = Text(cdb);
  command.read_bytes = range.blocks * Ledger::kBlockBytes;
  command.done = [this, range, fua, sent = ledger_.Now()](
                     v1::ScsiStatus status, const std::string& data, bool unit_attention) {
    if (!Good(status, unit_attention)) return;
    for (uint32_t i = 0; i < range.blocks; ++i) {
      const base::Bytes block =
          base::AsBytes(data).subspan(i * Ledger::kBlockBytes, Ledger::kBlockBytes);
      const std::string wrong = ledger_.Read(range.lba + i, block, sent, fua);
      if (error_.empty()) error_ = wrong;
    }
  };
  return command;
}

ClientCommand Workload::Flush(bool immediate) {
  std::vector<uint8_t> cdb = Cdb(random_.Chance(50) ? 0x35 : 0x91, 0, 0);
  if (immediate) cdb[1] = 0x02;
  ClientCommand command;
  command.cdb = Text(cdb);
  command.done = [this, immediate, sent = ledger_.Now()](v1::ScsiStatus status, const std::string&,
                                                         bool unit_attention) {
    if (Good(status, unit_attention) && !immediate) ledger_.Flushed(sent);
  };
  return command;
}

// MODE SELECT of the caching page. While one is under way nobody asks for another.
ClientCommand Workload::TurnCache() {
  if (cache_ == Cache::kTurningOff || cache_ == Cache::kTurningOn) return Flush(false);
  const bool on = cache_ == Cache::kOff;
  cache_ = on ? Cache::kTurningOn : Cache::kTurningOff;
  std::vector<uint8_t> list(24, 0);
  list[4] = 0x08;
  list[5] = 0x12;
  list[6] = on ? 0x04 : 0;
  ClientCommand command;
  command.cdb = Text({0x15, 0x10, 0, 0, 24, 0});
  command.data_out = Text(list);
  command.done = [this, on, sent = ledger_.Now()](v1::ScsiStatus status, const std::string&,
                                                  bool unit_attention) {
    const bool good = Good(status, unit_attention);
    cache_ = on == good ? Cache::kOn : Cache::kOff;
    if (good && !on) ledger_.Flushed(sent);
  };
  return command;
}

}  // namespace pushpull::tools
