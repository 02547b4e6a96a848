#include "tools/endpoints/embedded_target.h"

#include <utility>

#include "base/status.h"
#include "fuzz/session/chap_of_target.h"
#include "target/config.h"

namespace pushpull::tools {

std::optional<EmbeddedChap> EmbeddedAuth::Make() const {
  if (!given.has_value()) return std::nullopt;
  return EmbeddedChap{*given, initiator_name};
}

EmbeddedChap EmbeddedAuth::MakeWithChap() const {
  return {given.value_or(fuzz::OwnChapCredentials()), initiator_name};
}

const initiator_sim::ChapCredentials* EmbeddedAuth::chap() const {
  return given.has_value() ? nullptr : &fuzz::OwnChapCredentials();
}

absl::StatusOr<std::unique_ptr<target::Target>> MakeEmbeddedTarget(const EmbeddedOptions& embedded,
                                                                   EmbeddedParts parts) {
  v1::TargetConfig config = embedded.config;
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
  options.node.bugs = embedded.bugs;
  options.node.seed = parts.seed;
  options.node.tap = std::move(parts.tap);
  options.iser_dialect = parts.iser.dialect;
  if (parts.chap.has_value()) {
    options.chap = fuzz::ChapOptionsOf(parts.chap->credentials, {parts.chap->initiator_name});
  }
  options.entropy = target::SeededEntropy(parts.seed);
  if (embedded.wrap_store) {
    for (target::LogicalUnitOptions& unit : options.logical_units) {
      unit.store = embedded.wrap_store(unit.number, std::move(unit.store));
    }
  }
  return target::Target::Create(std::move(options), parts.network, std::move(parts.loops),
                                parts.iser.network);
}

}  // namespace pushpull::tools
