// The parameter list of EXTENDED COPY (LID1) (SPC-4 §6.4.2 to §6.4.6).

#ifndef TARGET_SCSI_COMMANDS_EXTENDED_COPY_LIST_H_
#define TARGET_SCSI_COMMANDS_EXTENDED_COPY_LIST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/nexus.h"
#include "target/scsi/sense.h"

namespace pushpull::target::commands {

inline constexpr uint16_t kMaxCscds = 16;  // copy sources and copy destinations
inline constexpr uint16_t kMaxSegments = 16;
inline constexpr size_t kCscdBytes = 32;
inline constexpr size_t kSegmentBytes = 28;
inline constexpr size_t kCopyHeaderBytes = 16;
inline constexpr size_t kMaxDescriptorBytes = kMaxCscds * kCscdBytes + kMaxSegments * kSegmentBytes;

struct CopySegment {
  LogicalUnit* from = nullptr;
  LogicalUnit* to = nullptr;
  uint64_t from_byte = 0;
  uint64_t to_byte = 0;
  uint64_t bytes = 0;
};

struct CopyList {
  uint8_t list_id = 0;
  bool keeps_result = false;
  std::vector<CopySegment> segments;
};

// Whether the segment may (still) be copied: neither unit is stopped, being sanitized,
// write-protected or reserved against it.
bool MayCopy(const Nexus& nexus, const CopySegment& segment);

// The LIST IDENTIFIER of a copy that may be asked for by it.
std::optional<uint8_t> NamedList(base::Bytes list);

// Everything is looked at before anything is copied.
base::Result<CopyList, Sense> ParseCopyList(const LogicalUnit& unit, const Nexus& nexus,
                                            base::Bytes list);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_EXTENDED_COPY_LIST_H_
