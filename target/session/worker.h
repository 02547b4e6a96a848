// One loop of a target: the connections and sessions that live on it.

#ifndef TARGET_SESSION_WORKER_H_
#define TARGET_SESSION_WORKER_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "base/random.h"
#include "fabric/loop.h"
#include "fabric/stream.h"
#include "target/rx/read_ahead.h"
#include "target/session/async_events.h"
#include "target/session/counters.h"
#include "target/session/data_buffer.h"
#include "target/session/iscsi_task.h"
#include "target/session/node.h"
#include "target/session/registry.h"
#include "target/session/session_info.h"

namespace pushpull::target {

class Connection;
class LoginPhase;
class Session;

// All functions but loop() and counters() are for the loop's thread.
class Worker {
 public:
  // All three outlive the worker.
  Worker(Node* node, fabric::Loop* loop, fabric::Network* network, uint64_t seed);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // After Shutdown() was done.
  ~Worker();

  Node& node() { return *node_; }
  fabric::Loop* loop() { return loop_; }
  fabric::Network* network() { return network_; }
  base::Random& random() { return random_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }

  // For those who bring connections from elsewhere: null inside from Shutdown() on. The pointer is
  // taken from any thread, and looked into on the loop's.
  std::shared_ptr<Worker* const> life() const { return life_; }

  BufferPool& buffers() { return buffers_; }
  ReadAheadPool& read_ahead() { return read_ahead_; }
  TaskPool& tasks() { return tasks_; }

  // A connection that a portal accepted, on this loop.
  void Accept(std::unique_ptr<fabric::Stream> stream);
  // The same on another transport. False: there are too many.
  bool Accept(std::unique_ptr<Connection> connection);
  // One whose login was done on another loop, and whose session lives here.
  void Adopt(std::unique_ptr<fabric::Stream> stream, std::unique_ptr<LoginPhase> login);
  // The connection itself, from another loop.
  void Adopt(std::unique_ptr<Connection> connection);
  // Takes one that goes to another loop out of the list.
  std::unique_ptr<Connection> Release(Connection* connection);
  // A connection is on its way to another loop, and has come there: a shutdown waits for that.
  void BeginMove() { ++moving_; }
  void EndMove();
  // Takes a closed connection out of the list; it is destroyed when what is running has returned.
  void Retire(Connection* connection);

  // A login waits for its name's former session to end. Until TakeClaim() it can be ended like a
  // session.
  void BeginClaim(SessionId id, Connection* connection);
  Connection* PeekClaim(SessionId id);
  // The wait is over. Null where the connection has been closed meanwhile.
  Connection* TakeClaim(SessionId id);
  // The connection is gone.
  void DropClaim(SessionId id);

  Session* AddSession(std::unique_ptr<Session> session);
  Session* FindSession(SessionId id);
  // Ends it, whether it is a session or still a claim; `done` is called on this loop when nothing
  // of it is left.
  void EndSession(SessionId id, absl::AnyInvocable<void()> done);
  // Whether commands of any session wait for one that hasn't come. For a defect.
  bool AnyCommandIsMissing() const;
  // From the session, when it has ended.
  void RemoveSession(SessionId id);
  // `in_order`: what has been answered is sent first.
  void EndAllSessions(std::string_view why, bool in_order = false);

  // ---- for administrators ----
  // In the order in which they began.
  std::vector<SessionInfo> SessionInfos() const;
  // To each session that is meant; how many there were that it could be done to.
  size_t Announce(const AsyncRequest& request);
  // Node::BeginStop() was called. Asks everybody to log out (RFC 7143 §11.9.1, event 1), and waits
  // until nobody is left; whoever is there after `timeout` is told that his session is dropped
  // (event 3). `done` is called on this loop; Shutdown() is still to come.
  void Drain(absl::Duration timeout, absl::AnyInvocable<void()> done);

  // Closes all connections and ends all sessions; `done` is called on this loop when nothing is
  // left. No connection may be accepted any more.
  void Shutdown(absl::AnyInvocable<void()> done);

 private:
  struct Claim {
    Connection* connection = nullptr;  // null: ended by another login
    std::vector<absl::AnyInvocable<void()>> on_end;
  };

  bool Admits();
  bool EndSomeLogin();
  Connection* Add(std::unique_ptr<Connection> connection);
  void CheckShutdown();
  void CheckDrained();
  void DropAll();
  void BeginFarewell();
  void EndDrain();
  std::vector<Session*> Sessions() const;

  Node* const node_;
  fabric::Loop* const loop_;
  fabric::Network* const network_;
  base::Random random_;
  Counters counters_;
  BufferPool buffers_;
  ReadAheadPool read_ahead_;
  TaskPool tasks_;
  absl::flat_hash_map<Connection*, std::unique_ptr<Connection>> connections_;
  absl::flat_hash_map<SessionId, std::unique_ptr<Session>> sessions_;
  absl::flat_hash_map<SessionId, Claim> claims_;
  size_t retiring_ = 0;
  size_t moving_ = 0;
  absl::AnyInvocable<void()> on_shutdown_;
  absl::AnyInvocable<void()> on_drained_;
  bool farewell_ = false;  // of a drain: all that is left is to end
  fabric::Timer drain_timer_;
  const std::shared_ptr<Worker*> life_ = std::make_shared<Worker*>(this);
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_WORKER_H_
