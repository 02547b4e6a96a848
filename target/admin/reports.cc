#include "target/admin/reports.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/hex.h"
#include "target/admin/http.h"
#include "target/login/status.h"
#include "target/pdu/codes.h"
#include "target/pdu/opcode.h"
#include "target/pdu/protocol_error.h"

namespace pushpull::target {
namespace {

constexpr std::string_view kHelp[] = {
    "Open connections.",
    "Logins under way.",
    "Sessions, those that wait for their connection to come back included.",
    "Tasks that are not answered yet.",
    "Bytes of memory for the data of tasks.",
    "Connections that were accepted.",
    "Connections that were closed at once, as too many logins were under way.",
    "Connections that were closed at once, as the process had no descriptors left.",
    "Logins that led to a session.",
    "Logins that failed, by the status that the initiator was told (none: it was told nothing).",
    "Sessions that were opened.",
    "Sessions that another login of the same name has ended.",
    "Tasks that were started.",
    "Tasks that were aborted.",
    "Tasks that ended with BUSY, as there was no memory for data that came unasked.",
    "How often a session had to wait, as the memory for the data of all was used up.",
    "Connections that were ended, as they kept others from memory.",
    "PDUs that were received, by opcode.",
    "PDUs that were sent, by opcode.",
    "Bytes in data segments of SCSI Command and Data-Out.",
    "Bytes of Data-In.",
    "Bytes that a store took from where they were received.",
    "Bytes that were copied from there into a task's buffer first.",
    "Bytes that RDMA read or wrote through a task's buffer.",
    "Bytes that RDMA read or wrote in a store's own memory.",
    "Rejects that were sent, by reason (RFC 7143 section 11.17.1).",
    "Mistakes of initiators that were found, by kind.",
    "Commands that were ignored: outside of the CmdSN window, or duplicates.",
    "Digests that were wrong.",
};
static_assert(std::size(kHelp) == kCounts);

// What one counter is made of.
struct Part {
  std::string label;
  int64_t value;
};
struct ByKind {
  std::string_view label;  // "opcode"
  std::vector<Part> parts;
};

std::string OpcodeLabel(uint8_t number) {
  const std::string_view name = OpcodeName(static_cast<Opcode>(number));
  const bool named = name != "unassigned" && !name.starts_with("vendor");
  return named ? std::string(name) : absl::StrFormat("0x%02x", number);
}

// Each that has a name, and further ones that came.
ByKind Opcodes(const Target& target, bool received) {
  ByKind kinds{"opcode", {}};
  for (uint8_t number = 0; number < 64; ++number) {
    const auto opcode = static_cast<Opcode>(number);
    const int64_t value = target.Sum([opcode, received](const Counters& counters) {
      return received ? counters.Received(opcode) : counters.Sent(opcode);
    });
    std::string label = OpcodeLabel(number);
    const bool usual = !label.starts_with("0x") && IsTargetOpcode(opcode) != received;
    if (usual || value != 0) kinds.parts.push_back({std::move(label), value});
  }
  return kinds;
}

ByKind Errors(const Target& target) {
  ByKind kinds{"reason", {}};
  for (size_t i = 0; i <= static_cast<size_t>(kLastReason); ++i) {
    const auto reason = static_cast<Reason>(i);
    kinds.parts.push_back(
        {std::string(ReasonName(reason)),
         target.Sum([reason](const Counters& counters) { return counters.Errors(reason); })});
  }
  return kinds;
}

ByKind Rejects(const Target& target) {
  constexpr std::pair<RejectReason, std::string_view> kReasons[] = {
      {RejectReason::kDataDigestError, "data_digest_error"},
      {RejectReason::kSnackReject, "snack_reject"},
      {RejectReason::kProtocolError, "protocol_error"},
      {RejectReason::kCommandNotSupported, "command_not_supported"},
      {RejectReason::kImmediateCommandReject, "immediate_command_reject"},
      {RejectReason::kTaskInProgress, "task_in_progress"},
      {RejectReason::kInvalidDataAck, "invalid_data_ack"},
      {RejectReason::kInvalidPduField, "invalid_pdu_field"},
      {RejectReason::kLongOperationReject, "long_operation_reject"},
      {RejectReason::kWaitingForLogout, "waiting_for_logout"},
  };
  ByKind kinds{"reason", {}};
  for (const auto& [reason, name] : kReasons) {
    kinds.parts.push_back(
        {std::string(name), target.Sum([reason = reason](const Counters& counters) {
           return counters.Rejects(reason);
         })});
  }
  return kinds;
}

ByKind LoginFailures(const Target& target) {
  constexpr LoginStatus kStatuses[] = {
      LoginStatus::kSuccess,
      LoginStatus::kTargetMovedTemporarily,
      LoginStatus::kTargetMovedPermanently,
      LoginStatus::kInitiatorError,
      LoginStatus::kAuthenticationFailure,
      LoginStatus::kAuthorizationFailure,
      LoginStatus::kNotFound,
      LoginStatus::kTargetRemoved,
      LoginStatus::kUnsupportedVersion,
      LoginStatus::kTooManyConnections,
      LoginStatus::kMissingParameter,
      LoginStatus::kCannotIncludeInSession,
      LoginStatus::kSessionTypeNotSupported,
      LoginStatus::kSessionDoesNotExist,
      LoginStatus::kInvalidDuringLogin,
      LoginStatus::kTargetError,
      LoginStatus::kServiceUnavailable,
      LoginStatus::kOutOfResources,
  };
  ByKind kinds{"status", {}};
  for (const LoginStatus status : kStatuses) {
    std::string label = status == LoginStatus::kSuccess
                            ? "none"
                            : absl::StrFormat("%04x", static_cast<uint16_t>(status));
    kinds.parts.push_back({std::move(label), target.Sum([status](const Counters& counters) {
                             return counters.LoginFailures(status);
                           })});
  }
  return kinds;
}

ByKind KindsOf(const Target& target, Count count) {
  switch (count) {
    case Count::kLoginsFailed:
      return LoginFailures(target);
    case Count::kPdusReceived:
      return Opcodes(target, true);
    case Count::kPdusSent:
      return Opcodes(target, false);
    case Count::kRejectsSent:
      return Rejects(target);
    case Count::kProtocolErrors:
      return Errors(target);
    default:
      return {};
  }
}

struct Slots {
  int64_t pledged = 0;
  int64_t held = 0;
};
Slots SlotsOf(const std::vector<SessionInfo>& sessions) {
  Slots slots;
  for (const SessionInfo& session : sessions) {
    for (const ConnectionInfo& connection : session.connections) {
      slots.pledged += connection.slots;
      slots.held += connection.slots_held;
    }
  }
  return slots;
}

void AppendMetric(std::string& out, std::string_view name, std::string_view help, bool gauge) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name);
  out.append(gauge ? " gauge\n" : " counter\n");
}

