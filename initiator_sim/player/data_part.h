// Parts of data that came, by name: numbers in network order, and bytes. Internal to the player.
//
//   be8.N be16.N be32.N be64.N   the number of so many bits from byte N on
//   bytes.N.LENGTH               so many bytes from byte N on

#ifndef INITIATOR_SIM_PLAYER_DATA_PART_H_
#define INITIATOR_SIM_PLAYER_DATA_PART_H_

#include <optional>
#include <string_view>

#include "initiator_sim/pdu/field_path.h"

namespace pushpull::initiator_sim {

// Whether this is the name of a part.
bool IsDataPart(std::string_view part);

// nullopt: no such part, or `data` ends before its end.
std::optional<FieldValue> DataPart(std::string_view data, std::string_view part);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_DATA_PART_H_
