// One play of one scenario: its connections, sessions, tasks, values, what came and what was
// judged. The steps (steps.h) work on it. Internal to the player.

#ifndef INITIATOR_SIM_PLAYER_PLAY_H_
#define INITIATOR_SIM_PLAYER_PLAY_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/random.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "initiator_sim/iser/buffer.h"
#include "initiator_sim/iser/header.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/player/channel.h"
#include "initiator_sim/player/iser_channel.h"
#include "initiator_sim/player/player.h"
#include "initiator_sim/player/ram_disk.h"
#include "initiator_sim/session/session.h"
#include "initiator_sim/session/text.h"
#include "pushpull/v1/pdu.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {

struct Link;

// What a task's data are read into and from on iSER, and what became of them.
struct TaskBuffers {
  std::unique_ptr<IserBuffer> own_read;
  std::unique_ptr<IserBuffer> own_write;
  IserBuffer* read = nullptr;  // of its own, or a named one
  IserBuffer* write = nullptr;
  bool any_key = false;  // what is advertised is wrong on purpose: no key of the response is judged
  bool answered = false;
  uint64_t answer_order = 0;  // of the Send that brought the response, where it is known
};

// An RDMA operation of the peer on our memory, as the network told it.
struct RdmaRecord {
  uint64_t order = 0;
  Link* link = nullptr;
  bool write = false;
  const IserBuffer* buffer = nullptr;  // null: none of ours
  int64_t offset = 0;
  uint64_t length = 0;
  std::string failure = {};
  bool taken = false;  // by a step
};

// Where an R2T wants its data from (RFC 7143 §11.8).
struct OpenR2t {
  uint32_t target_transfer_tag = 0xffffffff;
  uint32_t r2t_sn = 0;
  uint32_t buffer_offset = 0;
  uint32_t length = 0;
  uint32_t sent = 0;  // of its bytes
};

// A task of the scenario, or of one of its drivers. What steps took is counted, not what came: it
// must not depend on when something comes.
struct Task {
  std::string name;  // empty: what comes for it stands in the connection's own queue
  Session* session = nullptr;
  std::string link;  // the connection's name
  uint32_t tag = 0;
  uint32_t cmd_sn = 0;
  uint64_t lun_bytes = 0;
  uint32_t expected_length = 0;           // EDTL
  v1::Pdu request;                        // as it was sent
  std::vector<std::string> sent_headers;  // the 48 bytes of each PDU

  // All data of a write: these bytes, or a pattern.
  std::string write_data;
  bool write_pattern = false;
  v1::Pattern pattern;
  uint32_t sent_length = 0;      // solicited and unsolicited data, immediate data included
  std::optional<OpenR2t> r2t;    // the last that a step took
  uint32_t unsolicited_end = 0;  // where unsolicited data end
  uint32_t data_sn = 0;          // of the next Data-Out

  uint32_t target_transfer_tag = 0xffffffff;  // of the last R2T, Text Response, NOP-In
  uint64_t response_lun_bytes = 0;            // that came with it
  uint32_t r2t_count = 0;
  uint32_t data_in_count = 0;
  uint32_t received_length = 0;
  uint32_t response_count = 0;
  std::string held_text;     // of responses with the C bit that were answered for the scenario
  uint32_t empty_parts = 0;  // such responses without text
  bool ended = false;        // its last response came

  std::unique_ptr<TaskBuffers> buffers;  // on iSER, once its command was sent

  bool WasSent(std::string_view header) const;
  // Of its write data; zeros beyond their end.
  std::string DataAt(uint64_t offset, size_t length) const;
};

// A PDU that came and that no step has taken yet.
struct Arrival {
  uint64_t number = 0;  // among all of the play, from 1
  Link* link = nullptr;
  Task* task = nullptr;  // it was set aside for; null: the connection's own queue
  v1::Pdu pdu;
  std::string header;  // its 48 bytes
};

