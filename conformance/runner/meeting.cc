#include "conformance/runner/meeting.h"

#include <utility>

#include "base/check.h"
#include "google/protobuf/text_format.h"

namespace pushpull::conformance {

Meeting::Meeting(const std::string& initiator)
    : world_(3), network_(&world_), loop_(world_.NewLoop()), initiators_loop_(world_.NewLoop()) {
  CHECK(google::protobuf::TextFormat::ParseFromString(initiator, &script_.scenario)) << initiator;
}

bool Meeting::RunUntil(absl::FunctionRef<bool()> done, absl::Duration) {
  world_.RunUntil([&] { return done(); });
  return done();
}

void Meeting::Start(const std::vector<fabric::Address>& portals, absl::Duration after,
                    std::function<void(const initiator_sim::PlayResult&)> ended) {
  initiator_sim::PlayerOptions options;
  options.network = &network_;
  options.loop = initiators_loop_;
  options.portals = portals;
  options.target_name = "iqn.2026-11.org.example:scripted";
  player_.emplace(std::move(options), script_);
  initiators_loop_->StartTimer(after, [this, ended = std::move(ended)] {
    player_->Start([ended](const initiator_sim::PlayResult& result) {
      if (ended) ended(result);
    });
  });
}

absl::StatusOr<std::unique_ptr<Endpoint>> MeetingFactory::Make(uint64_t) {
  if (!reachable.ok()) return reachable;
  auto meeting = std::make_unique<Meeting>(initiator_);
  if (made) made(meeting.get());
  return meeting;
}

}  // namespace pushpull::conformance
