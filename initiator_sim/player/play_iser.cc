// iSER: connections, the buffers of tasks, what goes before a PDU. (RFC 7145)

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/play.h"

namespace pushpull::initiator_sim {
namespace {

using fabric::RdmaRights;

// Of one task's buffers: more isn't held, whatever EDTL says.
constexpr uint64_t kMaxBufferBytes = uint64_t{1} << 24;
constexpr uint8_t kResponderResources = 16;
// The flags of the connection request (InfiniBand Architecture Specification, annex A12).
constexpr uint8_t kNoZeroBasedAddresses = 0x80;
constexpr uint8_t kNoSendWithInvalidate = 0x40;
constexpr uint32_t kBidirectionalAhs = 2;  // RFC 7143 §11.2.2.4

// How much of a write goes unsolicited: with the command, and in Data-Out that follow it.
uint32_t Unsolicited(const v1::Pdu& pdu, const Session& session) {
  const v1::ScsiCommand& command = pdu.scsi_command();
  const auto immediate =
      static_cast<uint32_t>(pdu.has_data() ? DataBytes(pdu.data()).value_or("").size() : 0);
  const uint32_t expected = command.expected_data_transfer_length();
  if (!command.has_final() || command.final()) return std::min(immediate, expected);
  return std::min(expected, session.parameters.NumberOr("FirstBurstLength", 65536));
}

}  // namespace

uint32_t ReadLength(const v1::Pdu& pdu) {
  if (!pdu.scsi_command().read()) return 0;
  for (const v1::Ahs& ahs : pdu.ahs()) {
    if (ahs.ahs_type() == kBidirectionalAhs && ahs.specific().size() >= 5) {
      return base::LoadBe32(reinterpret_cast<const uint8_t*>(ahs.specific().data()) + 1);
    }
  }
  return pdu.scsi_command().write() ? 0 : pdu.scsi_command().expected_data_transfer_length();
}

// ---- connections -----------------------------------------------------------------------------

void Play::OpenRdma(Link* link, const fabric::Address& address, const v1::Connect* connect) {
  link->rdma = true;
  link->state.rdma = true;
  // For the time of the call only.
  v1::Connect how;
  if (connect != nullptr) how = *connect;
  options_.rdma->Open(
      options_.loop, address, IserChannel::QueueOptions(),
      Guarded<absl::StatusOr<std::unique_ptr<fabric::RdmaConnection>>>(
          [this, link, how](absl::StatusOr<std::unique_ptr<fabric::RdmaConnection>> rdma) {
            if (!rdma.ok()) {
              link->connecting = false;
              link->connect_error = rdma.status();
              return;
            }
            const bool windows = (*rdma)->domain()->limits().windows;
            // RFC 7145 knows of no private data.
            std::vector<uint8_t> said;
            if (options_.iser_dialect == IserDialect::kLinux) {
              said = {kNoZeroBasedAddresses, 0, 0, 0};
              if (!windows) said[0] |= kNoSendWithInvalidate;
            }
            if (how.no_private_data()) said.clear();
            if (!how.private_data().empty()) {
              said.assign(how.private_data().begin(), how.private_data().end());
            }
            const bool declined = said.size() >= 4 && (said[0] & kNoSendWithInvalidate) != 0;
            link->may_be_invalidated = windows && !declined;
            link->responder_resources = static_cast<uint8_t>(
                how.has_responder_resources() ? how.responder_resources() : kResponderResources);
            fabric::RdmaConnectOptions options;
            options.private_data = said;
            options.responder_resources = link->responder_resources;
            // The initiator reads nothing of the target's (RFC 7145 §1.5.3).
            options.initiator_depth = 1;
            OnRdmaOpened(link, *std::move(rdma), options);
          }));
}

void Play::OnRdmaOpened(Link* link, std::unique_ptr<fabric::RdmaConnection> rdma,
                        const fabric::RdmaConnectOptions& options) {
  TapConnection info = {.id = next_connection_id_++,
                        .name = link->name,
                        .session = link->session_name,
                        .local = rdma->local(),
                        .peer = rdma->peer(),
                        .rdma = true};
  IserHandlers handlers;
  handlers.channel.pdu = [this, link](Frame frame) {
    if (!over_) OnPdu(link, std::move(frame));
    Wake();
  };
  handlers.channel.ended = [this, link](std::string reason) {
    OnEnded(link, std::move(reason));
    Wake();
  };
  handlers.channel.drained = [this] { Wake(); };
  handlers.established = [this, link] {
    link->connecting = false;
    link->channel = std::move(link->opening);
    Wake();
  };
  handlers.refused = [this, link](absl::Status status) {
    link->connecting = false;
    link->connect_error = std::move(status);
    Wake();
  };
  handlers.hello_reply = [this, link](HelloReplyHeader reply) {
    link->hello_reply = reply;
    Wake();
  };
  // Linux posts one receive for each Login Request that is outstanding.
  const size_t login_receives = options_.iser_dialect == IserDialect::kLinux ? 1 : 4;
  auto channel = std::make_unique<IserChannel>(std::move(rdma), options_.loop, std::move(info),
                                               options_.tap, login_receives, std::move(handlers));
  link->iser = channel.get();
  link->opening = std::move(channel);
  link->rdma_number = rdma_connections_++;
  link->iser->Establish(options);
}

// The receives of the Full Feature Phase are there before the answer that begins it (§5.1.1), in
// the size that the offered key promises.
absl::Status Play::BeforeLoginEnds(const v1::Pdu& pdu, Link* link) {
  if (!pdu.has_login_request() || link->full_feature() || link->iser == nullptr) {
    return absl::OkStatus();
  }
  const v1::LoginRequest& request = pdu.login_request();
  if (!request.transit() || request.next_stage() != v1::FULL_FEATURE_PHASE) {
    return absl::OkStatus();
  }
  Parameters said;
  const auto take = [&](const std::string* value) {
    if (value != nullptr) said.Set("InitiatorRecvDataSegmentLength", *value);
  };
  const Negotiation& negotiation = link->state.negotiation;
  take(negotiation.Offered("InitiatorRecvDataSegmentLength"));
  const ParsedKeys now = ParseKeys(TextOf(pdu));
  bool discovery = link->session->discovery;
  for (const v1::KeyValue& key : now.keys.key()) {
    if (key.name() == "InitiatorRecvDataSegmentLength") take(&key.value());
    if (key.name() == "SessionType") discovery = key.value() == "Discovery";
  }
  uint32_t bytes = said.NumberOr("InitiatorRecvDataSegmentLength", 8192);
  if (options_.iser_dialect == IserDialect::kLinux) bytes = discovery ? 8192 : kLinuxReceiveBytes;
  link->iser->PostFullFeatureReceives(bytes);
  return absl::OkStatus();
}

absl::Status Play::SendHello(Link* link, const v1::HelloDriver& hello) {
  if (link->iser == nullptr || !link->open()) {
    return absl::InvalidArgumentError("hello needs an open iSER connection");
  }
  HelloHeader header;
  if (hello.has_max_version()) header.max_version = static_cast<uint8_t>(hello.max_version());
  if (hello.has_min_version()) header.min_version = static_cast<uint8_t>(hello.min_version());
  header.iser_ird =
      static_cast<uint16_t>(hello.has_iser_ird() ? hello.iser_ird() : link->responder_resources);
  const IserHeader bytes = EncodeIserHeader(header);
  std::vector<uint8_t> message(bytes.begin(), bytes.end());
  if (hello.length() > 0) message.resize(hello.length());
  link->hello_reply.reset();
  link->hello_due = false;
  link->iser->SendMessage(std::move(message));
  return absl::OkStatus();
}

// ---- buffers ---------------------------------------------------------------------------------

std::string Play::BufferName(const Task& task, bool write) const {
  const std::string name =
      task.name.empty() || task.name.starts_with('@') ? absl::StrCat("task ", task.tag) : task.name;
  return absl::StrCat(name, write ? " (write data)" : " (read data)");
}

// Never the seed of a scenario's own pattern: data must differ from what a buffer was filled with.
uint64_t Play::NextFillSeed() {
  constexpr uint64_t kFarOff = uint64_t{1} << 63;
  return kFarOff | (options_.seed + ++next_buffer_) * 0x9e3779b97f4a7c15;
}

absl::Status Play::RegisterBuffer(Link* link, const v1::Register& step) {
  if (link == nullptr || link->iser == nullptr) {
    return absl::InvalidArgumentError("register needs an iSER connection that is open");
  }
  if (step.length() == 0 || step.length() > kMaxBufferBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("register: a buffer has 1 to ", kMaxBufferBytes, " bytes"));
  }
  RdmaRights rights = RdmaRights::kLocal;
  if (step.remote_read()) rights = rights | RdmaRights::kRemoteRead;
  if (step.remote_write()) rights = rights | RdmaRights::kRemoteWrite;
  PUSHPULL_ASSIGN_OR_RETURN(
      std::unique_ptr<IserBuffer> buffer,
      IserBuffer::Create(link->iser->domain().get(), {.name = step.buffer(),
                                                      .length = step.length(),
                                                      .rights = rights,
                                                      .seed = NextFillSeed()}));
  if (step.has_contents()) {
    v1::Data contents = step.contents();
    if (contents.has_pattern() && contents.pattern().length() == 0) {
      contents.mutable_pattern()->set_length(step.length());
    }
    PUSHPULL_ASSIGN_OR_RETURN(const std::string bytes, DataBytes(contents));
    std::copy_n(bytes.begin(), std::min<size_t>(bytes.size(), step.length()),
                buffer->data().begin());
  }
  reachable_.push_back(buffer.get());
  std::unique_ptr<IserBuffer>& slot = buffers_[step.buffer()];
  if (slot != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("register: buffer \"", step.buffer(), "\" is there already"));
  }
  slot = std::move(buffer);
  return absl::OkStatus();
}

