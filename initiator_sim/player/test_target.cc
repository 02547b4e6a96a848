#include "initiator_sim/player/test_target.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "google/protobuf/text_format.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

constexpr uint32_t kBlock = 512;

void SetIfUnset(v1::Pdu* pdu, std::string_view field, uint64_t value) {
  const auto old = GetField(*pdu, field);
  if (old.ok() && !old->has_value()) CHECK(SetField(pdu, field, value).ok());
}

bool TakesStatSn(const v1::Pdu& pdu) {
  if (pdu.has_r2t()) return false;
  if (pdu.has_data_in()) return pdu.data_in().status_present();
  if (pdu.has_nop_in()) return pdu.nop_in().initiator_task_tag() != kReservedTag;
  return !pdu.has_raw();
}

std::string UnitAttentionSense() {
  v1::SenseData sense;
  sense.set_sense_key(v1::UNIT_ATTENTION);
  sense.set_additional_sense_code(0x29);
  return EncodeSense(sense);
}

}  // namespace

void TestTarget::Connection::SendBytes(const std::vector<uint8_t>& bytes) {
  out_.append(bytes.begin(), bytes.end());
  target->OnWritable(this);
}

void TestTarget::Connection::Send(v1::Pdu pdu) {
  SetIfUnset(&pdu, "exp_cmd_sn", target->exp_cmd_sn);
  SetIfUnset(&pdu, "max_cmd_sn", target->exp_cmd_sn + target->window - 1);
  if (!pdu.has_data_in() || pdu.data_in().status_present()) SetIfUnset(&pdu, "stat_sn", stat_sn);
  if (TakesStatSn(pdu)) ++stat_sn;
  const auto encoded = Encode(pdu, full_feature ? digests : Digests());
  CHECK(encoded.ok()) << std::string(encoded.status().message());
  SendBytes(encoded->bytes);
}

TestTarget::TestTarget(fabric::SimWorld* world, fabric::SimNetwork* network,
                       const fabric::Address& address)
    : loop_(world->NewLoop()) {
  auto listener = network->Listen(loop_, address, [this](std::unique_ptr<fabric::Stream> stream) {
    connections.push_back(std::make_unique<Connection>());
    Connection* const connection = connections.back().get();
    connection->target = this;
    connection->number = connections.size() - 1;
    connection->stream_ = std::move(stream);
    connection->stream_->SetHandlers([this, connection] { OnReadable(connection); },
                                     [this, connection] { OnWritable(connection); });
  });
  CHECK(listener.ok());
  listener_ = *std::move(listener);
}

void TestTarget::OnWritable(Connection* connection) {
  while (!connection->out_.empty()) {
    const iovec buffer = {connection->out_.data(), connection->out_.size()};
    const fabric::IoResult result = connection->stream_->TryWrite({&buffer, 1});
    if (result.kind != fabric::IoResult::Kind::kBytes) return;
    connection->out_.erase(0, result.bytes);
  }
}

void TestTarget::OnReadable(Connection* connection) {
  uint8_t bytes[4096];
  for (;;) {
    const iovec buffer = {bytes, sizeof bytes};
    const fabric::IoResult result = connection->stream_->TryRead({&buffer, 1});
    if (result.kind == fabric::IoResult::Kind::kWouldBlock) return;
    if (result.kind != fabric::IoResult::Kind::kBytes) {
      connection->stream_->Close();
      return;
    }
    connection->framer_.Append({bytes, result.bytes});
    while (std::optional<Frame> frame = connection->framer_.Next()) {
      seen.push_back({connection->number, frame->decoded.pdu, frame->bytes});
      Handle(*connection, frame->decoded.pdu);
    }
  }
}

std::vector<v1::Pdu> TestTarget::Seen(v1::Pdu::KindCase kind) const {
  std::vector<v1::Pdu> pdus;
  for (const SeenPdu& one : seen) {
    if (one.pdu.kind_case() == kind) pdus.push_back(one.pdu);
  }
  return pdus;
}

