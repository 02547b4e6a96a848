#include "conformance/monitor/monitor.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "conformance/monitor/context.h"
#include "conformance/monitor/request.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance {
namespace monitor {
namespace {

// Whether what a PDU says is wrong, and not when it was sent: what is numbered wrong is ignored
// (RFC 7143 §4.2.2.1), and who sends on behind a logout gets its answer all the same.
bool IsOfOnePdu(RuleId rule) {
  const bool of_numbering =
      rule >= RuleId::kICmdSnIncrements && rule <= RuleId::kIExpStatSnNeverFalls;
  return !of_numbering && rule != RuleId::kINothingAfterLogout;
}

}  // namespace

void Violations::Add(RuleId rule, uint32_t frame, std::string message) {
  const Rule& row = RuleOf(rule);
  if (row.level == "MUST" && IsOfOnePdu(rule)) ++format_errors_;
  if (++counts_[static_cast<size_t>(rule)] > max_per_rule_) return;
  v1::Violation violation;
  violation.set_rule(std::string(row.name));
  violation.set_section(std::string(row.section));
  const std::string cite(row.cite);
  for (const auto& id : absl::StrSplit(cite, ' ', absl::SkipEmpty())) {
    violation.add_cite(std::string(id));
  }
  violation.set_message(std::move(message));
  violation.set_frame(frame);
  violation.set_level(std::string(row.level));
  all_.push_back(std::move(violation));
}

}  // namespace monitor

namespace {

using initiator_sim::Direction;
using initiator_sim::TapConnection;
using initiator_sim::TapPdu;
using monitor::Connection;
using monitor::Context;
using monitor::KeyExchange;
using monitor::Phase;
using monitor::Session;
using monitor::Task;

// Rejects come soon after what they reject: a window of commands and their data fits. One that
// names an older header isn't judged by it.
constexpr size_t kMaxSentHeaders = 1024;

std::string Declared(const KeyExchange& keys, std::string_view name) {
  const auto found = keys.declared_by_initiator.find(name);
  return found == keys.declared_by_initiator.end() ? "" : found->second;
}

monitor::Agreed AgreedBy(const KeyExchange& keys) {
  monitor::Agreed agreed;
  agreed.max_burst_length = keys.NumberOf("MaxBurstLength");
  agreed.first_burst_length = keys.NumberOf("FirstBurstLength");
  agreed.max_outstanding_r2t = keys.NumberOf("MaxOutstandingR2T");
  agreed.error_recovery_level = keys.NumberOf("ErrorRecoveryLevel");
  agreed.protocol_level = keys.NumberOf("iSCSIProtocolLevel");
  if (keys.Negotiated("iSCSIProtocolLevel")) {
    agreed.negotiated_protocol_level = agreed.protocol_level;
  }
  agreed.data_pdu_in_order = keys.BooleanOf("DataPDUInOrder");
  agreed.data_sequence_in_order = keys.BooleanOf("DataSequenceInOrder");
  agreed.immediate_data = keys.BooleanOf("ImmediateData");
  agreed.initial_r2t = keys.BooleanOf("InitialR2T");
  if (const auto outcome = keys.OutcomeOf("TaskReporting"); outcome.known) {
    agreed.task_reporting = outcome.value;
  }
  const auto rdma = keys.offers.find("RDMAExtensions");
  agreed.rdma = rdma != keys.offers.end() && rdma->second.answer == "Yes";
  return agreed;
}

// The largest segment that the initiator takes on this connection from now on.
std::optional<uint64_t> SegmentLimit(const KeyExchange& keys) {
  if (keys.doubtful.contains("MaxRecvDataSegmentLength")) return std::nullopt;
  const std::string declared = Declared(keys, "MaxRecvDataSegmentLength");
  if (declared.empty()) return 8192;
  const initiator_sim::KeyInfo* info = initiator_sim::FindKeyInfo("MaxRecvDataSegmentLength");
  if (!JudgeValue(*info, declared).empty()) return std::nullopt;
  return initiator_sim::ParseNumericalValue(declared);
}

// The same on iSER, where MaxRecvDataSegmentLength is ignored (RFC 7145 §6.2).
uint64_t IserSegmentLimit(const KeyExchange& keys) {
  const auto offer = keys.offers.find("InitiatorRecvDataSegmentLength");
  if (offer == keys.offers.end() || !offer->second.answer) return 8192;
  return initiator_sim::ParseNumericalValue(*offer->second.answer).value_or(8192);
}

// A request for which the target may end its connection at once (§7.7, §7.8).
bool Malformed(const initiator_sim::DecodedPdu& decoded) {
  const auto unknown = [](const v1::Ahs& ahs) {
    return ahs.ahs_length() == 0 || (ahs.ahs_type() != 1 && ahs.ahs_type() != 2);
  };
  const bool reserved_reason =
      decoded.pdu.logout_request().reason() > v1::REMOVE_CONNECTION_FOR_RECOVERY;
  const bool logout_with_data =
      decoded.pdu.has_logout_request() && !decoded.pdu.data().raw().empty();
  return !decoded.flaw.empty() || !decoded.header_digest_ok || reserved_reason ||
         logout_with_data ||
         std::any_of(decoded.pdu.ahs().begin(), decoded.pdu.ahs().end(), unknown);
}

}  // namespace

