#include "target/session/connection.h"

#include <utility>

#include "base/check.h"
#include "target/pdu/request.h"
#include "target/session/session.h"

namespace pushpull::target {

Connection::Connection(Worker* worker, const fabric::Address& local)
    : worker_(worker),
      number_(worker->node().NextConnection()),
      local_(local),
      variation_(node().VariationOf(/*session=*/false, number_)),
      timer_(worker->loop()),
      tx_({}, &stat_sn_, [this](BhsView pdu) { return NumbersOfNextPdu(pdu); }),
      ping_timer_(worker->loop()),
      unasked_timer_(worker->loop()) {
  tx_.set_on_space([this] { RunSoon(); });
  tx_.set_on_work([this] {
    if (!running_) RunSoon();
  });
  if (!node().options().tap) return;
  tx_.set_tap([this](const OutPdu& pdu) {
    TapPdu tapped{
        .connection = number_, .sent = true, .bhs = BhsView(pdu.bhs), .ahs = {}, .data = {}};
    tapped.data.assign(pdu.data.begin(), pdu.data.end());
    node().options().tap(tapped);
  });
}

Connection::~Connection() { *life_ = nullptr; }

void Connection::RunSoon() {
  if (std::exchange(run_posted_, true)) return;
  loop()->Post([life = life_] {
    if (*life == nullptr) return;
    (*life)->run_posted_ = false;
    (*life)->Run();
  });
}

std::optional<absl::Time> Connection::place_taken() const {
  if (!has_place_) return std::nullopt;
  return place_taken_;
}

void Connection::Start() {
  worker_->counters().Add(Count::kLogins);
  place_taken_ = loop()->Now();
  has_place_ = true;
  LoginConfig config{.limits = Limits(),
                     .bugs = node().bugs(),
                     .rdma_transport = traits().iser_data_segment_keys,
                     .initial_stat_sn = static_cast<uint32_t>(worker_->random().Next()),
                     // No more than the session's window begins with: memory may be short by then.
                     .queue_depth = 1};
  if (variation_ != nullptr) {
    config.variation = {variation_, &variation_->login};
    config.initial_stat_sn = variation_->login.InitialStatSn();
  }
  login_ = std::make_unique<LoginPhase>(&node(), local_, std::move(config));
  timer_.Start(node().options().login_timeout, [this] { OnLoginTimer(); });
  Framing framing{.one_at_a_time = true};
  if (node().Has(Bug::kLoginDataSegmentUnchecked)) {
    framing.max_recv_data_segment_length = kMaxDataSegmentLength;
  }
  SetFraming(framing);
  Open();
}

void Connection::Resume(std::unique_ptr<LoginPhase> login) {
  worker_->counters().Add(Count::kLogins);
  place_taken_ = loop()->Now();
  has_place_ = true;  // the one that it had on the other loop
  login_ = std::move(login);
  timer_.Start(node().options().login_timeout, [this] { OnLoginTimer(); });
  SetFraming({.one_at_a_time = true});
  Open();
  JoinSession();
}

// ---- sending ----------------------------------------------------------------------------------

bool Connection::Send(OutPdu pdu) {
  if (pdu.stat_sn == StatSnUse::kNext) {
    ++statuses_sent_;
    if (node().Has(Bug::kStatSnSkips) && statuses_sent_ % 8 == 0) stat_sn_.Take();
    if (node().Has(Bug::kStatSnSkipsLate) && statuses_sent_ % 256 == 0) stat_sn_.Take();
  } else if (node().Has(Bug::kStatSnPerNopInPing) && BhsView(pdu.bhs).opcode() == Opcode::kNopIn) {
    pdu.stat_sn = StatSnUse::kNext;
  }
  if (variation_ != nullptr && pdu.stat_sn == StatSnUse::kNext) VaryBeforeAnswer();
  if (!MayGoUnexpected(pdu)) return false;
  tx_.QueueExempt(std::move(pdu));
  return true;
}

// RFC 7145 §8.1.2. The last place is kept for a ping: its answer tells which others are free.
bool Connection::MayGoUnexpected(const OutPdu& pdu) {
  if (!UnexpectedPdus::Counts(BhsView(pdu.bhs)) || !unexpected_.limited()) return true;
  const bool ping = UnexpectedPdus::IsPing(BhsView(pdu.bhs));
  const uint32_t kept = ping || node().Has(Bug::kIserLastUnexpectedUsed) ? 0 : 1;
  if (unexpected_.room() > kept || node().Has(Bug::kIserUnexpectedUnlimited)) {
    unexpected_.Add(stat_sn_.next(), ping ? BhsView(pdu.bhs).target_transfer_tag() : kNoTag);
    return true;
  }
  if (!ping && unexpected_.room() > 0 && ping_tag == kNoTag) Ping();
  return false;
}

// Asked for once with each PDU that goes out.
TxQueue::Numbers Connection::NumbersOfNextPdu(BhsView pdu) {
  worker_->counters().AddSent(pdu.opcode());
  LogPdu("pdu_sent", pdu);
  return session_ != nullptr ? session_->Numbers() : numbers_;
}

void Connection::OnSendIdle() {
  if (session_ != nullptr) session_->TellWindow();
}

void Connection::GetData(IscsiTask* /*task*/, const WriteFlow::Request& /*request*/) {
  CHECK(false) << traits().name << " has no way to read the initiator's memory";
}

bool Connection::MustPause() {
  paused_ = node().buffer_budget().used_up() && session_ != nullptr && !session_->ending() &&
            session_->scsi().MustPause();
  return paused_;
}

// ---- receiving --------------------------------------------------------------------------------

void Connection::PlacePdu(const PduSlot& pdu, Placement& placement) {
  arriving = {};
  if (closing_) return placement.Discard();
  if (session_ != nullptr) session_->Place(*this, pdu, placement);
}

void Connection::OnPdu(SlotRef pdu) {
  if (closing_) return;
  worker_->counters().AddReceived(pdu->bhs().opcode());
  LogPdu("pdu_received", pdu->bhs());
  heard_since_ping_timer_ = true;
  if (node().options().tap) Tap(*pdu);
  if (session_ == nullptr) {
    // A login that waits for its place has nothing to take; nor has an ended session.
    if (login_ != nullptr) OnLoginPdu(*pdu);
    return;
  }
  const BhsView bhs = pdu->bhs();
  if (!IsTargetOpcode(bhs.opcode())) {
    unexpected_.Acknowledge(bhs.exp_stat_sn());
  }
  session_->OnPdu(*this, std::move(pdu));
}

void Connection::Tap(const PduSlot& pdu) {
  TapPdu tapped{
      .connection = number_, .sent = false, .bhs = pdu.bhs(), .ahs = pdu.ahs(), .data = {}};
  for (const base::MutableBytes piece : pdu.data()) tapped.data.push_back(piece);
  node().options().tap(tapped);
}

void Connection::LogPdu(std::string_view event, BhsView pdu) {
  Log(base::LogLevel::kDebug, event, [pdu](base::LogFields& fields) {
    fields.Add("opcode", OpcodeName(pdu.opcode()))
        .Add("initiator_task_tag", pdu.initiator_task_tag())
        .Add("data_segment_length", pdu.data_segment_length());
  });
}

void Connection::OnReceiveEnd() { Close(); }

void Connection::OnReceiveError(const ProtocolError& error) {
  Log(base::LogLevel::kWarning, "protocol_error",
      [&error](base::LogFields& fields) { fields.Add("what", ToString(error)); });
  worker_->counters().AddError(error.reason);
  if (error.reason == Reason::kHeaderDigest) worker_->counters().Add(Count::kDigestErrors);
  // RFC 7143 §7.7: a format error ends the session.
  if (session_ != nullptr && error.action == Action::kCloseSession)
    return session_->End({}, "a format error");
  Close();
}

// ---- the end ----------------------------------------------------------------------------------

void Connection::DetachFromSession() {
  if (session_ == nullptr) return;
  numbers_ = session_->Numbers();
  session_ = nullptr;
}

void Connection::Close() {
  if (closed_) return;
  if (session_ != nullptr && !closing_) {
    Log(base::LogLevel::kInfo, "connection_end", [](base::LogFields&) {});
  }
  closing_ = closed_ = true;
  timer_.Cancel();
  ping_timer_.Cancel();
  unasked_timer_.Cancel();
  if (login_ != nullptr) EndLogin(false);
  if (claim_ != 0) worker_->DropClaim(claim_);
  if (session_ != nullptr) session_->OnConnectionClosed(this);
  CloseTransport();
  GivePlaceBack();
  worker_->Retire(this);
}

void Connection::Finish() {
  if (closing_) return;
  closing_ = true;
  ping_timer_.Cancel();
  unasked_timer_.Cancel();
  timer_.Start(node().options().close_timeout, [this] { Close(); });
  const absl::Duration linger =
      variation_ == nullptr ? absl::ZeroDuration() : variation_->ending.Linger();
  if (linger == absl::ZeroDuration()) return FinishTransport();
  RunSoon();
  unasked_timer_.Start(linger, [this] { FinishTransport(); });
}

// ---- Full Feature Phase -------------------------------------------------------------------------

void Connection::EnterFullFeature(Session* session) {
  const LoginResult& result = login_->machine().result();
  session_ = session;
  cid_ = result.identity.cid;
  parameters_ = InForce(result.connection);
  tx_.SetDigests(parameters_.header_digest == Digest::kCrc32c,
                 parameters_.data_digest == Digest::kCrc32c);
  SetFraming(FramingOf(parameters_));
  text_ = std::make_unique<TextExchange>(
      this, TextExchange::Config{.session = {.session_type = result.identity.session_type,
                                             .initiator_name = result.identity.initiator_name,
                                             .target_name = result.identity.target_name},
                                 .limits = Limits(),
                                 .bugs = node().bugs(),
                                 .rdma_transport = traits().iser_data_segment_keys,
                                 .variation = variation_.get()});
  if (traits().iser_data_segment_keys) {
    unexpected_.SetLimit(result.session.initiator_max_outstanding_unexpected_pdus);
  }
  LogNegotiated(result);
  EndLogin(true);  // `result` with it
  Log(base::LogLevel::kInfo, "login", [session, this](base::LogFields& fields) {
    fields.Add("type", session->is_discovery() ? "Discovery" : "Normal").Add("cid", cid_);
  });
  RestartPingTimer();
  if (variation_ != nullptr) StartUnaskedTimer();
  if (session->is_discovery() && node().Has(Bug::kDiscoveryPinged)) {
    loop()->Post([life = life_] {
      if (*life != nullptr) (*life)->Ping();
    });
  }
}

// Results alone: what was said on the way to them may be an authentication.
void Connection::LogNegotiated(const LoginResult& result) {
  Log(base::LogLevel::kDebug, "negotiated", [&](base::LogFields& fields) {
    const auto digest = [](Digest value) { return value == Digest::kCrc32c ? "CRC32C" : "None"; };
    const auto yes = [](bool value) { return value ? "Yes" : "No"; };
    const SessionParameters& session = result.session;
    fields.Add("authentication", result.authentication.empty() ? "None" : result.authentication)
        .Add("HeaderDigest", digest(parameters_.header_digest))
        .Add("DataDigest", digest(parameters_.data_digest))
        .Add("initiator_MaxRecvDataSegmentLength",
             parameters_.initiator_max_recv_data_segment_length)
        .Add("target_MaxRecvDataSegmentLength", parameters_.target_max_recv_data_segment_length)
        .Add("InitialR2T", yes(session.initial_r2t))
        .Add("ImmediateData", yes(session.immediate_data))
        .Add("MaxBurstLength", session.max_burst_length)
        .Add("FirstBurstLength", session.first_burst_length)
        .Add("MaxOutstandingR2T", session.max_outstanding_r2t)
        .Add("DataPDUInOrder", yes(session.data_pdu_in_order))
        .Add("DataSequenceInOrder", yes(session.data_sequence_in_order))
        .Add("DefaultTime2Wait", session.default_time2wait)
        .Add("DefaultTime2Retain", session.default_time2retain)
        .Add("iSCSIProtocolLevel", session.iscsi_protocol_level);
  });
}

Framing Connection::FramingOf(const ConnectionParameters& parameters) const {
  return {.header_digest = parameters.header_digest == Digest::kCrc32c,
          .data_digest = parameters.data_digest == Digest::kCrc32c,
          .max_recv_data_segment_length = parameters.target_max_recv_data_segment_length,
          .max_ahs_bytes = traits().default_max_ahs_bytes,
          .one_at_a_time = false};
}

void Connection::SetParameters(const ConnectionParameters& parameters) {
  parameters_ = InForce(parameters);
  SetFraming(FramingOf(parameters_));
}

std::vector<TargetRecord> Connection::TargetsFor(std::string_view /*initiator_name*/) {
  TargetRecord record = node().Record(local_, traits().iser_data_segment_keys);
  if (variation_ != nullptr && !node().options().plain_text) {
    variation_->session.VaryPortals(record.portals);
  }
  return {std::move(record)};
}

base::LogFields Connection::LogFields() {
  base::LogFields fields;
  fields.Add("connection", static_cast<int64_t>(number_)).Add("peer", peer().ToString());
  if (session_ == nullptr) return fields;
  return fields.Add("tsih", session_->tsih()).Add("initiator", session_->identity().initiator_name);
}

ConnectionInfo Connection::Info() {
  ConnectionInfo info;
  info.number = number_;
  info.cid = cid_;
  info.transport = traits().name;
  info.local = local_;
  info.peer = peer();
  info.parameters = parameters_;
  info.slots = pledge().slots;
  info.queued_pdus = tx_.queued_pdus();
  return info;
}

void Connection::RestartPingTimer() {
  const absl::Duration interval = node().options().ping_interval;
  if (interval == absl::ZeroDuration() || session_ == nullptr || session_->is_discovery()) return;
  heard_since_ping_timer_ = false;
  ping_timer_.Start(interval, [this] { OnPingTimer(); });
}

// RFC 7143 §7.14: a silent connection is asked; if it stays silent it has failed.
void Connection::OnPingTimer() {
  // What it answered may be there, unread.
  if (paused_) return RestartPingTimer();
  if (!heard_since_ping_timer_ && ping_tag != kNoTag) {
    Log(base::LogLevel::kWarning, "ping_unanswered", [](base::LogFields&) {});
    return Close();
  }
  if (!heard_since_ping_timer_) Ping();
  RestartPingTimer();
}

void Connection::Ping() {
  if (session_ == nullptr) return;
  ping_tag = session_->NextTransferTag();
  NopIn ping;
  ping.target_transfer_tag = ping_tag;
  OutPdu pdu;
  pdu.bhs = ping.Encode();
  pdu.stat_sn = StatSnUse::kCurrent;
  Send(std::move(pdu));
}

void Connection::OnPingAnswer(uint32_t target_transfer_tag) {
  if (target_transfer_tag != ping_tag) return;
  ping_tag = kNoTag;
  unexpected_.RetirePing(target_transfer_tag);
}

SessionWindow::Pledge Connection::pledge() const {
  return {.slots = node().options().queue_depth + SessionWindow::kKeptForImmediates +
                   SessionWindow::kKeptForReception};
}

}  // namespace pushpull::target
