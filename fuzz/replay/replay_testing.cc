#include "fuzz/replay/replay_testing.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "base/text_proto.h"
#include "fuzz/replay/random_delivery.h"
#include "fuzz/replay/scenario_trace.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/random_pdu.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::replay {
namespace {

constexpr char kMixed[] = R"(
  trace { first_burst_length: 1024 }
  step { send { task: "w"
    pdu { scsi_command { cdb { write { blocks: 2 } } }
          ahs { ahs_type: 1 specific: "0123456789abcdefgh" } ahs { ahs_type: 2 specific: "read." }
          data { pattern { length: 33 } } } } }
  step { send { task: "w" pdu { data_out {} data { pattern { length: 70 } } } } }
  step { send { pdu { nop_out {} immediate: true } } }
  step { send { pdu { task_management_request { function: LOGICAL_UNIT_RESET }
                      data { raw: "none is due" } } } }
  step { send { pdu { text_request {} data { keys { key { name: "SendTargets" value: "All" } } }
  } } }
)";

v1::Scenario Parsed(const std::string& text) {
  v1::Scenario scenario;
  const absl::Status parsed = base::ParseTextProto(text, "trace", &scenario);
  CHECK(parsed.ok()) << parsed;
  return scenario;
}

Trace Made(const v1::Scenario& scenario) {
  auto made = TraceFromScenario(scenario, "trace");
  CHECK(made.ok()) << made.status();
  return std::move(made->trace);
}

void Corrupt(std::vector<uint8_t>* bytes, base::Random* random) {
  for (uint64_t i = random->Between(1, 3); i > 0 && !bytes->empty(); --i) {
    const size_t at = random->Below(bytes->size());
    const auto place = bytes->begin() + static_cast<ptrdiff_t>(at);
    switch (random->Below(4)) {
      case 0:
        bytes->erase(place);
        break;
      case 1:
        bytes->insert(place, *place);
        break;
      default:
        *place ^= static_cast<uint8_t>(1 << random->Below(8));
    }
  }
}

}  // namespace

Trace TraceOf(const std::string& text) { return Made(Parsed(text)); }

Trace MixedTrace(bool header_digest, bool data_digest) {
  v1::Scenario scenario = Parsed(kMixed);
  scenario.mutable_trace()->set_header_digest(header_digest);
  scenario.mutable_trace()->set_data_digest(data_digest);
  return Made(scenario);
}

Trace RandomTrace(base::Random* random, size_t pdus, bool corrupt) {
  Parameters parameters;
  parameters.header_digest = random->Chance(30);
  parameters.data_digest = random->Chance(40);
  if (random->Chance(10)) parameters.max_recv_data_segment_length = 512;
  if (random->Chance(10)) parameters.max_ahs_bytes = 16;
  if (random->Chance(20)) parameters.login_pdus = random->Between(1, 3);
  std::vector<uint8_t> bytes;
  for (size_t i = 0, count = random->Between(1, pdus); i < count; ++i) {
    const auto digests =
        i < parameters.login_pdus ? initiator_sim::Digests{} : parameters.digests();
    v1::Pdu pdu = initiator_sim::RandomPdu(random);
    // Digests that are set are sent as they are.
    pdu.clear_header_digest();
    pdu.clear_data_digest();
    const auto encoded = initiator_sim::Encode(pdu, digests);
    CHECK(encoded.ok()) << encoded.status();
    bytes.insert(bytes.end(), encoded->bytes.begin(), encoded->bytes.end());
  }
  if (corrupt) Corrupt(&bytes, random);
  const Direction direction = random->Chance(50) ? Direction::kToTarget : Direction::kToInitiator;
  return MakeTrace("random", direction, parameters, std::move(bytes));
}

Delivery RandomDelivery(const Trace& trace, Source source, base::Random* random) {
  Delivery delivery;
  delivery.source = source;
  MakeRandomDelivery(trace, random, &delivery);
  return delivery;
}

}  // namespace pushpull::replay
