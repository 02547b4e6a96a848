// The receive machine, differential: the same bytes under deliveries at random give the same events
// as all at once, and pulled the same as pushed. An input is
//   1 byte   bit 0 header digests, 1 data digests, 2 a short MaxRecvDataSegmentLength, 3 the
//            digests are made right first, 4 and 5 how many PDUs belong to the login phase
//   1 byte   the seed of the deliveries
//   ...      the bytes of one connection, from the initiator

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/random.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/random_delivery.h"
#include "fuzz/replay/rx_receiver.h"
#include "fuzz/replay/trace.h"
#include "initiator_sim/pdu/digest.h"

namespace pushpull::replay {
namespace {

constexpr size_t kPrefix = 2;
constexpr int kDeliveries = 8;

// Else no mutation of a PDU with digests would be looked into.
void MakeDigestsRight(Trace* trace) {
  const auto write = [&](size_t begin, size_t end, size_t at) {
    const base::Bytes covered = base::Bytes(trace->bytes).subspan(begin, end - begin);
    base::StoreBe32(&trace->bytes[at], initiator_sim::DigestOf(covered));
  };
  for (const PduBorders& pdu : trace->pdus) {
    if (pdu.header_digest_end > pdu.ahs_end()) write(pdu.begin, pdu.ahs_end(), pdu.ahs_end());
    if (pdu.end > pdu.pad_end) write(pdu.header_digest_end, pdu.pad_end, pdu.pad_end);
  }
}

Trace TraceOf(base::Bytes input) {
  const uint8_t flags = input[0];
  Parameters parameters;
  parameters.header_digest = (flags & 1) != 0;
  parameters.data_digest = (flags & 2) != 0;
  if ((flags & 4) != 0) parameters.max_recv_data_segment_length = 512;
  parameters.login_pdus = flags >> 4 & 3;
  const base::Bytes bytes = input.subspan(kPrefix);
  Trace trace = MakeTrace("input", Direction::kToTarget, parameters, {bytes.begin(), bytes.end()});
  if ((flags & 8) != 0) MakeDigestsRight(&trace);
  return trace;
}

void Deliver(base::Bytes input) {
  static Receiver* const receiver = MakeRxReceiver().release();
  const Trace trace = TraceOf(input);
  CHECK(receiver->Open(trace).ok());
  auto oracle = Oracle::Make(trace, receiver);
  CHECK(oracle.ok()) << oracle.status().ToString();
  CHECK(!oracle->reference().fault) << "the whole delivery is a fault";
  base::Random random(input[1]);
  Delivery delivery;
  for (int i = 0; i < kDeliveries; ++i) {
    const std::vector<Source> sources = receiver->sources();
    delivery.Clear(sources[static_cast<size_t>(i) % sources.size()]);
    MakeRandomDelivery(trace, &random, &delivery);
    const auto differs = oracle->Differs(delivery, receiver);
    CHECK(differs.ok()) << differs.status().ToString();
    CHECK(!*differs) << ToString(delivery);
  }
}

}  // namespace
}  // namespace pushpull::replay

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kLongest = 16384;
  if (size <= pushpull::replay::kPrefix || size > kLongest) return 0;
  pushpull::replay::Deliver({data, size});
  return 0;
}
