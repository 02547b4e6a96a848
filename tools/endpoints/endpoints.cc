#include "tools/endpoints/endpoints.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "target/bugs/bugs.h"
#include "tools/endpoints/embedded_iser.h"
#include "tools/endpoints/embedded_sim.h"
#include "tools/endpoints/embedded_target.h"
#include "tools/endpoints/embedded_tcp.h"
#include "tools/endpoints/remote_endpoint.h"

namespace pushpull::tools {
namespace {

bool Embedded(const TargetUri& uri) {
  return uri.kind != TargetUri::Kind::kTcp && uri.kind != TargetUri::Kind::kIser;
}

absl::Status CheckTogether(const std::vector<TargetUri>& uris, const EndpointOptions& options) {
  for (const TargetUri& uri : uris) {
    if (uri.kind != uris[0].kind) {
      return absl::InvalidArgumentError(absl::StrCat(
          uri.text, ": several --target are portals of one target, reached in the same way"));
    }
    if (uris.size() > 1 && Embedded(uri)) {
      return absl::InvalidArgumentError(
          absl::StrCat(uri.text, ": the embedded target has one portal: give one --target"));
    }
    if (uri.target_name != uris[0].target_name && !uri.target_name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          uri.text, ": several --target are portals of one target, so their names are the same"));
    }
  }
  if (!options.bugs.empty() && !Embedded(uris[0])) {
    return absl::InvalidArgumentError(
        absl::StrCat("--bug gives a defect to the embedded target, not to ", uris[0].text));
  }
  if (options.legal_variation.has_value() && !Embedded(uris[0])) {
    return absl::InvalidArgumentError(
        absl::StrCat("--legal-variation is for the embedded target, not for ", uris[0].text,
                     "; `pushpull target` has it, too"));
  }
  if (!options.bind.empty() && uris[0].kind != TargetUri::Kind::kTcp) {
    return absl::InvalidArgumentError("--bind is for targets on the network, over TCP");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<conformance::EndpointFactory>> MakeEndpointFactory(
    const std::vector<TargetUri>& uris, const EndpointOptions& options) {
  if (uris.empty()) return absl::InvalidArgumentError("there is no --target");
  PUSHPULL_RETURN_IF_ERROR(CheckTogether(uris, options));
  EmbeddedOptions embedded;
  for (const std::string& name : options.bugs) {
    PUSHPULL_ASSIGN_OR_RETURN(const target::Bug bug, target::ParseBugName(name));
    embedded.bugs.Add(bug);
  }
  if (options.legal_variation.has_value()) {
    embedded.config.set_legal_variation(*options.legal_variation);
  }
  embedded.auth.initiator_name = options.initiator_name;
  if (!options.chap.user.empty()) embedded.auth.given = options.chap;
  switch (uris[0].kind) {
    case TargetUri::Kind::kEmbedded:
      return MakeEmbeddedTcpFactory(std::move(embedded));
    case TargetUri::Kind::kEmbeddedSim:
      return MakeEmbeddedSimFactory({std::move(embedded)});
    case TargetUri::Kind::kEmbeddedIser: {
      EmbeddedIserOptions iser{std::move(embedded)};
      iser.dialect = options.iser_dialect == initiator_sim::IserDialect::kLinux
                         ? target::IserDialect::kLinux
                         : target::IserDialect::kRfc7145;
      return MakeEmbeddedIserFactory(std::move(iser));
    }
    case TargetUri::Kind::kTcp:
    case TargetUri::Kind::kIser:
      return MakeRemoteFactory(uris, options.bind);
  }
  return absl::InternalError(absl::StrCat(uris[0].text, ": is wired, and yet there is none"));
}

}  // namespace pushpull::tools
