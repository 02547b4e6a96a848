#include "tools/load/peers.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"

namespace pushpull::tools {
namespace {

constexpr PeerKind kKinds[] = {
    {"deaf-reader", "asks for 32 reads of 4 MiB, and takes nothing of them"},
    {"slow-reader", "the same, and takes one byte a second"},
    {"slow-writer", "sends a write with its data one byte a second"},
    {"stops-in-header", "sends 20 bytes of a command, and no more"},
    {"stops-in-ahs", "sends a command, and of its AHS the first bytes"},
    {"stops-in-data", "sends a command, and of its data the first half"},
    {"slow-login", "sends its Login Request one byte a second"},
    {"endless-login", "sends a login's text in parts (C bit), and never the last one"},
    {"writes-without-data", "fills the window with writes, ORDERED ones among them, without data"},
    {"endless-text", "begins a Text exchange (C bit), and never ends it"},
    {"answers-no-ping", "logs in, and answers nothing"},
};

constexpr uint32_t kReadBlocks = 8192;
constexpr absl::Duration kPace = absl::Seconds(1);

v1::Cdb Blocks(bool write, uint32_t blocks) {
  v1::Cdb cdb;
  v1::ReadWriteCdb* const fields = write ? cdb.mutable_write() : cdb.mutable_read();
  fields->set_size(10);
  fields->set_blocks(blocks);
  return cdb;
}

}  // namespace

std::span<const PeerKind> PeerKinds() { return kKinds; }

bool IsPeerKind(std::string_view name) {
  return std::ranges::any_of(kKinds, [name](const PeerKind& kind) { return kind.name == name; });
}

Peer::Peer(fabric::Network* network, fabric::Loop* loop, ClientIdentity identity,
           fabric::Address address, std::string kind)
    : network_(network),
      loop_(loop),
      identity_(std::move(identity)),
      address_(std::move(address)),
      kind_(std::move(kind)),
      timer_(loop) {}

void Peer::Start() {
  client_ = std::make_unique<Client>(network_, loop_, identity_);
  client_->set_on_lost([this](const absl::Status&) { Comeback(); });
  client_->Connect(
      address_, [this](const absl::Status& status) { status.ok() ? OnConnected() : Comeback(); });
}

// Not at once: a target that refuses it would have nothing else to do.
void Peer::Comeback() {
  timer_.Start(kPace, [this] { Start(); });
}

void Peer::OnConnected() {
  if (kind_ == "slow-login") {
    v1::Pdu login = client_->FirstLoginRequest();
    trickle_ = client_->Encode(&login);
    return Trickle();
  }
  if (kind_ == "endless-login") {
    v1::Pdu login = client_->FirstLoginRequest();
    login.mutable_login_request()->set_transit(false);
    login.mutable_login_request()->set_text_continue(true);
    login.mutable_login_request()->clear_next_stage();
    trickle_ = client_->Encode(&login);
    client_->SendBytes(std::exchange(trickle_, ""));
    return;
  }
  client_->LogIn([this](const absl::Status& status) {
    if (!status.ok()) return Comeback();
    client_->ClearUnitAttentions([this](const absl::Status& status) {
      if (!status.ok()) return Comeback();
      Misbehave();
    });
  });
}

void Peer::Trickle() {
  if (!client_->open()) return;
  if (kind_ == "slow-reader") {
    client_->ReadSome(1);
  } else {
    if (trickle_.empty()) return;
    client_->SendBytes(trickle_.substr(0, 1));
    trickle_.erase(0, 1);
  }
  timer_.Start(kPace, [this] { Trickle(); });
}

void Peer::Misbehave() {
  client_->set_answers_pings(false);
  client_->set_sends_data(false);
  if (kind_ == "deaf-reader" || kind_ == "slow-reader") {
    client_->StopReading();
    for (int i = 0; i < 32; ++i) {
      client_->Send(client_->CommandPdu(Blocks(false, kReadBlocks), kReadBlocks * 512, 0));
    }
    if (kind_ == "slow-reader") Trickle();
  } else if (kind_ == "writes-without-data") {
    for (int i = 0; i < 100; ++i) {
      v1::Pdu write = client_->CommandPdu(Blocks(true, 2048), 0, 2048 * 512);
      if (i % 3 == 1) write.mutable_scsi_command()->set_attr(v1::ORDERED);
      client_->Send(std::move(write));
    }
  } else if (kind_ == "endless-text") {
    v1::Pdu text;
    text.set_immediate(true);
    text.mutable_text_request()->set_final(false);
    text.mutable_text_request()->set_text_continue(true);
    text.mutable_data()->set_raw("X-org.example.endless=" + std::string(4000, 'x'));
    client_->Send(std::move(text));
  } else if (kind_ != "answers-no-ping") {
    WriteWithoutEnd();
  }
}

// A write with an AHS and immediate data, of which the rest never comes, or slowly.
void Peer::WriteWithoutEnd() {
  v1::Pdu write = client_->CommandPdu(Blocks(true, 8), 0, 8 * 512);
  v1::Ahs* const ahs = write.add_ahs();
  ahs->set_ahs_type(1);
  ahs->set_specific(std::string(5, '\0'));
  write.mutable_data()->set_raw(std::string(4096, 'w'));
  const std::string bytes = client_->Encode(&write);
  if (kind_ == "slow-writer") {
    trickle_ = bytes;
    return Trickle();
  }
  const size_t sent = kind_ == "stops-in-header" ? 20 : kind_ == "stops-in-ahs" ? 51 : 2000;
  client_->SendBytes(bytes.substr(0, sent));
}

}  // namespace pushpull::tools
