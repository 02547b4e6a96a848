// A store that keeps its I/Os until it is told to let them go, or fails them.

#ifndef TARGET_SESSION_TESTING_SCRIPTED_STORE_H_
#define TARGET_SESSION_TESTING_SCRIPTED_STORE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "target/store/store.h"

namespace pushpull::target::testing {

class ScriptedStore final : public Store {
 public:
  // What each I/O ends with.
  absl::Status answer;
  // None ends before Release(); not even one that is given up.
  bool holds = false;

  std::optional<absl::Status> Submit(Io* io) override {
    if (!holds) return answer;
    held_.push_back(io);
    return std::nullopt;
  }
  uint64_t size_bytes() const override { return 1 << 20; }

  size_t held() const { return held_.size(); }
  void Release() {
    holds = false;
    for (Io* const io : std::exchange(held_, {})) {
      io->loop->Post([io, status = answer] { FinishIo(io, status); });
    }
  }

 private:
  std::vector<Io*> held_;
};

}  // namespace pushpull::target::testing

#endif  // TARGET_SESSION_TESTING_SCRIPTED_STORE_H_
