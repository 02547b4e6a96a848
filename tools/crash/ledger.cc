#include "tools/crash/ledger.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/random.h"
#include "base/text.h"

namespace pushpull::tools {

Ledger::Ledger(uint64_t blocks) : by_block_(blocks) {
  writes_.push_back({.lba = 0,
                     .blocks = static_cast<uint32_t>(blocks),
                     .zeros = true,
                     .sent = 0,
                     .answered = 0,
                     .durable = true});
}

Ledger::Instant Ledger::Now() {
  Log("now");
  return ++now_;
}

Ledger::WriteId Ledger::Begin(uint64_t lba, uint32_t blocks, bool zeros) {
  Log(absl::StrCat("begin ", lba, " ", blocks, " ", zeros ? 1 : 0));
  const auto id = static_cast<WriteId>(writes_.size());
  writes_.push_back({.lba = lba, .blocks = blocks, .zeros = zeros, .sent = ++now_, .answered = {}});
  for (uint64_t block = lba; block < lba + blocks; ++block) by_block_.at(block).push_back(id);
  return id;
}

void Ledger::Acknowledge(WriteId write, bool durable) {
  Log(absl::StrCat("answered ", write, " ", durable ? 1 : 0));
  writes_.at(write).answered = ++now_;
  writes_[write].durable = durable;
}

void Ledger::Flushed(Instant sent) {
  Log(absl::StrCat("flushed ", sent));
  flushed_ = std::max(flushed_, sent);
}

bool Ledger::Apply(std::string_view words) {
  const std::vector<std::string> parts = absl::StrSplit(base::ToAbsl(words), ' ');
  std::vector<uint64_t> numbers;
  for (size_t i = 1; i < parts.size(); ++i) {
    uint64_t number = 0;
    if (!absl::SimpleAtoi(parts[i], &number)) return false;
    numbers.push_back(number);
  }
  const auto is = [&](const char* verb, size_t count) {
    return parts[0] == verb && numbers.size() == count;
  };
  const auto known = [&] { return numbers[0] > 0 && numbers[0] < writes_.size(); };
  if (is("now", 0)) {
    Now();
  } else if (is("begin", 3) && numbers[1] <= by_block_.size() &&
             numbers[0] <= by_block_.size() - numbers[1]) {
    Begin(numbers[0], static_cast<uint32_t>(numbers[1]), numbers[2] != 0);
  } else if (is("answered", 2) && known()) {
    Acknowledge(static_cast<WriteId>(numbers[0]), numbers[1] != 0);
  } else if (is("flushed", 1)) {
    Flushed(numbers[0]);
  } else if (is("durable", 1) && known()) {
    writes_[numbers[0]].durable = true;
  } else {
    return false;
  }
  return true;
}

std::vector<uint8_t> Ledger::Content(WriteId write) {
  std::vector<uint8_t> block(kBlockBytes);
  base::Random random(write);
  for (size_t at = 0; at < kBlockBytes; at += 8) base::StoreBe64(&block[at], random.Next());
  base::StoreBe32(block.data(), write);
  return block;
}

std::vector<Ledger::WriteId> Ledger::WritersOf(uint64_t lba, base::Bytes block) const {
  const bool zeros =
      std::all_of(block.begin(), block.end(), [](uint8_t byte) { return byte == 0; });
  std::vector<WriteId> writers;
  if (zeros) {
    writers.push_back(0);
    for (const WriteId id : by_block_[lba]) {
      if (writes_[id].zeros) writers.push_back(id);
    }
    return writers;
  }
  const WriteId id = base::LoadBe32(block.data());
  const bool known = std::count(by_block_[lba].begin(), by_block_[lba].end(), id) != 0;
  if (!known || writes_[id].zeros) return writers;
  const std::vector<uint8_t> whole = Content(id);
  if (std::equal(whole.begin(), whole.end(), block.begin())) writers.push_back(id);
  return writers;
}

std::string Ledger::Judge(uint64_t lba, base::Bytes block) const {
  const std::vector<WriteId> writers = WritersOf(lba, block);
  if (writers.empty()) return absl::StrCat("block ", lba, " holds what nobody wrote there");
  // What was answered before a durable write was even sent is gone for good.
  WriteId durable = 0;
  for (const WriteId id : by_block_[lba]) {
    if (IsDurable(writes_[id]) && writes_[id].sent > writes_[durable].sent) durable = id;
  }
  for (const WriteId id : writers) {
    const Write& write = writes_[id];
    if (!write.answered.has_value() || *write.answered >= writes_[durable].sent) return "";
  }
  return absl::StrCat("block ", lba, " holds write ", writers.back(), ", which write ", durable,
                      " replaced: that was promised to be on the medium");
}

std::string Ledger::Read(uint64_t lba, base::Bytes block, Instant sent, bool durable) {
  const std::vector<WriteId> writers = WritersOf(lba, block);
  if (writers.empty()) {
    // The system's page cache lets one read what another is just copying there.
    const bool under_way =
        std::any_of(by_block_[lba].begin(), by_block_[lba].end(), [this, sent](WriteId id) {
          return !writes_[id].answered.has_value() || *writes_[id].answered > sent;
        });
    return under_way ? "" : absl::StrCat("of block ", lba, " was read what nobody wrote there");
  }
  WriteId newest = 0;  // of those that were answered before this was sent
  for (const WriteId id : by_block_[lba]) {
    const Write& write = writes_[id];
    const bool before = write.answered.has_value() && *write.answered < sent;
    if (before && write.sent > writes_[newest].sent) newest = id;
  }
  std::vector<WriteId> possible;
  for (const WriteId id : writers) {
    const Write& write = writes_[id];
    if (!write.answered.has_value() || *write.answered >= writes_[newest].sent) {
      possible.push_back(id);
    }
  }
  if (possible.empty()) {
    return absl::StrCat("of block ", lba, " was read write ", writers.back(), " after write ",
                        newest);
  }
  // Of zeros nobody knows whose they are.
  if (durable && possible.size() == 1 && !writes_[possible[0]].durable) {
    Log(absl::StrCat("durable ", possible[0]));
    writes_[possible[0]].durable = true;
  }
  return "";
}

}  // namespace pushpull::tools
