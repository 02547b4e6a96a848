// The state of an initiator's sessions and connections: numbers, tags, negotiated parameters. Plain
// data without I/O. (RFC 7143 §4.2.2, §4.2.5, §6.3)

#ifndef INITIATOR_SIM_SESSION_SESSION_H_
#define INITIATOR_SIM_SESSION_SESSION_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/session/negotiation.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

using Isid = std::array<uint8_t, 6>;

struct Session {
  std::string name;
  Isid isid = {};
  uint16_t tsih = 0;  // 0: no leading login has succeeded
  bool discovery = false;
  bool iser = false;  // RDMAExtensions=Yes on the leading connection (RFC 7145 §6.3)

  uint32_t cmd_sn = 1;  // the next to be used
  uint32_t exp_cmd_sn = 1;
  uint32_t max_cmd_sn = 1;
  bool window_known = false;  // a response has said what the window is

  uint16_t next_cid = 1;
  Parameters parameters;

  // A tag that is in use by no task (those of the last 2^32 - 1 allocations are all different),
  // never 0xffffffff, which is reserved (§11.2.1.8).
  uint32_t AllocateTag();

  // Whether a non-immediate command with `sn` may be sent (§4.2.2.1).
  bool MaySend(uint32_t sn) const;
  // How many non-immediate commands, from `cmd_sn` on, may be sent now.
  uint32_t Window() const { return MaySend(cmd_sn) ? max_cmd_sn - cmd_sn + 1 : 0; }

  // ExpCmdSN and MaxCmdSN of a PDU of the target. A pair with MaxCmdSN < ExpCmdSN - 1 is ignored;
  // else each moves forward only (§4.2.2.1). The session's first sets them.
  void UpdateWindow(uint32_t exp_cmd_sn, uint32_t max_cmd_sn);

  uint32_t next_tag = 1;
};

enum class LoginPhase : uint8_t { kNotBegun, kNegotiating, kFullFeature, kLoggedOut };

// One connection of a session.
struct ConnectionState {
  uint16_t cid = 0;
  LoginPhase phase = LoginPhase::kNotBegun;
  v1::Stage stage = v1::SECURITY_NEGOTIATION;  // of the Login Phase
  uint32_t login_tag = 0;                      // the whole Login Phase is one task (§6.3)

  uint32_t exp_stat_sn = 0;  // the next that is expected
  bool stat_sn_known = false;
  // While set, this is sent as ExpStatSN.
  std::optional<uint32_t> held_exp_stat_sn;

  bool rdma = false;        // over a queue pair, whatever the session came to
  Digests digests;          // of the Full Feature Phase; off before
  Negotiation negotiation;  // of the Login Phase
  uint32_t own_max_recv_data_segment_length = 8192;
  uint32_t peer_max_recv_data_segment_length = 8192;

  uint32_t ExpStatSnToSend() const { return held_exp_stat_sn.value_or(exp_stat_sn); }
};

// The numbers that a PDU of a target carries. StatSN only where the PDU takes one: not in Data-In
// without status, R2T, and a NOP-In that is no answer (§4.2.2.2, §11.19.2).
struct ResponseNumbers {
  std::optional<uint32_t> stat_sn;
  std::optional<uint32_t> exp_cmd_sn;
  std::optional<uint32_t> max_cmd_sn;
};
ResponseNumbers NumbersOf(const v1::Pdu& pdu);

// Whether a target may send this PDU at any time of the Full Feature Phase, and it asks for no more
// than the answer to a ping: NOP-In that answers nothing (§11.19), an event of its vendor (§11.9.1:
// 248 to 255).
bool MayComeAtAnyTime(const v1::Pdu& pdu);

// Takes over what a PDU of the target says of numbers. A Login Response with Status-Class other
// than 0 says nothing (§11.13.5).
void Absorb(const v1::Pdu& pdu, Session* session, ConnectionState* connection);

// What a Login Response changes beyond numbers: the negotiation; and where it is the final one, the
// full feature phase with its parameters and digests. True where it is.
bool AbsorbLoginResponse(const v1::Pdu& pdu, Session* session, ConnectionState* connection);

// Likewise for a Login Request that is sent.
void NoteLoginRequest(const v1::Pdu& pdu, ConnectionState* connection);

// The bytes of a PDU's text. Empty for what is no Login or Text PDU.
std::string TextOf(const v1::Pdu& pdu);

// How much of a write may go unsolicited (RFC 7143 §13.10, §13.11, §13.14).
struct UnsolicitedDue {
  uint32_t immediate = 0;    // in the command's own data segment
  uint32_t unsolicited = 0;  // in Data-Out PDUs that follow it
};
UnsolicitedDue UnsolicitedOf(const Parameters& parameters, uint32_t peer_max_data_segment,
                             uint32_t expected_data_transfer_length);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_SESSION_SESSION_H_
