#include "target/portal/portal.h"

#include <utility>

#include "base/check.h"

namespace pushpull::target {

absl::StatusOr<std::unique_ptr<Portal>> Portal::Listen(fabric::Network* network,
                                                       const fabric::Address& address,
                                                       std::vector<Worker*> workers) {
  CHECK(!workers.empty());
  std::unique_ptr<Portal> portal(new Portal(network, std::move(workers)));
  auto listener = network->Listen(portal->workers_.front()->loop(), address,
                                  [portal = portal.get()](std::unique_ptr<fabric::Stream> stream) {
                                    portal->OnAccept(std::move(stream));
                                  });
  if (!listener.ok()) return listener.status();
  portal->listener_ = *std::move(listener);
  return portal;
}

void Portal::OnAccept(std::unique_ptr<fabric::Stream> stream) {
  Worker* const worker = workers_[next_++ % workers_.size()];
  if (worker == workers_.front()) return worker->Accept(std::move(stream));
  network_->Move(
      std::move(stream), worker->loop(),
      [worker](std::unique_ptr<fabric::Stream> moved) { worker->Accept(std::move(moved)); });
}

}  // namespace pushpull::target
