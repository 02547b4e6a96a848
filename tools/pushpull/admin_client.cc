#include "tools/pushpull/admin_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace pushpull::tools {
namespace {

// Far above what a target with many sessions has to tell.
constexpr size_t kMostBytes = size_t{256} << 20;

class Socket {
 public:
  Socket() : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status Busy(const std::string& path) {
  return absl::UnavailableError(absl::StrCat(
      path,
      ": the target's admin socket is busy: too many are connected to it; ask again in a few "
      "seconds, or end those that hold it (`ss -xp` tells who is connected)"));
}

absl::Status Unanswered(const std::string& path) {
  return absl::UnavailableError(
      absl::StrCat(path,
                   ": the connection was closed without an answer: the target is ending, or has no "
                   "descriptors left (ulimit -n), or too many ask it at one time; ask again"));
}

absl::Status Lost(const std::string& path, int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) {
    return absl::UnavailableError(absl::StrCat(path, ": no answer in time"));
  }
  return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(error)));
}

absl::Status Connect(int fd, const std::string& path) {
  sockaddr_un address = {};
  if (path.size() >= sizeof address.sun_path) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": too long for the path of a socket"));
  }
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return absl::OkStatus();
  }
  std::string why = absl::StrCat(path, ": ", std::strerror(errno));
  if (errno == ENOENT || errno == ECONNREFUSED) {
    absl::StrAppend(&why, "; is the target running, with --admin-socket ", path, "?");
  } else if (errno == EACCES) {
    absl::StrAppend(&why, "; ask as the user that the target runs as, or as root");
  }
  return absl::UnavailableError(why);
}

absl::StatusOr<std::string> Exchange(int fd, const std::string& path, const std::string& request) {
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t size = send(fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EPIPE) break;  // why may have been said
    if (size < 0) return Lost(path, errno);
    sent += static_cast<size_t>(size);
  }
  std::string answer;
  std::array<char, 65536> bytes;
  while (answer.size() < kMostBytes) {
    const ssize_t size = recv(fd, bytes.data(), bytes.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    // So ends what was answered before the request was read.
    if (size == 0 || (size < 0 && errno == ECONNRESET)) {
      return answer.empty() ? absl::StatusOr<std::string>(Unanswered(path)) : answer;
    }
    if (size < 0) return Lost(path, errno);
    answer.append(bytes.data(), static_cast<size_t>(size));
  }
  return absl::UnavailableError(absl::StrCat(path, ": the answer doesn't end"));
}

// What stands in {"error": "..."}, or all of it.
std::string ErrorOf(const std::string& body) {
  constexpr char kBegin[] = "{\"error\": \"";
  const size_t end = body.rfind("\"}");
  if (body.rfind(kBegin, 0) != 0 || end == std::string::npos) return body;
  return body.substr(sizeof kBegin - 1, end - (sizeof kBegin - 1));
}

}  // namespace

absl::StatusOr<std::string> AskAdminSocket(const std::string& path, const std::string& method,
                                           const std::string& target, absl::Duration limit) {
  const Socket socket;
  if (socket.fd() < 0) return Lost(path, errno);
  const timeval timeout = absl::ToTimeval(limit);
  setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  if (absl::Status status = Connect(socket.fd(), path); !status.ok()) return status;
  const absl::StatusOr<std::string> answer = Exchange(
      socket.fd(), path, absl::StrCat(method, " ", target, " HTTP/1.0\r\nHost: localhost\r\n\r\n"));
  if (!answer.ok()) return answer.status();
  const size_t head = answer->find("\r\n\r\n");
  int status = 0;
  const bool is_http = answer->rfind("HTTP/1.", 0) == 0 && answer->size() > 12 &&
                       absl::SimpleAtoi(answer->substr(9, 3), &status);
  if (!is_http || head == std::string::npos) {
    return absl::UnavailableError(absl::StrCat(path, ": what answers there is no target"));
  }
  std::string body = answer->substr(head + 4);
  if (status == 200) return body;
  if (status == 503) return Busy(path);
  return absl::InvalidArgumentError(ErrorOf(body));
}

}  // namespace pushpull::tools
