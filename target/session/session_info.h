// What a session and its connections are at one moment, for administrators: copies, so that they
// may be read on any thread.

#ifndef TARGET_SESSION_SESSION_INFO_H_
#define TARGET_SESSION_SESSION_INFO_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/stream.h"
#include "target/negotiation/parameters.h"
#include "target/pdu/request.h"

namespace pushpull::target {

struct ConnectionInfo {
  uint64_t number = 0;  // of the target: never given twice
  uint16_t cid = 0;
  std::string_view transport;  // "tcp", "iser"
  fabric::Address local;
  fabric::Address peer;
  ConnectionParameters parameters;
  uint32_t slots = 0;       // that it pledged (SessionWindow::Pledge)
  uint32_t slots_held = 0;  // of these, by commands
  size_t queued_pdus = 0;   // to be sent
};

struct SessionInfo {
  uint16_t tsih = 0;
  std::string initiator_name;
  Isid isid = {};
  SessionParameters parameters;
  uint32_t exp_cmd_sn = 0;
  uint32_t max_cmd_sn = 0;
  size_t tasks = 0;
  bool logout_requested = false;            // AsyncEvent 1 was sent (RFC 7143 §11.9.1)
  std::vector<ConnectionInfo> connections;  // none: it waits to be reinstated
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_SESSION_INFO_H_
