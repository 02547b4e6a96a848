#include "tools/load/load.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/status.h"
#include "base/text.h"
#include "tools/load/crew.h"
#include "tools/load/drops.h"
#include "tools/load/peers.h"
#include "tools/load/session_worker.h"

namespace pushpull::tools {
namespace {

// Blocks that dropped connections and bad peers read and write; sessions have those behind them.
constexpr uint64_t kSharedBlocks = 8192;
constexpr absl::Duration kPatience = absl::Seconds(60);
// Logins of one thread under way at one time.
constexpr size_t kLoginsAtOnce = 16;
constexpr size_t kDroppers = 8;
// Bad peers have come, and are what they are from now on.
constexpr absl::Duration kComing = absl::Milliseconds(250);
// Less than this is no measurement: of the sessions' commands, and of the target's processor time,
// which the system counts in hundredths of a second.
constexpr double kFewestSeconds = 0.5;
constexpr double kFewestCommands = 200;
constexpr double kLeastCpuSeconds = 0.2;
// Between two looks at the sessions and the target's process.
constexpr absl::Duration kLookEvery = absl::Milliseconds(50);

std::string Sessions(size_t count) {
  return absl::StrCat(count, count == 1 ? " session" : " sessions");
}

enum class Who : uint8_t { kProbe = 1, kSession, kDropper, kPeer };

struct Capacity {
  uint64_t blocks = 0;
  uint32_t block_bytes = 0;
};

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options), crew_(options.threads, options.interrupted) {}

  absl::StatusOr<LoadReport> Run();

 private:
  ClientIdentity IdentityOf(Who who, uint32_t number) const;
  absl::Status FindCapacity();
  absl::Status OpenSessions();
  void OpenNext(size_t thread);
  void StartSessions();
  absl::Status StopSessions();
  uint64_t CommandsSoFar() const;
  struct Sample {
    absl::Time time;
    double commands = 0;
    ProcessUse use = {};
  };
  struct Sum {
    double seconds = 0, commands = 0, cpu_seconds = 0;
  };
  Sample SampleNow() const;
  uint64_t Measure(absl::Duration time, Sum* sum);
  void PlayPeers();
  void PlayKind(const std::string& kind);
  absl::Status PlayDrops();
  absl::Status DropSoMany(int64_t end);
  absl::Status Watch(std::optional<ProcessUse>* use, const std::optional<ProcessUse>& before);
  absl::Status WatchWork(std::optional<ProcessUse>* use);
  absl::Status Seen(const absl::StatusOr<ProcessUse>& now, std::optional<ProcessUse>* use);
  bool Ended();
  bool TargetEnded();
  bool Stalled();

  const LoadOptions options_;
  LoadReport report_;
  Faults faults_;
  Capacity capacity_;
  std::mutex mutex_;
  absl::Status opening_;  // guarded by mutex_
  std::atomic<size_t> opened_{0};
  std::atomic<size_t> running_{0};
  std::vector<std::unique_ptr<SessionWorker>> sessions_;
  std::vector<size_t> next_to_open_;  // of each thread; on its loop
  std::atomic<int64_t> next_drop_{0};
  absl::Time begin_;
  absl::Time next_look_;
  bool target_ended_ = false;
  bool stalled_ = false;
  Crew crew_;  // ends before what its loops use
};

ClientIdentity Load::IdentityOf(Who who, uint32_t number) const {
  ClientIdentity identity;
  identity.initiator_name = options_.initiator_name;
  identity.target_name = options_.target_name;
  identity.isid = {0x80,
                   static_cast<uint8_t>(who),
                   static_cast<uint8_t>(options_.seed),
                   static_cast<uint8_t>(number >> 16),
                   static_cast<uint8_t>(number >> 8),
                   static_cast<uint8_t>(number)};
  identity.chap = options_.chap;
  identity.lun = options_.lun;
  // A session that was dropped isn't to be kept.
  identity.keys = {{.name = "DefaultTime2Wait", .value = "0"},
                   {.name = "DefaultTime2Retain", .value = "0"},
                   {.name = "InitialR2T", .value = "Yes"}};
  return identity;
}

