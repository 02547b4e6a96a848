// Holds what came against what a scenario says of it. Internal to the player.

#ifndef INITIATOR_SIM_PLAYER_JUDGE_H_
#define INITIATOR_SIM_PLAYER_JUDGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/player/play.h"
#include "initiator_sim/session/negotiation.h"
#include "pushpull/v1/pdu.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {

// Everywhere below, an error is the scenario's own (a name that nothing defines, a field that the
// PDU's kind doesn't have), and an empty list of differences means that all holds.
using Differences = std::vector<std::string>;

// A PDU that came, with what predicates may ask of it.
struct Subject {
  const v1::Pdu* pdu = nullptr;
  uint64_t arrival = 0;
  // Keys of several PDUs where a driver gathered them; null: the PDU's own.
  const v1::KeyList* keys = nullptr;
  // Likewise the data of a command.
  const std::string* data = nullptr;
};

// A field of scenario.proto's head comment: of the schema, key.NAME, @arrival, @data_length,
// @be32.N and the like (data_part.h), @login_status. nullopt: the PDU doesn't have it.
absl::StatusOr<std::optional<FieldValue>> FieldOf(const Subject& subject, std::string_view field);

absl::StatusOr<Differences> JudgePredicates(
    Play* play, const Link* link, const Subject& subject,
    const google::protobuf::RepeatedPtrField<v1::Predicate>& predicates);

// What became of the keys of a negotiation.
absl::StatusOr<Differences> JudgeKeys(Play* play, const Link* link, const Negotiation& negotiation,
                                      const google::protobuf::RepeatedPtrField<v1::KeyRule>& rules);

absl::Status SaveFields(Play* play, const Link* link, const Subject& subject,
                        const google::protobuf::RepeatedPtrField<v1::Save>& saves);

// For the reader.
std::string DescribePredicate(const v1::Predicate& predicate);
std::string DescribeKeyRule(const v1::KeyRule& rule);
std::string DescribeValue(const FieldValue& value);
std::string DescribeAlternative(const v1::Alternative& alternative);

// ITT, LUN and so on of a task's PDU that a rejected header must be: RFC 7143 §11.17.4.
bool RejectIsOf(const v1::Pdu& reject, const Task& task);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_JUDGE_H_
