// The small disk that a scripted target serves: enough of SCSI for an initiator to find it, and to
// read and write.

#ifndef INITIATOR_SIM_PLAYER_RAM_DISK_H_
#define INITIATOR_SIM_PLAYER_RAM_DISK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "pushpull/v1/scsi.pb.h"

namespace pushpull::initiator_sim {

class RamDisk {
 public:
  struct Result {
    v1::ScsiStatus status = v1::GOOD;
    std::string data = {};   // of a command that reads
    std::string sense = {};  // where the status is CHECK CONDITION
  };

  explicit RamDisk(uint32_t block_size) : block_size_(block_size) {}

  // `data` is that of a write. `lun` 0 is the disk; there is no other.
  Result Execute(uint64_t lun, base::Bytes cdb, std::string_view data);

  // How many bytes the command takes from the initiator; 0: none, or the command is refused.
  uint64_t WriteLength(base::Bytes cdb) const;

 private:
  Result Fail(v1::SenseKey key, uint8_t asc, uint8_t ascq) const;
  Result Inquiry(base::Bytes cdb, bool present) const;
  Result Read(uint64_t lba, uint64_t blocks) const;
  Result Write(uint64_t lba, uint64_t blocks, std::string_view data);

  const uint32_t block_size_;
  std::unordered_map<uint64_t, std::string> blocks_;  // those that were written
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_RAM_DISK_H_