// ---- the sessions -------------------------------------------------------------------------------

absl::Status Load::FindCapacity() {
  std::unique_ptr<Client> client;
  absl::Status status;
  std::atomic<bool> done = false;
  const auto end = [&](absl::Status with) {
    status = std::move(with);
    done = true;
    crew_.Tell();
  };
  crew_.Call(0, [&] {
    client = std::make_unique<Client>(crew_.network(), crew_.loop(0), IdentityOf(Who::kProbe, 0));
    client->Open(options_.address, [&](const absl::Status& opened) {
      if (!opened.ok()) return end(opened);
      v1::Cdb cdb;  // READ CAPACITY (16)
      cdb.set_raw(std::string("\x9e\x10\0\0\0\0\0\0\0\0\0\0\0\x20\0\0", 16));
      client->Run(cdb, 32, "", [&](const absl::StatusOr<Client::Answer>& answer) {
        if (!answer.ok()) return end(answer.status());
        if (answer->status != 0 || answer->data.size() < 12) {
          return end(absl::UnavailableError(
              absl::StrCat("the LUN doesn't tell its capacity: ", answer->sense)));
        }
        const base::Bytes data = base::AsBytes(answer->data);
        capacity_ = {base::LoadBe64(data.data()) + 1, base::LoadBe32(&data[8])};
        client->LogOut([&](const absl::Status&) { end(absl::OkStatus()); });
      });
    });
  });
  const bool in_time = crew_.Wait(kPatience, [&] { return done.load(); });
  crew_.Call(0, [&] { client.reset(); });
  if (!in_time) return absl::UnavailableError("the target doesn't answer");
  return status;
}

absl::Status Load::OpenSessions() {
  const uint32_t io_blocks = options_.io_bytes / capacity_.block_bytes;
  if (io_blocks == 0 || options_.io_bytes % capacity_.block_bytes != 0) {
    return absl::InvalidArgumentError(absl::StrCat("--io-bytes ", options_.io_bytes,
                                                   ": the LUN has blocks of ",
                                                   capacity_.block_bytes, " bytes"));
  }
  const bool shared = options_.drops > 0 || !options_.peers.empty();
  const uint64_t first = shared ? kSharedBlocks : 0;
  const uint64_t each = uint64_t{options_.depth} * SessionWorker::kPlaces * io_blocks;
  if (first + options_.sessions * each > capacity_.blocks) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the LUN has ", capacity_.blocks, " blocks, and ", first + options_.sessions * each,
        " are needed: fewer --sessions, or less --depth or --io-bytes"));
  }
  for (uint32_t i = 0; i < options_.sessions; ++i) {
    WorkerConfig config = {.number = i,
                           .first_lba = first + i * each,
                           .block_bytes = capacity_.block_bytes,
                           .io_blocks = io_blocks,
                           .depth = options_.depth,
                           .commands = options_.commands,
                           .seed = options_.seed + i};
    sessions_.push_back(std::make_unique<SessionWorker>(
        crew_.network(), crew_.loop(i), IdentityOf(Who::kSession, i), config, &faults_));
  }
  for (size_t thread = 0; thread < crew_.threads(); ++thread) next_to_open_.push_back(thread);
  for (size_t thread = 0; thread < crew_.threads(); ++thread) {
    crew_.Call(thread, [&] {
      for (size_t i = 0; i < kLoginsAtOnce; ++i) OpenNext(thread);
    });
  }
  const auto failed = [this] {
    const std::lock_guard lock(mutex_);
    return !opening_.ok();
  };
  const bool opened =
      crew_.Wait(kPatience * 2, [&] { return failed() || opened_ == sessions_.size(); });
  const std::lock_guard lock(mutex_);
  if (!opening_.ok()) return opening_;
  if (!opened)
    return absl::UnavailableError(
        absl::StrCat("only ", Sessions(opened_.load()), " of ", sessions_.size(), " logged in"));
  return absl::OkStatus();
}

