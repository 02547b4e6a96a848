// Parameter data and parameter lists: the small data of commands that aren't about blocks.

#ifndef TARGET_SCSI_COMMANDS_PARAMETER_DATA_H_
#define TARGET_SCSI_COMMANDS_PARAMETER_DATA_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "target/scsi/command.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

// Parameter data being put together.
class ParameterData {
 public:
  void Add8(uint8_t v) { bytes_.push_back(v); }
  void Add16(uint16_t v);
  void Add32(uint32_t v);
  void Add64(uint64_t v);
  void Add(base::Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  // ASCII, filled up with spaces, or cut (SPC-4 §4.3.1).
  void AddText(std::string_view text, size_t bytes);
  void AddZeros(size_t count) { AddFill(0, count); }
  void AddFill(uint8_t v, size_t count) { bytes_.resize(bytes_.size() + count, v); }
  void Cut(size_t bytes) { bytes_.resize(bytes); }

  // Length fields count what follows them: they are set once that is there.
  void Set8(size_t at, uint8_t v) { bytes_[at] = v; }
  void Set16(size_t at, uint16_t v) { base::StoreBe16(&bytes_[at], v); }
  void Set32(size_t at, uint32_t v) { base::StoreBe32(&bytes_[at], v); }

  size_t size() const { return bytes_.size(); }
  base::Bytes bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

// The end of a command with parameter data: as much as the allocation length allows is its
// transfer, as much of that as there is room for goes into task.data.
Step Reply(Task& task, base::Bytes parameter_data, uint64_t allocation_length);

// The first bytes of what came, as one piece; at most task.transfer_bytes.
std::vector<uint8_t> ParameterList(const Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_PARAMETER_DATA_H_
