// One fuzz input, played against a fresh reference target in virtual time, and what it shows.

#ifndef FUZZ_SESSION_PLAY_SESSION_H_
#define FUZZ_SESSION_PLAY_SESSION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/session/session_world.h"
#include "initiator_sim/player/tap.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

// Findings, a line each; none: the target behaves. They are
//   - violations of the target's that the monitor sees,
//   - an answer that is due to an initiator that did nothing wrong, and never comes,
//   - a connection, session, task or buffer that stays when all connections are gone,
//   - a log, or an account of sessions and counters, that is garbled by what was sent,
//   - a target that lets nobody log in and ping afterwards, unless it was stopped, or doesn't end.
// (A crash is one for whoever calls.) `tap`, unless null, is told all of the play.
// The scenario's variables choose the target (settings.h); its triggers may call "stop" and
// "describe" besides the events that cases know.
std::vector<std::string> PlaySession(const SessionOptions& options, const v1::Scenario& scenario,
                                     initiator_sim::Tap* tap = nullptr);

}  // namespace pushpull::fuzz

#endif  // FUZZ_SESSION_PLAY_SESSION_H_