void Load::OpenNext(size_t thread) {
  const size_t index = next_to_open_[thread];
  if (index >= sessions_.size()) return;
  next_to_open_[thread] += crew_.threads();
  sessions_[index]->Open(options_.address, [this, thread, index](const absl::Status& status) {
    if (status.ok()) {
      ++opened_;
    } else {
      const std::lock_guard lock(mutex_);
      opening_ = absl::Status(status.code(),
                              absl::StrCat("session ", index, ": ", std::string(status.message())));
    }
    crew_.Tell();
    OpenNext(thread);
  });
}

void Load::StartSessions() {
  running_ = sessions_.size();
  begin_ = absl::Now();
  for (size_t thread = 0; thread < crew_.threads(); ++thread) {
    crew_.Call(thread, [&] {
      for (size_t i = thread; i < sessions_.size(); i += crew_.threads()) {
        sessions_[i]->Start([this] {
          --running_;
          crew_.Tell();
        });
      }
    });
  }
}

absl::Status Load::StopSessions() {
  report_.time = absl::Now() - begin_;
  report_.commands = CommandsSoFar();
  for (size_t thread = 0; thread < crew_.threads(); ++thread) {
    crew_.Call(thread, [&] {
      for (size_t i = thread; i < sessions_.size(); i += crew_.threads()) sessions_[i]->Stop();
    });
  }
  // What stalled, or has ended, was told already.
  const bool waits = !stalled_ && !target_ended_;
  const absl::Duration patience = std::max(options_.answer_within, absl::Seconds(1));
  const bool ended = !waits || crew_.Wait(patience, [this] { return Ended(); });
  if (!ended && !crew_.interrupted()) {
    faults_.Add(absl::StrCat(Sessions(running_.load()), " got no answer any more"));
  }
  for (size_t thread = 0; thread < crew_.threads(); ++thread) {
    crew_.Call(thread, [&] {
      for (size_t i = thread; i < sessions_.size(); i += crew_.threads()) sessions_[i].reset();
    });
  }
  return absl::OkStatus();
}

// Whether there is nothing more to wait for.
bool Load::Ended() { return running_ == 0 || TargetEnded() || Stalled(); }

// Whether the process that is watched is gone: told once.
bool Load::TargetEnded() {
  if (target_ended_ || !options_.watched_pid.has_value()) return target_ended_;
  if (!absl::IsNotFound(UseOf(*options_.watched_pid).status())) return false;
  target_ended_ = true;
  faults_.AddReason(absl::StrCat("the target's process ", *options_.watched_pid, " has ended"));
  return true;
}

// Whether a session has waited for too long: told once.
bool Load::Stalled() {
  const absl::Time now = absl::Now();
  if (stalled_ || now < next_look_) return stalled_;
  next_look_ = now + kLookEvery;
  for (size_t i = 0; i < sessions_.size() && !stalled_; ++i) {
    if (sessions_[i] == nullptr || now - sessions_[i]->last_answer() < options_.answer_within) {
      continue;
    }
    stalled_ = true;
    faults_.AddReason(
        absl::StrCat("session ", i, ": the target stalls: none of its commands has ended for ",
                     absl::FormatDuration(options_.answer_within), " (--answer-within-s)"));
  }
  return stalled_;
}

uint64_t Load::CommandsSoFar() const {
  uint64_t sum = 0;
  for (const auto& session : sessions_) sum += session->commands();
  return sum;
}

// ---- peers --------------------------------------------------------------------------------------

Load::Sample Load::SampleNow() const {
  Sample sample = {.time = absl::Now(), .commands = static_cast<double>(CommandsSoFar())};
  if (!options_.watched_pid.has_value()) return sample;
  const absl::StatusOr<ProcessUse> use = UseOf(*options_.watched_pid);
  if (use.ok()) sample.use = *use;
  return sample;
}

