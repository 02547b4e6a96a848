#include "fuzz/replay/scenario_trace.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "fuzz/replay/trace_encoder.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::replay {
namespace {

Parameters ParametersOf(const v1::Trace& trace) {
  Parameters parameters;
  parameters.header_digest = trace.header_digest();
  parameters.data_digest = trace.data_digest();
  if (trace.has_max_recv_data_segment_length()) {
    parameters.max_recv_data_segment_length = trace.max_recv_data_segment_length();
  }
  if (trace.has_max_ahs_bytes()) parameters.max_ahs_bytes = trace.max_ahs_bytes();
  if (trace.has_initial_r2t()) parameters.initial_r2t = trace.initial_r2t();
  if (trace.has_immediate_data()) parameters.immediate_data = trace.immediate_data();
  if (trace.has_first_burst_length()) parameters.first_burst_length = trace.first_burst_length();
  if (trace.has_max_burst_length()) parameters.max_burst_length = trace.max_burst_length();
  parameters.login_pdus = trace.login_pdus();
  return parameters;
}

absl::Status CheckLimits(const Parameters& parameters) {
  if (parameters.max_recv_data_segment_length > initiator_sim::kMaxDataSegmentLength) {
    return absl::InvalidArgumentError(
        "trace.max_recv_data_segment_length has 24 bits (RFC 7143 §13.12)");
  }
  if (parameters.max_ahs_bytes > 4 * initiator_sim::kMaxTotalAhsLength) {
    return absl::InvalidArgumentError("trace.max_ahs_bytes is 1020 at the most");
  }
  return absl::OkStatus();
}

// Where writes end, and where polls find nothing.
struct Cuts {
  std::set<size_t> cuts;
  std::map<size_t, uint32_t> waits;

  // Of a step whose bytes are [begin, end).
  void Add(const v1::Delivery& delivery, size_t begin, size_t end) {
    for (const uint32_t cut : delivery.cut()) {
      if (cut < end - begin) cuts.insert(begin + cut);
    }
    const size_t every = delivery.every();
    for (size_t at = begin + every; every > 0 && at < end; at += every) cuts.insert(at);
    for (const uint32_t wait : delivery.not_yet()) {
      if (wait <= end - begin) ++waits[begin + wait];
    }
    if (!delivery.join_next() && !delivery.push_with_next()) cuts.insert(end);
  }
};

Delivery MakeDelivery(const Trace& trace, const v1::TraceDelivery& wish, Cuts cuts) {
  Delivery delivery;
  delivery.Clear(wish.source() == v1::TRACE_SOURCE_PUSH    ? Source::kPush
                 : wish.source() == v1::TRACE_SOURCE_BYTES ? Source::kBytes
                                                           : Source::kTcp);
  delivery.not_yet_before_each_read = wish.not_yet_before_each_read();
  delivery.end_with_last = wish.end_with_last();
  if (wish.has_queue_capacity()) {
    delivery.queue_capacity = static_cast<uint16_t>(wish.queue_capacity());
  }
  delivery.slots = static_cast<uint16_t>(wish.slots());
  const bool push = delivery.source == Source::kPush;
  for (const auto& [at, count] : cuts.waits) cuts.cuts.insert(at);
  cuts.cuts.insert(trace.bytes.size());
  size_t done = 0;
  size_t next_message = 0;
  for (const size_t at : cuts.cuts) {
    size_t to = at;
    if (push) {
      while (next_message < trace.pdus.size() && trace.pdus[next_message].end <= at) ++next_message;
      to = at == trace.bytes.size() ? trace.messages() : next_message;
    }
    if (to > done) push ? delivery.Push(to - done) : delivery.Feed(to - done);
    done = to;
    const auto wait = cuts.waits.find(at);
    for (uint32_t i = 0; wait != cuts.waits.end() && i < wait->second; ++i) delivery.NotYet();
  }
  delivery.End();
  return delivery;
}

absl::Status CheckSteps(const v1::Scenario& scenario) {
  if (!scenario.has_trace()) {
    return absl::InvalidArgumentError(
        "it has no `trace {}`: that makes a scenario one that is encoded without a peer "
        "(docs/SCENARIOS.md, \"Traces\")");
  }
  if (scenario.has_sweep()) {
    return absl::InvalidArgumentError("a trace has no sweep; write a file for each row");
  }
  const uint64_t queue = scenario.trace().delivery().has_queue_capacity()
                             ? scenario.trace().delivery().queue_capacity()
                             : 1;
  if (queue == 0 || queue > UINT16_MAX || scenario.trace().delivery().slots() > UINT16_MAX) {
    return absl::InvalidArgumentError("trace.delivery: queue_capacity and slots go up to 65535");
  }
  for (int i = 0; i < scenario.step_size(); ++i) {
    if (!scenario.step(i).has_send()) {
      return absl::InvalidArgumentError(
          absl::StrCat("step ", i + 1, ": a trace has only `send` steps"));
    }
    if (scenario.step(i).connection() != scenario.step(0).connection()) {
      return absl::InvalidArgumentError(
          absl::StrCat("step ", i + 1, ": a trace is of one connection"));
    }
  }
  return absl::OkStatus();
}

// Puts one operation's place into the delivery of the PDU that holds it.
class StepDeliveries {
 public:
  StepDeliveries(const Trace& trace, v1::Scenario* scenario) : trace_(trace), scenario_(scenario) {
    for (size_t i = 0; i < trace.pdus.size(); ++i) {
      // What isn't cut at a PDU's end goes on with the next.
      if (trace.pdus[i].end < trace.bytes.size()) JoinNext(i, true);
    }
  }

