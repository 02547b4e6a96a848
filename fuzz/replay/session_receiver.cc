#include "fuzz/replay/session_receiver.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "conformance/monitor/monitor.h"
#include "conformance/runner/inspect.h"
#include "conformance/tap/wire_log.h"
#include "fuzz/replay/event_digest.h"
#include "fuzz/replay/session_chance.h"
#include "fuzz/replay/session_tasks.h"
#include "initiator_sim/pdu/figure.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::replay {
namespace {

using conformance::Monitor;
using conformance::WireEntry;
using conformance::WireLog;

conformance::Direction WireDirection(Direction direction) {
  return direction == Direction::kToTarget ? conformance::Direction::kToTarget
                                           : conformance::Direction::kToInitiator;
}

// Answers that are under way when a case ends are a part of what came of its tasks.
constexpr absl::Duration kLinger = absl::Milliseconds(10);

void AddEvent(v1::EventLog* log, const char* kind, std::string text, std::string data = "") {
  v1::OtherEvent* event = log->add_event()->mutable_other();
  event->set_kind(kind);
  event->set_text(std::move(text));
  event->set_data(std::move(data));
}

std::string VerdictText(const initiator_sim::PlayResult& result) {
  const v1::Failure& failure = result.failure;
  return absl::StrCat(v1::Verdict_Name(result.verdict), failure.message().empty() ? "" : ": ",
                      failure.message(), failure.step().empty() ? "" : ", at ", failure.step());
}

uint64_t KeyOf(const SessionCuts& cuts) {
  EventDigest digest;
  for (const uint64_t at : cuts.at) digest.Add(at);
  digest.Add(cuts.not_yet_before_each_read ? 1 : 0);
  return digest.value();
}

void ForgetPortals(const std::vector<fabric::Address>& portals, SessionEvents* events) {
  for (SessionEvent& task : events->tasks) {
    std::string* const data = task.event.mutable_other()->mutable_data();
    for (const fabric::Address& portal : portals) {
      absl::StrReplaceAll({{portal.ToString(), "(portal)"}}, data);
    }
  }
}

// One direction of one connection (its id in the log), with what its PDUs say of themselves.
Trace TraceOf(const WireLog& log, uint32_t id, Direction direction, std::string name) {
  std::vector<uint8_t> bytes;
  Parameters parameters;
  parameters.max_recv_data_segment_length = initiator_sim::kMaxDataSegmentLength;
  size_t pdus = 0;
  for (const WireEntry& entry : log.entries()) {
    if (entry.connection != id || entry.direction != WireDirection(direction)) continue;
    if (entry.kind == WireEntry::Kind::kBytes) {
      bytes.insert(bytes.end(), entry.bytes.begin(), entry.bytes.end());
    }
    if (entry.kind != WireEntry::Kind::kPdu) continue;
    const v1::Pdu& pdu = entry.decoded.pdu;
    const bool login = pdu.has_login_request() || pdu.has_login_response();
    if (login && pdus == parameters.login_pdus) ++parameters.login_pdus;
    parameters.header_digest |= entry.digests.header_digest;
    parameters.data_digest |= entry.digests.data_digest;
    ++pdus;
  }
  return MakeTrace(std::move(name), direction, parameters, std::move(bytes));
}

}  // namespace

Budget SessionBudget() { return {.max_deliveries = 5000, .all_bytes = uint64_t{6} << 20}; }

struct SessionReceiver::Played {
  initiator_sim::PlayResult result;
  WireLog log;
  v1::EventLog events;
  uint64_t spans = 0;
  bool fault = false;
};

absl::StatusOr<std::unique_ptr<SessionReceiver>> SessionReceiver::Create(
    SessionHost* host, const SessionOptions& options) {
  std::unique_ptr<SessionReceiver> receiver(new SessionReceiver(host, options));
  conformance::EndpointFactory* const factory = host->factory();
  conformance::Offer& offer = receiver->offer_;
  PUSHPULL_ASSIGN_OR_RETURN(
      offer.facts,
      conformance::InspectTarget(factory, options.settings, factory->target_name(), options.lun));
  offer.writes = options.allow_writes || factory->own_target();
  offer.whole_lun = offer.writes && !options.settings.scratch_last_lba.has_value();
  offer.scratch_lba = options.settings.scratch_lba;
  offer.scratch_last_lba = options.settings.scratch_last_lba;
  offer.virtual_time = factory->virtual_time();
  offer.chap = !options.settings.chap.user.empty();
  offer.mutual_chap = !options.settings.chap.mutual_user.empty();
  return receiver;
}

