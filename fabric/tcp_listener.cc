#include "fabric/tcp_listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "fabric/epoll_loop.h"
#include "fabric/handler.h"
#include "fabric/loop.h"
#include "fabric/net_error.h"
#include "fabric/socket_address.h"
#include "fabric/stream.h"
#include "fabric/tcp_stream.h"

namespace pushpull::fabric {
namespace {

// So many connections are accepted before others have their turn.
constexpr int kAcceptsPerTurn = 64;

// When there was no descriptor or memory for a connection: the kernel doesn't say when there is.
constexpr absl::Duration kRetry = absl::Milliseconds(50);

class TcpListener final : public Listener, private EpollLoop::Watcher {
 public:
  TcpListener(EpollLoop* loop, int fd, Network::AcceptHandler accept)
      : loop_(loop),
        fd_(fd),
        address_(LocalAddress(fd)),
        accept_(std::move(accept)),
        again_(loop) {}
  ~TcpListener() override {
    CHECK(loop_->OnThread()) << "a listener is destroyed on another thread";
    if (watch_ != 0) loop_->Unwatch(watch_);
    close(fd_);
  }

  Address address() const override { return address_; }

  bool Start() {
    watch_ = loop_->Watch(fd_, this);
    return watch_ != 0;
  }

 private:
  void OnReadable() override { AcceptSome(); }
  void OnWritable() override {}

  void AcceptSome() {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        if (!accept_.Run(std::make_unique<TcpStream>(loop_, fd))) return;  // destroyed
        continue;
      }
      switch (errno) {
        case EAGAIN:
#if EWOULDBLOCK != EAGAIN
        case EWOULDBLOCK:
#endif
          return;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
          AcceptAgain(kRetry);
          return;
        default:
          break;  // EINTR, or this one connection was lost before it was accepted
      }
    }
    AcceptAgain(absl::ZeroDuration());
  }

  void AcceptAgain(absl::Duration delay) {
    again_.Start(delay, [this] { AcceptSome(); });
  }

  EpollLoop* const loop_;
  const int fd_;
  const Address address_;
  Handler<Network::AcceptHandler> accept_;
  EpollLoop::WatchId watch_ = 0;
  Timer again_;
};

// A bound, listening socket. -1 and errno.
int OpenListener(const SocketAddress& address, bool both_families, int backlog) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6) {
    const int only = both_families ? 0 : 1;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
  if (bind(fd, address.get(), address.size) == 0 && listen(fd, backlog) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

std::unique_ptr<Listener> ListenOn(EpollLoop* loop, int fd, Network::AcceptHandler accept) {
  CHECK(loop->OnThread());
  auto listener = std::make_unique<TcpListener>(loop, fd, std::move(accept));
  if (!listener->Start()) return nullptr;
  return listener;
}

absl::StatusOr<std::unique_ptr<Listener>> TcpListen(EpollLoop* loop, const Address& address,
                                                    int backlog, Network::AcceptHandler accept) {
  CHECK(loop->OnThread());
  const std::vector<SocketAddress> candidates = ParseAddress(address);
  if (candidates.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot listen on ", address.ToString(),
                     ": give an IP address of this machine, or no host for all of them"));
  }
  int error = 0;
  for (const SocketAddress& candidate : candidates) {
    const int fd = OpenListener(candidate, address.host.empty(), backlog);
    if (fd < 0) {
      error = errno;
      // A machine without the one family may have the other.
      if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) continue;
      break;
    }
    if (auto listener = ListenOn(loop, fd, std::move(accept))) return listener;
    error = errno;
    break;
  }
  return ListenError(error, address);
}

}  // namespace pushpull::fabric