// A connection of the scenario.
struct Link {
  std::string name;
  std::string session_name;
  Session* session = nullptr;
  ConnectionState state;
  std::unique_ptr<Channel> channel;  // null while it is being opened
  // Over RDMA. `iser` is the channel, or what is to become it.
  bool rdma = false;
  IserChannel* iser = nullptr;
  std::unique_ptr<Channel> opening;
  size_t rdma_number = 0;           // among all connections of the network, from 0
  bool may_be_invalidated = false;  // as was said to the peer
  uint8_t responder_resources = 0;
  std::optional<HelloReplyHeader> hello_reply;
  bool hello_due = false;                    // the login ended and asks for one
  std::optional<bool> login_header;          // whether its Login Responses have an iSER header
  uint32_t not_ready = 0;                    // attempts of our Sends that found no receive
  std::map<uint64_t, uint64_t> send_orders;  // by receive: of the last Send that it took
  bool connecting = false;
  absl::Status connect_error;
  bool ended_by_peer = false;
  bool end_taken = false;  // a step expected the end
  bool closed_by_us = false;
  std::string end_reason;
  uint32_t stat_sn = 1;  // as a target: of the next response

  bool open() const { return channel != nullptr && channel->open() && !ended_by_peer; }
  bool full_feature() const { return state.phase == LoginPhase::kFullFeature; }
};

// How much a SCSI Command expects to read: of a bidirectional one what its AHS says.
uint32_t ReadLength(const v1::Pdu& pdu);

// How an action goes on.
enum class Progress : uint8_t {
  kWaiting,  // for something to happen
  kDone,
  kOver,  // the play has its verdict
};

class Action {
 public:
  virtual ~Action() = default;
  // Goes on as far as it can. Called at the start, and whenever something happened.
  virtual Progress Advance() = 0;
  // What it waits for, for those who read of its timeout: "an R2T or the response of task w".
  virtual std::string Awaiting() const = 0;
  // Waits by its own clock.
  virtual bool HasOwnTimer() const { return false; }
};

// What was wrong, for the reader.
struct Finding {
  v1::Verdict verdict = v1::FAIL;
  std::string message = {};
  std::string expected = {};
  std::string actual = {};
  // A failed expectation, which a SHOULD turns into WARN; not an ended connection or a timeout.
  bool expectation = false;
  // Rows that it judges, where these aren't the step's.
  std::vector<std::string> cite = {};
};

// What comes with a send beyond the PDU.
struct SendOptions {
  v1::Misbehaviour misbehaviour = v1::NONE;
  const v1::Delivery* delivery = nullptr;
  bool keep_sequence = false;
  bool lba_is_relative = false;  // named CDBs count from the scratch area
  const google::protobuf::RepeatedPtrField<v1::Adjustment>* adjust = nullptr;
  const v1::IserSend* iser = nullptr;
  // Bytes that the step has sent already: the delivery's cuts count from its first one.
  size_t* step_offset = nullptr;
};

class Play final : public std::enable_shared_from_this<Play>, private fabric::SimRdmaLog {
 public:
  Play(PlayerOptions options, Script script);
  ~Play();

  void Start(Player::Done done);
  std::vector<fabric::Address> listening() const;

  const PlayerOptions& options() const { return options_; }
  const v1::Scenario& scenario() const { return script_.scenario; }
  const v1::Step& step() const;
  fabric::Loop* loop() const { return options_.loop; }
  bool target_role() const { return script_.scenario.role() == v1::TARGET; }
  base::Random& random() { return random_; }

  // ---- going on ------------------------------------------------------------------------------
  // Advance is called soon. From anywhere on the loop.
  void Wake();
  // Wraps a callback for others to hold: it does nothing once the play is gone, and wakes it.
  template <typename... Args, typename F>
  absl::AnyInvocable<void(Args...)> Guarded(F f) {
    return [weak = weak_from_this(), f = std::move(f)](Args... args) mutable {
      const std::shared_ptr<Play> self = weak.lock();
      if (self == nullptr || self->over_) return;
      f(std::forward<Args>(args)...);
      self->Wake();
    };
  }
  // What the current step awaited came in part: its deadline starts again.
  void Progressed() { progressed_ = true; }

  // ---- verdicts ------------------------------------------------------------------------------
  // The play ends with this. Returns kOver.
  Progress End(Finding finding);
  Progress Fail(std::string message, std::string expected = "", std::string actual = "");
  // A failed expectation of the case (see Finding::expectation).
  Progress Unmet(std::string message, std::string expected, std::string actual);
  // Nothing came of what was awaited, and a sign of life did: an answer to a ping, or only a login
  // on a new connection.
  Progress LivesInSilence(const std::string& awaiting, bool by_login);
  // Our own trouble: script, sockets.
  Progress Error(const absl::Status& status);
  // WARN, AMBIGUOUS: the play goes on.
  void Note(Finding finding);
  // For an action that waits for `what` while the link has ended and nothing more can come.
  Progress EndedWhileWaiting(const Link& link, const std::string& what);
  // What came of a PDU that isn't whole: how many bytes, and what its header says; empty: nothing.
  static std::string UnfinishedOn(const Link& link);

