#include "fabric/rdma/verbs_domain.h"

#include <fcntl.h>
#include <infiniband/verbs.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/check.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/work.h"

namespace pushpull::fabric {
namespace {

constexpr uint32_t kRxeVendorId = 0xffffff;

// rxe gives the kernel's flag to user space as it is, where this bit has another name, which means
// nothing on a reliable connection.
unsigned int InvalidatedFlags(uint32_t vendor_id) {
  return vendor_id == kRxeVendorId ? IBV_WC_WITH_INV | IBV_WC_IP_CSUM_OK : IBV_WC_WITH_INV;
}

int AccessFlags(RdmaRights rights, bool windows) {
  int flags = 0;
  if (Allows(rights, RdmaRights::kRemoteRead)) flags |= IBV_ACCESS_REMOTE_READ;
  if (Allows(rights, RdmaRights::kRemoteWrite)) flags |= IBV_ACCESS_REMOTE_WRITE;
  if (windows && Allows(rights, RdmaRights::kWindows)) flags |= IBV_ACCESS_MW_BIND;
  return flags;
}

}  // namespace

absl::Status VerbsError(int error, const std::string& what) {
  const std::string start = absl::StrCat(what, ": ", std::strerror(error));
  switch (error) {
    case ENOMEM:
    case EAGAIN:
      return absl::ResourceExhaustedError(absl::StrCat(
          start, "; raise the limit of locked memory (ulimit -l), or use smaller queues"));
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(
          absl::StrCat(start, "; too many open files; raise the limit (ulimit -n)"));
    case EINVAL:
      return absl::InvalidArgumentError(
          absl::StrCat(start, "; ask for no more than the device has (ibv_devinfo -v)"));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat(start, "; check the rights of /dev/infiniband/*"));
    default:
      return absl::UnavailableError(
          absl::StrCat(start,
                       "; check that there is an RDMA device (rdma link) on this address's "
                       "interface, and that rdma_ucm is loaded; where there is none, `pushpull "
                       "softroce -- COMMAND` runs the command with a soft-RoCE one"));
  }
}

class VerbsDomain::Memory final : public RdmaMemory {
 public:
  Memory(std::shared_ptr<VerbsDomain> domain, ibv_mr* mr, base::MutableBytes bytes,
         RdmaRights rights)
      : RdmaMemory(bytes, rights), domain_(std::move(domain)), mr_(mr) {
    set_keys(mr->lkey, mr->rkey);
  }
  ~Memory() override {
    const int error = ibv_dereg_mr(mr_);
    CHECK_EQ(error, 0) << "memory is deregistered while windows are bound to it: "
                       << std::strerror(error);
  }

  ibv_mr* mr() const { return mr_; }

 private:
  const std::shared_ptr<VerbsDomain> domain_;
  ibv_mr* const mr_;
};

void VerbsMemoryWindow::End() {
  if (ibv_mw* const mw = std::exchange(mw_, nullptr); mw != nullptr) ibv_dealloc_mw(mw);
}

class VerbsDomain::Window final : public RdmaWindow {
 public:
  Window(std::shared_ptr<VerbsDomain> domain, ibv_mw* mw)
      : domain_(std::move(domain)),
        memory_window_(std::make_shared<VerbsMemoryWindow>(mw)),
        key_(mw->rkey) {}

  uint32_t key() const override { return key_; }
  uint32_t next_key() const override { return ibv_inc_rkey(key_); }

  const std::shared_ptr<VerbsMemoryWindow>& memory_window() const { return memory_window_; }
  void Posted() {
    // The library wants to know the old one.
    memory_window_->mw()->rkey = key_;
    key_ = next_key();
  }

 private:
  const std::shared_ptr<VerbsDomain> domain_;
  const std::shared_ptr<VerbsMemoryWindow> memory_window_;
  uint32_t key_;
};

absl::StatusOr<std::shared_ptr<VerbsDomain>> VerbsDomain::Create(ibv_context* context) {
  ibv_device_attr device = {};
  if (const int error = ibv_query_device(context, &device); error != 0) {
    return VerbsError(error, "cannot query the RDMA device");
  }
  // Others in this process may read the events of the same device.
  const int flags = fcntl(context->async_fd, F_GETFL);
  fcntl(context->async_fd, F_SETFL, flags | O_NONBLOCK);
  const int stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (stop_fd < 0) return VerbsError(errno, "cannot watch the RDMA device");
  ibv_pd* pd = ibv_alloc_pd(context);
  if (pd == nullptr) {
    const int error = errno;
    close(stop_fd);
    return VerbsError(error, "cannot make a protection domain");
  }
  const auto depth = [](int most) { return static_cast<uint8_t>(std::clamp(most, 0, 255)); };
  const RdmaDeviceLimits limits = {
      // One more is posted to drain a queue.
      .max_work = static_cast<uint32_t>(std::max(device.max_qp_wr - 1, 1)),
      .max_segments = static_cast<uint32_t>(std::max(device.max_sge, 1)),
      .max_read_segments = static_cast<uint32_t>(std::max(device.max_sge_rd, 1)),
      .max_initiator_depth = depth(device.max_qp_init_rd_atom),
      .max_responder_resources = depth(device.max_qp_rd_atom),
      .windows = (device.device_cap_flags &
                  (IBV_DEVICE_MEM_WINDOW_TYPE_2A | IBV_DEVICE_MEM_WINDOW_TYPE_2B)) != 0};
  return std::shared_ptr<VerbsDomain>(
      new VerbsDomain(limits, context, pd, stop_fd, InvalidatedFlags(device.vendor_id)));
}

