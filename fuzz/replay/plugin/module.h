// Loads a plug-in's shared object into this process.

#ifndef FUZZ_REPLAY_PLUGIN_MODULE_H_
#define FUZZ_REPLAY_PLUGIN_MODULE_H_

#include <string>

#include "absl/status/statusor.h"
#include "fuzz/replay/receiver_plugin.h"

namespace pushpull::replay {

// The plug-in's table, as this version knows it: what an older one doesn't have is 0. The object
// stays loaded until the process ends.
// NOT_FOUND: no such file. INVALID_ARGUMENT: it isn't a plug-in of this version; says what to do.
absl::StatusOr<pushpull_receiver> LoadPlugin(const std::string& path);

// What LoadPlugin finds in the table at `table`, which may be null.
absl::StatusOr<pushpull_receiver> CheckTable(const pushpull_receiver* table);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_PLUGIN_MODULE_H_
