// A fault that a proxy between a suite and a target plants, or a legal variation.

#ifndef TOOLS_FAULTS_FAULT_H_
#define TOOLS_FAULTS_FAULT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/player/tap.h"
#include "tools/faults/image.h"

namespace pushpull::faults {

using initiator_sim::Direction;
using initiator_sim::PduKind;

// What a proxy knows of a connection when a PDU passes.
struct Passing {
  bool full_feature = false;
  bool discovery = false;
  bool logged_out = false;  // a Logout Response passed
  initiator_sim::Digests digests;
  // Requests that passed without their last answer, by Initiator Task Tag.
  std::map<uint32_t, v1::Pdu> live;
  std::map<PduKind, Image> previous;  // the last target's PDU of each kind, as it came
  uint32_t next_stat_sn = 0;          // of the target's next status, as the initiator sees it
  uint32_t exp_cmd_sn = 0;            // as the target said last
  uint32_t max_cmd_sn = 0;
  size_t planted = 0;                  // on this connection
  std::map<uint32_t, uint32_t> notes;  // a fault's own memory

  // The request that `pdu` answers; nullptr: none.
  const v1::Pdu* RequestOf(const Image& pdu) const;
  // A live task other than that of `pdu`.
  std::optional<uint32_t> OtherTag(const Image& pdu) const;
};

// What goes on in place of a PDU.
struct Outcome {
  std::vector<Image> now;     // nothing: the PDU is swallowed
  std::vector<Image> later;   // behind the next PDU of this direction
  int32_t stat_sn_shift = 0;  // what is added to the StatSN of all of the target's later PDUs
  std::vector<uint8_t> raw;   // bytes behind `now`
  enum class End : uint8_t { kNone, kFin, kReset };
  End end = End::kNone;  // after that
};

struct Fault {
  std::string name;  // "scsi_response.status=0x08"
  // Empty: forbidden. Else why no verdict may change.
  std::string legal;
  Direction direction = Direction::kToInitiator;
  // The only kind of the target's PDUs that it fits; unset: any.
  PduKind kind = v1::Pdu::KIND_NOT_SET;
  // Outcomes may shift StatSN: ExpStatSN is mended on its way to the target.
  bool renumbers = false;
  // nullopt: it can't be planted into this PDU. `notes` may be changed.
  std::function<std::optional<Outcome>(Passing* passing, const Image& pdu)> plant;
};

// The whole table.
std::vector<Fault> AllFaults();

// Why a fault may pass unseen, or be seen only in some cases; empty: it must be caught.
std::string_view Excuse(std::string_view fault);

// ---- its parts -------------------------------------------------------------------------------
std::vector<Fault> FieldFaults();  // each field of each PDU of the target
std::vector<Fault>
OrderFaults();  // PDUs dropped, repeated, swapped, late, inserted, connections cut
std::vector<Fault> DataFaults();       // data, lengths, pad, digests, AHS
std::vector<Fault> KeyFaults();        // text keys
std::vector<Fault> RequestFaults();    // what the initiator sends, changed on its way
std::vector<Fault> LegalVariations();  // what must change no verdict

// Once on each connection.
Fault OncePerConnection(Fault fault);

}  // namespace pushpull::faults

#endif  // TOOLS_FAULTS_FAULT_H_
