#include "fabric/sim_network.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/random.h"
#include "fabric/loop.h"
#include "fabric/net_error.h"
#include "fabric/sim_connection.h"
#include "fabric/sim_listening.h"
#include "fabric/sim_options.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {
namespace {

absl::Duration DrawLatency(const SimDirection& direction, base::Random& random) {
  const absl::Duration range = direction.max_latency - direction.min_latency;
  return direction.min_latency + absl::Nanoseconds(random.Between(
                                     0, static_cast<uint64_t>(absl::ToInt64Nanoseconds(range))));
}

}  // namespace

// What the network, its listeners and the events under way have in common.
class SimNetwork::Core : public std::enable_shared_from_this<Core> {
 public:
  using Listening = SimListening<AcceptHandler>;
  using Listener = std::shared_ptr<Listening::Entry>;

  Core(SimWorld* world, const SimOptions& options)
      : world_(world), options_(options), random_(world->ForkRandom()), listening_(world) {}

  SimWorld* world() const { return world_; }
  Listening& listening() { return listening_; }
  void set_options(const SimOptions& options) { options_ = options; }
  void set_options_of(std::function<SimOptions(size_t)> options_of) {
    options_of_ = std::move(options_of);
  }

  void Connect(SimLoop* loop, const Address& address, ConnectHandler done);

  size_t connections() const { return records_.size(); }
  const SimConnectionRecord& record(size_t number) const { return *records_.at(number); }
  std::shared_ptr<SimConnection> live(size_t number) const { return live_.at(number).lock(); }

 private:
  void Arrive(SimLoop* loop, const Address& address, SimWorld::Lane lane, const SimOptions& options,
              ConnectHandler done);

  SimWorld* const world_;
  SimOptions options_;
  std::function<SimOptions(size_t)> options_of_;
  base::Random random_;
  Listening listening_;
  std::vector<std::shared_ptr<SimConnectionRecord>> records_;
  std::vector<std::weak_ptr<SimConnection>> live_;
};

class SimNetwork::SimListener final : public Listener {
 public:
  SimListener(std::shared_ptr<Core> core, Core::Listener listening)
      : core_(std::move(core)), listening_(std::move(listening)) {}
  ~SimListener() override { core_->listening().Stop(listening_); }

  Address address() const override { return listening_->address; }

 private:
  const std::shared_ptr<Core> core_;
  const Core::Listener listening_;
};

void SimNetwork::Core::Connect(SimLoop* loop, const Address& address, ConnectHandler done) {
  const SimWorld::Lane lane = world_->NewLane();
  world_->Schedule(lane, world_->now() + DrawLatency(options_.to_acceptor, random_), nullptr,
                   [self = shared_from_this(), loop, address, lane, options = options_,
                    done = std::move(done)]() mutable {
                     self->Arrive(loop, address, lane, options, std::move(done));
                   });
}

// The SYN is at the listener, or nobody is there.
void SimNetwork::Core::Arrive(SimLoop* loop, const Address& address, SimWorld::Lane lane,
                              const SimOptions& options, ConnectHandler done) {
  const absl::Time answered = world_->now() + DrawLatency(options.to_connector, random_);
  const Listener listening = listening_.Find(address);
  if (listening == nullptr) {
    world_->Schedule(lane, answered, loop, [address, done = std::move(done)]() mutable {
      done(ConnectError(ECONNREFUSED, address));
    });
    return;
  }
  auto record = std::make_shared<SimConnectionRecord>();
  record->connector = {options.connector_host, listening_.NextPort()};
  const std::string host = NormalSimAddress(address).host;
  record->acceptor = {IsSimWildcard(host) ? "127.0.0.1" : host, address.port};
  auto connection = std::make_shared<SimConnection>(
      world_, options_of_ ? options_of_(records_.size()) : options, record);
  records_.push_back(std::move(record));
  live_.push_back(connection);
  auto accepted =
      std::make_unique<SimStream>(connection, SimConnection::kAcceptor, listening->loop);
  auto connected = std::make_unique<SimStream>(connection, SimConnection::kConnector, loop);
  world_->Schedule(listening->lane, world_->now(), listening->loop,
                   [listening, stream = std::move(accepted)]() mutable {
                     if (!listening->open) return stream->Abort();
                     listening->handler.Run(std::unique_ptr<Stream>(std::move(stream)));
                   });
  world_->Schedule(lane, answered, loop,
                   [stream = std::move(connected), done = std::move(done)]() mutable {
                     done(std::unique_ptr<Stream>(std::move(stream)));
                   });
  connection->Begin();
}

SimNetwork::SimNetwork(SimWorld* world, const SimOptions& options)
    : core_(std::make_shared<Core>(world, options)) {}

SimNetwork::~SimNetwork() = default;

absl::StatusOr<std::unique_ptr<Listener>> SimNetwork::Listen(Loop* loop, const Address& address,
                                                             AcceptHandler accept) {
  SimLoop* const sim_loop = AsSimLoop(loop, core_->world());
  CHECK(sim_loop->OnThread());
  auto listening = core_->listening().Listen(sim_loop, address, std::move(accept));
  if (listening == nullptr) return ListenError(EADDRINUSE, address);
  return std::make_unique<SimListener>(core_, std::move(listening));
}

void SimNetwork::Connect(Loop* loop, const Address& address, ConnectHandler done) {
  core_->Connect(AsSimLoop(loop, core_->world()), address, std::move(done));
}

void SimNetwork::Move(std::unique_ptr<Stream> stream, Loop* to,
                      absl::AnyInvocable<void(std::unique_ptr<Stream>)> done) {
  SimLoop* const sim_loop = AsSimLoop(to, core_->world());
  auto* const sim_stream = dynamic_cast<SimStream*>(stream.get());
  CHECK(sim_stream != nullptr) << "not a stream of a simulated network";
  CHECK(sim_stream->loop()->OnThread());
  sim_stream->DropHandlers();
  sim_stream->SetLoop(nullptr);
  to->Post([stream = std::move(stream), sim_stream, sim_loop, done = std::move(done)]() mutable {
    sim_stream->SetLoop(sim_loop);
    done(std::move(stream));
  });
}

void SimNetwork::set_options(const SimOptions& options) { core_->set_options(options); }

void SimNetwork::set_options_of(std::function<SimOptions(size_t)> options_of) {
  core_->set_options_of(std::move(options_of));
}

size_t SimNetwork::connections() const { return core_->connections(); }

const SimConnectionRecord& SimNetwork::connection(size_t number) const {
  return core_->record(number);
}

void SimNetwork::Reset(size_t number) {
  if (const auto connection = core_->live(number)) connection->ResetBoth();
}

void SimNetwork::Stall(size_t number) {
  if (const auto connection = core_->live(number)) connection->Stall();
}

}  // namespace pushpull::fabric
