#include "tools/load/session_worker.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/bytes.h"
#include "base/text.h"
#include "tools/load/stamp.h"

namespace pushpull::tools {
namespace {

v1::Cdb Blocks(bool write, uint64_t lba, uint32_t blocks) {
  v1::Cdb cdb;
  v1::ReadWriteCdb* const fields = write ? cdb.mutable_write() : cdb.mutable_read();
  fields->set_size(lba > UINT32_MAX || blocks > UINT16_MAX ? 16 : 10);
  fields->set_lba(lba);
  fields->set_blocks(blocks);
  return cdb;
}

}  // namespace

SessionWorker::SessionWorker(fabric::Network* network, fabric::Loop* loop, ClientIdentity identity,
                             const WorkerConfig& config, Faults* faults)
    : config_(config),
      faults_(faults),
      client_(network, loop, std::move(identity)),
      random_(config.seed),
      lanes_(config.depth) {
  for (size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i].first_lba = config.first_lba + uint64_t{i} * kPlaces * config.io_blocks;
  }
}

std::string SessionWorker::Name() const { return absl::StrCat("session ", config_.number, ": "); }

void SessionWorker::Open(const fabric::Address& address, Client::Done done) {
  client_.Open(address, std::move(done));
}

void SessionWorker::Start(absl::AnyInvocable<void()> finished) {
  finished_ = std::move(finished);
  lanes_running_ = lanes_.size();
  NoteProgress();
  for (size_t lane = 0; lane < lanes_.size(); ++lane) Step(lane);
}

void SessionWorker::Step(size_t lane) {
  if (stopping_ || (config_.commands.has_value() && begun_ >= *config_.commands)) return LaneEnds();
  ++begun_;
  const auto place = static_cast<uint32_t>(random_.Below(kPlaces));
  // What was written before is read again now and then: somebody may have written over it.
  if (lanes_[lane].generations[place] > 0 && random_.Chance(50)) return Read(lane, place);
  Write(lane, place);
}

void SessionWorker::NoteProgress() {
  last_answer_ns_.store(absl::ToUnixNanos(absl::Now()), std::memory_order_relaxed);
}

void SessionWorker::LaneEnds() {
  if (--lanes_running_ > 0) return;
  last_answer_ns_.store(INT64_MAX, std::memory_order_relaxed);
  if (!client_.open()) return finished_();
  client_.LogOut([this](const absl::Status& status) {
    if (!status.ok()) faults_->Add(absl::StrCat(Name(), "logout: ", std::string(status.message())));
    client_.Drop(/*reset=*/false);
    finished_();
  });
}

bool SessionWorker::Took(const absl::StatusOr<Client::Answer>& answer, std::string_view what) {
  NoteProgress();
  if (answer.ok() && answer->status == 0) {
    commands_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  faults_->Add(absl::StrCat(Name(), base::ToAbsl(what), ": ",
                            !answer.ok()
                                ? std::string(answer.status().message())
                                : absl::StrCat("status ", answer->status, " ", answer->sense)));
  stopping_ |= !answer.ok();
  return false;
}

void SessionWorker::Write(size_t lane, uint32_t place) {
  const uint64_t lba = lanes_[lane].first_lba + uint64_t{place} * config_.io_blocks;
  const uint32_t generation = lanes_[lane].generations[place] + 1;
  std::string data(size_t{config_.io_blocks} * config_.block_bytes, '\0');
  for (uint32_t i = 0; i < config_.io_blocks; ++i) {
    auto* const block = reinterpret_cast<uint8_t*>(data.data()) + size_t{i} * config_.block_bytes;
    FillBlock({lba + i, config_.number, generation}, {block, config_.block_bytes});
  }
  client_.Run(Blocks(true, lba, config_.io_blocks), 0, std::move(data),
              [this, lane, place, generation](const absl::StatusOr<Client::Answer>& answer) {
                if (!Took(answer, "write")) return Step(lane);
                lanes_[lane].generations[place] = generation;
                Read(lane, place);
              });
}

void SessionWorker::Read(size_t lane, uint32_t place) {
  const uint64_t lba = lanes_[lane].first_lba + uint64_t{place} * config_.io_blocks;
  const uint32_t bytes = config_.io_blocks * config_.block_bytes;
  client_.Run(Blocks(false, lba, config_.io_blocks), bytes, "",
              [this, lane, place, lba, bytes](const absl::StatusOr<Client::Answer>& answer) {
                if (!Took(answer, "read")) return Step(lane);
                if (answer->data.size() != bytes) {
                  faults_->Add(absl::StrCat(Name(), "a read of ", bytes, " bytes brought ",
                                            answer->data.size()));
                  return Step(lane);
                }
                for (uint32_t i = 0; i < config_.io_blocks; ++i) {
                  const Stamp due = {lba + i, config_.number, lanes_[lane].generations[place]};
                  const base::Bytes block =
                      base::AsBytes(answer->data)
                          .subspan(size_t{i} * config_.block_bytes, config_.block_bytes);
                  if (const std::string wrong = CheckBlock(due, block); !wrong.empty()) {
                    faults_->Add(absl::StrCat(Name(), "read: ", wrong));
                  }
                }
                Step(lane);
              });
}

}  // namespace pushpull::tools
