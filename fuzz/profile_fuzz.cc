// Profiles of any text: told what is wrong, or read; and rewritten they are still right.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/check.h"
#include "conformance/runner/profile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace conformance = pushpull::conformance;
  std::string text(reinterpret_cast<const char*>(data), size);
  const auto file = conformance::ParseProfile(std::move(text), "input.textproto", {});
  if (!file.ok()) {
    CHECK(!file.status().message().empty());
    return 0;
  }
  constexpr char kAdded[] = "added/by \"fuzzing\"";
  for (const auto& entry : file->profile.expect()) {
    if (entry.id() == kAdded) return 0;
  }
  conformance::ProfileRepair repair;
  if (!file->expect.empty()) repair.drop.insert(0);
  repair.add.emplace_back().set_id(kAdded);
  repair.add.back().set_reason("why");
  const std::string repaired = conformance::Repaired(*file, repair);
  const auto again = conformance::ParseProfile(repaired, "again.textproto", {});
  CHECK(again.ok()) << again.status().ToString() << "\n" << repaired;
  CHECK_EQ(again->profile.expect_size(),
           file->profile.expect_size() + 1 - static_cast<int>(repair.drop.size()));
  return 0;
}
