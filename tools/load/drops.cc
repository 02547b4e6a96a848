#include "tools/load/drops.h"

#include <string>
#include <utility>

namespace pushpull::tools {
namespace {

enum Stage : size_t {
  kConnected,
  kWithinLogin,
  kBetweenLogins,
  kLoggedIn,
  kReadsUnderWay,
  kR2tOpen,
  kWithinDataOut,
};
static_assert(kDropStages.size() == kWithinDataOut + 1);

constexpr uint32_t kBlocks = 128;
constexpr size_t kCommands = 8;
constexpr int kMostWaits = 5000;

v1::Cdb Blocks(bool write) {
  v1::Cdb cdb;
  v1::ReadWriteCdb* const fields = write ? cdb.mutable_write() : cdb.mutable_read();
  fields->set_size(10);
  fields->set_blocks(kBlocks);
  return cdb;
}

}  // namespace

Dropper::Dropper(fabric::Network* network, fabric::Loop* loop, ClientIdentity identity,
                 fabric::Address address, Next next, std::function<void(absl::Status)> failed,
                 std::function<void()> finished)
    : network_(network),
      loop_(loop),
      identity_(std::move(identity)),
      address_(std::move(address)),
      next_(std::move(next)),
      failed_(std::move(failed)),
      finished_(std::move(finished)),
      timer_(loop) {}

void Dropper::Again() {
  const int64_t stage = next_();
  if (stage < 0) return finished_();
  waits_ = 0;
  client_ = std::make_unique<Client>(network_, loop_, identity_);
  client_->Connect(address_, [this, stage](const absl::Status& status) {
    status.ok() ? OnConnected(static_cast<size_t>(stage)) : Fail(status);
  });
}

// Not from within the client's own call.
void Dropper::DropNow() {
  // What went wrong may come to light twice.
  if (std::exchange(dropping_, true)) return;
  loop_->Post([life = life_] {
    if (*life != nullptr) (*life)->DropAndGoOn();
  });
}

void Dropper::DropAndGoOn() {
  dropping_ = false;
  client_->Drop(/*reset=*/++drops_ % 2 == 0);
  client_.reset();
  Again();
}

void Dropper::Fail(const absl::Status& status) {
  failed_(status);
  DropNow();
}

void Dropper::OnConnected(size_t stage) {
  if (stage == kConnected) return DropNow();
  if (stage == kWithinLogin || stage == kBetweenLogins) {
    v1::Pdu login = client_->FirstLoginRequest();
    if (stage == kBetweenLogins) {
      login.mutable_login_request()->set_transit(false);
      login.mutable_login_request()->clear_next_stage();
    }
    const std::string bytes = client_->Encode(&login);
    client_->SendBytes(bytes.substr(0, stage == kWithinLogin ? bytes.size() / 2 : bytes.size()));
    return DropNow();
  }
  client_->set_sends_data(false);
  client_->LogIn([this, stage](const absl::Status& status) {
    status.ok() ? OnLoggedIn(stage) : Fail(status);
  });
}

void Dropper::OnLoggedIn(size_t stage) {
  if (stage == kLoggedIn) return DropNow();
  client_->ClearUnitAttentions([this, stage](const absl::Status& status) {
    if (!status.ok()) return Fail(status);
    if (stage == kReadsUnderWay) {
      for (size_t i = 0; i < kCommands; ++i) {
        client_->Send(client_->CommandPdu(Blocks(false), kBlocks * 512, 0));
      }
      return DropNow();
    }
    client_->Send(client_->CommandPdu(Blocks(true), 0, kBlocks * 512));
    AwaitR2t(stage);
  });
}

void Dropper::AwaitR2t(size_t stage) {
  if (client_->r2ts() == 0) {
    if (++waits_ > kMostWaits || !client_->open()) {
      return Fail(absl::DeadlineExceededError("no R2T came for a write"));
    }
    return timer_.Start(absl::Milliseconds(1), [this, stage] { AwaitR2t(stage); });
  }
  // The beginning of some Data-Out: 48 bytes of header, and less data than it says.
  if (stage == kWithinDataOut) {
    v1::Pdu pdu;
    pdu.mutable_data_out()->set_initiator_task_tag(client_->last_r2t_task());
    pdu.mutable_data_out()->set_target_transfer_tag(client_->last_r2t_tag());
    pdu.mutable_data_out()->set_lun_bytes(client_->lun_bytes());
    pdu.mutable_data()->set_raw(std::string(4096, 'd'));
    client_->SendBytes(client_->Encode(&pdu).substr(0, 1000));
  }
  DropNow();
}

}  // namespace pushpull::tools
