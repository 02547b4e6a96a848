// Both makers of loops and networks behind one interface: the same test body runs on each.

#ifndef FABRIC_MAKERS_H_
#define FABRIC_MAKERS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "fabric/loop.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

class Maker {
 public:
  virtual ~Maker() = default;

  virtual Loop* loop() = 0;        // the test's own
  virtual Loop* other_loop() = 0;  // on another thread, where there are any
  virtual Network* network() = 0;
  virtual void DestroyNetwork() = 0;
  virtual Address any_port() const = 0;

  // Runs the test's loop until `done`; a test failure if that can't be reached any more.
  virtual void RunUntil(absl::FunctionRef<bool()> done) = 0;
  // Runs until what has been sent has arrived and its handlers were called. (On the real maker:
  // most probably, so use it for what must not happen.)
  virtual void Settle() = 0;

  // What a big transfer is here.
  virtual size_t many_bytes() const = 0;
  // Whether handlers may be called without need.
  virtual bool calls_without_need() const { return false; }
};

struct MakerKind {
  std::string name;
  std::function<std::unique_ptr<Maker>()> make;

  friend std::ostream& operator<<(std::ostream& out, const MakerKind& kind) {
    return out << kind.name;
  }
};

std::vector<MakerKind> AllMakers();

}  // namespace pushpull::fabric

#endif  // FABRIC_MAKERS_H_