  void Cut(size_t at) {
    if (at == 0 || at >= trace_.bytes.size()) return;
    const size_t pdu = PduAt(at - 1);
    if (at == EndOf(pdu)) {
      JoinNext(pdu, false);
    } else {
      Of(pdu)->add_cut(static_cast<uint32_t>(at - BeginOf(pdu)));
    }
  }
  void Wait(size_t at) {
    const size_t pdu = PduAt(at == 0 ? 0 : at - 1);
    if (at == EndOf(pdu) && at < trace_.bytes.size()) JoinNext(pdu, false);
    Of(pdu)->add_not_yet(static_cast<uint32_t>(at - BeginOf(pdu)));
  }

 private:
  void JoinNext(size_t pdu, bool join) {
    if (join) {
      Of(pdu)->set_join_next(true);
    } else {
      Of(pdu)->clear_join_next();
    }
  }
  // pdus.size(): the tail.
  size_t PduAt(size_t offset) const {
    size_t pdu = 0;
    while (pdu < trace_.pdus.size() && trace_.pdus[pdu].end <= offset) ++pdu;
    return pdu;
  }
  size_t BeginOf(size_t pdu) const {
    return pdu < trace_.pdus.size() ? trace_.pdus[pdu].begin : trace_.tail_begin;
  }
  size_t EndOf(size_t pdu) const {
    return pdu < trace_.pdus.size() ? trace_.pdus[pdu].end : trace_.bytes.size();
  }
  v1::Delivery* Of(size_t pdu) const {
    return pdu < trace_.pdus.size()
               ? scenario_->mutable_step(static_cast<int>(pdu))->mutable_delivery()
               : scenario_->mutable_trace()->mutable_delivery()->mutable_tail();
  }

  const Trace& trace_;
  v1::Scenario* const scenario_;
};

void SetTrace(const Trace& trace, v1::Trace* to) {
  const Parameters& from = trace.parameters;
  to->set_header_digest(from.header_digest);
  to->set_data_digest(from.data_digest);
  to->set_max_recv_data_segment_length(from.max_recv_data_segment_length);
  to->set_max_ahs_bytes(from.max_ahs_bytes);
  to->set_initial_r2t(from.initial_r2t);
  to->set_immediate_data(from.immediate_data);
  to->set_first_burst_length(from.first_burst_length);
  to->set_max_burst_length(from.max_burst_length);
  to->set_login_pdus(static_cast<uint32_t>(from.login_pdus));
  to->set_tail(std::string(base::AsText(trace.tail())));
}

}  // namespace

