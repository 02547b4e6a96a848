#include "fuzz/session/target_of_settings.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/log.h"
#include "fuzz/session/chap_of_target.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/config.h"
#include "target/login/status.h"

namespace pushpull::fuzz {
namespace {

using target::LoginStatus;

constexpr char kName[] = "iqn.2026-11.org.pushpull:reference";
constexpr int kUnits = 3;

struct UnitKind {
  const char* spec;
  uint32_t block_size = 512;
  uint32_t physical_block_size = 512;
  uint32_t lowest_aligned_lba = 0;
  bool write_protected = false;
  bool forgets_writes = false;
};
constexpr UnitKind kUnitKinds[] = {
    {"ram:1M"},
    {"slow:20,ram:1M"},
    {.spec = "pattern:1M", .write_protected = true},
    {.spec = "null:1M", .forgets_writes = true},
    {"ram:1M", 4096, 4096},
    {"ram:1M", 512, 4096, 7},
};
constexpr uint64_t kUnitBytes = 1 << 20;

const UnitKind& KindOf(const Settings& settings) {
  return kUnitKinds[settings.Within(Setting::kUnit, 0, std::size(kUnitKinds) - 1).value_or(0)];
}

void TakeLimits(const Settings& settings, v1::NegotiationLimits* limits) {
  const auto take = [&](Setting setting, uint64_t least, uint64_t most, auto set) {
    if (const auto number = settings.Within(setting, least, most)) {
      (limits->*set)(static_cast<uint32_t>(*number));
    }
  };
  using L = v1::NegotiationLimits;
  constexpr uint64_t kMostBytes = 0xffffff;
  take(Setting::kDataSegment, 512, kMostBytes, &L::set_max_recv_data_segment_length);
  take(Setting::kMaxBurst, 512, kMostBytes, &L::set_max_burst_length);
  if (const auto first = settings.Within(Setting::kFirstBurst, 512, kMostBytes)) {
    constexpr uint32_t kDefault = 1 << 20;
    const uint32_t most = limits->has_max_burst_length() ? limits->max_burst_length() : kDefault;
    limits->set_first_burst_length(std::min(static_cast<uint32_t>(*first), most));
  }
  take(Setting::kMaxR2ts, 1, 65535, &L::set_max_outstanding_r2t);
  take(Setting::kTime2Wait, 0, 3600, &L::set_default_time2wait);
  take(Setting::kTime2Retain, 0, 3600, &L::set_default_time2retain);
  take(Setting::kIserSegment, 512, kMostBytes, &L::set_initiator_recv_data_segment_length);
  take(Setting::kUnexpectedPdus, 2, 1024, &L::set_max_outstanding_unexpected_pdus);
  take(Setting::kQueueDepth, 1, 1024, &L::set_queue_depth);
  take(Setting::kMaxLogins, 1, 1024, &L::set_max_logins);
  take(Setting::kLoginTimeoutMs, 100, 60'000, &L::set_login_timeout_ms);
  if (const auto bytes = settings.Within(Setting::kBufferBytes, 1, 1 << 30)) {
    limits->set_buffer_bytes(*bytes);
  }
  if (const auto on = settings.Get(Setting::kInitialR2t)) limits->set_initial_r2t(*on != 0);
  if (const auto on = settings.Get(Setting::kImmediateData)) limits->set_immediate_data(*on != 0);
  if (const auto on = settings.Get(Setting::kDigests)) {
    limits->set_header_digest(*on != 0);
    limits->set_data_digest(*on != 0);
  }
}

v1::TargetConfig ConfigOf(const Settings& settings) {
  v1::TargetConfig config;
  config.set_name(kName);
  for (int i = 0; i < kUnits; ++i) {
    const UnitKind& kind = i == 0 ? KindOf(settings) : kUnitKinds[0];
    v1::LunConfig* const unit = config.add_lun();
    unit->set_number(static_cast<uint32_t>(i));
    unit->set_spec(kind.spec);
    unit->set_block_size(kind.block_size);
    unit->set_physical_block_size(kind.physical_block_size);
    unit->set_lowest_aligned_lba(kind.lowest_aligned_lba);
  }
  TakeLimits(settings, config.mutable_limits());
  if (const auto seed = settings.Get(Setting::kVariation)) {
    config.set_legal_variation(*seed);
    config.set_legal_variation_plain_text(settings.Is(Setting::kPlainText, 1));
  }
  config.set_iser_dialect(settings.Is(Setting::kDialect, 1) ? "permissive" : "rfc7145");
  return config;
}

// The player's own initiator is among those who get in.
std::vector<target::AccessRule> AccessRules() {
  return {
      {.initiator = "*:denied", .status = LoginStatus::kAuthorizationFailure},
      {.initiator = "*:Moved",
       .status = LoginStatus::kTargetMovedTemporarily,
       .redirect_addresses = {"192.0.2.9:3260"}},
      {.initiator = "*:moved*forever",
       .status = LoginStatus::kTargetMovedPermanently,
       .redirect_addresses = {"192.0.2.9"}},
      {.initiator = "*:removed", .status = LoginStatus::kTargetRemoved},
      {.initiator = "*:unavailable", .status = LoginStatus::kServiceUnavailable},
      {.initiator = "iqn.*",
       .portal = {.host = "192.0.2.3"},
       .status = LoginStatus::kTargetRemoved},
      {.initiator = "iqn.*", .portal = {.host = "192.0.2.2", .port = 3260}},
  };
}

void TakeChap(const Settings& settings, target::TargetOptions* options) {
  const uint64_t kind = settings.Within(Setting::kChap, 0, 4).value_or(0);
  if (kind == 0) return;
  options->chap = ChapOptionsOf(OwnChapCredentials());
  options->chap->optional = kind == 2;
  options->chap->base64 = kind == 3;
  if (kind == 3) options->chap->challenge_length = 16;
  options->node.open_discovery = kind == 4;
}

// Whoever logs what a peer sent must not let it end the line, or say anything to a terminal.
void CheckLine(const base::LogLine& line, const std::function<void(std::string)>& complain) {
  const std::string text = base::ToString(line);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      return complain(absl::StrCat("a log line of ", std::string(line.event), " has byte ",
                                   static_cast<int>(byte)));
    }
  }
}

// Reads all that it is shown.
uint64_t SumOf(const target::TapPdu& pdu) {
  uint64_t sum = 0;
  const auto add = [&sum](base::Bytes bytes) {
    for (const uint8_t byte : bytes) sum += byte;
  };
  add(pdu.bhs.bytes());
  add(pdu.ahs);
  for (const base::Bytes piece : pdu.data) add(piece);
  return sum;
}

}  // namespace

