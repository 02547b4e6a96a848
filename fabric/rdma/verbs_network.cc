#include "fabric/rdma/verbs_network.h"

#include <rdma/rdma_cma.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "fabric/epoll_loop.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/verbs_connection.h"
#include "fabric/rdma/verbs_domain.h"
#include "fabric/rdma/verbs_listener.h"
#include "fabric/rdma/verbs_queue_pair.h"
#include "fabric/resolver.h"
#include "fabric/socket_address.h"
#include "fabric/stream.h"

namespace pushpull::fabric {
namespace {

EpollLoop* AsEpollLoop(Loop* loop) {
  auto* epoll_loop = dynamic_cast<EpollLoop*>(loop);
  CHECK(epoll_loop != nullptr) << "verbs run on epoll loops only";
  return epoll_loop;
}

// Finds the way to one address of a peer after the other, and makes a queue pair on it. The loop
// owns it until it's done.
class Opening final : public EpollLoop::Watcher {
 public:
  struct Way {
    Address address;
    std::vector<SocketAddress> candidates;
    RdmaQueueOptions queues;
    std::shared_ptr<VerbsDomains> domains;
    absl::Duration timeout;
    RdmaNetwork::OpenHandler done;
    size_t next = 0;
  };

  // Tries the next candidate; if there is none, `why` is the answer.
  static void Try(EpollLoop* loop, std::unique_ptr<Way> way, absl::Status why) {
    while (way->next < way->candidates.size()) {
      SocketAddress to = way->candidates[way->next++];
      auto id = VerbsId::Create();
      if (!id.ok()) {
        why = id.status();
        break;
      }
      if (rdma_resolve_addr((*id)->get(), nullptr, to.get(), TimeoutMs(*way)) != 0) {
        why = Unreachable(*way, errno);
        continue;
      }
      auto opening = std::make_unique<Opening>(loop, *std::move(id), std::move(way));
      Opening* const raw = opening.get();
      const int fd = raw->id_->fd();
      std::unique_ptr<EpollLoop::Watcher> watcher = std::move(opening);
      const EpollLoop::WatchId watch = loop->WatchOwned(fd, watcher);
      if (watch != 0) {
        raw->watch_ = watch;
        return;
      }
      why = VerbsError(errno, "cannot watch an RDMA identifier");
      way = std::move(raw->way_);
    }
    way->done(std::move(why));
  }

  Opening(EpollLoop* loop, std::unique_ptr<VerbsId> id, std::unique_ptr<Way> way)
      : loop_(loop), id_(std::move(id)), way_(std::move(way)) {}

 private:
  static int TimeoutMs(const Way& way) {
    return static_cast<int>(absl::ToInt64Milliseconds(way.timeout));
  }
  static absl::Status Unreachable(const Way& way, int error) {
    return absl::UnavailableError(absl::StrCat(
        VerbsError(error, absl::StrCat("no way to ", way.address.ToString(), " by RDMA"))
            .message()));
  }

  void OnReadable() override {
    while (way_ != nullptr) {
      rdma_cm_event* event = id_->NextEvent();
      if (event == nullptr) return;
      const rdma_cm_event_type type = event->event;
      const int status = event->status;
      rdma_ack_cm_event(event);
      if (type == RDMA_CM_EVENT_ADDR_RESOLVED) {
        if (rdma_resolve_route(id_->get(), TimeoutMs(*way_)) != 0) return Fail(errno);
      } else if (type == RDMA_CM_EVENT_ROUTE_RESOLVED) {
        return Succeed();
      } else {
        return Fail(status == 0 ? EHOSTUNREACH : std::abs(status));
      }
    }
  }
  void OnWritable() override {}

  void Fail(int error) {
    absl::Status why = Unreachable(*way_, error);
    std::unique_ptr<Way> way = std::move(way_);
    EpollLoop* const loop = loop_;
    loop->Unwatch(watch_);
    Try(loop, std::move(way), std::move(why));
  }

  void Succeed() {
    const std::unique_ptr<Way> way = std::move(way_);
    EpollLoop* const loop = loop_;
    loop->Unwatch(watch_);
    auto queue_pair = VerbsQueuePair::Create(id_, *way->domains, way->queues);
    if (!queue_pair.ok()) return way->done(queue_pair.status());
    way->done(std::make_unique<VerbsConnection>(loop, *std::move(queue_pair), nullptr));
  }

  EpollLoop* const loop_;
  std::unique_ptr<VerbsId> id_;
  std::unique_ptr<Way> way_;
  EpollLoop::WatchId watch_ = 0;
};

}  // namespace

VerbsNetwork::VerbsNetwork(const VerbsOptions& options)
    : options_(options), domains_(std::make_shared<VerbsDomains>()) {}

VerbsNetwork::~VerbsNetwork() = default;

absl::StatusOr<std::unique_ptr<RdmaListener>> VerbsNetwork::Listen(Loop* loop,
                                                                   const Address& address,
                                                                   RequestHandler handler) {
  EpollLoop* const epoll_loop = AsEpollLoop(loop);
  CHECK(epoll_loop->OnThread());
  return VerbsListen(epoll_loop, address, options_.backlog, domains_, std::move(handler));
}

void VerbsNetwork::Open(Loop* loop, const Address& address, const RdmaQueueOptions& queues,
                        OpenHandler done) {
  EpollLoop* const epoll_loop = AsEpollLoop(loop);
  auto way = std::make_unique<Opening::Way>();
  way->address = address;
  way->queues = queues;
  way->domains = domains_;
  way->timeout = options_.resolve_timeout;
  way->done = std::move(done);
  auto begin = [epoll_loop, way = std::move(way)](Resolver::Answer answer) mutable {
    epoll_loop->Post([epoll_loop, way = std::move(way), answer = std::move(answer)]() mutable {
      if (!answer.ok()) return way->done(answer.status());
      way->candidates = *std::move(answer);
      Opening::Try(epoll_loop, std::move(way), absl::UnavailableError("no address"));
    });
  };
  std::vector<SocketAddress> literal = ParseAddress(address);
  if (!literal.empty()) return begin(std::move(literal));
  resolver_.Resolve(address, std::move(begin));
}

}  // namespace pushpull::fabric
