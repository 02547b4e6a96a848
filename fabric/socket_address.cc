#include "fabric/socket_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "fabric/stream.h"

namespace pushpull::fabric {
namespace {

int GetAddresses(const Address& address, int flags, std::vector<SocketAddress>& out) {
  addrinfo hints = {};
  hints.ai_flags = flags | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  if (error != 0) return error;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, &freeaddrinfo);
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    SocketAddress& found = out.emplace_back();
    std::memcpy(&found.storage, info->ai_addr, info->ai_addrlen);
    found.size = info->ai_addrlen;
  }
  return 0;
}

Address NameOf(int fd, int (*get)(int, sockaddr*, socklen_t*)) {
  SocketAddress address;
  address.size = sizeof address.storage;
  return get(fd, address.get(), &address.size) == 0 ? address.ToAddress() : Address{};
}

}  // namespace

Address SocketAddress::ToAddress() const {
  if (family() != AF_INET && family() != AF_INET6) return {};  // a Unix socket has no port
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getnameinfo(get(), size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  constexpr char kMapped[] = "::ffff:";
  constexpr size_t kMappedSize = sizeof kMapped - 1;
  const bool mapped =
      std::strncmp(host, kMapped, kMappedSize) == 0 && std::strchr(host, '.') != nullptr;
  return {mapped ? host + kMappedSize : host, static_cast<uint16_t>(std::stoi(port))};
}

std::vector<SocketAddress> ParseAddress(const Address& address) {
  std::vector<SocketAddress> out;
  if (address.host == "localhost") {
    GetAddresses({"127.0.0.1", address.port}, AI_NUMERICHOST, out);
    GetAddresses({"::1", address.port}, AI_NUMERICHOST, out);
  } else if (address.host.empty()) {
    GetAddresses({"::", address.port}, AI_NUMERICHOST, out);
    GetAddresses({"0.0.0.0", address.port}, AI_NUMERICHOST, out);
  } else {
    GetAddresses(address, AI_NUMERICHOST, out);
  }
  return out;
}

absl::StatusOr<std::vector<SocketAddress>> ResolveBlocking(const Address& address) {
  std::vector<SocketAddress> out;
  const int error = GetAddresses(address, 0, out);
  if (error == 0 && !out.empty()) return out;
  return absl::UnavailableError(
      absl::StrCat("cannot find the address of ", address.host, ": ",
                   error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error),
                   "; check the name and the resolver, or give an IP address"));
}

Address LocalAddress(int fd) { return NameOf(fd, &getsockname); }
Address PeerAddress(int fd) { return NameOf(fd, &getpeername); }

}  // namespace pushpull::fabric
