#include "tools/endpoints/embedded_target.h"

#include <utility>

#include "base/status.h"
#include "target/config.h"

namespace pushpull::tools {

absl::StatusOr<std::unique_ptr<target::Target>> MakeEmbeddedTarget(
    const target::BugSet& bugs, uint64_t seed, fabric::Network* network,
    std::vector<fabric::Loop*> loops, std::function<void(const target::TapPdu&)> tap,
    const WrapStore& wrap, const EmbeddedIser& iser, v1::TargetConfig config) {
  config.set_name(kEmbeddedTargetName);
  if (config.alias().empty()) config.set_alias("Pushpull's reference target");
  if (config.lun().empty()) {
    for (const char* spec : {"ram:64M", "ram:16M", "ram:16M"}) {
      const auto number = static_cast<uint32_t>(config.lun_size());
      v1::LunConfig* lun = config.add_lun();
      lun->set_number(number);
      lun->set_spec(spec);
    }
  }
  PUSHPULL_ASSIGN_OR_RETURN(target::TargetOptions options,
                            target::OptionsFromConfig(target::LoadedConfig(std::move(config))));
  options.node.bugs = bugs;
  options.node.seed = seed;
  options.node.tap = std::move(tap);
  options.iser_dialect = iser.dialect;
  if (wrap) {
    for (target::LogicalUnitOptions& unit : options.logical_units) {
      unit.store = wrap(unit.number, std::move(unit.store));
    }
  }
  return target::Target::Create(std::move(options), network, std::move(loops), iser.network);
}

}  // namespace pushpull::tools
