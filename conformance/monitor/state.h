// What the monitor knows of sessions, connections and tasks, from the wire alone. Internal.

#ifndef CONFORMANCE_MONITOR_STATE_H_
#define CONFORMANCE_MONITOR_STATE_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "conformance/monitor/key_exchange.h"
#include "initiator_sim/pdu/figure.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::conformance::monitor {

// A sequence of Data-Out: what an R2T asked for, or the unsolicited one of a command.
struct R2tState {
  uint32_t tag = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t sent = 0;
  uint32_t next_data_sn = 0;
};

// From a request to its response.
struct Task {
  initiator_sim::PduKind request = v1::Pdu::KIND_NOT_SET;
  uint32_t connection = 0;  // its id: the allegiance
  uint32_t frame = 0;
  uint32_t cmd_sn = 0;
  bool immediate = false;
  // A Reject named it: no response has to come, but one may.
  bool rejected = false;
  // A SNACK or a reassignment concerned it: numbers and offsets may come again.
  bool resent = false;

  // SCSI commands. Lengths in bytes.
  uint64_t lun_bytes = 0;
  bool read = false;
  bool write = false;
  uint64_t read_edtl = 0;
  uint64_t write_edtl = 0;
  bool unsolicited_follows = false;  // F=0: Data-Out without R2T come
  uint64_t unsolicited_sent = 0;     // immediate data, and Data-Out without R2T
  uint32_t next_unsolicited_sn = 0;
  uint64_t solicited_sent = 0;
  uint32_t next_input_sn = 0;  // DataSN of Data-In and R2TSN are one row (§4.2.2.4)
  uint32_t data_ins = 0;
  uint32_t r2ts = 0;
  uint64_t data_in_bytes = 0;
  uint64_t data_in_end = 0;     // the highest end so far
  uint64_t sequence_bytes = 0;  // since the last F
  uint64_t sequence_end = 0;
  bool sequence_open = false;
  std::vector<R2tState> outstanding;
  uint64_t r2t_end = 0;
  std::optional<uint32_t> snack_tag;  // of the last R-Data SNACK

  // Of a SCSI command whose data name ports, devices or versions, or have a length of their own:
  // its CDB, and these data.
  std::string naming_cdb;
  std::string naming_data;

  // NOP-Out: its data. Text: the F and C bits of the last request. TMF: function and the tag that
  // it refers to. Logout: reason and CID.
  std::string ping;
  bool text_final = false;
  bool text_continue = false;
  bool text_awaits = false;
  int code = 0;
  uint32_t referenced_tag = 0;
  uint32_t cid = 0;
};

// A task that is over.
struct DoneTask {
  enum class How : uint8_t { kResponse, kAborted, kTaskSetAborted };
  How how = How::kResponse;
  uint32_t frame = 0;  // of what ended it
};

// What of the session's parameters is known; nullopt: not known, so that no rule rests on it.
struct Agreed {
  std::optional<uint64_t> max_burst_length;
  std::optional<uint64_t> first_burst_length;
  std::optional<uint64_t> max_outstanding_r2t;
  std::optional<uint64_t> error_recovery_level;
  std::optional<uint64_t> protocol_level;
  std::optional<uint64_t> negotiated_protocol_level;  // nullopt: nobody spoke of it
  std::optional<bool> data_pdu_in_order;
  std::optional<bool> data_sequence_in_order;
  std::optional<bool> immediate_data;
  std::optional<bool> initial_r2t;
  std::optional<std::string> task_reporting;
  bool rdma = false;  // data goes by RDMA: Data-In and R2T are not to be seen
};

struct Session {
  std::string initiator_name;
  std::string target_name;
  std::string isid;
  uint16_t tsih = 0;
  bool discovery = false;
  std::optional<uint64_t> portal_group_tag;  // as the leading login told it
  std::set<uint64_t> registered_luns;        // where it has made a persistent registration
  Agreed agreed;
  std::set<uint16_t> cids;

  std::map<uint32_t, Task> tasks;  // by Initiator Task Tag
  std::map<uint32_t, DoneTask> done;
  // Tags whose task the initiator handled against the rules: what comes for them isn't judged.
  std::set<uint32_t> doubtful;
  bool reserved_tag_used = false;

