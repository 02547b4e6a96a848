// The whole reference target on a simulated disk, several sessions that work on it over a simulated
// network, and the power that fails: a run is its seed.

#ifndef TOOLS_CRASH_SCENE_H_
#define TOOLS_CRASH_SCENE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "target/bugs/bugs.h"
#include "target/store/store.h"
#include "tools/crash/sim_disk.h"

namespace pushpull::tools {

struct SceneOptions {
  uint64_t seed = 1;
  int crash_points = 40;
  DiskFaults faults = {};
  target::BugSet bugs = {};
  // What lies between the target and its file store; may be empty.
  std::function<std::shared_ptr<target::Store>(std::shared_ptr<target::Store>)> wrap_store = {};
};

struct SceneResult {
  int crash_points = 0;
  size_t commands = 0;  // that were answered
  size_t syncs = 0;     // of the disk
  // The first thing that is wrong; empty: nothing.
  std::string finding;
};

SceneResult PlayScene(const SceneOptions& options);

}  // namespace pushpull::tools

#endif  // TOOLS_CRASH_SCENE_H_
