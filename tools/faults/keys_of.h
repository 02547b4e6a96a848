// Changes to the keys of a Login or Text Response.

#ifndef TOOLS_FAULTS_KEYS_OF_H_
#define TOOLS_FAULTS_KEYS_OF_H_

#include <functional>
#include <string>

#include "tools/faults/fault.h"

namespace pushpull::faults {

// `change` alters them; false: it can't be planted into these. `also_empty`: responses that have
// none, too.
Fault ChangedKeys(std::string name, std::function<bool(const Passing&, v1::KeyList*)> change,
                  bool also_empty = false);

}  // namespace pushpull::faults

#endif  // TOOLS_FAULTS_KEYS_OF_H_
