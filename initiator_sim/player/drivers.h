// Parts that several steps are made of: a login, a SCSI command, a ping, a logout. Internal to the
// player.

#ifndef INITIATOR_SIM_PLAYER_DRIVERS_H_
#define INITIATOR_SIM_PLAYER_DRIVERS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "initiator_sim/player/play.h"
#include "initiator_sim/session/login.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {

// Opens the connection, if it isn't open, and logs in (`login` of a scenario).
class LoginRunner : public Action {
 public:
  LoginRunner(Play* play, std::string link_name, const v1::LoginDriver& login);

  Progress Advance() override;
  std::string Awaiting() const override;

 private:
  enum class State : uint8_t {
    kBegin,
    kConnecting,
    kSend,
    kReceive,
    kHello,
    kUnitAttention,
    kDone
  };

  Progress Begin();
  Progress OpenLink();
  Progress BeginExchange();
  absl::StatusOr<LoginConfig> Config();
  Progress SendNext();
  Progress OnArrival(Arrival* arrival);
  Progress OnClosed();
  Progress Conclude(const v1::Pdu& response, bool refused);
  Progress AfterLogin(bool refused);
  Progress ClearUnitAttentions();
  bool MustClearUnitAttentions() const;

  Play* const play_;
  const std::string link_name_;
  const v1::LoginDriver login_;
  State state_ = State::kBegin;
  Link* link_ = nullptr;
  Task* task_ = nullptr;
  std::unique_ptr<LoginExchange> exchange_;
  std::vector<uint64_t> luns_;  // whose unit attentions are still to be cleared
  uint32_t attempts_ = 0;
  bool leading_ = false;
};

// The data of a read, from Data-In PDUs in any order.
class DataCollector {
 public:
  // `limit`: the expected length, beyond which nothing may lie.
  explicit DataCollector(uint64_t limit) : limit_(limit) {}

  // What is wrong with it; empty: nothing.
  std::string Add(const v1::Pdu& data_in);
  // From offset 0 on, as far as there is no hole.
  std::string Whole() const;
  uint64_t received() const { return received_; }
  bool has_holes() const {
    return pieces_.size() > 1 || (!pieces_.empty() && pieces_.begin()->first != 0);
  }

 private:
  const uint64_t limit_;
  uint64_t received_ = 0;
  std::string bytes_;
  std::map<uint64_t, uint64_t> pieces_;  // offset and end, apart from one another
};

// How a SCSI command ended.
struct CommandOutcome {
  v1::Pdu last;  // the SCSI Response, or the Data-In that carries the status
  uint32_t status = 0;
  std::string sense;     // as it came, without SenseLength
  std::string data;      // that came, up to where it is whole from the beginning
  uint64_t data_in = 0;  // bytes in Data-In PDUs
  uint32_t residual_overflow = 0;
  uint32_t residual_underflow = 0;
};

// A SCSI command from its request to its response, as a right initiator does it.
class CommandRunner : public Action {
 public:
  struct Request {
    v1::Pdu pdu;  // the SCSI Command; EDTL, flags, LUN as far as they aren't computed
    bool lba_is_relative = false;
    // All data of a write; pattern of length 0: as long as the command says.
    std::optional<v1::Data> write_data;
    std::optional<uint32_t> immediate_length;
    std::optional<uint32_t> unsolicited_length;
    std::string task_name;  // empty: a private one
  };

  CommandRunner(Play* play, Link* link, Request request);

  Progress Advance() override;
  std::string Awaiting() const override;

  // After kDone.
  const CommandOutcome& outcome() const { return outcome_; }

 private:
  Progress Begin();
  Progress SendUnsolicited();
  Progress AnswerR2t(const v1::Pdu& pdu);
  Progress TakeDataIn(const v1::Pdu& pdu);
  Progress TakeResponse(const v1::Pdu& pdu);

  Play* const play_;
  Link* const link_;
  Request request_;
  Task* task_ = nullptr;
  bool begun_ = false;
  uint32_t pdus_ = 0;
  std::optional<DataCollector> collector_;
  CommandOutcome outcome_;
};

// A ping, and its answer.
class PingRunner : public Action {
 public:
  PingRunner(Play* play, Link* link, bool immediate, std::string data);

  Progress Advance() override;
  std::string Awaiting() const override { return "the answer to a ping (NOP-In)"; }

  // After kDone.
  const v1::Pdu& answer() const { return answer_; }
  uint64_t arrival() const { return arrival_; }

 private:
  Play* const play_;
  Link* const link_;
  const bool immediate_;
  const std::string data_;
  Task* task_ = nullptr;
  v1::Pdu answer_;
  uint64_t arrival_ = 0;
};

class LogoutRunner : public Action {
 public:
  LogoutRunner(Play* play, Link* link, v1::LogoutReason reason,
               std::optional<v1::LogoutResponseCode> due);
  // Of a session that has served its purpose: that its connection ends will do. What the target
  // owes it all the same is the monitor's to say.
  static std::unique_ptr<LogoutRunner> AtTheEnd(Play* play, Link* link);

  Progress Advance() override;
  std::string Awaiting() const override { return "the Logout Response"; }

 private:
  Play* const play_;
  Link* const link_;
  const v1::LogoutReason reason_;
  const std::optional<v1::LogoutResponseCode> due_;
  bool end_will_do_ = false;
  Task* task_ = nullptr;
};

// An exchange of Text PDUs up to its final response.
class TextRunner : public Action {
 public:
  TextRunner(Play* play, Link* link, std::string task_name, std::string text,
             uint32_t data_segment_length, bool immediate, uint32_t at_most);

  Progress Advance() override;
  std::string Awaiting() const override { return "a Text Response"; }

  const TextExchange& exchange() const { return exchange_; }
  const v1::Pdu& last() const { return last_; }
  uint64_t arrival() const { return arrival_; }

 private:
  Play* const play_;
  Link* const link_;
  const std::string task_name_;
  TextExchange exchange_;
  const bool immediate_;
  const uint32_t at_most_;
  Task* task_ = nullptr;
  bool send_due_ = true;
  v1::Pdu last_;
  uint64_t arrival_ = 0;
};

// Takes the first PDU of the task, if one came. Null with kWaiting; the play is over where the
// connection ended instead (`awaiting`).
struct Awaited {
  Progress progress = Progress::kWaiting;
  Arrival* arrival = nullptr;
};
Awaited AwaitFor(Play* play, Link* link, const Task* task, const std::string& awaiting);

// The link of a step, open and in the full feature phase; else the play is over with a script's
// error, or (ended by the peer) with a failure.
Link* FullFeatureLink(Play* play, const std::string& name, const std::string& what);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_DRIVERS_H_
