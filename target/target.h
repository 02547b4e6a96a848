// The reference target: an iSCSI target node with its logical units, on any network and any loops.
//
//   auto target = Target::Create(options, &network, {loop});
//   auto address = (*target)->Listen({"127.0.0.1", 0});
//   ...
//   (*target)->Shutdown([&] { stopped = true; });
//
// For real use, with threads of its own: target/portal/tcp_target.h.

#ifndef TARGET_TARGET_H_
#define TARGET_TARGET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/stream.h"
#include "target/iser/acceptor.h"
#include "target/iser/dialect.h"
#include "target/iser/store_memory.h"
#include "target/login/chap_policy.h"
#include "target/portal/portal.h"
#include "target/scsi/device_server.h"
#include "target/session/async_events.h"
#include "target/session/counters.h"
#include "target/session/node.h"
#include "target/session/session_info.h"
#include "target/session/worker.h"

namespace pushpull::target {

struct TargetOptions {
  NodeOptions node;  // name, limits, defects, seed ...
  std::vector<LogicalUnitOptions> logical_units;
  DeviceChoices device_choices;
  IserDialect iser_dialect = IserDialect::kPermissive;
  std::optional<ChapOptions> chap;    // `node.auth` is made of it, where there is none
  Entropy entropy;                    // of challenges; empty: the system's
  std::vector<std::string> warnings;  // what a user should hear of the configuration
};

class Target {
 public:
  // The networks and `loops` (at least one) outlive the target. Sessions are spread over the loops.
  // `rdma` may be null: then there is no ListenIser().
  static absl::StatusOr<std::unique_ptr<Target>> Create(TargetOptions options,
                                                        fabric::Network* network,
                                                        std::vector<fabric::Loop*> loops,
                                                        fabric::RdmaNetwork* rdma = nullptr);
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  // After Shutdown() was done, or where nothing was ever accepted.
  ~Target();

  // Accepts connections at `address` (port 0: the kernel chooses). The address with its port. From
  // the first loop's thread. May be called for several addresses.
  absl::StatusOr<fabric::Address> Listen(const fabric::Address& address);
  // The same for iSER over RDMA. kUnavailable: there is no RDMA device with such an address.
  absl::StatusOr<fabric::Address> ListenIser(const fabric::Address& address);
  // What it listens on, in the order of the calls. From any thread.
  std::vector<fabric::Address> addresses() const;

  // Listens no more, closes all connections, ends all sessions; `done` is called on the first loop
  // when nothing is left. Once, from any thread. The target can then be destroyed from there.
  void Shutdown(absl::AnyInvocable<void()> done);

  // The same in order (RFC 7143 §4.2.6, §11.9.1). Listens no more, and lets nobody in (status 0301
  // to logins that are under way); asks everybody to log out, and waits until that was done, but no
  // longer than `timeout`: then tells those who are left that their sessions are dropped. It takes
  // no longer than a second beyond that, apart from what stores take to end what they are doing.
  // In place of Shutdown(), once.
  void Stop(absl::Duration timeout, absl::AnyInvocable<void()> done);

  // ---- for administrators: from any thread; answers come on one of the loops. Nothing is answered
  // where the loops end first ----
  // How many sessions it was done to.
  void Announce(const AsyncRequest& request, absl::AnyInvocable<void(size_t)> done);
  void Describe(absl::AnyInvocable<void(std::vector<SessionInfo>)> done);

  // From its network, on the first loop: a connection was closed at once, as the process has no
  // descriptors left for those; or there are some again.
  void TellDescriptors(bool turned_away);

  // The sums over all loops, from any thread.
  int64_t Get(Count count) const;
  int64_t Sum(const std::function<int64_t(const Counters&)>& one) const;

  const NodeOptions& options() const { return node_->options(); }
  DeviceServer& device() { return *device_; }

 private:
  Target(TargetOptions options, std::unique_ptr<DeviceServer> device, fabric::Network* network,
         const std::vector<fabric::Loop*>& loops, fabric::RdmaNetwork* rdma);

  std::vector<Worker*> Workers() const;
  void AddAddress(const fabric::Address& address);
  void DrainWorkers(absl::Duration timeout);
  void ShutDownWorkers();

  fabric::Network* const network_;
  fabric::RdmaNetwork* const rdma_;
  const IserDialect iser_dialect_;
  const std::unique_ptr<DeviceServer> device_;
  const std::shared_ptr<StoreMemory> store_memory_ = std::make_shared<StoreMemory>();
  std::unique_ptr<Node> node_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Portal>> portals_;             // the first loop's
  std::vector<std::unique_ptr<IserAcceptor>> iser_portals_;  // the first loop's
  bool descriptors_short_ = false;                           // the first loop's
  size_t workers_running_ = 0;                               // the first loop's
  absl::AnyInvocable<void()> on_shutdown_;

  mutable std::mutex mutex_;
  std::vector<fabric::Address> addresses_;  // guarded by mutex_
};

}  // namespace pushpull::target

#endif  // TARGET_TARGET_H_
