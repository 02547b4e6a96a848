#include "tools/endpoints/session_hosts.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "fabric/sim_options.h"
#include "fuzz/replay/cut_network.h"
#include "tools/endpoints/embedded_sim.h"
#include "tools/endpoints/watched_store.h"

namespace pushpull::tools {
namespace {

using conformance::Endpoint;
using conformance::EndpointFactory;
using replay::SessionCuts;
using replay::SessionEndpoint;

constexpr uint64_t kSeed = 1;

// Hands all on to another endpoint, which its factory outlives.
class Forwarding : public SessionEndpoint {
 public:
  fabric::Network* network() override { return inner_->network(); }
  fabric::Loop* loop() override { return inner_->loop(); }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override {
    return inner_->RunUntil(done, limit);
  }
  std::vector<fabric::Address> portals() override { return inner_->portals(); }
  initiator_sim::Hook hook() override { return inner_->hook(); }
  initiator_sim::Tap* tap() override { return inner_->tap(); }
  std::vector<std::string> Complaints() override { return inner_->Complaints(); }

 protected:
  std::unique_ptr<Endpoint> inner_;
};

// ---- simulated ---------------------------------------------------------------------------------

fabric::SimOptions OptionsOf(const SessionCuts& cuts, size_t connection) {
  fabric::SimOptions options;
  // Whatever is written within one instant is there together.
  options.to_acceptor.read_delay = options.to_connector.read_delay = absl::Microseconds(1);
  if (connection != cuts.connection) return options;
  fabric::SimDirection& way =
      cuts.direction == replay::Direction::kToTarget ? options.to_acceptor : options.to_connector;
  way.read_cuts = cuts.at;
  if (cuts.not_yet_before_each_read) way.read_block_percent = 100;
  return options;
}

class SimSessionEndpoint final : public Forwarding {
 public:
  SimSessionEndpoint(const target::BugSet& bugs, SessionCuts cuts) : cuts_(std::move(cuts)) {
    EmbeddedSimOptions options;
    options.bugs = bugs;
    options.network_of = [this](size_t connection) { return OptionsOf(cuts_, connection); };
    options.wrap_store = [this](uint16_t lun, std::shared_ptr<target::Store> store) {
      auto watched = std::make_shared<WatchedStore>(std::move(store));
      stores_[lun] = watched;
      return watched;
    };
    options.on_connection = [this](const fabric::SimConnectionRecord& record) {
      if (ended_++ != cuts_.connection) return;
      spans_ = cuts_.direction == replay::Direction::kToTarget
                   ? record.to_acceptor.read_sizes_hash
                   : record.to_connector.read_sizes_hash;
    };
    factory_ = MakeEmbeddedSimFactory(std::move(options));
  }
  ~SimSessionEndpoint() override { inner_.reset(); }

  absl::Status Start() {
    PUSHPULL_ASSIGN_OR_RETURN(inner_, factory_->Make(kSeed));
    return absl::OkStatus();
  }

  std::optional<std::vector<replay::LunBlock>> WrittenBlocks() override {
    std::vector<replay::LunBlock> blocks;
    for (const auto& [lun, store] : stores_) {
      for (auto& [lba, data] : store->Written()) {
        blocks.push_back({.lun = lun, .lba = lba, .data = std::move(data)});
      }
    }
    return blocks;
  }

  uint64_t End() override {
    inner_.reset();
    return spans_;
  }

 private:
  const SessionCuts cuts_;
  std::unique_ptr<EndpointFactory> factory_;
  std::map<uint16_t, std::shared_ptr<WatchedStore>> stores_;
  size_t ended_ = 0;  // connections that were told
  uint64_t spans_ = 0;
};

class SimSessionHost final : public replay::SessionHost {
 public:
  explicit SimSessionHost(const target::BugSet& bugs) : bugs_(bugs) {
    EmbeddedSimOptions options;
    options.bugs = bugs;
    factory_ = MakeEmbeddedSimFactory(std::move(options));
  }

  EndpointFactory* factory() override { return factory_.get(); }
  absl::StatusOr<std::unique_ptr<SessionEndpoint>> Make(const SessionCuts& cuts) override {
    auto endpoint = std::make_unique<SimSessionEndpoint>(bugs_, cuts);
    PUSHPULL_RETURN_IF_ERROR(endpoint->Start());
    return std::unique_ptr<SessionEndpoint>(std::move(endpoint));
  }
  bool CanCut(replay::Direction) const override { return true; }

 private:
  const target::BugSet bugs_;
  std::unique_ptr<EndpointFactory> factory_;
};

// ---- over TCP ----------------------------------------------------------------------------------

class WriteCutEndpoint final : public Forwarding {
 public:
  WriteCutEndpoint(std::unique_ptr<Endpoint> inner, const SessionCuts& cuts)
      : network_(inner->network(), {.connection = cuts.connection, .at = cuts.at}) {
    inner_ = std::move(inner);
  }

  fabric::Network* network() override { return &network_; }
  std::optional<std::vector<replay::LunBlock>> WrittenBlocks() override { return std::nullopt; }
  uint64_t End() override { return 0; }

 private:
  replay::CutNetwork network_;
};

class WriteCutHost final : public replay::SessionHost {
 public:
  explicit WriteCutHost(std::unique_ptr<EndpointFactory> factory) : factory_(std::move(factory)) {}

  EndpointFactory* factory() override { return factory_.get(); }
  absl::StatusOr<std::unique_ptr<SessionEndpoint>> Make(const SessionCuts& cuts) override {
    if (!CanCut(cuts.direction)) {
      return absl::UnimplementedError("over TCP only what the initiator writes can be cut");
    }
    PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<Endpoint> inner, factory_->Make(kSeed));
    return std::unique_ptr<SessionEndpoint>(
        std::make_unique<WriteCutEndpoint>(std::move(inner), cuts));
  }
  bool CanCut(replay::Direction direction) const override {
    return direction == replay::Direction::kToTarget;
  }

 private:
  const std::unique_ptr<EndpointFactory> factory_;
};

}  // namespace

std::unique_ptr<replay::SessionHost> MakeSimSessionHost(const target::BugSet& bugs) {
  return std::make_unique<SimSessionHost>(bugs);
}

std::unique_ptr<replay::SessionHost> MakeWriteCutSessionHost(
    std::unique_ptr<EndpointFactory> factory) {
  return std::make_unique<WriteCutHost>(std::move(factory));
}

}  // namespace pushpull::tools