// A member of a JSON object: "  "name": value".
template <typename Value>
void Member(std::string& out, std::string_view name, const Value& value) {
  if (out.back() != '{') out += ", ";
  out += JsonQuoted(name);
  absl::StrAppend(&out, ": ", value);
}
void Member(std::string& out, std::string_view name, bool value) {
  Member<const char*>(out, name, value ? "true" : "false");
}
void TextMember(std::string& out, std::string_view name, std::string_view text) {
  Member(out, name, JsonQuoted(text));
}

std::string JsonOf(const ConnectionInfo& connection) {
  const ConnectionParameters& parameters = connection.parameters;
  const auto digest = [](Digest value) { return value == Digest::kCrc32c ? "CRC32C" : "None"; };
  std::string out = "{";
  Member(out, "connection", connection.number);
  Member(out, "cid", connection.cid);
  TextMember(out, "transport", connection.transport);
  TextMember(out, "local", connection.local.ToString());
  TextMember(out, "peer", connection.peer.ToString());
  TextMember(out, "header_digest", digest(parameters.header_digest));
  TextMember(out, "data_digest", digest(parameters.data_digest));
  Member(out, "initiator_max_recv_data_segment_length",
         parameters.initiator_max_recv_data_segment_length);
  Member(out, "target_max_recv_data_segment_length",
         parameters.target_max_recv_data_segment_length);
  Member(out, "slots", connection.slots);
  Member(out, "slots_held", connection.slots_held);
  Member(out, "queued_pdus", connection.queued_pdus);
  return out + "}";
}

