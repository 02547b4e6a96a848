// The target's side of a play: numbers of responses, what requests change.

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/serial.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/player/play.h"
#include "initiator_sim/player/ram_disk.h"

namespace pushpull::initiator_sim {
namespace {

constexpr uint32_t kWindow = 32;  // commands that a scripted target takes at a time

template <typename Message>
void SetNumbers(Message* message, const Link& link) {
  if (!message->has_stat_sn()) message->set_stat_sn(link.stat_sn);
  if (!message->has_exp_cmd_sn()) message->set_exp_cmd_sn(link.session->exp_cmd_sn);
  if (!message->has_max_cmd_sn()) message->set_max_cmd_sn(link.session->max_cmd_sn);
}

template <typename Message>
void SetTag(Message* message, const Task* task) {
  if (task != nullptr && !message->has_initiator_task_tag()) {
    message->set_initiator_task_tag(task->tag);
  }
}

// What goes on with a task that a request of another kind began.
bool GoesOn(const v1::Pdu& pdu) {
  return pdu.has_data_out() || pdu.has_snack_request() ||
         (pdu.has_text_request() && pdu.text_request().target_transfer_tag() != kReservedTag);
}

}  // namespace

RamDisk* Play::disk() {
  if (disk_ == nullptr) disk_ = std::make_unique<RamDisk>(options_.block_size);
  return disk_.get();
}

// ---- requests ----------------------------------------------------------------------------------

void Play::OnRequestPdu(Link* link, Arrival* arrival) {
  const v1::Pdu& pdu = arrival->pdu;
  Task* const task = TaskOfTag(link->session, InitiatorTaskTagOf(pdu));
  if (task != nullptr && !task->name.empty() && GoesOn(pdu)) arrival->task = task;
  if (pdu.has_login_request()) {
    OnLoginRequest(pdu.login_request(), pdu, link);
    return;
  }
  const auto cmd_sn = GetField(pdu, "cmd_sn");
  if (!pdu.immediate() && cmd_sn.ok() && cmd_sn->has_value()) {
    CountCommand(static_cast<uint32_t>(std::get<uint64_t>(**cmd_sn)), link->session);
  }
}

void Play::CountCommand(uint32_t cmd_sn, Session* session) {
  std::set<uint32_t>& early = early_commands_[session];
  if (base::SerialLess(session->exp_cmd_sn, cmd_sn)) {
    if (early.size() < kWindow) early.insert(cmd_sn);
    return;
  }
  if (cmd_sn != session->exp_cmd_sn) return;
  do {
    early.erase(session->exp_cmd_sn);
    ++session->exp_cmd_sn;
  } while (early.contains(session->exp_cmd_sn));
  session->max_cmd_sn = session->exp_cmd_sn + kWindow - 1;
}

void Play::OnLoginRequest(const v1::LoginRequest& request, const v1::Pdu& pdu, Link* link) {
  ConnectionState& state = link->state;
  Session* session = link->session;
  if (state.phase == LoginPhase::kNotBegun) {
    state.phase = LoginPhase::kNegotiating;
    state.login_tag = request.initiator_task_tag();
    state.cid = static_cast<uint16_t>(request.cid());
    link->stat_sn = request.exp_stat_sn();
    if (request.isid().size() == session->isid.size()) {
      std::copy(request.isid().begin(), request.isid().end(), session->isid.begin());
    }
    if (request.tsih() == 0) {
      session->exp_cmd_sn = request.cmd_sn();
      session->max_cmd_sn = request.cmd_sn() + kWindow - 1;
    } else {
      // A further connection belongs to the session that it names.
      for (const auto& [name, other] : sessions_) {
        if (other->tsih == request.tsih()) link->session = other.get();
      }
    }
  }
  state.stage = request.current_stage();
  state.negotiation.Received(TextOf(pdu), request.text_continue());
}

void Play::NameRequest(Arrival* arrival, const std::string& name) {
  Task* task = NewTask(name, arrival->link);
  const v1::Pdu& pdu = arrival->pdu;
  task->request = pdu;
  task->sent_headers.push_back(arrival->header);
  RegisterTag(task, InitiatorTaskTagOf(pdu));
  const auto number = [&](std::string_view field) {
    const auto value = GetField(pdu, field);
    return value.ok() && value->has_value() ? std::get<uint64_t>(**value) : 0;
  };
  task->cmd_sn = static_cast<uint32_t>(number("cmd_sn"));
  task->lun_bytes = number("lun_bytes");
  task->expected_length = static_cast<uint32_t>(number("expected_data_transfer_length"));
  // Immediate data have come.
  task->received_length = pdu.data_segment_length();
  arrival->task = task;
}

// ---- responses ---------------------------------------------------------------------------------

absl::Status Play::CompleteResponse(v1::Pdu* pdu, Link* link, Task* task) {
  switch (pdu->kind_case()) {
    case v1::Pdu::kNopIn:
      if (task == nullptr && !pdu->nop_in().has_initiator_task_tag()) {
        pdu->mutable_nop_in()->set_initiator_task_tag(kReservedTag);
      }
      SetTag(pdu->mutable_nop_in(), task);
      SetNumbers(pdu->mutable_nop_in(), *link);
      break;
    case v1::Pdu::kScsiResponse:
      SetTag(pdu->mutable_scsi_response(), task);
      SetNumbers(pdu->mutable_scsi_response(), *link);
      break;
    case v1::Pdu::kTaskManagementResponse:
      SetTag(pdu->mutable_task_management_response(), task);
      SetNumbers(pdu->mutable_task_management_response(), *link);
      break;
    case v1::Pdu::kLoginResponse:
      CompleteLoginResponse(pdu->mutable_login_response(), link);
      break;
    case v1::Pdu::kTextResponse: {
      v1::TextResponse* response = pdu->mutable_text_response();
      SetTag(response, task);
      SetNumbers(response, *link);
      const bool goes_on =
          (response->has_final() && !response->final()) || response->text_continue();
      if (!response->has_target_transfer_tag() && goes_on) {
        response->set_target_transfer_tag(next_transfer_tag_++);
      }
      break;
    }
    case v1::Pdu::kDataIn: {
      v1::DataIn* in = pdu->mutable_data_in();
      SetTag(in, task);
      if (in->status_present()) {
        SetNumbers(in, *link);
      } else {
        if (!in->has_exp_cmd_sn()) in->set_exp_cmd_sn(link->session->exp_cmd_sn);
        if (!in->has_max_cmd_sn()) in->set_max_cmd_sn(link->session->max_cmd_sn);
      }
      if (task != nullptr && !in->has_buffer_offset()) in->set_buffer_offset(task->sent_length);
      if (task != nullptr && !in->has_data_sn()) in->set_data_sn(task->data_sn);
      break;
    }
    case v1::Pdu::kLogoutResponse:
      SetTag(pdu->mutable_logout_response(), task);
      SetNumbers(pdu->mutable_logout_response(), *link);
      break;
    case v1::Pdu::kR2T:
      CompleteR2t(pdu->mutable_r2t(), *link, task);
      break;
    case v1::Pdu::kAsyncMessage:
      SetNumbers(pdu->mutable_async_message(), *link);
      break;
    case v1::Pdu::kReject:
      SetNumbers(pdu->mutable_reject(), *link);
      if (task != nullptr && !pdu->has_data() && !task->sent_headers.empty()) {
        pdu->mutable_data()->set_raw(task->sent_headers.back());
      }
      break;
    default:
      break;
  }
  return absl::OkStatus();
}

void Play::CompleteR2t(v1::R2t* r2t, const Link& link, Task* task) {
  SetTag(r2t, task);
  SetNumbers(r2t, link);
  if (!r2t->has_target_transfer_tag()) r2t->set_target_transfer_tag(next_transfer_tag_++);
  if (task == nullptr) return;
  if (!r2t->has_lun() && !r2t->has_lun_bytes()) r2t->set_lun_bytes(task->lun_bytes);
  if (!r2t->has_r2t_sn()) r2t->set_r2t_sn(task->r2t_count);
  if (!r2t->has_buffer_offset()) r2t->set_buffer_offset(task->received_length);
  if (!r2t->has_desired_data_transfer_length()) {
    const uint32_t left =
        task->expected_length - std::min(task->expected_length, r2t->buffer_offset());
    r2t->set_desired_data_transfer_length(
        std::min(left, link.session->parameters.NumberOr("MaxBurstLength", 262144)));
  }
}

void Play::CompleteLoginResponse(v1::LoginResponse* response, Link* link) {
  const ConnectionState& state = link->state;
  SetNumbers(response, *link);
  if (!response->has_initiator_task_tag()) response->set_initiator_task_tag(state.login_tag);
  if (!response->has_isid()) {
    response->set_isid(std::string(link->session->isid.begin(), link->session->isid.end()));
  }
  if (!response->has_current_stage()) response->set_current_stage(state.stage);
  if (!response->has_transit() && response->has_next_stage()) response->set_transit(true);
  const bool last = response->transit() && response->next_stage() == v1::FULL_FEATURE_PHASE;
  if (last && link->session->tsih == 0) link->session->tsih = AllocateTsih();
  if (!response->has_tsih()) response->set_tsih(link->session->tsih);
}

void Play::EnterSentResponse(const v1::Pdu& pdu, Link* link, Task* task) {
  // Of a Login Response that refuses, too, which says nothing to the initiator.
  const std::optional<uint32_t> stat_sn = NumbersOf(pdu).stat_sn;
  if (stat_sn && *stat_sn == link->stat_sn) ++link->stat_sn;
  if (pdu.has_login_response()) {
    const v1::LoginResponse& response = pdu.login_response();
    ConnectionState& state = link->state;
    state.negotiation.Sent(TextOf(pdu), response.text_continue());
    if (!response.transit() || response.status_class() != 0) return;
    state.stage = response.next_stage();
    if (response.next_stage() != v1::FULL_FEATURE_PHASE) return;
    state.phase = LoginPhase::kFullFeature;
    state.negotiation.Apply(&link->session->parameters);
    state.digests.header_digest = state.negotiation.Outcome("HeaderDigest") == "CRC32C";
    state.digests.data_digest = state.negotiation.Outcome("DataDigest") == "CRC32C";
    link->channel->EnterFullFeature(state.digests);
    Parameters peer;
    if (const std::string* declared = state.negotiation.OfferedByPeer("MaxRecvDataSegmentLength")) {
      peer.Set("MaxRecvDataSegmentLength", *declared);
    }
    state.peer_max_recv_data_segment_length = peer.NumberOr("MaxRecvDataSegmentLength", 8192);
    return;
  }
  if (task == nullptr) return;
  if (pdu.has_data_in()) {
    task->sent_length += static_cast<uint32_t>(DataBytes(pdu.data()).value_or("").size());
    task->data_sn = pdu.data_in().data_sn() + 1;
  } else if (pdu.has_r2t()) {
    ++task->r2t_count;
    task->target_transfer_tag = pdu.r2t().target_transfer_tag();
    task->r2t = OpenR2t{.target_transfer_tag = pdu.r2t().target_transfer_tag(),
                        .r2t_sn = pdu.r2t().r2t_sn(),
                        .buffer_offset = pdu.r2t().buffer_offset(),
                        .length = pdu.r2t().desired_data_transfer_length()};
  }
}

}  // namespace pushpull::initiator_sim