absl::StatusOr<std::vector<Trace>> SessionReceiver::Record(const conformance::Case& c) {
  if (const auto unmet = conformance::FindUnmet(c.scenario(), offer_)) {
    return absl::UnimplementedError(unmet->message);
  }
  case_ = c;
  streams_.clear();
  reference_.reset();
  PUSHPULL_ASSIGN_OR_RETURN(const Played played, PlayOnce({}));
  if (played.result.verdict == v1::SKIP || played.result.verdict == v1::UNSUPPORTED) {
    return absl::UnimplementedError(played.result.failure.message());
  }
  if (played.result.verdict == v1::ERROR) {
    return absl::FailedPreconditionError(
        absl::StrCat(c.id(), ": without a cut it comes to ", VerdictText(played.result)));
  }
  std::optional<v1::SessionDelivery> own;
  if (c.scenario().has_session_delivery()) own = c.scenario().session_delivery();
  std::vector<Trace> traces;
  for (const auto& [id, info] : played.log.connections()) {
    for (const Direction direction : {Direction::kToTarget, Direction::kToInitiator}) {
      if (!host_->CanCut(direction)) continue;
      // Ids count connections in the order of opening, from 1; names may come again.
      Trace trace =
          TraceOf(played.log, id, direction,
                  absl::StrCat(c.id(), " #", id, " ", info.name,
                               direction == Direction::kToTarget ? " to target" : " to initiator"));
      const bool asked_for =
          !own.has_value() || (own->connection() == id - 1 &&
                               own->to_initiator() == (direction == Direction::kToInitiator));
      if (trace.bytes.empty() || !asked_for) continue;
      streams_[trace.name] = {id - 1, direction};
      traces.push_back(std::move(trace));
    }
  }
  return traces;
}

std::optional<Delivery> SessionReceiver::OwnDelivery(const Trace& trace) const {
  if (!case_.scenario().has_session_delivery() || !streams_.contains(trace.name)) {
    return std::nullopt;
  }
  const v1::SessionDelivery& own = case_.scenario().session_delivery();
  Delivery delivery;
  delivery.not_yet_before_each_read = own.not_yet_before_each_read();
  size_t at = 0;
  for (const uint64_t cut : own.cut()) {
    if (cut >= trace.bytes.size()) break;
    if (cut > at) {
      delivery.Feed(cut - at);
      at = cut;
    } else {
      delivery.NotYet();
    }
  }
  delivery.Feed(trace.bytes.size() - at);
  delivery.End();
  return delivery;
}

std::optional<v1::Scenario> SessionReceiver::ScenarioOf(const Delivery& delivery) const {
  v1::Scenario scenario = case_.scenario();
  const SessionCuts cuts = CutsOf(delivery);
  v1::SessionDelivery* own = scenario.mutable_session_delivery();
  own->Clear();
  own->set_connection(static_cast<uint32_t>(cuts.connection));
  own->set_to_initiator(cuts.direction == Direction::kToInitiator);
  for (const uint64_t at : cuts.at) own->add_cut(at);
  own->set_not_yet_before_each_read(cuts.not_yet_before_each_read);
  return scenario;
}

absl::Status SessionReceiver::Open(const Trace& trace) {
  const auto stream = streams_.find(trace.name);
  if (stream == streams_.end()) {
    return absl::UnimplementedError(absl::StrCat(
        trace.name, ": a session is a scenario with a login; a trace is played by --via rx"));
  }
  open_ = stream->second;
  played_.clear();
  whole_digest_.reset();
  return absl::OkStatus();
}

SessionCuts SessionReceiver::CutsOf(const Delivery& delivery) const {
  SessionCuts cuts;
  cuts.connection = open_.connection;
  cuts.direction = open_.direction;
  // Nobody can say that of another process's reads.
  cuts.not_yet_before_each_read = delivery.not_yet_before_each_read && steady();
  for (const size_t at : replay::CutsOf(delivery)) cuts.at.push_back(at);
  return cuts;
}

absl::StatusOr<Outcome> SessionReceiver::Play(const Delivery& delivery) {
  const SessionCuts cuts = CutsOf(delivery);
  const bool whole = cuts.at.empty() && !cuts.not_yet_before_each_read;
  const uint64_t key = KeyOf(cuts);
  // Where chance has a part the whole one is asked for to see what it comes to this time.
  const bool keep = steady() || !whole;
  if (const auto known = played_.find(key); keep && known != played_.end()) return known->second;
  PUSHPULL_ASSIGN_OR_RETURN(const Played played, PlayOnce(cuts));
  const Outcome outcome{.events_digest = DigestOf(played.events),
                        .spans_digest = played.spans != 0 || steady() ? played.spans : key,
                        .events = static_cast<uint32_t>(played.events.event_size()),
                        .fault = played.fault};
  if (whole && !whole_digest_.has_value()) whole_digest_ = outcome.events_digest;
  const bool as_due = outcome.events_digest == whole_digest_ && !outcome.fault;
  if (keep && (steady() || as_due)) played_[key] = outcome;
  return outcome;
}

absl::StatusOr<v1::EventLog> SessionReceiver::PlayForLog(const Delivery& delivery) {
  PUSHPULL_ASSIGN_OR_RETURN(Played played, PlayOnce(CutsOf(delivery)));
  return std::move(played.events);
}

