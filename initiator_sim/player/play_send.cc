// Sending: what is unset becomes what is right now; misbehaviours; cuts; the records.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/pattern.h"
#include "initiator_sim/pdu/scsi.h"
#include "initiator_sim/player/misbehave.h"
#include "initiator_sim/player/play.h"

namespace pushpull::initiator_sim {
namespace {

constexpr size_t kTagOffset = 16;
constexpr size_t kKeptHeaders = 64;  // of a task, against which Rejects are held

// Sets a field of the PDU's kind where it has it and it is unset.
void SetIfUnset(v1::Pdu* pdu, std::string_view field, uint64_t value) {
  const auto old = GetField(*pdu, field);
  if (!old.ok() || old->has_value()) return;
  (void)SetField(pdu, field, value);
}

std::optional<uint64_t> NumberOf(const v1::Pdu& pdu, std::string_view field) {
  const auto value = GetField(pdu, field);
  if (!value.ok() || !value->has_value()) return std::nullopt;
  const uint64_t* number = std::get_if<uint64_t>(&**value);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

bool HasLun(const v1::Pdu& pdu) {
  const auto number = GetField(pdu, "lun");
  const auto bytes = GetField(pdu, "lun_bytes");
  return (number.ok() && number->has_value()) || (bytes.ok() && bytes->has_value());
}

// A task management function that is about one LUN (RFC 7143 §11.5.3).
bool NamesLun(v1::TaskManagementFunction function) {
  return function != v1::TARGET_WARM_RESET && function != v1::TARGET_COLD_RESET &&
         function != v1::TASK_REASSIGN;
}

v1::ReadWriteCdb* NamedBlocks(v1::Cdb* cdb) {
  switch (cdb->command_case()) {
    case v1::Cdb::kRead:
      return cdb->mutable_read();
    case v1::Cdb::kWrite:
      return cdb->mutable_write();
    case v1::Cdb::kVerify:
      return cdb->mutable_verify();
    case v1::Cdb::kSynchronizeCache:
      return cdb->mutable_synchronize_cache();
    case v1::Cdb::kWriteAndVerify:
      return cdb->mutable_write_and_verify();
    case v1::Cdb::kCompareAndWrite:
      return cdb->mutable_compare_and_write();
    case v1::Cdb::kOrWrite:
      return cdb->mutable_or_write();
    case v1::Cdb::kWriteSame:
      return cdb->mutable_write_same();
    case v1::Cdb::kWriteAtomic:
      return cdb->mutable_write_atomic();
    case v1::Cdb::kPreFetch:
      return cdb->mutable_pre_fetch();
    default:
      return nullptr;
  }
}

}  // namespace

bool Task::WasSent(std::string_view header) const {
  return std::find(sent_headers.begin(), sent_headers.end(), header) != sent_headers.end();
}

std::string Task::DataAt(uint64_t offset, size_t length) const {
  std::string data(length, '\0');
  if (write_pattern) {
    FillPattern(pattern.seed(), pattern.offset() + offset,
                {reinterpret_cast<uint8_t*>(data.data()), data.size()});
  } else if (offset < write_data.size()) {
    const std::string piece = write_data.substr(offset, length);
    std::copy(piece.begin(), piece.end(), data.begin());
  }
  return data;
}

uint64_t Play::DefaultLunBytes() const {
  const uint64_t lun = options_.luns.empty() ? 0 : options_.luns[0];
  return EncodeLun(lun).value_or(0);
}

bool Play::WindowOpen(const Link& link) const {
  return !link.full_feature() || link.session->MaySend(link.session->cmd_sn);
}

uint32_t Play::CountOf(const std::string& name, uint32_t count) const {
  const auto it = counts_.find(name);
  return it == counts_.end() ? count : std::min(count, it->second);
}

uint32_t Play::TagInUse(const Session* session) const {
  for (auto it = tasks_.rbegin(); it != tasks_.rend(); ++it) {
    if ((*it)->session == session && !(*it)->ended && (*it)->tag != kReservedTag) {
      return (*it)->tag;
    }
  }
  return kReservedTag;
}

// ---- computed fields -------------------------------------------------------------------------

absl::Status Play::Complete(v1::Pdu* pdu, Link* link, Task* task, const SendOptions& options) {
  if (pdu->kind_case() == v1::Pdu::kRaw) return absl::OkStatus();
  if (pdu->kind_case() == v1::Pdu::KIND_NOT_SET) {
    return absl::InvalidArgumentError("a PDU to be sent has no kind: say which it is, or raw");
  }
  if (IsResponse(pdu->kind_case())) return CompleteResponse(pdu, link, task);
  return CompleteRequest(pdu, link, task, options);
}

absl::Status Play::CompleteRequest(v1::Pdu* pdu, Link* link, Task* task,
                                   const SendOptions& options) {
  switch (pdu->kind_case()) {
    case v1::Pdu::kScsiCommand:
      PUSHPULL_RETURN_IF_ERROR(CompleteCommand(pdu, task, options));
      break;
    case v1::Pdu::kDataOut:
      PUSHPULL_RETURN_IF_ERROR(CompleteDataOut(pdu, link, task));
      break;
    case v1::Pdu::kLoginRequest:
      CompleteLogin(pdu->mutable_login_request(), link);
      break;
    case v1::Pdu::kLogoutRequest:
      SetIfUnset(pdu, "cid", link->state.cid);
      break;
    case v1::Pdu::kTaskManagementRequest:
      if (!HasLun(*pdu) && NamesLun(pdu->task_management_request().function())) {
        SetIfUnset(pdu, "lun_bytes", DefaultLunBytes());
      }
      break;
    case v1::Pdu::kTextRequest:
      if (task != nullptr && task->target_transfer_tag != kReservedTag) {
        SetIfUnset(pdu, "target_transfer_tag", task->target_transfer_tag);
        if (!HasLun(*pdu)) SetIfUnset(pdu, "lun_bytes", task->response_lun_bytes);
      }
      break;
    case v1::Pdu::kSnackRequest:
      if (task != nullptr && !HasLun(*pdu)) SetIfUnset(pdu, "lun_bytes", task->lun_bytes);
      break;
    default:
      break;
  }
  if (HasLun(*pdu) && !NumberOf(*pdu, "lun_bytes")) {
    PUSHPULL_ASSIGN_OR_RETURN(const uint64_t bytes, EncodeLun(*NumberOf(*pdu, "lun")));
    PUSHPULL_RETURN_IF_ERROR(SetField(pdu, "lun_bytes", bytes));
  }
  if (!NumberOf(*pdu, "initiator_task_tag")) {
    const bool known = task != nullptr && task->tag != kReservedTag;
    SetIfUnset(pdu, "initiator_task_tag", known ? task->tag : link->session->AllocateTag());
  }
  SetIfUnset(pdu, "cmd_sn", link->session->cmd_sn);
  SetIfUnset(pdu, "exp_stat_sn", link->state.ExpStatSnToSend());
  return absl::OkStatus();
}

absl::Status Play::CompleteCommand(v1::Pdu* pdu, Task* task, const SendOptions& options) {
  v1::ScsiCommand* command = pdu->mutable_scsi_command();
  if (options.lba_is_relative) {
    if (v1::ReadWriteCdb* blocks = NamedBlocks(command->mutable_cdb()); blocks != nullptr) {
      blocks->set_lba(blocks->lba() + options_.scratch_lba);
    }
  }
  if (!HasLun(*pdu)) command->set_lun_bytes(DefaultLunBytes());
  PUSHPULL_RETURN_IF_ERROR(EncodeCdb(command->cdb()).status());
  const CdbTransfer transfer = TransferOf(CdbOf(*pdu), options_.block_size);
  const bool moves = transfer.bytes > 0;
  if (!command->has_read()) {
    command->set_read(moves && transfer.direction == CdbTransfer::Direction::kRead);
  }
  if (!command->has_write()) {
    command->set_write(moves && transfer.direction == CdbTransfer::Direction::kWrite);
  }
  if (!command->has_expected_data_transfer_length()) {
    const bool used = command->read() || command->write();
    command->set_expected_data_transfer_length(used ? static_cast<uint32_t>(transfer.bytes) : 0);
  }
  if (!command->has_attr()) command->set_attr(v1::SIMPLE);
  if (task != nullptr) task->expected_length = command->expected_data_transfer_length();
  return absl::OkStatus();
}

// The next piece that the task owes: of its last R2T, or of its unsolicited data (§11.7).
absl::Status Play::CompleteDataOut(v1::Pdu* pdu, Link* link, Task* task) {
  if (task == nullptr) return absl::OkStatus();
  v1::DataOut* out = pdu->mutable_data_out();
  uint32_t tag = kReservedTag;
  uint64_t offset = task->sent_length;
  uint64_t end = task->unsolicited_end;
  if (task->r2t) {
    tag = task->r2t->target_transfer_tag;
    offset = uint64_t{task->r2t->buffer_offset} + task->r2t->sent;
    end = uint64_t{task->r2t->buffer_offset} + task->r2t->length;
    // Without a TTT the LUN is reserved (§11.7.4).
    if (!HasLun(*pdu)) out->set_lun_bytes(task->response_lun_bytes);
  }
  if (!out->has_target_transfer_tag()) out->set_target_transfer_tag(tag);
  if (!out->has_buffer_offset()) out->set_buffer_offset(static_cast<uint32_t>(offset));
  if (!out->has_data_sn()) out->set_data_sn(task->data_sn);
  const uint64_t at = out->buffer_offset();
  if (!pdu->has_data()) {
    const uint64_t left = end > at ? end - at : 0;
    const uint64_t length = std::min<uint64_t>(left, link->state.peer_max_recv_data_segment_length);
    pdu->mutable_data()->set_raw(task->DataAt(at, length));
  }
  PUSHPULL_ASSIGN_OR_RETURN(const std::string data, DataBytes(pdu->data()));
  if (!out->has_final()) out->set_final(at + data.size() >= end);
  return absl::OkStatus();
}

void Play::CompleteLogin(v1::LoginRequest* request, Link* link) {
  const ConnectionState& state = link->state;
  const Session& session = *link->session;
  if (!request->has_isid())
    request->set_isid(std::string(session.isid.begin(), session.isid.end()));
  if (!request->has_tsih()) request->set_tsih(session.tsih);
  if (!request->has_cid()) request->set_cid(state.cid);
  if (state.phase != LoginPhase::kNotBegun && !request->has_initiator_task_tag()) {
    request->set_initiator_task_tag(state.login_tag);
  }
  if (!request->has_current_stage()) {
    request->set_current_stage(
        state.phase == LoginPhase::kNotBegun ? v1::LOGIN_OPERATIONAL_NEGOTIATION : state.stage);
  }
  if (!request->has_transit() && request->has_next_stage()) request->set_transit(true);
  if (request->transit() && !request->has_next_stage()) {
    request->set_next_stage(request->current_stage() == v1::SECURITY_NEGOTIATION
                                ? v1::LOGIN_OPERATIONAL_NEGOTIATION
                                : v1::FULL_FEATURE_PHASE);
  }
}

// ---- sending ---------------------------------------------------------------------------------

absl::Status Play::Send(v1::Pdu pdu, Link* link, Task* task, const SendOptions& options) {
  PUSHPULL_RETURN_IF_ERROR(Complete(&pdu, link, task, options));
  return Transmit(std::move(pdu), link, task, options);
}

std::vector<size_t> Play::CutsFor(const PduLayout& layout, const SendOptions& options) {
  const v1::Delivery* delivery = options.delivery;
  if (delivery == nullptr || (delivery->cut().empty() && delivery->every() == 0)) {
    return options_.splits.CutsOf(layout);
  }
  const size_t base = options.step_offset == nullptr ? 0 : *options.step_offset;
  std::vector<size_t> cuts;
  for (const uint32_t cut : delivery->cut()) {
    if (cut > base && cut - base < layout.end) cuts.push_back(cut - base);
  }
  if (delivery->every() > 0) {
    const size_t every = delivery->every();
    for (size_t at = (base / every + 1) * every; at < base + layout.end; at += every) {
      cuts.push_back(at - base);
    }
  }
  std::sort(cuts.begin(), cuts.end());
  return cuts;
}

absl::Status Play::Transmit(v1::Pdu pdu, Link* link, Task* task, const SendOptions& options) {
  // Nobody knows when it is answered.
  sent_without_task_ |= task == nullptr && link->full_feature();
  const Digests digests = link->full_feature() ? link->state.digests : Digests();
  MisbehaviourContext context = {
      .session = link->session, .digests = digests, .tag_in_use = TagInUse(link->session)};
  if (task != nullptr) {
    if (task->r2t) context.r2t_end = task->r2t->buffer_offset + task->r2t->length;
    context.data_at = [task](uint64_t offset, size_t length) {
      return task->DataAt(offset, length);
    };
  }
  PUSHPULL_RETURN_IF_ERROR(Misbehave(options.misbehaviour, context, &pdu));
  PUSHPULL_ASSIGN_OR_RETURN(EncodedPdu encoded, Encode(pdu, digests));
  if (options.adjust != nullptr && !options.adjust->empty()) {
    const v1::Pdu written = Decode(encoded.bytes, digests).pdu;
    for (const v1::Adjustment& adjustment : *options.adjust) {
      const std::optional<uint64_t> value = NumberOf(written, adjustment.field());
      if (!value) {
        return absl::InvalidArgumentError(
            absl::StrCat("adjust: the PDU has no number \"", adjustment.field(), "\""));
      }
      PUSHPULL_RETURN_IF_ERROR(
          SetField(&pdu, adjustment.field(), *value + static_cast<uint64_t>(adjustment.add())));
    }
    PUSHPULL_ASSIGN_OR_RETURN(encoded, Encode(pdu, digests));
  }
  OutgoingPdu out;
  if (link->rdma) {
    if (task == nullptr && pdu.has_scsi_command()) task = NewTask("", link);
    PUSHPULL_RETURN_IF_ERROR(BeforeLoginEnds(pdu, link));
  }
  EnterSent(pdu, base::Bytes(encoded.bytes).first(kBhsSize), link, task, options);

  out.cuts = CutsFor(encoded.layout, options);
  if (options.step_offset != nullptr) *options.step_offset += encoded.bytes.size();
  if (WithholdsLastByte(options.misbehaviour)) encoded.bytes.pop_back();
  out.bytes = std::move(encoded.bytes);
  out.digests = digests;
  out.join_next = options.delivery != nullptr && options.delivery->join_next();
  out.misbehaving = options.misbehaviour != v1::NONE || !pdu.patch().empty() ||
                    (options.adjust != nullptr && !options.adjust->empty());
  if (link->rdma) {
    PUSHPULL_RETURN_IF_ERROR(WrapInIser(pdu, encoded.layout, link, task, options, &out));
  }
  if (link->channel != nullptr) {
    link->channel->Send(std::move(out));
    // On RDMA the next message begins anew.
    if (!link->rdma && EndsWriting(options.misbehaviour)) link->channel->ShutdownWriteWhenDrained();
  }
  return absl::OkStatus();
}

void Play::EnterSent(const v1::Pdu& pdu, base::Bytes header, Link* link, Task* task,
                     const SendOptions& options) {
  if (target_role()) {
    EnterSentResponse(pdu, link, task);
    return;
  }
  const uint32_t tag = base::LoadBe32(header.data() + kTagOffset);
  if (task == nullptr && pdu.has_scsi_command()) task = NewTask("", link);
  if (task != nullptr) {
    if (task->sent_headers.size() == kKeptHeaders)
      task->sent_headers.erase(task->sent_headers.begin());
    task->sent_headers.emplace_back(base::AsText(header));
    // A tag that is another task's on purpose stays that task's.
    if (options.misbehaviour == v1::INITIATOR_TASK_TAG_IN_USE) {
      task->tag = tag;
    } else if (task->tag != tag) {
      RegisterTag(task, tag);
    }
  }
  const std::optional<uint64_t> cmd_sn = NumberOf(pdu, "cmd_sn");
  const bool immediate = pdu.immediate() || pdu.has_login_request();
  if (cmd_sn) {
    if (task != nullptr) task->cmd_sn = static_cast<uint32_t>(*cmd_sn);
    Session* session = link->session;
    const bool outside = options.misbehaviour == v1::CMD_SN_ABOVE_WINDOW ||
                         options.misbehaviour == v1::CMD_SN_BELOW_WINDOW;
    const bool next = *cmd_sn == session->cmd_sn || options.misbehaviour == v1::CMD_SN_GAP;
    if (!immediate && !options.keep_sequence && !outside && next) {
      session->cmd_sn = static_cast<uint32_t>(*cmd_sn) + 1;
    }
  }
  if (pdu.has_login_request()) NoteLoginRequest(pdu, &link->state);
  if (task == nullptr) return;
  const uint32_t length =
      static_cast<uint32_t>(pdu.has_data() ? DataBytes(pdu.data()).value_or("").size() : 0);
  if (pdu.has_scsi_command()) {
    task->request = pdu;
    task->lun_bytes = pdu.scsi_command().lun_bytes();
    task->expected_length = pdu.scsi_command().expected_data_transfer_length();
    task->sent_length = length;
    task->unsolicited_end =
        std::min(task->expected_length, link->session->parameters.NumberOr("FirstBurstLength", 0));
  } else if (pdu.has_data_out()) {
    task->sent_length += length;
    task->data_sn = pdu.data_out().data_sn() + 1;
    if (task->r2t) task->r2t->sent += length;
  } else {
    task->request = pdu;
    task->lun_bytes = NumberOf(pdu, "lun_bytes").value_or(0);
  }
}

}  // namespace pushpull::initiator_sim
