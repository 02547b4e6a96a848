#include "fuzz/replay/stream_input.h"

#include "initiator_sim/pdu/digest.h"

namespace pushpull::replay {
namespace {

constexpr size_t kPrefix = 2;
constexpr size_t kLongest = 16384;
constexpr uint32_t kShortSegments = 512;
constexpr uint32_t kShortAhs = 20;

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

}  // namespace

std::optional<StreamInput> ReadStreamInput(base::Bytes input, initiator_sim::Digests may) {
  if (input.size() <= kPrefix || input.size() > kLongest) return std::nullopt;
  const uint8_t flags = input[0];
  Parameters parameters;
  parameters.header_digest = (flags & 1) != 0 && may.header_digest;
  parameters.data_digest = (flags & 2) != 0 && may.data_digest;
  if ((flags & 4) != 0) parameters.max_recv_data_segment_length = kShortSegments;
  if ((flags & 64) != 0) parameters.max_ahs_bytes = kShortAhs;
  parameters.login_pdus = flags >> 4 & 3;
  const base::Bytes bytes = input.subspan(kPrefix);
  StreamInput read;
  read.trace = MakeTrace("input", Direction::kToTarget, parameters, {bytes.begin(), bytes.end()});
  if ((flags & 8) != 0) MakeDigestsRight(&read.trace);
  read.seed = input[1];
  return read;
}

}  // namespace pushpull::replay
