// One connection, from its acceptance to its end, on any transport: the Login Phase, then the Full
// Feature Phase as part of a session. Its transport (tcp_connection.h) moves the bytes.

#ifndef TARGET_SESSION_CONNECTION_H_
#define TARGET_SESSION_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/log.h"
#include "fabric/loop.h"
#include "fabric/stream.h"
#include "target/discovery/send_targets.h"
#include "target/discovery/text_exchange.h"
#include "target/negotiation/parameters.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/pdu_queue.h"
#include "target/rx/placement.h"
#include "target/rx/session_window.h"
#include "target/rx/slot.h"
#include "target/session/iscsi_task.h"
#include "target/session/login_phase.h"
#include "target/session/registry.h"
#include "target/session/session_info.h"
#include "target/session/stale_transfers.h"
#include "target/session/unexpected_pdus.h"
#include "target/session/worker.h"
#include "target/tx/tx_queue.h"
#include "target/variation/legal_variation.h"

namespace pushpull::target {

class Session;

class Connection : public TargetDirectory {
 public:
  Connection(Worker* worker, const fabric::Address& local);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  // Waits for the first Login Request; or goes on with a login from another loop, which asked to be
  // admitted.
  void Start();
  void Resume(std::unique_ptr<LoginPhase> login);
  // Likewise, where the whole connection has come to `worker`'s loop.
  void Arrive(Worker* worker);

  Worker& worker() { return *worker_; }
  Node& node() const { return worker_->node(); }
  fabric::Loop* loop() { return worker_->loop(); }
  uint64_t number() const { return number_; }
  uint16_t cid() const { return cid_; }
  // Null before the end of the login, and after the end of the session.
  Session* session() const { return session_; }
  const ConnectionParameters& parameters() const { return parameters_; }
  SessionWindow::ConnectionId window_id() const { return window_id_; }
  // What comes is not looked at any more; nor can anything be sent.
  bool closing() const { return closing_; }
  bool closed() const { return closed_; }
  // Where the initiator is.
  virtual fabric::Address peer() const { return {}; }
  ConnectionInfo Info();
  // Since when it has its place among those that aren't logged in (NodeOptions::max_logins).
  // Nothing once it is logged in, or closed: who failed to log in has it for as long as it is
  // there.
  std::optional<absl::Time> place_taken() const;
  // Nothing has come yet. (Of who isn't logged in.)
  bool silent() const { return !heard_since_ping_timer_ && !has_begun_pdu(); }
  virtual const TransportTraits& traits() const = 0;

  // Queues a PDU that answers what the initiator sent: its number is bounded by what is received.
  // One for which the initiator has no room (RFC 7145 §8.1.2) is dropped, or becomes a ping.
  // False: it didn't go, for the initiator has no room for what it doesn't expect.
  bool Send(OutPdu pdu);
  // Asks whether the peer is there.
  void Ping();
  // Null where nothing varies.
  LegalVariation* variation() { return variation_.get(); }
  // Sends a PDU that nobody asked for before an answer, if the variation has it so.
  void VaryBeforeAnswer();
  // What it was paused for is over.
  void ReadOn() { RunSoon(); }
  // The answer to a ping of ours.
  void OnPingAnswer(uint32_t target_transfer_tag);
  TxQueue& tx() { return tx_; }
  StatSnCounter& stat_sn() { return stat_sn_; }

  // A Text negotiation changed them; in force for what is queued from now on.
  void SetParameters(const ConnectionParameters& parameters);

  // Where the transport has no solicited Data-Out: reads what an R2T would have asked for into the
  // task's buffer, then calls ScsiCommands::OnDataRead().
  virtual void GetData(IscsiTask* task, const WriteFlow::Request& request);
  // What the session may promise of its slots.
  virtual SessionWindow::Pledge pledge() const;
  // Where data stays in the slots in which it came: whether one more may be kept until its command
  // is done.
  virtual bool may_hold_slot() const { return false; }
  // Who moves the task's first `bytes` in the store's own memory (Task::mover), where the transport
  // can; else null.
  virtual DataMover* MoverFor(IscsiTask* /*task*/, uint32_t /*bytes*/) { return nullptr; }
  // The most data that goes out in one Data-In.
  virtual uint32_t max_data_in_bytes() const {
    return parameters_.initiator_max_recv_data_segment_length;
  }

