// What fields mean, by their names, and values that are worth trying for each meaning.

#include <array>
#include <map>
#include <set>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "fuzz/mutator/field_change.h"

namespace pushpull::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

const std::map<std::string_view, Meaning>& Meanings() {
  static const auto* const meanings = new std::map<std::string_view, Meaning>{
      {"cmd_sn", Meaning::kSequenceNumber},
      {"ref_cmd_sn", Meaning::kSequenceNumber},
      {"exp_stat_sn", Meaning::kSequenceNumber},
      {"data_sn", Meaning::kSequenceNumber},
      {"exp_data_sn", Meaning::kSequenceNumber},
      {"beg_run", Meaning::kSequenceNumber},
      {"run_length", Meaning::kSequenceNumber},
      {"cid", Meaning::kSequenceNumber},
      {"tsih", Meaning::kSequenceNumber},
      {"initiator_task_tag", Meaning::kTag},
      {"target_transfer_tag", Meaning::kTag},
      {"referenced_task_tag", Meaning::kTag},
      {"total_ahs_length", Meaning::kLength},
      {"data_segment_length", Meaning::kLength},
      {"ahs_length", Meaning::kLength},
      {"expected_data_transfer_length", Meaning::kLength},
      {"buffer_offset", Meaning::kLength},
      {"length", Meaning::kLength},
      {"read_length", Meaning::kLength},
      {"immediate_length", Meaning::kLength},
      {"unsolicited_length", Meaning::kLength},
      {"allocation_length", Meaning::kLength},
      {"lun", Meaning::kLun},
      {"lba", Meaning::kBlock},
      {"blocks", Meaning::kBlock},
      {"task", Meaning::kTaskName},
      {"refers_to", Meaning::kTaskName},
      {"connection", Meaning::kConnectionName},
      {"session", Meaning::kConnectionName},
  };
  return *meanings;
}

// What judges answers or speaks to readers, what Tame() would take away again, and the cuts, which
// have their own mutation.
const std::set<std::string_view>& FixedFields() {
  static const auto* const fields = new std::set<std::string_view>{
      "at_least",
      "at_least_r2ts",
      "at_most",
      "at_most_ord",
      "at_most_pdus",
      "at_most_r2ts",
      "cite",
      "delivery",
      "expect",
      "expect_data",
      "expect_length",
      "expect_length_in_blocks",
      "expect_refused",
      "expect_reject",
      "go_to",
      "ignore",
      "leave_response",
      "level",
      "note",
      "nothing_else_came",
      "offered",
      "or_accepted",
      "or_closed",
      "port",
      "residual_overflow",
      "residual_overflow_in_blocks",
      "residual_underflow",
      "residual_underflow_in_blocks",
      "result",
      "save",
      "save_as",
      "save_data_as",
      "sense",
      "status",
      "timeout_ms",
      "verdict",
      "virtual_time",
      "warn_status",
      "where",
      "why",
      "with_status",
  };
  return *fields;
}

// Messages that judge.
const std::set<std::string_view>& Judges() {
  static const auto* const judges =
      new std::set<std::string_view>{"Alternative", "KeyRule", "Predicate", "Save"};
  return *judges;
}

constexpr std::array<uint64_t, 25> kLengths = {
    0,      1,      3,      4,        5,         8,          48,         49,    511,
    512,    513,    4096,   8191,     8192,      8193,       65535,      65536, 65537,
    262143, 262144, 262145, 0xffffff, 0x1000000, 0x7fffffff, 0xffffffff,
};
constexpr std::array<uint64_t, 9> kLuns = {0, 1, 2, 3, 7, 255, 256, 16383, 0xffff};
constexpr std::array<uint64_t, 8> kTags = {0, 1, 2, 3, 0x10, 0x80000000, 0xfffffffe, 0xffffffff};
constexpr std::array<uint64_t, 9> kBlocks = {0,      1,          2,          8,           63,
                                             131071, 0x7fffffff, 0xffffffff, ~uint64_t{0}};

constexpr std::array<std::string_view, 29> kKeyNames = {"AuthMethod",
                                                        "CHAP_A",
                                                        "CHAP_C",
                                                        "CHAP_I",
                                                        "CHAP_N",
                                                        "CHAP_R",
                                                        "DataDigest",
                                                        "DataPDUInOrder",
                                                        "DataSequenceInOrder",
                                                        "DefaultTime2Retain",
                                                        "DefaultTime2Wait",
                                                        "ErrorRecoveryLevel",
                                                        "FirstBurstLength",
                                                        "HeaderDigest",
                                                        "IFMarker",
                                                        "ImmediateData",
                                                        "InitialR2T",
                                                        "InitiatorName",
                                                        "InitiatorRecvDataSegmentLength",
                                                        "MaxBurstLength",
                                                        "MaxConnections",
                                                        "MaxOutstandingR2T",
                                                        "MaxOutstandingUnexpectedPDUs",
                                                        "MaxRecvDataSegmentLength",
                                                        "RDMAExtensions",
                                                        "SendTargets",
                                                        "SessionType",
                                                        "TargetName",
                                                        "TaskReporting"};
