#include "tools/endpoints/embedded_target.h"

#include <utility>

#include "base/status.h"
#include "target/store/lun_spec.h"

namespace pushpull::tools {

absl::StatusOr<std::unique_ptr<target::Target>> MakeEmbeddedTarget(
    const target::BugSet& bugs, uint64_t seed, fabric::Network* network,
    std::vector<fabric::Loop*> loops, std::function<void(const target::TapPdu&)> tap,
    const WrapStore& wrap, const EmbeddedIser& iser) {
  target::TargetOptions options;
  options.node.name = kEmbeddedTargetName;
  options.node.alias = "Pushpull's reference target";
  options.node.bugs = bugs;
  options.node.seed = seed;
  options.node.tap = std::move(tap);
  options.iser_dialect = iser.dialect;
  for (const char* spec : {"ram:64M", "ram:16M", "ram:16M"}) {
    PUSHPULL_ASSIGN_OR_RETURN(const target::LunSpec parsed, target::ParseLunSpec(spec));
    PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<target::Store> store, target::MakeStore(parsed));
    target::LogicalUnitOptions unit;
    unit.number = static_cast<uint16_t>(options.logical_units.size());
    if (wrap) {
      unit.store = wrap(unit.number, std::move(store));
    } else {
      unit.store = std::move(store);
    }
    options.logical_units.push_back(std::move(unit));
  }
  return target::Target::Create(std::move(options), network, std::move(loops), iser.network);
}

}  // namespace pushpull::tools
