// The target's configuration (`pushpull target`): from the file's form to options.

#ifndef TARGET_CONFIG_H_
#define TARGET_CONFIG_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "fabric/stream.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/target.h"

namespace pushpull::target {

// "tcp://HOST[:PORT]", an IPv6 host in brackets. Without a port: 3260 (RFC 7143 §15). "tcp://" and
// "tcp://:3260" mean all addresses.
absl::StatusOr<fabric::Address> ParseListenUri(std::string_view uri);

// What the configuration says; defaults where it is silent. Opens the logical units' stores. Errors
// name the field and quote its value.
absl::StatusOr<TargetOptions> OptionsFromConfig(const v1::TargetConfig& config);

// The addresses of `listen`, in order.
absl::StatusOr<std::vector<fabric::Address>> ListenAddresses(const v1::TargetConfig& config);

}  // namespace pushpull::target

#endif  // TARGET_CONFIG_H_
