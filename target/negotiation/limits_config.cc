#include "target/negotiation/limits_config.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "target/negotiation/keys.h"

namespace pushpull::target {
namespace {

// The key admits 0 for no limit, and more; but each is a receive of every connection.
constexpr uint32_t kFewestUnexpectedPdus = 2;
constexpr uint32_t kMostUnexpectedPdus = 1024;

template <typename T>
absl::Status Take(const char* field, Key key, uint32_t value, T& limit) {
  const KeyRow& row = RowOf(key);
  if (!row.Admits(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("limits.", field, " is ", value, ", but ", base::ToAbsl(row.name), " can be ",
                     row.low, " to ", row.high, " (", base::ToAbsl(row.section), ")"));
  }
  limit = static_cast<T>(value);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NegotiationLimits> LimitsFromConfig(const v1::NegotiationLimits& config) {
  NegotiationLimits limits;
#define PUSHPULL_TAKE(field, key)                                              \
  if (config.has_##field()) {                                                  \
    PUSHPULL_RETURN_IF_ERROR(Take(#field, key, config.field(), limits.field)); \
  }
  PUSHPULL_TAKE(max_recv_data_segment_length, Key::kMaxRecvDataSegmentLength)
  PUSHPULL_TAKE(max_burst_length, Key::kMaxBurstLength)
  PUSHPULL_TAKE(first_burst_length, Key::kFirstBurstLength)
  PUSHPULL_TAKE(max_outstanding_r2t, Key::kMaxOutstandingR2t)
  PUSHPULL_TAKE(default_time2wait, Key::kDefaultTime2Wait)
  PUSHPULL_TAKE(default_time2retain, Key::kDefaultTime2Retain)
  PUSHPULL_TAKE(initiator_recv_data_segment_length, Key::kInitiatorRecvDataSegmentLength)
#undef PUSHPULL_TAKE
  if (config.has_max_outstanding_unexpected_pdus()) {
    const uint32_t value = config.max_outstanding_unexpected_pdus();
    if (value < kFewestUnexpectedPdus || value > kMostUnexpectedPdus) {
      return absl::InvalidArgumentError(
          absl::StrCat("limits.max_outstanding_unexpected_pdus is ", value, ", but can be ",
                       kFewestUnexpectedPdus, " to ", kMostUnexpectedPdus,
                       ": a receive is posted for each (RFC 7145 §6.7)"));
    }
    limits.max_outstanding_unexpected_pdus = value;
  }
  if (config.has_initial_r2t()) limits.initial_r2t = config.initial_r2t();
  if (config.has_immediate_data()) limits.immediate_data = config.immediate_data();
  if (config.has_header_digest()) limits.header_digest = config.header_digest();
  if (config.has_data_digest()) limits.data_digest = config.data_digest();
  if (limits.first_burst_length > limits.max_burst_length) {
    if (config.has_first_burst_length()) {
      return absl::InvalidArgumentError(
          absl::StrCat("limits.first_burst_length is ", limits.first_burst_length,
                       ", which is above limits.max_burst_length ", limits.max_burst_length,
                       " (RFC 7143 §13.14): lower it"));
    }
    limits.first_burst_length = limits.max_burst_length;
  }
  return limits;
}

}  // namespace pushpull::target