class Monitor::Impl {
 public:
  Impl(size_t max_per_rule, Judged judged) : violations_(max_per_rule), judged_(judged) {}

  void Opened(const TapConnection& connection) {
    NewConnection(connection.id, Phase::kBeforeLogin);
  }

  void Closed(const TapConnection& connection, bool by_peer, const std::string& reason) {
    const auto known = connections_.find(connection.id);
    const bool in_order = known == connections_.end() || !known->second.may_end_anywhere;
    if (by_peer && in_order && reason.starts_with(initiator_sim::kEndedWithinPdu)) {
      violations_.Add(RuleId::kWholePdus, frame_, absl::StrCat("the target ended it ", reason));
    }
    if (by_peer && known != connections_.end()) JudgeEnd(known->second);
    connections_.erase(connection.id);
  }

  void Pdu(const TapPdu& tap) {
    ++frame_;
    const uint32_t id = tap.connection->id;
    if (!connections_.contains(id)) NewConnection(id, Phase::kUnknown);
    Connection& connection = connections_[id];
    if (connection.phase == Phase::kReplaced) return;
    // Kept alive even where the connection joins another session.
    const std::shared_ptr<Session> session = connection.session;
    const Context c{tap, tap.decoded->pdu, frame_, connection, *session, violations_};
    if (tap.direction == Direction::kToTarget) {
      const bool wrong = tap.misbehaving || Malformed(*tap.decoded);
      connection.may_end_anywhere |= wrong;
      connection.misbehaved_since_ping |= wrong;
      NoteEndOfOthers(c);
      Request(c);
    } else {
      Response(c);
      monitor::NoteResponse(c);
    }
  }

  const std::vector<v1::Violation>& violations() const { return violations_.all(); }

 private:
  void NewConnection(uint32_t id, Phase phase) {
    Connection& connection = connections_[id];
    connection = Connection();
    connection.id = id;
    connection.phase = phase;
    connection.session = std::make_shared<Session>();
  }

  // A Logout Request of this connection that nothing came for.
  void JudgeEnd(const Connection& connection) {
    const bool excused = connection.may_end_unasked || connection.misbehaved_since_ping;
    if (connection.phase != Phase::kFullFeature || excused) return;
    for (const auto& [tag, task] : connection.session->tasks) {
      const bool its = task.request == v1::Pdu::kLogoutRequest && task.connection == connection.id;
      if (!its || task.rejected) continue;
      violations_.Add(
          RuleId::kLogoutAnswered, frame_,
          absl::StrCat("the connection ended without a response to the Logout Request in "
                       "frame ",
                       task.frame));
    }
  }

  // What breaks a rule may be a format error to the target, which then ends the session wherever it
  // is (§7.7, §7.8), whoever is judged.
  void CheckInitiator(const Context& c) {
    monitor::Violations& found = judged_ == Judged::kBoth ? violations_ : unjudged_;
    const size_t before = found.format_errors();
    monitor::CheckRequest({c.tap, c.pdu, c.frame, c.connection, c.session, found});
    if (found.format_errors() == before) return;
    c.connection.may_end_anywhere = c.connection.misbehaved_since_ping = true;
  }

  void Request(const Context& c) {
    Remember(c);
    CheckInitiator(c);
    if (c.pdu.has_login_request()) {
      if (c.connection.phase == Phase::kBeforeLogin) JoinOrBegin(c);
      return monitor::TakeLoginRequest(c);
    }
    // Before the Full Feature Phase nothing else may come: what the target then does is its choice,
    // and a Login Response (020b) is the answer that is due within a login.
    if (c.connection.phase == Phase::kBeforeLogin || c.connection.phase == Phase::kLogin) {
      c.connection.login.doubtful = true;
      c.connection.login.overtaken = true;
      c.session.unsent = std::nullopt;
      ++c.connection.login.outstanding;
      return;
    }
    if (monitor::MayUnregisterOthers(c)) {
      for (const std::shared_ptr<Session>& session : sessions_) session->registered_luns.clear();
    }
    monitor::TakeCmdSn(c);
    monitor::TakeRequest(c);
  }

