// What `--lun` takes: how a logical unit's store is written, and made.
//
//   ram:SIZE                     memory
//   file:PATH[,direct][,ro]      a file or a block device; its size is the store's
//   slow:MILLISECONDS,SPEC       any of these, with each I/O held for a time
//   null:SIZE                    zeros; writes are forgotten
//   pattern:SIZE                 every eight bytes hold their address; read-only
//
// SIZE is a number of bytes with an optional K, M, G or T (powers of 1024).

#ifndef TARGET_STORE_LUN_SPEC_H_
#define TARGET_STORE_LUN_SPEC_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "target/store/store.h"

namespace pushpull::target {

struct LunSpec {
  enum class Kind : uint8_t { kRam, kFile, kNull, kPattern };

  Kind kind = Kind::kRam;
  uint64_t size_bytes = 0;             // all but kFile
  std::string path;                    // kFile
  bool direct = false;                 // kFile
  bool read_only = false;              // kFile
  std::vector<absl::Duration> delays;  // of each `slow:`, the outermost first

  friend bool operator==(const LunSpec&, const LunSpec&) = default;
};

// Sizes must be multiples of the block size, and not 0. Errors quote the text, say what is wrong
// with it, and what would be right.
absl::StatusOr<LunSpec> ParseLunSpec(std::string_view text, uint32_t block_size = 512);

// Opens files, reserves memory.
absl::StatusOr<std::unique_ptr<Store>> MakeStore(const LunSpec& spec, uint32_t block_size = 512);

}  // namespace pushpull::target

#endif  // TARGET_STORE_LUN_SPEC_H_
