#include "fabric/tcp_network.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "fabric/epoll_loop.h"
#include "fabric/loop.h"
#include "fabric/resolver.h"
#include "fabric/socket_address.h"
#include "fabric/stream.h"
#include "fabric/tcp_connect.h"
#include "fabric/tcp_listener.h"
#include "fabric/tcp_stream.h"

namespace pushpull::fabric {
namespace {

EpollLoop* AsEpollLoop(Loop* loop) {
  auto* epoll_loop = dynamic_cast<EpollLoop*>(loop);
  CHECK(epoll_loop != nullptr) << "TCP runs on epoll loops only";
  return epoll_loop;
}

}  // namespace

TcpNetwork::TcpNetwork(TcpOptions options) : options_(std::move(options)) {}

TcpNetwork::~TcpNetwork() = default;

absl::StatusOr<std::unique_ptr<Listener>> TcpNetwork::Listen(Loop* loop, const Address& address,
                                                             AcceptHandler accept) {
  return TcpListen(AsEpollLoop(loop), address, options_, std::move(accept));
}

void TcpNetwork::Connect(Loop* loop, const Address& address, ConnectHandler done) {
  EpollLoop* const epoll_loop = AsEpollLoop(loop);
  TcpConnectRequest request;
  request.peer = address;
  request.done = std::move(done);
  if (options_.source) {
    const std::vector<SocketAddress> source = ParseAddress(*options_.source);
    if (source.empty()) {
      epoll_loop->Post([source = options_.source->host, request = std::move(request)]() mutable {
        request.done(absl::InvalidArgumentError(
            absl::StrCat("cannot connect from ", source, ": it is not an IP address")));
      });
      return;
    }
    request.source = options_.source;
    request.source_address = source.front();
  }
  request.candidates = ParseAddress(address);
  if (!request.candidates.empty()) {
    epoll_loop->Post([epoll_loop, request = std::move(request)]() mutable {
      TcpConnect(epoll_loop, std::move(request));
    });
    return;
  }
  resolver_.Resolve(
      address, [epoll_loop, request = std::move(request)](Resolver::Answer answer) mutable {
        epoll_loop->Post(
            [epoll_loop, request = std::move(request), answer = std::move(answer)]() mutable {
              if (!answer.ok()) return request.done(answer.status());
              request.candidates = *std::move(answer);
              TcpConnect(epoll_loop, std::move(request));
            });
      });
}

void TcpNetwork::Move(std::unique_ptr<Stream> stream, Loop* to,
                      absl::AnyInvocable<void(std::unique_ptr<Stream>)> done) {
  EpollLoop* const epoll_loop = AsEpollLoop(to);
  auto* const tcp_stream = dynamic_cast<TcpStream*>(stream.get());
  CHECK(tcp_stream != nullptr) << "not a TCP stream";
  CHECK(tcp_stream->loop()->OnThread());
  tcp_stream->DropHandlers();
  tcp_stream->SetLoop(nullptr);
  epoll_loop->Post(
      [stream = std::move(stream), tcp_stream, epoll_loop, done = std::move(done)]() mutable {
        tcp_stream->SetLoop(epoll_loop);
        done(std::move(stream));
      });
}

}  // namespace pushpull::fabric
