// Makes the endpoints that `pushpull run` plays against, from the URIs that the user gave.

#ifndef TOOLS_ENDPOINTS_ENDPOINTS_H_
#define TOOLS_ENDPOINTS_ENDPOINTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/play.h"
#include "initiator_sim/iser/dialect.h"
#include "initiator_sim/session/chap.h"
#include "tools/endpoints/uri.h"

namespace pushpull::tools {

struct EndpointOptions {
  std::vector<std::string> bugs;            // named defects of an embedded target
  std::optional<uint64_t> legal_variation;  // of an embedded target
  std::string bind;  // the address to connect from; empty: the system chooses
  // Who plays the cases, and the credentials that an embedded target then asks for (none: an empty
  // user).
  std::string initiator_name = conformance::PlaySettings().initiator_name;
  initiator_sim::ChapCredentials chap;
  // How an embedded target speaks iSER.
  initiator_sim::IserDialect iser_dialect = initiator_sim::IserDialect::kRfc7145;
};

// `uris`: the portals of one target, the first one foremost. INVALID_ARGUMENT: they don't go
// together, an option doesn't fit, or a defect has no such name.
absl::StatusOr<std::unique_ptr<conformance::EndpointFactory>> MakeEndpointFactory(
    const std::vector<TargetUri>& uris, const EndpointOptions& options);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_ENDPOINTS_H_
