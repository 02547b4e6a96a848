#include "fuzz/streams/in_process.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "fuzz/streams/generator.h"
#include "fuzz/streams/minimise.h"
#include "target/scsi/task.h"
#include "target/store/lun_spec.h"

namespace pushpull::streams {
namespace {

namespace model = conformance::model;

constexpr char kTarget[] = "iqn.2026-11.org.pushpull:streams";

std::optional<std::string> PlayOne(const model::Command& command, model::Model* model,
                                   InProcess* device) {
  const model::Expected expected = model->Do(command);
  return Difference(command, expected, device->Play({Item::Kind::kCommand, command}));
}

std::optional<std::string> PlayTogether(const Item& item, model::Model* model, InProcess* device) {
  const model::Command& first = item.together.front();
  if (!model->IsCalm(first.nexus, first.lun)) {
    for (const model::Command& command : item.together) {
      if (auto text = PlayOne(command, model, device)) return text;
    }
    return std::nullopt;
  }
  const std::vector<model::Expected> expected = model->DoTogether(item.together, item.ready);
  const std::vector<Answer> answers = device->PlayTogether(item);
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto text = Difference(item.together[i], expected[i], answers[i]);
    if (text.has_value()) return absl::StrCat("command ", i, ": ", *text);
  }
  return std::nullopt;
}

std::optional<std::string> PlayItem(const Item& item, model::Model* model, InProcess* device) {
  if (item.kind == Item::Kind::kTogether) return PlayTogether(item, model, device);
  if (item.kind == Item::Kind::kCommand) return PlayOne(item.command, model, device);
  Take(item, model);
  device->Play(item);
  return std::nullopt;
}

model::Model FreshModel() {
  model::Model model(Units(), Ports());
  for (size_t nexus = 0; nexus < Ports().size(); ++nexus) model.Open(nexus);
  return model;
}

}  // namespace

InProcess::InProcess(target::BugSet bugs) {
  std::vector<target::LogicalUnitOptions> options;
  for (const model::UnitTraits& unit : Units()) {
    const std::string kind = unit.addresses ? "pattern:" : "ram:";
    const auto spec =
        target::ParseLunSpec(absl::StrCat(kind, unit.blocks * unit.block_size), unit.block_size);
    CHECK(spec.ok()) << spec.status();
    auto store = target::MakeStore(*spec, unit.block_size);
    CHECK(store.ok()) << store.status();
    target::LogicalUnitOptions one;
    one.number = unit.number;
    one.serial = unit.serial;
    one.block_size = unit.block_size;
    one.physical_block_size = unit.block_size << unit.physical_exponent;
    one.lowest_aligned_lba = unit.lowest_aligned_lba;
    stores_.push_back(std::make_shared<GateStore>(*std::move(store)));
    one.store = stores_.back();
    options.push_back(std::move(one));
  }
  auto server = target::DeviceServer::Create({kTarget, bugs}, std::move(options));
  CHECK(server.ok()) << server.status();
  server_ = *std::move(server);
  nexuses_.resize(Ports().size());
  for (size_t nexus = 0; nexus < nexuses_.size(); ++nexus) {
    loops_.push_back(world_.NewLoop());
    Open(nexus);
  }
}

InProcess::~InProcess() {
  Settle();
  for (size_t nexus = 0; nexus < nexuses_.size(); ++nexus) Close(nexus);
  CHECK_EQ(server_->tasks_in_flight(), 0u);
}

void InProcess::Open(size_t nexus) {
  model::Port port = Ports()[nexus];
  // Names are the same whatever their case (RFC 7143 §4.2.7.2).
  if (++opened_ % 2 == 0) absl::AsciiStrToUpper(&port.name);
  nexuses_[nexus] = server_->OpenNexus({port.name, port.isid, 1}, loops_[nexus]);
}

void InProcess::Close(size_t nexus) {
  bool done = false;
  server_->CloseNexus(nexuses_[nexus], [&] { done = true; });
  CHECK(world_.RunUntil([&] { return done; }) == fabric::SimWorld::Outcome::kDone);
}

Answer InProcess::Play(const Item& item) {
  const size_t nexus = item.command.nexus;
  constexpr uint8_t kSanitize = 0x48;
  if (item.kind == Item::Kind::kCommand) {
    return item.command.cdb[0] == kSanitize ? Sanitize(item.command) : Do(item.command);
  }
  if (item.kind == Item::Kind::kSettle) {
    Settle();
    return {};
  }
  if (item.kind == Item::Kind::kReopen) {
    Settle();
    Close(nexus);
    Open(nexus);
    return {};
  }
  bool done = false;
  server_->ManageTasks(nexuses_[nexus], target::TaskManagement::kLogicalUnitReset, item.command.lun,
                       {}, [&](target::TaskManagementResult) { done = true; });
  CHECK(world_.RunUntil([&] { return done; }) == fabric::SimWorld::Outcome::kDone);
  return {};
}