VerbsDomain::VerbsDomain(const RdmaDeviceLimits& limits, ibv_context* context, ibv_pd* pd,
                         int stop_fd, unsigned int invalidated_flags)
    : RdmaDomain(limits),
      context_(context),
      pd_(pd),
      stop_fd_(stop_fd),
      invalidated_flags_(invalidated_flags) {
  async_thread_ = std::thread([this] { ReadAsyncEvents(); });
}

VerbsDomain::~VerbsDomain() {
  const uint64_t one = 1;
  while (write(stop_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  async_thread_.join();
  close(stop_fd_);
  const int error = ibv_dealloc_pd(pd_);
  CHECK_EQ(error, 0) << "ibv_dealloc_pd: " << std::strerror(error);
}

// The device has one queue of events for all that was made on it, whichever loop it lives on.
void VerbsDomain::ReadAsyncEvents() {
  for (;;) {
    pollfd fds[] = {{.fd = stop_fd_, .events = POLLIN, .revents = 0},
                    {.fd = context_->async_fd, .events = POLLIN, .revents = 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) return;
    ibv_async_event event;
    while (ibv_get_async_event(context_, &event) == 0) {
      void* sink = nullptr;
      switch (event.event_type) {
        case IBV_EVENT_QP_FATAL:
        case IBV_EVENT_QP_REQ_ERR:
        case IBV_EVENT_QP_ACCESS_ERR:
        case IBV_EVENT_COMM_EST:
          sink = event.element.qp->qp_context;
          break;
        case IBV_EVENT_CQ_ERR:
          sink = event.element.cq->cq_context;
          break;
        default:  // of ports and devices: the connection manager tells of these
          break;
      }
      if (sink != nullptr) static_cast<VerbsAsyncSink*>(sink)->OnAsyncEvent(event.event_type);
      // Until now its owner can't have destroyed what the event is about.
      ibv_ack_async_event(&event);
    }
    if ((fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return;
  }
}

absl::StatusOr<std::unique_ptr<RdmaMemory>> VerbsDomain::Register(base::MutableBytes bytes,
                                                                  RdmaRights rights) {
  CHECK(!bytes.empty());
  int flags = IBV_ACCESS_LOCAL_WRITE | AccessFlags(rights, limits().windows);
  // iWARP: what a Read brings is, to its sink, a remote write.
  if (context_->device->transport_type == IBV_TRANSPORT_IWARP) flags |= IBV_ACCESS_REMOTE_WRITE;
  ibv_mr* mr = ibv_reg_mr(pd_, bytes.data(), bytes.size(), flags);
  if (mr == nullptr) {
    return VerbsError(errno, absl::StrCat("cannot register ", bytes.size(), " bytes of memory"));
  }
  return std::make_unique<Memory>(shared_from_this(), mr, bytes, rights);
}

absl::StatusOr<std::unique_ptr<RdmaWindow>> VerbsDomain::NewWindow() {
  ibv_mw* mw = limits().windows ? ibv_alloc_mw(pd_, IBV_MW_TYPE_2) : nullptr;
  if (mw == nullptr && limits().windows) return VerbsError(errno, "cannot make a memory window");
  if (mw == nullptr) {
    return absl::UnimplementedError("this RDMA device has no memory windows of type 2");
  }
  return std::make_unique<Window>(shared_from_this(), mw);
}

std::weak_ptr<VerbsMemoryWindow> VerbsDomain::FillBind(const RdmaWork& work,
                                                       ibv_send_wr* wr) const {
  auto* window = dynamic_cast<Window*>(work.window);
  auto* memory = dynamic_cast<const Memory*>(work.memory);
  CHECK(window != nullptr && memory != nullptr) << "not of this kind of network";
  CHECK(window->memory_window()->mw() != nullptr) << "a window outlived its connection";
  window->Posted();
  wr->opcode = IBV_WR_BIND_MW;
  wr->bind_mw.mw = window->memory_window()->mw();
  wr->bind_mw.rkey = window->key();
  wr->bind_mw.bind_info = {
      .mr = memory->mr(),
      .addr = reinterpret_cast<uintptr_t>(work.bound.data()),
      .length = work.bound.size(),
      .mw_access_flags = static_cast<unsigned int>(AccessFlags(work.rights, false))};
  return window->memory_window();
}

absl::StatusOr<std::shared_ptr<VerbsDomain>> VerbsDomains::Get(ibv_context* context) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<VerbsDomain>& domain = domains_[context];
  if (domain == nullptr) {
    auto created = VerbsDomain::Create(context);
    if (!created.ok()) return created.status();
    domain = *std::move(created);
  }
  return domain;
}

}  // namespace pushpull::fabric
