#include "target/scsi/testing/bench.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/hex.h"
#include "gtest/gtest.h"
#include "target/scsi/nexus.h"
#include "target/store/lun_spec.h"

namespace pushpull::target {
namespace {

struct SenseParts {
  std::string code;
  std::string field;
};

// Of ILLEGAL REQUEST; with NOT READY it is a progress indication.
std::string FieldText(uint8_t key, const uint8_t* specific) {
  if (key != 5 || (specific[0] & 0x80) == 0) return "";
  std::string text =
      absl::StrCat((specific[0] & 0x40) != 0 ? "cdb " : "list ", base::LoadBe16(specific + 1));
  if ((specific[0] & 0x08) != 0) absl::StrAppend(&text, ".", specific[0] & 7);
  return text;
}

SenseParts Decode(base::Bytes sense) {
  if (sense.empty()) return {};
  if (sense[0] == 0x72) {
    SenseParts parts{absl::StrFormat("%x/%02x/%02x", sense[1], sense[2], sense[3]), ""};
    for (size_t at = 8; at + 2 <= sense.size(); at += 2u + sense[at + 1]) {
      if (sense[at] == 0x02) parts.field = FieldText(sense[1], &sense[at + 4]);
    }
    return parts;
  }
  EXPECT_EQ(sense[0] & 0x7f, 0x70);
  EXPECT_EQ(sense.size(), 18u);
  return {absl::StrFormat("%x/%02x/%02x", sense[2] & 0xf, sense[12], sense[13]),
          FieldText(sense[2] & 0xf, &sense[15])};
}

}  // namespace

std::string Answer::Summary() const {
  if (aborted) return "aborted";
  if (status == ScsiStatus::kGood) return "GOOD";
  if (status != ScsiStatus::kCheckCondition) return absl::StrCat("status ", int(status));
  return field.empty() ? sense : absl::StrCat(sense, " ", field);
}

std::ostream& operator<<(std::ostream& out, const Answer& answer) {
  return out << answer.Summary() << ", " << answer.transfer_bytes << " bytes";
}

std::vector<uint8_t> FromHex(std::string_view text) {
  const auto bytes = base::ParseHex(text);
  CHECK(bytes.has_value()) << text;
  return *bytes;
}

Answer Command::answer() const {
  const SenseParts parts = Decode(task_.result.sense());
  Answer answer;
  answer.aborted = task_.result.aborted;
  answer.status = task_.result.status;
  answer.sense = parts.code;
  answer.field = parts.field;
  answer.direction = task_.direction;
  answer.transfer_bytes = task_.transfer_bytes;
  answer.data.assign(buffer_.begin(),
                     buffer_.begin() + static_cast<int64_t>(task_.result.data_in_bytes));
  answer.sense_data.assign(task_.result.sense().begin(), task_.result.sense().end());
  return answer;
}

Bench::Bench(std::vector<BenchUnit> units, uint64_t seed, BugSet bugs, DeviceChoices choices)
    : world_(seed) {
  std::vector<LogicalUnitOptions> options;
  for (const BenchUnit& unit : units) {
    std::shared_ptr<Store> store = unit.store;
    if (store == nullptr) {
      auto spec = ParseLunSpec(unit.spec, unit.block_size);
      CHECK(spec.ok()) << spec.status();
      auto made = MakeStore(*spec, unit.block_size);
      CHECK(made.ok()) << made.status();
      store = *std::move(made);
    }
    numbers_.push_back(unit.number);
    options.push_back({.number = unit.number,
                       .serial = unit.serial,
                       .block_size = unit.block_size,
                       .read_only = unit.read_only,
                       .store = std::move(store),
                       .reservations = unit.reservations,
                       .physical_block_size = unit.physical_block_size,
                       .lowest_aligned_lba = unit.lowest_aligned_lba});
  }
  auto server = DeviceServer::Create({kBenchTarget, bugs, std::move(choices)}, std::move(options));
  CHECK(server.ok()) << server.status();
  server_ = *std::move(server);
}

Bench::~Bench() {
  while (!open_.empty()) Close(open_.back().first);
  EXPECT_EQ(server_->tasks_in_flight(), 0u);
}

Nexus* Bench::Open(const std::string& initiator, bool fresh, std::array<uint8_t, 6> isid) {
  fabric::Loop* loop = world_.NewLoop();
  Nexus* nexus = server_->OpenNexus({initiator, isid, 1}, loop);
  open_.emplace_back(nexus, loop);
  if (fresh) return nexus;
  for (const uint16_t number : numbers_) {
    CommandOptions options;
    options.lun = EncodeLun(number);
    EXPECT_EQ(Do(nexus, "00 00 00 00 00 00", options).sense.substr(0, 4), "6/29");
  }
  return nexus;
}

void Bench::Close(Nexus* nexus) {
  bool done = false;
  server_->CloseNexus(nexus, [&] { done = true; });
  EXPECT_FALSE(done) << "called within CloseNexus";
  EXPECT_EQ(world_.RunUntil([&] { return done; }), fabric::SimWorld::Outcome::kDone);
  Forget(nexus);
}

void Bench::Forget(Nexus* nexus) {
  std::erase_if(open_, [&](const auto& open) { return open.first == nexus; });
}

fabric::Loop* Bench::loop(Nexus* nexus) { return nexus->loop(); }

bool Bench::Prepare(Command* command, Nexus* nexus, const std::vector<uint8_t>& cdb,
                    const CommandOptions& options) {
  Task& task = command->task_;
  task.nexus = nexus;
  task.lun = options.lun;
  task.attribute = options.attribute;
  task.cdb.fill(0);
  std::copy(cdb.begin(), cdb.end(), task.cdb.begin());
  task.cdb_bytes = static_cast<uint16_t>(std::max<size_t>(16, cdb.size()));
  task.done = [command] {
    EXPECT_FALSE(command->ended_) << "ended twice";
    command->ended_ = true;
  };
  if (!server_->Prepare(&task)) {
    command->ended_ = true;
    return false;
  }
  command->buffer_ = options.data_out;
  if (task.direction == DataDirection::kIn) {
    command->buffer_.assign(options.room.value_or(task.transfer_bytes), 0xee);
  }
  command->iovec_ = {command->buffer_.data(), command->buffer_.size()};
  task.data = {&command->iovec_, 1};
  return true;
}

void Bench::Execute(Command* command) {
  if (server_->Execute(&command->task_) == Execution::kEnded) command->ended_ = true;
}

std::unique_ptr<Command> Bench::Start(Nexus* nexus, const std::vector<uint8_t>& cdb,
                                      const CommandOptions& options) {
  auto command = std::make_unique<Command>();
  if (Prepare(command.get(), nexus, cdb, options)) Execute(command.get());
  return command;
}

Answer Bench::Do(Nexus* nexus, const std::vector<uint8_t>& cdb, const CommandOptions& options) {
  const std::unique_ptr<Command> command = Start(nexus, cdb, options);
  EXPECT_EQ(world_.RunUntil([&] { return command->ended(); }), fabric::SimWorld::Outcome::kDone);
  return command->answer();
}

}  // namespace pushpull::target
