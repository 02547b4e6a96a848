// A plain in-memory model of a SCSI target's logical units: it says what a command must be answered
// with. It is written from SPC-4, SBC-3 and SAM-5, apart from any device server, so that a
// misreading can't hide in both; simple before it is fast. It has one command at a time.
//
// Where the standards leave a choice it is the reference target's documented one (docs/TARGET.md):
// reserved bits of a CDB are refused, of a write only the whole blocks that came are written, unit
// attentions come in the order in which they arose.
//
//   Model model(units, ports);
//   model.Open(0);
//   const Expected expected = model.Do({.nexus = 0, .lun = 0, .cdb = ...});

#ifndef CONFORMANCE_MODEL_MODEL_H_
#define CONFORMANCE_MODEL_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "conformance/model/expected.h"
#include "conformance/model/traits.h"
#include "conformance/model/unit.h"

namespace pushpull::conformance::model {

class Model {
 public:
  // `ports` are those of the nexuses, which are known by their place in it.
  Model(std::vector<UnitTraits> units, std::vector<Port> ports);

  // A session of the nexus begins: its unit attentions are established. Ends: what was the
  // session's alone is gone.
  void Open(size_t nexus);
  void Close(size_t nexus);

  // LOGICAL UNIT RESET; false: there is no such unit. TARGET RESET: all of them.
  bool ResetUnit(uint64_t lun);
  void ResetTarget();

  // Sanitize operations that go on after their command was answered (IMMED) have ended.
  void Settle();

  // What has to come of it. Takes its effect for done.
  Expected Do(const Command& command);

  // Commands of one nexus for one unit, which all arrive before any of them has its data: that
  // comes in the order of `ready`, their places. What has to come of each of them (SAM-5 §8.6,
  // §8.7).
  std::vector<Expected> DoTogether(const std::vector<Command>& commands,
                                   const std::vector<size_t>& ready);

  // Whether nothing stands between such commands and the medium of an address that is there: no
  // unit attention, reservation, or write protection, and it is started.
  bool IsCalm(size_t nexus, uint64_t lun) const;

  // Null: there is none at this LUN.
  const Unit* unit(uint64_t lun) const;

 private:
  Unit* Find(uint64_t lun);

  std::vector<Unit> units_;
  const std::vector<Port> ports_;
  std::vector<bool> was_there_;  // by nexus
};

}  // namespace pushpull::conformance::model

#endif  // CONFORMANCE_MODEL_MODEL_H_
