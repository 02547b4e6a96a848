#include "target/iser/acceptor.h"

#include <utility>

#include "target/iser/connection.h"
#include "target/iser/private_data.h"

namespace pushpull::target {

absl::StatusOr<std::unique_ptr<IserAcceptor>> IserAcceptor::Listen(Worker* worker,
                                                                   fabric::RdmaNetwork* network,
                                                                   const fabric::Address& address,
                                                                   IserDialect dialect) {
  std::unique_ptr<IserAcceptor> acceptor(new IserAcceptor(worker, dialect));
  auto listener = network->Listen(worker->loop(), address, [self = acceptor.get()](auto request) {
    self->OnRequest(std::move(request));
  });
  if (!listener.ok()) return listener.status();
  acceptor->listener_ = *std::move(listener);
  worker->node().AddPortal(acceptor->address());
  return acceptor;
}

IserAcceptor::~IserAcceptor() { *life_ = nullptr; }

void IserAcceptor::OnRequest(std::unique_ptr<fabric::RdmaRequest> request) {
  const IserPrivateData peer = ParseIserPrivateData(request->peer().private_data);
  request->Open(worker_->loop(), IserConnection::QueueOptions(worker_->node()),
                [life = life_, peer](auto rdma) {
                  // Without resources for it the initiator is rejected: by the end of `rdma`.
                  if (*life == nullptr || !rdma.ok()) return;
                  IserAcceptor& self = **life;
                  auto connection =
                      IserConnection::Create(self.worker_, *std::move(rdma), peer, self.dialect_);
                  if (connection.ok()) self.worker_->Accept(*std::move(connection));
                });
}

}  // namespace pushpull::target
