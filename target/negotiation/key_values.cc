#include "target/negotiation/key_values.h"

#include <array>

#include "base/check.h"
#include "target/negotiation/values.h"

namespace pushpull::target {
namespace {

constexpr std::array<std::string_view, 2> kDigestNames = {"None", "CRC32C"};
constexpr std::array<std::string_view, 3> kTaskReportingNames = {"RFC3720", "ResponseFence",
                                                                 "FastAbort"};

// Calls `visit` with the member that holds the key's value.
template <typename Session, typename Connection, typename Visit>
void VisitMember(Key key, Session& session, Connection& connection, Visit visit) {
  switch (key) {
    case Key::kHeaderDigest:
      return visit(connection.header_digest);
    case Key::kDataDigest:
      return visit(connection.data_digest);
    case Key::kMaxConnections:
      return visit(session.max_connections);
    case Key::kInitialR2t:
      return visit(session.initial_r2t);
    case Key::kImmediateData:
      return visit(session.immediate_data);
    case Key::kMaxBurstLength:
      return visit(session.max_burst_length);
    case Key::kFirstBurstLength:
      return visit(session.first_burst_length);
    case Key::kDefaultTime2Wait:
      return visit(session.default_time2wait);
    case Key::kDefaultTime2Retain:
      return visit(session.default_time2retain);
    case Key::kMaxOutstandingR2t:
      return visit(session.max_outstanding_r2t);
    case Key::kDataPduInOrder:
      return visit(session.data_pdu_in_order);
    case Key::kDataSequenceInOrder:
      return visit(session.data_sequence_in_order);
    case Key::kErrorRecoveryLevel:
      return visit(session.error_recovery_level);
    case Key::kTaskReporting:
      return visit(session.task_reporting);
    case Key::kIscsiProtocolLevel:
      return visit(session.iscsi_protocol_level);
    case Key::kRdmaExtensions:
      return visit(session.rdma_extensions);
    case Key::kTargetRecvDataSegmentLength:
      return visit(connection.target_max_recv_data_segment_length);
    case Key::kInitiatorRecvDataSegmentLength:
      return visit(connection.initiator_max_recv_data_segment_length);
    default:
      CHECK(false) << RowOf(key).name << " has no value";
  }
}

}  // namespace

uint64_t GetValue(Key key, const SessionParameters& session,
                  const ConnectionParameters& connection) {
  uint64_t value = 0;
  VisitMember(key, session, connection,
              [&value](const auto& member) { value = static_cast<uint64_t>(member); });
  return value;
}

void SetValue(Key key, uint64_t value, SessionParameters& session,
              ConnectionParameters& connection) {
  VisitMember(key, session, connection, [value](auto& member) {
    member = static_cast<std::remove_reference_t<decltype(member)>>(value);
  });
}

uint64_t WishFor(Key key, const NegotiationLimits& limits) {
  switch (key) {
    case Key::kMaxConnections:
      return limits.max_connections;
    case Key::kInitialR2t:
      return limits.initial_r2t;
    case Key::kImmediateData:
      return limits.immediate_data;
    case Key::kMaxBurstLength:
      return limits.max_burst_length;
    case Key::kFirstBurstLength:
      return limits.first_burst_length;
    case Key::kDefaultTime2Wait:
      return limits.default_time2wait;
    case Key::kDefaultTime2Retain:
      return limits.default_time2retain;
    case Key::kMaxOutstandingR2t:
      return limits.max_outstanding_r2t;
    case Key::kDataPduInOrder:
      return limits.data_pdu_in_order;
    case Key::kDataSequenceInOrder:
      return limits.data_sequence_in_order;
    case Key::kErrorRecoveryLevel:
      return limits.error_recovery_level;
    case Key::kIscsiProtocolLevel:
      return limits.iscsi_protocol_level;
    case Key::kTargetRecvDataSegmentLength:
      return limits.max_recv_data_segment_length;
    case Key::kInitiatorRecvDataSegmentLength:
      return limits.initiator_recv_data_segment_length;
    default:
      return 0;
  }
}

std::optional<uint64_t> SupportedItem(Key key, std::string_view item,
                                      const NegotiationLimits& limits) {
  if (key == Key::kHeaderDigest || key == Key::kDataDigest) {
    const bool crc32c = key == Key::kHeaderDigest ? limits.header_digest : limits.data_digest;
    if (item == kDigestNames[0]) return 0;
    if (item == kDigestNames[1] && crc32c) return 1;
  }
  if (key == Key::kTaskReporting) {
    const size_t count = limits.fast_abort ? 3 : 2;
    for (size_t i = 0; i < count; ++i) {
      if (item == kTaskReportingNames[i]) return i;
    }
  }
  return std::nullopt;
}

std::string FormatValue(const KeyRow& row, uint64_t value) {
  if (row.rule == KeyRule::kAnd || row.rule == KeyRule::kOr) {
    return std::string(value != 0 ? kValueYes : kValueNo);
  }
  if (row.key == Key::kTaskReporting) return std::string(kTaskReportingNames.at(value));
  if (row.rule == KeyRule::kFirstSupported) return std::string(kDigestNames.at(value));
  return std::to_string(value);
}

}  // namespace pushpull::target