IserBuffer* Play::FindBuffer(const std::string& name, bool write) {
  if (const auto it = buffers_.find(name); it != buffers_.end()) return it->second.get();
  const Task* task = FindTask(name);
  if (task == nullptr || task->buffers == nullptr) return nullptr;
  return write ? task->buffers->write : task->buffers->read;
}

void Play::ReleaseBuffers(Task* task) {
  if (task->buffers == nullptr) return;
  for (IserBuffer* buffer : {task->buffers->own_read.get(), task->buffers->own_write.get()}) {
    if (buffer == nullptr) continue;
    buffer->Release();
    reachable_.erase(std::remove(reachable_.begin(), reachable_.end(), buffer), reachable_.end());
  }
}

absl::Status Play::MakeTaskBuffers(const v1::Pdu& pdu, Link* link, Task* task,
                                   const SendOptions& options, OutgoingPdu* out) {
  task->buffers = std::make_unique<TaskBuffers>();
  TaskBuffers& buffers = *task->buffers;
  const v1::ScsiCommand& command = pdu.scsi_command();
  const bool too_short = options.misbehaviour == v1::ISER_KEY_TOO_SHORT;
  const auto make = [&](bool write, uint64_t bytes) -> absl::StatusOr<std::unique_ptr<IserBuffer>> {
    IserBuffer::Options made = {
        .name = BufferName(*task, write),
        .length = std::min(bytes, kMaxBufferBytes),
        .rights = write ? RdmaRights::kRemoteRead : RdmaRights::kRemoteWrite,
        .seed = NextFillSeed()};
    if (too_short) made.key_length = made.length / 2;
    PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<IserBuffer> buffer,
                              IserBuffer::Create(link->iser->domain().get(), std::move(made)));
    reachable_.push_back(buffer.get());
    out->binds.push_back(buffer.get());
    return buffer;
  };
  const auto named = [&](const std::string& name) -> absl::StatusOr<IserBuffer*> {
    IserBuffer* const buffer = FindBuffer(name, /*write=*/false);
    if (buffer == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("no buffer \"", name, "\": register it first"));
    }
    out->binds.push_back(buffer);
    return buffer;
  };
  const v1::IserSend* const iser = options.iser;
  if (iser != nullptr && !iser->read_buffer().empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(buffers.read, named(iser->read_buffer()));
  } else if (const uint32_t length = ReadLength(pdu); length > 0) {
    PUSHPULL_ASSIGN_OR_RETURN(buffers.own_read, make(false, length));
    buffers.read = buffers.own_read.get();
  }
  const uint32_t expected = command.expected_data_transfer_length();
  const bool solicited = command.write() && Unsolicited(pdu, *link->session) < expected;
  if (iser != nullptr && !iser->write_buffer().empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(buffers.write, named(iser->write_buffer()));
  } else if (solicited) {
    PUSHPULL_ASSIGN_OR_RETURN(buffers.own_write, make(true, expected));
    buffers.write = buffers.own_write.get();
    const std::string data = task->DataAt(0, buffers.write->length());
    std::copy(data.begin(), data.end(), buffers.write->data().begin());
  }
  return absl::OkStatus();
}