// With IMMED it goes on until all settles: nothing of it is written before.
Answer InProcess::Sanitize(const model::Command& command) {
  const std::vector<uint64_t> luns = Luns();
  const auto found = std::ranges::find(luns, command.lun);
  const bool immediate = command.cdb.size() > 1 && (command.cdb[1] & 0x80) != 0;
  if (found == luns.end() || !immediate) return Do(command);
  GateStore& store = *stores_[static_cast<size_t>(found - luns.begin())];
  if (store.closed()) return Do(command);  // one is on its way
  store.Close();
  Answer answer = Do(command);
  world_.RunUntilIdle();
  if (!store.holds()) store.Open();
  return answer;
}

void InProcess::Settle() {
  for (const auto& store : stores_) store->Open();
  world_.RunUntilIdle();
}

// A command on its way.
struct InProcess::Flight {
  target::Task task;
  bool prepared = false;
  bool ended = false;
  std::vector<uint8_t> buffer;
  iovec whole{};
};

void InProcess::Prepare(const model::Command& command, Flight* flight) {
  target::Task& task = flight->task;
  task.nexus = nexuses_[command.nexus];
  task.lun = command.lun;
  task.attribute = static_cast<target::TaskAttribute>(command.attribute);
  task.cdb_bytes = static_cast<uint16_t>(command.cdb.size());
  std::copy_n(command.cdb.begin(), std::min(command.cdb.size(), task.cdb.size()), task.cdb.begin());
  task.done = [flight] { flight->ended = true; };
  flight->prepared = server_->Prepare(&task);
  flight->ended = !flight->prepared;
}

void InProcess::Execute(const model::Command& command, Flight* flight) {
  // No initiator has more; what came has its exact size, so that a read beyond it is seen.
  constexpr uint64_t kMostRoom = 4 << 20;
  target::Task& task = flight->task;
  std::vector<uint8_t>& buffer = flight->buffer;
  if (task.direction == target::DataDirection::kIn) {
    buffer.resize(std::min(task.transfer_bytes, kMostRoom));
  } else if (task.direction == target::DataDirection::kOut) {
    buffer = command.data_out;
    buffer.resize(std::min<uint64_t>(buffer.size(), task.transfer_bytes));
    buffer.shrink_to_fit();
  }
  flight->whole = {buffer.data(), buffer.size()};
  task.data = {&flight->whole, 1};
  if (server_->Execute(&task) == target::Execution::kEnded) flight->ended = true;
}

Answer InProcess::AnswerOf(Flight* flight) {
  const target::Task& task = flight->task;
  Answer answer;
  answer.aborted = task.result.aborted;
  answer.status = static_cast<uint8_t>(task.result.status);
  answer.sense.assign(task.result.sense().begin(), task.result.sense().end());
  flight->buffer.resize(std::min<uint64_t>(flight->buffer.size(), task.result.data_in_bytes));
  if (task.direction == target::DataDirection::kIn) answer.data_in = std::move(flight->buffer);
  return answer;
}

Answer InProcess::Do(const model::Command& command) {
  Flight flight;
  Prepare(command, &flight);
  if (flight.prepared) Execute(command, &flight);
  CHECK(world_.RunUntil([&] { return flight.ended; }) == fabric::SimWorld::Outcome::kDone);
  return AnswerOf(&flight);
}

std::vector<Answer> InProcess::PlayTogether(const Item& item) {
  std::vector<Flight> flights(item.together.size());
  for (size_t i = 0; i < flights.size(); ++i) Prepare(item.together[i], &flights[i]);
  for (const size_t place : item.ready) {
    if (flights[place].prepared) Execute(item.together[place], &flights[place]);
    world_.RunUntilIdle();
  }
  std::vector<Answer> answers;
  for (Flight& flight : flights) {
    CHECK(flight.ended);
    answers.push_back(AnswerOf(&flight));
  }
  return answers;
}

std::optional<Finding> PlayInProcess(const Stream& stream, target::BugSet bugs) {
  model::Model model = FreshModel();
  InProcess device(bugs);
  for (size_t i = 0; i < stream.size(); ++i) {
    if (auto text = PlayItem(stream[i], &model, &device)) {
      return Finding{Stream(stream.begin(), stream.begin() + static_cast<int64_t>(i) + 1),
                     *std::move(text)};
    }
  }
  return std::nullopt;
}

std::optional<Finding> RunInProcess(const StreamOptions& options) {
  model::Model model = FreshModel();
  Generator generator(options.seed, &model);
  const Stream ending = Ending();
  Stream stream;
  bool differs = false;
  {
    InProcess device(options.bugs);
    for (size_t i = 0; i < options.commands + ending.size() && !differs; ++i) {
      stream.push_back(i < options.commands ? generator.Next() : ending[i - options.commands]);
      differs = PlayItem(stream.back(), &model, &device).has_value();
    }
  }
  if (!differs) return std::nullopt;
  const Stream least = Minimise(std::move(stream), [&](const Stream& less) {
    return PlayInProcess(less, options.bugs).has_value();
  });
  auto finding = PlayInProcess(least, options.bugs);
  CHECK(finding.has_value()) << "the device server isn't the same twice";
  return finding;
}

}  // namespace pushpull::streams
