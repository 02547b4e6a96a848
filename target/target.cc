#include "target/target.h"

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/random.h"

namespace pushpull::target {

absl::StatusOr<std::unique_ptr<Target>> Target::Create(TargetOptions options,
                                                       fabric::Network* network,
                                                       std::vector<fabric::Loop*> loops,
                                                       fabric::RdmaNetwork* rdma) {
  CHECK(network != nullptr && !loops.empty());
  if (options.node.queue_depth == 0 || options.node.queue_depth > 65536) {
    return absl::InvalidArgumentError("queue_depth must be 1 to 65536");
  }
  if (options.node.max_sessions == 0 || options.node.max_sessions > 65535) {
    return absl::InvalidArgumentError("max_sessions must be 1 to 65535, as TSIH has 16 bits");
  }
  if (options.chap.has_value() && options.node.auth == nullptr) {
    Entropy entropy = options.entropy ? options.entropy : SystemEntropy();
    options.node.auth = std::make_shared<ChapPolicy>(*std::move(options.chap), std::move(entropy),
                                                     options.node.bugs);
  }
  auto device = DeviceServer::Create({.target_name = options.node.name,
                                      .bugs = options.node.bugs,
                                      .choices = options.device_choices},
                                     std::move(options.logical_units));
  if (!device.ok()) return device.status();
  return std::unique_ptr<Target>(
      new Target(std::move(options), *std::move(device), network, loops, rdma));
}

Target::Target(TargetOptions options, std::unique_ptr<DeviceServer> device,
               fabric::Network* network, const std::vector<fabric::Loop*>& loops,
               fabric::RdmaNetwork* rdma)
    : network_(network),
      rdma_(rdma),
      iser_dialect_(options.iser_dialect),
      device_(std::move(device)),
      node_(std::make_unique<Node>(std::move(options.node), device_.get())) {
  base::Random random(node_->options().seed);
  for (fabric::Loop* const loop : loops) {
    workers_.push_back(std::make_unique<Worker>(node_.get(), loop, network, random.Next()));
  }
  node_->set_end_all_sessions([this] {
    for (const auto& worker : workers_) {
      worker->loop()->Post([worker = worker.get()] {
        worker->EndAllSessions("the target was reset", /*in_order=*/true);
      });
    }
  });
}

Target::~Target() = default;

absl::StatusOr<fabric::Address> Target::Listen(const fabric::Address& address) {
  CHECK(workers_.front()->loop()->OnThread());
  auto portal = Portal::Listen(network_, address, Workers());
  if (!portal.ok()) return portal.status();
  const fabric::Address bound = (*portal)->address();
  portals_.push_back(*std::move(portal));
  node_->AddPortal(bound);
  AddAddress(bound);
  return bound;
}

absl::StatusOr<fabric::Address> Target::ListenIser(const fabric::Address& address) {
  CHECK(rdma_ != nullptr) << "the target has no RDMA network";
  CHECK(workers_.front()->loop()->OnThread());
  auto portal = IserAcceptor::Listen(Workers(), rdma_, address, iser_dialect_, store_memory_);
  if (!portal.ok()) return portal.status();
  const fabric::Address bound = (*portal)->address();
  iser_portals_.push_back(*std::move(portal));
  AddAddress(bound);
  return bound;
}

std::vector<Worker*> Target::Workers() const {
  std::vector<Worker*> workers;
  for (const auto& worker : workers_) workers.push_back(worker.get());
  return workers;
}

void Target::AddAddress(const fabric::Address& address) {
  const std::lock_guard lock(mutex_);
  addresses_.push_back(address);
}

std::vector<fabric::Address> Target::addresses() const {
  const std::lock_guard lock(mutex_);
  return addresses_;
}

void Target::Stop(absl::Duration timeout, absl::AnyInvocable<void()> done) {
  node_->BeginStop();
  workers_.front()->loop()->Post([this, timeout, done = std::move(done)]() mutable {
    CHECK(!on_shutdown_) << "stopped twice";
    on_shutdown_ = std::move(done);
    portals_.clear();
    iser_portals_.clear();
    DrainWorkers(timeout);
  });
}

void Target::DrainWorkers(absl::Duration timeout) {
  workers_running_ = workers_.size();
  for (const auto& worker : workers_) {
    worker->loop()->Post([this, timeout, worker = worker.get()] {
      worker->Drain(timeout, [this] {
        workers_.front()->loop()->Post([this] {
          if (--workers_running_ == 0) ShutDownWorkers();
        });
      });
    });
  }
}

void Target::Shutdown(absl::AnyInvocable<void()> done) {
  workers_.front()->loop()->Post([this, done = std::move(done)]() mutable {
    CHECK(!on_shutdown_) << "shut down twice";
    on_shutdown_ = std::move(done);
    portals_.clear();
    iser_portals_.clear();
    ShutDownWorkers();
  });
}

// ---- administration -----------------------------------------------------------------------------

namespace {

// Asks worker after worker, each on its own loop; `done` runs on the last one's. A worker that has
// been shut down is passed over.
template <typename Answer>
struct Round {
  std::vector<std::pair<fabric::Loop*, std::shared_ptr<Worker* const>>> workers;
  std::function<void(Worker&, Answer&)> ask;
  absl::AnyInvocable<void(Answer)> done;
  Answer answer = {};
  size_t next = 0;
};

template <typename Answer>
void GoOn(std::unique_ptr<Round<Answer>> round) {
  fabric::Loop* const loop = round->workers[round->next].first;
  loop->Post([round = std::move(round)]() mutable {
    Worker* const worker = *round->workers[round->next].second;
    if (worker != nullptr) round->ask(*worker, round->answer);
    if (++round->next < round->workers.size()) return GoOn(std::move(round));
    round->done(std::move(round->answer));
  });
}

template <typename Answer>
void AskAll(const std::vector<std::unique_ptr<Worker>>& workers,
            std::function<void(Worker&, Answer&)> ask, absl::AnyInvocable<void(Answer)> done) {
  auto round = std::make_unique<Round<Answer>>();
  for (const auto& worker : workers) round->workers.emplace_back(worker->loop(), worker->life());
  round->ask = std::move(ask);
  round->done = std::move(done);
  GoOn(std::move(round));
}

}  // namespace

void Target::Announce(const AsyncRequest& request, absl::AnyInvocable<void(size_t)> done) {
  AskAll<size_t>(
      workers_, [request](Worker& worker, size_t& count) { count += worker.Announce(request); },
      std::move(done));
}

void Target::Describe(absl::AnyInvocable<void(std::vector<SessionInfo>)> done) {
  AskAll<std::vector<SessionInfo>>(
      workers_,
      [](Worker& worker, std::vector<SessionInfo>& sessions) {
        for (SessionInfo& info : worker.SessionInfos()) sessions.push_back(std::move(info));
      },
      std::move(done));
}

// A stream that was accepted may still be on its way to another loop: that loop hears of the
// shutdown behind it.
void Target::ShutDownWorkers() {
  workers_running_ = workers_.size();
  for (const auto& worker : workers_) {
    worker->loop()->Post([this, worker = worker.get()] {
      worker->Shutdown([this] {
        workers_.front()->loop()->Post([this] {
          if (--workers_running_ == 0) std::exchange(on_shutdown_, nullptr)();
        });
      });
    });
  }
}

void Target::TellDescriptors(bool turned_away) {
  Worker& worker = *workers_.front();
  if (turned_away) worker.counters().Add(Count::kConnectionsWithoutDescriptor);
  if (std::exchange(descriptors_short_, turned_away) == turned_away) return;
  const char* const what =
      turned_away ? "no descriptors are left for connections: further ones are closed at once; "
                    "raise the limit (ulimit -n, or LimitNOFILE= of a service)"
                  : "there are descriptors for connections again";
  node_->log().Write(base::LogLevel::kWarning, worker.loop()->Now(),
                     turned_away ? "descriptors_used_up" : "descriptors_back",
                     base::LogFields().Add("what", what));
}

int64_t Target::Get(Count count) const {
  int64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->counters().Get(count);
  return sum;
}

int64_t Target::Sum(const std::function<int64_t(const Counters&)>& one) const {
  int64_t sum = 0;
  for (const auto& worker : workers_) sum += one(worker->counters());
  return sum;
}

}  // namespace pushpull::target
