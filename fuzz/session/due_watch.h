// Answers that are due: what a right target answers sooner or later, whatever it makes of it.

#ifndef FUZZ_SESSION_DUE_WATCH_H_
#define FUZZ_SESSION_DUE_WATCH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "initiator_sim/player/tap.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::fuzz {

// It speaks only of an initiator that did nothing wrong, which is for others to say (the monitor),
// and only of what it can't be wrong in: pings, texts, reads and commands without data, task
// management where no write is under way. Of commands that stand behind a hole in the CmdSN
// sequence, or that task management may have ended, nothing is due.
class DueWatch final : public initiator_sim::Tap {
 public:
  // `memory_is_short`: commands may have to wait for the memory that an older write has, and so for
  // that write's data.
  explicit DueWatch(bool memory_is_short = false) : memory_is_short_(memory_is_short) {}

  void OnPdu(const initiator_sim::TapPdu& tapped) override;
  void OnClosed(const initiator_sim::TapConnection& connection, absl::Time time, bool by_peer,
                const std::string& reason) override;

  // What was due for long on connections when this side closed them, a line each.
  const std::vector<std::string>& missing() const { return missing_; }

 private:
  struct Due {
    v1::Pdu::KindCase kind = v1::Pdu::KIND_NOT_SET;
    std::optional<uint32_t> cmd_sn;  // of what isn't immediate
    bool with_data = false;          // of a write: it waits for data
    absl::Time since;
  };
  struct Connection {
    std::string name;
    std::string session;
    bool full_feature = false;
    bool unjudged = false;        // a PDU came or went that wasn't whole, or wrong on purpose
    std::map<uint32_t, Due> due;  // by Initiator Task Tag
  };

  void OnRequest(Connection* connection, const v1::Pdu& pdu, absl::Time time);
  void Look(const Connection& connection, absl::Time time);
  void OnAnswer(Connection* connection, const initiator_sim::TapPdu& tapped);

  const bool memory_is_short_;
  std::map<uint32_t, Connection> connections_;  // those that are open, by id
  std::map<std::string, uint32_t> exp_cmd_sn_;  // by session: the newest that the target told
  bool task_management_ = false;
  bool logout_ = false;
  bool lost_writes_ = false;  // of connections that ended
  std::vector<std::string> missing_;
};

}  // namespace pushpull::fuzz

#endif  // FUZZ_SESSION_DUE_WATCH_H_