void TestTarget::Handle(Connection& connection, const v1::Pdu& pdu) {
  const auto cmd_sn = GetField(pdu, "cmd_sn");
  if (pdu.has_login_request()) {
    if (pdu.login_request().tsih() == 0 && !connection.full_feature) {
      exp_cmd_sn = pdu.login_request().cmd_sn();
    }
  } else if (!pdu.immediate() && cmd_sn.ok() && cmd_sn->has_value() &&
             std::get<uint64_t>(**cmd_sn) == exp_cmd_sn) {
    ++exp_cmd_sn;
  }
  if (on_pdu && on_pdu(connection, pdu)) return;
  v1::Pdu answer;
  switch (pdu.kind_case()) {
    case v1::Pdu::kLoginRequest:
      return Login(connection, pdu);
    case v1::Pdu::kNopOut:
      if (pdu.nop_out().initiator_task_tag() == kReservedTag) return;
      answer.mutable_nop_in()->set_initiator_task_tag(pdu.nop_out().initiator_task_tag());
      *answer.mutable_data() = pdu.data();
      break;
    case v1::Pdu::kScsiCommand:
      return Command(connection, pdu);
    case v1::Pdu::kDataOut: {
      const uint32_t tag = pdu.data_out().initiator_task_tag();
      const std::string data = DataBytes(pdu.data()).value_or("");
      std::string& received = connection.received[tag];
      if (received.size() < pdu.data_out().buffer_offset() + data.size()) {
        received.resize(pdu.data_out().buffer_offset() + data.size());
      }
      received.replace(pdu.data_out().buffer_offset(), data.size(), data);
      if (pdu.data_out().final()) AskForData(connection, tag);
      return;
    }
    case v1::Pdu::kLogoutRequest:
      answer.mutable_logout_response()->set_initiator_task_tag(
          pdu.logout_request().initiator_task_tag());
      break;
    case v1::Pdu::kTaskManagementRequest:
      answer.mutable_task_management_response()->set_initiator_task_tag(
          pdu.task_management_request().initiator_task_tag());
      break;
    default:
      return;
  }
  connection.Send(std::move(answer));
}

void TestTarget::Login(Connection& connection, const v1::Pdu& pdu) {
  const v1::LoginRequest& request = pdu.login_request();
  v1::Pdu answer;
  v1::LoginResponse* response = answer.mutable_login_response();
  response->set_initiator_task_tag(request.initiator_task_tag());
  response->set_isid(request.isid());
  response->set_tsih(request.tsih());
  response->set_current_stage(request.current_stage());
  if (request.transit()) {
    response->set_transit(true);
    response->set_next_stage(request.next_stage());
    if (request.tsih() == 0 && request.next_stage() == v1::FULL_FEATURE_PHASE) {
      response->set_tsih(7);
    }
    if (request.current_stage() == v1::LOGIN_OPERATIONAL_NEGOTIATION) {
      for (const auto& [name, value] : login_keys) {
        v1::KeyValue* key = answer.mutable_data()->mutable_keys()->add_key();
        key->set_name(name);
        key->set_value(value);
        if (value == "CRC32C") {
          (name == "HeaderDigest" ? connection.digests.header_digest
                                  : connection.digests.data_digest) = true;
        }
      }
    } else {
      v1::KeyValue* key = answer.mutable_data()->mutable_keys()->add_key();
      key->set_name("AuthMethod");
      key->set_value("None");
    }
  }
  connection.Send(std::move(answer));
  if (request.transit() && request.next_stage() == v1::FULL_FEATURE_PHASE) {
    connection.full_feature = true;
    connection.framer_.set_digests(connection.digests);
  }
}

void TestTarget::Respond(Connection& connection, const v1::Pdu& command, v1::ScsiStatus status,
                         const std::string& sense) {
  v1::Pdu answer;
  answer.mutable_scsi_response()->set_initiator_task_tag(
      command.scsi_command().initiator_task_tag());
  answer.mutable_scsi_response()->set_status(status);
  if (!sense.empty()) {
    answer.mutable_data()->set_raw(std::string(1, '\0') + static_cast<char>(sense.size()) + sense);
  }
  connection.Send(std::move(answer));
}

