// CmdSN window and receive slots as one account (RFC 7143 §4.2.2.1).
//
// The window is the session's, slots are its connections'. Each connection pledges its slots when
// it joins. As the initiator alone chooses on which connection it sends a command, each connection
// must be able to take all that the window lets through: the window never holds more numbers that
// haven't come than the connection with the fewest free slots has. A command holds its slot from
// its arrival until the last reference ends (response sent); that gives the number back, MaxCmdSN
// moves on, and never goes back.
//
// Of each connection's slots some are kept out of the window: one for an immediate task management
// request and one for another immediate PDU, so that both always find room; one in which the
// machine receives what turns out to be neither; and, where unsolicited data needs slots (iSER),
// those.

#ifndef TARGET_RX_SESSION_WINDOW_H_
#define TARGET_RX_SESSION_WINDOW_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "target/bugs/bugs.h"

namespace pushpull::target {

class SessionWindow {
 public:
  // Names a connection; no number is used twice in a session.
  using ConnectionId = uint32_t;

  // RFC 7143 §4.2.2.1: one immediate task management request, one other immediate PDU.
  static constexpr uint32_t kKeptForImmediates = 2;
  static constexpr uint32_t kKeptForReception = 1;

  struct Pledge {
    uint32_t slots = 128;                 // all that the connection has
    uint32_t unsolicited_data_slots = 0;  // of these, kept for Data-Out PDUs
    // Of these, kept for immediate PDUs beyond kKeptForImmediates: where the initiator was told
    // that it may send more of them (MaxOutstandingUnexpectedPDUs, RFC 7145 §6.7).
    uint32_t further_immediate_slots = 0;
  };

  enum class Verdict : uint8_t {
    kInOrder,    // the next one: ExpCmdSN is behind it and behind all early ones that follow it
    kEarly,      // to be kept until the ones before it came
    kOutside,    // to be ignored silently
    kDuplicate,  // to be ignored silently
  };

  // Where an immediate PDU's slot is accounted.
  enum class ImmediateSlot : uint8_t {
    kRefused,  // none: Reject, "immediate command reject"
    kKeptForTaskManagement,
    kKeptForOther,
    kKeptFurther,
    kOrdinary,
  };

  struct Numbers {
    uint32_t exp_cmd_sn;
    uint32_t max_cmd_sn;
    friend bool operator==(const Numbers&, const Numbers&) = default;
  };

  // `first_cmd_sn`: of the leading login (RFC 7143 §11.12.8). `max_window`: the window never holds
  // more numbers, whatever was pledged.
  // `bugs`: defects on demand.
  SessionWindow(uint32_t first_cmd_sn, uint32_t max_window, const BugSet& bugs = {});

  // The pledge must leave at least one slot for the window. A connection that pledges less than the
  // numbers that are already promised gets more of them only when its free slots cover the window.
  ConnectionId Join(const Pledge& pledge);
  // From now on no more numbers than this are promised, from 1 to `max_window`. What was promised
  // before stays so.
  void Limit(uint32_t window) { limit_ = std::clamp(window, 1u, max_window_); }
  // Until it ends, no number is promised beyond those that are.
  void Hold(bool holds) { holds_ = holds; }
  // The connection's slots don't count any more. Give() of what it held is ignored from now on.
  void Leave(ConnectionId connection);

  // A non-immediate command came, and takes a slot unless it is to be ignored. Not for a command
  // that is rejected: its number isn't received (RFC 7143 §7.3).
  Verdict Receive(ConnectionId connection, uint32_t cmd_sn);
  // The last reference to a command's slot ended.
  void Give(ConnectionId connection);

  // An early command is discarded and its number open again (RFC 7143 §11.14: logout of the
  // connection that it came on). Its slot is given back by this. False where it isn't early.
  bool Discard(ConnectionId connection, uint32_t cmd_sn);
  // A number in the window counts as received without a command (RFC 7143 §11.6.1 b). False where
  // it is outside or has been received.
  bool Skip(uint32_t cmd_sn);

  ImmediateSlot TakeImmediate(ConnectionId connection, bool task_management);
  void GiveImmediate(ConnectionId connection, ImmediateSlot slot);

  // What the initiator is told now. From here on the numbers up to max_cmd_sn are promised.
  Numbers Advertise();
  // What it was told last: the window by which Receive() judges.
  uint32_t exp_cmd_sn() const { return exp_cmd_sn_; }
  uint32_t max_cmd_sn() const { return max_cmd_sn_; }
  // Whether Advertise() would tell something new. Where no response is due that carries it, a
  // NOP-In must (RFC 7143 §11.4.11).
  bool has_news() const { return exp_cmd_sn_ != told_exp_cmd_sn_ || Best() != max_cmd_sn_; }

  // The same of MaxCmdSN alone: a window that has grown is to be told, while received commands are
  // acknowledged by their responses.
  bool has_room_news() const { return Best() != max_cmd_sn_; }

  uint32_t slots_held(ConnectionId connection) const;

 private:
  struct Connection {
    bool present = true;
    uint32_t capacity = 0;  // slots that may be in the window
    uint32_t held = 0;      // of these
    bool task_management_used = false;
    bool other_used = false;
    uint32_t further_free = 0;

    uint32_t free() const { return held < capacity ? capacity - held : 0; }
  };

  Connection* Find(ConnectionId connection);
  uint32_t FewestFree() const;
  // Numbers that were promised and didn't come.
  uint32_t Promised() const { return max_cmd_sn_ + 1 - exp_cmd_sn_ - early_; }
  // The MaxCmdSN that the free slots allow.
  uint32_t Best() const;
  void Mark(uint32_t cmd_sn);
  bool IsMarked(uint32_t cmd_sn) const { return received_[cmd_sn & mask_]; }

  const uint32_t max_window_;
  uint32_t limit_ = max_window_;
  bool holds_ = false;
  const uint32_t mask_;
  std::vector<bool> received_;  // ahead of ExpCmdSN; by the number's low bits
  uint32_t early_ = 0;          // of these
  uint32_t exp_cmd_sn_;
  uint32_t told_exp_cmd_sn_;
  uint32_t max_cmd_sn_;
  std::vector<Connection> connections_;
  const BugSet bugs_;
  uint32_t received_since_told_ = 0;  // Bug::kRxWindowGoesBack
};

}  // namespace pushpull::target

#endif  // TARGET_RX_SESSION_WINDOW_H_
