// A stream of SCSI commands of several nexuses, with what happens between them. (SAM-5, SPC-4)

#ifndef FUZZ_STREAMS_STREAM_H_
#define FUZZ_STREAMS_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conformance/model/expected.h"
#include "conformance/model/model.h"
#include "conformance/model/sense.h"
#include "conformance/model/traits.h"

namespace pushpull::streams {

struct Item {
  enum class Kind : uint8_t {
    kCommand,
    kReopen,     // all settles; the session of command.nexus ends, and another one begins
    kUnitReset,  // LOGICAL UNIT RESET of command.lun, by command.nexus
    kTogether,   // all of `together` at once, where the model is calm; else one after the other
    kSettle,     // what SANITIZE began with IMMED has ended, everywhere
  };
  Kind kind = Kind::kCommand;
  conformance::model::Command command;
  // Of one nexus and one unit, in the order of their arrival; and in which they have their data.
  std::vector<conformance::model::Command> together = {};
  std::vector<size_t> ready = {};
};
using Stream = std::vector<Item>;

// A line for each item: "a lun 0 28 00 ... , 512 bytes of 07". Nexuses are letters.
std::string Describe(const Item& item);
std::string Describe(const Stream& stream);

// What came of a command.
struct Answer {
  uint8_t status = 0;
  std::vector<uint8_t> sense;  // as it is
  std::vector<uint8_t> data_in;
  bool aborted = false;
};

// Nothing: it is as it must be.
std::optional<std::string> Difference(const conformance::model::Command& command,
                                      const conformance::model::Expected& expected,
                                      const Answer& answer);

// Where streams are played: thin units with blocks of 512 bytes, of 4096, and of 512 on physical
// ones of 4096; and one that is write-protected. Three nexuses.
std::vector<conformance::model::UnitTraits> Units();
std::vector<conformance::model::Port> Ports();
std::vector<uint64_t> Luns();  // of the units

// What brings each unit to where all of it can be read, and reads it: the end of every stream.
Stream Ending();

// Lets the model take an item's effect. What has to come of a command. (Commands that come together
// it takes one after the other.)
conformance::model::Expected Take(const Item& item, conformance::model::Model* model);

}  // namespace pushpull::streams

#endif  // FUZZ_STREAMS_STREAM_H_
