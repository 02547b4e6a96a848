// A portal for iSER: takes connection requests on one address. Connections are spread over a
// target's loops.

#ifndef TARGET_ISER_ACCEPTOR_H_
#define TARGET_ISER_ACCEPTOR_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "fabric/rdma/rdma.h"
#include "fabric/stream.h"
#include "target/iser/dialect.h"
#include "target/iser/store_memory.h"
#include "target/session/worker.h"

namespace pushpull::target {

class IserAcceptor {
 public:
  // Listens on the first worker's loop, and from its thread is this called. `workers` and `network`
  // outlive the acceptor. Errors are RdmaNetwork::Listen()'s. `store_memory`: the target's.
  static absl::StatusOr<std::unique_ptr<IserAcceptor>> Listen(
      std::vector<Worker*> workers, fabric::RdmaNetwork* network, const fabric::Address& address,
      IserDialect dialect, std::shared_ptr<StoreMemory> store_memory);
  IserAcceptor(const IserAcceptor&) = delete;
  IserAcceptor& operator=(const IserAcceptor&) = delete;
  // On the first worker's loop. Listens no more; what was accepted lives on. A request that is on
  // its way to a loop is rejected there, if that has been shut down meanwhile.
  ~IserAcceptor() = default;

  fabric::Address address() const { return listener_->address(); }

 private:
  IserAcceptor(std::vector<Worker*> workers, IserDialect dialect,
               std::shared_ptr<StoreMemory> store_memory)
      : workers_(std::move(workers)), dialect_(dialect), store_memory_(std::move(store_memory)) {}
  void OnRequest(std::unique_ptr<fabric::RdmaRequest> request);

  const std::vector<Worker*> workers_;
  const IserDialect dialect_;
  const std::shared_ptr<StoreMemory> store_memory_;
  // Bug::kIserLostMoveRefusesNext.
  const std::shared_ptr<std::atomic<bool>> damaged_ = std::make_shared<std::atomic<bool>>(false);
  size_t next_ = 0;
  std::unique_ptr<fabric::RdmaListener> listener_;
};

}  // namespace pushpull::target

#endif  // TARGET_ISER_ACCEPTOR_H_
