#include "conformance/runner/scripted_target.h"

#include <google/protobuf/text_format.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "initiator_sim/player/player.h"
#include "initiator_sim/player/tap.h"

namespace pushpull::conformance {
namespace {

const fabric::Address kWhere = {.host = "192.0.2.5", .port = 3260};

using Received = std::function<void(const v1::Pdu&)>;

class Meeting final : public Endpoint {
 public:
  Meeting(const std::string& script, const std::string& name, Received received,
          std::vector<std::string> complaints, initiator_sim::Hook hook)
      : world_(3),
        network_(&world_),
        loop_(world_.NewLoop()),
        tap_(std::move(received)),
        complaints_(std::move(complaints)),
        hook_(std::move(hook)) {
    initiator_sim::PlayerOptions options;
    options.network = &network_;
    options.loop = world_.NewLoop();
    options.listen = {kWhere};
    options.target_name = name;
    options.step_timeout = absl::Hours(10);
    options.tap = &tap_;
    initiator_sim::Script target;
    CHECK(google::protobuf::TextFormat::ParseFromString(absl::StrCat("role: TARGET ", script),
                                                        &target.scenario));
    target_.emplace(std::move(options), std::move(target));
    target_->Start([](const initiator_sim::PlayResult&) {});
  }

  fabric::Network* network() override { return &network_; }
  fabric::Loop* loop() override { return loop_; }
  std::vector<fabric::Address> portals() override { return {kWhere}; }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override {
    world_.RunUntil([&] { return done(); }, {.time = limit});
    return done();
  }
  initiator_sim::Hook hook() override { return hook_; }
  std::vector<std::string> Complaints() override { return complaints_; }

 private:
  class ReceivedTap final : public initiator_sim::Tap {
   public:
    explicit ReceivedTap(Received received) : received_(std::move(received)) {}
    void OnPdu(const initiator_sim::TapPdu& tapped) override {
      if (tapped.direction == initiator_sim::Direction::kToTarget) received_(tapped.decoded->pdu);
    }

   private:
    const Received received_;
  };

  fabric::SimWorld world_;
  fabric::SimNetwork network_;
  fabric::Loop* const loop_;
  ReceivedTap tap_;
  const std::vector<std::string> complaints_;
  const initiator_sim::Hook hook_;
  std::optional<initiator_sim::Player> target_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Endpoint>> ScriptedTargets::Make(uint64_t seed) {
  {
    const std::lock_guard lock(mutex_);
    seeds_.push_back(seed);
  }
  if (!reachable.ok()) return reachable;
  const std::string text = script ? script(seed) : std::string(kServes);
  return std::make_unique<Meeting>(
      text, target_name(),
      [this](const v1::Pdu& pdu) {
        const std::lock_guard lock(mutex_);
        if (received) received(pdu);
      },
      complaints, own_hook);
}

std::vector<uint64_t> ScriptedTargets::seeds() const {
  const std::lock_guard lock(mutex_);
  return seeds_;
}

Case CaseOf(const std::string& id, const std::string& text) {
  auto file = ParseScenario(
      absl::StrCat("id: \"", id, "\"\nlevel: MUST\ncite: \"RFC7143-4.2.1-a\"\n", text),
      absl::StrCat(id, ".textproto"));
  CHECK(file.ok());
  auto cases = Expand({*file});
  CHECK(cases.ok() && cases->size() == 1);
  return cases->front();
}

}  // namespace pushpull::conformance