  // A line of the log about this connection, where its level is logged: `add` puts in what the line
  // is about.
  template <typename Add>
  void Log(base::LogLevel level, std::string_view event, Add add) {
    if (!node().log().Logs(level)) return;
    base::LogFields fields = LogFields();
    add(fields);
    node().log().Write(level, loop()->Now(), event, fields);
  }

  // The target stops: nobody gets in any more. A login under way is told so when it goes on
  // (status 0301); one that hasn't begun, or waits for its place, ends now.
  void StopLogin();

  // Ends it now. In the session its tasks end.
  void Close();
  // Ends it in order: what is queued is sent, then the end, and the peer's end is waited for.
  void Finish();

  // The session has ended, or doesn't want it any more.
  void DetachFromSession();

  // What Place() found out about the PDU that is being received.
  struct Arriving {
    // Made for a command, or the one that a Data-Out belongs to. It keeps the memory that the data
    // is being written to.
    TaskRef task;
    bool ignore = false;  // silently: a command by RFC 7143 §4.2.2.1, data by §10.7
  };
  Arriving arriving;
  StaleTransfers stale_transfers;
  TextExchange& text() { return *text_; }
  // StatSN of the last Text Response. None was sent: nothing.
  std::optional<uint32_t> text_stat_sn;

  // A ping of ours that wasn't answered yet; kNoTag for none (RFC 7143 §11.19.1).
  uint32_t ping_tag = kNoTag;

 protected:
  // The queue between receiving and processing. It is drained before each PDU's data is placed, so
  // that more than a few never stand in it.
  static constexpr size_t kQueueCapacity = 8;

  // ---- from the transport ----
  void PlacePdu(const PduSlot& pdu, Placement& placement);
  void OnPdu(SlotRef pdu);
  // The bytes ended, or can't be received any more.
  void OnReceiveEnd();
  void OnReceiveError(const ProtocolError& error);
  // All that was queued is sent.
  void OnSendIdle();

  // Receives and processes what has come, up to one turn's share; `machine` fills `queue`.
  template <typename Machine>
  void ReceiveTurn(Machine& machine, PduQueue& queue);
  void Drain(PduQueue& queue) {
    while (!queue.empty()) OnPdu(queue.Pop());
  }
  // Whether memory is short, and it isn't to be read now; ReadOn() is called then.
  bool MustPause();
  // One turn: receives and processes, then sends what came of it.
  virtual void Run() = 0;
  // Later, in a turn of its own. Does nothing once this is destroyed.
  void RunSoon();
  // Null inside once this is destroyed.
  const std::shared_ptr<Connection*>& life() const { return life_; }
  bool running_ = false;  // within Run()
  // The login waits for its name's former session to end.
  bool awaits_place() const { return claim_ != 0 && !closing_; }

  // ---- to the transport ----
  // Bytes may come and go from now on.
  virtual void Open() = 0;
  virtual void SetFraming(const Framing& framing) = 0;
  virtual void Proceed() = 0;  // the PDU that the machine held back for may be followed
  virtual void CloseTransport() = 0;
  // After what is queued: ends our direction, discards what comes, and calls OnReceiveEnd() when
  // the peer ended its own.
  virtual void FinishTransport() = 0;
  // The connection goes on on another loop: gives up the stream without closing it.
  virtual std::unique_ptr<fabric::Stream> ReleaseStream() = 0;
  virtual bool has_unread_bytes() const = 0;
  virtual bool has_begun_pdu() const { return false; }

  // ---- of the transport ----
  // What the target grants on it.
  virtual NegotiationLimits Limits() const { return node().options().limits; }
  // What holds where this was negotiated.
  virtual ConnectionParameters InForce(const ConnectionParameters& negotiated) const {
    return negotiated;
  }
  // How it goes on on another loop: a new connection takes over its stream; or it goes there as it
  // is, with what MoveTransport() brings. `done` runs there.
  virtual bool moves_as_it_is() const { return false; }
  virtual void MoveTransport(fabric::Loop* loop, absl::AnyInvocable<void()> done);

