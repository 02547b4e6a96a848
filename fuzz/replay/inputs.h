// FILE of `pushpull replay`: what there is to be played.

#ifndef FUZZ_REPLAY_INPUTS_H_
#define FUZZ_REPLAY_INPUTS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/capture/capture.h"
#include "conformance/scenario/scenario_file.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

struct Input {
  Trace trace;
  std::optional<Delivery> own;  // that the file asks for
};

struct Inputs {
  std::vector<Input> traces;
  // Scenarios that need a peer: they can be played through whole sessions only.
  std::vector<conformance::ScenarioFile> sessions;
  bool has_bytes = false;  // fuzz inputs, which say nothing of themselves
  bool has_captures = false;
  // What the user must know: gaps of captures, files that were passed over.
  std::vector<std::string> remarks;
  // Of files in a folder that can't be played: the others are, all the same.
  std::vector<absl::Status> errors;
};

struct InputOptions {
  conformance::CaptureOptions captures;
  // Of bytes as they are, which say nothing of themselves.
  Parameters parameters;
  Direction direction = Direction::kToTarget;
};

// A file is a scenario or trace by its name (.textproto), a capture (pcap, pcapng) by its first
// bytes, else a fuzz input: the bytes of one direction. Of a folder, all files below it are taken
// in the order of their names, but hidden ones and *.md, *.bazel. Errors name the file, and what to
// do; OUT_OF_RANGE: a folder has no file to be played. An empty file is an error, but in a folder:
// fuzzers' corpora have some.
absl::StatusOr<Inputs> LoadInputs(const std::vector<std::string>& paths,
                                  const InputOptions& options);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_INPUTS_H_