std::string JsonOf(const SessionParameters& parameters) {
  std::string out = "{";
  Member(out, "InitialR2T", parameters.initial_r2t);
  Member(out, "ImmediateData", parameters.immediate_data);
  Member(out, "MaxBurstLength", parameters.max_burst_length);
  Member(out, "FirstBurstLength", parameters.first_burst_length);
  Member(out, "MaxOutstandingR2T", parameters.max_outstanding_r2t);
  Member(out, "DefaultTime2Wait", parameters.default_time2wait);
  Member(out, "DefaultTime2Retain", parameters.default_time2retain);
  Member(out, "DataPDUInOrder", parameters.data_pdu_in_order);
  Member(out, "DataSequenceInOrder", parameters.data_sequence_in_order);
  Member(out, "ErrorRecoveryLevel", static_cast<int>(parameters.error_recovery_level));
  Member(out, "MaxConnections", parameters.max_connections);
  return out + "}";
}

std::string JsonOf(const SessionInfo& session) {
  const bool discovery = session.parameters.session_type == SessionType::kDiscovery;
  std::string out = "{";
  Member(out, "tsih", session.tsih);
  TextMember(out, "initiator", session.initiator_name);
  TextMember(out, "isid", base::Hex(session.isid));
  TextMember(out, "type", discovery ? "Discovery" : "Normal");
  Member(out, "tasks", session.tasks);
  Member(out, "exp_cmd_sn", session.exp_cmd_sn);
  Member(out, "max_cmd_sn", session.max_cmd_sn);
  Member(out, "logout_requested", session.logout_requested);
  Member(out, "negotiated", JsonOf(session.parameters));
  std::string connections;
  for (const ConnectionInfo& connection : session.connections) {
    absl::StrAppend(&connections, connections.empty() ? "" : ", ", JsonOf(connection));
  }
  Member(out, "connections", absl::StrCat("[", connections, "]"));
  return out + "}";
}

}  // namespace

std::string CountersJson(const Target& target, const std::vector<SessionInfo>& sessions) {
  std::string out = "{";
  for (size_t i = 0; i < kCounts; ++i) {
    const auto count = static_cast<Count>(i);
    Member(out, CountName(count), target.Get(count));
    const ByKind kinds = KindsOf(target, count);
    if (kinds.parts.empty()) continue;
    std::string object = "{";
    for (const Part& part : kinds.parts) Member(object, part.label, part.value);
    std::string name(CountName(count));
    name.append("_by_").append(kinds.label);
    Member(out, name, object + "}");
  }
  const Slots slots = SlotsOf(sessions);
  Member(out, "slots", slots.pledged);
  Member(out, "slots_held", slots.held);
  return out + "}\n";
}

std::string CountersText(const Target& target, const std::vector<SessionInfo>& sessions) {
  std::string out;
  for (size_t i = 0; i < kCounts; ++i) {
    const auto count = static_cast<Count>(i);
    std::string name = "pushpull_target_";
    name.append(CountName(count)).append(IsGauge(count) ? "" : "_total");
    AppendMetric(out, name, kHelp[i], IsGauge(count));
    const ByKind kinds = KindsOf(target, count);
    if (kinds.parts.empty()) absl::StrAppend(&out, name, " ", target.Get(count), "\n");
    for (const Part& part : kinds.parts) {
      out.append(name).append("{").append(kinds.label);
      absl::StrAppend(&out, "=\"", part.label, "\"} ", part.value, "\n");
    }
  }
  const Slots slots = SlotsOf(sessions);
  AppendMetric(out, "pushpull_target_slots", "Slots that connections have for requests.", true);
  absl::StrAppend(&out, "pushpull_target_slots ", slots.pledged, "\n");
  AppendMetric(out, "pushpull_target_slots_held", "Slots that hold a numbered request.", true);
  absl::StrAppend(&out, "pushpull_target_slots_held ", slots.held, "\n");
  return out;
}

std::string SessionsJson(const std::vector<SessionInfo>& sessions) {
  std::string out = "{\"sessions\": [";
  for (const SessionInfo& session : sessions) {
    absl::StrAppend(&out, &session == sessions.data() ? "\n" : ",\n", JsonOf(session));
  }
  return out + "]}\n";
}

}  // namespace pushpull::target
