// A portal for iSER: takes connection requests on one address for one loop's sessions.

#ifndef TARGET_ISER_ACCEPTOR_H_
#define TARGET_ISER_ACCEPTOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "fabric/rdma/rdma.h"
#include "fabric/stream.h"
#include "target/iser/dialect.h"
#include "target/session/worker.h"

namespace pushpull::target {

class IserAcceptor {
 public:
  // Both outlive the acceptor; it is used on the worker's loop. Errors are RdmaNetwork::Listen()'s.
  static absl::StatusOr<std::unique_ptr<IserAcceptor>> Listen(Worker* worker,
                                                              fabric::RdmaNetwork* network,
                                                              const fabric::Address& address,
                                                              IserDialect dialect);
  IserAcceptor(const IserAcceptor&) = delete;
  IserAcceptor& operator=(const IserAcceptor&) = delete;
  // Listens no more. Connections live on; requests that weren't accepted yet are rejected. Before
  // Worker::Shutdown().
  ~IserAcceptor();

  fabric::Address address() const { return listener_->address(); }

 private:
  IserAcceptor(Worker* worker, IserDialect dialect) : worker_(worker), dialect_(dialect) {}
  void OnRequest(std::unique_ptr<fabric::RdmaRequest> request);

  Worker* const worker_;
  const IserDialect dialect_;
  std::unique_ptr<fabric::RdmaListener> listener_;
  // Null inside once this is destroyed.
  const std::shared_ptr<IserAcceptor*> life_ = std::make_shared<IserAcceptor*>(this);
};

}  // namespace pushpull::target

#endif  // TARGET_ISER_ACCEPTOR_H_