// What goes on in so much time, added to `sum`. How much the target has grown by its end.
uint64_t Load::Measure(absl::Duration time, Sum* sum) {
  const Sample before = SampleNow();
  crew_.Wait(time, [this] { return Ended(); });
  const Sample after = SampleNow();
  sum->seconds += absl::ToDoubleSeconds(after.time - before.time);
  sum->commands += after.commands - before.commands;
  sum->cpu_seconds += after.use.cpu_seconds - before.use.cpu_seconds;
  return std::max(after.use.resident_bytes, before.use.resident_bytes) - before.use.resident_bytes;
}

void Load::PlayPeers() {
  for (const std::string& kind : options_.peers) {
    if (crew_.interrupted() || Ended()) return;
    options_.tell(absl::StrCat("peers: ", kind));
    PlayKind(kind);
  }
}

// Without and with them in short turns, so that both have the same weather.
void Load::PlayKind(const std::string& kind) {
  constexpr int kRounds = 8;
  const absl::Duration window = options_.time / (2 * kRounds);
  Sum without, with;
  uint64_t growth = 0;
  for (int round = 0; round < kRounds && !Ended(); ++round) {
    Measure(window, &without);
    std::vector<std::unique_ptr<Peer>> peers;
    for (uint32_t i = 0; i < options_.peers_of_a_kind; ++i) {
      peers.push_back(std::make_unique<Peer>(crew_.network(), crew_.loop(i),
                                             IdentityOf(Who::kPeer, i), options_.address, kind));
      crew_.Call(i, [&] { peers.back()->Start(); });
    }
    // What they ask for when they come is done once.
    Sum coming;
    growth = std::max(growth, Measure(std::min(window, kComing), &coming));
    growth = std::max(growth, Measure(window, &with));
    for (uint32_t i = 0; i < peers.size(); ++i) crew_.Call(i, [&] { peers[i].reset(); });
  }
  LoadReport::PeerResult result;
  result.kind = kind;
  result.without = without.commands / without.seconds;
  result.with = with.commands / with.seconds;
  result.rates_tell = std::min(without.seconds, with.seconds) >= kFewestSeconds &&
                      without.commands >= kFewestCommands;
  result.times_tell = std::min(without.cpu_seconds, with.cpu_seconds) >= kLeastCpuSeconds;
  if (options_.watched_pid.has_value()) {
    result.resident_growth = growth;
    result.cpu_us_without = 1e6 * without.cpu_seconds / std::max(1.0, without.commands);
    result.cpu_us_with = 1e6 * with.cpu_seconds / std::max(1.0, with.commands);
  }
  report_.peers.push_back(std::move(result));
}

// ---- drops --------------------------------------------------------------------------------------

absl::Status Load::PlayDrops() {
  if (options_.drops == 0) return absl::OkStatus();
  options_.tell(absl::StrCat("dropping ", options_.drops,
                             options_.drops == 1 ? " connection" : " connections"));
  // What the target keeps for later use is there after the first of them.
  PUSHPULL_RETURN_IF_ERROR(DropSoMany(options_.drops / 5));
  if (options_.watched_pid.has_value()) PUSHPULL_RETURN_IF_ERROR(Watch(&report_.before, {}));
  PUSHPULL_RETURN_IF_ERROR(DropSoMany(options_.drops));
  if (options_.watched_pid.has_value()) {
    PUSHPULL_RETURN_IF_ERROR(Watch(&report_.after, report_.before));
  }
  return absl::OkStatus();
}

absl::Status Load::DropSoMany(int64_t end) {
  std::atomic<size_t> dropping = kDroppers;
  std::vector<std::unique_ptr<Dropper>> droppers;
  std::atomic<bool> enough = false;
  const auto next = [this, end, &enough]() -> int64_t {
    int64_t number = next_drop_;
    do {
      if (number >= end || enough || options_.interrupted()) return -1;
    } while (!next_drop_.compare_exchange_weak(number, number + 1));
    return number % static_cast<int64_t>(kDropStages.size());
  };
  for (uint32_t i = 0; i < kDroppers; ++i) {
    droppers.push_back(std::make_unique<Dropper>(
        crew_.network(), crew_.loop(i), IdentityOf(Who::kDropper, i), options_.address, next,
        [this](const absl::Status& status) {
          faults_.Add(
              absl::StrCat("a connection that was to be dropped: ", std::string(status.message())));
        },
        [this, &dropping] {
          --dropping;
          crew_.Tell();
        }));
    crew_.Call(i, [&] { droppers.back()->Start(); });
  }
  const auto over = [&] { return dropping == 0 || TargetEnded() || Stalled(); };
  const bool done = crew_.Wait(absl::Hours(1), over) && dropping == 0;
  enough = true;
  if (!done) crew_.Wait(absl::Seconds(5), [&] { return dropping == 0; });
  for (uint32_t i = 0; i < kDroppers; ++i) crew_.Call(i, [&] { droppers[i].reset(); });
  report_.drops = static_cast<uint64_t>(next_drop_.load());
  return absl::OkStatus();
}

