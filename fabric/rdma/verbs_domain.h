// A protection domain on a real RDMA device, with its regions and windows.

#ifndef FABRIC_RDMA_VERBS_DOMAIN_H_
#define FABRIC_RDMA_VERBS_DOMAIN_H_

#include <infiniband/verbs.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/work.h"

namespace pushpull::fabric {

// "WHAT: REASON; what to do".
absl::Status VerbsError(int error, const std::string& what);

// Told of what the device says about a queue pair or a completion queue, whose context it is. On
// the domain's thread; its owner destroys these before this.
class VerbsAsyncSink {
 public:
  virtual void OnAsyncEvent(ibv_event_type event) = 0;

 protected:
  ~VerbsAsyncSink() = default;
};

// A memory window, which ends with its RdmaWindow, or before with the queue pair that it is bound
// to: some devices (rxe) wait for that when a queue pair is destroyed, for a minute.
class VerbsMemoryWindow {
 public:
  explicit VerbsMemoryWindow(ibv_mw* mw) : mw_(mw) {}
  VerbsMemoryWindow(const VerbsMemoryWindow&) = delete;
  VerbsMemoryWindow& operator=(const VerbsMemoryWindow&) = delete;
  ~VerbsMemoryWindow() { End(); }

  ibv_mw* mw() const { return mw_; }  // null: it has ended
  void End();

 private:
  ibv_mw* mw_;
};

class VerbsDomain final : public RdmaDomain, public std::enable_shared_from_this<VerbsDomain> {
 public:
  static absl::StatusOr<std::shared_ptr<VerbsDomain>> Create(ibv_context* context);
  ~VerbsDomain() override;

  absl::StatusOr<std::unique_ptr<RdmaMemory>> Register(base::MutableBytes bytes,
                                                       RdmaRights rights) override;
  absl::StatusOr<std::unique_ptr<RdmaWindow>> NewWindow() override;

  ibv_context* context() const { return context_; }
  ibv_pd* pd() const { return pd_; }
  // The flags of a receive completion that say that it came with an invalidated key.
  unsigned int invalidated_flags() const { return invalidated_flags_; }

  // Makes `wr` a bind, and its key the window's; what it binds.
  std::weak_ptr<VerbsMemoryWindow> FillBind(const RdmaWork& work, ibv_send_wr* wr) const;

 private:
  class Memory;
  class Window;

  VerbsDomain(const RdmaDeviceLimits& limits, ibv_context* context, ibv_pd* pd, int stop_fd,
              unsigned int invalidated_flags);
  void ReadAsyncEvents();

  ibv_context* const context_;
  ibv_pd* const pd_;
  const int stop_fd_;
  const unsigned int invalidated_flags_;
  std::thread async_thread_;
};

// A network's domains, one for each device.
class VerbsDomains {
 public:
  // From any thread.
  absl::StatusOr<std::shared_ptr<VerbsDomain>> Get(ibv_context* context);

 private:
  std::mutex mutex_;
  std::map<ibv_context*, std::shared_ptr<VerbsDomain>> domains_;  // guarded by mutex_
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_VERBS_DOMAIN_H_
