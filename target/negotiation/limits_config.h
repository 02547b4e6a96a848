// The limits of a negotiation from the target's configuration.

#ifndef TARGET_NEGOTIATION_LIMITS_CONFIG_H_
#define TARGET_NEGOTIATION_LIMITS_CONFIG_H_

#include "absl/status/statusor.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/negotiation/parameters.h"

namespace pushpull::target {

// What is unset keeps NegotiationLimits' own default; queue_depth and login_timeout_ms are not
// negotiated and not looked at. InvalidArgument: a value that its key doesn't admit, or a
// first_burst_length above max_burst_length.
absl::StatusOr<NegotiationLimits> LimitsFromConfig(const v1::NegotiationLimits& config);

}  // namespace pushpull::target

#endif  // TARGET_NEGOTIATION_LIMITS_CONFIG_H_
