// `pushpull load`: many sessions that verify what they read, connections that are dropped at every
// stage, and peers that take things from others, against any target over TCP.

#ifndef TOOLS_LOAD_LOAD_H_
#define TOOLS_LOAD_LOAD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fabric/stream.h"
#include "initiator_sim/session/chap.h"
#include "tools/load/process.h"

namespace pushpull::tools {

struct LoadOptions {
  fabric::Address address;
  std::string target_name;
  uint64_t lun = 0;
  std::string initiator_name = "iqn.2026-11.org.pushpull:load";
  initiator_sim::ChapCredentials chap;
  uint32_t threads = 2;
  uint64_t seed = 1;

  uint32_t sessions = 64;  // 0: none
  uint32_t depth = 4;      // commands of each under way
  uint32_t io_bytes = 4096;
  // How long the sessions work: for so long, or so many commands each.
  absl::Duration time = absl::Seconds(10);
  std::optional<uint64_t> commands;

  uint32_t drops = 0;
  std::vector<std::string> peers;  // kinds
  uint32_t peers_of_a_kind = 8;

  std::optional<int> watched_pid;  // the target's process
  // A session that has commands under way, and none of them ends for so long, has met a target that
  // stalls: a fault.
  absl::Duration answer_within = absl::Seconds(10);
  // What is under way, in a line.
  std::function<void(const std::string&)> tell = [](const std::string&) {};
  // Asked now and then: whether to end early.
  std::function<bool()> interrupted = [] { return false; };
};

struct LoadReport {
  uint64_t commands = 0;
  absl::Duration time;
  uint64_t drops = 0;
  struct PeerResult {
    std::string kind;
    double without = 0;  // commands a second of the others
    double with = 0;
    std::optional<uint64_t> resident_growth;  // bytes, while they were there
    // Of the target, a command of the others; 0: not watched.
    double cpu_us_without = 0;
    double cpu_us_with = 0;
    // Whether there was enough of it to say more than chance does: of the rates, of the times.
    bool rates_tell = false;
    bool times_tell = false;
  };
  std::vector<PeerResult> peers;
  // Around the drops; without any, around the sessions' work.
  std::optional<ProcessUse> before, after;
  uint64_t faults = 0;
  std::vector<std::string> first_faults;
};

// UNAVAILABLE: the target can't be reached, or refuses; INVALID_ARGUMENT: an option doesn't fit it.
absl::StatusOr<LoadReport> RunLoad(const LoadOptions& options);

}  // namespace pushpull::tools

#endif  // TOOLS_LOAD_LOAD_H_
