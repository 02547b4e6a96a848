// A queue pair that carries PDUs: each in a Send of its own, with the iSER header before it where
// one is due.

#ifndef INITIATOR_SIM_PLAYER_ISER_CHANNEL_H_
#define INITIATOR_SIM_PLAYER_ISER_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "initiator_sim/iser/header.h"
#include "initiator_sim/player/channel.h"

namespace pushpull::initiator_sim {

// Besides the channel's own, under the same rules.
struct IserHandlers {
  ChannelHandlers channel;
  // The connection is there, or won't be; one of both, once.
  absl::AnyInvocable<void()> established;
  absl::AnyInvocable<void(absl::Status)> refused;
  absl::AnyInvocable<void(HelloReplyHeader)> hello_reply;
};

class IserChannel final : public Channel, private fabric::RdmaHandler {
 public:
  // What the queue pair must have.
  static fabric::RdmaQueueOptions QueueOptions();

  // `login_receives`: of 8192 bytes of data, posted while the login goes on. `tap` may be null.
  IserChannel(std::unique_ptr<fabric::RdmaConnection> rdma, fabric::Loop* loop, TapConnection info,
              Tap* tap, size_t login_receives, IserHandlers handlers);
  ~IserChannel() override;

  void Establish(const fabric::RdmaConnectOptions& options);

  // The receives of the Full Feature Phase, which hold so many bytes of data: before the request
  // that may end the login is sent (RFC 7145 §5.1.1). A second time it does nothing.
  void PostFullFeatureReceives(uint32_t data_bytes);
  // No more than `keep` receives are posted from now on: what has been posted stays. nullopt: as
  // many as there are.
  void WithholdReceives(std::optional<uint32_t> keep);
  // A message that carries no PDU.
  void SendMessage(std::vector<uint8_t> message);

  const std::shared_ptr<fabric::RdmaDomain>& domain() const { return domain_; }
  // Nothing of it is left on the network.
  bool gone() const { return rdma_ == nullptr; }
  const TapConnection& info() const override { return info_; }

  void Send(OutgoingPdu pdu) override;
  void Flush() override;
  // A queue pair has no half: it is disconnected.
  void ShutdownWriteWhenDrained() override { Close(); }
  // Disconnects once what was sent has arrived.
  void Close() override;
  void Abort() override;
  void EnterFullFeature(Digests digests) override;
  bool drained() const override { return (held_.empty() && flights_.empty()) || !open_; }
  bool open() const override { return open_; }
  base::Bytes unfinished() const override { return {}; }
  Digests receive_digests() const override { return {}; }

 private:
  // A posted Send.
  struct Flight {
    std::vector<uint8_t> bytes;
    std::unique_ptr<fabric::RdmaMemory> memory;
  };
  // Memory of one kind of receives.
  struct Receives {
    std::vector<uint8_t> bytes;
    std::unique_ptr<fabric::RdmaMemory> memory;
    size_t slot_bytes = 0;
    size_t slots = 0;
    uint64_t first_id = 0;  // of slot 0
    std::deque<size_t> idle;
  };
  struct Message {
    std::vector<uint8_t> bytes;
    std::vector<IserBuffer*> binds;
  };

  void OnEstablished(const fabric::RdmaPeer& peer) override;
  void OnRefused(const fabric::RdmaRefusal& refusal) override;
  void OnCompletions(std::span<const fabric::RdmaCompletion> completions) override;
  void OnDisconnected(fabric::RdmaEnd end) override;

  absl::Status MakeReceives(size_t slots, size_t slot_bytes, Receives* receives);
  // As many as may be posted.
  void PostIdle(Receives* receives);
  void OnReceived(const fabric::RdmaCompletion& completion);
  void OnMessage(base::Bytes message, const fabric::RdmaCompletion& completion);
  void TakePdu(base::Bytes header, base::Bytes pdu, const fabric::RdmaCompletion& completion,
               std::string flaw);
  void ReportSent(const OutgoingPdu& pdu);
  void Pump();
  absl::Status Post(const Message& message);
  void End(std::string reason);
  void Fail(const absl::Status& status);
  void LetGo();

  std::unique_ptr<fabric::RdmaConnection> rdma_;  // null: it is over
  const std::shared_ptr<fabric::RdmaDomain> domain_;
  fabric::Loop* const loop_;
  const TapConnection info_;
  Tap* const tap_;
  IserHandlers handlers_;
  const size_t login_slots_;
  Receives login_;
  Receives full_feature_;
  std::optional<uint32_t> keep_;  // while receives are withheld
  size_t posted_receives_ = 0;
  std::deque<Message> held_;  // not posted yet
  bool hold_ = false;         // until the next
  std::map<uint64_t, Flight> flights_;
  uint64_t next_id_;
  bool full_feature_began_ = false;
  bool open_ = true;
  bool established_ = false;
  bool close_due_ = false;
  std::string failure_;  // of the completion that failed first
  fabric::Timer refuse_on_;
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_ISER_CHANNEL_H_
