#include "fuzz/session/settings.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace pushpull::fuzz {
namespace {

constexpr size_t kSettings = static_cast<size_t>(Setting::kCount);

constexpr uint64_t kSeeds[] = {1, 2, 3, 4, 5, 6, 7, 8, 17, 99, 1000, 123456789};
constexpr uint64_t kSwitch[] = {0, 1};
constexpr uint64_t kFew[] = {1, 2, 3};
constexpr uint64_t kKinds[] = {0, 1, 2, 3, 4, 5};
constexpr uint64_t kTimesMs[] = {1, 100, 1000, 5000, 30000};
constexpr uint64_t kBytes[] = {1, 512, 4096, 65536, 262144, 1048576};
constexpr uint64_t kCounts[] = {1, 2, 3, 4, 8, 32};
constexpr uint64_t kLengths[] = {512, 1024, 4096, 8192, 65536, 262144};
constexpr uint64_t kSeconds[] = {0, 1, 5, 60, 3600};

// In the order of Setting.
constexpr std::array<NamedNumbers, kSettings> kAll = {{
    {"target_variation", kSeeds},
    {"target_plain_text", kSwitch},
    {"target_loops", kFew},
    {"target_access", kSwitch},
    {"target_chap", kKinds},
    {"target_log", kSwitch},
    {"target_tap", kSwitch},
    {"target_ping_ms", kTimesMs},
    {"target_unit", kKinds},
    {"target_buffer_bytes", kBytes},
    {"target_session_buffer_bytes", kBytes},
    {"target_queue_depth", kCounts},
    {"target_max_logins", kCounts},
    {"target_max_sessions", kCounts},
    {"target_login_timeout_ms", kTimesMs},
    {"target_max_recv_data_segment_length", kLengths},
    {"target_max_burst_length", kLengths},
    {"target_first_burst_length", kLengths},
    {"target_max_outstanding_r2t", kCounts},
    {"target_initial_r2t", kSwitch},
    {"target_immediate_data", kSwitch},
    {"target_digests", kSwitch},
    {"target_default_time2wait", kSeconds},
    {"target_default_time2retain", kSeconds},
    {"target_initiator_recv_data_segment_length", kLengths},
    {"target_max_outstanding_unexpected_pdus", kCounts},
    {"target_iser_dialect", kSwitch},
    {"network_chunk_bytes", kLengths},
    {"network_buffer_bytes", kLengths},
    {"network_blocks", kSwitch},
}};

}  // namespace

std::span<const NamedNumbers> AllSettings() { return kAll; }

Settings::Settings(const v1::Scenario& scenario) {
  for (const v1::Variable& variable : scenario.let()) {
    const auto named = std::find_if(kAll.begin(), kAll.end(), [&](const NamedNumbers& one) {
      return one.name == variable.name();
    });
    if (named == kAll.end() || !variable.has_number()) continue;
    Set(static_cast<Setting>(named - kAll.begin()), variable.number());
  }
}

void Settings::Set(Setting setting, uint64_t number) {
  numbers_[static_cast<size_t>(setting)] = number;
}

std::optional<uint64_t> Settings::Get(Setting setting) const {
  return numbers_[static_cast<size_t>(setting)];
}

std::optional<uint64_t> Settings::Within(Setting setting, uint64_t least, uint64_t most) const {
  const std::optional<uint64_t> number = Get(setting);
  if (!number.has_value()) return std::nullopt;
  return std::clamp(*number, least, most);
}

}  // namespace pushpull::fuzz
