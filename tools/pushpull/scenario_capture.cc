// The sends of a scenario as a capture.

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/status.h"
#include "conformance/tap/pcapng.h"
#include "conformance/tap/wire_log.h"
#include "fuzz/replay/scenario_trace.h"
#include "initiator_sim/pdu/codec.h"
#include "tools/pushpull/convert.h"

namespace pushpull::tools {
namespace {

// Steps that send nothing, or nothing that a peer must see first.
bool SendsNothing(const v1::Step& step) {
  return step.has_connect() || step.has_expect() || step.has_close() || step.has_expect_closed() ||
         step.has_gather_data_in() || step.has_accept() || step.has_elapse() ||
         step.has_require_negotiated() || step.has_require() || step.has_acknowledge();
}

std::string ActionName(const v1::Step& step) {
  const auto* action = step.GetReflection()->GetOneofFieldDescriptor(
      step, v1::Step::descriptor()->FindOneofByName("action"));
  return action == nullptr ? "nothing" : action->name();
}

// The scenario's sends by connection, each as a trace.
absl::StatusOr<std::map<std::string, v1::Scenario>> Connections(const v1::Scenario& scenario) {
  std::map<std::string, v1::Scenario> connections;
  for (int i = 0; i < scenario.step_size(); ++i) {
    const v1::Step& step = scenario.step(i);
    if (step.has_send()) {
      v1::Scenario& own = connections[step.connection().empty() ? "c1" : step.connection()];
      own.set_role(scenario.role());
      *own.mutable_trace() = scenario.trace();
      *own.add_step() = step;
    } else if (!SendsNothing(step)) {
      return absl::InvalidArgumentError(
          absl::StrCat("step ", i + 1, ": `", ActionName(step),
                       "` needs a peer to know what to send; play the "
                       "scenario (pushpull run --suites FOLDER --out RESULTS), then "
                       "RESULTS/cases/ID/wire.pcapng "
                       "is its capture"));
    }
  }
  if (connections.empty()) return absl::InvalidArgumentError("it has no `send` step");
  return connections;
}

void Log(const replay::Trace& trace, initiator_sim::TapConnection* connection, absl::Time* now,
         conformance::WireLog* log) {
  const auto direction = trace.direction == replay::Direction::kToTarget
                             ? initiator_sim::Direction::kToTarget
                             : initiator_sim::Direction::kToInitiator;
  log->OnOpened(*connection, *now);
  for (size_t i = 0; i < trace.pdus.size(); ++i) {
    *now += absl::Milliseconds(1);
    initiator_sim::TapPdu pdu;
    pdu.connection = connection;
    pdu.direction = direction;
    pdu.time = *now;
    pdu.bytes = trace.BytesOf(trace.pdus[i]);
    pdu.digests = trace.DigestsOf(i);
    const initiator_sim::DecodedPdu decoded = initiator_sim::Decode(pdu.bytes, pdu.digests);
    pdu.decoded = &decoded;
    log->OnBytes(*connection, *now, direction, pdu.bytes);
    log->OnPdu(pdu);
  }
  *now += absl::Milliseconds(1);
  if (trace.has_tail()) log->OnBytes(*connection, *now, direction, trace.tail());
  log->OnClosed(*connection, *now, direction == initiator_sim::Direction::kToInitiator, "");
}

}  // namespace

absl::StatusOr<std::string> CaptureFromScenario(const v1::Scenario& scenario,
                                                const std::string& name) {
  const auto connections = Connections(scenario);
  if (!connections.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", connections.status().message()));
  }
  conformance::WireLog log;
  absl::Time now = absl::UnixEpoch();
  initiator_sim::TapConnection connection;
  for (const auto& [connection_name, own] : *connections) {
    const auto made = replay::TraceFromScenario(own, name);
    if (!made.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": connection ", connection_name, ", send ", made.status().message()));
    }
    ++connection.id;
    connection.name = connection_name;
    connection.local = {"192.0.2.1", static_cast<uint16_t>(40000 + connection.id)};
    connection.peer = {"192.0.2.2", 3260};
    Log(made->trace, &connection, &now, &log);
  }
  return conformance::ToPcapng(log, {.comment = absl::StrCat("The sends of ", name)});
}

}  // namespace pushpull::tools