  // A login may take the place of connections (§6.3.4, §6.3.5), a reset ends all of them (§11.5.1).
  void NoteEndOfOthers(const Context& c) {
    const bool login = c.pdu.has_login_request();
    const bool reset = c.pdu.has_task_management_request() &&
                       (c.pdu.task_management_request().function() == v1::TARGET_WARM_RESET ||
                        c.pdu.task_management_request().function() == v1::TARGET_COLD_RESET);
    if (!login && !reset) return;
    for (auto& [id, other] : connections_) {
      const bool replaced =
          login && id != c.connection.id && other.session->isid == c.pdu.login_request().isid();
      other.may_end_anywhere |= reset || replaced;
      other.may_end_unasked |= reset || replaced;
    }
  }

  static void Remember(const Context& c) {
    if (c.tap.bytes.size() < initiator_sim::kBhsSize) return;
    Connection::SentHeader header;
    std::copy_n(c.tap.bytes.begin(), initiator_sim::kBhsSize, header.bhs.begin());
    const initiator_sim::PduLayout& layout = c.tap.decoded->layout;
    header.ahs = layout.header_digest - layout.ahs;
    header.data_digest = layout.end > layout.data_digest;
    header.data_digest_ok = c.tap.decoded->data_digest_ok && !c.tap.misbehaving;
    c.connection.sent_headers.push_back(header);
    if (c.connection.sent_headers.size() <= kMaxSentHeaders) return;
    c.connection.sent_headers.pop_front();
    c.connection.forgot_headers = true;
  }

  // The first Login Request of a connection: of a new session, or of one that is there.
  void JoinOrBegin(const Context& c) {
    const v1::LoginRequest& r = c.pdu.login_request();
    if (r.tsih() == 0) {
      c.session.unsent = r.cmd_sn();
      c.session.sender.next_cmd_sn = r.cmd_sn();
      return;
    }
    std::vector<std::shared_ptr<Session>> found;
    for (const std::shared_ptr<Session>& session : sessions_) {
      if (session->tsih == r.tsih() && session->isid == r.isid()) found.push_back(session);
    }
    if (found.size() == 1) c.connection.session = found.front();
  }

  void Response(const Context& c) {
    Connection& connection = c.connection;
    if (connection.phase == Phase::kFailed) {
      return c.Report(RuleId::kNothingAfterFailedLogin,
                      absl::StrCat(initiator_sim::NameOf(c.pdu.kind_case()),
                                   " after the Login reject in frame ", connection.ended_frame));
    }
    if (connection.phase == Phase::kLoggedOut) {
      return c.Report(RuleId::kNothingAfterLogout,
                      absl::StrCat(initiator_sim::NameOf(c.pdu.kind_case()),
                                   " after the Logout Response in frame ", connection.ended_frame));
    }
    monitor::CheckFormat(c);
    // The fields of a damaged header say nothing.
    if (!c.tap.decoded->header_digest_ok || c.pdu.has_raw()) return;
    const bool in_login =
        connection.phase == Phase::kBeforeLogin || connection.phase == Phase::kLogin;
    if (c.pdu.has_login_response()) return LoginResponse(c, in_login);
    if (in_login) {
      if (!connection.login.doubtful) {
        c.Report(RuleId::kOnlyLoginPdus,
                 absl::StrCat(initiator_sim::NameOf(c.pdu.kind_case()), " in the Login Phase"));
      }
      return;
    }
    monitor::CheckNumbers(c);
    Judge(c);
  }

  void LoginResponse(const Context& c, bool in_login) {
    if (!in_login) {
      if (c.connection.phase == Phase::kFullFeature && !c.connection.login_in_full_feature) {
        c.Report(RuleId::kOnlyLoginPdus, "a Login Response in the Full Feature Phase");
      }
      return monitor::CheckNumbers(c);
    }
    if (!c.connection.login.overtaken) monitor::CheckNumbers(c);
    if (!monitor::CheckLoginResponse(c)) return;
    EnterFullFeature(c);
    monitor::NoteLogin(c);
  }

