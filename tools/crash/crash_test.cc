// Ten thousand power failures: what was promised to be on the medium is there, and nothing that
// nobody wrote. And whoever breaks the promise is found out.

#include <memory>
#include <string>
#include <utility>

#include "base/sanitized.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"
#include "tools/crash/scene.h"

namespace pushpull::tools {
namespace {

constexpr int kSeeds = base::kSanitized ? 25 : 250;

constexpr int kPoints = 40;  // of each

TEST(CrashTest, NothingPromisedIsLostAtTenThousandPoints) {
  int points = 0;
  size_t commands = 0;
  size_t syncs = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const SceneResult result = PlayScene({.seed = seed, .crash_points = kPoints});
    EXPECT_EQ(result.finding, "") << "seed " << seed;
    points += result.crash_points;
    commands += result.commands;
    syncs += result.syncs;
  }
  EXPECT_EQ(points, kSeeds * kPoints);
  // It was no idle disk that lost its power.
  EXPECT_GT(commands, kSeeds * 100u);
  EXPECT_GT(syncs, kSeeds * 10u);
}

// The first seed that finds it, or 0.
uint64_t SeedThatFinds(SceneOptions options, std::string* finding) {
  for (options.seed = 1; options.seed <= 40; ++options.seed) {
    *finding = PlayScene(options).finding;
    if (!finding->empty()) return options.seed;
  }
  return 0;
}

struct Mutant {
  std::string name;
  SceneOptions options;
  std::string finding;  // a part of it
};

void PrintTo(const Mutant& mutant, std::ostream* out) { *out << mutant.name; }

constexpr char kLost[] = "promised to be on the medium";

class MutantTest : public testing::TestWithParam<Mutant> {};

TEST_P(MutantTest, IsFound) {
  std::string finding;
  const uint64_t seed = SeedThatFinds(GetParam().options, &finding);
  ASSERT_NE(seed, 0u) << "no seed finds it";
  EXPECT_NE(finding.find(GetParam().finding), std::string::npos) << finding;
  RecordProperty("seed", static_cast<int>(seed));
}

// Answers flushes that come while one runs together with that one.
class JoinsFlushes final : public target::Store {
 public:
  explicit JoinsFlushes(std::shared_ptr<target::Store> behind) : behind_(std::move(behind)) {}

  std::optional<absl::Status> Submit(target::Io* io) override {
    if (io->op != target::Io::Op::kFlush) return behind_->Submit(io);
    joined_.push_back(io);
    if (joined_.size() > 1) return std::nullopt;
    flush_.loop = io->loop;
    flush_.op = target::Io::Op::kFlush;
    flush_.done = [this](const absl::Status& status) {
      for (target::Io* one : std::exchange(joined_, {})) {
        one->loop->Post([one, status] { target::FinishIo(one, status); });
      }
    };
    return behind_->Submit(&flush_);
  }
  uint64_t size_bytes() const override { return behind_->size_bytes(); }
  bool has_volatile_cache() const override { return true; }
  bool can_unmap() const override { return true; }

 private:
  const std::shared_ptr<target::Store> behind_;
  target::Io flush_;
  std::vector<target::Io*> joined_;
};

std::vector<Mutant> Wirings() {
  return {
      {"SyncDoesNothing", {.faults = {.sync_does_nothing = true}}, kLost},
      {"SyncAnsweredEarly", {.faults = {.sync_answered_early = true}}, kLost},
      {"DurableWriteIsPlain", {.faults = {.durable_write_is_plain = true}}, kLost},
      {"WritesAnsweredEarly", {.faults = {.writes_answered_early = true}}, kLost},
      {"HolesAreNotSynced", {.faults = {.punch_lasts_not = true}}, kLost},
      {"FlushJoinsTheOneThatRuns",
       {.wrap_store = [](auto store) { return std::make_shared<JoinsFlushes>(std::move(store)); }},
       kLost},
  };
}

INSTANTIATE_TEST_SUITE_P(Wirings, MutantTest, testing::ValuesIn(Wirings()),
                         [](const auto& info) { return info.param.name; });

#if PUSHPULL_BUGS

// The target's own defects of this kind.
std::vector<Mutant> Defects() {
  std::vector<Mutant> mutants;
  for (const target::BugInfo& info : target::AllBugs()) {
    if (!info.by_power_failure()) continue;
    SceneOptions options;
    options.bugs.Add(info.bug);
    mutants.push_back({std::string(info.name), options, kLost});
  }
  return mutants;
}

INSTANTIATE_TEST_SUITE_P(Defects, MutantTest, testing::ValuesIn(Defects()),
                         [](const auto& info) { return info.param.name; });

#endif

}  // namespace
}  // namespace pushpull::tools
