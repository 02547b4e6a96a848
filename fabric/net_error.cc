#include "fabric/net_error.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fabric/stream.h"

namespace pushpull::fabric {
namespace {

struct Explanation {
  absl::StatusCode code;
  std::string text;
};

constexpr char kTooManyFiles[] = "too many open files; raise the limit (ulimit -n)";

Explanation ExplainConnect(int error, const std::string& from) {
  switch (error) {
    case ECONNREFUSED:
      return {absl::StatusCode::kUnavailable,
              "connection refused; check that the peer is started and listens on this port"};
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return {absl::StatusCode::kUnavailable,
              absl::StrCat(std::strerror(error), "; check the address and the route to it")};
    case ETIMEDOUT:
      return {absl::StatusCode::kUnavailable,
              "no answer; check the address, and that no firewall drops the packets"};
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
      return {absl::StatusCode::kUnavailable,
              absl::StrCat(std::strerror(error), "; the peer dropped the connection at once")};
    case EADDRNOTAVAIL:
    case EADDRINUSE:
      if (from.empty()) {
        return {absl::StatusCode::kResourceExhausted,
                "no local port is free; wait for old connections to end, or widen "
                "net.ipv4.ip_local_port_range"};
      }
      return {absl::StatusCode::kInvalidArgument,
              absl::StrCat(std::strerror(error), "; check that ", from,
                           " is an address of this machine (ip address) that is free")};
    case EACCES:
    case EPERM:
      return {
          absl::StatusCode::kPermissionDenied,
          absl::StrCat(std::strerror(error),
                       "; check this machine's firewall, and that this is no broadcast address")};
    case EMFILE:
    case ENFILE:
      return {absl::StatusCode::kResourceExhausted, kTooManyFiles};
    case EAFNOSUPPORT:
      return {absl::StatusCode::kUnavailable,
              "this machine has no such address family; use the other of IPv4 and IPv6"};
    default:
      return {absl::StatusCode::kUnavailable, std::strerror(error)};
  }
}

Explanation ExplainListen(int error, const Address& address) {
  switch (error) {
    case EADDRINUSE:
      return {absl::StatusCode::kAlreadyExists,
              absl::StrCat("address already in use: another process listens on ",
                           address.ToString(), "; end it, or choose another port (0: any)")};
    case EADDRNOTAVAIL:
      return {absl::StatusCode::kInvalidArgument,
              "not an address of this machine; see `ip address` for those it has"};
    case EACCES:
    case EPERM:
      return {absl::StatusCode::kPermissionDenied,
              absl::StrCat(std::strerror(error),
                           "; ports below 1024 need CAP_NET_BIND_SERVICE, choose a higher one")};
    case EMFILE:
    case ENFILE:
      return {absl::StatusCode::kResourceExhausted, kTooManyFiles};
    case EAFNOSUPPORT:
      return {absl::StatusCode::kInvalidArgument,
              "this machine has no such address family; use the other of IPv4 and IPv6"};
    default:
      return {absl::StatusCode::kUnavailable, std::strerror(error)};
  }
}

}  // namespace

absl::Status ConnectError(int error, const Address& peer, const Address* source) {
  const std::string from = source == nullptr ? "" : source->host;
  const Explanation explanation = ExplainConnect(error, from);
  return absl::Status(
      explanation.code,
      absl::StrCat("cannot connect to ", peer.ToString(),
                   from.empty() ? "" : absl::StrCat(" from ", from), ": ", explanation.text));
}

absl::Status ListenError(int error, const Address& address) {
  const Explanation explanation = ExplainListen(error, address);
  return absl::Status(explanation.code, absl::StrCat("cannot listen on ", address.ToString(), ": ",
                                                     explanation.text));
}

}  // namespace pushpull::fabric
