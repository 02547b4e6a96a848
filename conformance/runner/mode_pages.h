// Mode pages as MODE SENSE (6) brings them (SPC-4 §7.5).

#ifndef CONFORMANCE_RUNNER_MODE_PAGES_H_
#define CONFORMANCE_RUNNER_MODE_PAGES_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace pushpull::conformance {

// By page and subpage, as MODE SELECT takes them: without PS.
using ModePages = std::map<std::pair<uint8_t, uint8_t>, std::string>;

// Those that came whole.
ModePages ParseModePages(base::Bytes mode_sense_6);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_MODE_PAGES_H_
