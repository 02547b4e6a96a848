#include "fabric/rdma/sim_rdma_fabric.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_domain.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {
namespace {

constexpr uint16_t kFirstEphemeralPort = 49152;

bool IsWildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

}  // namespace

SimRdmaFabric::SimRdmaFabric(SimWorld* world, const SimRdmaOptions& options)
    : world_(world),
      world_life_(world->life()),
      options_(options),
      random_(world->ForkRandom()),
      next_port_(kFirstEphemeralPort) {}

SimLoop* SimRdmaFabric::CheckLoop(Loop* loop) const {
  auto* sim_loop = dynamic_cast<SimLoop*>(loop);
  CHECK(sim_loop != nullptr && sim_loop->world() == world_) << "not a loop of this network's world";
  return sim_loop;
}

Address SimRdmaFabric::Normal(const Address& address) {
  if (address.host == "localhost") return {"127.0.0.1", address.port};
  if (address.host.empty()) return {"0.0.0.0", address.port};
  return address;
}

std::shared_ptr<SimRdmaFabric::Listening> SimRdmaFabric::Listen(
    SimLoop* loop, Address address, RdmaNetwork::RequestHandler handler) {
  const auto in_use = [&](const std::shared_ptr<Listening>& other) {
    return other->address.port == address.port &&
           (other->address.host == address.host || IsWildcard(other->address.host) ||
            IsWildcard(address.host));
  };
  const bool any_port = address.port == 0;
  if (any_port) address.port = NextPort();
  while (std::any_of(listening_.begin(), listening_.end(), in_use)) {
    if (!any_port) return nullptr;
    address.port = NextPort();
  }
  auto listening = std::make_shared<Listening>();
  listening->loop = loop;
  listening->address = std::move(address);
  listening->handler.Set(std::move(handler));
  listening->lane = world_->NewLane();
  listening_.push_back(listening);
  return listening;
}

void SimRdmaFabric::StopListening(const std::shared_ptr<Listening>& listening) {
  CHECK(world_is_gone() || listening->loop->OnThread());
  listening->open = false;
  listening->handler.Clear();
  std::erase(listening_, listening);
}

std::shared_ptr<SimRdmaFabric::Listening> SimRdmaFabric::FindListening(
    const Address& address) const {
  const Address normal = Normal(address);
  for (const auto& listening : listening_) {
    if (listening->address.port == normal.port &&
        (listening->address.host == normal.host || IsWildcard(listening->address.host) ||
         IsWildcard(normal.host))) {
      return listening;
    }
  }
  return nullptr;
}

uint16_t SimRdmaFabric::NextPort() {
  const uint16_t port = next_port_;
  next_port_ = port == UINT16_MAX ? kFirstEphemeralPort : static_cast<uint16_t>(port + 1);
  return port;
}

std::shared_ptr<SimDomain> SimRdmaFabric::DomainOf(const std::string& host) {
  std::shared_ptr<SimDomain>& domain = domains_[host];
  if (domain == nullptr) domain = std::make_shared<SimDomain>(options_.device, random_.Fork());
  return domain;
}

absl::Status SimRdmaFabric::CheckQueues(const RdmaQueueOptions& queues) const {
  const RdmaDeviceLimits& device = options_.device;
  if (std::max(queues.max_sends, queues.max_receives) > device.max_work) {
    return absl::InvalidArgumentError(
        absl::StrCat("queues of ", queues.max_sends, " and ", queues.max_receives,
                     " requests; the device has ", "at most ", device.max_work));
  }
  if (std::max(queues.max_send_segments, queues.max_receive_segments) > device.max_segments) {
    return absl::InvalidArgumentError(
        absl::StrCat("requests of ", queues.max_send_segments, " and ", queues.max_receive_segments,
                     " segments; the device takes at most ", device.max_segments));
  }
  return absl::OkStatus();
}

std::shared_ptr<SimRdmaLink> SimRdmaFabric::NewLink(const std::shared_ptr<SimQueuePair>& connector,
                                                    const Address& connector_address,
                                                    const Address& acceptor) {
  auto link = std::make_shared<SimRdmaLink>(options_, random_.Fork(), records_.size());
  link->trace = trace_;
  link->record = std::make_shared<SimRdmaRecord>();
  link->record->connector = connector_address;
  link->record->acceptor = acceptor;
  records_.push_back(link->record);
  ends_.push_back({.connector = connector, .acceptor = {}});
  return link;
}

absl::Duration SimRdmaFabric::DrawLatency(const SimRdmaDirection& direction) {
  const absl::Duration range =
      std::max(direction.max_latency - direction.min_latency, absl::ZeroDuration());
  return direction.min_latency + absl::Nanoseconds(random_.Between(
                                     0, static_cast<uint64_t>(absl::ToInt64Nanoseconds(range))));
}

}  // namespace pushpull::fabric