// What the target has once it has noticed all ends: sessions may be kept for some seconds.
absl::Status Load::Watch(std::optional<ProcessUse>* use, const std::optional<ProcessUse>& before) {
  if (TargetEnded()) return absl::OkStatus();
  absl::StatusOr<ProcessUse> now;
  crew_.Wait(absl::Seconds(10), [&] {
    now = UseOf(*options_.watched_pid);
    return !now.ok() || (before.has_value() && now->descriptors <= before->descriptors);
  });
  return Seen(now, use);
}

// Where nothing is dropped: only told.
absl::Status Load::WatchWork(std::optional<ProcessUse>* use) {
  if (!options_.watched_pid.has_value() || options_.drops > 0 || TargetEnded()) {
    return absl::OkStatus();
  }
  return Seen(UseOf(*options_.watched_pid), use);
}

// The process may end before any look at it: then that is the finding, and no failure of the look.
// One on its way out can't be read for a moment before it is gone.
absl::Status Load::Seen(const absl::StatusOr<ProcessUse>& now, std::optional<ProcessUse>* use) {
  if (now.ok()) {
    *use = *now;
    return absl::OkStatus();
  }
  return crew_.Wait(absl::Seconds(1), [this] { return TargetEnded(); }) ? absl::OkStatus()
                                                                        : now.status();
}

// ---- all of it ----------------------------------------------------------------------------------

absl::StatusOr<LoadReport> Load::Run() {
  if (options_.watched_pid.has_value()) {
    if (const auto use = UseOf(*options_.watched_pid); !use.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--watch-pid ", *options_.watched_pid, ": ",
                                                     std::string(use.status().message())));
    }
  }
  PUSHPULL_RETURN_IF_ERROR(FindCapacity());
  if ((options_.drops > 0 || !options_.peers.empty()) && capacity_.blocks < kSharedBlocks) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the LUN has ", capacity_.blocks, " blocks, and --drops and --peers need ", kSharedBlocks));
  }
  const absl::Status opened = OpenSessions();
  absl::Status status = opened;
  if (opened.ok()) {
    options_.tell(absl::StrCat(Sessions(sessions_.size()), sessions_.size() == 1 ? " is" : " are",
                               " logged in"));
    status = WatchWork(&report_.before);
    StartSessions();
    PlayPeers();
    if (status.ok() && !TargetEnded() && !Stalled()) status = PlayDrops();
    const absl::Time end = begin_ + options_.time;
    const auto done = [this] { return Ended(); };
    if (status.ok() && !sessions_.empty()) {
      crew_.Wait(options_.commands ? absl::Hours(24) : end - absl::Now(), done);
    }
    if (status.ok()) status = WatchWork(&report_.after);
  }
  PUSHPULL_RETURN_IF_ERROR(opened.ok() ? StopSessions() : absl::OkStatus());
  for (size_t i = 0; i < sessions_.size(); ++i) crew_.Call(i, [&] { sessions_[i].reset(); });
  if (!status.ok()) return status;
  report_.faults = faults_.count();
  report_.first_faults = faults_.kept();
  return std::move(report_);
}

}  // namespace

absl::StatusOr<LoadReport> RunLoad(const LoadOptions& options) { return Load(options).Run(); }

}  // namespace pushpull::tools
