// The requests that a trace of responses answers, for receivers that take a response only to what
// they asked (PUSHPULL_CAP_STIMULUS).

#ifndef FUZZ_REPLAY_PLUGIN_REQUESTS_H_
#define FUZZ_REPLAY_PLUGIN_REQUESTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

struct Request {
  uint8_t opcode = 0;
  uint32_t initiator_task_tag = 0;  // as the trace has it
  bool read = false;
  bool write = false;
  uint32_t expected_data_transfer_length = 0;  // bytes
  uint64_t lun = 0;
  friend bool operator==(const Request&, const Request&) = default;
};

struct RequestPlan {
  // In the order in which the first answer to each comes. A tag that is used again after the last
  // answer to it is another request.
  std::vector<Request> requests;
  // Where a request's tag stands in the trace: in a BHS, or in the header that a Reject returns.
  struct Place {
    size_t pdu;      // index into Trace::pdus
    size_t offset;   // in Trace::bytes
    size_t request;  // index into `requests`
    friend bool operator==(const Place&, const Place&) = default;
  };
  std::vector<Place> places;
  uint32_t first_stat_sn = 0;
  uint32_t last_exp_cmd_sn = 0;  // the greatest (RFC 1982)
};

// What a receiver chose instead of the trace's own numbers.
struct ChosenNumbers {
  std::vector<uint32_t> tags;  // one for each request
  // Is added to each ExpCmdSN and MaxCmdSN.
  uint32_t cmd_sn_offset = 0;
};

// From the responses alone: transfer lengths are what the trace transfers plus the residual that it
// claims. Empty for a trace to a target.
RequestPlan PlanRequests(const Trace& trace);

// Writes them over the trace's own in `bytes` (a copy of trace.bytes), and mends digests by as much
// as that changed them: a wrong digest stays wrong.
void WriteNumbers(const Trace& trace, const RequestPlan& plan, const ChosenNumbers& chosen,
                  base::MutableBytes bytes);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_PLUGIN_REQUESTS_H_
