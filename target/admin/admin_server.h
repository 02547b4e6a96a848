// Answers administrators: counters, sessions, and commands to the target, over HTTP/1.0 on streams
// that somebody else accepts (a Unix socket, fabric/unix_listener.h). It lives on a loop of its own
// and never waits for the target's: what those have to say comes when it comes.
//
//   GET  /counters                      JSON
//   GET  /metrics                       Prometheus's text form
//   GET  /sessions                      JSON
//   POST /logout /negotiate             AsyncEvents 1 and 4 (RFC 7143 §11.9.1)
//   POST /drop-connection /drop-session AsyncEvents 2 and 3
//        ?tsih=N &connection=N &within_s=N
//   POST /stop ?timeout_s=N
//
// Whoever may open the socket may do all of it.

#ifndef TARGET_ADMIN_ADMIN_SERVER_H_
#define TARGET_ADMIN_ADMIN_SERVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "fabric/loop.h"
#include "fabric/stream.h"
#include "target/admin/http.h"
#include "target/target.h"

namespace pushpull::target {

struct AdminOptions {
  // Called on the server's loop: the target is to be stopped, within this time where one was given.
  // False: it is being stopped already.
  std::function<bool(std::optional<absl::Duration> timeout)> stop;
  // From a connection's begin to the end of its request, and for the rest.
  absl::Duration time_limit = absl::Seconds(10);
  // Beyond these the one that has asked nothing for longest is closed, a second at the least; or
  // the new one is, with status 503.
  size_t max_connections = 32;
  base::Logger log;  // commands, but no questions
};

// All of it on its loop's thread. `target` and `loop` outlive it.
class AdminServer {
 public:
  AdminServer(Target* target, fabric::Loop* loop, AdminOptions options);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  // Closes all connections.
  ~AdminServer();

  void Accept(std::unique_ptr<fabric::Stream> stream);
  size_t connections() const { return connections_.size(); }

 private:
  class Connection;
  using Answer = absl::AnyInvocable<void(HttpAnswer)>;

  void Handle(const HttpRequest& request, Answer answer);
  void Announce(const AsyncRequest& request, Answer answer);
  void Stop(const HttpRequest& request, Answer answer);
  bool RemoveIdle();
  void Remove(Connection* connection);

  Target* const target_;
  fabric::Loop* const loop_;
  const AdminOptions options_;
  absl::flat_hash_map<Connection*, std::unique_ptr<Connection>> connections_;
  // Null inside once this is destroyed: the target may answer later.
  const std::shared_ptr<AdminServer*> life_ = std::make_shared<AdminServer*>(this);
};

}  // namespace pushpull::target

#endif  // TARGET_ADMIN_ADMIN_SERVER_H_
