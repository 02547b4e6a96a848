// An initiator's session with any number of commands under way, for workloads.

#ifndef TOOLS_CRASH_CLIENT_H_
#define TOOLS_CRASH_CLIENT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fabric/loop.h"
#include "fabric/stream.h"
#include "initiator_sim/pdu/framer.h"
#include "initiator_sim/session/login.h"
#include "initiator_sim/session/session.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::tools {

struct ClientCommand {
  std::string cdb;
  std::string data_out;
  uint32_t read_bytes = 0;
  // Called once, with the SCSI status and what was read; a CHECK CONDITION may be a unit attention:
  // the command wasn't carried out.
  std::function<void(v1::ScsiStatus status, const std::string& data, bool unit_attention)> done;
};

// On its loop. LUN 0 of one target.
class Client {
 public:
  // `number` makes its ISID; `keys` are offered in the login.
  Client(fabric::Network* network, fabric::Loop* loop, const fabric::Address& portal,
         std::string target_name, uint8_t number, std::vector<initiator_sim::LoginKey> keys);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool logged_in() const { return state_.phase == initiator_sim::LoginPhase::kFullFeature; }
  // Sent at once, or when the command window opens.
  void Send(ClientCommand command);
  size_t under_way() const { return tasks_.size() + waiting_.size(); }
  // What went wrong; empty: nothing. Then nothing happens any more.
  const std::string& error() const { return error_; }

 private:
  struct Task {
    ClientCommand command;
    std::string data_in;
  };

  void OnConnected(std::unique_ptr<fabric::Stream> stream);
  void OnReadable();
  void OnPdu(const v1::Pdu& pdu);
  void OnLoginResponse(const v1::Pdu& pdu);
  void OnDataIn(const v1::Pdu& pdu);
  void OnR2t(const v1::Pdu& pdu);
  void End(uint32_t tag, v1::ScsiStatus status, bool unit_attention);
  void Fail(std::string error);

  void SendLogin();
  void SendWaiting();
  void SendCommand(ClientCommand command);
  void Write(const v1::Pdu& pdu);
  void Pump();

  fabric::Loop* const loop_;
  initiator_sim::Session session_;
  initiator_sim::ConnectionState state_;
  std::unique_ptr<initiator_sim::LoginExchange> exchange_;
  initiator_sim::Framer framer_;
  std::unique_ptr<fabric::Stream> stream_;
  std::vector<uint8_t> out_;
  std::map<uint32_t, Task> tasks_;  // by tag
  std::deque<ClientCommand> waiting_;
  std::string error_;
  // Answers to Network::Connect() that come too late find it gone.
  std::shared_ptr<Client*> life_ = std::make_shared<Client*>(this);
};

}  // namespace pushpull::tools

#endif  // TOOLS_CRASH_CLIENT_H_