absl::StatusOr<ScenarioTrace> TraceFromScenario(const v1::Scenario& scenario, std::string name) {
  PUSHPULL_RETURN_IF_ERROR(CheckSteps(scenario));
  const v1::Trace& said = scenario.trace();
  const Parameters parameters = ParametersOf(said);
  PUSHPULL_RETURN_IF_ERROR(CheckLimits(parameters));
  TraceEncoder encoder(scenario.role(), said, parameters);
  std::vector<uint8_t> bytes;
  Cuts cuts;
  bool own_delivery = said.has_delivery();
  for (int i = 0; i < scenario.step_size(); ++i) {
    const v1::Step& step = scenario.step(i);
    const size_t begin = bytes.size();
    if (const absl::Status status = encoder.Send(step.send(), &bytes); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat("step ", i + 1, ": ", status.message()));
    }
    cuts.Add(step.delivery(), begin, bytes.size());
    own_delivery = own_delivery || step.has_delivery();
  }
  const size_t tail_begin = bytes.size();
  bytes.insert(bytes.end(), said.tail().begin(), said.tail().end());
  if (!said.tail().empty()) cuts.Add(said.delivery().tail(), tail_begin, bytes.size());

  ScenarioTrace made;
  made.trace =
      MakeTrace(std::move(name),
                scenario.role() == v1::TARGET ? Direction::kToInitiator : Direction::kToTarget,
                parameters, std::move(bytes));
  if (own_delivery) made.delivery = MakeDelivery(made.trace, said.delivery(), std::move(cuts));
  return made;
}

v1::Scenario ScenarioFromTrace(const Trace& trace, const Delivery& delivery) {
  v1::Scenario scenario;
  scenario.set_role(trace.direction == Direction::kToTarget ? v1::INITIATOR : v1::TARGET);
  scenario.set_epilogue(v1::NOTHING);
  SetTrace(trace, scenario.mutable_trace());
  for (size_t i = 0; i < trace.pdus.size(); ++i) {
    *scenario.add_step()->mutable_send()->mutable_pdu() =
        initiator_sim::DecodeExactly(trace.BytesOf(trace.pdus[i]), trace.DigestsOf(i));
  }
  v1::TraceDelivery* wish = scenario.mutable_trace()->mutable_delivery();
  wish->set_source(delivery.source == Source::kPush    ? v1::TRACE_SOURCE_PUSH
                   : delivery.source == Source::kBytes ? v1::TRACE_SOURCE_BYTES
                                                       : v1::TRACE_SOURCE_TCP);
  wish->set_not_yet_before_each_read(delivery.not_yet_before_each_read);
  wish->set_end_with_last(delivery.end_with_last);
  if (delivery.queue_capacity != Delivery::kDefaultQueue) {
    wish->set_queue_capacity(delivery.queue_capacity);
  }
  wish->set_slots(delivery.slots);

  StepDeliveries steps(trace, &scenario);
  size_t at = 0;
  size_t message = 0;
  for (const Operation& operation : delivery.operations) {
    if (operation.kind == Operation::Kind::kEnd) break;
    if (operation.kind == Operation::Kind::kFeed) at += operation.count;
    if (operation.kind == Operation::Kind::kPush) {
      message += operation.count;
      at = message <= trace.pdus.size() ? trace.pdus[message - 1].end : trace.bytes.size();
    }
    operation.kind == Operation::Kind::kNotYet ? steps.Wait(at) : steps.Cut(at);
  }
  return scenario;
}

}  // namespace pushpull::replay
