// The steps of a scenario as actions on a play. Internal to the player.

#ifndef INITIATOR_SIM_PLAYER_STEPS_H_
#define INITIATOR_SIM_PLAYER_STEPS_H_

#include <cstdint>
#include <memory>

#include "initiator_sim/player/play.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {

// What a binding makes of a number.
inline uint64_t Bound(const v1::Binding& binding, uint64_t number) {
  return (number + static_cast<uint64_t>(binding.add())) ^ binding.xor_();
}

// For a step for which nothing came in time: fails it if the target shows that it lives, waits on
// otherwise. `link` is open.
std::unique_ptr<Action> MakeLifeCheck(Play* play, Link* link, std::unique_ptr<Action> late);
// The same by a login on a new connection.
std::unique_ptr<Action> MakeLoginCheck(Play* play, std::unique_ptr<Action> late);
// For a step for which nothing came yet: ends it once a ping is answered and nothing else came.
std::unique_ptr<Action> MakePingCheck(Play* play, Link* link, std::unique_ptr<Action> late);

// The action of a step. Never null: what can't be played is an action that ends the play.
std::unique_ptr<Action> MakeAction(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeEpilogue(Play* play);

std::unique_ptr<Action> MakeConnect(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeLogin(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeSend(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeExpect(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeServeR2ts(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeGatherDataIn(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeTextUntilFinal(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeCommand(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeProbe(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeElapse(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeTrigger(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeRequireNegotiated(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeRequire(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeClose(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeExpectClosed(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeLogout(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeCheckBlocks(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeAcknowledge(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeConnections(Play* play, const v1::Step& step);

// On iSER. MakeRdma: register, withhold_receives, disconnect.
std::unique_ptr<Action> MakeRdma(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeExpectRdma(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeHello(Play* play, const v1::Step& step);

// As a target.
std::unique_ptr<Action> MakeAccept(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeAcceptLogin(Play* play, const v1::Step& step);
std::unique_ptr<Action> MakeServe(Play* play, const v1::Step& step);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_STEPS_H_
