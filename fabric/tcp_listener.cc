#include "fabric/tcp_listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
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

// When there was no memory for a connection: the kernel doesn't say when there is.
constexpr absl::Duration kRetry = absl::Milliseconds(50);

// The kernel gives the lowest descriptor that is free: from this one on they are kept.
rlim_t FirstKept(uint32_t kept) {
  rlimit limit = {};
  if (kept == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  return limit.rlim_cur - std::min<rlim_t>(kept, limit.rlim_cur / 4);
}

// For a connection that is only to be closed. -1: there is none.
int OpenSpare() { return open("/dev/null", O_RDONLY | O_NONBLOCK | O_CLOEXEC); }

class TcpListener final : public Listener, private EpollLoop::Watcher {
 public:
  TcpListener(EpollLoop* loop, int fd, const TcpOptions& options, Network::AcceptHandler accept)
      : loop_(loop),
        fd_(fd),
        address_(LocalAddress(fd)),
        first_kept_(FirstKept(options.kept_descriptors)),
        on_descriptors_(options.on_descriptors),
        spare_(OpenSpare()),
        accept_(std::move(accept)),
        again_(loop) {}
  ~TcpListener() override {
    CHECK(loop_->OnThread()) << "a listener is destroyed on another thread";
    if (watch_ != 0) loop_->Unwatch(watch_);
    close(fd_);
    if (spare_ >= 0) close(spare_);
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
      if (fd >= 0 && static_cast<rlim_t>(fd) >= first_kept_) {
        close(fd);
        TellTurnedAway();
        continue;
      }
      if (fd >= 0) {
        TellDescriptorsBack(fd);
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
          // Also where nobody waits.
          if (const int error = TurnAway(); error == 0) {
            continue;
          } else if (error != EAGAIN) {
            AcceptAgain(kRetry);
          }
          return;
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

  // Lends a connection the spare descriptor, to close it. Else why there was none: EAGAIN, or
  // others were faster to take the descriptor.
  int TurnAway() {
    if (spare_ >= 0) close(spare_);
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    const int error = fd >= 0 ? 0 : errno;
    if (fd >= 0) close(fd);
    spare_ = OpenSpare();
    if (fd >= 0) TellTurnedAway();
    return error;
  }

  void TellTurnedAway() {
    is_short_ = true;
    if (on_descriptors_) on_descriptors_(/*turned_away=*/true);
  }

  void TellDescriptorsBack(int fd) {
    if (!is_short_ || static_cast<rlim_t>(fd) >= first_kept_ - first_kept_ / 8) return;
    is_short_ = false;
    if (on_descriptors_) on_descriptors_(/*turned_away=*/false);
  }

  void AcceptAgain(absl::Duration delay) {
    again_.Start(delay, [this] { AcceptSome(); });
  }

  EpollLoop* const loop_;
  const int fd_;
  const Address address_;
  const rlim_t first_kept_;
  const std::function<void(bool)> on_descriptors_;
  int spare_;
  bool is_short_ = false;  // a connection was turned away
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

std::unique_ptr<Listener> ListenOn(EpollLoop* loop, int fd, const TcpOptions& options,
                                   Network::AcceptHandler accept) {
  CHECK(loop->OnThread());
  auto listener = std::make_unique<TcpListener>(loop, fd, options, std::move(accept));
  if (!listener->Start()) return nullptr;
  return listener;
}

absl::StatusOr<std::unique_ptr<Listener>> TcpListen(EpollLoop* loop, const Address& address,
                                                    const TcpOptions& options,
                                                    Network::AcceptHandler accept) {
  CHECK(loop->OnThread());
  const std::vector<SocketAddress> candidates = ParseAddress(address);
  if (candidates.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot listen on ", address.ToString(),
                     ": give an IP address of this machine, or no host for all of them"));
  }
  int error = 0;
  for (const SocketAddress& candidate : candidates) {
    const int fd = OpenListener(candidate, address.host.empty(), options.backlog);
    if (fd < 0) {
      error = errno;
      // A machine without the one family may have the other.
      if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) continue;
      break;
    }
    if (auto listener = ListenOn(loop, fd, options, std::move(accept))) return listener;
    error = errno;
    break;
  }
  return ListenError(error, address);
}

}  // namespace pushpull::fabric