  // ---- values --------------------------------------------------------------------------------
  absl::StatusOr<FieldValue> Value(std::string_view name, const Link* link);
  absl::StatusOr<std::string> TextValue(std::string_view name, const Link* link);
  void SetValue(std::string_view name, FieldValue value);

  // ---- connections and sessions --------------------------------------------------------------
  // The step's own connection, or "c1".
  std::string LinkName(const std::string& name) const { return name.empty() ? "c1" : name; }
  Link* FindLink(const std::string& name);  // nullptr: never opened
  // Begins to open a connection under this name; an ended one of the same name is put away.
  // `connect` says how, where a step does.
  absl::StatusOr<Link*> Open(const std::string& name, const std::string& session,
                             const fabric::Address& address, const v1::Connect* connect = nullptr);
  // The same for a stream that was accepted.
  Link* Adopt(const std::string& name, std::unique_ptr<fabric::Stream> stream);
  absl::StatusOr<fabric::Address> Portal(uint32_t number) const;
  Session* SessionOf(const std::string& name);
  Session* FindSession(const std::string& name);
  void CloseLink(Link* link, v1::CloseHow how);
  // See Player.
  void PeerHasEnded();
  std::vector<Link*> OpenLinks();
  // Also those that ended, or were put away.
  std::vector<const Link*> AllLinks() const;
  // All links of a session ended in order (logout).
  void NoteLogout(Session* session);
  // Role TARGET: streams that were accepted at a portal and that no step took yet.
  std::unique_ptr<fabric::Stream> TakeAccepted(uint32_t portal);
  absl::Status ListenAll();

  // ---- tasks ---------------------------------------------------------------------------------
  Task* FindTask(std::string_view name);  // nullptr: there is none
  // Tag 0xffffffff: the next one of the session.
  Task* NewTask(const std::string& name, Link* link);
  // How many tasks NAME0, NAME1 ... a send within the window began; of `count` where none did.
  void NoteCount(const std::string& name, uint32_t count) { counts_[name] = count; }
  uint32_t CountOf(const std::string& name, uint32_t count) const;
  // A name for a task of a driver, which no scenario can use.
  std::string PrivateName(std::string_view what);
  void Rename(Task* task, const std::string& name);
  // As a target: the task that a request begins gets a name; what comes for it later has it too.
  void NameRequest(Arrival* arrival, const std::string& name);
  void RegisterTag(Task* task, uint32_t tag);
  Task* TaskOfTag(const Session* session, uint32_t tag);

  // ---- sending -------------------------------------------------------------------------------
  // Sets what is unset in `pdu` to what is right now. `task`: whose PDU it is (may be null).
  absl::Status Complete(v1::Pdu* pdu, Link* link, Task* task, const SendOptions& options);
  // Encodes and sends a completed PDU, and takes over what it changes (CmdSN, the task's record).
  absl::Status Transmit(v1::Pdu pdu, Link* link, Task* task, const SendOptions& options);
  // Both.
  absl::Status Send(v1::Pdu pdu, Link* link, Task* task, const SendOptions& options = {});
  // Whether the session's command window lets a non-immediate command through.
  bool WindowOpen(const Link& link) const;
  // The LUN of the run as its eight bytes.
  uint64_t DefaultLunBytes() const;

  // False: the run has no hooks.
  bool CallHook(const v1::Trigger& trigger, HookDone done);

  // ---- what came -----------------------------------------------------------------------------
  std::list<Arrival>& arrivals() { return arrivals_; }
  // The first that is set aside for the task (or stands in the link's own queue, where it is null).
  Arrival* FirstFor(const Link* link, const Task* task);
  // The first that came on the link, whatever it is for.
  Arrival* FirstOn(const Link* link);
  // Takes it out, and enters it into the task's record.
  v1::Pdu Take(Arrival* arrival);
  // Whether ignore sets cover it: the scenario's (or the default one) and `extra`.
  bool Ignorable(const v1::Pdu& pdu,
                 const google::protobuf::RepeatedPtrField<v1::Pdu>* extra = nullptr) const;
  // Drops it; a ping that wants an answer is answered.
  void PassOver(Arrival* arrival);
  // Drops all of the link's own queue that may be ignored, up to what may not.
  void PassOverIgnorable(const Link* link);
  uint64_t arrived() const { return arrived_; }

