#include "fabric/tcp_connect.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fabric/epoll_loop.h"
#include "fabric/net_error.h"
#include "fabric/socket_address.h"
#include "fabric/stream.h"
#include "fabric/tcp_stream.h"

namespace pushpull::fabric {
namespace {

void TryFrom(EpollLoop* loop, TcpConnectRequest request, size_t next, int error);

// One attempt, until the kernel has decided it. Owned by the loop.
class Attempt final : public EpollLoop::Watcher {
 public:
  Attempt(EpollLoop* loop, int fd, TcpConnectRequest request, size_t next)
      : loop_(loop), fd_(fd), request_(std::move(request)), next_(next) {}
  ~Attempt() override {
    if (fd_ >= 0) close(fd_);
  }

  void set_watch(EpollLoop::WatchId watch) { watch_ = watch; }
  TcpConnectRequest TakeRequest() { return std::move(request_); }

  void OnReadable() override { OnWritable(); }
  void OnWritable() override {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    sockaddr_storage peer;
    size = sizeof peer;
    if (error == 0 && getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
      if (errno == ENOTCONN) return;  // not decided yet
      error = errno;
    }
    loop_->Unwatch(watch_);  // this lives until the end of the turn
    if (error == 0 && LocalAddress(fd_) == PeerAddress(fd_)) {
      // The kernel chose the very port that is connected to as the source's: nobody listens there.
      error = ECONNREFUSED;
    }
    if (error == 0) {
      request_.done(std::make_unique<TcpStream>(loop_, std::exchange(fd_, -1)));
    } else {
      TryFrom(loop_, std::move(request_), next_, error);
    }
  }

 private:
  EpollLoop* const loop_;
  int fd_;
  TcpConnectRequest request_;
  const size_t next_;
  EpollLoop::WatchId watch_ = 0;
};

// A socket that is bound to the source, if there is one. -1 and errno.
int OpenSocket(const TcpConnectRequest& request, int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0 || !request.source_address) return fd;
  const int on = 1;
  // The port is chosen when it connects, when more of them are free.
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (request.source->port != 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, request.source_address->get(), request.source_address->size) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

// Connects to the candidates from `next` on; `error` is why the one before failed.
void TryFrom(EpollLoop* loop, TcpConnectRequest request, size_t next, int error) {
  while (next < request.candidates.size()) {
    const SocketAddress address = request.candidates[next++];
    const int fd = OpenSocket(request, address.family());
    if (fd < 0) {
      error = errno;
      continue;
    }
    int result;
    do {
      result = connect(fd, address.get(), address.size);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && errno != EINPROGRESS && errno != EALREADY) {
      error = errno;
      close(fd);
      continue;
    }
    // A socket that is connected already is writable at once.
    auto attempt = std::make_unique<Attempt>(loop, fd, std::move(request), next);
    Attempt* const watched = attempt.get();
    std::unique_ptr<EpollLoop::Watcher> watcher = std::move(attempt);
    if (const EpollLoop::WatchId watch = loop->WatchOwned(fd, watcher); watch != 0) {
      watched->set_watch(watch);
      return;
    }
    error = errno;
    request = watched->TakeRequest();
  }
  request.done(
      ConnectError(error, request.peer, request.source ? &request.source.value() : nullptr));
}

}  // namespace

void TcpConnect(EpollLoop* loop, TcpConnectRequest request) {
  if (request.source_address) {
    std::erase_if(request.candidates, [&](const SocketAddress& candidate) {
      return candidate.family() != request.source_address->family();
    });
    if (request.candidates.empty()) {
      request.done(absl::InvalidArgumentError(absl::StrCat(
          "cannot connect to ", request.peer.ToString(), " from ", request.source->host,
          ": one is IPv4, the other is IPv6; give a source address of the peer's family")));
      return;
    }
  }
  TryFrom(loop, std::move(request), 0, 0);
}

}  // namespace pushpull::fabric