ChosenTarget TargetOfSettings(const Settings& settings, const target::BugSet& bugs, uint64_t seed,
                              std::function<void(std::string)> complain) {
  auto options = target::OptionsFromConfig(target::LoadedConfig(ConfigOf(settings)));
  CHECK(options.ok()) << options.status().ToString();
  target::NodeOptions& node = options->node;
  node.bugs = bugs;
  node.seed = seed;
  options->entropy = target::SeededEntropy(seed);
  TakeChap(settings, &*options);
  if (settings.Is(Setting::kAccess, 1)) node.access = AccessRules();
  if (const auto ms = settings.Within(Setting::kPingMs, 100, 60'000)) {
    node.ping_interval = absl::Milliseconds(static_cast<int64_t>(*ms));
  }
  if (const auto bytes = settings.Within(Setting::kSessionBuffer, 1, 1 << 30)) {
    node.session_buffer_bytes = *bytes;
  }
  if (const auto most = settings.Within(Setting::kMaxSessions, 1, 4096)) {
    node.max_sessions = static_cast<uint32_t>(*most);
  }
  if (settings.Is(Setting::kLog, 1)) {
    node.log = base::Logger(base::LogLevel::kDebug,
                            [complain](const base::LogLine& line) { CheckLine(line, complain); });
  }
  if (settings.Is(Setting::kTap, 1)) {
    node.tap = [](const target::TapPdu& pdu) {
      [[maybe_unused]] volatile uint64_t sum = SumOf(pdu);
    };
  }
  ChosenTarget chosen{*std::move(options), {}};
  const UnitKind& kind = KindOf(settings);
  chosen.facts.target_name = kName;
  for (uint64_t i = 0; i < kUnits; ++i) chosen.facts.luns.push_back(i);
  chosen.facts.block_size = kind.block_size;
  chosen.facts.block_count = kUnitBytes / kind.block_size;
  chosen.facts.write_protected = kind.write_protected;
  chosen.facts.forgets_writes = kind.forgets_writes;
  return chosen;
}

fabric::SimOptions NetworkOfSettings(const Settings& settings) {
  fabric::SimDirection direction;
  if (const auto bytes = settings.Within(Setting::kNetworkChunk, 512, 1 << 20)) {
    direction.max_read_bytes = direction.max_write_bytes = *bytes;
    direction.random_reads = direction.random_writes = true;
  }
  if (const auto bytes = settings.Within(Setting::kNetworkBuffer, 512, 1 << 20)) {
    direction.buffer_bytes = *bytes;
  }
  if (settings.Is(Setting::kNetworkBlocks, 1)) {
    direction.read_block_percent = direction.write_block_percent = 30;
  }
  fabric::SimOptions options = fabric::SimOptions::Both(direction);
  if (settings.Is(Setting::kNetworkBlocks, 1)) options.spurious_wake_percent = 20;
  return options;
}

}  // namespace pushpull::fuzz