void TestTarget::Command(Connection& connection, const v1::Pdu& pdu) {
  const v1::ScsiCommand& command = pdu.scsi_command();
  if (unit_attentions > 0) {
    --unit_attentions;
    return Respond(connection, pdu, v1::CHECK_CONDITION, UnitAttentionSense());
  }
  if (command.write()) {
    const uint32_t tag = command.initiator_task_tag();
    connection.writes[tag] = pdu;
    connection.received[tag] = DataBytes(pdu.data()).value_or("");
    if (command.final()) AskForData(connection, tag);
    return;
  }
  if (command.read()) {
    const std::vector<uint8_t> cdb = CdbOf(pdu);
    const size_t lba = base::LoadBe32(&cdb[2]);
    const std::string data = disk.substr(lba * kBlock, command.expected_data_transfer_length());
    constexpr size_t kSegment = 1024;
    uint32_t data_sn = 0;
    for (size_t at = 0; at < data.size(); at += kSegment) {
      v1::Pdu in;
      in.mutable_data_in()->set_initiator_task_tag(command.initiator_task_tag());
      in.mutable_data_in()->set_data_sn(data_sn++);
      in.mutable_data_in()->set_buffer_offset(static_cast<uint32_t>(at));
      in.mutable_data_in()->set_final(at + kSegment >= data.size());
      in.mutable_data()->set_raw(data.substr(at, kSegment));
      connection.Send(std::move(in));
    }
  }
  Respond(connection, pdu, v1::GOOD);
}

// In pieces of 4 KiB.
void TestTarget::AskForData(Connection& connection, uint32_t tag) {
  const v1::Pdu& pdu = connection.writes[tag];
  const v1::ScsiCommand& command = pdu.scsi_command();
  const std::string& data = connection.received[tag];
  const uint32_t expected = command.expected_data_transfer_length();
  if (data.size() >= expected) {
    const std::vector<uint8_t> cdb = CdbOf(pdu);
    disk.replace(base::LoadBe32(&cdb[2]) * kBlock, expected, data.substr(0, expected));
    return Respond(connection, pdu, v1::GOOD);
  }
  v1::Pdu r2t;
  r2t.mutable_r2t()->set_initiator_task_tag(tag);
  r2t.mutable_r2t()->set_lun_bytes(command.lun_bytes());
  r2t.mutable_r2t()->set_target_transfer_tag(0x7000 + connection.r2t_sns[tag]);
  r2t.mutable_r2t()->set_r2t_sn(connection.r2t_sns[tag]++);
  r2t.mutable_r2t()->set_buffer_offset(static_cast<uint32_t>(data.size()));
  r2t.mutable_r2t()->set_desired_data_transfer_length(
      std::min<uint32_t>(4096, expected - static_cast<uint32_t>(data.size())));
  connection.Send(std::move(r2t));
}

PlayerTestBed::PlayerTestBed(uint64_t seed, const fabric::SimOptions& sim_options)
    : world(seed),
      network(&world, sim_options),
      target(&world, &network, fabric::Address{.host = "192.0.2.1", .port = 3260}) {
  options.network = &network;
  options.loop = world.NewLoop();
  options.portals = {fabric::Address{.host = "192.0.2.1", .port = 3260}};
  options.target_name = "iqn.2026-11.org.example:disk";
}

PlayResult PlayerTestBed::Play(const std::string& textproto) {
  Script script;
  CHECK(google::protobuf::TextFormat::ParseFromString(textproto, &script.scenario)) << textproto;
  script.file = "test.textproto";
  for (int i = 0; i < script.scenario.step_size(); ++i) {
    script.step_lines.push_back(static_cast<uint32_t>(10 + i));
  }
  std::optional<PlayResult> result;
  Player player(options, std::move(script));
  player.Start([&](PlayResult one) { result = std::move(one); });
  world.RunUntil([&] { return result.has_value(); });
  CHECK(result.has_value()) << "the play never ended";
  return *std::move(result);
}

std::string VerdictOf(const PlayResult& result) {
  const std::string name = v1::Verdict_Name(result.verdict);
  return result.failure.message().empty() ? name
                                          : absl::StrCat(name, ": ", result.failure.message());
}

}  // namespace pushpull::initiator_sim
