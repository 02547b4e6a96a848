#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "initiator_sim/pdu/scsi.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/drivers.h"
#include "initiator_sim/player/judge.h"
#include "initiator_sim/player/target_address.h"

namespace pushpull::initiator_sim {
namespace {

constexpr uint32_t kMaxUnitAttentions = 16;

void AddStatus(std::string* to, uint32_t status) { to->append(DescribeLoginStatus(status)); }

// The LUNs that the scenario's steps send SCSI commands to, as their eight bytes.
std::set<uint64_t> LunsOf(const Play& play) {
  std::set<uint64_t> luns;
  const auto add = [&](bool given, uint64_t lun) {
    luns.insert(given ? EncodeLun(lun).value_or(0) : play.DefaultLunBytes());
  };
  const auto add_bound = [&](const google::protobuf::RepeatedPtrField<v1::Binding>& bindings) {
    for (const v1::Binding& binding : bindings) {
      size_t index = 0;
      if (binding.from().starts_with("lun.") &&
          absl::SimpleAtoi(binding.from().substr(4), &index) &&
          index < play.options().luns.size()) {
        add(true, play.options().luns[index]);
      }
    }
  };
  for (const v1::Step& step : play.scenario().step()) {
    if (step.has_send() && step.send().pdu().has_scsi_command()) {
      const v1::ScsiCommand& command = step.send().pdu().scsi_command();
      if (!command.has_lun_bytes()) add(command.has_lun(), command.lun());
      add_bound(step.send().bind());
    } else if (step.has_command()) {
      add(step.command().has_lun(), step.command().lun());
      add_bound(step.command().bind());
    }
  }
  return luns;
}

}  // namespace

LoginRunner::LoginRunner(Play* play, std::string link_name, const v1::LoginDriver& login)
    : play_(play), link_name_(std::move(link_name)), login_(login) {}

std::string LoginRunner::Awaiting() const {
  switch (state_) {
    case State::kConnecting:
      return "the connection to be accepted";
    case State::kHello:
      return "the HelloReply (RFC 7145 §5.1.3)";
    case State::kUnitAttention:
      return "the response to TEST UNIT READY, which clears unit attentions";
    default:
      return exchange_ == nullptr ? "a Login Response"
                                  : absl::StrCat("a Login Response (", exchange_->Describe(), ")");
  }
}

Progress LoginRunner::Advance() {
  for (;;) {
    Progress progress = Progress::kDone;
    switch (state_) {
      case State::kBegin:
        progress = Begin();
        break;
      case State::kConnecting:
        if (link_->connecting) return Progress::kWaiting;
        if (link_->channel == nullptr) {
          return play_->Fail(absl::StrCat("connection ", link_name_, " was not accepted: ",
                                          std::string(link_->connect_error.message())),
                             "an open connection");
        }
        progress = BeginExchange();
        break;
      case State::kSend:
        progress = SendNext();
        break;
      case State::kReceive: {
        Arrival* const arrival = play_->FirstOn(link_);
        if (arrival != nullptr) {
          progress = OnArrival(arrival);
        } else if (!link_->open()) {
          progress = OnClosed();
        } else {
          return Progress::kWaiting;
        }
        break;
      }
      case State::kHello:
        if (!link_->hello_reply) {
          return link_->open() ? Progress::kWaiting : OnClosed();
        }
        if (link_->hello_reply->reject) {
          return play_->Unmet("the Hello was rejected (RFC 7145 §5.1.3)",
                              "a HelloReply without REJ", "REJ=1");
        }
        progress = AfterLogin(/*refused=*/false);
        break;
      case State::kUnitAttention:
        progress = ClearUnitAttentions();
        break;
      case State::kDone:
        return Progress::kDone;
    }
    if (progress != Progress::kDone) return progress;
  }
}

Progress LoginRunner::Begin() {
  link_ = play_->FindLink(link_name_);
  if (link_ == nullptr || (!link_->open() && !link_->connecting)) return OpenLink();
  if (link_->connecting) {
    state_ = State::kConnecting;
    return Progress::kDone;
  }
  if (link_->full_feature()) {
    return play_->Error(absl::InvalidArgumentError(
        absl::StrCat("connection ", link_name_, " is logged in already")));
  }
  return BeginExchange();
}

Progress LoginRunner::OpenLink() {
  absl::StatusOr<fabric::Address> address = play_->Portal(login_.portal());
  if (!login_.address_from().empty()) {
    absl::StatusOr<std::string> text = play_->TextValue(login_.address_from(), nullptr);
    if (!text.ok()) return play_->Error(text.status());
    address = ParseTargetAddress(*text);
  }
  if (!address.ok()) return play_->Error(address.status());
  absl::StatusOr<Link*> link = play_->Open(link_name_, login_.session(), *address);
  if (!link.ok()) return play_->Error(link.status());
  link_ = *link;
  state_ = State::kConnecting;
  return Progress::kDone;
}

absl::StatusOr<LoginConfig> LoginRunner::Config() {
  const PlayerOptions& options = play_->options();
  Session* session = link_->session;
  LoginConfig config;
  config.initiator_name = options.initiator_name;
  config.discovery = login_.discovery();
  if (!config.discovery) config.target_name = options.target_name;
  config.isid = session->isid;
  config.tsih = session->tsih;
  config.leading = config.tsih == 0;
  config.cid = link_->state.cid;
  config.until = login_.has_until() ? login_.until() : v1::FULL_FEATURE_PHASE;
  config.credentials = options.chap;
  config.seed = play_->random().Next();
  if (link_->rdma) config.iser = options.iser_dialect;
  if (login_.has_chap()) config.chap = login_.chap();
  // The run's own credentials, unless the case has its own idea of security.
  const bool own_security =
      login_.skip_security_stage() ||
      std::any_of(login_.key().begin(), login_.key().end(),
                  [](const v1::OfferedKey& key) { return key.name() == "AuthMethod"; });
  if (!config.chap && !options.chap.user.empty() && !own_security) {
    config.chap.emplace().set_mutual(!options.chap.mutual_secret.empty());
    // Many targets ask for CHAP at their disks and let everybody look around.
    config.chap_or_none = config.discovery;
  }
  if (config.chap || login_.with_security_stage()) config.first_stage = v1::SECURITY_NEGOTIATION;
  if (login_.data_segment_length() > 0) config.data_segment_length = login_.data_segment_length();
  config.one_key_per_request = login_.one_key_per_request();
  for (const v1::OfferedKey& key : login_.key()) {
    LoginKey offered = {.name = key.name(), .value = key.value(), .omit = key.omit()};
    if (!key.value_from().empty()) {
      PUSHPULL_ASSIGN_OR_RETURN(offered.value, play_->TextValue(key.value_from(), link_));
    }
    std::string& value = offered.value;
    value.append(std::max<size_t>(value.size(), key.value_length()) - value.size(), 'a');
    config.keys.push_back(std::move(offered));
  }
  return config;
}

Progress LoginRunner::BeginExchange() {
  if (!login_.session().empty() && login_.session() != link_->session_name) {
    link_->session_name = login_.session();
    link_->session = play_->SessionOf(login_.session());
  }
  Session* session = link_->session;
  if (login_.has_isid()) {
    if (login_.isid().size() != session->isid.size()) {
      return play_->Error(absl::InvalidArgumentError("an ISID has six bytes"));
    }
    std::copy(login_.isid().begin(), login_.isid().end(), session->isid.begin());
  }
  if (login_.has_tsih()) {
    // A leading login on purpose: the session begins anew (RFC 7143 §6.3.5).
    if (login_.tsih() == 0) {
      Session fresh;
      fresh.name = session->name;
      fresh.isid = session->isid;
      fresh.next_tag = session->next_tag;
      *session = std::move(fresh);
    }
    session->tsih = static_cast<uint16_t>(login_.tsih());
  }
  session->discovery = login_.discovery();
  if (login_.has_cmd_sn()) session->cmd_sn = login_.cmd_sn();
  link_->state.cid = login_.has_cid() ? static_cast<uint16_t>(login_.cid()) : session->next_cid;
  session->next_cid = std::max<uint16_t>(session->next_cid, link_->state.cid + 1);

  absl::StatusOr<LoginConfig> config = Config();
  if (!config.ok()) return play_->Error(config.status());
  leading_ = config->leading;
  exchange_ = std::make_unique<LoginExchange>(*std::move(config), &link_->state);
  link_->state.stage =
      login_.has_until() && exchange_->reached() ? login_.until() : link_->state.stage;
  state_ = exchange_->reached() ? State::kDone : State::kSend;
  return Progress::kDone;
}

Progress LoginRunner::SendNext() {
  if (!link_->open()) return OnClosed();
  if (task_ == nullptr) task_ = play_->NewTask(play_->PrivateName("login"), link_);
  const absl::Status status = play_->Send(exchange_->Next(), link_, task_);
  if (!status.ok()) return play_->Error(status);
  state_ = State::kReceive;
  return Progress::kDone;
}

Progress LoginRunner::OnArrival(Arrival* arrival) {
  if (!arrival->pdu.has_login_response()) {
    return play_->Unmet("during the login came what is no Login Response (RFC 7143 §6.3)",
                        Awaiting(), FullText(arrival->pdu));
  }
  if (arrival->task != task_) {
    return play_->Unmet(
        "a Login Response has another Initiator Task Tag than the request (RFC 7143 §11.13)",
        Awaiting(), FullText(arrival->pdu));
  }
  const v1::Pdu response = play_->Take(arrival);
  const LoginExchange::Progress progress = exchange_->OnResponse(response);
  // Requests that the scenario sends itself go on with this task, but know no name of it.
  if (progress == LoginExchange::Progress::kReached) play_->Rename(task_, "");
  switch (progress) {
    case LoginExchange::Progress::kSend:
      state_ = State::kSend;
      return Progress::kDone;
    case LoginExchange::Progress::kBreach:
      return play_->Unmet(absl::StrCat("in the login: ", exchange_->breach()), Awaiting(),
                          FullText(response));
    case LoginExchange::Progress::kReached:
      return Conclude(response, /*refused=*/false);
    case LoginExchange::Progress::kRefused:
      return Conclude(response, /*refused=*/true);
  }
  return Progress::kDone;
}

Progress LoginRunner::OnClosed() {
  if (login_.expect().or_closed() && link_->ended_by_peer) {
    link_->end_taken = true;
    state_ = State::kDone;
    return Progress::kDone;
  }
  return play_->EndedWhileWaiting(*link_, Awaiting());
}

Progress LoginRunner::Conclude(const v1::Pdu& response, bool refused) {
  const uint32_t status = exchange_->status();
  const v1::ExpectedLoginStatus& expect = login_.expect();
  std::vector<uint32_t> due(expect.status().begin(), expect.status().end());
  if (due.empty() && !expect.or_closed()) due.push_back(0);
  if (std::count(expect.warn_status().begin(), expect.warn_status().end(), status) > 0) {
    play_->Note({.verdict = v1::WARN,
                 .message = expect.why(),
                 .expected = absl::StrCat("login status ", absl::StrJoin(due, " or ", AddStatus)),
                 .actual = FullText(response),
                 .expectation = true});
    due.push_back(status);
  }
  if (std::find(due.begin(), due.end(), status) == due.end()) {
    const std::string expected =
        absl::StrCat("login status ", due.empty() ? "none, but the end of the connection"
                                                  : absl::StrJoin(due, " or ", AddStatus));
    return play_->Unmet(absl::StrCat("the login ended with status ", DescribeLoginStatus(status)),
                        expected, FullText(response));
  }
  // A target that refuses closes the connection (RFC 7143 §11.13.5).
  if (refused) link_->end_taken = true;
  const Negotiation& negotiation = link_->state.negotiation;
  // A login that may be refused, and is, agreed on nothing. (A redirection has its keys.)
  const bool agreed = status < 0x0200;
  const absl::StatusOr<Differences> differences =
      agreed ? JudgeKeys(play_, link_, negotiation, login_.result()) : Differences();
  if (!differences.ok()) return play_->Error(differences.status());
  if (!differences->empty()) {
    std::vector<std::string> expected;
    for (const v1::KeyRule& rule : login_.result()) expected.push_back(DescribeKeyRule(rule));
    return play_->Unmet(absl::StrCat("a key came to what it must not: ", differences->front()),
                        absl::StrJoin(expected, "\n"), absl::StrJoin(*differences, "\n"));
  }
  const Subject subject = {
      .pdu = &response, .arrival = play_->arrived(), .keys = &negotiation.received()};
  const absl::Status saved = SaveFields(play_, link_, subject, login_.save());
  if (!saved.ok()) return play_->Error(saved);
  state_ = State::kDone;
  if (!refused && link_->hello_due && !login_.no_hello()) {
    if (absl::Status status = play_->SendHello(link_, {}); !status.ok()) {
      return play_->Error(status);
    }
    state_ = State::kHello;
    return Progress::kDone;
  }
  return AfterLogin(refused);
}

Progress LoginRunner::AfterLogin(bool refused) {
  state_ = State::kDone;
  if (!refused && MustClearUnitAttentions()) {
    const std::set<uint64_t> luns = LunsOf(*play_);
    luns_.assign(luns.begin(), luns.end());
    if (luns_.empty()) luns_.push_back(play_->DefaultLunBytes());
    task_ = nullptr;
    state_ = State::kUnitAttention;
  }
  return Progress::kDone;
}

bool LoginRunner::MustClearUnitAttentions() const {
  if (login_.unit_attention() == v1::LEFT || login_.discovery() || !link_->full_feature()) {
    return false;
  }
  // A later connection of a session finds what the first one left.
  if (!leading_) return false;
  return login_.unit_attention() == v1::CLEARED || !LunsOf(*play_).empty();
}

Progress LoginRunner::ClearUnitAttentions() {
  if (luns_.empty()) {
    state_ = State::kDone;
    return Progress::kDone;
  }
  if (task_ == nullptr) {
    if (!play_->WindowOpen(*link_)) return Progress::kWaiting;
    task_ = play_->NewTask(play_->PrivateName("unit_attention"), link_);
    v1::Pdu pdu;
    pdu.mutable_scsi_command()->set_lun_bytes(luns_.back());
    pdu.mutable_scsi_command()->mutable_cdb()->mutable_test_unit_ready();
    const absl::Status status = play_->Send(std::move(pdu), link_, task_);
    if (!status.ok()) return play_->Error(status);
  }
  const Awaited awaited = AwaitFor(play_, link_, task_, Awaiting());
  if (awaited.arrival == nullptr) return awaited.progress;
  const v1::Pdu response = play_->Take(awaited.arrival);
  task_ = nullptr;
  const std::optional<v1::SenseData> sense = SenseOf(response);
  const bool attention = sense && sense->sense_key() == v1::UNIT_ATTENTION;
  // Any other end is the case's own matter, or a LUN that it means not to be there.
  if (!attention || ++attempts_ >= kMaxUnitAttentions) {
    luns_.pop_back();
    attempts_ = 0;
  }
  return Progress::kDone;
}

}  // namespace pushpull::initiator_sim