// ---- what goes before a PDU ------------------------------------------------------------------

absl::Status Play::Advertise(const v1::Pdu& pdu, Link* link, Task* task, const SendOptions& options,
                             ControlHeader* header, OutgoingPdu* out) {
  // A command that is sent again is about the buffers that it had.
  if (task->buffers == nullptr) {
    PUSHPULL_RETURN_IF_ERROR(MakeTaskBuffers(pdu, link, task, options, out));
  }
  // The keys are known once their binding is made, which the channel does as it posts.
  TaskBuffers& buffers = *task->buffers;
  const auto key_of = [](const IserBuffer& buffer) { return buffer.next_key(); };
  if (buffers.read != nullptr) {
    header->read_stag_valid = true;
    header->read = {.stag = key_of(*buffers.read), .base_offset = buffers.read->address()};
  }
  if (buffers.write != nullptr) {
    header->write_stag_valid = true;
    header->write = {.stag = key_of(*buffers.write), .base_offset = buffers.write->address()};
    // §6.9: by default the buffer holds all data; declared otherwise, and with Linux always, only
    // what isn't sent unsolicited.
    const bool solicited_only = options_.iser_dialect == IserDialect::kLinux ||
                                link->session->parameters.Yes("TaggedBufferForSolicitedDataOnly");
    if (solicited_only) header->write.base_offset += Unsolicited(pdu, *link->session);
  }
  constexpr uint32_t kAnotherKey = 0x5a5a5a00;
  switch (options.misbehaviour) {
    case v1::ISER_KEY_BAD:
      buffers.any_key = true;
      header->read.stag ^= kAnotherKey;
      header->write.stag ^= kAnotherKey;
      break;
    case v1::ISER_KEY_TOO_SHORT:
    case v1::ISER_INVALIDATED_EARLY:
      buffers.any_key = true;
      break;
    default:
      break;
  }
  return absl::OkStatus();
}

