// streams: random SCSI commands on the reference target beside the model, for as long as one likes.

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "fuzz/streams/in_process.h"
#include "fuzz/streams/stream.h"
#include "target/bugs/bugs.h"
#include "tools/streams/wire.h"

namespace pushpull::tools {
namespace {

struct Options {
  std::string over = "all";
  uint64_t seed = 1;
  uint64_t commands = 100000;
  uint64_t minutes = 0;  // 0: by `commands` alone
  std::vector<std::string> bugs;
};

struct Way {
  const char* name;
  uint64_t commands;  // of one stream
};
constexpr Way kWays[] = {{"in-process", 2000}, {"tcp", 200}, {"iser", 200}};

std::optional<streams::Finding> PlayOne(const Way& way, uint64_t seed, const target::BugSet& bugs) {
  const std::string name = way.name;
  if (name == "in-process") {
    return streams::RunInProcess({.seed = seed, .commands = way.commands, .bugs = bugs});
  }
  const Transport transport = name == "tcp" ? Transport::kTcp : Transport::kIser;
  return RunOverWire(
      {.transport = transport, .seed = seed, .commands = way.commands, .bugs = bugs});
}

void Tell(const Way& way, uint64_t seed, const streams::Finding& finding) {
  std::printf("difference: %s, stream seed %llu: %s\n%zu items are left:\n%s", way.name,
              static_cast<unsigned long long>(seed), finding.text.c_str(), finding.stream.size(),
              streams::Describe(finding.stream).c_str());
}

int Run(const Options& options) {
  target::BugSet bugs;
  for (const std::string& name : options.bugs) {
    const auto bug = target::ParseBugName(name);
    if (!bug.ok()) {
      std::fprintf(stderr, "--bug: %s\n", std::string(bug.status().message()).c_str());
      return 2;
    }
    bugs.Add(*bug);
  }
  const absl::Time end = absl::Now() + absl::Minutes(options.minutes);
  base::Random random(options.seed);
  uint64_t played = 0;
  uint64_t findings = 0;
  const auto goes_on = [&] {
    return options.minutes > 0 ? absl::Now() < end : played < options.commands;
  };
  for (uint64_t turn = 0; goes_on() && findings < 10; ++turn) {
    for (const Way& way : kWays) {
      if (options.over != "all" && options.over != way.name) continue;
      const uint64_t seed = random.Next();
      const auto finding = PlayOne(way, seed, bugs);
      played += way.commands;
      if (!finding.has_value()) continue;
      ++findings;
      Tell(way, seed, *finding);
    }
    if (options.minutes > 0 && turn % 64 == 63) {
      std::printf("%llu commands, %llu differences\n", static_cast<unsigned long long>(played),
                  static_cast<unsigned long long>(findings));
      std::fflush(stdout);
    }
  }
  std::printf("%llu commands from --seed %llu on, %llu differences\n",
              static_cast<unsigned long long>(played),
              static_cast<unsigned long long>(options.seed),
              static_cast<unsigned long long>(findings));
  return findings == 0 ? 0 : 1;
}

}  // namespace
}  // namespace pushpull::tools

int main(int argc, char** argv) {
  pushpull::tools::Options options;
  CLI::App app{
      "Plays random SCSI commands on the reference target and compares each answer with "
      "the model's"};
  app.add_option("--over", options.over, "in-process, tcp, iser (both simulated), or all")
      ->check(CLI::IsMember({"in-process", "tcp", "iser", "all"}));
  app.add_option("--seed", options.seed, "what it begins with; the same seed, the same commands");
  app.add_option("--commands", options.commands, "how many, at the least");
  app.add_option("--minutes", options.minutes, "how long, instead");
  app.add_option("--bug", options.bugs, "a named defect of the target, to be found");
  CLI11_PARSE(app, argc, argv);
  return pushpull::tools::Run(options);
}
