// What commands that read captures share.

#ifndef TOOLS_PUSHPULL_CAPTURE_OPTIONS_H_
#define TOOLS_PUSHPULL_CAPTURE_OPTIONS_H_

#include <cstdint>
#include <vector>

#include "CLI/CLI.hpp"
#include "conformance/capture/capture.h"
#include "tools/pushpull/numbers.h"

namespace pushpull::tools {

struct CaptureFlags {
  std::vector<uint16_t> ports;
  uint64_t max_mib = 1024;

  conformance::CaptureOptions Options() const {
    conformance::CaptureOptions options;
    options.target_ports = ports;
    options.only_these_ports = !ports.empty();
    options.max_bytes = max_mib << 20;
    return options;
  }
};

// `flags` lives as long as `command`.
inline void AddCaptureFlags(CLI::App* command, CaptureFlags* flags) {
  command
      ->add_option("--port", flags->ports,
                   "TCP port of the target; only connections to it are read (default: 3260, 860 "
                   "and what looks like iSCSI)")
      ->transform(WholeNumber(1, UINT16_MAX))
      ->allow_extra_args(false);
  command->add_option("--max-mib", flags->max_mib, "refuse captures with more iSCSI than this")
      ->transform(WholeNumber(1, uint64_t{1} << 20))
      ->capture_default_str();
}

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_CAPTURE_OPTIONS_H_
