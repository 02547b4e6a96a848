// A device server in a simulated world, and short ways to send commands to it.

#ifndef TARGET_SCSI_TESTING_BENCH_H_
#define TARGET_SCSI_TESTING_BENCH_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fabric/sim_world.h"
#include "target/bugs/bugs.h"
#include "target/scsi/device_server.h"
#include "target/scsi/lun.h"
#include "target/scsi/task.h"

namespace pushpull::target {

inline constexpr char kBenchTarget[] = "iqn.2026-11.org.pushpull:bench";

// What came of a command.
struct Answer {
  bool aborted = false;
  ScsiStatus status = ScsiStatus::kGood;
  std::string sense;  // "5/24/00"; empty without sense data
  // The field pointer of fixed-format sense: "cdb 1.7", "list 3"; empty without one.
  std::string field;
  DataDirection direction = DataDirection::kNone;
  uint64_t transfer_bytes = 0;
  std::vector<uint8_t> data;        // that was put into the buffer
  std::vector<uint8_t> sense_data;  // as it is

  // "GOOD", "5/24/00 cdb 1.7", "aborted".
  std::string Summary() const;
};
std::ostream& operator<<(std::ostream& out, const Answer& answer);

// "28 00 ...": bytes in hex.
std::vector<uint8_t> FromHex(std::string_view text);

struct BenchUnit {
  uint16_t number = 0;
  std::string spec;  // "ram:1M"
  uint32_t block_size = 512;
  bool read_only = false;
  std::string serial = {};
  uint32_t physical_block_size = 0;
  uint16_t lowest_aligned_lba = 0;
  std::shared_ptr<Store> store = {};  // instead of `spec`
  std::shared_ptr<ReservationStore> reservations = {};
};

struct CommandOptions {
  uint64_t lun = 0;  // as in a PDU
  std::vector<uint8_t> data_out;
  std::optional<uint64_t> room;  // for data in; as much as Prepare says, if it isn't said
  TaskAttribute attribute = TaskAttribute::kSimple;
};

// A command on its way, for tests that have several.
class Command {
 public:
  Task& task() { return task_; }
  bool ended() const { return ended_; }
  Answer answer() const;

 private:
  friend class Bench;
  Task task_;
  std::vector<uint8_t> buffer_;
  iovec iovec_{};
  bool ended_ = false;
};

class Bench {
 public:
  explicit Bench(std::vector<BenchUnit> units = {{0, "ram:1M"}}, uint64_t seed = 1,
                 BugSet bugs = {}, DeviceChoices choices = {});
  ~Bench();

  fabric::SimWorld& world() { return world_; }
  DeviceServer& server() { return *server_; }

  // A nexus on a loop of its own whose unit attentions have been taken (but for `fresh`).
  Nexus* Open(const std::string& initiator = "iqn.2026-11.org.example:one", bool fresh = false,
              std::array<uint8_t, 6> isid = {});
  void Close(Nexus* nexus);
  // It was closed by the test.
  void Forget(Nexus* nexus);
  fabric::Loop* loop(Nexus* nexus);

  // Prepares only; false: it has ended.
  bool Prepare(Command* command, Nexus* nexus, const std::vector<uint8_t>& cdb,
               const CommandOptions& options = {});
  void Execute(Command* command);
  // Both.
  std::unique_ptr<Command> Start(Nexus* nexus, const std::vector<uint8_t>& cdb,
                                 const CommandOptions& options = {});
  // Until it has ended.
  Answer Do(Nexus* nexus, const std::vector<uint8_t>& cdb, const CommandOptions& options = {});
  Answer Do(Nexus* nexus, std::string_view cdb, const CommandOptions& options = {}) {
    return Do(nexus, FromHex(cdb), options);
  }

 private:
  std::vector<uint16_t> numbers_;  // of the units
  fabric::SimWorld world_;
  std::unique_ptr<DeviceServer> server_;
  std::vector<std::pair<Nexus*, fabric::Loop*>> open_;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_TESTING_BENCH_H_
