#include "target/iser/acceptor.h"

#include <utility>

#include "base/check.h"
#include "target/iser/connection.h"
#include "target/iser/private_data.h"

namespace pushpull::target {

absl::StatusOr<std::unique_ptr<IserAcceptor>> IserAcceptor::Listen(
    std::vector<Worker*> workers, fabric::RdmaNetwork* network, const fabric::Address& address,
    IserDialect dialect, std::shared_ptr<StoreMemory> store_memory) {
  CHECK(!workers.empty());
  std::unique_ptr<IserAcceptor> acceptor(
      new IserAcceptor(std::move(workers), dialect, std::move(store_memory)));
  Worker* const first = acceptor->workers_.front();
  auto listener = network->Listen(first->loop(), address, [self = acceptor.get()](auto request) {
    self->OnRequest(std::move(request));
  });
  if (!listener.ok()) return listener.status();
  acceptor->listener_ = *std::move(listener);
  first->node().AddPortal(acceptor->address(), /*rdma=*/true);
  return acceptor;
}

void IserAcceptor::OnRequest(std::unique_ptr<fabric::RdmaRequest> request) {
  if (*damaged_) return;  // rejected
  const IserPrivateData peer = ParseIserPrivateData(request->peer().private_data);
  Worker* const worker = workers_[next_++ % workers_.size()];
  request->Open(worker->loop(), IserConnection::QueueOptions(worker->node()),
                [life = worker->life(), options = IserConnectionOptions{
                                            peer, dialect_, store_memory_, damaged_}](auto rdma) {
                  // Without resources for it the initiator is rejected: by the end of `rdma`.
                  if (*life == nullptr || !rdma.ok()) return;
                  auto connection = IserConnection::Create(*life, *std::move(rdma), options);
                  if (connection.ok()) (*life)->Accept(*std::move(connection));
                });
}

}  // namespace pushpull::target
