#include "target/config.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "target/bugs/bugs.h"
#include "target/negotiation/limits_config.h"
#include "target/negotiation/values.h"
#include "target/store/lun_spec.h"

namespace pushpull::target {
namespace {

constexpr uint16_t kIscsiPort = 3260;
constexpr std::string_view kTcp = "tcp://";

absl::Status BadUri(std::string_view uri, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "listen \"", std::string(uri), "\": ", std::string(why), "; right is tcp://HOST[:PORT]"));
}

absl::StatusOr<LogicalUnitOptions> LogicalUnitFromConfig(const v1::LunConfig& config) {
  const auto in = [&config](const absl::Status& status) {
    return absl::Status(status.code(),
                        absl::StrCat("lun ", config.number(), ": ", std::string(status.message())));
  };
  LogicalUnitOptions unit;
  if (config.number() > 0x3fff) {
    return absl::InvalidArgumentError(
        absl::StrCat("lun ", config.number(), ": numbers go from 0 to 16383"));
  }
  unit.number = static_cast<uint16_t>(config.number());
  unit.serial = config.serial();
  if (config.block_size() != 0) unit.block_size = config.block_size();
  if (unit.block_size != 512 && unit.block_size != 4096) {
    return in(
        absl::InvalidArgumentError(absl::StrCat("block_size ", unit.block_size, ": 512 or 4096")));
  }
  const auto spec = ParseLunSpec(config.spec(), unit.block_size);
  if (!spec.ok()) return in(spec.status());
  unit.read_only = spec->read_only;
  auto store = MakeStore(*spec, unit.block_size);
  if (!store.ok()) return in(store.status());
  unit.store = *std::move(store);
  return unit;
}

}  // namespace

absl::StatusOr<fabric::Address> ParseListenUri(std::string_view uri) {
  if (!uri.starts_with(kTcp)) return BadUri(uri, "it doesn't begin with tcp://");
  std::string_view rest = uri.substr(kTcp.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  fabric::Address address{.host = {}, .port = kIscsiPort};
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
  if (port.empty()) return address;
  uint32_t number = 0;
  if (!port.starts_with(':') || !absl::SimpleAtoi(std::string(port.substr(1)), &number) ||
      number > 0xffff) {
    return BadUri(uri, "the port is no number from 0 to 65535");
  }
  address.port = static_cast<uint16_t>(number);
  return address;
}

absl::StatusOr<TargetOptions> OptionsFromConfig(const v1::TargetConfig& config) {
  TargetOptions options;
  NodeOptions& node = options.node;
  if (!config.name().empty()) node.name = config.name();
  if (!IsIscsiName(node.name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("name \"", node.name, "\" is no iSCSI name (iqn., eui. or naa.)"));
  }
  node.alias = config.alias();
  if (config.target_portal_group_tag() > 0xffff) {
    return absl::InvalidArgumentError("target_portal_group_tag is above 65535");
  }
  if (config.target_portal_group_tag() != 0) {
    node.target_portal_group_tag = static_cast<uint16_t>(config.target_portal_group_tag());
  }
  PUSHPULL_ASSIGN_OR_RETURN(node.limits, LimitsFromConfig(config.limits()));
  if (config.limits().has_queue_depth()) node.queue_depth = config.limits().queue_depth();
  if (config.limits().has_login_timeout_ms()) {
    node.login_timeout = absl::Milliseconds(config.limits().login_timeout_ms());
  }
  for (const std::string& name : config.bug()) {
    PUSHPULL_ASSIGN_OR_RETURN(const Bug bug, ParseBugName(name));
    node.bugs.Add(bug);
  }
  for (const v1::LunConfig& lun : config.lun()) {
    PUSHPULL_ASSIGN_OR_RETURN(LogicalUnitOptions unit, LogicalUnitFromConfig(lun));
    options.logical_units.push_back(std::move(unit));
  }
  return options;
}

absl::StatusOr<std::vector<fabric::Address>> ListenAddresses(const v1::TargetConfig& config) {
  std::vector<fabric::Address> addresses;
  for (const std::string& uri : config.listen()) {
    PUSHPULL_ASSIGN_OR_RETURN(fabric::Address address, ParseListenUri(uri));
    addresses.push_back(std::move(address));
  }
  return addresses;
}

}  // namespace pushpull::target
