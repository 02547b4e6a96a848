#include "tools/pushpull/administration.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fabric/unix_listener.h"

namespace pushpull::tools {
namespace {

constexpr int kMostWaiting = 1000;

}  // namespace

ErrorLog::ErrorLog(base::LogLevel level)
    : logger_(level, [this](const base::LogLine& line) { Take(line); }) {}

void ErrorLog::Take(const base::LogLine& line) {
  if (waiting_.fetch_add(1) >= kMostWaiting) {
    waiting_.fetch_sub(1);
    left_out_.fetch_add(1);
    return;
  }
  thread_.loop()->Post([this, text = base::ToString(line)] {
    if (const int left_out = left_out_.exchange(0); left_out > 0) {
      Write(absl::StrCat("pushpull: ", left_out, " ", left_out == 1 ? "line" : "lines",
                         " of the log ", left_out == 1 ? "was" : "were", " left out"));
    }
    Write(text);
    waiting_.fetch_sub(1);
  });
}

// A pipe that has room takes PIPE_BUF bytes without waiting: no more than that at one time.
void ErrorLog::Write(std::string line) {
  if (line.size() > PIPE_BUF - 1) line.resize(PIPE_BUF - 1);
  line += '\n';
  for (size_t sent = 0; sent < line.size();) {
    if (!AwaitRoom()) return;
    const ssize_t size = write(STDERR_FILENO, line.data() + sent, line.size() - sent);
    if (size < 0 && errno != EINTR && errno != EAGAIN) return;
    if (size > 0) sent += static_cast<size_t>(size);
  }
}

// False: the end has begun, and nobody takes anything.
bool ErrorLog::AwaitRoom() {
  constexpr int kSliceMs = 50;
  constexpr int kSlicesAtTheEnd = 20;
  for (int slices = 0; !given_up_;) {
    pollfd error{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (poll(&error, 1, kSliceMs) > 0) return true;
    if (ending_ && ++slices >= kSlicesAtTheEnd) given_up_ = true;
  }
  return false;
}

Administration::~Administration() { Close(); }

void Administration::Close() {
  thread_.Call([this] {
    listener_.reset();
    server_.reset();
  });
}

absl::Status Administration::Open(const std::string& path, target::Target* target, Stop stop,
                                  const base::Logger& log) {
  absl::Status status;
  thread_.Call([&] {
    target::AdminOptions options;
    options.stop = std::move(stop);
    options.log = log;
    server_ = std::make_unique<target::AdminServer>(target, thread_.loop(), std::move(options));
    auto listener = fabric::UnixListen(
        thread_.loop(), path,
        [this](std::unique_ptr<fabric::Stream> stream) { server_->Accept(std::move(stream)); });
    status = listener.status();
    if (listener.ok()) listener_ = *std::move(listener);
  });
  return status;
}

void NotifyServiceManager(const std::string& state) {
  const char* const name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address = {};
  const std::string path = name == nullptr ? "" : name;
  if (path.empty() || path.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';  // not in the file system
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
         size);
  close(fd);
}

}  // namespace pushpull::tools
