// Names to addresses, on a thread of its own: the system's resolver blocks.

#ifndef FABRIC_RESOLVER_H_
#define FABRIC_RESOLVER_H_

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "fabric/socket_address.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

class Resolver {
 public:
  using Answer = absl::StatusOr<std::vector<SocketAddress>>;
  using Done = absl::AnyInvocable<void(Answer)>;

  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  // Waits for the question that is being asked; answers the others with kCancelled.
  ~Resolver();

  // `done` is called once, on the resolver's thread, which is started by the first question.
  void Resolve(Address address, Done done);

 private:
  struct Question {
    Address address;
    Done done;
  };

  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Question> questions_;  // guarded by mutex_
  bool ending_ = false;             // guarded by mutex_
  std::thread thread_;              // guarded by mutex_ until it's ending
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RESOLVER_H_
