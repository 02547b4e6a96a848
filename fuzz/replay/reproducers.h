// Findings as files: scenarios that play them again.

#ifndef FUZZ_REPLAY_REPRODUCERS_H_
#define FUZZ_REPLAY_REPRODUCERS_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "fuzz/replay/replay.h"

namespace pushpull::replay {

class Reproducers {
 public:
  // Makes the folder where it isn't there. An error says why it can't be.
  static absl::StatusOr<Reproducers> Create(const std::string& folder);

  // Writes the finding of a trace of this name, and says where. Names are made unique.
  absl::StatusOr<std::string> Write(const std::string& trace, const Finding& finding);

 private:
  explicit Reproducers(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
  std::set<std::string> names_;
};

// The file: the finding's text as a comment, then the scenario.
std::string ReproducerText(const Finding& finding);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_REPRODUCERS_H_