constexpr std::array<std::string_view, 24> kKeyValues = {"",
                                                         "Yes",
                                                         "No",
                                                         "None",
                                                         "CRC32C",
                                                         "CRC32C,None",
                                                         "None,CRC32C",
                                                         "CHAP",
                                                         "CHAP,None",
                                                         "0",
                                                         "1",
                                                         "2",
                                                         "511",
                                                         "512",
                                                         "513",
                                                         "8192",
                                                         "65536",
                                                         "262144",
                                                         "16777215",
                                                         "16777216",
                                                         "All",
                                                         "Reject",
                                                         "NotUnderstood",
                                                         "FastAbort,RFC3720"};

template <typename T, size_t N>
const T& OneOf(const std::array<T, N>& values, base::Random* random) {
  return values[random->Below(N)];
}

const std::string& OneOf(const std::vector<std::string>& values, base::Random* random) {
  return values[random->Below(values.size())];
}

}  // namespace

namespace {

Meaning MeaningByName(const FieldDescriptor& field) {
  const std::string& name = field.name();
  if (FixedFields().contains(name)) return Meaning::kFixed;
  // Steps have labels, keys have names.
  const std::string& type = field.containing_type()->name();
  if (name == "name") return type == "Step" ? Meaning::kFixed : Meaning::kKeyName;
  if (name == "value" && field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return Meaning::kKeyValue;
  }
  const auto* const message = field.message_type();
  if (message != nullptr && Judges().contains(message->name())) return Meaning::kFixed;
  if (const auto it = Meanings().find(name); it != Meanings().end()) return it->second;
  if (field.type() == FieldDescriptor::TYPE_BYTES) return Meaning::kBytes;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) return Meaning::kText;
  return Meaning::kNumber;
}

}  // namespace

Meaning MeaningOf(const FieldDescriptor& field) {
  // Asked for each field of each message that is changed.
  static thread_local absl::flat_hash_map<const FieldDescriptor*, Meaning> known;
  const auto [entry, is_new] = known.try_emplace(&field);
  if (is_new) entry->second = MeaningByName(field);
  return entry->second;
}

Names NamesIn(const Message& message) {
  std::set<std::string> tasks;
  std::set<std::string> connections;
  const auto walk = [&](const auto& self, const Message& at) -> void {
    const Reflection& reflection = *at.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(at, &fields);
    for (const FieldDescriptor* field : fields) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        const int size = field->is_repeated() ? reflection.FieldSize(at, field) : 1;
        for (int i = 0; i < size; ++i) {
          self(self, field->is_repeated() ? reflection.GetRepeatedMessage(at, field, i)
                                          : reflection.GetMessage(at, field));
        }
      } else if (!field->is_repeated() && MeaningOf(*field) == Meaning::kTaskName) {
        tasks.insert(reflection.GetString(at, field));
      } else if (!field->is_repeated() && MeaningOf(*field) == Meaning::kConnectionName) {
        connections.insert(reflection.GetString(at, field));
      }
    }
  };
  walk(walk, message);
  return {{tasks.begin(), tasks.end()}, {connections.begin(), connections.end()}};
}

uint64_t NumberOf(Meaning meaning, base::Random* random) {
  switch (meaning) {
    case Meaning::kLength: {
      const uint64_t length = OneOf(kLengths, random);
      return random->Chance(70) ? length : length + random->Below(9) - 4;
    }
    case Meaning::kTag:
      return OneOf(kTags, random);
    case Meaning::kLun:
      return OneOf(kLuns, random);
    case Meaning::kBlock:
      return random->Chance(60) ? random->Below(64) : OneOf(kBlocks, random);
    case Meaning::kSequenceNumber:
      return random->Chance(70) ? random->Below(20) - 4 : OneOf(kTags, random);
    default:
      break;
  }
  switch (random->Below(3)) {
    case 0:
      return random->Below(17);
    case 1:
      return uint64_t{1} << random->Below(33);
    default:
      return random->Next() >> random->Below(64);
  }
}

std::string TextOf(Meaning meaning, const Names& names, base::Random* random) {
  switch (meaning) {
    case Meaning::kTaskName:
      if (!names.tasks.empty() && random->Chance(80)) return OneOf(names.tasks, random);
      return "t" + std::to_string(random->Below(4));
    case Meaning::kConnectionName:
      if (!names.connections.empty() && random->Chance(70)) return OneOf(names.connections, random);
      return "c" + std::to_string(random->Between(1, 3));
    case Meaning::kKeyName:
      return std::string(OneOf(kKeyNames, random));
    case Meaning::kKeyValue:
      return std::string(OneOf(kKeyValues, random));
    case Meaning::kBytes: {
      std::string bytes(random->Below(20), '\0');
      for (char& byte : bytes) byte = static_cast<char>(random->Below(256));
      return bytes;
    }
    default:
      return std::string(random->Below(4), 'a');
  }
}

}  // namespace pushpull::fuzz
