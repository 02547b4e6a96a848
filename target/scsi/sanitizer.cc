#include "target/scsi/sanitizer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "target/scsi/commands/blocks.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/nexus.h"

namespace pushpull::target {
namespace {

// As much as is done before others have their turn on the loop.
constexpr uint64_t kWriteBytes = commands::kWriteSliceBytes;
constexpr uint64_t kEraseBytes = commands::kUnmapSliceBytes;

constexpr uint8_t kSanitize = 0x48;

}  // namespace

uint64_t Sanitizer::size_bytes() const { return unit_->blocks() * unit_->block_size(); }

std::optional<Sense> Sanitizer::PendingSense() const {
  switch (state()) {
    case State::kNone:
      return std::nullopt;
    case State::kRunning: {
      Sense sense = sense::kSanitizeInProgress;
      sense.progress = progress_.load(std::memory_order_relaxed);
      return sense;
    }
    default:
      return sense::kSanitizeFailed;
  }
}

// INQUIRY, REPORT LUNS and REQUEST SENSE are answered all the same: those that a unit attention
// doesn't hold up either. After a failure, SANITIZE is the way out.
std::optional<Sense> Sanitizer::RefusesInState(const CommandEntry& entry) const {
  const bool refuses_all = unit_->device().bugs.Has(Bug::kScsiSanitizeRefusesInquiry);
  if ((entry.flags & kDespiteUnitAttention) != 0 && !refuses_all) return std::nullopt;
  const std::optional<Sense> sense = PendingSense();
  const bool again = entry.opcode == kSanitize && state() != State::kRunning;
  return again ? std::nullopt : sense;
}

// ---- the beginning ---------------------------------------------------------------------------

bool Sanitizer::Begin(Job job, Task* task, bool waits) {
  State before = state();
  if (before == State::kRunning) return false;
  if (!state_.compare_exchange_strong(before, State::kRunning)) return false;
  job_ = std::move(job);
  waiter_ = waits ? task : nullptr;
  pass_ = 0;
  const bool begins_late = unit_->device().bugs.Has(Bug::kScsiSanitizeStopsShort);
  position_ = begins_late ? std::min(kWriteBytes, size_bytes()) : 0;
  FillChunk();
  task->nexus->BeginBackground();
  task->nexus->loop()->Post(
      [unit = unit_->shared_from_this(), this, nexus = task->nexus] { Run(nexus); });
  return true;
}

void Sanitizer::FillChunk() {
  const bool erases_itself = job_.block.empty() && unit_->can_unmap();
  if (erases_itself) return chunk_.clear();
  chunk_.assign(std::min(kWriteBytes, size_bytes()), 0);
  if (job_.block.empty()) return;
  for (size_t at = 0; at < chunk_.size(); at += job_.block.size()) {
    std::memcpy(&chunk_[at], job_.block.data(), job_.block.size());
  }
}

void Sanitizer::ExitFailureMode() {
  State failed = State::kFailed;
  state_.compare_exchange_strong(failed, State::kNone);
}

bool Sanitizer::Forget(Task* task) {
  Task* expected = task;
  return waiter_.compare_exchange_strong(expected, nullptr);
}

// ---- going on --------------------------------------------------------------------------------

void Sanitizer::Run(Nexus* nexus) {
  if (nexus->closing()) return HandOver(nexus);
  SubmitNext(nexus);
}

void Sanitizer::SubmitNext(Nexus* nexus) {
  const uint64_t left = size_bytes() - position_;
  io_.loop = nexus->loop();
  io_.durable = false;
  io_.offset = position_;
  io_.buffers = {};
  if (left == 0) {
    io_.op = Io::Op::kFlush;
    io_.offset = 0;
  } else if (chunk_.empty()) {
    io_.op = Io::Op::kUnmap;
    io_.bytes = std::min(left, kEraseBytes);
  } else {
    io_.op = Io::Op::kWrite;
    buffer_ = {chunk_.data(), std::min<uint64_t>(left, chunk_.size())};
    io_.buffers = {&buffer_, 1};
  }
  io_.done = [unit = unit_->shared_from_this(), this, nexus](const absl::Status& status) {
    OnIo(nexus, status);
  };
  const std::optional<absl::Status> status = unit_->store()->Submit(&io_);
  if (!status.has_value()) return;
  io_.done = nullptr;
  OnIo(nexus, *status);
}

void Sanitizer::OnIo(Nexus* nexus, const absl::Status& status) {
  if (!status.ok()) return End(nexus, status);
  position_ += IoLength(io_);
  if (io_.op == Io::Op::kFlush && ++pass_ == job_.passes) return End(nexus, status);
  if (io_.op == Io::Op::kFlush) {
    position_ = 0;
    if (job_.invert) {
      for (uint8_t& byte : chunk_) byte = static_cast<uint8_t>(~byte);
    }
  }
  const double done =
      (pass_ + static_cast<double>(position_) / static_cast<double>(size_bytes())) / job_.passes;
  progress_ = static_cast<uint16_t>(std::min(done * 65536, 65535.0));
  nexus->loop()->Post([unit = unit_->shared_from_this(), this, nexus] { Run(nexus); });
}

// To a nexus that stays, if there is one.
void Sanitizer::HandOver(Nexus* nexus) {
  // Who waits is of this nexus, and is being aborted with it.
  Task* const waiter = waiter_.exchange(nullptr);
  if (waiter != nullptr) unit_->Continue(waiter, absl::CancelledError());
  RunOnAnother();
  nexus->EndBackground();
}

void Sanitizer::RunOnAnother() {
  const auto stays = [this](Nexus* nexus) {
    if (nexus->closing()) return false;
    PostRun(nexus);
    return true;
  };
  unit_->device().nexuses->FindOrWait(stays, [this](Nexus* nexus) { PostRun(nexus); });
}

// It may be gone when its loop comes to it, and even another may be in its place.
void Sanitizer::PostRun(Nexus* nexus) {
  fabric::Loop* const loop = nexus->loop();
  loop->Post([unit = unit_->shared_from_this(), this, nexus, loop] {
    bool found = false;
    unit_->device().nexuses->ForEach([&](Nexus* open) {
      found = found || (open == nexus && open->loop() == loop && !open->closing());
    });
    if (!found) return RunOnAnother();
    nexus->BeginBackground();
    Run(nexus);
  });
}

void Sanitizer::End(Nexus* nexus, const absl::Status& status) {
  chunk_ = {};
  Task* const waiter = waiter_.exchange(nullptr);
  progress_ = 0;
  const State failed = job_.unrestricted_exit ? State::kFailed : State::kFailedRestricted;
  state_ = status.ok() ? State::kNone : failed;
  if (waiter != nullptr) unit_->Continue(waiter, status);
  nexus->EndBackground();
}

}  // namespace pushpull::target