 private:
  std::vector<TargetRecord> TargetsFor(std::string_view initiator_name) override;

  void OnLoginPdu(const PduSlot& pdu);
  void Take(const LoginStep& step);
  void SendLoginResponse(const LoginStep& step);
  void Admit();
  void ClaimNewSession();
  void OnClaimReady(uint16_t tsih);
  void JoinSession();
  void MoveTo(Worker* worker);
  void MoveAsItIs(Worker* worker);
  void Enter(Session* session);
  void EnterFullFeature(Session* session);
  Framing FramingOf(const ConnectionParameters& parameters) const;
  // `failure`: what the initiator was told; kSuccess where the connection ended without a word.
  void EndLogin(bool done, LoginStatus failure = LoginStatus::kSuccess);
  void FailLogin(const LoginStep& step);
  void GivePlaceBack();
  void LogLoginFailure(std::string_view status, const NegotiationError& error);
  base::LogFields LogFields();
  void LogPdu(std::string_view event, BhsView pdu);
  void LogNegotiated(const LoginResult& result);
  TxQueue::Numbers NumbersOfNextPdu(BhsView pdu);
  void Tap(const PduSlot& pdu);
  bool MayGoUnexpected(const OutPdu& pdu);
  void SendUnasked(UnaskedPdus::Kind kind);
  void StartUnaskedTimer();
  void RestartPingTimer();
  void OnPingTimer();
  void OnLoginTimer();

  Worker* worker_;
  const uint64_t number_;
  const fabric::Address local_;
  const std::shared_ptr<LegalVariation> variation_;
  bool closing_ = false;
  bool closed_ = false;

  std::unique_ptr<LoginPhase> login_;  // until the login is done
  absl::Time place_taken_;
  bool has_place_ = false;
  fabric::Timer timer_;         // of the login; of the peer's end
  SessionId claim_ = 0;         // the session that is to be; 0 for none
  uint32_t statuses_sent_ = 0;  // Bug::kStatSnSkips and kStatSnSkipsLate

  Session* session_ = nullptr;
  SessionWindow::ConnectionId window_id_ = 0;
  uint16_t cid_ = 0;
  ConnectionParameters parameters_;
  StatSnCounter stat_sn_;
  TxQueue::Numbers numbers_{};  // while there is no session
  TxQueue tx_;
  std::unique_ptr<TextExchange> text_;
  UnexpectedPdus unexpected_;
  fabric::Timer ping_timer_;
  fabric::Timer unasked_timer_;
  bool heard_since_ping_timer_ = false;
  bool paused_ = false;  // MustPause() said so last
  bool run_posted_ = false;
  std::shared_ptr<Connection*> life_ = std::make_shared<Connection*>(this);
};

template <typename Machine>
void Connection::ReceiveTurn(Machine& machine, PduQueue& queue) {
  // PDUs in one turn, before the loop's other connections have theirs.
  constexpr size_t kPdusInATurn = 32;
  while (!closing()) {
    // A peer that doesn't take what it asks for is not listened to.
    if (tx().full()) return tx().want_space();
    if (MustPause()) return;
    const RxStop stop = machine.Poll(kPdusInATurn);
    Drain(queue);
    if (closing()) return;
    switch (stop) {
      case RxStop::kQueueFull:
        continue;
      case RxStop::kHeld:
        // The answer to a Login Request lets the next one come.
        if (!machine.held()) continue;
        return;
      case RxStop::kBudget:
        return RunSoon();
      case RxStop::kNotYet:
      case RxStop::kNoSlot:
        return;
      case RxStop::kEnded:
        if (machine.ended_inside_pdu() && node().Has(Bug::kHalfPduKeepsConnection)) return;
        return OnReceiveEnd();
      case RxStop::kFailed:
        return OnReceiveError(*machine.error());
    }
  }
}

}  // namespace pushpull::target

#endif  // TARGET_SESSION_CONNECTION_H_
