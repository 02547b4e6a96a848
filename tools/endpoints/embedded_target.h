// The reference target as the embedded endpoints set it up.

#ifndef TOOLS_ENDPOINTS_EMBEDDED_TARGET_H_
#define TOOLS_ENDPOINTS_EMBEDDED_TARGET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/runner/play.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/stream.h"
#include "initiator_sim/session/chap.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/bugs/bugs.h"
#include "target/iser/dialect.h"
#include "target/session/node.h"
#include "target/store/store.h"
#include "target/target.h"

namespace pushpull::tools {

inline constexpr char kEmbeddedTargetName[] = "iqn.2026-11.org.pushpull:reference";

// What lies between a logical unit and its memory; may be empty.
using WrapStore =
    std::function<std::shared_ptr<target::Store>(uint16_t lun, std::shared_ptr<target::Store>)>;

// iSER, where it is served.
struct EmbeddedIser {
  fabric::RdmaNetwork* network = nullptr;
  target::IserDialect dialect = target::IserDialect::kRfc7145;
};

// CHAP that an embedded target asks for.
struct EmbeddedChap {
  initiator_sim::ChapCredentials credentials;
  std::string initiator_name;  // who alone may use them
};

// How embedded targets authenticate.
struct EmbeddedAuth {
  std::string initiator_name = conformance::PlaySettings().initiator_name;
  // Given by the user: all targets ask for CHAP. Else those of MakeWithChap() do, by credentials of
  // their own.
  std::optional<initiator_sim::ChapCredentials> given = {};

  // For EndpointFactory's functions of the same names.
  std::optional<EmbeddedChap> Make() const;
  EmbeddedChap MakeWithChap() const;
  const initiator_sim::ChapCredentials* chap() const;
};

// Of each target, however it is reached.
struct EmbeddedOptions {
  target::BugSet bugs;
  // Its limits and LUNs. Without LUNs: three disks in memory, of 512-byte blocks.
  v1::TargetConfig config;
  EmbeddedAuth auth = {};
  WrapStore wrap_store = {};
};

// What one of them is made of, beside its options.
struct EmbeddedParts {
  uint64_t seed = 1;
  std::optional<EmbeddedChap> chap = {};
  fabric::Network* network = nullptr;
  std::vector<fabric::Loop*> loops = {};
  std::function<void(const target::TapPdu&)> tap = {};
  EmbeddedIser iser = {};
};

// Under the embedded target's name; it doesn't listen yet.
absl::StatusOr<std::unique_ptr<target::Target>> MakeEmbeddedTarget(const EmbeddedOptions& options,
                                                                   EmbeddedParts parts);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_EMBEDDED_TARGET_H_