  // ---- iSER (play_iser.cc) ---------------------------------------------------------------------
  absl::Status RegisterBuffer(Link* link, const v1::Register& step);
  // nullptr: there is none. Of a step, or a task's for this direction.
  IserBuffer* FindBuffer(const std::string& name, bool write);
  // The bytes that a read brought: those that its response says were transferred.
  std::string ReadByRdma(const Task& task, const v1::Pdu& response) const;
  std::vector<RdmaRecord>& rdma_records() { return rdma_records_; }
  bool has_rdma_log() const { return options_.watch_rdma != nullptr; }
  absl::Status SendHello(Link* link, const v1::HelloDriver& hello);

  // Summaries of what stands unconsumed, a line each; empty: nothing that couldn't be ignored.
  // Without `of_tasks`: but for what tasks were answered, which steps further down may take.
  std::string Unexpected(const Link* link, bool of_tasks = true);

 private:
  friend class PlayTest;

  void Run();
  Progress RunSteps();
  bool BeginStep();
  // With `goes_on`: leaves the step that failed, and drops what had come.
  void LeaveStep();
  void ArmDeadline();
  // How long the current step waits for the next of what it awaits.
  absl::Duration StepTimeout() const;
  void OnDeadline();
  void OnStepLimit();
  // Counts what came against what may come within one step. False: the play is over.
  bool CountArrival(const Link& link, const Frame& frame);
  // What came of PDUs that aren't whole, a paragraph for each connection.
  std::string Unfinished() const;
  // How it is told that nothing came, not even a sign of life.
  Finding Silence(const std::string& awaiting) const;
  // Begins to see whether the target lives. False: it can't be seen, or was tried.
  bool CheckLife();
  // Whether a ping on the step's connection can tell that nothing more comes (see `ask_after`).
  bool MayAsk();
  void Ask();
  void Finish();
  // Of tasks that can still be answered, or of what was sent for none.
  bool AnswersAreDue() const;
  v1::Failure FailureOf(const Finding& finding) const;
  std::string StepLabel() const;

  // ---- iSER ----
  void OpenRdma(Link* link, const fabric::Address& address, const v1::Connect* connect);
  void OnRdmaOpened(Link* link, std::unique_ptr<fabric::RdmaConnection> rdma,
                    const fabric::RdmaConnectOptions& options);
  // What goes before an encoded PDU, with the task's buffers; and how much of all is posted.
  absl::Status WrapInIser(const v1::Pdu& pdu, const PduLayout& layout, Link* link, Task* task,
                          const SendOptions& options, OutgoingPdu* out);
  absl::Status Advertise(const v1::Pdu& pdu, Link* link, Task* task, const SendOptions& options,
                         ControlHeader* header, OutgoingPdu* out);
  absl::Status MakeTaskBuffers(const v1::Pdu& pdu, Link* link, Task* task,
                               const SendOptions& options, OutgoingPdu* out);
  absl::Status BeforeLoginEnds(const v1::Pdu& pdu, Link* link);
  // What a PDU shows that came by a Send (`frame`, but for its PDU). False: the play is over.
  bool JudgeIserArrival(Link* link, const v1::Pdu& pdu, const Frame& frame, Task* task);
  // The header before it, and its lengths.
  bool JudgeIserMessage(Link* link, const Frame& frame);
  bool JudgeInvalidation(const Link& link, const v1::Pdu& pdu, const Frame& frame,
                         const Task* task);
  bool JudgeBuffers(const Task& task, const v1::Pdu& response);
  bool FailRow(std::string row, std::string message, std::string expected, std::string actual);
  void OnOperation(const fabric::SimRdmaOperation& operation) override;
  void ReleaseBuffers(Task* task);
  std::string BufferName(const Task& task, bool write) const;
  uint64_t NextFillSeed();

  void OnPdu(Link* link, Frame frame);
  void NoteUnitAttention(const v1::Pdu& pdu);
  // After the verdict, for the tap alone.
  void OnLatePdu(Link* link, const v1::Pdu& pdu);
  void OnRequestPdu(Link* link, Arrival* arrival);
  void OnEnded(Link* link, std::string reason);
  void AttachStream(Link* link, std::unique_ptr<fabric::Stream> stream);
  Task* TaskFor(const Link* link, const v1::Pdu& pdu);
  bool PingsAreExpected() const;
  void AnswerPing(Link* link, const v1::NopIn& ping);