  // Command numbering: every CmdSN below `unsent` was sent. nullopt: the beginning wasn't seen.
  std::optional<uint32_t> unsent;
  std::set<uint32_t> sent_ahead;
  std::optional<uint32_t> exp_cmd_sn;  // the highest so far

  // What only the initiator's rules ask for.
  struct Sender {
    std::optional<uint32_t> next_cmd_sn;  // nullopt: the beginning wasn't seen
    std::optional<uint32_t> max_cmd_sn;   // the highest so far
    // A Reject came: a command may be sent anew under its CmdSN (§7.3).
    bool rejected = false;
    // Several tasks were aborted, or all that the aborted task's sequences were for is off: they
    // may end early (§11.5.1), and which tags are free again isn't known to a third party.
    bool aborted = false;
  };
  Sender sender;
};

enum class Phase : uint8_t {
  kBeforeLogin,
  kLogin,
  kFullFeature,
  kUnknown,  // the beginning wasn't seen
  kFailed,   // a Login reject was sent
  kLoggedOut,
  kReplaced,  // what is still under way isn't judged: reinstated, or the login was overtaken
};

struct LoginState {
  KeyExchange keys;
  v1::LoginRequest first;
  v1::LoginRequest last;
  uint32_t requests = 0;
  uint32_t outstanding = 0;  // requests without response
  uint32_t stage = 0;        // agreed on
  // The initiator broke the rules of the Login Phase.
  bool doubtful = false;
  // Another request was sent before the login ended: whether it counts as one of the full feature
  // phase is the target's to say.
  bool overtaken = false;
  std::optional<v1::LoginResponse> first_response;
  bool portal_group_tag_judged = false;
};

struct Connection {
  uint32_t id = 0;
  Phase phase = Phase::kBeforeLogin;
  uint16_t cid = 0;
  std::shared_ptr<Session> session;
  LoginState login;
  bool login_in_full_feature = false;
  // The initiator misbehaved, or ended it from elsewhere: the target need not end it in order.
  bool may_end_anywhere = false;
  bool misbehaved_since_ping = false;  // since the last one that was answered
  // Ended from elsewhere, or the target announced that it ends it.
  bool may_end_unasked = false;
  uint32_t ended_frame = 0;

  std::optional<uint32_t> next_stat_sn;
  bool status_resent = false;  // a SNACK asked for statuses, or R-Data
  std::optional<uint32_t> exp_cmd_sn;
  std::optional<uint32_t> max_cmd_sn;

  // The initiator's MaxRecvDataSegmentLength: the largest that was ever in force. nullopt: unknown.
  std::optional<uint64_t> segment_limit;
  // All that were in force, once another one was declared in the Full Feature Phase.
  std::set<uint64_t> segment_limits;

  // The negotiation of a text task.
  KeyExchange text_keys;
  // Headers of the last requests, for Rejects: BHS, and the length of the AHS in bytes.
  struct SentHeader {
    initiator_sim::Bhs bhs;
    size_t ahs = 0;
    bool data_digest = false;  // it has one
    bool data_digest_ok = true;
  };
  std::deque<SentHeader> sent_headers;
  bool forgot_headers = false;    // there were more of them
  bool logout_requested = false;  // by an Async Message

  // What only the initiator's rules ask for.
  struct Sender {
    std::optional<uint32_t> exp_stat_sn;
    // The target's MaxRecvDataSegmentLength: the largest that was ever in force; 0: unknown.
    uint64_t segment_limit = 0;
    std::map<uint32_t, uint64_t> pings;  // LUNs of NOP-Ins that want an answer, by their tag
    bool continues = false;              // the last Login or Text Response had C
    std::optional<uint32_t> text_tag;    // of the last Text Response
    uint64_t text_lun_bytes = 0;
    std::optional<uint32_t> logout_tag;  // of the Logout Request that closes this connection
  };
  Sender sender;
};

}  // namespace pushpull::conformance::monitor

#endif  // CONFORMANCE_MONITOR_STATE_H_
