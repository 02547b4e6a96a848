// An initiator with one session of one connection over TCP, for load: right, but for what it is
// told to leave out. All functions on its loop's thread; callbacks come from the loop.

#ifndef TOOLS_LOAD_CLIENT_H_
#define TOOLS_LOAD_CLIENT_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fabric/loop.h"
#include "fabric/stream.h"
#include "initiator_sim/pdu/framer.h"
#include "initiator_sim/session/chap.h"
#include "initiator_sim/session/login.h"
#include "initiator_sim/session/session.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::tools {

struct ClientIdentity {
  std::string initiator_name;
  std::string target_name;
  initiator_sim::Isid isid = {};
  initiator_sim::ChapCredentials chap;
  uint64_t lun = 0;
  std::vector<initiator_sim::LoginKey> keys = {};
};

class Client {
 public:
  using Done = absl::AnyInvocable<void(absl::Status)>;
  struct Answer {
    uint32_t status = 0;  // of SCSI
    std::string sense;    // in words
    std::string data;
  };
  using OnAnswer = absl::AnyInvocable<void(absl::StatusOr<Answer>)>;

  // Both outlive it.
  Client(fabric::Network* network, fabric::Loop* loop, ClientIdentity identity);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  void Connect(const fabric::Address& address, Done done);
  // On an open connection: up to the Full Feature Phase.
  void LogIn(Done done);
  // Until the unit has no more to tell (TEST UNIT READY).
  void ClearUnitAttentions(Done done, int tries = 16);
  // All three.
  void Open(const fabric::Address& address, Done done);

  // A command; waits for room in the window. `read_bytes` or `data` or none of both.
  void Run(const v1::Cdb& cdb, uint32_t read_bytes, std::string data, OnAnswer done);
  void LogOut(Done done);

  // Ends the connection at once. What was asked for is never answered.
  void Drop(bool reset);
  // Called where the connection ends without having been asked to.
  void set_on_lost(Done on_lost) { on_lost_ = std::move(on_lost); }

  // ---- what a bad peer does ----
  void set_answers_pings(bool answers) { answers_pings_ = answers; }
  void set_sends_data(bool sends) { sends_data_ = sends; }  // none for R2Ts
  void StopReading() { reads_ = false; }
  void ReadSome(size_t bytes);
  void SendBytes(std::string_view bytes);
  // Numbers and tag are set where they aren't.
  void Send(v1::Pdu pdu);
  std::string Encode(v1::Pdu* pdu);
  v1::Pdu FirstLoginRequest();
  v1::Pdu CommandPdu(const v1::Cdb& cdb, uint32_t read_bytes, uint32_t write_bytes);
  uint32_t r2ts() const { return r2ts_; }
  uint32_t last_r2t_task() const { return last_r2t_.initiator_task_tag(); }
  uint32_t last_r2t_tag() const { return last_r2t_.target_transfer_tag(); }
  uint64_t lun_bytes() const;

  bool open() const { return stream_ != nullptr; }
  size_t commands_under_way() const { return tasks_.size() + waiting_.size(); }

 private:
  struct Task {
    uint32_t read_bytes = 0;
    std::string out;
    std::string in;
    OnAnswer done;
  };
  struct Waiting {
    v1::Cdb cdb;
    uint32_t read_bytes;
    std::string data;
    OnAnswer done;
  };

  void OnReadable();
  bool TakeFrames();
  void Flush();
  void Lose(absl::Status why);
  void OnPdu(const v1::Pdu& pdu);
  void OnLoginResponse(const v1::Pdu& pdu);
  void OnNopIn(const v1::NopIn& nop);
  void OnR2t(const v1::R2t& r2t);
  void OnDataIn(const v1::Pdu& pdu);
  void OnScsiResponse(const v1::Pdu& pdu);
  void SendLogin();
  void SendDataOut(const Task& task, uint32_t tag, uint32_t transfer_tag, uint32_t from,
                   uint32_t end);
  void Start(Waiting command);
  void StartWaiting();
  void Finish(uint32_t tag, Answer answer);

  fabric::Network* const network_;
  fabric::Loop* const loop_;
  const ClientIdentity identity_;
  std::unique_ptr<fabric::Stream> stream_;
  initiator_sim::Framer framer_;
  initiator_sim::Session session_;
  initiator_sim::ConnectionState state_;
  std::unique_ptr<initiator_sim::LoginExchange> exchange_;
  uint32_t login_tag_ = 0;
  std::string out_;
  size_t written_ = 0;
  bool reads_ = true;
  bool answers_pings_ = true;
  bool sends_data_ = true;
  uint32_t r2ts_ = 0;
  v1::R2t last_r2t_;
  Done on_step_;  // of the connect, the login, the logout
  Done on_lost_;
  std::map<uint32_t, Task> tasks_;
  std::deque<Waiting> waiting_;
  // Null inside once this is destroyed.
  std::shared_ptr<Client*> life_ = std::make_shared<Client*>(this);
};

}  // namespace pushpull::tools

#endif  // TOOLS_LOAD_CLIENT_H_