  static void Judge(const Context& c) {
    switch (c.pdu.kind_case()) {
      case v1::Pdu::kNopIn:
        return monitor::CheckNopIn(c, monitor::TaskOf(c));
      case v1::Pdu::kScsiResponse:
        return monitor::CheckScsiResponse(c, monitor::TaskOf(c));
      case v1::Pdu::kTaskManagementResponse:
        return monitor::CheckTmfResponse(c);
      case v1::Pdu::kTextResponse:
        return monitor::CheckTextResponse(c, monitor::TaskOf(c));
      case v1::Pdu::kDataIn:
        return monitor::CheckDataIn(c, monitor::TaskOf(c));
      case v1::Pdu::kLogoutResponse:
        return monitor::CheckLogoutResponse(c, monitor::TaskOf(c));
      case v1::Pdu::kR2T:
        return monitor::CheckR2t(c, monitor::TaskOf(c));
      case v1::Pdu::kAsyncMessage:
        return monitor::CheckAsyncMessage(c);
      case v1::Pdu::kReject:
        return monitor::CheckReject(c);
      default:
        return;  // a request's opcode: CheckFormat said so
    }
  }

  void EnterFullFeature(const Context& c) {
    Connection& connection = c.connection;
    Session& session = c.session;
    const KeyExchange& keys = connection.login.keys;
    connection.phase = Phase::kFullFeature;
    if (connection.login.overtaken) connection.phase = Phase::kReplaced;
    connection.segment_limit = SegmentLimit(keys);
    if (connection.login.first.tsih() != 0) {
      if (session.agreed.rdma) connection.segment_limit = IserSegmentLimit(keys);
      ReplaceConnection(c);
      session.cids.insert(connection.cid);
      return;
    }
    session.isid = connection.login.first.isid();
    session.tsih = static_cast<uint16_t>(c.pdu.login_response().tsih());
    session.initiator_name = Declared(keys, "InitiatorName");
    session.target_name = Declared(keys, "TargetName");
    const auto tag = keys.declared_by_target.find("TargetPortalGroupTag");
    if (tag != keys.declared_by_target.end()) {
      session.portal_group_tag = initiator_sim::ParseNumericalValue(tag->second);
    }
    session.discovery = Declared(keys, "SessionType") == "Discovery";
    session.cids.insert(connection.cid);
    if (!connection.login.doubtful) {
      session.agreed = AgreedBy(keys);
      if (session.agreed.rdma) connection.segment_limit = IserSegmentLimit(keys);
      monitor::CheckAgreement(c, keys);
    }
    // A target may have answered what came too early, or take it up now: who knows its numbers?
    if (connection.login.overtaken) connection.phase = Phase::kReplaced;
    ReplaceSession(connection.session);
    sessions_.push_back(connection.session);
  }

  // Connection reinstatement (§6.3.4): of the connection that had this CID nothing more is judged.
  void ReplaceConnection(const Context& c) {
    for (auto& [id, other] : connections_) {
      const bool same = id != c.connection.id && other.session == c.connection.session &&
                        other.cid == c.connection.cid && other.phase == Phase::kFullFeature;
      if (same) other.phase = Phase::kReplaced;
    }
  }

  // Session reinstatement (§6.3.5), likewise.
  void ReplaceSession(const std::shared_ptr<Session>& by) {
    const auto is_replaced = [&by](const std::shared_ptr<Session>& session) {
      return session->isid == by->isid && session->initiator_name == by->initiator_name &&
             session->target_name == by->target_name;
    };
    for (auto& [id, connection] : connections_) {
      const bool over = connection.session != by && connection.phase == Phase::kFullFeature &&
                        is_replaced(connection.session);
      if (over) connection.phase = Phase::kReplaced;
    }
    sessions_.erase(std::remove_if(sessions_.begin(), sessions_.end(), is_replaced),
                    sessions_.end());
  }

  monitor::Violations violations_;
  monitor::Violations unjudged_{0};  // of an initiator that may misbehave
  const Judged judged_;
  uint32_t frame_ = 0;
  std::map<uint32_t, Connection> connections_;
  std::vector<std::shared_ptr<Session>> sessions_;  // that are in the Full Feature Phase
};

Monitor::Monitor(size_t max_per_rule, Judged judged)
    : impl_(std::make_unique<Impl>(max_per_rule, judged)) {}
Monitor::~Monitor() = default;

void Monitor::OnOpened(const TapConnection& connection, absl::Time) { impl_->Opened(connection); }
void Monitor::OnClosed(const TapConnection& connection, absl::Time, bool by_peer,
                       const std::string& reason) {
  impl_->Closed(connection, by_peer, reason);
}
void Monitor::OnPdu(const TapPdu& pdu) { impl_->Pdu(pdu); }

const std::vector<v1::Violation>& Monitor::violations() const { return impl_->violations(); }

}  // namespace pushpull::conformance