absl::StatusOr<SessionReceiver::Played> SessionReceiver::PlayOnce(const SessionCuts& cuts) {
  const bool own = host_->factory()->own_target();
  if (writes() && !own && !scratch_is_clear_) PUSHPULL_RETURN_IF_ERROR(TakeScratch().status());
  PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<SessionEndpoint> endpoint, host_->Make(cuts));
  Played played;
  Monitor monitor;
  conformance::PlaySettings settings = options_.settings;
  settings.linger = kLinger;
  settings.linger_for_answers_only = !steady();
  scratch_is_clear_ = scratch_is_clear_ && !writes();
  played.result = conformance::Play(endpoint.get(), settings, offer_.facts, case_.script,
                                    options_.seed, {&played.log, &monitor});
  AddEvent(&played.events, "verdict", VerdictText(played.result));
  SessionEvents events = TasksOf(played.log);
  if (!steady()) {
    // A target that is made for each play listens elsewhere each time, and says so (RFC 7143
    // §13.8).
    if (own) ForgetPortals(endpoint->portals(), &events);
    if (!reference_.has_value()) reference_ = events;
    events = WithoutChance(*reference_, std::move(events));
  }
  played.events.MergeFrom(events.Log());
  PUSHPULL_RETURN_IF_ERROR(AddBlocks(endpoint.get(), &played.events));

  std::map<std::string, std::string> rules;  // with what broke each first
  for (const v1::Violation& violation : monitor.violations()) {
    rules.emplace(violation.rule(), violation.message());
  }
  for (const auto& [rule, message] : rules) {
    if (own) AddEvent(&played.events, "violation", absl::StrCat(rule, ": ", message));
    if (!own) ++broken_rules_[rule];
  }
  const std::vector<std::string> complaints = endpoint->Complaints();
  if (!complaints.empty()) AddEvent(&played.events, "complaint", complaints[0]);
  // Somebody else's target may break rules in each delivery, or by its own pace; that is for other
  // tools to find.
  played.fault = (own && !rules.empty()) || !complaints.empty();
  played.spans = endpoint->End();
  return played;
}

// ---- blocks ------------------------------------------------------------------------------------

absl::Status SessionReceiver::AddBlocks(SessionEndpoint* endpoint, v1::EventLog* events) {
  std::optional<std::vector<LunBlock>> blocks = endpoint->WrittenBlocks();
  if (!blocks.has_value() && writes() && !host_->factory()->own_target()) {
    PUSHPULL_ASSIGN_OR_RETURN(blocks, TakeScratch());
  }
  if (!blocks.has_value()) return absl::OkStatus();
  for (LunBlock& block : *blocks) {
    AddEvent(events, "block", absl::StrCat("LUN ", block.lun, " block ", block.lba),
             std::move(block.data));
  }
  return absl::OkStatus();
}

// One session besides, for both: a target takes its time for each login.
absl::StatusOr<std::vector<LunBlock>> SessionReceiver::TakeScratch() {
  const size_t luns = std::max<size_t>(case_.scenario().needs().luns(), 1);
  const size_t size = offer_.facts.block_size;
  v1::Scenario scenario;
  scenario.add_step()->mutable_login();
  for (const bool write : {false, true}) {
    for (size_t i = 0; i < luns; ++i) {
      v1::Command* command = scenario.add_step()->mutable_command();
      command->set_lun(offer_.facts.luns[i]);
      command->set_retry_unit_attention(true);
      v1::ReadWriteCdb* cdb =
          write ? command->mutable_cdb()->mutable_write() : command->mutable_cdb()->mutable_read();
      cdb->set_blocks(conformance::kScratchBlocks);
      if (write) {
        command->mutable_write_data()->set_raw(
            std::string(conformance::kScratchBlocks * size, '\0'));
      }
    }
  }
  PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<conformance::Endpoint> endpoint,
                            host_->factory()->Make(options_.seed));
  initiator_sim::Script script;
  script.scenario = std::move(scenario);
  script.file = "(scratch area)";
  WireLog log;
  const initiator_sim::PlayResult result = conformance::Play(
      endpoint.get(), options_.settings, offer_.facts, std::move(script), options_.seed, {&log});
  if (result.verdict != v1::PASS) {
    return absl::UnavailableError(absl::StrCat(
        host_->factory()->uri(), ": the scratch area can't be set: ", VerdictText(result)));
  }
  scratch_is_clear_ = true;
  std::vector<LunBlock> blocks;
  for (const SessionEvent& task : TasksOf(log).tasks) {
    const std::string& data = task.event.other().data();
    if (data.size() != conformance::kScratchBlocks * size) continue;
    const uint64_t lun = offer_.facts.luns[blocks.size() / conformance::kScratchBlocks];
    for (size_t at = 0; at < data.size(); at += size) {
      blocks.push_back({.lun = lun,
                        .lba = options_.settings.scratch_lba + at / size,
                        .data = data.substr(at, size)});
    }
  }
  return blocks;
}

}  // namespace pushpull::replay
