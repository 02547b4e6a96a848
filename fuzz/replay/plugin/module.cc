#include "fuzz/replay/plugin/module.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/regular_file.h"

namespace pushpull::replay {
namespace {

// What version 1 had from its beginning: less can't be a table of it.
constexpr size_t kLeastTableBytes = offsetof(pushpull_receiver, close) + sizeof(void*);
constexpr uint64_t kDirections = PUSHPULL_CAP_TO_TARGET | PUSHPULL_CAP_TO_INITIATOR;
constexpr uint64_t kTransports = PUSHPULL_CAP_PULL | PUSHPULL_CAP_PUSH;

constexpr char kRebuild[] = "build the plug-in against this Pushpull's receiver_plugin.h";

}  // namespace

absl::StatusOr<pushpull_receiver> CheckTable(const pushpull_receiver* table) {
  if (table == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "doesn't know version ", PUSHPULL_RECEIVER_ABI_VERSION,
        " of the ABI (its " PUSHPULL_RECEIVER_ENTRY_NAME "() returned null): ", kRebuild));
  }
  if (table->abi_version != PUSHPULL_RECEIVER_ABI_VERSION) {
    return absl::InvalidArgumentError(absl::StrCat("has abi_version ", table->abi_version,
                                                   ", this Pushpull ",
                                                   PUSHPULL_RECEIVER_ABI_VERSION, ": ", kRebuild));
  }
  if (table->struct_size < kLeastTableBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("has struct_size ", table->struct_size, ", less than the ", kLeastTableBytes,
                     " bytes of version 1: set it to sizeof(struct pushpull_receiver)"));
  }
  pushpull_receiver known = {};
  std::memcpy(&known, table, std::min<size_t>(table->struct_size, sizeof(known)));
  const auto missing = [](std::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(what), ": see the comments of struct pushpull_receiver"));
  };
  if (known.name == nullptr) return missing("has no name");
  if (known.open == nullptr) return missing("has no open()");
  if (known.poll == nullptr) return missing("has no poll()");
  if (known.close == nullptr) return missing("has no close()");
  if ((known.capabilities & kDirections) == 0) {
    return missing("has neither PUSHPULL_CAP_TO_TARGET nor PUSHPULL_CAP_TO_INITIATOR");
  }
  if ((known.capabilities & kTransports) == 0) {
    return missing("has neither PUSHPULL_CAP_PULL nor PUSHPULL_CAP_PUSH");
  }
  if ((known.capabilities & PUSHPULL_CAP_PUSH) != 0 && known.push == nullptr) {
    return missing("has PUSHPULL_CAP_PUSH, but no push()");
  }
  if ((known.capabilities & PUSHPULL_CAP_STIMULUS) != 0 && known.stimulus == nullptr) {
    return missing("has PUSHPULL_CAP_STIMULUS, but no stimulus()");
  }
  return known;
}

absl::StatusOr<pushpull_receiver> LoadPlugin(const std::string& path) {
  // A name without a slash would be looked for in the system's library folders.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  if (access(file.c_str(), F_OK) != 0) {
    return absl::NotFoundError(
        absl::StrCat("no such file: ", path, " (--plugin FILE.so[,OPTIONS])"));
  }
  // The loader would wait for what a pipe brings.
  if (const absl::Status status = base::CheckRegularFile(file); !status.ok()) return status;
  void* const object = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) {
    const char* const why = dlerror();
    return absl::InvalidArgumentError(absl::StrCat(
        "can't be loaded: ", why == nullptr ? "no reason given" : why,
        " (is it a shared object, built with -shared -fPIC, with all its libraries installed?)"));
  }
  void* const entry = dlsym(object, PUSHPULL_RECEIVER_ENTRY_NAME);
  if (entry == nullptr) {
    return absl::InvalidArgumentError(
        "exports no " PUSHPULL_RECEIVER_ENTRY_NAME
        "(): define it as at the end of receiver_plugin.h, as extern \"C\" in C++, and with "
        "PUSHPULL_RECEIVER_EXPORT where symbols are hidden");
  }
  return CheckTable(
      reinterpret_cast<pushpull_receiver_entry_function>(entry)(PUSHPULL_RECEIVER_ABI_VERSION));
}

}  // namespace pushpull::replay
