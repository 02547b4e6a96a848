// Where a target listens. Accepted connections are spread over its loops.

#ifndef TARGET_PORTAL_PORTAL_H_
#define TARGET_PORTAL_PORTAL_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "fabric/stream.h"
#include "target/session/worker.h"

namespace pushpull::target {

class Portal {
 public:
  // Accepts on the first worker's loop, and from its thread is this called. `workers` and `network`
  // outlive the portal.
  static absl::StatusOr<std::unique_ptr<Portal>> Listen(fabric::Network* network,
                                                        const fabric::Address& address,
                                                        std::vector<Worker*> workers);
  Portal(const Portal&) = delete;
  Portal& operator=(const Portal&) = delete;
  // On the first worker's loop. What was accepted lives on.
  ~Portal() = default;

  fabric::Address address() const { return listener_->address(); }

 private:
  Portal(fabric::Network* network, std::vector<Worker*> workers)
      : network_(network), workers_(std::move(workers)) {}

  void OnAccept(std::unique_ptr<fabric::Stream> stream);

  fabric::Network* const network_;
  const std::vector<Worker*> workers_;
  size_t next_ = 0;
  std::unique_ptr<fabric::Listener> listener_;
};

}  // namespace pushpull::target

#endif  // TARGET_PORTAL_PORTAL_H_
