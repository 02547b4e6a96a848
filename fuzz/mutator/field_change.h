// Changes one field of a message, found by reflection, by what its name and type mean.

#ifndef FUZZ_MUTATOR_FIELD_CHANGE_H_
#define FUZZ_MUTATOR_FIELD_CHANGE_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"

namespace pushpull::fuzz {

enum class Meaning : uint8_t {
  kFixed,           // never changed: labels, citations, what judges answers
  kNumber,          // any
  kSequenceNumber,  // cmd_sn, exp_stat_sn, data_sn ...
  kTag,             // initiator_task_tag, target_transfer_tag ...
  kLength,          // data_segment_length, buffer_offset ...
  kLun,
  kBlock,  // lba, blocks
  kTaskName,
  kConnectionName,
  kKeyName,
  kKeyValue,
  kText,
  kBytes,
};
Meaning MeaningOf(const google::protobuf::FieldDescriptor& field);

// The names that a scenario has given, for fields that refer to them.
struct Names {
  std::vector<std::string> tasks;
  std::vector<std::string> connections;
};
Names NamesIn(const google::protobuf::Message& message);

uint64_t NumberOf(Meaning meaning, base::Random* random);
// A name of `names`, where there is one.
std::string TextOf(Meaning meaning, const Names& names, base::Random* random);

// Sets, clears, adds or removes one field somewhere in the message. False: it has none that may be
// changed.
bool ChangeField(const Names& names, google::protobuf::Message* message, base::Random* random);

// One bytes field (or text of data) somewhere in the message: bits, bytes, its length. False: none
// is set.
bool ChangeBytes(google::protobuf::Message* message, base::Random* random);

}  // namespace pushpull::fuzz

#endif  // FUZZ_MUTATOR_FIELD_CHANGE_H_
