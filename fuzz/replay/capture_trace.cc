#include "fuzz/replay/capture_trace.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "base/text.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::replay {
namespace {

using conformance::CapturedPdu;
using conformance::SessionTrace;

bool IsLogin(const CapturedPdu& pdu) {
  const uint8_t opcode = pdu.bytes[0] & 0x3f;
  return opcode == 0x03 || opcode == 0x23;
}

Parameters ParametersOf(const SessionTrace& session, Direction direction) {
  const initiator_sim::ConnectionState& state = session.state;
  Parameters parameters;
  if (state.phase != initiator_sim::LoginPhase::kFullFeature) {
    parameters.max_recv_data_segment_length = initiator_sim::kMaxDataSegmentLength;
    parameters.first_burst_length = initiator_sim::kMaxDataSegmentLength;
    parameters.max_burst_length = initiator_sim::kMaxDataSegmentLength;
    parameters.initial_r2t = false;
    return parameters;
  }
  const initiator_sim::Parameters& agreed = session.session.parameters;
  parameters.max_recv_data_segment_length = direction == Direction::kToTarget
                                                ? state.peer_max_recv_data_segment_length
                                                : state.own_max_recv_data_segment_length;
  parameters.initial_r2t = agreed.Yes("InitialR2T");
  parameters.immediate_data = agreed.Yes("ImmediateData");
  parameters.first_burst_length =
      agreed.NumberOr("FirstBurstLength", parameters.first_burst_length);
  parameters.max_burst_length = agreed.NumberOr("MaxBurstLength", parameters.max_burst_length);
  return parameters;
}

}  // namespace

absl::StatusOr<Trace> TraceFromCapture(const SessionTrace& session, Direction direction,
                                       const std::string& name) {
  const auto wanted = direction == Direction::kToTarget ? initiator_sim::Direction::kToTarget
                                                        : initiator_sim::Direction::kToInitiator;
  Parameters parameters = ParametersOf(session, direction);
  std::vector<uint8_t> bytes;
  const CapturedPdu* first = nullptr;
  bool login = true;
  for (const CapturedPdu& pdu : session.pdus) {
    if (pdu.direction != wanted) continue;
    if (first == nullptr) first = &pdu;
    if (pdu.part != first->part) break;
    bytes.insert(bytes.end(), pdu.bytes.begin(), pdu.bytes.end());
    login = login && IsLogin(pdu);
    if (login) {
      ++parameters.login_pdus;
    } else {
      parameters.header_digest = pdu.digests.header_digest;
      parameters.data_digest = pdu.digests.data_digest;
    }
  }
  const std::string_view to = DirectionName(direction);
  const std::string full_name =
      absl::StrCat(name, " connection ", session.connection->number, " ", base::ToAbsl(to));
  if (first == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(full_name, ": no PDU was captured"));
  }
  return MakeTrace(full_name, direction, parameters, std::move(bytes));
}

absl::StatusOr<CaptureTraces> TracesFromCapture(const conformance::Capture& capture,
                                                const std::string& name) {
  CaptureTraces all;
  for (const std::string& remark : capture.remarks) {
    all.remarks.push_back(absl::StrCat(name, ": ", remark));
  }
  for (const conformance::CapturedConnection& connection : capture.connections) {
    const SessionTrace session = conformance::TraceSession(connection);
    for (const std::string& remark : session.remarks) {
      all.remarks.push_back(absl::StrCat(name, " connection ", connection.number, " (",
                                         connection.Name(), "): ", remark));
    }
    for (const Direction direction : {Direction::kToTarget, Direction::kToInitiator}) {
      absl::StatusOr<Trace> trace = TraceFromCapture(session, direction, name);
      if (trace.ok()) {
        all.traces.push_back(*std::move(trace));
      } else {
        all.remarks.emplace_back(trace.status().message());
      }
    }
  }
  if (all.traces.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": there is no iSCSI PDU in ", capture.frames,
                     " packets; if the target's port isn't 3260, say which it is"));
  }
  return all;
}

absl::StatusOr<CaptureTraces> TracesFromCaptureFile(const std::string& path,
                                                    const conformance::CaptureOptions& options) {
  PUSHPULL_ASSIGN_OR_RETURN(const conformance::Capture capture,
                            conformance::ReadCaptureFile(path, options));
  return TracesFromCapture(capture, path);
}

}  // namespace pushpull::replay
