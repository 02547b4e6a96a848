// Where a target is, as users write it:
//
//   tcp://HOST[:3260][/IQN[/LUN]]    HOST: a name, an IPv4 address, an IPv6 address in brackets
//   iser://HOST[:3260][/IQN[/LUN]]
//   embedded:  embedded-sim:  embedded-iser:     the reference target in this process

#ifndef TOOLS_ENDPOINTS_URI_H_
#define TOOLS_ENDPOINTS_URI_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "fabric/stream.h"

namespace pushpull::tools {

struct TargetUri {
  enum class Kind { kTcp, kIser, kEmbedded, kEmbeddedSim, kEmbeddedIser };

  Kind kind = Kind::kEmbedded;
  fabric::Address address;  // of kTcp and kIser
  std::string target_name;  // empty: by discovery
  std::optional<uint64_t> lun;
  std::string text;  // as it was written
};

// INVALID_ARGUMENT says what is wrong and shows the forms that there are; a form whose transport
// isn't wired is wrong, too.
absl::StatusOr<TargetUri> ParseTargetUri(std::string_view text);

// A form of target, in the one table that errors, help and the factory go by.
struct TargetScheme {
  TargetUri::Kind kind;
  std::string_view begin;  // "tcp://"; of an embedded target all of it
  std::string_view form;   // "tcp://HOST[:PORT][/IQN[/LUN]]"
  std::string_view meaning;
  bool remote;
  bool wired;  // MakeEndpointFactory makes it
};
std::span<const TargetScheme> TargetSchemes();

// Those that are wired, with what they mean: for --help. Without `meanings`: "FORM, FORM".
std::string TargetForms(bool meanings);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_URI_H_
