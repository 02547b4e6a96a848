// What load writes into a block: every block tells where it belongs, who wrote it, and when, so
// that one that is read back in a wrong place, of another session or too old says so itself.

#ifndef TOOLS_LOAD_STAMP_H_
#define TOOLS_LOAD_STAMP_H_

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace pushpull::tools {

struct Stamp {
  uint64_t lba = 0;
  uint32_t session = 0;
  uint32_t generation = 0;  // of this block: how often it was written

  friend bool operator==(const Stamp&, const Stamp&) = default;
};

// Fills a block, of 32 bytes or more.
void FillBlock(const Stamp& stamp, base::MutableBytes block);

// What is wrong with a block that must be this one; empty: nothing.
std::string CheckBlock(const Stamp& due, base::Bytes block);

}  // namespace pushpull::tools

#endif  // TOOLS_LOAD_STAMP_H_
