// SCSI commands of three nexuses on the device server: each is answered as the model has it. An
// input is a sequence of
//   1 byte   bits 0-1 the nexus; 2-4 the LUN; 5-6 the task attribute; 7: no command, but a LOGICAL
//            UNIT RESET (bit 6), or that all settles (bit 5), or a new session
//   1 byte   the length of the CDB, 32 at the most
//   ...      the CDB
//   2 bytes  how much data the initiator has, big-endian
//   1 byte   how many bytes of it follow; the last one is repeated
//   ...      the data
// What isn't there any more is 0.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "conformance/model/model.h"
#include "fuzz/planted_bugs.h"
#include "fuzz/streams/in_process.h"
#include "fuzz/streams/stream.h"
#include "target/bugs/bugs.h"

namespace pushpull::streams {
namespace {

constexpr size_t kMostItems = 64;

class Input {
 public:
  explicit Input(base::Bytes bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }

 private:
  base::Bytes bytes_;
};

Item ReadItem(Input& input) {
  const uint64_t luns[] = {Luns()[0], Luns()[0],         Luns()[2], Luns()[1],
                           Luns()[0], uint64_t{5} << 48, Luns()[3], 0xc101'0000'0000'0000};
  Item item;
  const uint8_t who = input.Byte();
  item.command.nexus = (who & 3) % Ports().size();
  item.command.lun = luns[who >> 2 & 7];
  if ((who & 0x80) != 0) {
    item.kind = (who & 0x40) != 0   ? Item::Kind::kUnitReset
                : (who & 0x20) != 0 ? Item::Kind::kSettle
                                    : Item::Kind::kReopen;
    return item;
  }
  constexpr uint8_t kAttributes[] = {1, 2, 3, 4};  // SIMPLE, ORDERED, HEAD OF QUEUE, ACA
  item.command.attribute = kAttributes[who >> 5 & 3];
  item.command.cdb.resize(std::clamp<size_t>(input.Byte(), 6, 32));
  for (uint8_t& byte : item.command.cdb) byte = input.Byte();
  const uint8_t high = input.Byte();
  item.command.data_out.resize(size_t{high} << 8 | input.Byte());
  const size_t given = input.Byte();
  uint8_t last = 0;
  for (size_t i = 0; i < item.command.data_out.size(); ++i) {
    if (i < given) last = input.Byte();
    item.command.data_out[i] = last;
  }
  return item;
}

void Play(Input input) {
  conformance::model::Model model(Units(), Ports());
  for (size_t nexus = 0; nexus < Ports().size(); ++nexus) model.Open(nexus);
  static const target::BugSet bugs = fuzz::PlantedBugs();
  InProcess device(bugs);
  for (size_t i = 0; i < kMostItems && !input.empty(); ++i) {
    const Item item = ReadItem(input);
    const bool command = item.kind == Item::Kind::kCommand;
    const auto expected = Take(item, &model);
    const Answer answer = device.Play(item);
    if (!command) continue;
    const auto difference = Difference(item.command, expected, answer);
    CHECK(!difference.has_value()) << *difference << "\n" << Describe(item);
  }
}

}  // namespace
}  // namespace pushpull::streams

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pushpull::streams::Play(pushpull::streams::Input({data, size}));
  return 0;
}
