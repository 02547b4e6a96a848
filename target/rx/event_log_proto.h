// The event log as a message, for files and for comparison with other implementations.

#ifndef TARGET_RX_EVENT_LOG_PROTO_H_
#define TARGET_RX_EVENT_LOG_PROTO_H_

#include "pushpull/v1/event.pb.h"
#include "target/rx/event_log.h"

namespace pushpull::target {

v1::EventLog ToProto(const EventLog& log);

}  // namespace pushpull::target

#endif  // TARGET_RX_EVENT_LOG_PROTO_H_
