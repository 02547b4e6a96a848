#include "tools/endpoints/uri.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace pushpull::tools {
namespace {

constexpr uint16_t kDefaultPort = 3260;  // RFC 7143 §15
constexpr char kForms[] = "; the forms are tcp://HOST[:PORT][/IQN[/LUN]], embedded:, embedded-sim:";

absl::Status Wrong(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", base::ToAbsl(text), "\": ", base::ToAbsl(what), kForms));
}

// HOST[:PORT], IPv6 in brackets.
absl::Status ParseAuthority(std::string_view text, std::string_view authority,
                            fabric::Address* address) {
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return Wrong(text, "the bracket isn't closed");
    address->host = std::string(authority.substr(1, end - 1));
    port = authority.substr(end + 1);
  } else {
    const size_t colon = authority.find(':');
    if (colon != std::string_view::npos &&
        authority.find(':', colon + 1) != std::string_view::npos) {
      return Wrong(text, "an IPv6 address stands in brackets: [::1]");
    }
    address->host = std::string(authority.substr(0, colon));
    port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
  }
  if (address->host.empty()) return Wrong(text, "there is no host");
  address->port = kDefaultPort;
  if (port.empty()) return absl::OkStatus();
  uint32_t number = 0;
  if (port[0] != ':' || !absl::SimpleAtoi(base::ToAbsl(port.substr(1)), &number) ||
      number > 65535) {
    return Wrong(text, "a port is a number from 0 to 65535");
  }
  address->port = static_cast<uint16_t>(number);
  return absl::OkStatus();
}

// /IQN[/LUN]
absl::Status ParsePath(std::string_view text, std::string_view path, TargetUri* uri) {
  if (path.empty() || path == "/") return absl::OkStatus();
  path.remove_prefix(1);
  const size_t slash = path.find('/');
  uri->target_name = std::string(path.substr(0, slash));
  if (uri->target_name.empty()) return Wrong(text, "the target's name is empty");
  if (uri->target_name.size() > 223) return Wrong(text, "a name has at most 223 bytes");
  if (slash == std::string_view::npos || slash + 1 == path.size()) return absl::OkStatus();
  uint64_t lun = 0;
  if (!absl::SimpleAtoi(base::ToAbsl(path.substr(slash + 1)), &lun) || lun > 16383) {
    return Wrong(text, "a LUN is a number from 0 to 16383");
  }
  uri->lun = lun;
  return absl::OkStatus();
}

absl::StatusOr<TargetUri> ParseRemote(std::string_view text, TargetUri::Kind kind,
                                      std::string_view rest) {
  TargetUri uri;
  uri.kind = kind;
  uri.text = std::string(text);
  const size_t slash = rest.find('/');
  if (absl::Status status = ParseAuthority(text, rest.substr(0, slash), &uri.address);
      !status.ok()) {
    return status;
  }
  const std::string_view path =
      slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  if (absl::Status status = ParsePath(text, path, &uri); !status.ok()) return status;
  return uri;
}

}  // namespace

absl::StatusOr<TargetUri> ParseTargetUri(std::string_view text) {
  constexpr std::string_view kTcp = "tcp://", kIser = "iser://";
  if (text.starts_with(kTcp)) {
    auto uri = ParseRemote(text, TargetUri::Kind::kTcp, text.substr(kTcp.size()));
    if (uri.ok() && uri->address.port == 0) return Wrong(text, "port 0 can't be connected to");
    return uri;
  }
  if (text.starts_with(kIser)) {
    return ParseRemote(text, TargetUri::Kind::kIser, text.substr(kIser.size()));
  }
  TargetUri uri;
  uri.text = std::string(text);
  const std::pair<std::string_view, TargetUri::Kind> kEmbedded[] = {
      {"embedded:", TargetUri::Kind::kEmbedded},
      {"embedded-sim:", TargetUri::Kind::kEmbeddedSim},
      {"embedded-iser:", TargetUri::Kind::kEmbeddedIser},
  };
  for (const auto& [name, kind] : kEmbedded) {
    if (text != name) continue;
    uri.kind = kind;
    return uri;
  }
  return Wrong(text, "this is no target");
}

}  // namespace pushpull::tools
