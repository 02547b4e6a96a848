#include "fabric/rdma/sim_rdma_fabric.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "base/check.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_domain.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

SimRdmaFabric::SimRdmaFabric(SimWorld* world, const SimRdmaOptions& options)
    : world_(world),
      world_life_(world->life()),
      options_(options),
      random_(world->ForkRandom()),
      listening_(world) {}

std::shared_ptr<SimDomain> SimRdmaFabric::DomainOf(const std::string& host) {
  std::shared_ptr<SimDomain>& domain = domains_[host];
  if (domain == nullptr) domain = std::make_shared<SimDomain>(options_.device, random_.Fork());
  return domain;
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