  absl::Status CompleteRequest(v1::Pdu* pdu, Link* link, Task* task, const SendOptions& options);
  absl::Status CompleteResponse(v1::Pdu* pdu, Link* link, Task* task);
  absl::Status CompleteCommand(v1::Pdu* pdu, Task* task, const SendOptions& options);
  absl::Status CompleteDataOut(v1::Pdu* pdu, Link* link, Task* task);
  void CompleteLogin(v1::LoginRequest* request, Link* link);
  void EnterSent(const v1::Pdu& pdu, base::Bytes header, Link* link, Task* task,
                 const SendOptions& options);
  std::vector<size_t> CutsFor(const PduLayout& layout, const SendOptions& options);
  uint32_t TagInUse(const Session* session) const;
  // As a target: StatSN, digests after the final Login Response.
  void EnterSentResponse(const v1::Pdu& pdu, Link* link, Task* task);
  void CompleteLoginResponse(v1::LoginResponse* response, Link* link);
  void CompleteR2t(v1::R2t* r2t, const Link& link, Task* task);
  void OnLoginRequest(const v1::LoginRequest& request, const v1::Pdu& pdu, Link* link);
  void CountCommand(uint32_t cmd_sn, Session* session);
  void EnterTaken(const v1::Pdu& pdu, Task* task);

  absl::StatusOr<FieldValue> TaskValue(std::string_view rest);
  absl::StatusOr<FieldValue> LinkValue(std::string_view name, const Link& link);
  uint64_t ReceiveBytes(const Link& link) const;

  PlayerOptions options_;
  Script script_;
  base::Random random_;
  Player::Done done_;
  PlayResult result_;

  std::map<std::string, FieldValue, std::less<>> values_;
  std::map<std::string, std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Link>> old_links_;
  std::map<std::string, std::unique_ptr<Session>> sessions_;
  std::vector<std::unique_ptr<Session>> old_sessions_;
  std::map<std::string, Task*, std::less<>> named_tasks_;
  std::map<std::string, uint32_t> counts_;
  std::map<std::pair<const Session*, uint32_t>, Task*> tagged_tasks_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::map<std::string, std::unique_ptr<IserBuffer>> buffers_;  // by name
  std::vector<IserBuffer*> reachable_;                          // that a key leads to
  std::vector<RdmaRecord> rdma_records_;
  size_t rdma_connections_ = 0;
  uint64_t next_buffer_ = 0;
  std::optional<Finding> rdma_finding_;  // of the log's, for the next turn
  std::list<Arrival> arrivals_;
  uint64_t arrived_ = 0;
  uint32_t next_connection_id_ = 1;
  uint32_t next_session_ = 0;
  uint32_t next_private_name_ = 0;
  uint16_t next_tsih_ = 1;

  struct Listening {
    std::unique_ptr<fabric::Listener> listener;
    std::list<std::unique_ptr<fabric::Stream>> accepted;
  };
  std::vector<Listening> listening_;
  std::unique_ptr<RamDisk> disk_;
  // As a target: CmdSNs that came ahead of others.
  std::map<const Session*, std::set<uint32_t>> early_commands_;
  uint32_t next_transfer_tag_ = 1;

  size_t step_index_ = 0;
  std::optional<size_t> next_step_;  // instead of the one that follows
  bool step_failed_ = false;         // with `goes_on`
  bool in_epilogue_ = false;
  bool skip_epilogue_ = false;
  std::unique_ptr<Action> action_;
  fabric::Timer deadline_;
  fabric::Timer step_limit_;  // of the whole step: what comes doesn't start it again
  size_t step_pdus_ = 0;      // that came in this step
  size_t step_bytes_ = 0;
  int life_checks_ = 0;  // signs of the target's life asked for, as nothing came in time
  bool progressed_ = false;
  bool wake_posted_ = false;
  bool started_ = false;
  bool over_ = false;
  bool lingering_ = false;
  bool sent_without_task_ = false;  // in the full feature phase
  bool running_ = false;
  bool pings_are_expected_ = false;

 public:
  // An alternative's `ends` and `go_to`.
  void SkipToEnd() { skip_epilogue_ = true; }
  absl::Status GoTo(const std::string& step_name);
  uint16_t AllocateTsih() { return next_tsih_++; }
  // As a target: the disk that it serves, the same for all of the play.
  RamDisk* disk();
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_PLAY_H_
