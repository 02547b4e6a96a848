#include "tools/endpoints/uri.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/text.h"

namespace pushpull::tools {
namespace {

constexpr uint16_t kDefaultPort = 3260;  // RFC 7143 §15

using Kind = TargetUri::Kind;
constexpr TargetScheme kSchemes[] = {
    {Kind::kTcp, "tcp://", "tcp://HOST[:PORT][/IQN[/LUN]]", "", true, true},
    {Kind::kIser, "iser://", "iser://HOST[:PORT][/IQN[/LUN]]", "over RDMA", true, true},
    {Kind::kEmbedded, "embedded:", "embedded:", "the reference target over loopback", false, true},
    {Kind::kEmbeddedSim, "embedded-sim:", "embedded-sim:", "over a simulated network", false, true},
    {Kind::kEmbeddedIser, "embedded-iser:", "embedded-iser:", "over a simulated RDMA network",
     false, true},
};

using base::ToAbsl;

absl::Status Wrong(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("\"", ToAbsl(text), "\": ", ToAbsl(what),
                                                 "; the forms are ", TargetForms(false)));
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
  if (port[0] != ':' || !absl::SimpleAtoi(ToAbsl(port.substr(1)), &number) || number > 65535) {
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
  if (!absl::SimpleAtoi(ToAbsl(path.substr(slash + 1)), &lun) || lun > 16383) {
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

std::span<const TargetScheme> TargetSchemes() { return kSchemes; }

std::string TargetForms(bool meanings) {
  std::vector<std::string> forms;
  for (const TargetScheme& scheme : kSchemes) {
    if (!scheme.wired) continue;
    forms.push_back(meanings && !scheme.meaning.empty()
                        ? absl::StrCat(ToAbsl(scheme.form), " (", ToAbsl(scheme.meaning), ")")
                        : std::string(scheme.form));
  }
  return absl::StrJoin(forms, ", ");
}

absl::StatusOr<TargetUri> ParseTargetUri(std::string_view text) {
  for (const TargetScheme& scheme : kSchemes) {
    if (scheme.remote ? !text.starts_with(scheme.begin) : text != scheme.begin) continue;
    if (!scheme.wired) return Wrong(text, "this version can't reach that");
    if (!scheme.remote) {
      TargetUri uri;
      uri.kind = scheme.kind;
      uri.text = std::string(text);
      return uri;
    }
    auto uri = ParseRemote(text, scheme.kind, text.substr(scheme.begin.size()));
    if (uri.ok() && uri->address.port == 0) return Wrong(text, "port 0 can't be connected to");
    return uri;
  }
  for (const TargetScheme& scheme : kSchemes) {
    const std::string_view name = scheme.begin.substr(0, scheme.begin.find(':'));
    if (text != name && !text.starts_with(std::string(name) + ":")) continue;
    if (scheme.remote) return Wrong(text, absl::StrCat(ToAbsl(scheme.begin), "HOST is due"));
    return Wrong(text, absl::StrCat("it is ", ToAbsl(scheme.begin), ", and nothing more"));
  }
  return Wrong(text, "this is no target");
}

}  // namespace pushpull::tools
