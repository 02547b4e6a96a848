// TEST UNIT READY, REQUEST SENSE, START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL. (SPC-4 §6.39,
// §6.47; SBC-3 §5.16, §5.20)

#include <cstdint>
#include <utility>
#include <vector>

#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

// SPC-4 §4.5.2.2, §4.5.3.
std::vector<uint8_t> Encoded(const Sense& sense, bool descriptors) {
  const bool progresses = sense == kSanitizing;
  if (descriptors) {
    std::vector<uint8_t> bytes = {0x72, sense.key, sense.code, sense.qualifier, 0, 0, 0, 0};
    if (progresses) {
      bytes[7] = 8;
      bytes.insert(bytes.end(), {0x02, 0x06, 0, 0, 0x80, 0, 0, 0});
    }
    return bytes;
  }
  std::vector<uint8_t> bytes(18);
  bytes[0] = 0x70;
  bytes[2] = sense.key;
  bytes[7] = 10;
  bytes[12] = sense.code;
  bytes[13] = sense.qualifier;
  if (progresses) bytes[15] = 0x80;  // SKSV: a progress indication follows
  return bytes;
}

}  // namespace

void TestUnitReady(Turn& turn) {
  if (!turn.failed()) turn.Good();
}

// What a command would be told now, which is thereby told.
void RequestSense(Turn& turn) {
  if (turn.failed()) return;
  Sense sense = kNoSense;
  if (turn.unit == nullptr) {
    if (!turn.well_known) sense = kNoSuchUnit;
  } else {
    std::vector<Sense>& pending = turn.unit->attentions[turn.nexus];
    if (!pending.empty()) {
      sense = pending.front();
      pending.erase(pending.begin());
    } else if (turn.unit->sanitizing) {
      sense = kSanitizing;
    } else if (turn.unit->stopped) {
      sense = kNotStarted;
    }
  }
  std::vector<uint8_t> bytes = Encoded(sense, turn.Bit(1, 0));
  std::vector<uint8_t> varies(bytes.size());
  // PROGRESS INDICATION.
  const size_t at = turn.Bit(1, 0) ? 13 : 16;
  if (sense == kSanitizing) varies[at] = varies[at + 1] = 0xff;
  turn.Answer(std::move(bytes), turn.Field(4, 1), std::move(varies));
}

void StartStop(Turn& turn) {
  if (turn.failed()) return;
  turn.unit->stopped = !turn.Bit(4, 0);
  turn.Good();
}

void PreventAllow(Turn& turn) {
  if (turn.Bit(4, 1)) turn.Fault(kBadCdb);  // 10b and 11b are obsolete
  if (!turn.failed()) turn.Good();
}

}  // namespace pushpull::conformance::model
