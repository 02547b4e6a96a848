#include "initiator_sim/player/player.h"

#include <utility>

#include "initiator_sim/player/play.h"

namespace pushpull::initiator_sim {

Player::Player(PlayerOptions options, Script script)
    : play_(std::make_shared<Play>(std::move(options), std::move(script))) {}

Player::~Player() = default;

void Player::Start(Done done) { play_->Start(std::move(done)); }

void Player::PeerHasEnded() { play_->PeerHasEnded(); }

std::vector<fabric::Address> Player::listening() const { return play_->listening(); }

}  // namespace pushpull::initiator_sim
