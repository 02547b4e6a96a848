// Asynchronous events that an administrator asks for (RFC 7143 §11.9.1): requests of a logout or of
// a negotiation, and connections and sessions that are dropped. One of these for each session.
//
// A Discovery session is sent none (§7.4.3): it ends where a Normal one would be asked to log out,
// and isn't asked to negotiate.

#ifndef TARGET_SESSION_ASYNC_EVENTS_H_
#define TARGET_SESSION_ASYNC_EVENTS_H_

#include <cstdint>
#include <optional>

#include "fabric/loop.h"
#include "target/pdu/response.h"

namespace pushpull::target {

class Connection;
class Session;

// Who is meant, and what is to happen.
struct AsyncRequest {
  enum class Kind : uint8_t {
    kLogout,          // event 1; a connection that isn't logged out in time is dropped
    kDropConnection,  // event 2, and the end of the connection
    kDropSession,     // event 3, and the end of the session
    kNegotiation,     // event 4; a connection on which no Text Request comes in time is dropped
  };
  Kind kind = Kind::kLogout;
  // Unset: every session, every connection.
  std::optional<uint16_t> tsih = {};
  std::optional<uint64_t> connection = {};  // its number (ConnectionInfo)
  uint16_t within_s = 10;                   // Parameter3 of events 1 and 4
};

class AsyncEvents {
 public:
  explicit AsyncEvents(Session* session);

  // Sends the event on `by`, which is the session's own connection but for a defect. Where the
  // session has no connection only kDropSession does something. False: nothing was done.
  bool Do(const AsyncRequest& request, Connection* by);

  // After event 1, and until the connection ends.
  bool logout_requested() const { return logout_requested_; }
  // A Text Request came.
  void OnText() { negotiation_timer_.Cancel(); }
  // The connection is gone, or being logged out.
  void Clear();

 private:
  // False: there is no room for it at the initiator, and nothing has begun.
  bool Send(Connection* by, AsyncMessage message);
  bool RequestLogout(uint16_t within_s, Connection* by);
  bool RequestNegotiation(uint16_t within_s, Connection* by);
  void DropConnection();
  void DropSession();

  Session* const session_;
  bool logout_requested_ = false;
  fabric::Timer logout_timer_;
  fabric::Timer negotiation_timer_;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_ASYNC_EVENTS_H_