absl::Status Play::WrapInIser(const v1::Pdu& pdu, const PduLayout& layout, Link* link, Task* task,
                              const SendOptions& options, OutgoingPdu* out) {
  // No pad is sent, unless the scenario says which.
  if (!pdu.has_pad() && out->bytes.size() == layout.end) out->bytes.resize(layout.pad);
  out->cuts.clear();
  const bool has_header = link->full_feature() || options_.iser_dialect == IserDialect::kLinux;
  if (has_header) {
    ControlHeader header;
    if (pdu.has_scsi_command() && link->full_feature() && task != nullptr) {
      PUSHPULL_RETURN_IF_ERROR(Advertise(pdu, link, task, options, &header, out));
    }
    const IserHeader bytes = EncodeIserHeader(header);
    out->iser_header.assign(bytes.begin(), bytes.end());
    if (options.iser != nullptr && options.iser->flags_clear()) out->iser_header[0] &= 0xf3;
  }
  const v1::IserSend* const iser = options.iser;
  if (iser != nullptr && iser->has_header()) {
    out->iser_header.assign(iser->header().begin(), iser->header().end());
    out->misbehaving = true;
  }
  if (iser != nullptr && iser->has_header_or()) {
    for (size_t i = 0; i < std::min(iser->header_or().size(), out->iser_header.size()); ++i) {
      out->iser_header[i] |= static_cast<uint8_t>(iser->header_or()[i]);
    }
  }
  switch (options.misbehaviour) {
    case v1::ISER_SHORT_SEND:
      out->posted_bytes = out->iser_header.size() + kBhsSize / 2;
      break;
    case v1::ISER_LENGTH_LIES:
      // DataSegmentLength says 512 bytes more than there are (RFC 7145 §10.1.3.3).
      base::StoreBe24(out->bytes.data() + 5,
                      (base::LoadBe24(out->bytes.data() + 5) + 512) & 0xffffff);
      break;
    case v1::ISER_OPCODE_WRONG:
      if (!out->iser_header.empty()) out->iser_header[0] |= 0xf0;
      break;
    case v1::ISER_HELLO_NOT_DUE:
      PUSHPULL_RETURN_IF_ERROR(SendHello(link, {}));
      break;
    default:
      break;
  }
  if (iser != nullptr && iser->has_length()) {
    out->posted_bytes = iser->length();
    out->misbehaving = true;
  }
  if (options.misbehaviour == v1::ISER_INVALIDATED_EARLY && task != nullptr) {
    // The key is advertised, and leads nowhere.
    out->binds.clear();
    ReleaseBuffers(task);
  }
  return absl::OkStatus();
}

}  // namespace pushpull::initiator_sim
