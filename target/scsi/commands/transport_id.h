// iSCSI TransportIDs: an initiator port by its name (SPC-4 §7.6.4.6, RFC 7143 §4.4.2).

#ifndef TARGET_SCSI_COMMANDS_TRANSPORT_ID_H_
#define TARGET_SCSI_COMMANDS_TRANSPORT_ID_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/device_server.h"
#include "target/scsi/sense.h"

namespace pushpull::target::commands {

// The longest: header, name of 223 bytes, ",i,0x" with an ISID, pad.
inline constexpr size_t kMaxTransportIdBytes = 248;

// Of the initiator port, with its ISID.
void AddTransportId(const NexusId& nexus, ParameterData* data);

struct TransportId {
  NexusId nexus;     // without the target's port
  size_t bytes = 0;  // of the list that it took
};

// What stands at `at` in a parameter list; sense points there. Only ports can be named: a
// TransportID of a whole initiator (format 00b) is refused.
base::Result<TransportId, Sense> ParseTransportId(base::Bytes list, size_t at);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_TRANSPORT_ID_H_
