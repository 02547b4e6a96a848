#include "tools/load/client.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/text.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/scsi.h"
#include "target/login/status.h"

namespace pushpull::tools {
namespace {

using initiator_sim::LoginExchange;

constexpr uint32_t kNoTag = 0xffffffff;
// Of one connection in one turn, before the loop's others have theirs.
constexpr size_t kReadsInATurn = 4;

initiator_sim::LoginConfig ConfigOf(const ClientIdentity& identity) {
  initiator_sim::LoginConfig config;
  config.initiator_name = identity.initiator_name;
  config.target_name = identity.target_name;
  config.isid = identity.isid;
  config.cid = 1;
  config.keys = identity.keys;
  config.credentials = identity.chap;
  config.seed = base::LoadBe32(&identity.isid[2]);
  if (!identity.chap.user.empty()) {
    config.chap.emplace().set_mutual(!identity.chap.mutual_secret.empty());
    config.first_stage = v1::SECURITY_NEGOTIATION;
  }
  return config;
}

// RFC 7143 §11.13.5.
std::string RefusalText(uint32_t status) {
  const std::string_view name = target::LoginStatusName(static_cast<target::LoginStatus>(status));
  const bool credentials =
      status == static_cast<uint32_t>(target::LoginStatus::kAuthenticationFailure);
  return absl::StrCat(
      "the login was refused with status 0x", absl::Hex(status, absl::kZeroPad4), " (",
      base::ToAbsl(name), ")",
      credentials ? "; are --chap-user and its secret those that it asks for?" : "");
}

}  // namespace

Client::Client(fabric::Network* network, fabric::Loop* loop, ClientIdentity identity)
    : network_(network), loop_(loop), identity_(std::move(identity)) {
  session_.isid = identity_.isid;
  state_.cid = 1;
}

Client::~Client() { *life_ = nullptr; }

// ---- the connection -----------------------------------------------------------------------------

void Client::Connect(const fabric::Address& address, Done done) {
  network_->Connect(
      loop_, address,
      [life = life_,
       done = std::move(done)](absl::StatusOr<std::unique_ptr<fabric::Stream>> stream) mutable {
        Client* const self = *life;
        if (self == nullptr) return;
        if (!stream.ok()) return done(stream.status());
        self->stream_ = *std::move(stream);
        self->stream_->SetHandlers([self] { self->OnReadable(); }, [self] { self->Flush(); });
        done(absl::OkStatus());
      });
}

void Client::Drop(bool reset) {
  tasks_.clear();
  waiting_.clear();
  on_step_ = nullptr;
  if (stream_ == nullptr) return;
  reset ? stream_->Abort() : stream_->Close();
  stream_.reset();
}

void Client::Lose(absl::Status why) {
  if (stream_ == nullptr) return;
  // Not from within its own handler.
  loop_->Post([stream = std::shared_ptr<fabric::Stream>(std::move(stream_))] {});
  if (on_step_) return std::exchange(on_step_, nullptr)(why);
  auto tasks = std::exchange(tasks_, {});
  auto waiting = std::exchange(waiting_, {});
  const std::shared_ptr<Client*> life = life_;
  for (auto& [tag, task] : tasks) {
    if (task.done) task.done(why);
    if (*life == nullptr) return;
  }
  for (Waiting& command : waiting) {
    if (command.done) command.done(why);
    if (*life == nullptr) return;
  }
  if (on_lost_) on_lost_(why);
}

void Client::OnReadable() {
  const std::shared_ptr<Client*> life = life_;
  std::array<uint8_t, 64 * 1024> bytes;
  const iovec buffer{bytes.data(), bytes.size()};
  for (size_t reads = 0; *life != nullptr && stream_ != nullptr && reads_; ++reads) {
    if (reads == kReadsInATurn) {
      return loop_->Post([life] {
        if (*life != nullptr) (*life)->OnReadable();
      });
    }
    const fabric::IoResult result = stream_->TryRead({&buffer, 1});
    if (result.kind == fabric::IoResult::Kind::kWouldBlock) return;
    if (result.kind != fabric::IoResult::Kind::kBytes) {
      return Lose(absl::UnavailableError("the target ended the connection"));
    }
    framer_.Append({bytes.data(), result.bytes});
    if (!TakeFrames()) return;
  }
}

// What a slow reader takes.
void Client::ReadSome(size_t bytes) {
  if (stream_ == nullptr) return;
  std::vector<uint8_t> taken(bytes);
  const iovec buffer{taken.data(), taken.size()};
  stream_->TryRead({&buffer, 1});
}

// False: this is gone, or has no connection any more.
bool Client::TakeFrames() {
  const std::shared_ptr<Client*> life = life_;
  while (auto frame = framer_.Next()) {
    if (!frame->decoded.header_digest_ok || !frame->decoded.data_digest_ok) {
      Lose(absl::DataLossError("a digest of the target's is wrong"));
      return false;
    }
    OnPdu(frame->decoded.pdu);
    if (*life == nullptr || stream_ == nullptr) return false;
  }
  if (!framer_.error()) return true;
  Lose(absl::DataLossError(
      absl::StrCat("the target's bytes are no PDUs: ", framer_.error()->reason)));
  return false;
}

void Client::SendBytes(std::string_view bytes) {
  out_.append(bytes);
  Flush();
}

void Client::Flush() {
  while (stream_ != nullptr && written_ < out_.size()) {
    const iovec buffer{out_.data() + written_, out_.size() - written_};
    const fabric::IoResult result = stream_->TryWrite({&buffer, 1});
    if (result.kind != fabric::IoResult::Kind::kBytes) break;
    written_ += result.bytes;
  }
  if (written_ == out_.size()) {
    out_.clear();
    written_ = 0;
  } else if (written_ > out_.size() / 2) {
    out_.erase(0, written_);
    written_ = 0;
  }
}

std::string Client::Encode(v1::Pdu* pdu) {
  const auto number = [this, pdu](auto* request) {
    if (!request->has_initiator_task_tag()) request->set_initiator_task_tag(session_.AllocateTag());
    if (!request->has_cmd_sn()) request->set_cmd_sn(session_.cmd_sn);
    request->set_exp_stat_sn(state_.ExpStatSnToSend());
    if (!pdu->immediate() && !pdu->has_login_request()) ++session_.cmd_sn;
  };
  switch (pdu->kind_case()) {
    case v1::Pdu::kScsiCommand:
      number(pdu->mutable_scsi_command());
      break;
    case v1::Pdu::kNopOut:
      number(pdu->mutable_nop_out());
      break;
    case v1::Pdu::kTextRequest:
      number(pdu->mutable_text_request());
      break;
    case v1::Pdu::kLogoutRequest:
      number(pdu->mutable_logout_request());
      break;
    case v1::Pdu::kLoginRequest:
      number(pdu->mutable_login_request());
      break;
    default:
      break;
  }
  const auto encoded = initiator_sim::Encode(*pdu, state_.digests);
  CHECK(encoded.ok()) << encoded.status().ToString();
  return {encoded->bytes.begin(), encoded->bytes.end()};
}

// The numbers that a URI can have all can be encoded.
uint64_t Client::lun_bytes() const { return initiator_sim::EncodeLun(identity_.lun).value_or(0); }

void Client::Send(v1::Pdu pdu) { SendBytes(Encode(&pdu)); }

// ---- the login ----------------------------------------------------------------------------------

v1::Pdu Client::FirstLoginRequest() {
  LoginExchange exchange(ConfigOf(identity_), &state_);
  return exchange.Next();
}

void Client::LogIn(Done done) {
  on_step_ = std::move(done);
  exchange_ = std::make_unique<LoginExchange>(ConfigOf(identity_), &state_);
  login_tag_ = session_.AllocateTag();
  SendLogin();
}

void Client::SendLogin() {
  v1::Pdu pdu = exchange_->Next();
  pdu.mutable_login_request()->set_initiator_task_tag(login_tag_);
  initiator_sim::NoteLoginRequest(pdu, &state_);
  Send(std::move(pdu));
}

void Client::OnLoginResponse(const v1::Pdu& pdu) {
  if (exchange_ == nullptr || !on_step_) return;
  if (initiator_sim::AbsorbLoginResponse(pdu, &session_, &state_)) {
    framer_.set_digests(state_.digests);
  }
  switch (exchange_->OnResponse(pdu)) {
    case LoginExchange::Progress::kSend:
      return SendLogin();
    case LoginExchange::Progress::kReached:
      return std::exchange(on_step_, nullptr)(absl::OkStatus());
    case LoginExchange::Progress::kRefused:
      return std::exchange(on_step_,
                           nullptr)(absl::UnavailableError(RefusalText(exchange_->status())));
    case LoginExchange::Progress::kBreach:
      return std::exchange(on_step_, nullptr)(
          absl::DataLossError(absl::StrCat("in the login: ", exchange_->breach())));
  }
}

void Client::ClearUnitAttentions(Done done, int tries) {
  v1::Cdb cdb;
  cdb.mutable_test_unit_ready();
  Run(cdb, 0, "", [this, tries, done = std::move(done)](absl::StatusOr<Answer> answer) mutable {
    if (!answer.ok()) return done(answer.status());
    if (answer->status == 0) return done(absl::OkStatus());
    if (tries == 0) {
      return done(absl::UnavailableError(
          absl::StrCat("the unit isn't ready: ", answer->sense,
                       absl::StrContains(answer->sense, "25h/00h")
                           ? " (there is no such LUN: --target tcp://HOST[:PORT]/IQN/LUN names one)"
                           : "")));
    }
    ClearUnitAttentions(std::move(done), tries - 1);
  });
}

void Client::Open(const fabric::Address& address, Done done) {
  Connect(address, [this, done = std::move(done)](absl::Status status) mutable {
    if (!status.ok()) return done(status);
    LogIn([this, done = std::move(done)](absl::Status status) mutable {
      if (!status.ok()) return done(status);
      ClearUnitAttentions(std::move(done));
    });
  });
}

void Client::LogOut(Done done) {
  on_step_ = std::move(done);
  v1::Pdu pdu;
  pdu.set_immediate(true);
  pdu.mutable_logout_request()->set_reason(v1::CLOSE_SESSION);
  Send(std::move(pdu));
}

// ---- what comes
// -----------------------------------------------------------------------------------

void Client::OnPdu(const v1::Pdu& pdu) {
  initiator_sim::Absorb(pdu, &session_, &state_);
  const std::shared_ptr<Client*> life = life_;
  switch (pdu.kind_case()) {
    case v1::Pdu::kLoginResponse:
      OnLoginResponse(pdu);
      break;
    case v1::Pdu::kNopIn:
      OnNopIn(pdu.nop_in());
      break;
    case v1::Pdu::kR2T:
      OnR2t(pdu.r2t());
      break;
    case v1::Pdu::kDataIn:
      OnDataIn(pdu);
      break;
    case v1::Pdu::kScsiResponse:
      OnScsiResponse(pdu);
      break;
    case v1::Pdu::kLogoutResponse:
      if (on_step_) std::exchange(on_step_, nullptr)(absl::OkStatus());
      break;
    case v1::Pdu::kReject:
      return Lose(absl::InternalError(
          absl::StrCat("the target rejected a request, reason ", pdu.reject().reason())));
    default:
      break;
  }
  if (*life != nullptr) StartWaiting();
}

void Client::OnNopIn(const v1::NopIn& nop) {
  if (nop.target_transfer_tag() == kNoTag || !answers_pings_) return;
  v1::Pdu pdu;
  pdu.set_immediate(true);
  v1::NopOut* const out = pdu.mutable_nop_out();
  out->set_initiator_task_tag(kNoTag);
  out->set_target_transfer_tag(nop.target_transfer_tag());
  out->set_lun_bytes(nop.lun_bytes());
  Send(std::move(pdu));
}

void Client::OnR2t(const v1::R2t& r2t) {
  ++r2ts_;
  last_r2t_ = r2t;
  const auto task = tasks_.find(r2t.initiator_task_tag());
  if (task == tasks_.end() || !sends_data_) return;
  const uint64_t end = uint64_t{r2t.buffer_offset()} + r2t.desired_data_transfer_length();
  if (end > task->second.out.size()) {
    return Lose(absl::DataLossError("an R2T asks for more than the command has"));
  }
  SendDataOut(task->second, task->first, r2t.target_transfer_tag(), r2t.buffer_offset(),
              static_cast<uint32_t>(end));
}

void Client::SendDataOut(const Task& task, uint32_t tag, uint32_t transfer_tag, uint32_t from,
                         uint32_t end) {
  for (uint32_t number = 0; from < end; ++number) {
    const uint32_t size = std::min(end - from, state_.peer_max_recv_data_segment_length);
    v1::Pdu pdu;
    v1::DataOut* const out = pdu.mutable_data_out();
    out->set_final(from + size == end);
    out->set_initiator_task_tag(tag);
    out->set_target_transfer_tag(transfer_tag);
    if (transfer_tag != kNoTag) out->set_lun_bytes(lun_bytes());
    out->set_exp_stat_sn(state_.ExpStatSnToSend());
    out->set_data_sn(number);
    out->set_buffer_offset(from);
    pdu.mutable_data()->set_raw(task.out.substr(from, size));
    Send(std::move(pdu));
    from += size;
  }
}

void Client::OnDataIn(const v1::Pdu& pdu) {
  const v1::DataIn& in = pdu.data_in();
  const auto task = tasks_.find(in.initiator_task_tag());
  if (task == tasks_.end()) return;
  const std::string& data = pdu.data().raw();
  std::string& all = task->second.in;
  const uint64_t end = uint64_t{in.buffer_offset()} + data.size();
  if (end > task->second.read_bytes) {
    return Lose(absl::DataLossError("Data-In lies outside of what was asked for"));
  }
  if (end > all.size()) all.resize(end);
  std::ranges::copy(data, all.begin() + in.buffer_offset());
  if (!in.status_present()) return;
  Answer answer;
  answer.status = static_cast<uint32_t>(in.status());
  Finish(in.initiator_task_tag(), std::move(answer));
}

void Client::OnScsiResponse(const v1::Pdu& pdu) {
  Answer answer;
  answer.status = static_cast<uint32_t>(pdu.scsi_response().status());
  if (const auto sense = initiator_sim::SenseOf(pdu)) {
    answer.sense = initiator_sim::DescribeSense(*sense);
  }
  Finish(pdu.scsi_response().initiator_task_tag(), std::move(answer));
}

void Client::Finish(uint32_t tag, Answer answer) {
  const auto found = tasks_.find(tag);
  if (found == tasks_.end()) return;
  Task task = std::move(found->second);
  tasks_.erase(found);
  answer.data = std::move(task.in);
  if (task.done) task.done(std::move(answer));
}

// ---- commands -----------------------------------------------------------------------------------

v1::Pdu Client::CommandPdu(const v1::Cdb& cdb, uint32_t read_bytes, uint32_t write_bytes) {
  v1::Pdu pdu;
  v1::ScsiCommand* const command = pdu.mutable_scsi_command();
  command->set_final(true);
  command->set_read(read_bytes > 0);
  command->set_write(write_bytes > 0);
  command->set_attr(v1::SIMPLE);
  command->set_lun_bytes(lun_bytes());
  command->set_expected_data_transfer_length(std::max(read_bytes, write_bytes));
  *command->mutable_cdb() = cdb;
  return pdu;
}

void Client::Run(const v1::Cdb& cdb, uint32_t read_bytes, std::string data, OnAnswer done) {
  waiting_.push_back({cdb, read_bytes, std::move(data), std::move(done)});
  StartWaiting();
}

void Client::StartWaiting() {
  while (!waiting_.empty() && stream_ != nullptr && session_.MaySend(session_.cmd_sn)) {
    Waiting command = std::move(waiting_.front());
    waiting_.pop_front();
    Start(std::move(command));
  }
}

void Client::Start(Waiting command) {
  const auto bytes = static_cast<uint32_t>(command.data.size());
  v1::Pdu pdu = CommandPdu(command.cdb, command.read_bytes, bytes);
  const uint32_t tag = session_.AllocateTag();
  pdu.mutable_scsi_command()->set_initiator_task_tag(tag);
  Task& task = tasks_[tag];
  task = {.read_bytes = command.read_bytes,
          .out = std::move(command.data),
          .in = {},
          .done = std::move(command.done)};
  task.in.reserve(command.read_bytes);
  const initiator_sim::UnsolicitedDue due = initiator_sim::UnsolicitedOf(
      session_.parameters, state_.peer_max_recv_data_segment_length, bytes);
  if (sends_data_ && due.immediate > 0)
    pdu.mutable_data()->set_raw(task.out.substr(0, due.immediate));
  if (due.unsolicited > 0) pdu.mutable_scsi_command()->set_final(false);
  Send(std::move(pdu));
  if (due.unsolicited == 0 || !sends_data_) return;
  SendDataOut(task, tag, kNoTag, due.immediate, due.immediate + due.unsolicited);
}

}  // namespace pushpull::tools
