// Command streams over a transport: as scenarios that say what the model has each command answered
// with, played by the simulated initiator against the whole reference target.

#ifndef TOOLS_STREAMS_WIRE_H_
#define TOOLS_STREAMS_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "fuzz/streams/in_process.h"
#include "fuzz/streams/stream.h"
#include "pushpull/v1/scenario.pb.h"
#include "target/bugs/bugs.h"

namespace pushpull::tools {

enum class Transport : uint8_t { kTcp, kIser };

// `seed` chooses what the sessions negotiate. Commands that may end in several ways that no step
// can name are left out: they change nothing.
v1::Scenario ScenarioOf(const streams::Stream& stream, uint64_t seed);

struct WireOptions {
  Transport transport = Transport::kTcp;
  uint64_t seed = 1;
  size_t commands = 200;  // before the ending
  target::BugSet bugs;
};

// What the player says is wrong with the target's answers; nothing: they are as they must be.
std::optional<std::string> PlayOverWire(const streams::Stream& stream, const WireOptions& options);

// Makes a stream and plays it; a difference comes minimised.
std::optional<streams::Finding> RunOverWire(const WireOptions& options);

}  // namespace pushpull::tools

#endif  // TOOLS_STREAMS_WIRE_H_
