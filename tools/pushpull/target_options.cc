#include "tools/pushpull/target_options.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "target/bugs/bugs.h"
#include "target/negotiation/limits_config.h"
#include "target/store/lun_spec.h"

namespace pushpull::tools {
namespace {

constexpr uint32_t kMaxLun = 16383;
constexpr uint32_t kMaxThreads = 1024;

absl::StatusOr<target::LogicalUnitOptions> MakeLogicalUnit(const v1::LunConfig& config) {
  target::LogicalUnitOptions unit;
  if (config.number() > kMaxLun) {
    return absl::InvalidArgumentError(
        absl::StrCat("LUN ", config.number(), ": numbers go from 0 to ", kMaxLun));
  }
  unit.number = static_cast<uint16_t>(config.number());
  unit.serial = config.serial();
  unit.block_size = config.block_size() == 0 ? 512 : config.block_size();
  if (unit.block_size != 512 && unit.block_size != 4096) {
    return absl::InvalidArgumentError(absl::StrCat("LUN ", config.number(), ": block_size ",
                                                   unit.block_size, " is neither 512 nor 4096"));
  }
  PUSHPULL_ASSIGN_OR_RETURN(const target::LunSpec spec,
                            target::ParseLunSpec(config.spec(), unit.block_size));
  PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<target::Store> store,
                            target::MakeStore(spec, unit.block_size));
  unit.read_only = spec.read_only;
  unit.store = std::move(store);
  return unit;
}

}  // namespace

absl::StatusOr<target::TargetOptions> MakeTargetOptions(const v1::TargetConfig& config) {
  target::TargetOptions options;
  if (config.lun().empty()) {
    return absl::InvalidArgumentError("there is no LUN; give one: --lun ram:256M");
  }
  if (config.threads() > kMaxThreads) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads: ", config.threads(), " is above ", kMaxThreads));
  }
  for (const v1::LunConfig& lun : config.lun()) {
    PUSHPULL_ASSIGN_OR_RETURN(target::LogicalUnitOptions unit, MakeLogicalUnit(lun));
    options.logical_units.push_back(std::move(unit));
  }
  for (const std::string& name : config.bug()) {
    PUSHPULL_ASSIGN_OR_RETURN(const target::Bug bug, target::ParseBugName(name));
    options.node.bugs.Add(bug);
  }
  if (!config.name().empty()) options.node.name = config.name();
  options.node.alias = config.alias();
  if (config.target_portal_group_tag() > 65535) {
    return absl::InvalidArgumentError("target_portal_group_tag has 16 bits");
  }
  if (config.target_portal_group_tag() != 0) {
    options.node.target_portal_group_tag = static_cast<uint16_t>(config.target_portal_group_tag());
  }
  PUSHPULL_ASSIGN_OR_RETURN(options.node.limits, target::LimitsFromConfig(config.limits()));
  if (config.limits().has_queue_depth()) options.node.queue_depth = config.limits().queue_depth();
  if (config.limits().has_login_timeout_ms()) {
    options.node.login_timeout = absl::Milliseconds(config.limits().login_timeout_ms());
  }
  return options;
}

}  // namespace pushpull::tools
