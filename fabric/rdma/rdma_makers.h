// Both makers of RDMA networks behind one interface: the same test body runs on each.

#ifndef FABRIC_RDMA_RDMA_MAKERS_H_
#define FABRIC_RDMA_RDMA_MAKERS_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

class RdmaMaker {
 public:
  virtual ~RdmaMaker() = default;

  virtual Loop* loop() = 0;        // the test's own
  virtual Loop* other_loop() = 0;  // on another thread, where there are any
  virtual RdmaNetwork* network() = 0;
  virtual void DestroyNetwork() = 0;
  virtual Address any_port() const = 0;

  // Runs the test's loop until `done`; a test failure if that can't be reached any more.
  virtual void RunUntil(absl::FunctionRef<bool()> done) = 0;
  // Runs until what has been posted was done and its handlers were called. (On the real maker: most
  // probably, so use it for what must not happen.)
  virtual void Settle() = 0;

  // False: any byte of the region that a window is bound to may be touched through it.
  virtual bool keeps_window_bounds() const { return true; }
};

struct RdmaMakerKind {
  std::string name;
  std::function<std::unique_ptr<RdmaMaker>()> make;  // null: there is none on this machine

  friend std::ostream& operator<<(std::ostream& out, const RdmaMakerKind& kind) {
    return out << kind.name;
  }
};

// Those that this binary was linked with: never empty.
std::vector<RdmaMakerKind> AllRdmaMakers();

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_RDMA_MAKERS_H_
