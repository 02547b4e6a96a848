#include "target/config.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "base/status.h"
#include "base/text.h"
#include "base/text_proto.h"
#include "target/auth_config.h"
#include "target/bugs/bugs.h"
#include "target/iser/dialect.h"
#include "target/negotiation/limits_config.h"
#include "target/reservation_file.h"
#include "target/save_thread.h"
#include "target/store/lun_spec.h"
#include "target/target_name.h"
#include "target/variation/device_choices.h"
#include "target/variation/target_choices.h"

namespace pushpull::target {
namespace {

constexpr uint32_t kMaxLun = 16383;
constexpr uint32_t kMaxSessions = 65535;  // a TSIH each
constexpr uint32_t kMaxQueueDepth = 65536;
constexpr uint16_t kIscsiPort = 3260;
constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kIser = "iser://";

absl::Status BadUri(std::string_view uri, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("listen \"", std::string(uri), "\": ", std::string(why),
                   "; right is tcp://HOST[:PORT] or iser://HOST[:PORT]"));
}

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

// A status whose message begins with the field, as it is called where it was said.
absl::Status Called(const LoadedConfig& loaded, const std::string& field,
                    const absl::Status& status) {
  absl::string_view rest = status.message();
  if (!absl::ConsumePrefix(&rest, field)) return status;
  return absl::Status(status.code(), absl::StrCat(loaded.NameOf(field), rest));
}

// The name of the field that an error begins with: "limits.NAME is ...".
std::string LimitOfMessage(std::string_view message) {
  constexpr std::string_view kBegin = "limits.";
  if (!message.starts_with(kBegin)) return "";
  message.remove_prefix(kBegin.size());
  return std::string(message.substr(0, message.find(' ')));
}

absl::StatusOr<LogicalUnitOptions> LogicalUnitFromConfig(const LoadedConfig& loaded, int index) {
  const v1::LunConfig& config = loaded.config().lun(index);
  const auto wrong = [&](const std::string& field, std::string_view message) {
    return loaded.At(Invalid(absl::StrCat("lun ", config.number(), ": ", std::string(message))),
                     "lun", index, field);
  };
  LogicalUnitOptions unit;
  if (config.number() > kMaxLun) return wrong("number", "numbers go from 0 to 16383");
  for (int other = 0; other < index; ++other) {
    if (loaded.config().lun(other).number() == config.number()) {
      return wrong("number", "there are two of this number");
    }
  }
  unit.number = static_cast<uint16_t>(config.number());
  unit.serial = config.serial();
  if (config.has_block_size()) unit.block_size = config.block_size();
  if (unit.block_size != 512 && unit.block_size != 4096) {
    return wrong("block_size", absl::StrCat("block_size ", unit.block_size, ": 512 or 4096"));
  }
  if (config.has_physical_block_size()) unit.physical_block_size = config.physical_block_size();
  const uint32_t physical = std::max(unit.physical_block_size, unit.block_size);
  if (config.has_physical_block_size() && physical != config.physical_block_size()) {
    return wrong("physical_block_size",
                 absl::StrCat("physical_block_size ", config.physical_block_size(),
                              ": less than the block size"));
  }
  if (physical != unit.block_size && physical != 4096) {
    return wrong("physical_block_size",
                 absl::StrCat("physical_block_size ", physical, ": 512 or 4096"));
  }
  if (config.lowest_aligned_lba() >= physical / unit.block_size) {
    return wrong(
        "lowest_aligned_lba",
        absl::StrCat("lowest_aligned_lba ", config.lowest_aligned_lba(), ": there are ",
                     physical / unit.block_size, " blocks in a physical block, so it can be 0 to ",
                     physical / unit.block_size - 1));
  }
  unit.lowest_aligned_lba = static_cast<uint16_t>(config.lowest_aligned_lba());
  const auto spec = ParseLunSpec(config.spec(), unit.block_size);
  if (!spec.ok()) return wrong("spec", base::FromAbsl(spec.status().message()));
  unit.read_only = spec->read_only;
  auto store = MakeStore(*spec, unit.block_size);
  if (!store.ok()) return wrong("spec", base::FromAbsl(store.status().message()));
  unit.store = *std::move(store);
  return unit;
}

absl::Status TakeLimits(const LoadedConfig& loaded, NodeOptions& node) {
  const v1::NegotiationLimits& config = loaded.config().limits();
  const auto limits = LimitsFromConfig(config);
  if (!limits.ok()) {
    return loaded.At(limits.status(), "limits", -1,
                     LimitOfMessage(base::FromAbsl(limits.status().message())));
  }
  node.limits = *limits;
  if (config.has_queue_depth()) {
    if (config.queue_depth() == 0 || config.queue_depth() > kMaxQueueDepth) {
      return loaded.At(Invalid(absl::StrCat("limits.queue_depth is ", config.queue_depth(),
                                            ", but can be 1 to ", kMaxQueueDepth)),
                       "limits", -1, "queue_depth");
    }
    node.queue_depth = config.queue_depth();
  }
  if (config.has_login_timeout_ms()) {
    if (config.login_timeout_ms() == 0) {
      return loaded.At(Invalid("limits.login_timeout_ms is 0: no login could ever end in time; "
                               "give the milliseconds that a login may take"),
                       "limits", -1, "login_timeout_ms");
    }
    node.login_timeout = absl::Milliseconds(config.login_timeout_ms());
  }
  if (config.has_max_logins()) {
    if (config.max_logins() == 0) {
      return loaded.At(Invalid("limits.max_logins is 0: nobody could ever log in; give how many "
                               "connections may be logging in at one time"),
                       "limits", -1, "max_logins");
    }
    node.max_logins = config.max_logins();
  }
  if (config.has_max_sessions()) {
    if (config.max_sessions() == 0 || config.max_sessions() > kMaxSessions) {
      return loaded.At(Invalid(absl::StrCat("limits.max_sessions is ", config.max_sessions(),
                                            ", but can be 1 to ", kMaxSessions)),
                       "limits", -1, "max_sessions");
    }
    node.max_sessions = config.max_sessions();
  }
  if (config.has_buffer_bytes()) {
    if (config.buffer_bytes() == 0) {
      return loaded.At(Invalid("limits.buffer_bytes is 0: no data could ever move; give how many "
                               "bytes of memory the data of all sessions may take"),
                       "limits", -1, "buffer_bytes");
    }
    node.buffer_bytes = config.buffer_bytes();
  }
  return absl::OkStatus();
}

absl::Status TakeNames(const LoadedConfig& loaded, NodeOptions& node) {
  const v1::TargetConfig& config = loaded.config();
  if (config.has_name()) {
    auto name = NormalizeTargetName(config.name());
    if (!name.ok()) return loaded.At(Called(loaded, "name", name.status()), "name");
    node.name = *std::move(name);
  }
  // An iSCSI-local-name-value in UTF-8 of at most 255 bytes (RFC 7143 §6.1, §13.6).
  if (config.alias().size() > 255 || config.alias().find('\0') != std::string::npos) {
    return loaded.At(Invalid("alias has more than 255 bytes, or a zero byte"), "alias");
  }
  node.alias = config.alias();
  if (config.target_portal_group_tag() > 0xffff) {
    return loaded.At(Invalid(absl::StrCat("target_portal_group_tag ",
                                          config.target_portal_group_tag(), " is above 65535")),
                     "target_portal_group_tag");
  }
  if (config.has_target_portal_group_tag()) {
    node.target_portal_group_tag = static_cast<uint16_t>(config.target_portal_group_tag());
  }
  return absl::OkStatus();
}

absl::Status TakeDialect(const LoadedConfig& loaded, IserDialect& dialect) {
  const std::string& name = loaded.config().iser_dialect();
  if (name.empty()) return absl::OkStatus();
  const auto add = [](std::string* to, const IserReadings& each) { to->append(each.name); };
  const std::optional<IserDialect> found = FindIserDialect(name);
  if (!found.has_value()) {
    return loaded.At(
        Invalid(absl::StrCat(loaded.NameOf("iser_dialect"), " \"", name, "\": there are ",
                             absl::StrJoin(AllIserReadings(), ", ", add))),
        "iser_dialect");
  }
  dialect = *found;
  return absl::OkStatus();
}

// After names and limits, which are the most that it grants.
absl::Status TakeVariation(const LoadedConfig& loaded, TargetOptions& options) {
  NodeOptions& node = options.node;
  const v1::TargetConfig& config = loaded.config();
  if (!config.has_legal_variation()) {
    const auto alone = [&](const std::string& field, const char* what) {
      return Invalid(absl::StrCat(loaded.NameOf(field), " goes with ",
                                  loaded.NameOf("legal_variation", field), "; without it ", what));
    };
    if (config.legal_variation_without_size() > 0) {
      constexpr char kWithout[] = "legal_variation_without";
      return loaded.At(alone(kWithout, "nothing varies"), kWithout, 0);
    }
    if (!config.legal_variation_plain_text()) return absl::OkStatus();
    constexpr char kPlain[] = "legal_variation_plain_text";
    return loaded.At(alone(kPlain, "all texts are plain"), kPlain);
  }
  node.legal_variation = config.legal_variation();
  node.plain_text = config.legal_variation_plain_text();
  for (const int freedom : config.legal_variation_without()) {
    node.spared.vendor_events |= freedom == v1::VENDOR_EVENTS;
    node.spared.empty_data_in |= freedom == v1::EMPTY_DATA_IN;
    node.spared.unit_attentions |= freedom == v1::UNIT_ATTENTIONS;
  }
  TargetChoices choices{.limits = std::move(node.limits),
                        .queue_depth = node.queue_depth,
                        .target_portal_group_tag = node.target_portal_group_tag,
                        .alias = std::move(node.alias)};
  choices = VaryTarget(config.legal_variation(), std::move(choices), node.plain_text);
  node.limits = std::move(choices.limits);
  node.queue_depth = choices.queue_depth;
  if (!config.has_target_portal_group_tag()) {
    node.target_portal_group_tag = choices.target_portal_group_tag;
  }
  node.alias = std::move(choices.alias);
  node.first_tsih = choices.first_tsih;
  options.device_choices = VaryDevice(~config.legal_variation());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Listening> ParseListenUri(std::string_view uri) {
  Listening listening{.iser = uri.starts_with(kIser), .address = {.host = {}, .port = kIscsiPort}};
  if (!listening.iser && !uri.starts_with(kTcp)) {
    return BadUri(uri, "it begins with neither tcp:// nor iser://");
  }
  std::string_view rest = uri.substr(listening.iser ? kIser.size() : kTcp.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('/') != std::string_view::npos) {
    return BadUri(uri, "it has a path, but a target's name is set by `name` or --name");
  }
  fabric::Address& address = listening.address;
  std::string_view port;
  if (rest.starts_with('[')) {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) return BadUri(uri, "']' is missing");
    address.host = std::string(rest.substr(1, end - 1));
    port = rest.substr(end + 1);
  } else {
    const size_t colon = rest.find(':');
    if (rest.find(':', colon + 1) != std::string_view::npos && colon != std::string_view::npos) {
      return BadUri(uri, "an IPv6 address needs brackets");
    }
    address.host = std::string(rest.substr(0, colon));
    port = colon == std::string_view::npos ? "" : rest.substr(colon);
  }
  if (port.empty()) return listening;
  uint32_t number = 0;
  if (!port.starts_with(':') || !absl::SimpleAtoi(std::string(port.substr(1)), &number) ||
      number > 0xffff) {
    return BadUri(uri, "the port is no number from 0 to 65535");
  }
  address.port = static_cast<uint16_t>(number);
  return listening;
}

absl::Status LoadedConfig::Load(const std::string& path) {
  PUSHPULL_ASSIGN_OR_RETURN(const std::string text, base::ReadTextFile(path));
  path_ = path;
  return base::ParseTextProto(text, path, &config_, &places_);
}

void LoadedConfig::Override(const v1::TargetConfig& over,
                            const std::map<std::string, std::string>& names) {
  const google::protobuf::Reflection& reflection = *over.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(over, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    if (field->name() == "bug") continue;  // they add up
    if (field->is_repeated()) reflection.ClearField(&config_, field);
    replaced_.insert(field->name());
    if (names.contains(field->name())) named_.insert(field->name());
  }
  names_.insert(names.begin(), names.end());
  config_.MergeFrom(over);
}

std::string LoadedConfig::NameOf(const std::string& field, const std::string& beside) const {
  const auto name = names_.find(field);
  const bool named = named_.contains(beside.empty() ? field : beside);
  return named && name != names_.end() ? name->second : field;
}

std::string LoadedConfig::Place(const std::string& field, int index,
                                const std::string& inner) const {
  if (path_.empty() || replaced_.contains(field)) return "";
  const auto* descriptor = v1::TargetConfig::descriptor()->FindFieldByName(field);
  CHECK(descriptor != nullptr) << field;
  auto place = places_.GetLocation(descriptor, index);
  if (!inner.empty()) {
    const auto* tree = places_.GetTreeForNested(descriptor, index);
    const auto* inner_descriptor = descriptor->message_type()->FindFieldByName(inner);
    if (tree != nullptr && inner_descriptor != nullptr) {
      const int first = inner_descriptor->is_repeated() ? 0 : -1;
      const auto inner_place = tree->GetLocation(inner_descriptor, first);
      if (inner_place.line >= 0) place = inner_place;
    }
  }
  if (place.line < 0) return "";
  return absl::StrCat(path_, ":", place.line + 1, ":", place.column + 1, ": ");
}

absl::Status LoadedConfig::At(const absl::Status& status, const std::string& field, int index,
                              const std::string& inner) const {
  return absl::Status(status.code(), absl::StrCat(Place(field, index, inner), status.message()));
}

absl::StatusOr<TargetOptions> OptionsFromConfig(const LoadedConfig& loaded) {
  TargetOptions options;
  const v1::TargetConfig& config = loaded.config();
  NodeOptions& node = options.node;
  // All that is wrong is told at once.
  std::vector<std::string> faults;
  const auto check = [&faults](const absl::Status& status) {
    if (!status.ok()) faults.emplace_back(status.message());
  };
  check(TakeNames(loaded, node));
  if (config.has_threads() && (config.threads() == 0 || config.threads() > kMaxThreads)) {
    check(loaded.At(
        Invalid(absl::StrCat("threads is ", config.threads(), ", but can be 1 to ", kMaxThreads)),
        "threads"));
  }
  check(TakeLimits(loaded, node));
  check(TakeVariation(loaded, options));
  check(TakeDialect(loaded, options.iser_dialect));
  check(TakeChap(loaded, options));
  check(TakeAccess(loaded, node));
  for (int i = 0; i < config.bug_size(); ++i) {
    const auto bug = ParseBugName(config.bug(i));
    check(loaded.At(bug.status(), "bug", i));
    if (bug.ok()) node.bugs.Add(*bug);
  }
  const auto saves = std::make_shared<SaveThread>();
  for (int i = 0; i < config.lun_size(); ++i) {
    absl::StatusOr<LogicalUnitOptions> unit = LogicalUnitFromConfig(loaded, i);
    check(unit.status());
    if (!unit.ok()) continue;
    if (!config.state_folder().empty()) {
      check(loaded.At(KeepReservations(config.state_folder(), node.name, saves, &*unit),
                      "state_folder"));
    }
    options.logical_units.push_back(*std::move(unit));
  }
  if (!faults.empty()) return Invalid(absl::StrJoin(faults, "\n"));
  return options;
}

absl::StatusOr<OperationOptions> OperationFromConfig(const LoadedConfig& loaded) {
  const v1::TargetConfig& config = loaded.config();
  OperationOptions options;
  options.admin_socket = config.admin();
  // Parameter3 of AsyncEvent 1 has 16 bits.
  constexpr uint32_t kMostMs = 65535 * 1000;
  if (config.stop_timeout_ms() > kMostMs) {
    return loaded.At(Invalid(absl::StrCat("stop_timeout_ms is ", config.stop_timeout_ms(),
                                          ", but can be 0 to ", kMostMs)),
                     "stop_timeout_ms");
  }
  if (config.has_stop_timeout_ms()) {
    options.stop_timeout = absl::Milliseconds(config.stop_timeout_ms());
  }
  if (config.log_level().empty()) return options;
  const std::optional<base::LogLevel> level = base::ParseLogLevel(config.log_level());
  if (!level.has_value()) {
    return loaded.At(Invalid(absl::StrCat(loaded.NameOf("log_level"), " \"", config.log_level(),
                                          "\": there are error, warning, info and debug")),
                     "log_level");
  }
  options.log_level = *level;
  return options;
}

absl::StatusOr<std::vector<Listening>> ListenAddresses(const LoadedConfig& loaded) {
  std::vector<Listening> addresses;
  for (int i = 0; i < loaded.config().listen_size(); ++i) {
    const std::string& uri = loaded.config().listen(i);
    auto address = ParseListenUri(uri);
    if (!address.ok()) return loaded.At(Called(loaded, "listen", address.status()), "listen", i);
    // Port 0 is another port each time.
    if (address->address.port != 0 &&
        std::find(addresses.begin(), addresses.end(), *address) != addresses.end()) {
      return loaded.At(
          Invalid(absl::StrCat(loaded.NameOf("listen"), " \"", uri, "\" is there twice")), "listen",
          i);
    }
    addresses.push_back(*std::move(address));
  }
  return addresses;
}

}  // namespace pushpull::target
