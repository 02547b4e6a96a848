// Responses whose text comes in parts, put together for steps that wait for the whole.

#ifndef INITIATOR_SIM_PLAYER_PARTS_H_
#define INITIATOR_SIM_PLAYER_PARTS_H_

#include "initiator_sim/player/play.h"
#include "initiator_sim/player/steps.h"

namespace pushpull::initiator_sim {

// A Login or Text Response with the C bit: its text isn't whole (RFC 7143 §11.13.7, §11.11.2). With
// T or F it would also be the last one, which it can't be.
bool IsPart(const v1::Pdu& pdu);

// Takes such a response, keeps its text with its task, and answers it as §6.2 wants: without data.
// Waits for the command window where the request is numbered.
Progress AskForRest(Play* play, Link* link, Arrival* arrival);

// Puts the text that was kept in front of the text of a response.
void PrependHeldText(Task* task, v1::Pdu* response);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_PARTS_H_
