// What is kept of reservations when the target ends, in whatever way.

#include "target/reservation_file.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/text_proto.h"
#include "gtest/gtest.h"
#include "target/save_thread.h"
#include "target/scsi/reservations.h"

namespace pushpull::target {
namespace {

const NexusId kOne{"iqn.2026-11.org.example:one", {0x80, 1, 2, 3, 4, 5}, 1};
const NexusId kTwo{"iqn.2026-11.org.example:two", {0x40, 0, 0, 0, 0, 9}, 1};

std::string Folder() {
  std::string path = testing::TempDir() + "/reservationsXXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

FileReservationStore StoreIn(const std::string& folder) {
  return FileReservationStore(folder, {"iqn.2026-11.org.pushpull:t", 3, "S3"});
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

void WriteFile(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

ReservationState Sample() {
  ReservationState state;
  state.persist = true;
  state.registrations = {{kOne, 0xffff'ffff'ffff'ffff, true}, {kTwo, 7, false}};
  state.reservation = Reservation{ReservationType::kExclusiveAccess, kTwo};
  return state;
}

TEST(ReservationFileTest, KeepsAllButTheGeneration) {
  const std::string folder = Folder();
  FileReservationStore store = StoreIn(folder);
  EXPECT_EQ(store.Load().value(), ReservationState{}) << "there is no file yet";
  ReservationState state = Sample();
  ASSERT_TRUE(store.Save(state).ok());
  EXPECT_EQ(StoreIn(folder).Load().value(), state);
  state.reservation = Reservation{ReservationType::kWriteExclusiveAllRegistrants, {}};
  state.generation = 9;
  ASSERT_TRUE(store.Save(state).ok());
  state.generation = 0;
  EXPECT_EQ(StoreIn(folder).Load().value(), state);
  state.persist = false;
  ASSERT_TRUE(store.Save(state).ok());
  EXPECT_FALSE(Exists(store.path()));
  ASSERT_TRUE(store.Save(state).ok()) << "nothing to remove";
}

TEST(ReservationFileTest, WhatIsHalfWrittenDoesNotCount) {
  const std::string folder = Folder();
  FileReservationStore store = StoreIn(folder);
  ASSERT_TRUE(store.Save(Sample()).ok());
  WriteFile(store.path() + ".new", "target_name: \"iqn.20");  // where a crash came
  EXPECT_EQ(StoreIn(folder).Load().value(), Sample());
  ASSERT_TRUE(store.Save(Sample()).ok());
  EXPECT_FALSE(Exists(store.path() + ".new"));
}

// Killed at any time, the file is the state before or the one after.
TEST(ReservationFileTest, IsWholeWheneverTheTargetIsKilled) {
  const std::string folder = Folder();
  ASSERT_TRUE(StoreIn(folder).Save(Sample()).ok());
  for (int round = 0; round < 20; ++round) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
      FileReservationStore store = StoreIn(folder);
      ReservationState state = Sample();
      for (uint64_t key = 1;; ++key) {
        state.registrations[0].key = state.registrations[1].key = key;
        if (!store.Save(state).ok()) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
      }
    }
    char byte;
    for (int saved = 0; saved <= round; ++saved) ASSERT_EQ(read(ready[0], &byte, 1), 1);
    kill(child, SIGKILL);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    close(ready[0]);
    close(ready[1]);
    const auto state = StoreIn(folder).Load();
    ASSERT_TRUE(state.ok()) << state.status();
    ASSERT_EQ(state->registrations.size(), 2u);
    EXPECT_EQ(state->registrations[0].key, state->registrations[1].key);
    EXPECT_GT(state->registrations[0].key, static_cast<uint64_t>(round)) << "saved";
  }
}

TEST(ReservationFileTest, RefusesWhatCannotBe) {
  const std::string folder = Folder();
  const FileReservationStore store = StoreIn(folder);
  const std::string owner = "target_name: \"iqn.2026-11.org.pushpull:t\" lun: 3 serial: \"S3\" ";
  const std::string one = "registration { initiator_name: \"a\" isid: \"123456\" key: 1 } ";
  WriteFile(store.path(), owner + one);
  EXPECT_TRUE(store.Load().ok());
  const std::string kBad[] = {
      "",
      "lun: 3 serial: \"S3\"",
      owner + one + one,
      owner + "registration { initiator_name: \"a\" isid: \"12345\" key: 1 }",
      owner + "registration { initiator_name: \"a\" isid: \"123456\" }",
      owner + one + "type: 2",
      owner + one + "type: 257",
      owner + one + "type: 1",
      owner + one + "type: 1 holder { initiator_name: \"b\" isid: \"123456\" }",
      owner + "type: 7",
      owner + "nonsense",
  };
  for (const std::string& text : kBad) {
    WriteFile(store.path(), text);
    EXPECT_FALSE(store.Load().ok()) << text;
  }
}

// fsync on a disk that fails: for folders only, once a file has its name.
bool folders_fail = false;
int SyncBadly(int fd) {
  struct stat info;
  if (folders_fail && fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) return -1;
  return fsync(fd);
}

// The command was told that nothing changed: the next start must not know better.
TEST(ReservationFileTest, WhatWasRefusedDoesNotComeBack) {
  const std::string folder = Folder();
  FileReservationStore store(folder, {"iqn.2026-11.org.pushpull:t", 3, "S3"}, nullptr, SyncBadly);
  const auto fails = [&](const ReservationState& state) {
    folders_fail = true;
    const bool failed = !store.Save(state).ok();
    folders_fail = false;
    return failed;
  };
  EXPECT_TRUE(fails(Sample()));
  EXPECT_FALSE(Exists(store.path())) << "there was none";
  ASSERT_TRUE(store.Save(Sample()).ok());
  ReservationState other = Sample();
  other.registrations.pop_back();
  other.reservation.reset();
  EXPECT_TRUE(fails(other));
  EXPECT_EQ(StoreIn(folder).Load().value(), Sample());
  other.persist = false;
  EXPECT_TRUE(fails(other));
  EXPECT_EQ(StoreIn(folder).Load().value(), Sample()) << "it was removed";
}

// RFC 7143 §4.2.7.2.
TEST(ReservationFileTest, NamesAreComparedInLowerCase) {
  const std::string folder = Folder();
  const FileReservationStore store = StoreIn(folder);
  WriteFile(store.path(),
            "target_name: \"iqn.2026-11.org.pushpull:t\" lun: 3 serial: \"S3\" "
            "registration { initiator_name: \"iqn.A\" isid: \"123456\" key: 1 }");
  EXPECT_EQ(store.Load().value().registrations[0].nexus.initiator_name, "iqn.a");
}

TEST(SaveThreadTest, RunsAllInTheirOrder) {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  {
    SaveThread thread;
    for (int i = 0; i < 100; ++i) {
      thread.Run([&, i] {
        order.push_back(i);
        threads.push_back(std::this_thread::get_id());
      });
    }
  }
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_EQ(std::ranges::count(threads, threads.front()), 100);
  EXPECT_NE(threads.front(), std::this_thread::get_id());
}

TEST(ReservationFileTest, FolderIsMadeAndLookedAt) {
  const std::string folder = Folder();
  LogicalUnitOptions unit;
  unit.number = 3;
  EXPECT_TRUE(KeepReservations(folder + "/new", "iqn.2026-11.org.pushpull:t", nullptr, &unit).ok());
  EXPECT_NE(unit.reservations, nullptr);
  EXPECT_EQ(*unit.restored, ReservationState{});
  WriteFile(folder + "/file", "");
  EXPECT_FALSE(
      KeepReservations(folder + "/file", "iqn.2026-11.org.pushpull:t", nullptr, &unit).ok());
  EXPECT_FALSE(
      KeepReservations(folder + "/no/way", "iqn.2026-11.org.pushpull:t", nullptr, &unit).ok());
}

// ---- with the reservations themselves
// ------------------------------------------------------------

TEST(PersistedReservationsTest, OutliveTheTargetWhereThatIsAskedFor) {
  const std::string folder = Folder();
  const auto begin = [&] {
    auto store = std::make_shared<FileReservationStore>(
        folder, FileReservationStore::Owner{"iqn.2026-11.org.pushpull:t", 3, "S3"});
    const ReservationState state = store->Load().value();
    return std::make_unique<Reservations>(store, state, BugSet());
  };
  RegisterRequest request;
  request.new_key = 5;
  {
    const auto reservations = begin();
    EXPECT_TRUE(reservations->can_persist());
    EXPECT_TRUE(reservations->Register(kOne, request).ok());
  }
  EXPECT_EQ(begin()->state(), ReservationState{}) << "APTPL = 0";
  request.persist = true;
  {
    const auto reservations = begin();
    EXPECT_TRUE(reservations->Register(kOne, request).ok());
    EXPECT_TRUE(reservations->Register(kTwo, request).ok());
    EXPECT_TRUE(reservations->Reserve(kOne, 5, ReservationType::kWriteExclusive).ok());
  }
  {
    const auto reservations = begin();
    EXPECT_TRUE(reservations->restricts());
    EXPECT_TRUE(reservations->state().Holds(kOne));
    EXPECT_EQ(reservations->state().registrations.size(), 2u);
    EXPECT_EQ(reservations->state().generation, 0u);
    EXPECT_TRUE(reservations->state().persist);
    EXPECT_TRUE(reservations->Release(kOne, 5, ReservationType::kWriteExclusive).ok());
  }
  {
    const auto reservations = begin();
    EXPECT_FALSE(reservations->restricts());
    request.key = 5;
    request.new_key = 6;
    request.persist = false;
    EXPECT_TRUE(reservations->Register(kTwo, request).ok());
  }
  EXPECT_EQ(begin()->state(), ReservationState{}) << "the last one said APTPL = 0";
}

TEST(PersistedReservationsTest, WhatCannotBeSavedIsNotSo) {
  class FullDisk final : public ReservationStore {
   public:
    absl::Status Save(const ReservationState&) override { return absl::DataLossError("full"); }
  };
  Reservations reservations(std::make_shared<FullDisk>(), {}, BugSet());
  RegisterRequest request;
  request.new_key = 5;
  request.persist = true;
  const ReservationOutcome outcome = reservations.Register(kOne, request);
  ASSERT_TRUE(outcome.fault.has_value());
  EXPECT_EQ(outcome.fault->ToString(), "4/44/00");
  EXPECT_EQ(reservations.state(), ReservationState{});
}

// The file may hold what was refused: what comes next has to overwrite it, whatever it is.
TEST(PersistedReservationsTest, WhatComesAfterAFailureIsSavedInAnyCase) {
  class Disk final : public ReservationStore {
   public:
    absl::Status Save(const ReservationState& state) override {
      saved.push_back(state);
      return saved.size() == 1 ? absl::DataLossError("full") : absl::OkStatus();
    }
    std::vector<ReservationState> saved;
  };
  auto disk = std::make_shared<Disk>();
  Reservations reservations(disk, {}, BugSet());
  RegisterRequest request;
  request.new_key = 5;
  request.persist = true;
  EXPECT_FALSE(reservations.Register(kOne, request).ok());
  request.persist = false;
  EXPECT_TRUE(reservations.Register(kOne, request).ok());
  ASSERT_EQ(disk->saved.size(), 2u);
  EXPECT_FALSE(disk->saved[1].persist);
  EXPECT_TRUE(reservations.Register(kTwo, request).ok());
  EXPECT_EQ(disk->saved.size(), 2u) << "and from then on as before";
}

}  // namespace
}  // namespace pushpull::target
