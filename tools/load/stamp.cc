#include "tools/load/stamp.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace pushpull::tools {
namespace {

constexpr uint64_t kMagic = 0x50757368'4c6f6164;  // "PushLoad"
constexpr size_t kHead = 24;

// SplitMix64.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::string Describe(const Stamp& stamp) {
  return absl::StrCat("LBA ", stamp.lba, ", session ", stamp.session, ", generation ",
                      stamp.generation);
}

}  // namespace

void FillBlock(const Stamp& stamp, base::MutableBytes block) {
  CHECK(block.size() >= kHead + 8 && block.size() % 8 == 0);
  base::StoreBe64(&block[0], kMagic);
  base::StoreBe64(&block[8], stamp.lba);
  base::StoreBe32(&block[16], stamp.session);
  base::StoreBe32(&block[20], stamp.generation);
  const uint64_t key = Mix(stamp.lba ^ Mix(uint64_t{stamp.session} << 32 | stamp.generation));
  for (size_t at = kHead; at < block.size(); at += 8) base::StoreBe64(&block[at], Mix(key + at));
}

std::string CheckBlock(const Stamp& due, base::Bytes block) {
  std::vector<uint8_t> right(block.size());
  FillBlock(due, right);
  const auto [wrong, same] = std::mismatch(block.begin(), block.end(), right.begin());
  if (wrong == block.end()) return "";
  const std::string wanted = absl::StrCat("is not that of ", Describe(due));
  const auto at = wrong - block.begin();
  if (base::LoadBe64(block.data()) != kMagic) {
    const bool zeros = std::all_of(block.begin(), block.end(), [](uint8_t b) { return b == 0; });
    return absl::StrCat("the block ", wanted, zeros ? ": it is all zeros" : ": it is no such block",
                        ", wrong from byte ", at, " on");
  }
  const Stamp found = {base::LoadBe64(&block[8]), base::LoadBe32(&block[16]),
                       base::LoadBe32(&block[20])};
  if (found != due) return absl::StrCat("the block ", wanted, ", but of ", Describe(found));
  return absl::StrCat("the block ", wanted, ", though it says so: wrong from byte ", at, " on");
}

}  // namespace pushpull::tools
